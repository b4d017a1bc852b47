"""Apache Arrow: formats that pyarrow reads, and rows of record batches as numpy arrays."""

import os
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.data.arrow_schema import is_bytes, is_text
from reportgen.data.file_columns import position
from reportgen.data.format import (
    FileColumn,
    FileTable,
    Format,
    ReadValues,
    TableError,
    Wanted,
    one_after_another,
)
from reportgen.data.unpacking import AGAIN, DAMAGED
from reportgen.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

Arrays = Mapping[str, "pa.Array"]
"""Some rows of columns by their names."""


@contextmanager
def reading(subject: str = "") -> Iterator[None]:
    """Turn what pyarrow raises into a SourceError.

    subject: what stands before its message, such as ``its file a.parquet ``.
    """
    import pyarrow as pa

    damage = (OSError, ValueError, LookupError, ArithmeticError, TypeError, RuntimeError)
    try:
        yield
    except (pa.ArrowException, MemoryError, *damage) as error:
        raise _damage(subject, error) from None


def _damage(subject: str, error: Exception) -> SourceError:
    number, text = (getattr(error, name, None) for name in ("errno", "strerror"))
    if number is not None and text and "arrow" not in text.lower():
        said = f"{subject}cannot be read: {text.splitlines()[0]}"
        return SourceError(said, "check its path, its permissions and the disk")
    said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    if "encrypt" in said.lower() or "decrypt" in said.lower():
        return SourceError(f"{subject}is encrypted", "have it written without encryption")
    hint = DAMAGED
    if isinstance(error, NotImplementedError) or "not built" in said or "not supported" in said:
        hint = "have it written anew, without compression or with zstd"
    return SourceError(f"{subject}cannot be read: {said}", hint)


def both_ends(path: Path, length: int) -> tuple[bytes, bytes, int]:
    """Return the first and the last bytes of a file, and how many it has."""
    with path.open("rb") as file:
        start = file.read(length)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - length, 0))
        return start, file.read(length), size


def to_numpy(array: "pa.Array", column: FileColumn, index: int | None = None) -> NDArray[Any]:
    """Return the values of a column, masked where some are missing.

    column: what they are; the array may be of the null type. index: which value of each row.
    """
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_null(array.type):
        return _missing_values(len(array), column)
    if index is not None:
        array = pc.list_element(_plain(array), index)
    array = _plain(array)
    kind = array.type
    if is_bytes(kind):
        texts = [None if each is None else each.rstrip(b"\0").decode("utf-8", "backslashreplace")
                 for each in array.to_pylist()]  # fmt: skip
        return np.array(texts, object)
    if is_text(kind) or column.dtype == "time":
        values: NDArray[Any] = array.to_numpy(zero_copy_only=False)
        return values
    if types.is_decimal(kind) and column.dtype == "<f8":
        # By way of text: Arrow's own cast is off by a bit for every fourth number.
        array = array.cast("string").cast("float64")
    elif types.is_decimal(kind) or types.is_duration(kind):
        array = array.cast("int64")
    missing = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    if missing is not None and not types.is_floating(array.type):  # which are NaN where missing
        array = pc.fill_null(array, False if types.is_boolean(array.type) else 0)
    values = np.asarray(array.to_numpy(zero_copy_only=False), np.dtype(column.dtype))
    return values if missing is None else np.ma.masked_array(values, missing)


def _plain(array: "pa.Array") -> "pa.Array":
    """Return an array without its dictionary or the name of its extension."""
    from pyarrow import types

    while hasattr(array.type, "storage_type") or types.is_dictionary(array.type):
        array = array.dictionary_decode() if types.is_dictionary(array.type) else array.storage
    return array


def _missing_values(rows: int, column: FileColumn) -> NDArray[Any]:
    if column.dtype == "time":
        return np.full(rows, np.datetime64("NaT", "us"))
    if column.dtype == "str":
        return np.full(rows, None, object)
    return np.ma.masked_array(np.zeros(rows, column.dtype), True)


def _with_mask(values: NDArray[Any], mask: "pa.Array") -> NDArray[Any]:
    """Return values with those missing that a mask says, beside those that are already."""
    missing = np.ma.filled(to_numpy(mask, FileColumn("", "|b1")), True).astype(bool)
    if values.dtype.kind in "OM":
        values = values.copy()
        values[missing] = None
        return values
    return np.ma.masked_array(values, np.ma.getmaskarray(values) | missing)


@dataclass(frozen=True)
class ArrowRows:
    """A table whose rows come as batches of arrays.

    starts: the first row of each part from which reading can begin, in rising order from 0.
    batches: gives the columns of some names, in batches, of a part and of all that follow it.
    masks: by columns, the names of those that say where they are missing. convert: makes an array
    of numpy of one of Arrow.
    """

    table: FileTable
    starts: Sequence[int]
    batches: Callable[[Sequence[str], int], Iterator[Arrays]]
    masks: Mapping[str, str] = field(default_factory=dict)
    convert: Callable[["pa.Array", FileColumn, int | None], NDArray[Any]] = to_numpy


class ArrowFormat(Format):
    """A format that pyarrow reads, of files with one table that has no name."""

    @abstractmethod
    def look_at(self, path: Path) -> ArrowRows:
        """Return what the table holds, and how its rows are read."""

    def _look(self, path: Path, dataset: str) -> ArrowRows:
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            said = f"is {self.name}, which needs pyarrow, and that is not installed"
            raise SourceError(said, "pip install 'reportgen[parquet]'") from None
        if dataset:
            raise TableError("holds one table, which has no name", "leave out dataset")
        return self.look_at(path)

    def describe(self, path: Path, dataset: str) -> FileTable:
        return self._look(path, dataset).table

    @contextmanager
    def open(self, path: Path, dataset: str, wanted: Sequence[Wanted]) -> Iterator[ReadValues]:
        rows = self._look(path, dataset)
        known = rows.table.columns
        columns = [known[position(known, each)] for each in wanted]
        masks = [rows.masks.get(column.name) for column in columns]
        names = list(dict.fromkeys([*(each.name for each in columns), *filter(None, masks)]))
        reader = _RowReader(rows.table.rows, rows.starts, partial(rows.batches, names))

        def read(start: int, stop: int) -> list[NDArray[Any]]:
            pieces: list[list[NDArray[Any]]] = [[] for _ in columns]
            for arrays in reader.slices(start, stop) if columns else ():
                with reading():
                    for piece, column, each, mask in zip(
                        pieces, columns, wanted, masks, strict=True
                    ):
                        values = rows.convert(arrays[column.name], column, each.index)
                        piece.append(values if mask is None else _with_mask(values, arrays[mask]))
            return [
                one_after_another(piece) if piece else np.ma.getdata(_missing_values(0, column))
                for piece, column in zip(pieces, columns, strict=True)
            ]

        yield read


class _RowReader:
    """Reads ranges of rows of a table that comes in batches, and keeps the last one."""

    def __init__(
        self, rows: int, starts: Sequence[int], batches: Callable[[int], Iterator[Arrays]]
    ) -> None:
        self._rows = rows
        self._starts = starts
        self._batches = batches
        self._coming: Iterator[Arrays] = iter(())
        self._last: Arrays = {}
        self._first = self._end = rows + 1  # rows of the last batch; none yet

    def slices(self, start: int, stop: int) -> Iterator[Arrays]:
        """Give rows start to stop, in pieces; SourceError where the table ends before."""
        while start < stop:
            self._go_to(start)
            end = min(stop, self._end)
            part = slice(start - self._first, end - self._first)
            yield {name: array[part] for name, array in self._last.items()}
            start = end

    def _go_to(self, row: int) -> None:
        """Make the last batch the one that has a row."""
        part = bisect_right(self._starts, row) - 1
        if row < self._first or self._starts[part] > self._end:
            self._coming = self._batches(part)
            self._last, self._first = {}, self._starts[part]
            self._end = self._first
        while row >= self._end:
            batch = next(self._coming, None)
            if batch is None:
                said = f"is truncated: it holds {self._end} rows, and should hold {self._rows}"
                raise SourceError(said, AGAIN)
            self._last, self._first = batch, self._end
            self._end += len(next(iter(batch.values())))

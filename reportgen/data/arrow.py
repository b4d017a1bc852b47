"""Apache Arrow: what its types are here, and rows of record batches as numpy arrays."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from reportgen.data.format import FileColumn, ReadValues, TableError, Wanted
from reportgen.data.unpacking import AGAIN, DAMAGED
from reportgen.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

Arrays = Sequence["pa.Array"]
"""Some rows of the columns that are read, in their order."""
Convert = Callable[[Arrays], NDArray[Any]]
"""Returns the values of one wanted column of some rows."""

Part = TypeVar("Part")

# Decimal digits that a float64 keeps whatever they are, and those that an int64 holds.
FLOAT_DIGITS, INTEGER_DIGITS = 15, 18
# Arrow's names of types that are not numpy's.
_NUMPY_NAMES = {"halffloat": "float16", "float": "float32", "double": "float64"}


def require_pyarrow(what: str) -> None:
    """Raise SourceError where pyarrow is not installed; what: ``a Parquet file``."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        said = f"is {what}, which needs pyarrow, and that is not installed"
        raise SourceError(said, "pip install 'reportgen[parquet]'") from None


def require_no_dataset(dataset: str) -> None:
    """Raise TableError where a dataset is named of a file that holds one table without a name."""
    if dataset:
        raise TableError("holds one table, which has no name", "leave out dataset")


@contextmanager
def reading(subject: str = "") -> Iterator[None]:
    """Turn what pyarrow raises into a SourceError.

    subject: what stands before its message, such as ``its file a.parquet ``.
    """
    import pyarrow as pa

    try:
        yield
    except OSError as error:
        if error.errno is not None and error.strerror and "arrow" not in error.strerror.lower():
            said = f"{subject}cannot be read: {error.strerror.splitlines()[0]}"
            raise SourceError(said, "check its path, its permissions and the disk") from None
        raise _damage(subject, error) from None
    except (pa.ArrowException, ValueError, LookupError, ArithmeticError, TypeError) as error:
        raise _damage(subject, error) from None
    except (MemoryError, RuntimeError) as error:
        raise _damage(subject, error) from None


def _damage(subject: str, error: Exception) -> SourceError:
    said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    if "encrypt" in said.lower() or "decrypt" in said.lower():
        return SourceError(f"{subject}is encrypted", "have it written without encryption")
    if isinstance(error, NotImplementedError) or "not built" in said or "not supported" in said:
        hint = "have it written anew, without compression or with zstd"
        return SourceError(f"{subject}cannot be read: {said}", hint)
    return SourceError(f"{subject}cannot be read: {said}", DAMAGED)


def describe_type(kind: "pa.DataType") -> FileColumn:
    """Return what values of a type are; a column without a name."""
    from pyarrow import types

    while hasattr(kind, "storage_type") or types.is_dictionary(kind):
        kind = kind.value_type if types.is_dictionary(kind) else kind.storage_type
    if types.is_fixed_size_list(kind):
        inner = describe_type(kind.value_type)
        why = inner.unreadable or ("" if kind.list_size else "holds lists of no values")
        return replace(inner, shape=(kind.list_size, *inner.shape), unreadable=why)
    if types.is_decimal(kind):
        return _describe_decimal(kind)
    dtype, unit, why = "str", "", ""
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        dtype = np.dtype(_NUMPY_NAMES.get(str(kind), str(kind))).str
    elif types.is_timestamp(kind) or types.is_date(kind):
        dtype = "time"
    elif types.is_duration(kind):
        dtype, unit = "<i8", kind.unit
    elif not _is_text(kind) and not _is_bytes(kind):
        why = f"holds {_what_is_in(kind)}"
    return FileColumn(name="", dtype=dtype, unit=unit, unreadable=why)


def _describe_decimal(kind: "pa.DataType") -> FileColumn:
    if kind.scale == 0 and kind.precision <= INTEGER_DIGITS:
        return FileColumn(name="", dtype="<i8")
    if kind.precision <= FLOAT_DIGITS:
        return FileColumn(name="", dtype="<f8")
    why = f"holds decimal numbers of {kind.precision} digits, more than a float64 has"
    return FileColumn(name="", dtype="<f8", unreadable=why)


def _is_text(kind: "pa.DataType") -> bool:
    return str(kind) in ("string", "large_string", "string_view")


def _is_bytes(kind: "pa.DataType") -> bool:
    known = ("binary", "large_binary", "binary_view")
    return str(kind) in known or str(kind).startswith("fixed_size_binary")


def _what_is_in(kind: "pa.DataType") -> str:
    from pyarrow import types

    if types.is_null(kind):
        return "no values, and does not say of which type they would be"
    if types.is_time(kind):
        return "times of day without a date"
    if types.is_struct(kind) or types.is_map(kind):
        return "nested values"
    if "list" in str(kind).partition("<")[0]:
        return "lists of various lengths"
    return f"values of Arrow's type {str(kind)[:60]}, which cannot be read here"


def to_numpy(array: "pa.Array", column: FileColumn, index: int | None = None) -> NDArray[Any]:
    """Return the values of a column, masked where some are missing.

    column: what they are; the array may be of the null type. index: which value of each row.
    """
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_null(array.type):
        return _missing_values(len(array), column)
    for step in np.unravel_index(index, column.shape) if index is not None else ():
        array = pc.list_element(_plain(array), int(step))
    array = _plain(array)
    kind = array.type
    if _is_bytes(kind):
        texts = [None if each is None else each.rstrip(b"\0").decode("utf-8", "backslashreplace")
                 for each in array.to_pylist()]  # fmt: skip
        return _objects(texts)
    if _is_text(kind):
        return _objects(array.to_pylist())
    if column.dtype == "time":
        times: NDArray[Any] = array.to_numpy(zero_copy_only=False)
        return times
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


def _objects(texts: list[str | None]) -> NDArray[Any]:
    values = np.empty(len(texts), object)
    values[:] = texts
    return values


def _missing_values(rows: int, column: FileColumn) -> NDArray[Any]:
    if column.dtype == "time":
        return np.full(rows, np.datetime64("NaT", "us"))
    if column.dtype == "str":
        return np.full(rows, None, object)
    return np.ma.masked_array(np.zeros(rows, column.dtype), True)


def mask_values(values: NDArray[Any], mask: NDArray[Any]) -> NDArray[Any]:
    """Return values with those missing that a mask says, beside those that are already."""
    missing = np.ma.filled(mask, True).astype(bool)
    if values.dtype.kind in "OM":
        values = values.copy()
        values[missing] = None
        return values
    return np.ma.masked_array(values, np.ma.getmaskarray(values) | missing)


def needed_names(columns: Sequence[FileColumn], masks: Mapping[str, str]) -> list[str]:
    """Return the names of some columns and of those that say where their values are missing."""
    names = [column.name for column in columns]
    return list(dict.fromkeys([*names, *(masks[name] for name in names if name in masks)]))


def converters(
    columns: Sequence[FileColumn],
    wanted: Sequence[Wanted],
    names: Sequence[str],
    masks: Mapping[str, str],
) -> list[Convert]:
    """Return what makes the wanted values of arrays that come in the order of names."""
    numbers = {name: number for number, name in enumerate(names)}
    return [
        _converter(column, want.index, numbers, masks.get(column.name))
        for column, want in zip(columns, wanted, strict=True)
    ]


def _converter(
    column: FileColumn, index: int | None, numbers: Mapping[str, int], mask: str | None
) -> Convert:
    number = numbers[column.name]
    if mask is None:
        return lambda arrays: to_numpy(arrays[number], column, index)
    truth, place = FileColumn(mask, "|b1"), numbers[mask]
    return lambda arrays: mask_values(
        to_numpy(arrays[number], column, index), to_numpy(arrays[place], truth)
    )


class RowReader:
    """Reads ranges of rows of a table that comes in batches, and keeps the last one.

    rows: of the table. starts: the first row of each part from which reading can begin, in rising
    order from 0. batches: gives the batches of a part and of all that follow it.
    """

    def __init__(
        self, rows: int, starts: Sequence[int], batches: Callable[[int], Iterator[Arrays]]
    ) -> None:
        self._rows = rows
        self._starts = starts
        self._batches = batches
        self._coming: Iterator[Arrays] = iter(())
        self._last: Arrays = []
        self._first = self._end = rows + 1  # rows of the last batch; none yet

    def slices(self, start: int, stop: int) -> Iterator[Arrays]:
        """Give rows start to stop, in pieces; SourceError where the table ends before."""
        while start < stop:
            self._go_to(start)
            end = min(stop, self._end)
            yield [array[start - self._first : end - self._first] for array in self._last]
            start = end

    def _go_to(self, row: int) -> None:
        """Make the last batch the one that has a row."""
        part = bisect_right(self._starts, row) - 1
        if row < self._first or self._starts[part] > self._end:
            self._coming = self._batches(part)
            self._last, self._first = [], self._starts[part]
            self._end = self._first
        while row >= self._end:
            batch = next(self._coming, None)
            if batch is None:
                said = f"is truncated: it holds {self._end} rows, and should hold {self._rows}"
                raise SourceError(said, AGAIN)
            self._last, self._first = batch, self._end
            self._end += len(batch[0])


def read_values(
    reader: RowReader, columns: Sequence[FileColumn], converts: Sequence[Convert]
) -> ReadValues:
    """Return the function of an open table.

    columns: those wanted. converts: makes numpy arrays of each.
    """

    def read(start: int, stop: int) -> list[NDArray[Any]]:
        pieces: list[list[NDArray[Any]]] = [[] for _ in columns]
        if not columns:
            return []
        for arrays in reader.slices(start, stop):
            with reading():
                for piece, convert in zip(pieces, converts, strict=True):
                    piece.append(convert(arrays))
        return [_join(each, column) for each, column in zip(pieces, columns, strict=True)]

    return read


def _join(pieces: list[NDArray[Any]], column: FileColumn) -> NDArray[Any]:
    """Return some pieces of a column as one array, which is nobody else's memory."""
    if not pieces:
        return np.ma.getdata(_missing_values(0, column))
    if any(np.ma.isMaskedArray(piece) for piece in pieces):
        joined: NDArray[Any] = np.ma.concatenate(pieces)  # type: ignore[no-untyped-call]
        return joined
    return np.concatenate(pieces)

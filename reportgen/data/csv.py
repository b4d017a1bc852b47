"""CSV and other tables of text with one delimiter, read in a stream by Arrow.

A pass over the whole file decides what its columns are. Blanks around a cell are no part of it.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.data.arrow import Arrays, ArrowFormat, ArrowRows, reading
from reportgen.data.csv_layout import (
    MISSING,
    Layout,
    find_ragged_line,
    looks_like_table,
    open_text,
    read_layout,
)
from reportgen.data.file_digests import Stamp, stamp
from reportgen.data.format import FileColumn, FileTable
from reportgen.data.unpacking import reading_file, unpacked_start
from reportgen.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import csv

# Bytes read at once; a row must not be longer.
BLOCK = 2**20
# Kinds in the order in which they are taken where several fit all cells, and the types of columns.
# Whole numbers beyond 64 bits are names of things more than numbers, and a float64 rounds them.
DTYPES = {
    "truth": "|b1",
    "int64": "<i8",
    "uint64": "<u8",
    "digits": "str",
    "float64": "<f8",
    "time[us]": "time",
    "time[us, UTC]": "time",
    "time[ns]": "time",
    "time[ns, UTC]": "time",
    "text": "str",
}
TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")


class CsvTable(ArrowFormat):
    """A table of text: a header line, then a line for each row."""

    name = "a CSV file"
    pattern = "*.csv"

    def recognises(self, path: Path, start: bytes) -> bool:
        return looks_like_table(path, unpacked_start(path, start))

    def look_at(self, path: Path) -> ArrowRows:
        return _read_whole(path, stamp(path))


# A pass takes as long as reading the file does, and who opens it needs what it found.
@lru_cache(maxsize=16)
def _read_whole(path: Path, now: Stamp | None) -> ArrowRows:
    """Return the columns and the number of rows of a file, and how they are read.

    now: the stamp of the file, so that it is read again when it has changed.
    """
    with reading_file():
        layout = read_layout(path)
    possible = {name: list(DTYPES) for name in layout.names}
    filled = dict.fromkeys(layout.names, False)
    rows = 0
    for arrays in _batches(path, layout, layout.names):
        rows += len(next(iter(arrays.values())))
        with reading():
            for name, array in arrays.items():
                cells = clean(array)
                filled[name] = filled[name] or cells.null_count < len(cells)
                possible[name] = narrow(possible[name], cells)
    # A column without any cell is one of numbers that are missing.
    kinds = {name: possible[name][0] if filled[name] else "float64" for name in layout.names}
    columns = tuple(
        FileColumn(name, DTYPES[kinds[name]], unit=unit)
        for name, unit in zip(layout.names, layout.units, strict=True)
    )
    return ArrowRows(
        FileTable(rows, columns, in_order=True),
        [0],
        batches=lambda names, _: _batches(path, layout, names),
        convert=lambda array, column, _: read_cells(clean(array), kinds[column.name]),
    )


def _batches(path: Path, layout: Layout, names: Sequence[str]) -> Iterator[Arrays]:
    """Give the cells of some columns as texts."""
    if not layout.has_rows:
        return
    ragged: list[csv.InvalidRow] = []
    with reading_file(), ExitStack() as stack:
        try:
            stream = stack.enter_context(open_text(path, layout))
            reader = _open_csv(stream, layout, names, ragged)
            # Arrow reads ahead in a thread, for which this waits. Were the stream closed before it,
            # the thread might read from the next file that gets its number, which then lacks rows.
            stack.callback(reader.close)
            while True:
                batch = reader.read_next_batch()
                yield {name: batch.column(name) for name in names}
        except StopIteration:
            return
        except (ValueError, RuntimeError, LookupError) as error:
            raise _why_not(path, layout, error, is_ragged=bool(ragged)) from None


def _open_csv(
    stream: Any, layout: Layout, names: Sequence[str], ragged: list["csv.InvalidRow"]
) -> "csv.CSVStreamingReader":
    import pyarrow as pa
    from pyarrow import csv

    def judge(row: "csv.InvalidRow") -> str:
        if row.text.lstrip().startswith("#"):
            return "skip"
        ragged.append(row)
        return "error"

    return csv.open_csv(
        stream,
        read_options=csv.ReadOptions(
            use_threads=False,
            block_size=BLOCK,
            column_names=layout.names,
            skip_rows=layout.lines_before,
        ),
        parse_options=csv.ParseOptions(
            delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=judge
        ),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=list(names),
            strings_can_be_null=False,
        ),
    )


def _why_not(path: Path, layout: Layout, error: Exception, *, is_ragged: bool) -> SourceError:
    said = str(error)
    if is_ragged:
        return find_ragged_line(path, layout)
    if "UTF8" in said:
        return SourceError("is not UTF-8 text", "iconv -f latin1 -t utf-8 FILE converts it")
    if "straddling" in said:
        return SourceError(
            f"has a row of more than {BLOCK >> 20} MB", "close the quotation mark that is open"
        )
    try:
        with reading():
            raise error
    except SourceError as told:
        return told


# --- What cells are ----------------------------------------------------------------------------


def clean(texts: "pa.Array") -> "pa.Array":
    """Return cells without the blanks around them, null where they say that nothing is there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(cells, pa.array(MISSING)), pa.scalar(None, pa.string()), cells)


def narrow(possible: list[str], cells: "pa.Array") -> list[str]:
    """Return those of the possible kinds that some more cells fit too."""
    kept: list[str] = []
    few = cells.drop_null().slice(0, 100)  # Arrow takes long over cells that are not of a kind
    for kind in possible:
        if kind == "text" or ("int64" in kept and kind in ("digits", "float64")):
            kept.append(kind)  # which any cell is, or any whole number
            continue
        try:
            _parse(few, kind)
            _parse(cells, kind)
        except (ValueError, OverflowError):
            continue
        kept.append(kind)
    return kept


def read_cells(cells: "pa.Array", kind: str) -> NDArray[Any]:
    """Return cells as numbers, masked where missing; as times or texts."""
    values = _parse(cells, kind)
    if not cells.null_count or values.dtype.kind in "OM":
        return values
    return np.ma.masked_array(values, _to_numpy(cells.is_null()))


def _parse(cells: "pa.Array", kind: str) -> NDArray[Any]:
    """Return cells as a kind, 0 where missing; ValueError or OverflowError where they are not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == "text":
        return _to_numpy(cells)
    if kind == "digits":
        _require(pc.match_substring_regex(cells, r"^[+-]?[0-9]+$"))
        return _to_numpy(cells)
    if kind == "truth":
        true = pc.is_in(cells, pa.array(TRUE))
        _require(pc.or_(pc.is_null(cells), pc.or_(true, pc.is_in(cells, pa.array(FALSE)))))
        return _to_numpy(true)
    if kind.startswith("time"):
        unit, _, zone = kind[5:-1].partition(", ")
        return _to_numpy(cells.cast(pa.timestamp(unit, zone or None)))
    try:
        # Of what Arrow reads as a number, hexadecimal ones are none to Python.
        if kind != "float64":
            _require(pc.invert(pc.match_substring_regex(cells, "[xX]")))
        numbers = pc.fill_null(cells.cast(kind), 0)
    except pa.ArrowInvalid:
        return _parse_singly(cells, kind)
    return _to_numpy(numbers)


def _parse_singly(cells: "pa.Array", kind: str) -> NDArray[Any]:
    """Return cells as Python reads them: ``+1`` too, which Arrow does not know."""
    read = float if kind == "float64" else int
    numbers = []
    for start in range(0, len(cells), 1000):  # few, for most often the first is no number
        for text in cells[start : start + 1000].to_pylist():
            if text is not None and "_" in text:
                raise ValueError("no program writes numbers so")
            numbers.append(0 if text is None else read(text))
    return np.array(numbers, kind)


def _to_numpy(array: "pa.Array") -> NDArray[Any]:
    return np.asarray(array.to_numpy(zero_copy_only=False))


def _require(truths: "pa.BooleanArray") -> None:
    import pyarrow.compute as pc

    if pc.all(truths).as_py() is False:
        raise ValueError("not all cells are so")

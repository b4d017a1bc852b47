"""CSV and other tables of text with one delimiter, read in a stream by Arrow.

A pass over the whole file decides what its columns are. Blanks around a cell are no part of it.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.data.arrow import Arrays, ArrowFormat, ArrowRows, reading
from reportgen.data.csv_cells import DTYPES, clean, narrow, read_cells
from reportgen.data.csv_layout import (
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
    from pyarrow import csv

# Bytes read at once; a row must not be longer.
BLOCK = 2**20


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

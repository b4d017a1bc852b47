"""VOTable: TABLEDATA, BINARY and BINARY2, packed or not; for tables that fit into memory.

Values are read by astropy, and missing where it says so.
"""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.suggest import unknown
from reportgen.data.file_columns import position
from reportgen.data.file_digests import Stamp, stamp
from reportgen.data.format import FileColumn, FileTable, Format, ReadValues, TableError, Wanted
from reportgen.data.unpacking import (
    DAMAGED,
    no_warnings,
    open_unpacked,
    reading_file,
    reason,
    unpacked_start,
)
from reportgen.data.votable_header import VOHeader, VOTable, read_header
from reportgen.errors import SourceError
from reportgen.wording import counted

Columns = tuple[FileColumn, ...]
Values = np.ma.MaskedArray[Any, Any]
"""With a field for each column, in their order."""

_ROOT = re.compile(
    rb"\A(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*<.*?(?<=<)([\w.-]+:)?VOTABLE[\s>]", re.DOTALL
)
_FIELD = re.compile(rb"(<(?:[\w.-]+:)?FIELD)(?=\s)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)")
_IS_TEXT = re.compile(rb"\sdatatype\s*=\s*[\"'](char|unicodeChar|string|unicodeString)[\"']")
_ARRAYSIZE = re.compile(rb"\sarraysize\s*=\s*(\"[^\"]*\"|'[^']*')")
_ROOT_WITHIN = 65536  # bytes
_LISTED = 20  # tables in a hint


class VOTableFile(Format):
    """VOTable."""

    name = "a VOTable"
    pattern = "*.vot*"

    def recognises(self, path: Path, start: bytes) -> bool:
        # Of UTF-16, every other byte of such a name is zero.
        return bool(_ROOT.search(unpacked_start(path, start).replace(b"\0", b"")))

    def describe(self, path: Path, dataset: str) -> FileTable:
        """Return what a table holds; all of the file is read, with little memory.

        dataset: ID or name of a table, or its number, the first one being 1.
        """
        header = _header(path)
        table = header.tables[_find(header, dataset)]
        return FileTable(table.rows, table.columns, notes=tuple(header.notes), in_order=True)

    @contextmanager
    def open(self, path: Path, dataset: str, wanted: Sequence[Wanted]) -> Iterator[ReadValues]:
        with no_warnings():
            columns, array = _load(path, dataset, stamp(path))
        picked = [_pick(columns, array, each) for each in wanted]
        yield lambda start, stop: [values[start:stop] for values in picked]


def _header(path: Path) -> VOHeader:
    with reading_file(), open_unpacked(path) as stream:
        return read_header(stream)


def _find(header: VOHeader, dataset: str) -> int:
    """Return which of the tables is meant; SourceError lists those that there are."""
    there = [number for number, table in enumerate(header.tables) if table.fields]
    if not there:
        raise TableError("holds no table", "name a file with a table")
    if dataset:
        named = [number for number in there if dataset in header.tables[number].names]
        if not named and dataset.isdecimal() and int(dataset) - 1 in there:
            named = [int(dataset) - 1]
    else:
        named = there
    if len(named) == 1:
        return named[0]
    shown = "; ".join(_shown(header.tables[each], each) for each in (named or there)[:_LISTED])
    if named:
        called = f" that are called {dataset}" if dataset else ""
        said = f"holds {len(named)} tables{called}"
        raise TableError(said, f"name one of them, or its number, as dataset: {shown}")
    names = {name for number in there for name in header.tables[number].names}
    raise TableError(unknown("table", dataset, names), f"tables in the file: {shown}")


def _shown(table: VOTable, number: int) -> str:
    named = f"{number + 1} ({', '.join(sorted(table.names))})" if table.names else f"{number + 1}"
    return f"{named}: {counted(table.rows, 'rows')}, {counted(len(table.fields), 'columns')}"


@lru_cache(maxsize=2)
def _load(path: Path, dataset: str, now: Stamp | None) -> tuple[Columns, Values]:
    """Return the columns of a table and their values, kept for those who read other rows of it.

    now: the stamp of the file, so that it is read again when it has changed. To be called where
    warnings are ignored.
    """
    from astropy.io import votable

    header = _header(path)
    number = _find(header, dataset)
    table = header.tables[number]
    if table.elsewhere or table.written in ("FITS", "PARQUET"):
        where = f"at {table.elsewhere}" if table.elsewhere else f"in {table.written} inside it"
        raise SourceError(f"keeps its rows {where}, where they are not read", "name that file")
    columns = table.columns
    with reading_file(), open_unpacked(path) as stream:
        content = _as_version_1_4(stream.read())
    if {each.written for each in header.tables} <= {"TABLEDATA", ""}:
        content = _with_whole_texts(content)
    try:
        # Integers that are too large would become the largest that there is, lists of a wrong
        # length would be cut or filled; of columns without values, that does not matter.
        warnings.filterwarnings("error", category=votable.exceptions.W51)
        has_values = "(?!.*multiple of 0,)"
        warnings.filterwarnings("error", message=has_values, category=votable.exceptions.E02)
        parsed = votable.parse(io.BytesIO(content), table_number=number, verify="warn")
        array = parsed.get_first_table().array
    except MemoryError:
        said = f"needs more memory than there is: {table.rows} rows, {len(table.fields)} columns"
        raise SourceError(said, "have it written as FITS or Parquet") from None
    except Exception as error:  # whatever astropy raises where the bytes make no sense
        raise SourceError(f"is damaged: {reason(error)}", DAMAGED) from None
    if len(array) != table.rows or len(array.dtype.names or ()) != len(columns):
        said = f"is damaged: of its {table.rows} rows, {len(array)} can be read"
        raise SourceError(said, DAMAGED)
    return columns, array


def _as_version_1_4(content: bytes) -> bytes:
    """Return a VOTable that says that it is one of version 1.4.

    Up to version 1.2 astropy makes zeros of integers that are missing, and does not mask them.
    """
    root = re.search(rb"<([\w.-]+:)?VOTABLE\b[^>]*?(?=/?>)", content[:_ROOT_WITHIN])
    if root is None:
        return content
    other = re.sub(rb"\sversion\s*=\s*(\"[^\"]*\"|'[^']*')", b"", root[0]) + b' version="1.4"'
    return content[: root.start()] + other + content[root.end() :]


def _with_whole_texts(content: bytes) -> bytes:
    """Return a VOTable in TABLEDATA whose texts may be of any length.

    Those that are longer than their fields say, as servers write them, would be cut by astropy; and
    the memory for texts of the length that a field says is taken for each row.
    """

    def whole(found: re.Match[bytes]) -> bytes:
        start, attributes = found.groups()
        if not _IS_TEXT.search(attributes):
            return found[0]
        return start + b' arraysize="*"' + _ARRAYSIZE.sub(b"", attributes)

    return _FIELD.sub(whole, content)


def _pick(columns: Columns, array: Values, wanted: Wanted) -> NDArray[Any]:
    """Return the values of a column, masked where some are missing."""
    at = position(columns, wanted)
    values = array[(array.dtype.names or ())[at]]
    data, mask = np.asarray(values.data), np.asarray(np.ma.getmaskarray(values), bool)
    if data.ndim > 1:
        data, mask = data[:, wanted.index or 0], mask[:, wanted.index or 0]
    if columns[at].dtype == "str":
        pairs = zip(data, mask, strict=True)
        return np.array([None if gone else str(text).rstrip() for text, gone in pairs], object)
    return np.ma.MaskedArray(data, mask=mask) if mask.any() else data

"""Tables in text files that say what their columns are: ECSV, IPAC, CDS and MRT.

They are read by astropy, as a whole: for tables that fit into memory. CSV is not among them.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.data.file_columns import position, without_duplicates
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
from reportgen.errors import SourceError

_BYTE_BY_BYTE = re.compile(rb"^Byte-by-byte Description of file", re.MULTILINE | re.IGNORECASE)
_IPAC_KEYWORD = re.compile(rb"\\(\s|[\w.-]+\s*=)")
_MARKDOWN = re.compile(rb"\|[\s:|-]*---[\s:|-]*$")
_SUBTYPE = re.compile(rb"^# .*\bsubtype:.*\[([\d, ]{1,200})\]", re.MULTILINE)
_LOOKED_AT = 1024**2  # bytes in which what comes before the rows of a table must end


class TextTable(Format):
    """ECSV, IPAC, CDS or MRT."""

    name = "a table in ECSV, IPAC or CDS format"
    pattern = "*.ecsv"

    def recognises(self, path: Path, start: bytes) -> bool:
        return bool(_kind(path, unpacked_start(path, start)))

    def describe(self, path: Path, dataset: str) -> FileTable:
        return _table(path, dataset)[0]

    @contextmanager
    def open(self, path: Path, dataset: str, wanted: Sequence[Wanted]) -> Iterator[ReadValues]:
        table, values = _table(path, dataset)
        columns = []
        for each in wanted:
            column = values[position(table.columns, each)]
            if column.ndim > 1:
                column = column[:, each.index or 0]
            columns.append(column)
        yield lambda start, stop: [column[start:stop] for column in columns]


def _kind(path: Path, start: bytes) -> str:
    """Return the format of a file as astropy calls it; empty when it is none of ours."""
    start = start.removeprefix(b"\xef\xbb\xbf")
    if start.startswith(b"# %ECSV "):
        return "ascii.ecsv"
    is_cds = start.startswith(b"Title:") or _BYTE_BY_BYTE.search(start)
    if not (is_cds or start.startswith((b"|", b"\\"))):
        return ""
    try:
        with reading_file(), open_unpacked(path) as stream:
            more = stream.read(_LOOKED_AT)
    except SourceError:
        return ""
    if is_cds:
        return "ascii.cds" if _BYTE_BY_BYTE.search(more) else ""
    return "ascii.ipac" if _is_ipac(more.splitlines()) else ""


def _is_ipac(lines: list[bytes]) -> bool:
    """Return whether keywords are followed by one to four lines of names, types, units, nulls.

    Markdown has lines of bars too, and LaTeX lines that begin with a backslash.
    """
    bars = 0
    for line in lines:
        if _MARKDOWN.match(line):
            return False
        if line.startswith(b"|"):
            bars += 1
        elif bars:
            return bars <= 4 and line[:1] in (b" ", b"")
        elif not _IPAC_KEYWORD.match(line):
            return False
    return 1 < bars <= 4


def _table(path: Path, dataset: str) -> tuple[FileTable, list[NDArray[Any]]]:
    if dataset:
        raise TableError("holds one table, which has no name", "leave out dataset")
    with no_warnings():
        return _load(path, stamp(path))


@lru_cache(maxsize=2)
def _load(path: Path, now: Stamp | None) -> tuple[FileTable, list[NDArray[Any]]]:
    """Return a table and its values, kept for those who read other rows of it.

    now: the stamp of the file, so that it is read again when it has changed.
    """
    from astropy.io import ascii as text_formats

    with reading_file(), open_unpacked(path) as stream:
        content = stream.read()
    kind = _kind(path, content[:4096])
    if kind == "ascii.cds" and len(_BYTE_BY_BYTE.findall(content)) > 1:
        said = "describes several tables whose rows are in other files"
        raise SourceError(said, "convert them with astropy or TOPCAT, to FITS for example")
    for shape in _SUBTYPE.findall(content) if kind == "ascii.ecsv" else ():
        if prod(map(int, re.findall(rb"\d+", shape))) > len(content):
            said = f"is damaged: its rows cannot hold lists of {shape.decode()} values"
            raise SourceError(said, DAMAGED)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = re.split(r"\r\n|\n|\r", text.rstrip())  # blank lines at the end would be rows
    try:
        # Lines, as astropy would take a text without a line break for the name of a file.
        found = text_formats.read(lines, format=kind.removeprefix("ascii."), guess=False)
        parts = [part for name in found.colnames for part in _parts(name, found[name])]
    except MemoryError:
        hint = "have it written as FITS or Parquet"
        raise SourceError("needs more memory than there is", hint) from None
    except Exception as error:  # whatever astropy raises where the text makes no sense
        raise SourceError(f"is damaged: {reason(error)}", DAMAGED) from None
    notes = () if text.endswith(("\n", "\r")) else ("Its last line has no end: is the file whole?",)
    columns = without_duplicates([column for column, _ in parts])
    table = FileTable(len(found), columns, notes=notes, in_order=True)
    return table, [values for _, values in parts]


def _parts(name: str, column: Any) -> Iterator[tuple[FileColumn, NDArray[Any]]]:
    """Give the columns that a column of astropy is made of, with their values."""
    from astropy.coordinates import SkyCoord
    from astropy.time import Time

    label = " ".join(str(column.info.description or "").split())
    if isinstance(column, SkyCoord):
        for part, angle in column.get_representation_component_names().items():
            if angle in ("lon", "lat"):
                ucd = {"ra": "pos.eq.ra", "dec": "pos.eq.dec"}.get(part, "")
                described = FileColumn(f"{name}.{part}", "<f8", unit="deg", label=label, ucd=ucd)
                yield described, _masked(getattr(column, part).deg)
        return
    if isinstance(column, Time):
        times = _masked(column.datetime64)
        yield FileColumn(name, "time", label=label), np.ma.filled(times, np.datetime64("NaT"))
        return
    values = _masked(column)
    unit, ucd = column.info.unit, (column.info.meta or {}).get("ucd", "")
    described = FileColumn(
        name,
        values.dtype.str if values.dtype.kind in "biufc" else "str",
        values.shape[1:],
        "" if unit is None else str(unit),
        label,
        str(ucd or ""),
    )
    yield _readable(described, values)


def _masked(column: Any) -> NDArray[Any]:
    """Return the values of a column, masked where some are missing."""
    mask = np.asarray(getattr(column, "mask", False))
    values: NDArray[Any] = np.asarray(getattr(column, "unmasked", column))
    return np.ma.MaskedArray(values, mask=mask) if mask.any() else values


def _readable(column: FileColumn, values: NDArray[Any]) -> tuple[FileColumn, NDArray[Any]]:
    """Return a column and its values, or why they cannot be read."""
    if values.dtype.kind in "US" and values.ndim == 1:
        texts = np.ma.getdata(values).astype(str).astype(object)
        texts[np.ma.getmaskarray(values)] = None
        return column, texts
    why = {
        "c": "holds complex numbers",
        "O": "holds lists of different lengths, or objects",
        "V": "holds several values under names of their own",
    }.get(values.dtype.kind, "holds lists of texts")
    if values.dtype.kind in "biuf":
        why = "" if prod(values.shape[1:]) else "holds no values"
    dtype = column.dtype if values.dtype.kind in "biufc" else "|O"
    return replace(column, dtype=dtype, unreadable=why), values

"""FITS tables: binary and ASCII tables in any HDU, those of STILTS included, packed or not.

Headers are read by astropy, rows by numpy from ranges of the file. Of a file that is packed as a
whole (gzip, bzip2, xz), the table is unpacked into a temporary file first. An empty text stays an
empty text: FITS cannot tell it from a missing one. Blank numbers of ASCII tables are missing.
"""

import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.config.suggest import unknown
from reportgen.data.file_columns import position
from reportgen.data.fits_columns import BLOCK, Field, Hdu, read_fields, read_hdus
from reportgen.data.fits_values import converted
from reportgen.data.format import FileColumn, FileTable, Format, ReadValues, TableError, Wanted
from reportgen.data.unpacking import AGAIN, is_packed, open_unpacked, reading_file, unpacked_start
from reportgen.data.votable_header import read_header
from reportgen.errors import SourceError
from reportgen.wording import counted

_START = b"SIMPLE  ="
_COMPRESS = b"\x1f\x9d"  # begins what the program compress packs
_AT_ONCE = 8 * 1024**2  # bytes of rows; those of more are copied piece by piece
_LARGEST_VOTABLE = 16 * 1024**2  # bytes; the descriptions of 999 columns take 1 MB
_LISTED = 20  # tables in a hint
_A = {"table": "a table", "image": "an image"}
_INSTEAD = {
    "table": "name a file with a table; an image is named under images",
    "image": "name a file with an image; a table is named under catalogues",
}


SYNTHETIC_CARD = "SYNTHET"
"""Card in which the header of a table says that it does not hold observations."""


class FitsTable(Format):
    """FITS."""

    name = "a FITS file"
    pattern = "*.fits*"

    def recognises(self, path: Path, start: bytes) -> bool:
        if start.startswith(_COMPRESS):
            return ".fit" in path.name.lower()
        return unpacked_start(path, start).startswith(_START)

    @property
    def images(self) -> Format:
        from reportgen.data.fits_images import FitsImages  # which reads as this does

        return FitsImages()

    def describe(self, path: Path, dataset: str) -> FileTable:
        """Return what a table holds, from its header.

        dataset: the name of an HDU (EXTNAME, or EXTNAME,EXTVER), or its number.
        """
        with reading_file(), open_fits(path) as stream:
            hdu = find_hdu(stream, dataset)
            rows, fields = read_fields(hdu)
            columns = _with_votable(stream, hdu, [field.column for field in fields])
            synthetic, packed = hdu.header.text(SYNTHETIC_CARD), is_packed(_start(path))
            return FileTable(rows, tuple(columns), synthetic, in_order=packed)

    @contextmanager
    def open(self, path: Path, dataset: str, wanted: Sequence[Wanted]) -> Iterator[ReadValues]:
        with ExitStack() as stack:
            with reading_file():
                stream = stack.enter_context(open_fits(path))
                hdu = find_hdu(stream, dataset)
                rows, fields = read_fields(hdu)
                picked = [_pick(fields, each) for each in wanted]
                file, offset = stream, hdu.offset
                if is_packed(_start(path)):
                    file, offset = stack.enter_context(tempfile.TemporaryFile()), 0
                    _unpack(stream, hdu, file)

            def read(start: int, stop: int) -> list[NDArray[Any]]:
                with reading_file():
                    raw = _read(file, offset, picked, min(start, rows), min(stop, rows))
                return [converted(*each, start) for each in zip(picked, raw, strict=True)]

            yield read


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(_START))


def open_fits(path: Path) -> BinaryIO:
    """Open a file, packed or not, that begins as FITS does."""
    start = _start(path)
    if start.startswith(_COMPRESS):
        said = "is packed by compress (.Z), which is not read"
        raise SourceError(said, "unpack it with gunzip, or pack it with gzip")
    stream = open_unpacked(path)
    if stream.read(len(_START)) == _START:
        return stream
    stream.close()
    raise SourceError("is not a FITS file", "check the path, or convert the file")


def find_hdu(stream: BinaryIO, dataset: str, noun: Literal["table", "image"] = "table") -> Hdu:
    """Return the HDU of a table or an image; SourceError lists those that are there.

    All headers are read, so that a file that has been cut off or moved is told wherever it was.
    """
    hdus = list(read_hdus(stream))
    there = [hdu for hdu in hdus if (hdu.is_table if noun == "table" else hdu.is_image)]
    number = int(dataset) if dataset.strip().isdecimal() else None
    if not there:
        what = next(filter(None, map(_what, hdus)), "headers")
        raise TableError(f"holds {what} but no {noun}", _INSTEAD[noun])
    if not dataset:
        named = there
    elif number is not None:
        named = [hdu for hdu in there if hdu.number == number]
    else:
        named = [hdu for hdu in there if _is_called(hdu, dataset)]
    if len(named) == 1:
        _check_padding(stream, named[0])
        return named[0]
    listed = named or there
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    hint = "; ".join(map(_shown, listed[:_LISTED])) + more
    if not dataset:
        raise TableError(f"holds {len(there)} {noun}s", f"name one of them as dataset: {hint}")
    if named:
        said = f"holds {len(named)} {noun}s that are called {dataset}"
        raise TableError(said, f"name one of them by its number as dataset: {hint}")
    hint = f"{noun}s in the file: {hint}"
    if number is not None and number >= len(hdus):
        raise TableError(f"has no HDU {number}: the last one is {len(hdus) - 1}", hint)
    for hdu in hdus:
        if hdu.number == number or (number is None and _is_called(hdu, dataset)):
            what = _what(hdu) or "no data"
            raise TableError(f"HDU {dataset} holds {what}, not {_A[noun]}", hint)
    raise TableError(unknown(noun, dataset, {hdu.name for hdu in there if hdu.name}), hint)


def _what(hdu: Hdu) -> str:
    """Return what an HDU holds, with its article; empty when it has no data."""
    if hdu.is_table:
        return "a table"
    if len(hdu.axes) == 1:
        return f"a list of {hdu.shape} numbers"
    return f"an image of {hdu.shape}" if hdu.axes else ""


def _check_padding(stream: BinaryIO, hdu: Hdu) -> None:
    """Raise SourceError when there is more in the blocks of a table than its header announces."""
    end = hdu.offset + hdu.size
    stream.seek(end)
    if stream.read(-end % BLOCK).strip(b"\0 "):
        what = "rows" if hdu.is_table else "pixels"
        said = f"is damaged: HDU {hdu.number} holds more than the {what} that it announces"
        raise SourceError(said, f"{AGAIN}, or have it written again")


def _is_called(hdu: Hdu, dataset: str) -> bool:
    """Return whether an HDU has a name, or a name and version: EXTNAME,EXTVER."""
    versioned = f"{hdu.name},{hdu.header.text('EXTVER') or 1}"
    wanted = ",".join(part.strip() for part in dataset.rsplit(",", 1))
    return bool(hdu.name) and wanted.casefold() in (hdu.name.casefold(), versioned.casefold())


def _shown(hdu: Hdu) -> str:
    named = f"{hdu.number} ({hdu.name})" if hdu.name else str(hdu.number)
    if hdu.is_image:
        return f"{named}: {hdu.shape}"
    try:
        rows, fields = read_fields(hdu)
    except SourceError as error:
        return f"{named}: {error.message}"
    return f"{named}: {counted(rows, 'rows')}, {counted(len(fields), 'columns')}"


def _with_votable(stream: BinaryIO, hdu: Hdu, columns: list[FileColumn]) -> list[FileColumn]:
    """Return columns with what a VOTable in the first HDU says of them and their HDU does not.

    STILTS writes such files (fits-plus); in headers it leaves out texts that are too long for one.
    """
    first = next(read_hdus(stream))
    told: Sequence[FileColumn] = ()
    if first.header.get("VOTMETA") is True and first.size <= _LARGEST_VOTABLE:
        stream.seek(first.offset)
        with suppress(SourceError):  # what it says is lost; the header has most of it
            tables = read_header(io.BytesIO(stream.read(first.size))).tables
            told = tables[hdu.number - 1].columns if hdu.number <= len(tables) else ()
    by_name = {each.name: each for each in told}
    return [column.completed(by_name.get(column.name)) for column in columns]


def _pick(fields: Sequence[Field], wanted: Wanted) -> Field:
    """Return where the values of a column are; SourceError when they cannot be read."""
    field = fields[position([field.column for field in fields], wanted)]
    index = wanted.index or 0
    if field.kind == "X":
        return replace(field, offset=field.offset + index // 8, bit=index % 8)
    return replace(field, offset=field.offset + index * field.stored.itemsize)


def _unpack(stream: BinaryIO, hdu: Hdu, file: BinaryIO) -> None:
    """Write the data of an HDU into a file."""
    stream.seek(hdu.offset)
    left = hdu.size
    while left:
        block = stream.read(min(left, 1024**2))
        if not block:
            raise SourceError(f"is truncated: HDU {hdu.number} has no end", AGAIN)
        file.write(block)
        left -= len(block)
    file.flush()


def _records(file: BinaryIO, record: np.dtype[Any], count: int) -> NDArray[Any]:
    """Return records of a file, fewer at its end."""
    try:
        file.fileno()
    except OSError:  # it is elsewhere
        data = bytearray(file.read(count * record.itemsize))
        return np.frombuffer(data, record, len(data) // record.itemsize)
    return np.fromfile(file, record, count)


def _read(
    file: BinaryIO, offset: int, fields: Sequence[Field], start: int, stop: int
) -> list[NDArray[Any]]:
    """Return rows start to stop of some columns, as they are stored.

    offset: of the table in the file. Whole rows are read, as the bytes between columns come from
    the disk anyway; what is returned may be parts of them.
    """
    raw = [np.empty(0, field.stored) for field in fields]
    for place in {(field.start, field.stride) for field in fields}:
        begin, stride = place
        here = [number for number, each in enumerate(fields) if (each.start, each.stride) == place]
        record = np.dtype(
            {
                "names": [str(number) for number in here],
                "formats": [fields[number].stored for number in here],
                "offsets": [fields[number].offset for number in here],
                "itemsize": stride,
            }
        )
        step = max(1, _AT_ONCE // stride)
        if stop - start > step:
            for number in here:
                raw[number] = np.empty(stop - start, fields[number].stored)
        for first in range(start, stop, step):
            count = min(step, stop - first)
            file.seek(offset + begin + first * stride)
            block = _records(file, record, count)
            if len(block) < count:
                said = f"is truncated: it ends before row {first + count}"
                raise SourceError(said, AGAIN)
            for number in here:
                if stop - start <= step:
                    raw[number] = block[str(number)]
                else:
                    raw[number][first - start : first - start + count] = block[str(number)]
    return raw

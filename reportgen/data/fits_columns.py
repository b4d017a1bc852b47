"""FITS: the HDUs of a file, and what the header of a table says of its columns."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from reportgen.data.file_columns import without_duplicates
from reportgen.data.format import FileColumn, TableError
from reportgen.data.unpacking import AGAIN, DAMAGED, no_warnings
from reportgen.errors import SourceError

if TYPE_CHECKING:
    from astropy.io import fits

BLOCK = 2880
"""Bytes; headers and data fill whole blocks."""
_MOST_HEADER = 16 * 1024**2  # bytes; 999 columns with all their keywords take 1 MB
_LARGEST = 2**60  # bytes; what is larger is damage
_LAYOUT = re.compile(
    r"COMMENT|HISTORY||SIMPLE|XTENSION|[PG]COUNT|Z?NAXIS\d*|Z.*|T(TYPE|FORM|DIM)\d+"
)
_ASCII = bytes(byte if 32 <= byte < 127 else ord("?") for byte in range(256))

# Letters of TFORM: the type on disk, and what cannot be read.
_TYPES = {"L": "S1", "X": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "A": "S"}
_TYPES |= {"E": ">f4", "D": ">f8", "C": ">c8", "M": ">c16", "P": ">i8", "Q": "V16"}
_UNREADABLE = {
    "C": "holds complex numbers",
    "M": "holds complex numbers",
    "P": "holds lists of different lengths",
    "Q": "holds lists of different lengths",
}
_FORM = re.compile(r"\s*(\d{0,18})\s*([LXBIJKAEDCMPQ])(\d{0,9})", re.IGNORECASE)
_ASCII_FORM = re.compile(r"\s*([AIFED])(\d{1,9})(?:\.(\d{1,9}))?\s*$", re.IGNORECASE)
# What CFITSIO and others write beside a name when they have nothing to say.
_BOILERPLATE = re.compile(
    r"(label|name|type \(heading\))?\s*(for|of)?\s*(field|column)\s*\d*|TTYPE\d*", re.IGNORECASE
)


class Header:
    """The header of an HDU; SourceError for a card that cannot be read."""

    def __init__(self, number: int, header: "fits.Header") -> None:
        self._number = number
        self._header = header

    def get(self, key: str) -> Any:
        """Return the value of a keyword; None where it is not there or has none."""
        from astropy.io import fits

        try:
            with no_warnings():
                value = self._header.get(key)
        except (ValueError, TypeError, KeyError, fits.VerifyError):
            said = f"is damaged: {key} in the header of HDU {self._number} cannot be read"
            raise SourceError(said, AGAIN) from None
        return None if isinstance(value, fits.card.Undefined) else value

    def text(self, key: str) -> str:
        """Return the value of a keyword as text without blanks around it."""
        value = self.get(key)
        return "" if value is None else str(value).strip()

    def comment(self, key: str) -> str:
        """Return what stands beside the value of a keyword."""
        self.get(key)  # says what is wrong with it
        with no_warnings():
            return str(self._header.comments[key]).strip() if key in self._header else ""

    @property
    def described(self) -> str:
        """What it says of the data, in cards: the layout of the file and comments left out."""
        with no_warnings():
            cards = [card for card in self._header.cards if not _LAYOUT.fullmatch(card.keyword)]
            return "".join(card.image for card in cards)

    def count(self, key: str, default: int | None = None) -> int:
        """Return a number of things; SourceError when it is none."""
        value = self.get(key)
        value = default if value is None else value
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        said = f"is damaged: {key} in the header of HDU {self._number} is {value}, not a number"
        raise SourceError(said, AGAIN)


@dataclass(frozen=True)
class Hdu:
    """A header and the data that it describes.

    offset: of the data, in bytes from the beginning of the file. size: of the data, in bytes.
    """

    number: int
    header: Header
    offset: int
    size: int

    @cached_property
    def name(self) -> str:
        """Return its EXTNAME."""
        return self.header.text("EXTNAME")

    @cached_property
    def kind(self) -> str:
        """Return what it is: BINTABLE, TABLE, IMAGE or another type of extension."""
        kind = self.header.text("XTENSION").upper() if self.number else "IMAGE"
        return {"A3DTABLE": "BINTABLE", "IUEIMAGE": "IMAGE"}.get(kind, kind)

    @cached_property
    def is_table(self) -> bool:
        """Return whether it is a table; a packed image is stored as one, and is none."""
        return self.kind in ("BINTABLE", "TABLE") and not self.letter

    @cached_property
    def letter(self) -> str:
        """Return what stands before the keywords of an image: Z where it is packed in tiles."""
        return "Z" if self.header.get("ZIMAGE") is True else ""

    @cached_property
    def axes(self) -> tuple[int, ...]:
        """Return the lengths of the axes of an image, columns first; none when it has no data."""
        axes = range(1, min(self.header.count(f"{self.letter}NAXIS", 0), 9) + 1)
        lengths = tuple(self.header.count(f"{self.letter}NAXIS{axis}", 0) for axis in axes)
        return lengths if all(lengths) else ()

    @property
    def is_image(self) -> bool:
        """Return whether it has pixels in rows and columns."""
        return len(self.axes) > 1 and not self.is_table and self.kind in ("IMAGE", "BINTABLE")

    @property
    def shape(self) -> str:
        """Return the lengths of the axes of an image as text; empty when it has no data."""
        return " × ".join(map(str, self.axes))

    @property
    def rows(self) -> int:
        """Return its number of rows, if it is a table."""
        return self.header.count("NAXIS2")


def read_hdus(stream: BinaryIO) -> Iterator[Hdu]:
    """Give the HDUs of a file, one after another; SourceError where it is truncated or damaged."""
    number = offset = 0
    while (found := _read_header(stream, number, offset)) is not None:
        header, offset = found
        size = _data_size(header, number)
        end = offset + size
        is_there = end <= _LARGEST
        if is_there and size:
            stream.seek(end - 1)
            is_there = bool(stream.read(1))
        if not is_there:
            said = f"is truncated: the data of HDU {number} would end at byte {end}"
            raise SourceError(said, AGAIN)
        yield Hdu(number, header, offset, size)
        offset = end + -end % BLOCK
        number += 1


def _read_header(stream: BinaryIO, number: int, offset: int) -> tuple[Header, int] | None:
    """Return the header of an HDU and where its data begins; None at the end of the file."""
    from astropy.io import fits

    stream.seek(offset)
    first = b"XTENSION" if number else b"SIMPLE  "
    content = bytearray()
    while True:
        block = stream.read(BLOCK)
        if not content and not block.startswith(first):
            if not block.strip(b"\0 "):  # padding, as tapes and some programs leave it
                return None
            said = f"is damaged: what follows HDU {number - 1} is no other HDU"
            raise SourceError(said, AGAIN)
        content += block
        if len(block) < BLOCK:
            said = f"is truncated: the header of HDU {number} has no end"
            raise SourceError(said, AGAIN)
        if any(block[at : at + 80].rstrip() == b"END" for at in range(0, BLOCK, 80)):
            break
        if len(content) > _MOST_HEADER:
            raise SourceError(f"is damaged: the header of HDU {number} has no end", AGAIN)
    # Other characters than those of ASCII make a card unreadable; astropy writes ? for them too.
    text = content.translate(_ASCII).decode("ascii")
    with no_warnings():
        return Header(number, fits.Header.fromstring(text)), offset + len(content)


def _data_size(header: Header, number: int) -> int:
    """Return the bytes of the data of an HDU (FITS standard 4.0, equations 1, 2 and 4)."""
    bits = header.get("BITPIX")
    if not isinstance(bits, int) or abs(bits) not in (8, 16, 32, 64):
        said = f"is damaged: BITPIX in the header of HDU {number} is {bits}"
        raise SourceError(said, AGAIN)
    axes = header.count("NAXIS")
    if axes > 999:
        raise SourceError(f"is damaged: NAXIS in the header of HDU {number} is {axes}", AGAIN)
    lengths = [header.count(f"NAXIS{axis}") for axis in range(1, axes + 1)]
    if lengths and lengths[0] == 0 and header.get("GROUPS") is True:
        lengths = lengths[1:]
    elements = prod(lengths) if lengths else 0
    if number == 0 and header.get("GROUPS") is not True:
        return abs(bits) // 8 * elements
    return abs(bits) // 8 * header.count("GCOUNT", 1) * (header.count("PCOUNT", 0) + elements)


@dataclass(frozen=True)
class Field:
    """Where the values of a column are, and how they are stored.

    kind: letter of its TFORM. offset: of its first value from the beginning of a row. stride: from
    one row to the next. start: from the beginning of the table to its first row; all in bytes.
    stored: type of one value on disk. null: what stands for missing values. bit: which of a byte.
    decimals: of numbers that an ASCII table writes without a point.
    """

    column: FileColumn
    kind: str
    offset: int
    stride: int
    stored: np.dtype[Any]
    start: int = 0
    is_ascii: bool = False
    null: int | float | str | None = None
    scale: float = 1.0
    zero: float = 0.0
    bit: int = 0
    decimals: int = 0


def read_fields(hdu: Hdu) -> tuple[int, list[Field]]:
    """Return the rows and the columns of a table; SourceError when its header makes no sense."""
    header, rows = hdu.header, hdu.rows
    if header.get("ZTABLE") is True:
        hint = "unpack it with funpack"
        raise TableError(f"holds a table that fpack has compressed, in HDU {hdu.number}", hint)
    width, many = header.count("NAXIS1"), header.count("TFIELDS")
    if many > 999:
        said = f"is damaged: HDU {hdu.number} has {many} columns, and at most 999 are allowed"
        raise SourceError(said, AGAIN)
    if width >= 2**31:
        raise SourceError(f"has rows of {width} bytes, which are too long to be read", DAMAGED)
    if width * rows > hdu.size:
        raise SourceError(f"is damaged: the rows of HDU {hdu.number} exceed its data", AGAIN)
    fields: list[Field] = []
    at = 0
    for number in range(1, many + 1):
        if hdu.kind == "TABLE":
            field = _ascii_field(header, number, width)
            end = field.offset + field.stored.itemsize
        else:
            field, end = _binary_field(header, number, at, width)
        if end > width:
            said = f"is damaged: the columns of HDU {hdu.number} are wider than its rows"
            raise SourceError(said, AGAIN)
        at = end
        fields.append(field)
    if rows == 1 and (length := _common_length(fields)) > 1:
        rows, fields = length, [_along(field, length) for field in fields]
    columns = without_duplicates([field.column for field in fields])
    return rows, [
        replace(field, column=column) for field, column in zip(fields, columns, strict=True)
    ]


def _described(header: Header, number: int, **more: Any) -> FileColumn:
    """Return what the header says of a column."""
    name = header.text(f"TTYPE{number}")
    label = header.text(f"TCOMM{number}") or header.text(f"TDESC{number}")
    if not label:
        beside = header.comment(f"TTYPE{number}")
        label = "" if _BOILERPLATE.fullmatch(beside) else beside
    return FileColumn(
        name=name or f"col{number}",
        unit=header.text(f"TUNIT{number}"),
        label=label,
        ucd=header.text(f"TUCD{number}"),
        **more,
    )


def _scaling(header: Header, number: int) -> tuple[float, float]:
    """Return by what the values of a column are multiplied, and what is added to them."""
    found = []
    for key, default in ((f"TSCAL{number}", 1), (f"TZERO{number}", 0)):
        value = header.get(key)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SourceError(f"is damaged: {key} is {value}, not a number", AGAIN)
        found.append(value)
    return found[0], found[1]


def _ascii_field(header: Header, number: int, width: int) -> Field:
    """Return a column of an ASCII table."""
    form, start = header.text(f"TFORM{number}"), header.count(f"TBCOL{number}")
    found = _ASCII_FORM.match(form)
    if not found or not start:
        said = f"is damaged: TFORM{number} is {form!r} and TBCOL{number} {start}"
        raise SourceError(said, AGAIN)
    kind, length = found[1].upper(), int(found[2])
    if start - 1 + length > width:  # before numpy makes a type of it
        raise SourceError(f"is damaged: column {number} is wider than its rows", AGAIN)
    scale, zero = _scaling(header, number)
    dtype = "<i8" if kind == "I" and (scale, zero) == (1, 0) else "<f8"
    unreadable = "" if length else "has a width of 0"
    return Field(
        _described(header, number, dtype="str" if kind == "A" else dtype, unreadable=unreadable),
        kind,
        start - 1,
        width,
        np.dtype(f"S{length}"),
        is_ascii=True,
        null=None if header.get(f"TNULL{number}") is None else header.text(f"TNULL{number}"),
        scale=scale,
        zero=zero,
        decimals=int(found[3] or 0),
    )


def _binary_field(header: Header, number: int, at: int, width: int) -> tuple[Field, int]:
    """Return a column of a binary table that begins at a byte of each row, and where it ends."""
    form = header.text(f"TFORM{number}")
    found = _FORM.match(form)
    if not found:
        raise SourceError(f"is damaged: TFORM{number} is {form!r}", AGAIN)
    count, kind = int(found[1] or 1), found[2].upper()
    shape: tuple[int, ...] = (count,)
    dims = tuple(map(int, re.findall(r"\d{1,18}", header.text(f"TDIM{number}"))))
    if prod(dims) > count:
        dims = ()
    if kind == "A":
        each = (dims and dims[0]) or (found[3] and int(found[3])) or count
        each = each if 0 < each <= count else count
        itemsize, size = each, count
        shape = dims[1:][::-1] if dims else (count // each if each else 0,)
    else:
        itemsize = np.dtype(_TYPES[kind]).itemsize
        size = (count + 7) // 8 if kind == "X" else count * itemsize
        shape = dims[::-1] or shape
    if at + size > width:  # before numpy makes a type of it
        raise SourceError(f"is damaged: column {number} ends after its rows", AGAIN)
    null, (scale, zero) = header.get(f"TNULL{number}"), _scaling(header, number)
    stored = np.dtype(f"S{itemsize}" if kind == "A" else _TYPES[kind])
    unreadable = _UNREADABLE.get(kind, "") if prod(shape) and itemsize else "has a width of 0"
    column = _described(
        header,
        number,
        dtype=_dtype(kind, stored, scale, zero),
        shape=() if prod(shape) == 1 else shape,
        unreadable=unreadable,
    )
    if isinstance(null, bool) or not isinstance(null, int | float):
        null = None
    return Field(column, kind, at, width, stored, null=null, scale=scale, zero=zero), at + size


def _dtype(kind: str, stored: np.dtype[Any], scale: float, zero: float) -> str:
    """Return the type of the values of a column of a binary table."""
    if kind in "LX":
        return "|b1"
    if kind in "APQ":
        return "str" if kind == "A" else "|O"
    if (scale, zero) == (1, 0) or kind in "CM":
        return stored.str
    half = 2 ** (8 * stored.itemsize - 1)
    if scale == 1 and stored.kind in "iu" and zero == (half if stored.kind == "i" else -half):
        # The convention for the integers that FITS lacks: those of the other sign, shifted by half.
        return stored.newbyteorder("=").str.translate(str.maketrans("iu", "ui"))
    return "<f8"


def _common_length(fields: list[Field]) -> int:
    """Return the rows of a table of one row whose columns are arrays of all rows (colfits)."""
    lengths = {field.column.shape[0] if field.column.shape else 1 for field in fields}
    whole = not any(field.is_ascii or field.kind in "XPQ" for field in fields)
    return lengths.pop() if len(lengths) == 1 and whole else 1


def _along(field: Field, rows: int) -> Field:
    """Return a column whose rows are the values of an array in the only row."""
    shape = field.column.shape[1:]
    stride = field.stored.itemsize * prod(shape)
    shape = () if prod(shape) == 1 else shape
    column = replace(field.column, shape=shape)
    return replace(field, column=column, stride=stride, start=field.offset, offset=0)

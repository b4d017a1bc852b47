"""VOTable: what stands in a file about its tables, found by reading its XML once.

Nothing outside the file is opened, and entities, by which a small file becomes a large one, are
refused; astropy, which reads the values, would follow links.
"""

import base64
import binascii
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import BinaryIO
from xml.parsers import expat

from reportgen.data.file_columns import without_duplicates
from reportgen.data.format import FileColumn
from reportgen.data.unpacking import AGAIN, DAMAGED
from reportgen.errors import SourceError

_TYPES = {"boolean": "|b1", "bit": "|b1", "unsignedByte": "|u1", "short": "<i2", "int": "<i4"}
_TYPES |= {"long": "<i8", "float": "<f4", "double": "<f8", "char": "str", "unicodeChar": "str"}
_TYPES |= {"floatComplex": "<c8", "doubleComplex": "<c16"}
# What servers write for them; astropy reads them so too.
_OTHER_NAMES = {"string": "char", "unicodeString": "unicodeChar", "int16": "short", "int32": "int"}
_OTHER_NAMES |= {"int64": "long", "float32": "float", "float64": "double"}
_OTHER_NAMES |= {"unsignedShort": "int", "unsignedInt": "long"}
# Bytes of one value in the serializations BINARY and BINARY2; bits are packed.
_SIZES = {"boolean": 1, "unsignedByte": 1, "short": 2, "int": 4, "long": 8, "float": 4, "double": 8}
_SIZES |= {"char": 1, "unicodeChar": 2, "floatComplex": 8, "doubleComplex": 16}
_LONG_TEXT = 2**16  # characters that a column may announce, whatever the size of the file
_SHOWN = 500  # characters of what a server says


@dataclass
class VOField:
    """A FIELD of a table: its attributes, and what its DESCRIPTION says."""

    attributes: dict[str, str]
    description: str = ""

    @property
    def datatype(self) -> str:
        """Return the type of its values."""
        said = self.attributes.get("datatype", "char")
        return _OTHER_NAMES.get(said, said)

    @property
    def arraysize(self) -> str:
        """Return how many values a row has: ``3``, ``2x3``, ``*`` for any number, ``10*``."""
        return self.attributes.get("arraysize", "").replace(" ", "")

    @property
    def fixed(self) -> tuple[int, ...]:
        """Return the lengths of its axes that are fixed, the last one first."""
        return tuple(map(int, re.findall(r"\d{1,18}(?=x|$)", self.arraysize)))[::-1]

    @property
    def column(self) -> FileColumn:
        """Return what the file says of the column."""
        dtype = _TYPES.get(self.datatype, "")
        shape, why = self.fixed, ""
        if not dtype:
            dtype, why = "|O", f"its type {self.datatype!r} is not one of VOTable"
        elif dtype == "str":
            why = "holds lists of texts" if "x" in self.arraysize else ""
            shape = ()
        elif "*" in self.arraysize:
            shape, why = (), "holds lists of different lengths"
        elif self.datatype.endswith("Complex"):
            why = "holds complex numbers"
        elif prod(shape) == 0:
            why = "holds no values"
        return FileColumn(
            name=self.attributes.get("name") or self.attributes.get("ID", ""),
            dtype=dtype,
            shape=shape,
            unit=self.attributes.get("unit", "").strip(),
            label=" ".join(self.description.split()),
            ucd=self.attributes.get("ucd", "").strip(),
            unreadable=why,
        )


@dataclass
class VOTable:
    """A TABLE. rows: counted. written: how its rows are: TABLEDATA, BINARY, BINARY2 or FITS.

    elsewhere: the address of its rows, when they are not in the file.
    """

    attributes: dict[str, str]
    fields: list[VOField] = field(default_factory=list)
    rows: int = 0
    written: str = ""
    elsewhere: str = ""

    @property
    def columns(self) -> tuple[FileColumn, ...]:
        """Return what the file says of the columns."""
        return without_duplicates([each.column for each in self.fields])

    @property
    def names(self) -> set[str]:
        """Return its ID and name, as far as it has them."""
        return {self.attributes.get("ID", ""), self.attributes.get("name", "")} - {""}


@dataclass
class VOHeader:
    """The tables of a file in their order; notes: sentences to be shown with them."""

    tables: list[VOTable] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_header(stream: BinaryIO) -> VOHeader:
    """Return what a VOTable holds, reading all of it, with little memory.

    SourceError when it is not well-formed XML, when it says that a query failed, or when what it
    announces cannot be in a file of its size.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.EntityDeclHandler = reader.entity
    size = 0
    try:
        while block := stream.read(2**20):
            size += len(block)
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        said = expat.ErrorString(error.code)
        if error.code in _UNFINISHED:
            said = f"is truncated: its XML has no end (line {error.lineno})"
            raise SourceError(said, AGAIN) from None
        raise SourceError(f"is damaged: line {error.lineno}: {said}", AGAIN) from None
    except (ValueError, LookupError) as error:  # of an encoding that Python does not have
        raise SourceError(f"is damaged: {error}", AGAIN) from None
    for table in reader.header.tables:
        _check_claims(table, size)
    return reader.header


_UNFINISHED = {
    expat.errors.codes[each]
    for each in (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN)
}


class _Reader:
    """What has been found so far in the XML of a VOTable."""

    def __init__(self) -> None:
        self.header = VOHeader()
        self._inside: list[str] = []
        self._table: VOTable | None = None
        self._text: list[str] | None = None
        self._status = ""

    def entity(self, name: str, *_: object) -> None:
        said = f"declares the XML entity {name!r}, which is not read"
        raise SourceError(said, "have it written without a list of entities")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        self._inside.append(name)
        table = self._table
        if name == "TABLE":
            self._table = VOTable(attributes)
            self.header.tables.append(self._table)
            self._table.fields = self._fields_of(attributes.get("ref", ""))
        elif name == "FIELD" and table:
            table.fields.append(VOField(attributes))
        elif name == "DESCRIPTION" and table and self._inside[-2:-1] == ["FIELD"]:
            self._text = []
        elif name == "INFO" and attributes.get("name") == "QUERY_STATUS":
            self._status, self._text = attributes.get("value", "").upper(), []
        elif name in ("TABLEDATA", "BINARY", "BINARY2", "FITS", "PARQUET") and table:
            table.written = name
        elif name == "STREAM" and table:
            table.elsewhere = attributes.get("href", "")
            self._text = []

    def _fields_of(self, reference: str) -> list[VOField]:
        """Return the fields of the table that a table refers to for its own."""
        for table in self.header.tables[:-1]:
            if reference and table.attributes.get("ID") == reference:
                return list(table.fields)
        return []

    def characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def end(self, name: str) -> None:
        self._inside.pop()
        name, table = name.rpartition(":")[2], self._table
        if name == "TR" and table:
            table.rows += 1
        elif name == "TABLE":
            self._table = None
        elif self._text is not None and name in ("DESCRIPTION", "INFO", "STREAM"):
            text, self._text = "".join(self._text), None
            if name == "INFO":
                self._end_of_status(" ".join(text.split())[:_SHOWN])
            elif table and name == "DESCRIPTION" and table.fields:
                table.fields[-1].description = text
            elif table and name == "STREAM" and not table.elsewhere:
                table.rows = _rows_in_stream(table, text)

    def _end_of_status(self, text: str) -> None:
        if self._status == "ERROR":
            said = f"holds no table but what a server said: {text or 'the query failed'}"
            raise SourceError(said, "correct the query and download the table again")
        if self._status == "OVERFLOW":
            said = "The server that wrote this table left out rows that exceed its limit"
            self.header.notes.append(f"{said}: {text}." if text else f"{said}.")


def _check_claims(table: VOTable, size: int) -> None:
    """Raise SourceError for what a table announces and cannot have in a file of that size."""
    for each in table.fields:
        is_text = _TYPES.get(each.datatype) == "str"
        length = prod(map(int, re.findall(r"\d+", each.arraysize[:100])))
        if length > max(size, _LONG_TEXT if is_text else 0):
            said = f"is damaged: the arraysize of {each.column.name} is {each.arraysize[:100]}"
            raise SourceError(said, AGAIN)
    claimed = table.attributes.get("nrows", "").strip()
    counted = table.written in ("TABLEDATA", "BINARY", "BINARY2") and not table.elsewhere
    if claimed and counted and claimed.lstrip("0") != (str(table.rows) if table.rows else ""):
        said = f"is damaged: it announces {claimed[:20]} rows and holds {table.rows}"
        raise SourceError(said, AGAIN)


def _rows_in_stream(table: VOTable, text: str) -> int:
    """Return the rows in a stream of bytes; SourceError when its last one is not whole."""
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SourceError(f"is damaged: the rows of a table: {error}", AGAIN) from None
    widths = [_width(each) for each in table.fields]
    flags = (len(table.fields) + 7) // 8 if table.written == "BINARY2" else 0
    if all(isinstance(width, int) for width in widths):
        row = flags + sum(width for width in widths if isinstance(width, int))
        rows, left = divmod(len(content), row) if row else (0, len(content))
    else:
        rows, at = 0, 0
        while at < len(content):
            at += flags
            for width in widths:
                try:
                    at += width if isinstance(width, int) else width(content, at)
                except struct.error:
                    at = len(content) + 1
            rows += at <= len(content)
        left = at - len(content)
    if left:
        raise SourceError(f"is damaged: row {rows + 1} of a table is not whole", DAMAGED)
    return rows


def _width(each: VOField) -> int | Callable[[bytes, int], int]:
    """Return the bytes of a value in a stream, or a function that finds them at a place."""
    size = _SIZES.get(each.datatype, 1)
    if "*" in each.arraysize:
        if each.datatype == "bit":
            return lambda content, at: 4 + (struct.unpack_from(">I", content, at)[0] + 7) // 8
        return lambda content, at: 4 + struct.unpack_from(">I", content, at)[0] * size
    values = prod(each.fixed)
    return (values + 7) // 8 if each.datatype == "bit" else values * size

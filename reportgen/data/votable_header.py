"""VOTable: what stands in a file about its tables, found by reading its XML once.

Nothing outside the file is opened, and entities, by which a small file becomes a large one, are
refused; astropy, which reads the values, would follow links.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from math import prod
from typing import BinaryIO
from xml.parsers import expat

import numpy as np

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
    def bits(self) -> int:
        """Return the bits of one value in the serializations BINARY and BINARY2."""
        several = {"bit": 1, "char": 8, "unicodeChar": 16}
        return several.get(self.datatype) or 8 * np.dtype(_TYPES.get(self.datatype, "u1")).itemsize

    @property
    def column(self) -> FileColumn:
        """Return what the file says of the column."""
        dtype = _TYPES.get(self.datatype, "")
        shape, why = self.fixed, ""
        if not dtype:
            dtype, why = "|O", f"its type {self.datatype!r} is not one of VOTable"
        elif dtype == "str":
            shape, why = (), "holds lists of texts" if "x" in self.arraysize else ""
        elif "*" in self.arraysize:
            shape, why = (), "holds lists of different lengths"
        elif self.datatype.endswith("Complex"):
            why = "holds complex numbers"
        elif prod(shape) == 0:
            why = "holds no values"
        return FileColumn(
            self.attributes.get("name") or self.attributes.get("ID", ""),
            dtype,
            shape,
            self.attributes.get("unit", "").strip(),
            " ".join(self.description.split()),
            self.attributes.get("ucd", "").strip(),
            why,
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


def read_header(stream: BinaryIO) -> "VOHeader":
    """Return what a VOTable holds, reading all of it, with little memory.

    SourceError when it is not well-formed XML, when it says that a query failed, or when what it
    announces cannot be in a file of its size.
    """
    header = VOHeader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = header.start
    parser.EndElementHandler = header.end
    parser.CharacterDataHandler = header.characters
    parser.EntityDeclHandler = header.entity
    try:
        parser.ParseFile(stream)
    except expat.ExpatError as error:
        said = expat.ErrorString(error.code)
        if error.code in _UNFINISHED:
            said = f"is truncated: its XML has no end (line {error.lineno})"
            raise SourceError(said, AGAIN) from None
        raise SourceError(f"is damaged: line {error.lineno}: {said}", AGAIN) from None
    except (ValueError, LookupError) as error:  # of an encoding that Python does not have
        raise SourceError(f"is damaged: {error}", AGAIN) from None
    for table in header.tables:
        _check_claims(table, parser.CurrentByteIndex)
    return header


_UNFINISHED = {
    expat.errors.codes[each]
    for each in (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN)
}


class VOHeader:
    """What a VOTable says of itself, found while its XML is read.

    tables: in the order of the file. notes: sentences to be shown with them.
    """

    def __init__(self) -> None:
        self.tables: list[VOTable] = []
        self.notes: list[str] = []
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
            for other in self.tables if attributes.get("ref") else ():
                if other.attributes.get("ID") == attributes["ref"]:  # it has the same fields
                    self._table.fields = [*other.fields]
            self.tables.append(self._table)
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
            self.notes.append(f"{said}: {text}." if text else f"{said}.")


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
    # Bits of a value, and how many of them a row has; None where each row says it.
    sizes = [
        (each.bits, None if "*" in each.arraysize else prod(each.fixed)) for each in table.fields
    ]
    flags = (len(sizes) + 7) // 8 if table.written == "BINARY2" else 0
    fixed = [(bits * many + 7) // 8 for bits, many in sizes if many is not None]
    rows = at = 0
    if len(fixed) == len(sizes):
        row = flags + sum(fixed)
        rows, left = divmod(len(content), row) if row else (0, len(content))
    else:
        while at < len(content):
            at += flags
            for bits, many in sizes:
                if many is None:
                    many, at = int.from_bytes(content[at : at + 4]), at + 4  # noqa: PLW2901
                at += (bits * many + 7) // 8
            rows += at <= len(content)
        left = at - len(content)
    if left:
        raise SourceError(f"is damaged: row {rows + 1} of a table is not whole", DAMAGED)
    return rows

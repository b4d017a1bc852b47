"""Columns of an Arrow schema, with what programs of astronomy write beside it.

Units and descriptions come from, in this order: the metadata of a column (as lsst and others write
it), a VOTable (VOParquet 1.0, https://www.ivoa.net/documents/Notes/VOParquet/), astropy's table.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from xml.parsers import expat

from reportgen.data.arrow import describe_type
from reportgen.data.file_columns import without_duplicates
from reportgen.data.format import FileColumn

if TYPE_CHECKING:
    import pyarrow as pa

_UNIT, _LABEL, _UCD = (b"unit", b"units"), (b"description", b"doc", b"comment"), (b"ucd",)


@dataclass(frozen=True)
class SchemaColumns:
    """Columns of a schema. masks: names of the columns that say where values are missing."""

    columns: tuple[FileColumn, ...]
    masks: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Note:
    unit: str = ""
    label: str = ""
    ucd: str = ""


def describe_schema(schema: "pa.Schema") -> SchemaColumns:
    """Return the columns of a schema.

    A column of truth values NAME.mask beside NAME, as astropy writes it, is no column of its own:
    it says where values are missing.
    """
    metadata = schema.metadata or {}
    notes = _astropy_notes(metadata.get(b"table_meta_yaml", b""))
    for name, note in _votable_notes(metadata.get(b"IVOA.VOTable-Parquet.content", b"")).items():
        kept = notes.setdefault(name, _Note())
        notes[name] = _Note(note.unit or kept.unit, note.label or kept.label, note.ucd or kept.ucd)
    times = Counter(schema.names)
    columns = []
    for each in schema:
        column = replace(describe_type(each.type), name=each.name)
        note = notes.get(each.name, _Note())
        column = replace(
            column,
            unit=_text(each.metadata, _UNIT) or note.unit or column.unit,
            label=_text(each.metadata, _LABEL) or note.label,
            ucd=_text(each.metadata, _UCD) or note.ucd,
        )
        columns.append(column)
    masks = {
        column.name.removesuffix(".mask"): column.name
        for column in columns
        if column.name.endswith(".mask")
        and column.dtype == "|b1"
        and times[column.name] == 1
        and times[column.name.removesuffix(".mask")] == 1
    }
    no_masks = [each for each in columns if each.name not in masks.values()]
    return SchemaColumns(without_duplicates(no_masks), masks)


def _text(metadata: Mapping[bytes, bytes] | None, keys: tuple[bytes, ...]) -> str:
    found = (value for key, value in (metadata or {}).items() if key.lower() in keys)
    return next(found, b"").decode("utf-8", "replace").strip()


def _astropy_notes(header: bytes) -> dict[str, _Note]:
    if not header:
        return {}
    from astropy.table.meta import get_header_from_yaml

    try:
        columns = get_header_from_yaml(header.decode("utf-8").split("\n"))["datatype"]
        return {
            str(each["name"]): _Note(
                str(each.get("unit") or ""), str(each.get("description") or "")
            )
            for each in columns
        }
    except Exception:
        return {}


def _votable_notes(document: bytes) -> dict[str, _Note]:
    """Return what the fields of a VOTable say of themselves; its rows are elsewhere."""
    notes: dict[str, _Note] = {}
    field_open: _Note | None = None
    texts: list[str] | None = None

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal field_open, texts
        tag = tag.rpartition(":")[2]
        if tag == "FIELD":
            field_open = _Note(attributes.get("unit", ""), "", attributes.get("ucd", ""))
            notes[attributes.get("name", "")] = field_open
        elif tag == "DESCRIPTION" and field_open is not None:
            texts = []

    def data(text: str) -> None:
        if texts is not None:
            texts.append(text)

    def end(tag: str) -> None:
        nonlocal field_open, texts
        tag = tag.rpartition(":")[2]
        if tag == "DESCRIPTION" and field_open is not None and texts is not None:
            field_open.label = " ".join("".join(texts).split())
            texts = None
        elif tag == "FIELD":
            field_open = None

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = data
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError):
        return notes  # of the fields before; the values are there without
    return notes

"""Columns of an Arrow schema, with what programs of astronomy write beside it.

Units and descriptions come from, in this order: the metadata of a column (as lsst and others write
it), a VOTable (VOParquet 1.0, https://www.ivoa.net/documents/Notes/VOParquet/), astropy's table.
"""

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reportgen.data.file_columns import columns_of_astropy, masks_of, without_duplicates
from reportgen.data.format import FileColumn
from reportgen.data.votable_header import read_header
from reportgen.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

# Decimal digits that a float64 keeps whatever they are, and those that an int64 holds.
FLOAT_DIGITS, INTEGER_DIGITS = 15, 18
# Arrow's names of types that are not numpy's.
_NUMPY_NAMES = {"halffloat": "float16", "float": "float32", "double": "float64"}
_UNIT, _LABEL, _UCD = (b"unit", b"units"), (b"description", b"doc", b"comment"), (b"ucd",)


def describe_schema(schema: "pa.Schema") -> tuple[tuple[FileColumn, ...], dict[str, str]]:
    """Return the columns of a schema, and by some of them the names of their masks.

    Masks are no columns of their own: they say where values are missing.
    """
    metadata = schema.metadata or {}
    of_votable = _votable_columns(metadata.get(b"IVOA.VOTable-Parquet.content", b""))
    of_astropy = columns_of_astropy(metadata.get(b"table_meta_yaml", b"").splitlines())
    columns = []
    for each in schema:
        kind, said = _describe_type(each.type), each.metadata or {}
        unit, label, ucd = (_text(said, keys) for keys in (_UNIT, _LABEL, _UCD))
        column = replace(kind, name=each.name, unit=unit, label=label, ucd=ucd)
        for other in (of_votable.get(each.name), of_astropy.get(each.name), kind):
            column = column.completed(other)
        columns.append(column)
    masks = masks_of(columns)
    no_masks = [each for each in columns if each.name not in masks.values()]
    return without_duplicates(no_masks), masks


def _text(metadata: Mapping[bytes, bytes], keys: tuple[bytes, ...]) -> str:
    found = (value for key, value in metadata.items() if key.lower() in keys)
    return next(found, b"").decode("utf-8", "replace").strip()


def _votable_columns(document: bytes) -> dict[str, FileColumn]:
    """Return what the fields of a VOTable say of themselves; its rows are elsewhere."""
    try:
        tables = read_header(io.BytesIO(document)).tables if document else []
    except SourceError:  # the values are there without
        tables = []
    return {column.name: column for table in tables for column in table.columns}


def _describe_type(kind: "pa.DataType") -> FileColumn:
    """Return what values of a type are; a column without a name."""
    from pyarrow import types

    while hasattr(kind, "storage_type") or types.is_dictionary(kind):
        kind = kind.value_type if types.is_dictionary(kind) else kind.storage_type
    if types.is_fixed_size_list(kind):
        inner = _describe_type(kind.value_type)
        why = inner.unreadable or ("" if kind.list_size else "holds lists of no values")
        return replace(inner, shape=(kind.list_size, *inner.shape), unreadable=why)
    dtype, unit, why = "str", "", ""
    if types.is_decimal(kind):
        is_whole = kind.scale == 0 and kind.precision <= INTEGER_DIGITS
        dtype = "<i8" if is_whole else "<f8"
        if not is_whole and kind.precision > FLOAT_DIGITS:
            why = f"holds decimal numbers of {kind.precision} digits, more than a float64 has"
    elif types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        dtype = np.dtype(_NUMPY_NAMES.get(str(kind), str(kind))).str
    elif types.is_timestamp(kind) or types.is_date(kind):
        dtype = "time"
    elif types.is_duration(kind):
        dtype, unit = "<i8", kind.unit
    elif not is_text(kind) and not is_bytes(kind):
        why = f"holds {_what_is_in(kind)}"
    return FileColumn("", dtype, unit=unit, unreadable=why)


def is_text(kind: "pa.DataType") -> bool:
    """Return whether values of a type are texts."""
    return str(kind) in ("string", "large_string", "string_view")


def is_bytes(kind: "pa.DataType") -> bool:
    """Return whether values of a type are bytes, which are read as texts."""
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

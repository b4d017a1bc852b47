"""Columns as files describe them: those that share a name, and where one that is wanted is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import prod

from reportgen.config.suggest import unknown
from reportgen.data.format import FileColumn, Wanted
from reportgen.errors import SourceError
from reportgen.wording import count, counted

MASK = ".mask"


def without_duplicates(columns: Sequence[FileColumn]) -> tuple[FileColumn, ...]:
    """Return columns, of which those that share a name cannot be read."""
    times = Counter(column.name for column in columns)
    return tuple(
        replace(column, unreadable=f"{times[column.name]} columns have its name")
        if times[column.name] > 1
        else column
        for column in columns
    )


def masks_of(columns: Sequence[FileColumn]) -> dict[str, str]:
    """Return by columns the names of their masks: truth values NAME.mask, as of astropy."""
    times = Counter(column.name for column in columns)
    masks = {}
    for column in columns:
        name = column.name.removesuffix(MASK)
        is_mask = name != column.name and column.dtype == "|b1"
        if is_mask and times[name] == times[column.name] == 1:
            masks[name] = column.name
    return masks


def columns_of_astropy(lines: Sequence[bytes]) -> dict[str, FileColumn]:
    """Return units and descriptions of columns that astropy wrote beside a table, as YAML."""
    if not len(lines):
        return {}
    from astropy.table.meta import get_header_from_yaml

    try:
        columns = get_header_from_yaml([line.decode() for line in lines])["datatype"]
        return {
            (name := str(each["name"])): FileColumn(
                name, "", unit=str(each.get("unit") or ""), label=str(each.get("description") or "")
            )
            for each in columns
        }
    except Exception:  # it is a help, written by another program: without it names serve
        return {}


def problem_of(column: FileColumn, index: int | None) -> str:
    """Return why a column cannot be read as one number or text a row; empty when it can."""
    shape, kind = column.shape, column.dtype
    if column.unreadable or not (column.is_number or kind in ("str", "time")):
        other = "complex numbers" if "c" in kind else kind
        other = "lists or references" if kind.endswith("O") else other
        return column.unreadable or f"holds {other}, not numbers"
    if len(shape) > 1:
        return f"has values of shape {shape} in each row, which no column has"
    if index is None:
        several = f"has {count(prod(shape))} values in each row: name one with index"
        return "" if shape in ((), (1,)) else several
    if not shape:
        return "has one value in each row: leave out index"
    if index < shape[0]:
        return ""
    there = counted(shape[0], "values")
    return f"has {there} in each row, counted from 0, so there is no index {index}"


def position(columns: Sequence[FileColumn], wanted: Wanted) -> int:
    """Return which of the columns is wanted; SourceError when it cannot be read."""
    names = [column.name for column in columns]
    if wanted.column not in names:
        raise SourceError(unknown("column", wanted.column, names))
    at = names.index(wanted.column)
    if why := problem_of(columns[at], wanted.index):
        said = f"column {wanted.column} cannot be read: {why}"
        raise SourceError(said, "build again, or name another column")
    return at

"""Columns as files describe them: those that share a name, and where one that is wanted is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import prod

from reportgen.config.suggest import unknown
from reportgen.data.format import FileColumn, Wanted
from reportgen.errors import SourceError

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


def position(columns: Sequence[FileColumn], wanted: Wanted) -> int:
    """Return which of the columns is wanted; SourceError when it cannot be read."""
    names = [column.name for column in columns]
    if wanted.column not in names:
        raise SourceError(unknown("column", wanted.column, names))
    column = columns[at := names.index(wanted.column)]
    if column.unreadable:
        said = f"column {column.name} cannot be read: {column.unreadable}"
        raise SourceError(said, "name another column")
    values = prod(column.shape)
    if wanted.index is None and column.shape:
        said = f"column {column.name} has {values} values in each row"
        raise SourceError(said, f"name one of them: index 0 to {values - 1}")
    if not 0 <= (wanted.index or 0) < values:
        said = f"column {column.name} has no index {wanted.index}"
        raise SourceError(said, f"the last one is {values - 1}")
    return at

"""Which rows of a catalogue selections may take, by what its files say of their row groups."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.columns import Column
from reportgen.config.expression_bounds import (
    NOTHING,
    Interval,
    bounds_of,
    can_be_true,
    widened,
)
from reportgen.config.expressions import Condition, Expression
from reportgen.data.dataset import TEXT, ColumnPlace, Columns, as_values
from reportgen.data.opening import row_groups
from reportgen.data.positions import IcrsAngle

Computed = Mapping[str, Expression | IcrsAngle]
_A_MILLISECOND = 1e-3 / 86400  # days; ends of times may be rounded


def rows_to_read(
    conditions: Collection[Condition],
    columns: Mapping[str, Column],
    places: Mapping[str, ColumnPlace],
    computed: Computed,
) -> tuple[range, ...] | None:
    """Return the rows, in their order, that one of some conditions may select; None for all.

    columns, places: of all columns that the conditions are about, at last. Raises SourceError.
    """
    names = [name for name in columns if name in places]
    if len({(places[name].file, places[name].dataset) for name in names}) != 1:
        return None
    if _selects_missing(conditions, columns, computed):
        return None  # what is not read is missing
    groups = row_groups([places[name] for name in names])
    taken: list[range] = []
    first = 0
    for group in groups:
        found = {n: _interval(e, columns[n]) for n, e in zip(names, group.ends, strict=True)}
        bounds = {name: ends for name, ends in found.items() if ends is not None}
        for name, expression in computed.items():
            if isinstance(expression, Expression) and (ends := bounds_of(expression, bounds)):
                bounds[name] = ends
        if any(can_be_true(each, bounds) for each in conditions):
            begin = taken.pop().start if taken and taken[-1].stop == first else first
            taken.append(range(begin, first + group.rows))
        first += group.rows
    return tuple(taken) if groups else None


def _selects_missing(
    conditions: Collection[Condition], columns: Mapping[str, Column], computed: Computed
) -> bool:
    """Return whether a condition may select a row in which all values are missing."""
    rows = {name: _missing(1, is_text=column.kind == "text") for name, column in columns.items()}
    for name, expression in computed.items():
        rows[name] = np.broadcast_to(expression.values(rows), (1,))
    return any(np.any(condition.selected(rows)) for condition in conditions)


def _interval(ends: NDArray[Any] | None, column: Column) -> Interval | None:
    if ends is None:
        return None
    if column.kind == "text":
        low, high = ends.tolist() if len(ends) else (None, None)
        return (low, high) if isinstance(low, str) and isinstance(high, str) else None
    if not len(ends):
        return NOTHING
    low, high = np.atleast_2d(as_values(ends, ()))[0].tolist()
    if column.kind == "time":
        low, high = low - _A_MILLISECOND, high + _A_MILLISECOND
    return widened(low, high)


def read_some(
    read: Callable[[int, int], Columns],
    rows: range,
    taken: Sequence[range],
    are_texts: Sequence[bool],
) -> Columns:
    """Return some rows of columns, of which those that are taken are read, and others missing."""
    columns = [_missing(len(rows), is_text=is_text) for is_text in are_texts]
    at = bisect_right(taken, rows.start, key=lambda part: part.stop)
    while at < len(taken) and taken[at].start < rows.stop:
        part = range(max(rows.start, taken[at].start), min(rows.stop, taken[at].stop))
        place = slice(part.start - rows.start, part.stop - rows.start)
        for number, values in enumerate(read(part.start, part.stop)):
            if values.ndim == 2 and columns[number].ndim == 1:
                columns[number] = np.stack([columns[number], np.zeros(len(rows))])
            is_rounded = values.ndim == columns[number].ndim
            columns[number][... if is_rounded else 0, place] = values
        at += 1
    return columns


def _missing(rows: int, *, is_text: bool) -> NDArray[Any]:
    return np.full(rows, np.nan, TEXT if is_text else np.float64)

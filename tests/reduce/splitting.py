"""Compute a reduction over rows that are split and joined in any way."""

import math
from dataclasses import fields, is_dataclass
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from tables import Table

from reportgen.reduce.base import Chunk, Derived
from reportgen.reduce.scan import Failure, scan

NAN, INF = math.nan, math.inf


def table(**columns):
    return {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}


def length(columns):
    return len(next(iter(columns.values())))


def whole(statistic, columns, exact=True):
    """Compute in a scan. exact: whether all rows may be kept."""
    value = scan([statistic], Table(columns), length(columns) if exact else -1)[statistic]
    if isinstance(value, Failure):
        raise value.error
    return value


def split(statistic, columns, cuts, merges, exact=True):
    """Compute over parts that end at the cuts, each its own state, joined in the order of merges.

    Every second part is fed to the state of the part before it, without a merge.
    """
    if isinstance(statistic, Derived):
        parts = statistic.parts(exact)
        return statistic.derive(*(split(part, columns, cuts, merges, exact) for part in parts))
    needed = {
        name: split(need, columns, cuts[::-1], merges, exact)
        for name, need in statistic.needs().items()
    }
    rows = length(columns)
    places = [0, *sorted(min(cut, rows) for cut in cuts), rows]
    states = []
    for number, (start, stop) in enumerate(pairwise(places)):
        part = {name: columns[name][start:stop].copy() for name in sorted(statistic.columns)}
        chunk = Chunk(part, stop - start, start)
        if number % 2:
            states[-1] = statistic.update(states[-1], chunk)
        else:
            states.append(statistic.update(statistic.start(**needed), chunk))
    merges = iter(merges)
    while len(states) > 1:
        place = next(merges, 0) % (len(states) - 1)
        states[place : place + 2] = [statistic.merge(*states[place : place + 2])]
    return statistic.finish(states[0])


def bits(value):
    """Return a value with every bit of its numbers."""
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    if isinstance(value, (list, tuple)):
        return [bits(each) for each in value]
    if is_dataclass(value):
        return [bits(getattr(value, field.name)) for field in fields(value)]
    return repr(value)


splits = st.tuples(
    st.lists(st.integers(0, 60), max_size=8), st.lists(st.integers(0, 10), max_size=8)
)
special = st.sampled_from([NAN, INF, -INF, 0.0, -0.0])
few = st.integers(-3, 3).map(float)  # ties
eighths = st.integers(-(10**6), 10**6).map(lambda n: n / 8)  # sums of them have no rounding
ordinary = few | eighths
anything = st.floats() | few | special


@st.composite
def tables(draw, names="ab", values=ordinary | special, max_size=50, constant=True):
    """Return columns of equal length, some of one value, empty or all missing."""
    rows = draw(st.integers(0, max_size))
    columns = {}
    for name in names:
        kind = draw(st.integers(0, 9)) if constant else 9
        if kind == 0:
            columns[name] = np.full(rows, draw(values))
        else:
            columns[name] = np.array(draw(st.lists(values, min_size=rows, max_size=rows)))
    return table(**columns)


def finite(values):
    return values[np.isfinite(values)]

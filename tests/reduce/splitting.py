"""Compute a reduction over rows that are split and joined in any way."""

import math
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from reportgen.reduce.base import Chunk, Source

NAN, INF = math.nan, math.inf


def table(**columns):
    return {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}


def length(columns):
    return len(next(iter(columns.values())))


def whole(reduction, columns, memory=2**28):
    """Compute over one chunk."""
    return split(reduction, columns, [], [], memory)


def split(reduction, columns, cuts, merges, memory=2**28):
    """Compute over parts that end at the cuts, each its own state, joined in the order of merges.

    Every second part is fed to the state of the part before it, without a merge.
    """
    rows = length(columns)
    source = Source(rows, memory)
    needs = reduction.needs(source)
    profile = {
        name: split(need, columns, cuts[::-1], merges, memory) for name, need in needs.items()
    }
    places = [0, *sorted(min(cut, rows) for cut in cuts), rows]
    states = []
    for number, (start, stop) in enumerate(pairwise(places)):
        part = {name: columns[name][start:stop].copy() for name in sorted(reduction.columns)}
        chunk = Chunk(part or {"": np.zeros(stop - start)}, stop - start)
        if number % 2:
            states[-1] = reduction.update(states[-1], chunk)
        else:
            states.append(reduction.update(reduction.start(source, **profile), chunk))
    merges = iter(merges)
    while len(states) > 1:
        place = next(merges, 0) % (len(states) - 1)
        states[place : place + 2] = [reduction.merge(*states[place : place + 2])]
    return reduction.finish(states[0])


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
    """Give columns of equal length, some of one value, empty or all missing."""
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

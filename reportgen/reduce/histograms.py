"""Histograms in one and two dimensions, and quantiles of one column in bins of another."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition, both
from reportgen.reduce.base import Chunk, Reduction, Source, Values
from reportgen.reduce.counts import Limits, Range
from reportgen.reduce.quantiles import Order, OrderState, keys_each

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class HistogramCounts:
    """Counts in bins. edges: (bins + 1,); counts: (bins,) int64.

    below, above: valid values outside the edges. The last bin includes its upper edge, as numpy's.
    """

    edges: Values
    counts: Integers
    below: int
    above: int

    @property
    def n(self) -> int:
        """Number of values inside the edges."""
        return int(self.counts.sum())

    @property
    def peak(self) -> tuple[float, float, int]:
        """Lower edge, upper edge and count of the fullest bin."""
        i = int(np.argmax(self.counts))
        return float(self.edges[i]), float(self.edges[i + 1]), int(self.counts[i])


def bin_edges(limits: Limits, bins: int, *, log: bool) -> Values:
    """Give the edges of equal bins, linear or logarithmic; (bins + 1,).

    No limits (no valid values) give bins over 0–1, or 1–10; equal ones get half a unit (or a
    factor √10) on each side, as numpy does for equal values.
    """
    if limits is None:
        low, high = (1.0, 10.0) if log else (0.0, 1.0)
    elif limits[0] == limits[1]:
        low, high = _around(limits[0], bins, log=log)
    else:
        low, high = limits
    if log:
        with np.errstate(over="ignore"):  # by rounding, beside the largest number
            edges = np.geomspace(low, high, bins + 1)
    else:
        # A quarter of each: the width of the whole range of float64 is beyond float64.
        edges = 4 * np.linspace(low / 4, high / 4, bins + 1)
    edges[0], edges[-1] = low, high
    # Between limits that hardly differ rounding can put an edge outside or out of order.
    return np.asarray(np.maximum.accumulate(np.clip(edges, low, high)))


def _around(value: float, bins: int, *, log: bool) -> tuple[float, float]:
    """Give limits about a single value."""
    info = np.finfo(np.float64)
    if log:
        side = float(np.sqrt(10))
        least = float(info.smallest_subnormal)
        return max(value / side, least), min(value * side, float(info.max))
    # Half a unit is lost beside a number this large.
    side = max(0.5, 2.0 * bins * abs(value) * float(info.eps))
    return max(value - side, float(info.min)), min(value + side, float(info.max))


def _ends(wanted: tuple[float | None, float | None], found: Iterable[Limits]) -> Limits:
    """Fill the open ends with the range of all that was found."""
    ranges = [limits for limits in found if limits is not None]
    low, high = wanted
    if low is None:
        low = min((limits[0] for limits in ranges), default=None)
    if high is None:
        high = max((limits[1] for limits in ranges), default=None)
    if low is None or high is None:
        return None
    return low, max(low, high)


@dataclass
class HistogramState:
    """Edges and counts; counts has a place below and one above the edges."""

    edges: Values
    counts: Integers


@dataclass(frozen=True)
class Histogram(Reduction[HistogramState, HistogramCounts]):
    """Counts of the valid values of a column in equal bins.

    limits: first and last edge; an end that is None is the smallest or largest value (above 0, for
    log). like: columns whose values give that end; this column alone when empty.
    half_open: a value equal to a given last edge is beyond it. subset: count only these of the
    selected rows; the range is that of all selected rows.
    """

    column: str
    bins: int = 50
    limits: tuple[float | None, float | None] = (None, None)
    log: bool = False
    like: tuple[str, ...] = ()
    half_open: bool = False
    subset: Condition | None = None
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        """The column, those that give the limits and those of the subset's condition."""
        of_subset = frozenset() if self.subset is None else self.subset.columns
        return frozenset([self.column, *self.like]) | of_subset

    def needs(self, source: Source) -> dict[str, Range]:
        """Ask for the range of each column that gives an end."""
        if None not in self.limits:
            return {}
        columns = self.like or (self.column,)
        return {name: Range(name, self.where, positive=self.log) for name in columns}

    def start(self, source: Source, /, **profile: Limits) -> HistogramState:
        """Start with empty bins."""
        edges = bin_edges(_ends(self.limits, profile.values()), self.bins, log=self.log)
        return HistogramState(edges, np.zeros(self.bins + 2, dtype=np.int64))

    def update(self, state: HistogramState, chunk: Chunk) -> HistogramState:
        """Add a chunk."""
        values = chunk.valid(self.column, both(self.where, self.subset))
        low, high = state.edges[0], state.edges[-1]
        beyond = values >= high if self.half_open and self.limits[1] is not None else values > high
        inside = np.histogram(values[~beyond], state.edges)[0]
        outside = (values < low).sum(), beyond.sum()
        state.counts += np.concatenate([[outside[0]], inside, [outside[1]]]).astype(np.int64)
        return state

    def merge(self, first: HistogramState, second: HistogramState) -> HistogramState:
        """Add two states."""
        return HistogramState(first.edges, first.counts + second.counts)

    def finish(self, state: HistogramState) -> HistogramCounts:
        """Give the counts."""
        below, inside, above = state.counts[0], state.counts[1:-1], state.counts[-1]
        return HistogramCounts(state.edges, inside, int(below), int(above))


@dataclass(frozen=True)
class Axis:
    """One axis of a 2-D histogram: a column in equal bins."""

    column: str
    bins: int
    limits: tuple[float, float] | None = None
    log: bool = False


@dataclass(frozen=True)
class Counts2D:
    """Counts in cells. x: (nx + 1,) and y: (ny + 1,) edges; counts: (ny, nx) int64."""

    x: Values
    y: Values
    counts: Integers


@dataclass
class State2D:
    """Edges and counts."""

    x: Values
    y: Values
    counts: Integers


def count_in_cells(counts: Integers, edges: tuple[Values, Values], x: Values, y: Values) -> None:
    """Add positions to the counts of their cells, (ny, nx), in place.

    edges: of x and of y. The counts are those of numpy.histogram2d, without a table of all cells
    for every call. Values outside the edges, and NaN, are left out.
    """
    x_edges, y_edges = edges
    inside = (x >= x_edges[0]) & (x <= x_edges[-1]) & (y >= y_edges[0]) & (y <= y_edges[-1])
    column, row = _bin(x_edges, x[inside]), _bin(y_edges, y[inside])
    np.add.at(counts, (row, column), 1)


def _bin(edges: Values, values: Values) -> Integers:
    """Give the bin of each value within the edges; the last one includes its upper edge."""
    number = np.searchsorted(edges, values, side="right") - 1
    return np.where(values == edges[-1], len(edges) - 2, number)


@dataclass(frozen=True)
class Histogram2D(Reduction[State2D, Counts2D]):
    """Counts of the rows valid in two columns, in cells of equal bins."""

    x: Axis
    y: Axis
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        """Both columns."""
        return frozenset([self.x.column, self.y.column])

    def needs(self, source: Source) -> dict[str, Range]:
        """Ask for the ranges where none are given."""
        return {
            name: Range(axis.column, self.where, positive=axis.log)
            for name, axis in (("x", self.x), ("y", self.y))
            if axis.limits is None
        }

    def start(self, source: Source, /, **profile: Limits) -> State2D:
        """Start with empty cells."""
        x, y = (
            bin_edges(profile.get(name, axis.limits), axis.bins, log=axis.log)
            for name, axis in (("x", self.x), ("y", self.y))
        )
        return State2D(x, y, np.zeros((self.y.bins, self.x.bins), dtype=np.int64))

    def update(self, state: State2D, chunk: Chunk) -> State2D:
        """Add a chunk."""
        x, y = chunk.complete((self.x.column, self.y.column), self.where).T
        count_in_cells(state.counts, (state.x, state.y), x, y)
        return state

    def merge(self, first: State2D, second: State2D) -> State2D:
        """Add two states."""
        return State2D(first.x, first.y, first.counts + second.counts)

    def finish(self, state: State2D) -> Counts2D:
        """Give the counts."""
        return Counts2D(state.x, state.y, state.counts)


@dataclass(frozen=True)
class BinnedQuantiles:
    """Quantiles of y in bins of x.

    edges: (bins + 1,); n: (bins,); values: (fractions, bins).

    error: of the values, as a fraction of each.
    """

    edges: Values
    n: Integers
    values: Values
    error: float


@dataclass
class BinnedState:
    """Edges, and the order of y in each bin."""

    edges: Values
    orders: list[OrderState]


@dataclass(frozen=True)
class QuantilesInBins(Reduction[BinnedState, BinnedQuantiles]):
    """Quantiles of y in equal bins of x, such as a running median."""

    x: Axis
    y: str
    fractions: tuple[float, ...]
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        """Both columns."""
        return frozenset([self.x.column, self.y])

    def needs(self, source: Source) -> dict[str, Range]:
        """Ask for the range of x where none is given."""
        if self.x.limits is not None:
            return {}
        return {"limits": Range(self.x.column, self.where, positive=self.x.log)}

    def start(self, source: Source, /, **profile: Limits) -> BinnedState:
        """Start with empty bins."""
        limits = self.x.limits if self.x.limits is not None else profile["limits"]
        edges = bin_edges(limits, self.x.bins, log=self.x.log)
        most = keys_each(self.x.bins)
        states = [OrderState(source.keeps(2), most=most) for _ in range(self.x.bins)]
        return BinnedState(edges, states)

    def update(self, state: BinnedState, chunk: Chunk) -> BinnedState:
        """Add a chunk."""
        x, y = chunk.complete((self.x.column, self.y), self.where).T
        inside = (x >= state.edges[0]) & (x <= state.edges[-1])
        x, y = x[inside], y[inside]
        number = _bin(state.edges, x)
        by_bin = np.argsort(number, kind="stable")
        parts = np.split(y[by_bin], np.cumsum(np.bincount(number, minlength=self.x.bins))[:-1])
        order = Order(self.y)
        for i, part in enumerate(parts):
            if len(part):
                state.orders[i] = order.update(state.orders[i], Chunk({self.y: part}, len(part)))
        return state

    def merge(self, first: BinnedState, second: BinnedState) -> BinnedState:
        """Join each bin's orders."""
        order = Order(self.y)
        pairs = zip(first.orders, second.orders, strict=True)
        return BinnedState(first.edges, [order.merge(a, b) for a, b in pairs])

    def finish(self, state: BinnedState) -> BinnedQuantiles:
        """Give the quantiles; NaN in empty bins."""
        orders = [Order(self.y).finish(s) for s in state.orders]
        return BinnedQuantiles(
            state.edges,
            np.array([order.n for order in orders], dtype=np.int64),
            np.stack([order.quantiles(self.fractions) for order in orders], axis=1),
            max(order.error for order in orders),
        )


@dataclass(frozen=True)
class Rows:
    """Rows valid in all of some columns: values (n, columns), or None when there are too many."""

    n: int
    values: Values | None


@dataclass
class RowsState:
    """Rows kept while they are few, and their number."""

    n: int
    kept: list[Values] | None


@dataclass(frozen=True)
class FewRows(Reduction[RowsState, Rows]):
    """All rows valid in some columns, if they are at most a limit: what a scatter plot draws."""

    of: tuple[str, ...]
    limit: int
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        """The columns."""
        return frozenset(self.of)

    def start(self, source: Source, /, **profile: Any) -> RowsState:
        """Start with no rows."""
        return RowsState(0, [])

    def update(self, state: RowsState, chunk: Chunk) -> RowsState:
        """Add a chunk."""
        block = chunk.complete(self.of, self.where)
        return self.merge(state, RowsState(len(block), [block]))

    def merge(self, first: RowsState, second: RowsState) -> RowsState:
        """Join rows; drop them once there are too many."""
        n = first.n + second.n
        if n > self.limit or first.kept is None or second.kept is None:
            return RowsState(n, None)
        return RowsState(n, first.kept + second.kept)

    def finish(self, state: RowsState) -> Rows:
        """Give the rows in the order of the source."""
        if state.kept is None:
            return Rows(state.n, None)
        return Rows(state.n, np.concatenate([*state.kept, np.empty((0, len(self.of)))]))

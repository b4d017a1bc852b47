"""Histograms in one and two dimensions, and the few rows that can be drawn one by one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition, both
from reportgen.reduce.base import Chunk, Integers, Reduction, Statistic, Values
from reportgen.reduce.binning import Binning
from reportgen.reduce.chunk import Limits
from reportgen.reduce.counts import IsWhole, Range

LARGEST_WHOLE = 2.0**50  # beyond, float64 has no halves, between which whole numbers are binned


@dataclass(frozen=True)
class HistogramCounts:
    """Counts in bins. edges: (bins + 1,); counts: (bins,) int64.

    below, above: valid values outside the edges. The last bin includes its upper edge, as numpy's.
    whole: whether all values are whole numbers, and the edges lie half-way between such.
    """

    edges: Values
    counts: Integers
    below: int
    above: int
    whole: bool = False

    @property
    def n(self) -> int:
        """Number of values inside the edges."""
        return int(self.counts.sum())

    @property
    def peak(self) -> tuple[float, float, int]:
        """First and last value that the fullest bin may hold, and its count."""
        i = int(np.argmax(self.counts))
        return (*self.span(i, i), int(self.counts[i]))

    def span(self, first: int, last: int) -> tuple[float, float]:
        """Return the first and the last value of some bins: their edges, or whole numbers."""
        low, high = float(self.edges[first]), float(self.edges[last + 1])
        return (round(low + 0.5), round(high - 0.5)) if self.whole else (low, high)


def bin_edges(limits: Limits, bins: int, *, log: bool, whole: bool = False) -> Values:
    """Return the edges of equal bins, linear or logarithmic; (bins + 1,).

    whole: bins of a whole width, half to twice as many, between halves: one for each whole number
    if that is no more. Bins of another width hold now more, now fewer of them. No limits (no valid
    values) give bins over 0–1, or 1–10; equal ones get half a unit (or a factor √10) on each side,
    as numpy does for equal values.
    """
    if whole and limits is not None:
        return _whole_edges(round(limits[0]), round(limits[1]), bins)
    low, high = map(float, limits or ((1.0, 10.0) if log else (0.0, 1.0)))
    if low == high:
        low, high = _around(low, bins, log=log)
    if log:
        with np.errstate(over="ignore"):  # by rounding, beside the largest number
            edges = np.geomspace(low, high, bins + 1)
    else:
        # A quarter of each: the width of the whole range of float64 is beyond float64.
        edges = 4 * np.linspace(low / 4, high / 4, bins + 1)
    edges[0], edges[-1] = low, high
    # Between limits that hardly differ rounding can put an edge outside or out of order.
    return np.asarray(np.maximum.accumulate(np.clip(edges, low, high)))


def _is_index(limits: Limits) -> bool:
    """Return whether a range takes at least half of 0 to 1, and nothing else."""
    return limits is not None and 0 <= limits[0] <= limits[1] - 0.5 <= 0.5


def _between_halves(limits: Limits, *are_whole: bool) -> bool:
    """Return whether a range can have bins of a whole width. are_whole: what its columns are."""
    return limits is not None and all(are_whole) and max(map(abs, limits)) <= LARGEST_WHOLE


def _whole_edges(low: int, high: int, bins: int) -> Values:
    """Return edges half-way between whole numbers, 1, 2, 5, 10, 20 and so on apart."""
    numbers = high - low + 1
    widths = (factor * 10**power for power in count() for factor in (1, 2, 5))
    width = next(width for width in widths if numbers <= 2 * bins * width)
    return np.asarray(low - 0.5 + width * np.arange(-(-numbers // width) + 1.0))


def _around(value: float, bins: int, *, log: bool) -> tuple[float, float]:
    """Return limits about a single value."""
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


@dataclass(frozen=True)
class Histogram(Reduction[HistogramCounts, HistogramCounts]):
    """Counts of the valid values of a column in equal bins.

    limits: first and last edge; an end that is None is the smallest or largest value (above 0, for
    log). like: columns whose values give that end; this column alone when empty.
    half_open: a value equal to a given last edge is beyond it. subset: count only these of the
    selected rows; the range is that of all selected rows. whole: where all values are whole
    numbers, and both ends are open, bins of a whole width, up to twice as many. index: where values
    take at least half of 0 to 1 and none is outside, and both ends are open, bins over 0 to 1.
    """

    column: str
    bins: int = 50
    limits: tuple[float | None, float | None] = (None, None)
    log: bool = False
    like: tuple[str, ...] = ()
    half_open: bool = False
    whole: bool = False
    index: bool = False
    subset: Condition | None = None
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        of_subset = frozenset() if self.subset is None else self.subset.columns
        return frozenset([self.column, *self.like]) | of_subset

    @property
    def _may_be_whole(self) -> bool:
        return self.whole and not self.log and self.limits == (None, None)

    def needs(self) -> dict[str, Statistic[Any]]:
        if None not in self.limits:
            return {}
        columns = self.like or (self.column,)
        found: dict[str, Statistic[Any]] = {
            f"range {name}": Range(name, self.where, positive=self.log) for name in columns
        }
        if self._may_be_whole:
            found |= {f"whole {name}": IsWhole(name, self.where) for name in columns}
        return found

    def start(self, /, **known: Any) -> HistogramCounts:
        ranges = [value for name, value in known.items() if name.startswith("range ")]
        wholes = [value for name, value in known.items() if name.startswith("whole ")]
        limits = _ends(self.limits, ranges)
        whole = self._may_be_whole and _between_halves(limits, *wholes)
        open_ends = self.limits == (None, None)
        if self.index and open_ends and not (whole or self.log) and _is_index(limits):
            # Divided so that 3 / 20 is 0.15, as it is read from a file.
            edges = np.arange(self.bins + 1) / self.bins
        else:
            edges = bin_edges(limits, self.bins, log=self.log, whole=whole)
        return HistogramCounts(edges, np.zeros(len(edges) - 1, dtype=np.int64), 0, 0, whole)

    def update(self, state: HistogramCounts, chunk: Chunk) -> HistogramCounts:
        # Few edges are found among many values in order faster than the values among the edges.
        values = chunk.ordered(self.column, both(self.where, self.subset))
        below = np.searchsorted(values, state.edges)
        if not (self.half_open and self.limits[1] is not None):
            below[-1] = np.searchsorted(values, state.edges[-1], side="right")
        return self.merge(
            state,
            replace(
                state,
                counts=np.diff(below),
                below=int(below[0]),
                above=len(values) - int(below[-1]),
            ),
        )

    def merge(self, first: HistogramCounts, second: HistogramCounts) -> HistogramCounts:
        return replace(
            first,
            counts=first.counts + second.counts,
            below=first.below + second.below,
            above=first.above + second.above,
        )


@dataclass(frozen=True)
class Axis:
    """One axis of a 2-D histogram: a column in equal bins. whole: as of a `Histogram`."""

    column: str
    bins: int
    limits: tuple[float, float] | None = None
    log: bool = False
    whole: bool = False

    def needs(self, where: Condition | None, of: str = "x") -> dict[str, Statistic[Any]]:
        """Return what must be known of the column before its edges are, by names with a prefix."""
        if self.limits is not None:
            return {}
        found: dict[str, Statistic[Any]] = {
            f"{of} range": Range(self.column, where, positive=self.log)
        }
        if self.whole and not self.log:
            found[f"{of} whole"] = IsWhole(self.column, where)
        return found

    def edges(self, known: Mapping[str, Any], of: str = "x") -> Values:
        """Return the edges of its bins. known: what it needs, by those names."""
        limits = self.limits or known.get(f"{of} range")
        whole = _between_halves(limits, known.get(f"{of} whole", False))
        return bin_edges(limits, self.bins, log=self.log, whole=whole)


@dataclass(frozen=True)
class Counts2D:
    """Counts in cells. x: (nx + 1,) and y: (ny + 1,) edges; counts: (ny, nx) int64."""

    x: Values
    y: Values
    counts: Integers


def count_in_cells(counts: Integers, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Add positions to the counts of their cells, (ny, nx), in place.

    x, y: bins of each position, -1 outside. The counts are those of numpy.histogram2d.
    """
    inside = (x >= 0) & (y >= 0)
    if not inside.all():
        x, y = x[inside], y[inside]
    cell = y * np.int64(counts.shape[1]) + x
    np.add.at(counts.reshape(-1), cell, 1)


def row_bins(
    chunk: Chunk, column: str, binning: Binning, places: NDArray[np.intp] | None
) -> NDArray[Any]:
    """Return the bin of a column's values at some places (None: of all rows), -1 outside."""
    values, up_to = chunk.columns[column], chunk.edges_up_to(column, binning)
    if places is not None:
        values, up_to = values[places], up_to[places]
    return binning.bins(values, up_to)


@dataclass
class CellState:
    """Bins along x and y, and counts in the cells, (ny, nx)."""

    bins: tuple[Binning, ...]
    counts: Integers


@dataclass(frozen=True)
class Histogram2D(Reduction[CellState, Counts2D]):
    """Counts of the rows valid in two columns, in cells of equal bins."""

    x: Axis
    y: Axis
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.x.column, self.y.column])

    def needs(self) -> dict[str, Statistic[Any]]:
        return self.x.needs(self.where) | self.y.needs(self.where, "y")

    def start(self, /, **known: Any) -> CellState:
        x, y = self.x.edges(known), self.y.edges(known, "y")
        counts = np.zeros((len(y) - 1, len(x) - 1), dtype=np.int64)
        return CellState((Binning.of(x), Binning.of(y)), counts)

    def update(self, state: CellState, chunk: Chunk) -> CellState:
        columns = self.x.column, self.y.column
        places = chunk.places(columns, self.where)
        x, y = (
            row_bins(chunk, column, bins, places)
            for column, bins in zip(columns, state.bins, strict=True)
        )
        count_in_cells(state.counts, x, y)
        return state

    def merge(self, first: CellState, second: CellState) -> CellState:
        first.counts += second.counts
        return first

    def finish(self, state: CellState) -> Counts2D:
        x, y = state.bins
        return Counts2D(x.edges, y.edges, state.counts)


@dataclass(frozen=True)
class Rows:
    """Rows valid in all of some columns: values (n, columns), or None when there are too many."""

    n: int
    values: Values | None


@dataclass(frozen=True)
class FewRows(Reduction[Rows, Rows]):
    """All rows valid in some columns, if they are at most a limit: what a scatter plot draws."""

    of: tuple[str, ...]
    limit: int
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset(self.of)

    def start(self) -> Rows:
        return Rows(0, np.empty((0, len(self.of))))

    def update(self, state: Rows, chunk: Chunk) -> Rows:
        columns = chunk.together(self.of, self.where)
        n = len(columns[0])
        return self.merge(state, Rows(n, np.stack(columns, axis=1) if n <= self.limit else None))

    def merge(self, first: Rows, second: Rows) -> Rows:
        n = first.n + second.n
        if n > self.limit or first.values is None or second.values is None:
            return Rows(n, None)
        return Rows(n, np.concatenate([first.values, second.values]))

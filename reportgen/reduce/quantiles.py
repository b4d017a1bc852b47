"""Order statistics: exact while all values may be kept, a sketch beyond it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition, both
from reportgen.reduce.base import Chunk, Derived, Integers, Reduction, Values
from reportgen.reduce.counts import CountBelow
from reportgen.reduce.sketch import MOST_KEYS, Sketch, coarsened, middle

SIGMA_MAD = 1.482602218505602  # 1 / Φ⁻¹(3/4): standard deviation over the MAD of normal values
AT_ONCE = 2**16  # values at which two distributions are compared at a time


@dataclass(frozen=True)
class OrderedValues:
    """The valid values of a column in order: all of them, or values with counts.

    values: (m,) ascending. counts: (m,) how many each stands for; None for one each.
    dropped: trailing bits of the values that are lost.
    """

    values: Values
    counts: NDArray[np.int64] | None = None
    dropped: int = 0

    @staticmethod
    def of(sketch: Sketch) -> "OrderedValues":
        """Return the values of a sketch."""
        if sketch.most is None:
            return OrderedValues(sketch.sorted())
        sketch.count()
        return OrderedValues(middle(sketch.keys, sketch.dropped), sketch.counts, sketch.dropped)

    @property
    def error(self) -> float:
        """Largest error of a value, as a fraction of it; 0 when exact."""
        return 2.0 ** (self.dropped - 53) if self.dropped else 0.0

    @property
    def n(self) -> int:
        """Number of valid values."""
        return len(self.values) if self.counts is None else int(self.counts.sum())

    @property
    def exact(self) -> bool:
        """Whether nothing was rounded."""
        return self.dropped == 0

    def below(self, value: float, n: int) -> "OrderedValues":
        """Return the order of the n values that are strictly below one."""
        if self.counts is None:
            return OrderedValues(self.values[:n])
        stop = int(np.searchsorted(np.cumsum(self.counts), n)) + 1
        counts = self.counts[:stop].copy()
        counts[-1:] -= counts.sum() - n  # others of these were rounded to the same value
        values = np.minimum(self.values[:stop], np.nextafter(value, -np.inf))
        return OrderedValues(values, counts, self.dropped)

    def coarser(self, dropped: int) -> "OrderedValues":
        """Return the order with so many trailing bits dropped."""
        if self.counts is None or dropped == self.dropped:
            return self
        return OrderedValues(*coarsened(self.values, self.counts, dropped), dropped)

    def quantiles(self, fractions: Sequence[float] | Values) -> Values:
        """Return quantiles as numpy.quantile does (linear); NaN when there are no values."""
        wanted = np.asarray(fractions, dtype=np.float64)
        if not self.n:
            return np.full(wanted.shape, np.nan)
        rank = wanted * (self.n - 1)
        below, share = np.floor(rank).astype(np.int64), rank - np.floor(rank)
        low, high = self.ranked(below), self.ranked(np.minimum(below + 1, self.n - 1))
        with np.errstate(over="ignore", invalid="ignore"):
            between = low + (high - low) * share
        # The distance of two numbers can be beyond float64; that of their halves is not.
        halves = 2 * (low / 2 + (high / 2 - low / 2) * share)
        return np.clip(np.where(np.isfinite(between), between, halves), low, high)

    def about(self, value: float) -> float:
        """Return the median distance of the values from one; NaN when there are none."""
        distances = np.abs(self.values - value)
        if self.counts is None:
            return float(np.median(distances)) if self.n else float("nan")
        order = np.argsort(distances, kind="stable")
        nearest = OrderedValues(distances[order], self.counts[order], self.dropped)
        return float(nearest.quantiles([0.5])[0])

    def ranked(self, ranks: NDArray[np.int64]) -> Values:
        """Return the values at some ranks, counted from 0."""
        if self.counts is None:
            return self.values[ranks]
        return self.values[np.searchsorted(np.cumsum(self.counts), ranks, side="right")]

    def fraction_up_to(self, values: Values) -> Values:
        """Empirical distribution function: fraction of the values that are ≤ each given one."""
        place = np.searchsorted(self.values, values, side="right")
        if self.counts is None:
            return place / max(1, self.n)
        return np.concatenate([[0], np.cumsum(self.counts)])[place] / max(1, self.n)


@dataclass(frozen=True)
class Order(Reduction[Sketch, OrderedValues]):
    """The valid values of a column in order. most: how many are told apart; None for all."""

    column: str
    where: Condition | None = None
    most: int | None = None

    def start(self) -> Sketch:
        return Sketch(self.most)

    def update(self, state: Sketch, chunk: Chunk) -> Sketch:
        state.add(chunk.valid(self.column, self.where))
        return state

    def merge(self, first: Sketch, second: Sketch) -> Sketch:
        first.merge(second)
        return first

    def finish(self, state: Sketch) -> OrderedValues:
        return OrderedValues.of(state)


def ordered(column: str, where: Condition | None, exact: bool) -> Order:
    """Return the reduction that orders a column, to how many keys it may."""
    return Order(column, where, None if exact else MOST_KEYS)


@dataclass(frozen=True)
class QuantileValues:
    """Quantiles of n valid values; NaN when n is 0. error: as a fraction of the value."""

    n: int
    values: Values
    error: float


@dataclass(frozen=True)
class Quantiles(Derived[QuantileValues]):
    """Quantiles of the valid values of a column, as numpy.quantile (linear)."""

    column: str
    fractions: tuple[float, ...]
    where: Condition | None = None

    def parts(self, exact: bool) -> tuple[Order]:
        return (ordered(self.column, self.where, exact),)

    def derive(self, order: OrderedValues) -> QuantileValues:
        return QuantileValues(order.n, order.quantiles(self.fractions), order.error)


@dataclass(frozen=True)
class Robust:
    """Median of n valid values and their scatter, σ_MAD = 1.4826 median |x − median|; NaN if none.

    error: of the median, as a fraction of it. scatter_error: of the scatter, in the unit of both.
    """

    n: int
    median: float
    scatter: float
    error: float = 0.0
    scatter_error: float = 0.0

    @property
    def median_error(self) -> float:
        """Standard error of the median if the values are normal: 1.2533 scatter / √n."""
        return 1.2533 * self.scatter / math.sqrt(self.n) if self.n else math.nan


@dataclass(frozen=True)
class MedianAndScatter(Derived[Robust]):
    """Median and σ_MAD of the valid values of a column. keys: values told apart beyond exact_rows.

    By default as many as other quantiles tell apart.
    """

    column: str
    where: Condition | None = None
    keys: int | None = None

    def parts(self, exact: bool) -> tuple[Order]:
        if exact or self.keys is None:
            return (ordered(self.column, self.where, exact),)
        return (Order(self.column, self.where, self.keys),)

    def derive(self, order: OrderedValues) -> Robust:
        median = float(order.quantiles([0.5])[0])
        scatter = SIGMA_MAD * order.about(median)
        largest = abs(median) + scatter  # of the values that decide it
        error = 2 * SIGMA_MAD * order.error * largest if order.n else 0.0
        return Robust(order.n, median, scatter, order.error, error)


@dataclass(frozen=True)
class Curve:
    """Sorted values at some ranks.

    rank: (m,) from 0; value: (m,); n: number of valid values.

    error: of the values, as a fraction of each.
    """

    n: int
    rank: NDArray[np.int64]
    value: Values
    error: float


@dataclass(frozen=True)
class SortedCurve(Derived[Curve]):
    """Sorted values of a column, thinned evenly in rank to at most so many points, ends included.

    below: take only values strictly below it.
    """

    column: str
    points: int = 1000
    below: float | None = None
    where: Condition | None = None

    def parts(self, exact: bool) -> tuple[Reduction[Any, Any], ...]:
        order = ordered(self.column, self.where, exact)
        if self.below is None:
            return (order,)
        return order, CountBelow(self.column, (self.below,), self.where)

    def derive(self, order: OrderedValues, *below: Integers) -> Curve:
        if self.below is not None:
            order = order.below(self.below, int(below[0][0]))
        last = order.n - 1
        rank = np.unique(np.rint(np.linspace(0, last, min(self.points, order.n))).astype(np.int64))
        return Curve(order.n, rank, order.ranked(rank), order.error)


@dataclass(frozen=True)
class Comparison:
    """How a subset of the rows differs from all of them in one column.

    ks: largest distance of the distribution functions, subset against all; ks_rest: against the
    rows not in the subset; p_value: of ks_rest (two-sided, asymptotic). NaN when a side is empty.
    error: of the values, as a fraction of each. ks_more: how much larger the distances may be, at
    most: ks by as much, ks_rest by as much times n_all over the rest, of which p_value is the upper
    bound.
    """

    n_subset: int
    n_all: int
    median_subset: float
    median_all: float
    ks: float
    ks_rest: float
    p_value: float
    error: float
    ks_more: float = 0.0


@dataclass(frozen=True)
class SubsetComparison(Derived[Comparison]):
    """Two-sample Kolmogorov–Smirnov distance and medians of a subset and of all rows."""

    column: str
    subset: Condition
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.column]) | self.subset.columns

    def parts(self, exact: bool) -> tuple[Order, Order]:
        subset = both(self.where, self.subset)
        return ordered(self.column, subset, exact), ordered(self.column, self.where, exact)

    def derive(self, subset: OrderedValues, whole: OrderedValues) -> Comparison:
        median = float(subset.quantiles([0.5])[0])
        # The same rounding on both sides: a value must not be apart from itself.
        subset = subset.coarser(whole.dropped)
        n, total = subset.n, whole.n
        rest = total - n
        ks = ks_rest = p_value = float("nan")
        more = 0.0
        if n:
            ks = _largest_gap(subset, whole)
            more = 0.0 if whole.exact else _largest_gap_within(subset, whole) - ks
            # F_all = f·F_subset + (1 − f)·F_rest, so the distance to the rest follows.
            if rest:
                ks_rest = min(1.0, ks * total / rest)
                from scipy.special import kolmogorov  # of large samples

                p_value = float(kolmogorov(ks_rest * math.sqrt(n * rest / total)))
        return Comparison(
            n,
            total,
            median,
            float(whole.quantiles([0.5])[0]),
            ks,
            ks_rest,
            p_value,
            max(subset.error, whole.error),
            more,
        )


def _largest_gap(subset: OrderedValues, whole: OrderedValues) -> float:
    """Return the largest distance of two distribution functions; in parts, lest memory grow."""
    gaps = []
    for start in range(0, len(whole.values), AT_ONCE):
        at = whole.values[start : start + AT_ONCE]
        gap = subset.fraction_up_to(at) - whole.fraction_up_to(at)
        gaps.append(float(np.abs(gap).max()))
    return max(gaps)


def _largest_gap_within(subset: OrderedValues, whole: OrderedValues) -> float:
    """Return how far two distribution functions can be apart at most, also between the values.

    Values that were rounded to one may have come in any order: the subset first, or the rest.
    """
    of_subset, of_whole = (
        np.append(0.0, each.fraction_up_to(whole.values)) for each in (subset, whole)
    )
    gap, of_rest = (of_subset - of_whole)[:-1], np.diff(of_whole)
    first = np.diff(of_subset) * subset.n / whole.n
    of_rest -= first
    ahead, behind = gap + first * (whole.n / subset.n - 1), of_rest - gap
    return float(max(ahead.max(), behind.max(), _largest_gap(subset, whole)))

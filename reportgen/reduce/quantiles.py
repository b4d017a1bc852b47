"""Order statistics: exact while the values fit a memory budget, a sketch beyond it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition, both, compare
from reportgen.reduce.base import Chunk, Reduction, Source, Value, Values
from reportgen.reduce.kolmogorov import kolmogorov
from reportgen.reduce.sketch import Sketch, coarsened, middle

AT_ONCE = 2**16  # values at which two distributions are compared at a time


@dataclass
class OrderState:
    """Values (exact), or a sketch of them."""

    values: list[Values] = field(default_factory=list)
    sketch: Sketch | None = None


@dataclass(frozen=True)
class OrderSketch:
    """The valid values of a column in order: all of them, or values with counts.

    values: (m,) ascending. counts: (m,) how many each stands for; None for one each.
    dropped: trailing bits of the values that are lost.
    """

    values: Values
    counts: NDArray[np.int64] | None = None
    dropped: int = 0

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

    def below(self, value: float) -> "OrderSketch":
        """Give the order of the values strictly below one."""
        stop = int(np.searchsorted(self.values, value, side="left"))
        counts = None if self.counts is None else self.counts[:stop]
        return OrderSketch(self.values[:stop], counts, self.dropped)

    def coarser(self, dropped: int) -> "OrderSketch":
        """Give the order with so many trailing bits dropped."""
        if self.counts is None or dropped == self.dropped:
            return self
        return OrderSketch(*coarsened(self.values, self.counts, dropped), dropped)

    def quantiles(self, fractions: Sequence[float] | Values) -> Values:
        """Give quantiles as numpy.quantile does (linear); NaN when there are no values."""
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

    def ranked(self, ranks: NDArray[np.int64]) -> Values:
        """Give the values at some ranks, counted from 0."""
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
class Order(Reduction[OrderState, OrderSketch]):
    """The valid values of a column in order; ``exact=False`` asks for the sketch in any case."""

    working: ClassVar[int] = 3

    column: str
    where: Condition | None = None
    exact: bool = True

    @property
    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset([self.column])

    @property
    def sketches(self) -> int:
        """One."""
        return 1

    def start(self, source: Source, /, **profile: Any) -> OrderState:
        """Start with no values."""
        exact = self.exact and source.keeps(1)
        return OrderState(sketch=None if exact else Sketch(source.keys))

    def update(self, state: OrderState, chunk: Chunk) -> OrderState:
        """Add a chunk."""
        values = chunk.valid(self.column, self.where)
        if state.sketch is None:
            state.values.append(values)
        else:
            state.sketch.add(values)
        return state

    def merge(self, first: OrderState, second: OrderState) -> OrderState:
        """Join two states."""
        return joined_orders(first, second)

    def finish(self, state: OrderState) -> OrderSketch:
        """Sort, or give each key's middle with its count."""
        return in_order(state)


def joined_orders(first: OrderState, second: OrderState) -> OrderState:
    """Give the order of the values of both."""
    if first.sketch is None or second.sketch is None:
        return OrderState(first.values + second.values)
    return OrderState(sketch=first.sketch.joined(second.sketch))


def in_order(state: OrderState) -> OrderSketch:
    """Sort the values, or give each key's middle with its count."""
    if state.sketch is not None:
        done = state.sketch.result()
        return OrderSketch(middle(done.keys, done.dropped), done.counts, done.dropped)
    if len(state.values) == 1:
        return OrderSketch(np.sort(state.values[0]))
    values = np.concatenate([*state.values, np.empty(0)])
    values.sort()
    return OrderSketch(values)


class Derived(Reduction[tuple[Any, ...], Value], Generic[Value]):
    """A reduction that needs nothing but the values of its parts."""

    def start(self, source: Source, /, **profile: Any) -> tuple[Any, ...]:
        """Start each part."""
        parts = self.parts(source)
        return tuple((part, part.start(source)) for part in parts)

    def update(self, state: tuple[Any, ...], chunk: Chunk) -> tuple[Any, ...]:
        """Add a chunk to each part."""
        return tuple((part, part.update(each, chunk)) for part, each in state)

    def merge(self, first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
        """Join each part."""
        pairs = zip(first, second, strict=True)
        return tuple((part, part.merge(one, other)) for (part, one), (_, other) in pairs)

    def finish(self, state: tuple[Any, ...]) -> Value:
        """Derive the value."""
        return self.derive(*(part.finish(each) for part, each in state))


@dataclass(frozen=True)
class QuantileValues:
    """Quantiles of n valid values; NaN when n is 0. error: as a fraction of the value."""

    n: int
    values: Values
    error: float


@dataclass(frozen=True)
class Quantiles(Derived[QuantileValues]):
    """Quantiles of the valid values of a column, as numpy.quantile (linear)."""

    working: ClassVar[int] = 3

    column: str
    fractions: tuple[float, ...]
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset([self.column])

    def parts(self, source: Source) -> tuple[Order]:
        """Rest on the order of the column."""
        return (Order(self.column, self.where, exact=source.keeps(1)),)

    def derive(self, order: OrderSketch) -> QuantileValues:
        """Give the quantiles."""
        return QuantileValues(order.n, order.quantiles(self.fractions), order.error)


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

    working: ClassVar[int] = 3

    column: str
    points: int = 1000
    below: float | None = None
    selection: Condition | None = None

    @property
    def where(self) -> Condition | None:
        """The selection with the cut."""
        cut = None if self.below is None else compare(self.column, "<", self.below)
        return both(self.selection, cut)

    @property
    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset([self.column])

    def parts(self, source: Source) -> tuple[Order]:
        """Rest on the order of the column; of the values below the cut where it is rounded."""
        if source.keeps(1):
            return (Order(self.column, self.selection),)
        return (Order(self.column, self.where, exact=False),)

    def derive(self, order: OrderSketch) -> Curve:
        """Give the curve."""
        if self.below is not None and order.counts is None:
            order = order.below(self.below)
        last = order.n - 1
        rank = np.unique(np.rint(np.linspace(0, last, min(self.points, order.n))).astype(np.int64))
        return Curve(order.n, rank, order.ranked(rank), order.error)


@dataclass(frozen=True)
class Comparison:
    """How a subset of the rows differs from all of them in one column.

    ks: largest distance of the distribution functions, subset against all; ks_rest: against the
    rows not in the subset; p_value: of ks_rest (two-sided, asymptotic). NaN when a side is empty.
    error: of the values, as a fraction of each.
    """

    n_subset: int
    n_all: int
    median_subset: float
    median_all: float
    ks: float
    ks_rest: float
    p_value: float
    error: float


@dataclass(frozen=True)
class SubsetComparison(Derived[Comparison]):
    """Two-sample Kolmogorov–Smirnov distance and medians of a subset and of all rows."""

    working: ClassVar[int] = 3

    column: str
    subset: Condition
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        """The column and those of the subset's condition."""
        return frozenset([self.column]) | self.subset.columns

    def parts(self, source: Source) -> tuple[Order, Order]:
        """Rest on the order of the subset and of all rows."""
        exact = source.keeps(1)
        subset = both(self.where, self.subset)
        return Order(self.column, subset, exact), Order(self.column, self.where, exact)

    def derive(self, subset: OrderSketch, whole: OrderSketch) -> Comparison:
        """Give the comparison."""
        median = float(subset.quantiles([0.5])[0])
        # The same rounding on both sides: a value must not be apart from itself.
        subset = subset.coarser(whole.dropped)
        n, total = subset.n, whole.n
        rest = total - n
        ks = ks_rest = p_value = float("nan")
        if n:
            ks = _largest_gap(subset, whole)
            # F_all = f·F_subset + (1 − f)·F_rest, so the distance to the rest follows.
            if rest:
                ks_rest = min(1.0, ks * total / rest)
                p_value = kolmogorov(ks_rest * math.sqrt(n * rest / total))
        return Comparison(
            n,
            total,
            median,
            float(whole.quantiles([0.5])[0]),
            ks,
            ks_rest,
            p_value,
            max(subset.error, whole.error),
        )


def _largest_gap(subset: OrderSketch, whole: OrderSketch) -> float:
    """Give the largest distance of two distribution functions; in parts, lest memory grow."""
    gaps = []
    for start in range(0, len(whole.values), AT_ONCE):
        at = whole.values[start : start + AT_ONCE]
        gap = subset.fraction_up_to(at) - whole.fraction_up_to(at)
        gaps.append(float(np.abs(gap).max()))
    return max(gaps)

"""Order statistics: exact while the values fit a memory budget, a mergeable sketch beyond it.

The sketch counts values by the leading bits of their float64 form, whose order is the order of the
numbers, and drops trailing bits of all of them whenever there are more than MAX_KEYS different
ones. How many bits go depends on the values alone, so any split of the rows gives the very same
counts, and nothing is random: a sketch with random choices (KLL, for instance) would not give the
same bytes twice. With b bits dropped a quantile is off by at most 2^(b-53) of its own value; the
value says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition, both, compare
from reportgen.reduce.base import Chunk, Reduction, Source, Values

MAX_KEYS = 2**18  # 4 MB a column
_SIGN = np.uint64(1 << 63)


def _keys(values: Values) -> NDArray[np.uint64]:
    """Bits of each value, arranged so that their order is the values' order."""
    bits = (values + 0.0).view(np.uint64)  # + 0.0 turns -0.0 into 0.0
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _middle(keys: NDArray[np.uint64], dropped: int) -> Values:
    """Middle of the values that share each key."""
    zero = _keys(np.zeros(1))[0] >> np.uint64(dropped)
    low = keys << np.uint64(dropped)
    if dropped:
        low |= np.uint64(1 << (dropped - 1))
    bits = np.where(low & _SIGN, low ^ _SIGN, ~low)
    return np.where(keys == zero, 0.0, bits.view(np.float64))


@dataclass
class OrderState:
    """Values (exact), or counts by key with so many trailing bits dropped."""

    exact: bool
    values: list[Values] = field(default_factory=list)
    keys: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    dropped: int = 0


@dataclass(frozen=True)
class OrderSketch:
    """The valid values of a column in order: all of them, or values with counts.

    values: (m,) ascending. counts: (m,) how many each stands for; None for one each.
    error: largest error of a value, as a fraction of it; 0 when exact.
    """

    values: Values
    counts: NDArray[np.int64] | None = None
    error: float = 0.0

    @property
    def n(self) -> int:
        """Number of valid values."""
        return len(self.values) if self.counts is None else int(self.counts.sum())

    @property
    def exact(self) -> bool:
        """Whether nothing was rounded."""
        return self.error == 0

    def quantiles(self, fractions: Sequence[float] | Values) -> Values:
        """Give quantiles as numpy.quantile does (linear); NaN when there are no values."""
        wanted = np.asarray(fractions, dtype=np.float64)
        if not self.n:
            return np.full(wanted.shape, np.nan)
        if self.counts is None:
            return np.asarray(np.quantile(self.values, wanted))
        rank = wanted * (self.n - 1)
        below, share = np.floor(rank).astype(np.int64), rank - np.floor(rank)
        low, high = self.ranked(below), self.ranked(np.minimum(below + 1, self.n - 1))
        return low + (high - low) * share

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

    column: str
    where: Condition | None = None  # type: ignore[misc]
    exact: bool = True

    @property
    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset([self.column])

    def start(self, source: Source, **profile: Any) -> OrderState:  # noqa: ARG002
        """Start with no values."""
        return OrderState(self.exact and source.keeps(1))

    def update(self, state: OrderState, chunk: Chunk) -> OrderState:
        """Add a chunk."""
        values = chunk.valid(self.column, self.where)
        if state.exact:
            state.values.append(values)
            return state
        keys, counts = np.unique(_keys(values), return_counts=True)
        return _joined(state, OrderState(exact=False, keys=keys, counts=counts))

    def merge(self, first: OrderState, second: OrderState) -> OrderState:
        """Join two states."""
        if first.exact:
            return OrderState(exact=True, values=first.values + second.values)
        return _joined(first, second)

    def finish(self, state: OrderState) -> OrderSketch:
        """Sort, or give each key's middle with its count."""
        if not state.exact:
            error = 2.0 ** (state.dropped - 53) if state.dropped else 0.0
            return OrderSketch(_middle(state.keys, state.dropped), state.counts, error)
        return OrderSketch(np.sort(np.concatenate(state.values)) if state.values else np.empty(0))


def _joined(first: OrderState, second: OrderState) -> OrderState:
    """Add counts, dropping bits until there are few enough keys."""
    dropped = max(first.dropped, second.dropped)
    keys = np.concatenate([s.keys >> np.uint64(dropped - s.dropped) for s in (first, second)])
    counts = np.concatenate([first.counts, second.counts])
    keys, counts = _added(keys, counts)
    while len(keys) > MAX_KEYS:
        dropped += 1
        keys, counts = _added(keys >> np.uint64(1), counts)
    return OrderState(exact=False, keys=keys, counts=counts, dropped=dropped)


def _added(
    keys: NDArray[np.uint64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Give each key once, with the sum of its counts."""
    joined, place = np.unique(keys, return_inverse=True)
    total = np.zeros(len(joined), dtype=np.int64)
    np.add.at(total, place, counts)
    return joined, total


class _FromOrder(Reduction[OrderState, Any]):
    """A reduction whose state is the order of one column."""

    column: str

    @property
    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset([self.column])

    def order(self) -> Order:
        """Give the order it rests on."""
        return Order(self.column, self.where)

    def start(self, source: Source, **profile: Any) -> OrderState:
        """Start with no values."""
        return self.order().start(source, **profile)

    def update(self, state: OrderState, chunk: Chunk) -> OrderState:
        """Add a chunk."""
        return self.order().update(state, chunk)

    def merge(self, first: OrderState, second: OrderState) -> OrderState:
        """Join two states."""
        return self.order().merge(first, second)


@dataclass(frozen=True)
class QuantileValues:
    """Quantiles of n valid values; NaN when n is 0. error: as a fraction of the value."""

    n: int
    values: Values
    error: float


@dataclass(frozen=True)
class Quantiles(_FromOrder):
    """Quantiles of the valid values of a column, as numpy.quantile (linear)."""

    column: str
    fractions: tuple[float, ...]
    where: Condition | None = None  # type: ignore[misc]

    def finish(self, state: OrderState) -> QuantileValues:
        """Give the quantiles."""
        order = self.order().finish(state)
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
class SortedCurve(_FromOrder):
    """Sorted values of a column, thinned evenly in rank to at most so many points, ends included.

    below: take only values strictly below it.
    """

    column: str
    points: int = 1000
    below: float | None = None
    selection: Condition | None = None

    @property
    def where(self) -> Condition | None:  # type: ignore[override]
        """The selection with the cut."""
        cut = None if self.below is None else compare(self.column, "<", self.below)
        return both(self.selection, cut)

    def finish(self, state: OrderState) -> Curve:
        """Give the curve."""
        order = self.order().finish(state)
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
class SubsetComparison(Reduction[tuple[OrderState, OrderState], Comparison]):
    """Two-sample Kolmogorov–Smirnov distance and medians of a subset and of all rows."""

    column: str
    subset: Condition
    where: Condition | None = None  # type: ignore[misc]

    @property
    def reads(self) -> frozenset[str]:
        """The column and those of the subset's condition."""
        return frozenset([self.column]) | self.subset.columns

    def _orders(self) -> tuple[Order, Order]:
        return Order(self.column, both(self.where, self.subset)), Order(self.column, self.where)

    def start(self, source: Source, **profile: Any) -> tuple[OrderState, OrderState]:
        """Start with no values."""
        subset, whole = self._orders()
        return subset.start(source, **profile), whole.start(source, **profile)

    def update(
        self, state: tuple[OrderState, OrderState], chunk: Chunk
    ) -> tuple[OrderState, OrderState]:
        """Add a chunk."""
        subset, whole = self._orders()
        return subset.update(state[0], chunk), whole.update(state[1], chunk)

    def merge(
        self, first: tuple[OrderState, OrderState], second: tuple[OrderState, OrderState]
    ) -> tuple[OrderState, OrderState]:
        """Join two states."""
        subset, whole = self._orders()
        return subset.merge(first[0], second[0]), whole.merge(first[1], second[1])

    def finish(self, state: tuple[OrderState, OrderState]) -> Comparison:
        """Give the comparison."""
        from scipy.stats import kstwobign

        subset, whole = (order.finish(s) for order, s in zip(self._orders(), state, strict=True))
        n, total = subset.n, whole.n
        rest = total - n
        ks = ks_rest = p_value = float("nan")
        if n:
            at = whole.values
            gap = subset.fraction_up_to(at) - whole.fraction_up_to(at)
            ks = float(np.abs(gap).max())
            # F_all = f·F_subset + (1 − f)·F_rest, so the distance to the rest follows.
            ks_rest = ks * total / rest if rest else float("nan")
            if rest:
                p_value = float(kstwobign.sf(ks_rest * np.sqrt(n * rest / total)))
        return Comparison(
            n,
            total,
            float(subset.quantiles([0.5])[0]),
            float(whole.quantiles([0.5])[0]),
            ks,
            ks_rest,
            p_value,
            max(subset.error, whole.error),
        )

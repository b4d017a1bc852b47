"""Order statistics: exact while the values fit a memory budget, a mergeable sketch beyond it.

The sketch counts values by the leading bits of their float64 form, whose order is the order of the
numbers, and drops trailing bits of all of them whenever there are more than MAX_KEYS different
ones. How many bits go depends on the values alone, so any split of the rows gives the very same
counts, and nothing is random: a sketch with random choices (KLL, for instance) would not give the
same bytes twice. With b bits dropped a quantile is off by at most 2^(b-53) of its own value; the
value says so.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition, both, compare
from reportgen.reduce.base import Chunk, Reduction, Source, Values

MAX_KEYS = 2**18  # 4 MB a column
MIN_KEYS = 2**12  # enough for a thousandth of a value
_SIGN = np.uint64(1 << 63)


def keys_each(orders: int) -> int:
    """Give how many different values each of some orders may tell apart.

    All of them together stay as small as those of a few columns.
    """
    return min(MAX_KEYS, max(MIN_KEYS, 4 * MAX_KEYS // orders))


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
    """Values (exact), or counts by key with so many trailing bits dropped.

    keys: ascending. most: how many different ones there may be; None for MAX_KEYS.
    """

    exact: bool
    values: list[Values] = field(default_factory=list)
    keys: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    dropped: int = 0
    most: int | None = None


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

    column: str
    where: Condition | None = None
    exact: bool = True

    @property
    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset([self.column])

    def start(self, source: Source, /, **profile: Any) -> OrderState:
        """Start with no values."""
        return OrderState(self.exact and source.keeps(1))

    def update(self, state: OrderState, chunk: Chunk) -> OrderState:
        """Add a chunk."""
        values = chunk.valid(self.column, self.where)
        if state.exact:
            state.values.append(values)
            return state
        keys = np.sort(_keys(values) >> np.uint64(state.dropped))
        ones = np.ones(len(keys), dtype=np.int64)
        return _joined(
            state, OrderState(exact=False, keys=keys, counts=ones, dropped=state.dropped)
        )

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
    keys = np.concatenate([_coarse(s.keys, dropped - s.dropped) for s in (first, second)])
    counts = np.concatenate([first.counts, second.counts])
    order = np.argsort(keys, kind="stable")  # fast: two ascending parts
    keys, counts = _added(keys[order], counts[order])
    most = MAX_KEYS if first.most is None else first.most
    if len(keys) > most:
        more = _bits_to_drop(keys, most)
        keys, counts = _added(_coarse(keys, more), counts)
        dropped += more
    return OrderState(exact=False, keys=keys, counts=counts, dropped=dropped, most=first.most)


def _coarse(keys: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    return keys >> np.uint64(bits)


def _bits_to_drop(keys: NDArray[np.uint64], most: int) -> int:
    """Give the least number of trailing bits without which at most so many keys differ."""
    # Neighbours become equal once as many bits go as their difference is long.
    differ = keys[1:] ^ keys[:-1]
    bits = range(1, 64)
    return next(b for b in bits if np.count_nonzero(differ >> np.uint64(b)) < most)


def _added(
    keys: NDArray[np.uint64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Give each of some ascending keys once, with the sum of its counts."""
    if not len(keys):
        return keys, counts
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[first], np.add.reduceat(counts, first)


def _coarsened(state: OrderState, dropped: int) -> OrderState:
    """Drop bits until so many are dropped."""
    keys, counts = _added(_coarse(state.keys, dropped - state.dropped), state.counts)
    return OrderState(exact=False, keys=keys, counts=counts, dropped=dropped, most=state.most)


class _FromOrder(Reduction[OrderState, Any]):
    """A reduction whose state is the order of one column."""

    @abstractmethod
    def order(self) -> Order:
        """Give the order it rests on."""

    @property
    def reads(self) -> frozenset[str]:
        """The column."""
        return self.order().reads

    def start(self, source: Source, /, **profile: Any) -> OrderState:
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
    where: Condition | None = None

    def order(self) -> Order:
        """Give the order of the column."""
        return Order(self.column, self.where)

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
    def where(self) -> Condition | None:
        """The selection with the cut."""
        cut = None if self.below is None else compare(self.column, "<", self.below)
        return both(self.selection, cut)

    def order(self) -> Order:
        """Give the order of the values below the cut."""
        return Order(self.column, self.where)

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
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        """The column and those of the subset's condition."""
        return frozenset([self.column]) | self.subset.columns

    def _orders(self) -> tuple[Order, Order]:
        return Order(self.column, both(self.where, self.subset)), Order(self.column, self.where)

    def start(self, source: Source, /, **profile: Any) -> tuple[OrderState, OrderState]:
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
        from scipy.special import kolmogorov

        first, second = state
        median = float(self._orders()[0].finish(first).quantiles([0.5])[0])
        if not first.exact:
            # The same rounding on both sides: a value must not be apart from itself.
            first = _coarsened(first, second.dropped)
        subset, whole = (o.finish(s) for o, s in zip(self._orders(), (first, second), strict=True))
        n, total = subset.n, whole.n
        rest = total - n
        ks = ks_rest = p_value = float("nan")
        if n:
            at = whole.values
            gap = subset.fraction_up_to(at) - whole.fraction_up_to(at)
            ks = float(np.abs(gap).max())
            # F_all = f·F_subset + (1 − f)·F_rest, so the distance to the rest follows.
            if rest:
                ks_rest = min(1.0, ks * total / rest)
                p_value = float(kolmogorov(ks_rest * np.sqrt(n * rest / total)))
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

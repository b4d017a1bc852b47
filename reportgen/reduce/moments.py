"""Mean, standard deviation and correlation, merged stably.

Sums of squares are kept about the mean of the rows seen so far and joined by the formula of
Chan, Golub & LeVeque (1983, The American Statistician 37, 242), so that a far-off mean costs no
digits and the split of the rows does not matter beyond rounding. They are in units of a power of
two that is as large as the values, which costs no digit: the square of 1e200 is beyond float64.
"""

from dataclasses import dataclass, field
from itertools import combinations
from math import isqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Reduction, Source, Values
from reportgen.reduce.quantiles import Order, OrderSketch

Integers = NDArray[np.int64]

# Rank classes of a column beyond the memory budget; error of Spearman's rho below 1e-4 (1e-3).
CLASSES, FEWEST_CLASSES = 512, 128
ZERO_EXPONENT = -1074  # of zeros: below that of every other number


def _exponents(sizes: Values) -> Integers:
    """Give the power of two above each size."""
    return np.where(sizes > 0, np.frexp(sizes)[1], ZERO_EXPONENT).astype(np.int64)


@dataclass(frozen=True)
class Moments:
    """Number of valid values, their mean and their (population) standard deviation; NaN if none."""

    n: int
    mean: float
    std: float


@dataclass(frozen=True)
class MomentsState:
    """Number of values, mean in units of 2**exponent, sum of squares about it in those squared."""

    n: int = 0
    mean: float = 0.0
    square: float = 0.0
    exponent: int = ZERO_EXPONENT


@dataclass(frozen=True)
class MeanStd(Reduction[MomentsState, Moments]):
    """Mean and standard deviation of the valid values of a column."""

    column: str
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset([self.column])

    def start(self, source: Source, /, **profile: Any) -> MomentsState:
        """Start with no values."""
        return MomentsState()

    def update(self, state: MomentsState, chunk: Chunk) -> MomentsState:
        """Add a chunk."""
        values = chunk.valid(self.column, self.where)
        if not len(values):
            return state
        exponent = int(_exponents(np.abs(values).max()))
        scaled = np.ldexp(values, -exponent)
        mean = _mean(scaled)
        square = float(((scaled - mean) ** 2).sum())
        return self.merge(state, MomentsState(len(values), mean, square, exponent))

    def merge(self, first: MomentsState, second: MomentsState) -> MomentsState:
        """Join by Chan's formula."""
        n = first.n + second.n
        if not first.n or not second.n:
            return first if first.n else second
        exponent = max(first.exponent, second.exponent)
        means = [float(np.ldexp(s.mean, s.exponent - exponent)) for s in (first, second)]
        squares = [float(np.ldexp(s.square, 2 * (s.exponent - exponent))) for s in (first, second)]
        delta = means[1] - means[0]
        square = sum(squares) + delta**2 * first.n * (second.n / n)
        return MomentsState(n, means[0] + delta * (second.n / n), square, exponent)

    def finish(self, state: MomentsState) -> Moments:
        """Give the moments."""
        if not state.n:
            return Moments(0, float("nan"), float("nan"))
        std = np.ldexp(np.sqrt(state.square / state.n), state.exponent)
        return Moments(state.n, float(np.ldexp(state.mean, state.exponent)), float(std))


def _mean(values: Values) -> float:
    """Give the mean; exactly the value if all are equal, so that they deviate by nothing."""
    low, high = float(values.min()), float(values.max())
    return low if low == high else float(values.mean())


@dataclass(frozen=True)
class CorrelationMatrix:
    """Correlation of each pair of columns and the rows it rests on.

    r: (k, k), NaN where undefined (fewer than two rows, or a constant column). n: (k, k) int64.
    exact: False where ranks are known by class only.
    """

    columns: tuple[str, ...]
    r: Values
    n: Integers
    exact: bool = True


@dataclass(frozen=True)
class PairSums:
    """Sums over the rows in which both columns of each pair are valid, each (k, k).

    mean[i, j]: mean of column i over the rows valid in i and j; square: its sum of squares about
    that mean; product: sum of the products about both means. exponent: (k,), column i is in units
    of 2**exponent[i].
    """

    n: Values
    mean: Values
    square: Values
    product: Values
    exponent: Integers

    def in_units(self, exponent: Integers) -> "PairSums":
        """Give the sums in other units."""
        change = (self.exponent - exponent)[:, None]
        return PairSums(
            self.n,
            np.ldexp(self.mean, change),
            np.ldexp(self.square, 2 * change),
            np.ldexp(self.product, change + change.T),
            exponent,
        )


@dataclass(frozen=True)
class Pearson(Reduction[PairSums, CorrelationMatrix]):
    """Pearson's correlation of every pair of columns.

    rows: ``pairwise`` uses for each pair the rows valid in both, ``complete`` only rows valid in
    all.
    """

    between: tuple[str, ...]
    rows: Literal["pairwise", "complete"] = "pairwise"
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        """The columns."""
        return frozenset(self.between)

    def start(self, source: Source, /, **profile: Any) -> PairSums:
        """Start with all sums at 0."""
        k = len(self.between)
        n, mean, square, product = (np.zeros((k, k)) for _ in range(4))
        return PairSums(n, mean, square, product, np.full(k, ZERO_EXPONENT, dtype=np.int64))

    def update(self, state: PairSums, chunk: Chunk) -> PairSums:
        """Add a chunk."""
        take = chunk.table if self.rows == "pairwise" else chunk.complete
        return self.merge(state, _pair_sums(take(self.between, self.where)))

    def merge(self, first: PairSums, second: PairSums) -> PairSums:
        """Join by Chan's formula, each pair with its own rows."""
        exponent = np.maximum(first.exponent, second.exponent)
        first, second = first.in_units(exponent), second.in_units(exponent)
        n = first.n + second.n
        share = np.divide(second.n, n, out=np.zeros_like(n), where=n > 0)
        # A side without rows has no mean.
        delta = np.where((first.n > 0) & (second.n > 0), second.mean - first.mean, 0.0)
        weight = first.n * share
        return PairSums(
            n,
            np.where(first.n > 0, first.mean, second.mean) + delta * share,
            first.square + second.square + delta**2 * weight,
            first.product + second.product + delta * delta.T * weight,
            exponent,
        )

    def finish(self, state: PairSums) -> CorrelationMatrix:
        """Give the matrix."""
        return _matrix(self.between, state)


def _pair_sums(block: Values) -> PairSums:
    """Sums over pairs of the columns of a (rows, k) block with NaN where missing."""
    valid = ~np.isnan(block)
    filled = np.where(valid, block, 0.0)
    exponent = _exponents(np.abs(filled).max(axis=0, initial=0.0))
    filled = np.ldexp(filled, -exponent)
    centre = filled.sum(axis=0) / np.maximum(valid.sum(axis=0), 1)
    x = np.where(valid, filled - centre, 0.0)
    v = valid.astype(np.float64)
    n = v.T @ v
    total, whole = x.T @ v, (x**2).T @ v
    shift = total / np.maximum(n, 1.0)
    mean = np.where(n > 0, centre[:, None] + shift, 0.0)
    square = whole - total * shift
    product = x.T @ x - total * total.T / np.maximum(n, 1.0)
    # Where a column's rows of a pair lie close together and far from its other rows, or are all
    # equal, the differences have lost their digits.
    lost = (square < 0.01 * whole) & (n > 0)
    for i, j in zip(*np.nonzero(np.triu(lost | lost.T)), strict=True):
        both = valid[:, i] & valid[:, j]
        a, b = filled[both, i], filled[both, j]
        mean[i, j], mean[j, i] = _mean(a), _mean(b)
        da, db = a - mean[i, j], b - mean[j, i]
        square[i, j], square[j, i] = (da**2).sum(), (db**2).sum()
        product[i, j] = product[j, i] = (da * db).sum()
    return PairSums(n, mean, square, product, exponent)


def _matrix(columns: tuple[str, ...], sums: PairSums, *, exact: bool = True) -> CorrelationMatrix:
    defined = (sums.n >= 2) & (sums.square > 0) & (sums.square.T > 0)
    # The root of each: the product of two small squares may be 0.
    scale = np.sqrt(np.where(defined, sums.square, 1.0))
    r = np.where(defined, np.clip(sums.product / (scale * scale.T), -1.0, 1.0), np.nan)
    r[np.diag_indices_from(r)] = np.where(np.diag(defined), 1.0, np.nan)
    return CorrelationMatrix(columns, r, np.rint(sums.n).astype(np.int64), exact)


@dataclass
class RankState:
    """Either kept rows (exact) or, for each pair, counts of rank classes.

    edges: those of the classes of each column. varies: whether a column has two values.
    """

    blocks: list[Values] = field(default_factory=list)
    edges: tuple[Values, ...] = ()
    varies: tuple[bool, ...] = ()
    valid: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    joint: dict[tuple[int, int], Integers] | None = None


@dataclass(frozen=True)
class Spearman(Reduction[RankState, CorrelationMatrix]):
    """Spearman's rank correlation of every pair of columns, ties at their mean rank.

    Exact while the columns fit the memory budget. Beyond it values are put into at most 512
    classes of about equal number, by all valid values of the column, and rows of one class are
    tied: close where a pair shares many of the rows, coarse where it shares few that lie together.
    """

    between: tuple[str, ...]
    rows: Literal["pairwise", "complete"] = "pairwise"
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        """The columns."""
        return frozenset(self.between)

    def needs(self, source: Source) -> dict[str, Order]:
        """Ask for the order of each column when not all rows can be kept."""
        if source.keeps(len(self.between)):
            return {}
        return {column: Order(column, self.where, exact=False) for column in self.between}

    def start(self, source: Source, /, **profile: OrderSketch) -> RankState:
        """Start with no rows; profile: the order of each column, beyond the memory budget."""
        if not profile:
            return RankState()
        k = len(self.between)
        pairs = max(1, k * (k - 1) // 2)
        classes = min(CLASSES, max(FEWEST_CLASSES, isqrt(source.memory // (8 * pairs))))
        fractions = np.linspace(0, 1, classes + 1)[1:-1]
        orders = [profile[column] for column in self.between]
        return RankState(
            edges=tuple(np.unique(order.quantiles(fractions)) for order in orders),
            varies=tuple(len(order.values) > 1 for order in orders),
            valid=np.zeros(k, dtype=np.int64),
            joint={},
        )

    def update(self, state: RankState, chunk: Chunk) -> RankState:
        """Add a chunk."""
        take = chunk.table if self.rows == "pairwise" else chunk.complete
        block = take(self.between, self.where)
        if state.joint is None:
            state.blocks.append(block)
            return state
        valid = ~np.isnan(block)
        state.valid += valid.sum(axis=0)
        classes = [
            np.searchsorted(edges, block[:, i], side="right") for i, edges in enumerate(state.edges)
        ]
        for i, j in combinations(range(len(self.between)), 2):
            both = valid[:, i] & valid[:, j]
            shape = (len(state.edges[i]) + 1, len(state.edges[j]) + 1)
            cell = classes[i][both] * shape[1] + classes[j][both]
            counts = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
            if (i, j) in state.joint:
                state.joint[i, j] += counts
            else:
                state.joint[i, j] = counts.astype(np.int64)
        return state

    def merge(self, first: RankState, second: RankState) -> RankState:
        """Join rows, or add counts."""
        if first.joint is None or second.joint is None:
            return RankState(first.blocks + second.blocks)
        pairs = sorted(first.joint.keys() | second.joint.keys())
        none = np.zeros((1, 1), dtype=np.int64)
        joint = {p: first.joint.get(p, none) + second.joint.get(p, none) for p in pairs}
        return RankState([], first.edges, first.varies, first.valid + second.valid, joint)

    def finish(self, state: RankState) -> CorrelationMatrix:
        """Give the matrix."""
        k = len(self.between)
        if state.joint is None:
            block = np.concatenate([*state.blocks, np.empty((0, k))])
            return _exact_ranks(self.between, block)
        r, n = np.full((k, k), np.nan), np.diag(state.valid)
        for (i, j), counts in state.joint.items():
            n[i, j] = n[j, i] = counts.sum()
            r[i, j] = r[j, i] = _class_correlation(counts)
        for i in range(k):
            r[i, i] = 1.0 if n[i, i] >= 2 and state.varies[i] else np.nan
        return CorrelationMatrix(self.between, r, n, exact=False)


def _exact_ranks(columns: tuple[str, ...], block: Values) -> CorrelationMatrix:
    """Correlate the ranks of the columns of a (rows, k) block, each pair with its own rows."""
    if not np.isnan(block).any():
        ranks = [_ranks(values) for values in block.T]
        return _matrix(columns, _pair_sums(np.stack(ranks, axis=1)))
    k = len(columns)
    r, n = np.full((k, k), np.nan), np.zeros((k, k), dtype=np.int64)
    for i in range(k):
        for j in range(i + 1):
            both = ~(np.isnan(block[:, i]) | np.isnan(block[:, j]))
            ranks = [_ranks(block[both, i]), _ranks(block[both, j])]
            pair = _matrix(("", ""), _pair_sums(np.stack(ranks, axis=1)))
            n[i, j] = n[j, i] = pair.n[0, 1]
            r[i, j] = r[j, i] = pair.r[0, 1]
    return CorrelationMatrix(columns, r, n)


def _ranks(values: Values) -> Values:
    """Give the rank of each value from 1, ties at their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def _class_correlation(counts: NDArray[np.int64]) -> float:
    """Spearman's rho of a table of counts (classes of x, classes of y), ties at their mean rank."""
    weights = counts.astype(np.float64)
    n = weights.sum()
    if n < 2:
        return float("nan")
    rows, columns = weights.sum(axis=1), weights.sum(axis=0)
    x = np.cumsum(rows) - rows / 2 - n / 2
    y = np.cumsum(columns) - columns / 2 - n / 2
    variance = (rows @ x**2) * (columns @ y**2)
    return float(x @ weights @ y / np.sqrt(variance)) if variance > 0 else float("nan")

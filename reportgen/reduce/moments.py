"""Mean, standard deviation and correlation, merged stably.

Sums of squares are kept about the mean of the rows seen so far and joined by the formula of
Chan, Golub & LeVeque (1983, The American Statistician 37, 242), so that a far-off mean costs no
digits and the split of the rows does not matter beyond rounding.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Reduction, Source, Values
from reportgen.reduce.quantiles import Order, OrderSketch

CLASSES = 512  # rank classes beyond the memory budget; error of Spearman's rho below 1e-4


@dataclass(frozen=True)
class Moments:
    """Number of valid values, their mean and their (population) standard deviation; NaN if none."""

    n: int
    mean: float
    std: float


@dataclass(frozen=True)
class MeanStd(Reduction[Values, Moments]):
    """Mean and standard deviation of the valid values of a column."""

    column: str
    where: Condition | None = None  # type: ignore[misc]

    @property
    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset([self.column])

    def start(self, source: Source, **profile: Any) -> Values:  # noqa: ARG002
        """Start with n, mean and sum of squares about the mean at 0."""
        return np.zeros(3)

    def update(self, state: Values, chunk: Chunk) -> Values:
        """Add a chunk."""
        values = chunk.valid(self.column, self.where)
        if not len(values):
            return state
        mean = values.mean()
        return self.merge(state, np.array([len(values), mean, ((values - mean) ** 2).sum()]))

    def merge(self, first: Values, second: Values) -> Values:
        """Join by Chan's formula."""
        n = first[0] + second[0]
        if n == 0:
            return first
        delta = second[1] - first[1]
        mean = first[1] + delta * second[0] / n
        return np.array([n, mean, first[2] + second[2] + delta**2 * first[0] * second[0] / n])

    def finish(self, state: Values) -> Moments:
        """Give the moments."""
        n = int(state[0])
        if n == 0:
            return Moments(0, float("nan"), float("nan"))
        return Moments(n, float(state[1]), float(np.sqrt(max(0.0, state[2]) / n)))


@dataclass(frozen=True)
class CorrelationMatrix:
    """Correlation of each pair of columns and the rows it rests on.

    r: (k, k), NaN where undefined (fewer than two rows, or a constant column). n: (k, k) int64.
    exact: False where ranks are known by class only.
    """

    columns: tuple[str, ...]
    r: Values
    n: NDArray[np.int64]
    exact: bool = True


@dataclass(frozen=True)
class PairSums:
    """Sums over the rows in which both columns of each pair are valid, each (k, k).

    mean[i, j]: mean of column i over the rows valid in i and j; square: its sum of squares about
    that mean; product: sum of the products about both means.
    """

    n: Values
    mean: Values
    square: Values
    product: Values


@dataclass(frozen=True)
class Pearson(Reduction[PairSums, CorrelationMatrix]):
    """Pearson's correlation of every pair of columns.

    rows: ``pairwise`` uses for each pair the rows valid in both, ``complete`` only rows valid in all.
    """

    between: tuple[str, ...]
    rows: Literal["pairwise", "complete"] = "pairwise"
    where: Condition | None = None  # type: ignore[misc]

    @property
    def reads(self) -> frozenset[str]:
        """The columns."""
        return frozenset(self.between)

    def start(self, source: Source, **profile: Any) -> PairSums:  # noqa: ARG002
        """Start with all sums at 0."""
        k = len(self.between)
        return PairSums(*(np.zeros((k, k)) for _ in range(4)))

    def update(self, state: PairSums, chunk: Chunk) -> PairSums:
        """Add a chunk."""
        take = chunk.table if self.rows == "pairwise" else chunk.complete
        return self.merge(state, _pair_sums(take(self.between, self.where)))

    def merge(self, first: PairSums, second: PairSums) -> PairSums:
        """Join by Chan's formula, each pair with its own rows."""
        n = first.n + second.n
        share = np.divide(second.n, n, out=np.zeros_like(n), where=n > 0)
        delta = second.mean - first.mean
        weight = first.n * share
        return PairSums(
            n,
            first.mean + delta * share,
            first.square + second.square + delta**2 * weight,
            first.product + second.product + delta * delta.T * weight,
        )

    def finish(self, state: PairSums) -> CorrelationMatrix:
        """Give the matrix."""
        return _matrix(self.between, state)


def _pair_sums(block: Values) -> PairSums:
    """Sums over pairs of the columns of a (rows, k) block with NaN where missing."""
    valid = ~np.isnan(block)
    n_each = valid.sum(axis=0)
    centre = np.where(valid, block, 0.0).sum(axis=0) / np.maximum(n_each, 1)
    x = np.where(valid, block - centre, 0.0)
    v = valid.astype(np.float64)
    n = v.T @ v
    at_least_one = np.maximum(n, 1.0)
    total = x.T @ v
    shift = total / at_least_one
    square = (x**2).T @ v - total * shift
    product = x.T @ x - total * shift.T
    return PairSums(n, np.where(n > 0, centre[:, None] + shift, 0.0), square, product)


def _matrix(columns: tuple[str, ...], sums: PairSums, *, exact: bool = True) -> CorrelationMatrix:
    # A constant column has a sum of squares of rounding errors only.
    noise = sums.n * (np.abs(sums.mean) * 32 * np.finfo(float).eps) ** 2
    varies = (sums.square > noise) & (sums.square.T > noise.T)
    defined = (sums.n >= 2) & varies
    scale = np.sqrt(np.where(defined, sums.square * sums.square.T, 1.0))
    r = np.where(defined, np.clip(sums.product / scale, -1.0, 1.0), np.nan)
    r[np.diag_indices_from(r)] = np.where(np.diag(defined), 1.0, np.nan)
    return CorrelationMatrix(columns, r, np.rint(sums.n).astype(np.int64), exact)


@dataclass
class RankState:
    """Either kept rows (exact) or, for each pair, counts of rank classes."""

    blocks: list[Values]
    edges: tuple[Values, ...] = ()
    valid: NDArray[np.int64] | None = None
    joint: dict[tuple[int, int], NDArray[np.int64]] | None = None


@dataclass(frozen=True)
class Spearman(Reduction[RankState, CorrelationMatrix]):
    """Spearman's rank correlation of every pair of columns, ties at their mean rank.

    Exact while the columns fit the memory budget. Beyond it values are put into 512 classes of
    about equal number and rows of one class are tied.
    """

    between: tuple[str, ...]
    rows: Literal["pairwise", "complete"] = "pairwise"
    where: Condition | None = None  # type: ignore[misc]

    @property
    def reads(self) -> frozenset[str]:
        """The columns."""
        return frozenset(self.between)

    def needs(self, source: Source) -> dict[str, Order]:
        """Ask for the order of each column when not all rows can be kept."""
        if source.keeps(len(self.between)):
            return {}
        return {column: Order(column, self.where, exact=False) for column in self.between}

    def start(self, source: Source, **profile: OrderSketch) -> RankState:  # noqa: ARG002
        """Start with no rows; profile: the order of each column, beyond the memory budget."""
        if not profile:
            return RankState([])
        fractions = np.linspace(0, 1, CLASSES + 1)[1:-1]
        edges = tuple(np.unique(profile[column].quantiles(fractions)) for column in self.between)
        return RankState([], edges, np.zeros(len(edges), dtype=np.int64), {})

    def update(self, state: RankState, chunk: Chunk) -> RankState:
        """Add a chunk."""
        take = chunk.table if self.rows == "pairwise" else chunk.complete
        block = take(self.between, self.where)
        if state.joint is None or state.valid is None:
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
            state.joint[i, j] = state.joint.get((i, j), 0) + counts
        return state

    def merge(self, first: RankState, second: RankState) -> RankState:
        """Join rows, or add counts."""
        if first.joint is None or second.joint is None or first.valid is None:
            return RankState(first.blocks + second.blocks)
        pairs = first.joint.keys() | second.joint.keys()
        zero = np.int64(0)
        joint = {p: first.joint.get(p, zero) + second.joint.get(p, zero) for p in sorted(pairs)}
        return RankState([], first.edges, first.valid + second.valid, joint)  # type: ignore[arg-type]

    def finish(self, state: RankState) -> CorrelationMatrix:
        """Give the matrix."""
        k = len(self.between)
        r, n = np.full((k, k), np.nan), np.zeros((k, k), dtype=np.int64)
        block = np.concatenate(state.blocks) if state.blocks else np.empty((0, k))
        for i, j in combinations(range(k), 2):
            if state.joint is None:
                both = block[~np.isnan(block[:, [i, j]]).any(axis=1)][:, [i, j]]
                n[i, j], r[i, j] = len(both), _rank_correlation(both)
            elif (i, j) in state.joint:
                counts = state.joint[i, j]
                n[i, j], r[i, j] = counts.sum(), _class_correlation(counts)
            n[j, i], r[j, i] = n[i, j], r[i, j]
        for i in range(k):
            values = block[:, i][~np.isnan(block[:, i])]
            n[i, i] = len(values) if state.valid is None else state.valid[i]
            varies = state.valid is not None or (len(values) > 0 and np.ptp(values) > 0)
            r[i, i] = 1.0 if n[i, i] >= 2 and varies else np.nan
        return CorrelationMatrix(self.between, r, n, exact=state.joint is None)


def _rank_correlation(pairs: Values) -> float:
    from scipy.stats import rankdata

    if len(pairs) < 2:
        return float("nan")
    return float(_matrix(("x", "y"), _pair_sums(rankdata(pairs, axis=0))).r[0, 1])


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

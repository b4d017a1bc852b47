"""Mean, standard deviation and correlation, merged stably.

Sums of squares are kept about the mean of the rows seen so far and joined by the formula of
Chan, Golub & LeVeque (1983, The American Statistician 37, 242), so that a far-off mean costs no
digits and the split of the rows does not matter beyond rounding. They are in units of a power of
two that is as large as the values, which costs no digit: the square of 1e200 is beyond float64.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Reduction, Source, Values

Integers = NDArray[np.int64]

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
    classes: how many classes of ranks are told apart at most; 0 where ranks are exact.
    """

    columns: tuple[str, ...]
    r: Values
    n: Integers
    classes: int = 0

    @property
    def exact(self) -> bool:
        """Whether nothing was put into classes."""
        return not self.classes


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
class Centred:
    """A column in units of 2**exponent about its mean (centre), 0 where it is missing.

    gaps: where it is missing; None for nowhere.
    """

    values: Values
    gaps: NDArray[np.bool_] | None
    exponent: int
    centre: float


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
        if self.rows == "pairwise":
            columns = [chunk.selected(column, self.where) for column in self.between]
            centres = [self._centred(chunk, column) for column in self.between]
            return self.merge(state, pair_sums(columns, centres))
        return self.merge(state, pair_sums(chunk.together(self.between, self.where)))

    def _centred(self, chunk: Chunk, column: str) -> Centred:
        key = ("centred", column, self.where)
        return chunk.once(key, lambda: centred(chunk.selected(column, self.where)))

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
        return matrix(self.between, state)


def centred(column: Values) -> Centred:
    """Centre a column; not finite is missing."""
    gaps = ~np.isfinite(column)
    missing = int(np.count_nonzero(gaps))
    filled = np.where(gaps, 0.0, column) if missing else column
    exponent = ZERO_EXPONENT
    if len(column):
        exponent = int(_exponents(np.maximum(filled.max(), -filled.min())))
    filled = np.ldexp(filled, -exponent)
    centre = _sum_in_turn(filled) / max(len(column) - missing, 1)
    filled -= centre
    if missing:
        filled[gaps] = 0.0
    return Centred(filled, gaps if missing else None, exponent, centre)


def pair_sums(columns: Sequence[Values], centres: Sequence[Centred] | None = None) -> PairSums:
    """Sums over pairs of columns, k of (rows,), not finite where missing.

    centres: each column centred, if it is known. Column by column as far as can be, which is
    several times as fast as rows of a few columns are.
    """
    k, rows = len(columns), len(columns[0])
    exponent, centre = np.zeros(k, dtype=np.int64), np.zeros(k)
    x, v = np.empty((rows, k)), np.ones((rows, k))
    complete = True
    for i, column in enumerate(columns):
        one = centred(column) if centres is None else centres[i]
        x[:, i], exponent[i], centre[i] = one.values, one.exponent, one.centre
        if one.gaps is not None:
            v[one.gaps, i] = 0.0
            complete = False
        del one
    n = np.full((k, k), float(rows)) if complete else v.T @ v
    total, product = x.T @ v, x.T @ x
    x *= x
    whole = x.T @ v
    del x, v
    shift = total / np.maximum(n, 1.0)
    mean = np.where(n > 0, centre[:, None] + shift, 0.0)
    square = whole - total * shift
    product -= total * total.T / np.maximum(n, 1.0)
    # Where a column's rows of a pair lie close together and far from its other rows, or are all
    # equal, the differences have lost their digits.
    lost = (square < 0.01 * whole) & (n > 0)
    for i, j in zip(*np.nonzero(np.triu(lost | lost.T)), strict=True):
        both = np.isfinite(columns[i]) & np.isfinite(columns[j])
        a, b = (np.ldexp(columns[c][both], -exponent[c]) for c in (i, j))
        mean[i, j], mean[j, i] = _mean(a), _mean(b)
        da, db = a - mean[i, j], b - mean[j, i]
        square[i, j], square[j, i] = (da**2).sum(), (db**2).sum()
        product[i, j] = product[j, i] = (da * db).sum()
    return PairSums(n, mean, square, product, exponent)


def _sum_in_turn(values: Values) -> float:
    """Add values one after the other, as numpy adds the rows of a table."""
    return float(np.cumsum(values)[-1]) if len(values) else 0.0


def matrix(columns: tuple[str, ...], sums: PairSums) -> CorrelationMatrix:
    """Give the correlations of sums over pairs."""
    defined = (sums.n >= 2) & (sums.square > 0) & (sums.square.T > 0)
    # The root of each: the product of two small squares may be 0.
    scale = np.sqrt(np.where(defined, sums.square, 1.0))
    r = np.where(defined, np.clip(sums.product / (scale * scale.T), -1.0, 1.0), np.nan)
    r[np.diag_indices_from(r)] = np.where(np.diag(defined), 1.0, np.nan)
    return CorrelationMatrix(columns, r, np.rint(sums.n).astype(np.int64))

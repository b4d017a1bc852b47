"""Mean, standard deviation and correlation, merged stably.

Sums of squares are kept about the mean and joined by the formula of Chan, Golub & LeVeque (1983,
The American Statistician 37, 242); the mean is kept as its distance from a centre, the mean of the
first rows, so that a far-off mean costs no digits. They are in units of a power of two as large as
the values where these are beyond the usual, which costs no digit: the square of 1e200 is beyond
float64.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Integers, Reduction, Statistic, Value, Values

USUAL_EXPONENT = 250  # up to this the squares of values, and their sums, are far from the limits
ZERO_EXPONENT = -1074  # of zeros: below that of every other number


def robust_std(values: Values) -> float:
    """Return 1.4826 median absolute deviations: the standard deviation of normal values.

    The factor is 1 / Φ⁻¹(3/4): Rousseeuw & Croux 1993, JASA 88, 1273. Infinite where it is too
    large for a number.
    """
    with np.errstate(over="ignore"):
        return 1.4826 * float(np.median(np.abs(values - np.median(values))))


@dataclass(frozen=True)
class Moments:
    """Number of valid values, their mean and their (population) standard deviation; NaN if none."""

    n: int
    mean: float
    std: float


@dataclass(frozen=True)
class CorrelationMatrix:
    """Correlation of each pair of columns and the rows it rests on.

    r: (k, k), NaN where undefined (fewer than two rows, or a constant column). n: (k, k) int64.
    error: largest error of a coefficient; 0 but for ranks of more rows than can be kept. unknown:
    pairs, first and second place, whose error would be too large, so that they are NaN, too.
    """

    columns: tuple[str, ...]
    r: Values
    n: Integers
    error: float = 0.0
    unknown: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class PairSums:
    """Sums over the rows in which both columns of each pair are valid, each (k, k).

    centre[i, j] + mean[i, j]: mean of column i over the rows valid in i and j; square: its sum of
    squares about that mean; product: sum of the products about both means. exponent: (k,), column i
    is in units of 2**exponent[i].
    """

    n: Values
    centre: Values
    mean: Values
    square: Values
    product: Values
    exponent: Integers

    @staticmethod
    def of_nothing(k: int) -> "PairSums":
        """Return the sums over no rows of k columns."""
        n, centre, mean, square, product = np.zeros((5, k, k))
        exponent = np.full(k, ZERO_EXPONENT, dtype=np.int64)
        return PairSums(n, centre, mean, square, product, exponent)

    def in_units(self, exponent: Integers) -> "PairSums":
        """Return the sums in other units."""
        change = (self.exponent - exponent)[:, None]
        return PairSums(
            self.n,
            np.ldexp(self.centre, change),
            np.ldexp(self.mean, change),
            np.ldexp(self.square, 2 * change),
            np.ldexp(self.product, change + change.T),
            exponent,
        )

    def joined(self, other: "PairSums") -> "PairSums":
        """Join by Chan's formula, each pair with its own rows."""
        exponent = np.maximum(self.exponent, other.exponent)
        first, second = self.in_units(exponent), other.in_units(exponent)
        n = first.n + second.n
        share = np.divide(second.n, n, out=np.zeros_like(n), where=n > 0)
        # A side without rows has no mean.
        of_first = first.n > 0
        delta = second.centre - first.centre + second.mean - first.mean
        delta = np.where(of_first & (second.n > 0), delta, 0.0)
        weight = first.n * share
        return PairSums(
            n,
            np.where(of_first, first.centre, second.centre),
            np.where(of_first, first.mean, second.mean) + delta * share,
            first.square + second.square + delta**2 * weight,
            first.product + second.product + delta * delta.T * weight,
            exponent,
        )


class Sums(Reduction[PairSums, Value]):
    """A reduction that sums over pairs of columns."""

    def merge(self, first: PairSums, second: PairSums) -> PairSums:
        return first.joined(second)


@dataclass(frozen=True)
class MeanStd(Sums[Moments]):
    """Mean and standard deviation of the valid values of a column."""

    column: str
    where: Condition | None = None

    def start(self) -> PairSums:
        return PairSums.of_nothing(1)

    def update(self, state: PairSums, chunk: Chunk) -> PairSums:
        return state.joined(_sums_of(chunk, (self.column,), self.where))

    def finish(self, state: PairSums) -> Moments:
        n, exponent = int(state.n[0, 0]), state.exponent[0]
        if not n:
            return Moments(0, float("nan"), float("nan"))
        mean = np.ldexp(state.centre[0, 0] + state.mean[0, 0], exponent)
        std = np.ldexp(np.sqrt(state.square[0, 0] / n), exponent)
        return Moments(n, float(mean), float(std))


@dataclass(frozen=True)
class BetweenColumns(Statistic[Value]):
    """A statistic of every pair of columns.

    rows: ``pairwise`` uses for each pair the rows valid in both, ``complete`` only rows valid in
    all.
    """

    between: tuple[str, ...]
    rows: Literal["pairwise", "complete"] = "pairwise"
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset(self.between)


@dataclass(frozen=True)
class Pearson(BetweenColumns[CorrelationMatrix], Sums[CorrelationMatrix]):
    """Pearson's correlation of every pair of columns."""

    def start(self) -> PairSums:
        return PairSums.of_nothing(len(self.between))

    def update(self, state: PairSums, chunk: Chunk) -> PairSums:
        if self.rows == "pairwise":
            return state.joined(_sums_of(chunk, self.between, self.where))
        return state.joined(pair_sums(chunk.together(self.between, self.where)))

    def finish(self, state: PairSums) -> CorrelationMatrix:
        return matrix(self.between, state)


def _sums_of(chunk: Chunk, columns: tuple[str, ...], where: Condition | None) -> PairSums:
    """Return the sums over the selected rows of a chunk."""

    def centred_once(column: str) -> Centred:
        values = chunk.selected(column, where)
        return chunk.once(("centred", column, where), lambda: centred(values))

    selected = [chunk.selected(column, where) for column in columns]
    return pair_sums(selected, [centred_once(column) for column in columns])


@dataclass(frozen=True)
class Centred:
    """A column in units of 2**exponent about its mean (centre), 0 where it is missing.

    valid: where it is not; None for everywhere.
    """

    values: Values
    valid: NDArray[np.bool_] | None
    exponent: int
    centre: float


def centred(column: Values) -> Centred:
    """Centre a column; not finite is missing."""
    valid = np.isfinite(column)
    n = int(np.count_nonzero(valid))
    filled = column if n == len(column) else np.where(valid, column, 0.0)
    size = max(float(filled.max()), -float(filled.min())) if len(column) else 0.0
    exponent = int(np.frexp(size)[1]) if size else ZERO_EXPONENT
    if size and abs(exponent) <= USUAL_EXPONENT:
        exponent = 0
    elif size:
        filled = np.ldexp(filled, -exponent)
    centre = float(filled.sum()) / max(n, 1)
    filled = filled - centre
    if n < len(column):
        filled *= valid
    return Centred(filled, None if n == len(column) else valid, exponent, centre)


def pair_sums(columns: Sequence[Values], centres: Sequence[Centred] | None = None) -> PairSums:
    """Sums over pairs of columns, k of (rows,), not finite where missing.

    centres: each column centred, if it is known.
    """
    k, rows = len(columns), len(columns[0])
    exponent, centre = np.zeros(k, dtype=np.int64), np.zeros((k, k))
    x = np.empty((k, rows))
    valid: list[NDArray[np.bool_] | None] = []
    for i, column in enumerate(columns):
        one = centred(column) if centres is None else centres[i]
        x[i], exponent[i], centre[i] = one.values, one.exponent, one.centre
        valid.append(one.valid)
        del one
    product = _products(x, x)
    if k == 1 or not any(each is not None for each in valid):
        alone = valid[0] if k else None
        n = np.full((k, k), float(rows if alone is None else np.count_nonzero(alone)))
        total, whole = (np.tile(each, (k, 1)).T for each in (x.sum(axis=1), np.diag(product)))
    else:
        v = np.ones((k, rows))
        for i, each in enumerate(valid):
            if each is not None:
                v[i] = each
        n, total = _products(v, v), _products(x, v)
        x *= x
        whole = _products(x, v)
        del v
    del x
    mean = total / np.maximum(n, 1.0)
    square = whole - total * mean
    product -= total * total.T / np.maximum(n, 1.0)
    # Where a column's rows of a pair lie close together and far from its other rows, or are all
    # equal, the differences have lost their digits.
    lost = (square < 0.01 * whole) & (n > 0)
    for i, j in zip(*np.nonzero(np.triu(lost | lost.T)), strict=True):
        both = np.isfinite(columns[i]) & np.isfinite(columns[j])
        a, b = (np.ldexp(columns[c][both], -exponent[c]) for c in (i, j))
        centre[i, j], centre[j, i] = _mean(a), _mean(b)
        da, db = a - centre[i, j], b - centre[j, i]
        mean[i, j], mean[j, i] = _mean(da), _mean(db)
        da, db = da - mean[i, j], db - mean[j, i]
        square[i, j], square[j, i] = (da**2).sum(), (db**2).sum()
        product[i, j] = product[j, i] = (da * db).sum()
    return PairSums(n, centre, mean, square, product, exponent)


def _products(first: Values, second: Values) -> Values:
    """Return the product of each of some columns with each of others, (k, rows) each."""
    # Of few columns this is faster than a product of matrices.
    return np.asarray(np.vecdot(first[:, None], second[None]))


def _mean(values: Values) -> float:
    """Return the mean; exactly the value if all are equal, so that they deviate by nothing."""
    low, high = float(values.min()), float(values.max())
    return low if low == high else float(values.mean())


def matrix(columns: tuple[str, ...], sums: PairSums) -> CorrelationMatrix:
    """Return the correlations of sums over pairs."""
    defined = (sums.n >= 2) & (sums.square > 0) & (sums.square.T > 0)
    # The root of each: the product of two small squares may be 0.
    scale = np.sqrt(np.where(defined, sums.square, 1.0))
    r = np.where(defined, np.clip(sums.product / (scale * scale.T), -1.0, 1.0), np.nan)
    r[np.diag_indices_from(r)] = np.where(np.diag(defined), 1.0, np.nan)
    return CorrelationMatrix(columns, r, np.rint(sums.n).astype(np.int64))

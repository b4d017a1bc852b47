"""Spearman's rank correlation: exact while all rows may be kept, by classes beyond it."""

from dataclasses import dataclass
from itertools import combinations
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition, both, parse
from reportgen.reduce.base import Chunk, Derived, Integers, Reduction, Values
from reportgen.reduce.binning import Binning
from reportgen.reduce.moments import BetweenColumns, CorrelationMatrix, matrix, pair_sums
from reportgen.reduce.quantiles import Quantiles, QuantileValues

Codes = NDArray[np.int32]

# Rank classes of a column, and cells of the tables of all pairs together. With 256 classes the
# error of Spearman's rho is some 1e-4, and at most 0.008 where values do not repeat.
MOST_CLASSES, LEAST_CLASSES, CELLS = 256, 64, 2**21
MOST_ERROR = 0.05  # of a coefficient that is given
FEW = 2**20  # ranks that are correlated at once, all columns together; more are in pairs


@dataclass(frozen=True)
class RankCodes(Reduction[list[Values], Codes]):
    """The place of each selected row's value among the different values of a column; -1 if missing.

    Rows in the order of the source. With them the ranks of any of the rows are had by counting.
    """

    column: str
    where: Condition | None = None

    def start(self) -> list[Values]:
        return []

    def update(self, state: list[Values], chunk: Chunk) -> list[Values]:
        state.append(chunk.selected(self.column, self.where))
        return state

    def merge(self, first: list[Values], second: list[Values]) -> list[Values]:
        return first + second

    def finish(self, state: list[Values]) -> Codes:
        values = np.concatenate([np.empty(0), *state])
        finite = np.isfinite(values)
        codes = np.full(len(values), -1, dtype=np.int32)
        codes[finite] = np.unique(values[finite], return_inverse=True)[1]
        return codes


@dataclass
class ClassState:
    """Rows that are valid in each column, and how many of them are in each pair of classes.

    single: which classes of a column hold one value only, so that nothing is lost in them.
    """

    classes: tuple[Binning, ...]
    single: tuple[NDArray[np.bool_], ...]
    varies: tuple[bool, ...]
    valid: Integers
    joint: dict[tuple[int, int], Integers]


@dataclass(frozen=True)
class RankClasses(BetweenColumns[CorrelationMatrix], Reduction[ClassState, CorrelationMatrix]):
    """Spearman's rank correlation of every pair of columns, by classes of about equal number.

    They are of all valid values of a column, or of those of the rows that all columns share where
    every pair does; rows of one class are tied. The error that this can make at most is worked out
    of each pair, and a coefficient that could be far off is not given: of a pair that shares few of
    the rows, which lie in few classes.
    """

    @property
    def classes(self) -> int:
        """How many classes there are of a column at most."""
        pairs = max(1, len(self.between) * (len(self.between) - 1) // 2)
        return max(LEAST_CLASSES, min(MOST_CLASSES, isqrt(CELLS // pairs)))

    def needs(self) -> dict[str, Quantiles]:
        fractions = tuple(np.linspace(0, 1, self.classes + 1).tolist())
        where = self.where
        if self.rows == "complete" or len(self.between) == 2:
            for column in self.between:
                where = both(where, parse(f"valid({column})"))
        return {column: Quantiles(column, fractions, where) for column in self.between}

    def start(self, /, **limits: QuantileValues) -> ClassState:
        found = [limits[column].values for column in self.between]
        classes = tuple(Binning.of(_class_edges(values)) for values in found)
        sizes = [len(each.edges) + 1 for each in classes]
        pairs = combinations(range(len(sizes)), 2)
        return ClassState(
            classes,
            tuple(_are_single(each.edges) for each in classes),
            tuple(bool(values[0] < values[-1]) for values in found),
            np.zeros(len(sizes), dtype=np.int64),
            {(i, j): np.zeros((sizes[i], sizes[j]), dtype=np.int64) for i, j in pairs},
        )

    def update(self, state: ClassState, chunk: Chunk) -> ClassState:
        names = self.between
        everywhere = names if self.rows == "complete" else ()
        for i, name in enumerate(names):
            places = chunk.places((name, *everywhere), self.where)
            state.valid[i] += chunk.rows if places is None else len(places)
        classes = [
            chunk.edges_up_to(name, each) for name, each in zip(names, state.classes, strict=True)
        ]
        for (i, j), counts in state.joint.items():
            places = chunk.places((names[i], names[j], *everywhere), self.where)
            a, b = classes[i], classes[j]
            if places is not None:
                a, b = a[places], b[places]
            np.add.at(counts.reshape(-1), a * np.int64(counts.shape[1]) + b, 1)
        return state

    def merge(self, first: ClassState, second: ClassState) -> ClassState:
        first.valid += second.valid
        for pair in first.joint:
            first.joint[pair] += second.joint[pair]
        return first

    def finish(self, state: ClassState) -> CorrelationMatrix:
        k = len(self.between)
        r, n = np.full((k, k), np.nan), np.diag(state.valid)
        errors, unknown = [0.0], []
        for (i, j), counts in state.joint.items():
            n[i, j] = n[j, i] = counts.sum()
            rho, error = _class_correlation(counts, state.single[i], state.single[j])
            if error <= MOST_ERROR:
                r[i, j] = r[j, i] = rho
                errors.append(error)
            elif n[i, j] >= 2:
                unknown.append((i, j))
        for i in range(k):
            r[i, i] = 1.0 if n[i, i] >= 2 and state.varies[i] else np.nan
        return CorrelationMatrix(self.between, r, n, max(errors), tuple(unknown))


@dataclass(frozen=True)
class Spearman(BetweenColumns[CorrelationMatrix], Derived[CorrelationMatrix]):
    """Spearman's rank correlation of every pair of columns, ties at their mean rank."""

    def parts(self, exact: bool) -> tuple[Reduction[Any, Any], ...]:
        if exact:
            return tuple(RankCodes(column, self.where) for column in self.between)
        return (RankClasses(self.between, self.rows, self.where),)

    def derive(self, *found: Any) -> CorrelationMatrix:
        if isinstance(found[0], CorrelationMatrix):
            return found[0]
        return _exact_ranks(self.between, found, complete=self.rows == "complete")


def _exact_ranks(
    columns: tuple[str, ...], codes: tuple[Codes, ...], *, complete: bool
) -> CorrelationMatrix:
    """Correlate the ranks of some columns, each pair with its own rows, or with those of all."""
    if complete:
        codes = _valid_together(codes)
    k = len(columns)
    if k * len(codes[0]) <= FEW and all((each >= 0).all() for each in codes):
        return matrix(columns, pair_sums([_ranks(each) for each in codes]))
    r, n = np.full((k, k), np.nan), np.zeros((k, k), dtype=np.int64)
    for i in range(k):
        valid = codes[i][codes[i] >= 0]
        n[i, i] = len(valid)
        if len(valid) and valid.min() < valid.max():
            r[i, i] = 1.0
        for j in range(i):
            ranks = [_ranks(each) for each in _valid_together((codes[i], codes[j]))]
            pair = matrix(("", ""), pair_sums(ranks))
            n[i, j] = n[j, i] = pair.n[0, 1]
            r[i, j] = r[j, i] = pair.r[0, 1]
    return CorrelationMatrix(columns, r, n)


def _valid_together(codes: tuple[Codes, ...]) -> tuple[Codes, ...]:
    """Return the codes of the rows in which every column is valid."""
    both = np.logical_and.reduce([each >= 0 for each in codes])
    return codes if both.all() else tuple(each[both] for each in codes)


def _ranks(codes: Codes) -> Values:
    """Return the rank of each code, from 1, ties at their mean; none may be missing."""
    counts = np.bincount(codes)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[codes])


def _class_edges(quantiles: Values) -> Values:
    """Return the edges between classes; a quantile that repeats has a class of its own."""
    repeated = quantiles[1:][quantiles[1:] == quantiles[:-1]]
    with np.errstate(over="ignore"):  # beside the largest number
        next_ones = np.nextafter(repeated, np.inf)
    return np.unique(np.concatenate([quantiles[1:-1], repeated, next_ones]))


def _are_single(edges: Values) -> NDArray[np.bool_]:
    """Return which classes hold one value only, (edges + 1,)."""
    with np.errstate(over="ignore"):
        return np.pad(edges[1:] == np.nextafter(edges[:-1], np.inf), 1)


def _class_correlation(
    counts: Integers, single_x: NDArray[np.bool_], single_y: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return Spearman's rho of classes, ties at their mean rank, and its largest error.

    counts: (classes of x, classes of y). single_x, single_y: which classes hold one value. Ranks in
    a class lie about their mean, with squares that sum up to (m³ − m) / 12 at most. What that adds
    to the sum of products is bounded by the inequality of Cauchy and Schwarz, as deviations within
    a class of x see only what y varies there.
    """
    weights = counts.astype(np.float64)
    n = weights.sum()
    if n < 2:
        return float("nan"), 0.0
    rows, columns = weights.sum(axis=1), weights.sum(axis=0)
    x = np.cumsum(rows) - rows / 2 - n / 2
    y = np.cumsum(columns) - columns / 2 - n / 2
    product, of_x, of_y = x @ weights @ y, rows @ x**2, columns @ y**2
    lost_x, lost_y = (
        float(np.sum((m**3 - m)[~single]) / 12)
        for m, single in ((rows, single_x), (columns, single_y))
    )
    if not of_x + lost_x or not of_y + lost_y:
        return float("nan"), 0.0
    if not of_x * of_y:
        return float("nan"), float("inf")
    within_x = of_y - float(np.sum((weights @ y) ** 2 / np.maximum(rows, 1)))
    within_y = of_x - float(np.sum((x @ weights) ** 2 / np.maximum(columns, 1)))
    off = np.sqrt(lost_x * max(within_x, 0.0)) + np.sqrt(lost_y * max(within_y, 0.0))
    off += np.sqrt(lost_x * lost_y)
    rho = product / np.sqrt(of_x * of_y)
    most = (abs(product) + off) / np.sqrt(of_x * of_y)
    least = (abs(product) - off) / np.sqrt(of_x * of_y)
    if least > 0:
        least = (abs(product) - off) / np.sqrt((of_x + lost_x) * (of_y + lost_y))
    return float(rho), float(max(min(most, 1.0) - abs(rho), abs(rho) - least))

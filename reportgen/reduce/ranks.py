"""Spearman's rank correlation: exact while all rows may be kept, by classes beyond it."""

from dataclasses import dataclass
from itertools import combinations
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Derived, Integers, Reduction, Values
from reportgen.reduce.binning import Binning
from reportgen.reduce.moments import BetweenColumns, CorrelationMatrix, matrix, pair_sums
from reportgen.reduce.quantiles import Quantiles, QuantileValues

Codes = NDArray[np.int32]

# Rank classes of a column, and cells of the tables of all pairs together. With 256 classes the
# error of Spearman's rho is some 1e-4.
MOST_CLASSES, LEAST_CLASSES, CELLS = 256, 64, 2**21
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
    """Rows that are valid in each column, and how many of them are in each pair of classes."""

    classes: tuple[Binning, ...]
    varies: tuple[bool, ...]
    valid: Integers
    joint: dict[tuple[int, int], Integers]


@dataclass(frozen=True)
class RankClasses(BetweenColumns[CorrelationMatrix], Reduction[ClassState, CorrelationMatrix]):
    """Spearman's rank correlation of every pair of columns, by classes of about equal number.

    They are those of all valid values of a column, and rows of one class are tied: close where a
    pair shares many of the rows, coarse where it shares few that lie together.
    """

    @property
    def classes(self) -> int:
        """How many classes there are of a column at most."""
        pairs = max(1, len(self.between) * (len(self.between) - 1) // 2)
        return max(LEAST_CLASSES, min(MOST_CLASSES, isqrt(CELLS // pairs)))

    def needs(self) -> dict[str, Quantiles]:
        fractions = tuple(np.linspace(0, 1, self.classes + 1).tolist())
        return {column: Quantiles(column, fractions, self.where) for column in self.between}

    def start(self, /, **limits: QuantileValues) -> ClassState:
        found = [limits[column].values for column in self.between]
        classes = tuple(Binning.of(np.unique(values[1:-1])) for values in found)
        sizes = [len(each.edges) + 1 for each in classes]
        pairs = combinations(range(len(sizes)), 2)
        return ClassState(
            classes,
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
        for (i, j), counts in state.joint.items():
            n[i, j] = n[j, i] = counts.sum()
            r[i, j] = r[j, i] = _class_correlation(counts)
        for i in range(k):
            r[i, i] = 1.0 if n[i, i] >= 2 and state.varies[i] else np.nan
        return CorrelationMatrix(self.between, r, n, self.classes)


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


def _class_correlation(counts: Integers) -> float:
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

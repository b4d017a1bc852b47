"""Spearman's rank correlation: exact while the columns fit the budget, by classes beyond it."""

from dataclasses import dataclass, field
from itertools import combinations
from math import isqrt
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Reduction, Source, Values
from reportgen.reduce.binning import Binning
from reportgen.reduce.moments import CorrelationMatrix, matrix, pair_sums
from reportgen.reduce.quantiles import Order, OrderSketch

Integers = NDArray[np.int64]
Codes = NDArray[np.int32]

# Rank classes of a column beyond the memory budget; error of Spearman's rho below 1e-4 (1e-3).
CLASSES, FEWEST_CLASSES = 512, 128
FEW = 2**20  # ranks that are correlated at once, all columns together; more are in pairs


@dataclass(frozen=True)
class RankCodes(Reduction[list[Values], Codes]):
    """The place of each selected row's value among the different values of a column; -1 if missing.

    Rows in the order of the source. With them the ranks of any of the rows are had by counting.
    """

    working: ClassVar[int] = 4

    column: str
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset([self.column])

    def start(self, source: Source, /, **profile: Any) -> list[Values]:
        """Start with no rows."""
        return []

    def update(self, state: list[Values], chunk: Chunk) -> list[Values]:
        """Add a chunk."""
        return [*state, chunk.selected(self.column, self.where)]

    def merge(self, first: list[Values], second: list[Values]) -> list[Values]:
        """Join rows."""
        return first + second

    def finish(self, state: list[Values]) -> Codes:
        """Sort the values once."""
        values = state[0] if len(state) == 1 else np.concatenate([*state, np.empty(0)])
        codes = np.full(len(values), -1, dtype=np.int32)
        finite = np.isfinite(values)
        places = None if finite.all() else np.flatnonzero(finite)
        if places is not None:
            values = values[places]
        order = np.argsort(values)
        values = values[order]
        if places is not None:
            order = places[order]
        codes[order] = np.cumsum(np.append(False, values[1:] != values[:-1])[: len(values)])
        return codes


@dataclass
class RankState:
    """Either the states of the columns' codes (exact) or, for each pair, counts of rank classes.

    classes: those of each column. most: how many there may be. varies: whether a column has two
    values.
    """

    codes: list[list[Values]] = field(default_factory=list)
    classes: tuple[Binning, ...] = ()
    varies: tuple[bool, ...] = ()
    valid: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    joint: dict[tuple[int, int], Integers] | None = None
    most: int = 0


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

    @property
    def working(self) -> int:  # type: ignore[override]
        """Codes of all columns, of half a column each, and the ranks and sums of a pair."""
        return 8 + (len(self.between) + 1) // 2

    @property
    def sketches(self) -> int:
        """A table of counts for each pair."""
        return max(1, len(self.between) * (len(self.between) - 1) // 2)

    def parts(self, source: Source) -> tuple[RankCodes, ...]:
        """Rest on the codes of each column while all rows may be kept."""
        if not source.keeps(len(self.between)):
            return ()
        return tuple(RankCodes(column, self.where) for column in self.between)

    def derive(self, *codes: Codes) -> CorrelationMatrix:
        """Give the matrix from the codes of each column."""
        return _exact_ranks(self.between, codes, complete=self.rows == "complete")

    def needs(self, source: Source) -> dict[str, Order]:
        """Ask for the order of each column when not all rows can be kept."""
        if source.keeps(len(self.between)):
            return {}
        return {column: Order(column, self.where, exact=False) for column in self.between}

    def start(self, source: Source, /, **profile: OrderSketch) -> RankState:
        """Start with no rows; profile: the order of each column, beyond the memory budget."""
        if not profile:
            return RankState([[] for _ in self.between])
        counts = source.memory // (8 * self.sketches) if source.keys is None else source.keys
        classes = min(CLASSES, max(FEWEST_CLASSES, isqrt(counts)))
        fractions = np.linspace(0, 1, classes + 1)[1:-1]
        orders = [profile[column] for column in self.between]
        return RankState(
            classes=tuple(Binning(np.unique(order.quantiles(fractions))) for order in orders),
            varies=tuple(len(order.values) > 1 for order in orders),
            valid=np.zeros(len(self.between), dtype=np.int64),
            joint={},
            most=classes,
        )

    def update(self, state: RankState, chunk: Chunk) -> RankState:
        """Add a chunk."""
        names = self.between
        if state.joint is None:
            for state_of, column in zip(state.codes, names, strict=True):
                state_of.append(chunk.selected(column, self.where))
            return state
        everywhere = names if self.rows == "complete" else ()
        for i, name in enumerate(names):
            places = chunk.places((name, *everywhere), self.where)
            state.valid[i] += chunk.rows if places is None else len(places)
        classes = [
            chunk.edges_up_to(name, each) for name, each in zip(names, state.classes, strict=True)
        ]
        for i, j in combinations(range(len(names)), 2):
            places = chunk.places((names[i], names[j], *everywhere), self.where)
            a, b = classes[i], classes[j]
            if places is not None:
                a, b = a[places], b[places]
            shape = (len(state.classes[i].edges) + 1, len(state.classes[j].edges) + 1)
            if (i, j) not in state.joint:
                state.joint[i, j] = np.zeros(shape, dtype=np.int64)
            np.add.at(state.joint[i, j].reshape(-1), a * np.int64(shape[1]) + b, 1)
        return state

    def merge(self, first: RankState, second: RankState) -> RankState:
        """Join rows, or add counts."""
        if first.joint is None or second.joint is None:
            return RankState([a + b for a, b in zip(first.codes, second.codes, strict=True)])
        pairs = sorted(first.joint.keys() | second.joint.keys())
        none = np.zeros((1, 1), dtype=np.int64)
        joint = {p: first.joint.get(p, none) + second.joint.get(p, none) for p in pairs}
        return RankState(
            [], first.classes, first.varies, first.valid + second.valid, joint, first.most
        )

    def finish(self, state: RankState) -> CorrelationMatrix:
        """Give the matrix."""
        k = len(self.between)
        if state.joint is None:
            codes = zip(self.between, state.codes, strict=True)
            return self.derive(*(RankCodes(name, self.where).finish(rows) for name, rows in codes))
        r, n = np.full((k, k), np.nan), np.diag(state.valid)
        for (i, j), counts in state.joint.items():
            n[i, j] = n[j, i] = counts.sum()
            r[i, j] = r[j, i] = _class_correlation(counts)
        for i in range(k):
            r[i, i] = 1.0 if n[i, i] >= 2 and state.varies[i] else np.nan
        return CorrelationMatrix(self.between, r, n, state.most)


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
    """Give the codes of the rows in which every column is valid."""
    both = np.logical_and.reduce([each >= 0 for each in codes])
    return codes if both.all() else tuple(each[both] for each in codes)


def _ranks(codes: Codes) -> Values:
    """Give the rank of each code, from 1, ties at their mean; none may be missing."""
    counts = np.bincount(codes)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[codes])


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

"""How well a score tells two classes apart: at every threshold, and along another column."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Derived, Integers, Reduction, Values
from reportgen.reduce.binned import OrderInBins, keys_of_bin
from reportgen.reduce.histograms import Axis
from reportgen.reduce.quantiles import Order, OrderedValues, ordered

DRAWN = 500  # points of a curve


@dataclass(frozen=True)
class Steps:
    """Objects of two classes at each score, from the highest down.

    scores: (m,), each once. positives, negatives: (m,) how many score at least as much.
    """

    scores: Values
    positives: Integers
    negatives: Integers

    @staticmethod
    def of(positives: OrderedValues, negatives: OrderedValues) -> "Steps":
        """Return the steps of two classes; both are rounded as the coarser one is."""
        dropped = max(positives.dropped, negatives.dropped)
        found = [each.coarser(dropped) for each in (positives, negatives)]
        scores = np.unique(np.concatenate([each.values for each in found]))
        counts = []
        for each in found:
            n = np.ones(len(each.values)) if each.counts is None else each.counts
            place = np.searchsorted(scores, each.values)
            at = np.bincount(place, n, len(scores)).astype(np.int64)
            counts.append(np.cumsum(at[::-1]))
        return Steps(scores[::-1], *counts)

    def at(self, threshold: float) -> tuple[int, int]:
        """Return how many positives and negatives score at least so much."""
        place = int(np.searchsorted(-self.scores, -threshold, side="right"))
        if not place:
            return 0, 0
        return int(self.positives[place - 1]), int(self.negatives[place - 1])

    @property
    def totals(self) -> tuple[int, int]:
        """All positives and negatives."""
        if not len(self.scores):
            return 0, 0
        return int(self.positives[-1]), int(self.negatives[-1])


@dataclass(frozen=True)
class Scores:
    """Quality of a score. auc, average_precision: NaN where a class is empty.

    auc: the probability that a positive scores more than a negative, ties by half (Mann–Whitney).
    average_precision: Σ (R_n − R_n−1) P_n over the distinct scores, without interpolation.
    auc_error: largest error of auc by rounding, 0 where none was rounded. best: the score with the
    largest balanced accuracy as threshold. thinned: steps for curves, those at the ends among them.
    """

    positives: int
    negatives: int
    auc: float
    auc_error: float
    average_precision: float
    best: float
    at_best: tuple[int, int]
    thinned: Steps

    @property
    def auc_scatter(self) -> float:
        """Standard error of auc (Hanley & McNeil 1982, Radiology 143, 29)."""
        area, p, n = self.auc, self.positives, self.negatives
        if not (p and n):
            return float("nan")
        both = (p - 1) * (area / (2 - area) - area**2)
        both += (n - 1) * (2 * area**2 / (1 + area) - area**2)
        return float(np.sqrt((area * (1 - area) + both) / (p * n)))


@dataclass(frozen=True)
class JudgeScores(Derived[Scores]):
    """Compare the scores of two classes, each a selection of rows.

    keys: values that are told apart where not all rows are kept; as many as may be if None.
    """

    column: str
    positive: Condition
    negative: Condition
    keys: int | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.column]) | self.positive.columns | self.negative.columns

    def parts(self, exact: bool) -> tuple[Order, Order]:
        positive, negative = (
            Order(self.column, where, self.keys)
            if self.keys is not None and not exact
            else ordered(self.column, where, exact)
            for where in (self.positive, self.negative)
        )
        return positive, negative

    def derive(self, positive: OrderedValues, negative: OrderedValues) -> Scores:
        steps = Steps.of(positive, negative)
        p, n = steps.totals
        true, false = (each.astype(np.float64) for each in (steps.positives, steps.negatives))
        at = np.diff(true, prepend=0.0), np.diff(false, prepend=0.0)
        auc = auc_error = precision = best = np.nan
        found = (0, 0)
        if p:
            precision = float((at[0] * true / (true + false)).sum() / p)
        if p and n:
            auc = float((at[1] * (true - at[0] / 2)).sum() / p / n)
            rounded = not (positive.exact and negative.exact)
            auc_error = float((at[0] * at[1]).sum() / 2 / p / n) if rounded else 0.0
            place = int(np.argmax(true / p - false / n))
            best, found = float(steps.scores[place]), (int(true[place]), int(false[place]))
        last = len(steps.scores) - 1
        shown = np.unique(np.rint(np.linspace(0, max(last, 0), min(DRAWN, last + 1))).astype(int))
        thinned = Steps(steps.scores[shown], steps.positives[shown], steps.negatives[shown])
        return Scores(p, n, auc, auc_error, precision, best, found, thinned)


@dataclass(frozen=True)
class StepsInBins:
    """The steps in each bin of another column. edges: (bins + 1,)."""

    edges: Values
    steps: tuple[Steps, ...]


@dataclass(frozen=True)
class ScoresInBins(Derived[StepsInBins]):
    """The scores of two classes in equal bins of another column. where: both classes."""

    x: Axis
    column: str
    positive: Condition
    negative: Condition
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        columns = frozenset([self.x.column, self.column])
        return columns | self.positive.columns | self.negative.columns

    def parts(self, exact: bool) -> tuple[OrderInBins, OrderInBins]:
        most = keys_of_bin(2 * self.x.bins, exact)
        positive, negative = (
            OrderInBins(self.x, self.column, self.where, most, subset)
            for subset in (self.positive, self.negative)
        )
        return positive, negative

    def derive(
        self,
        positive: tuple[Values, list[OrderedValues]],
        negative: tuple[Values, list[OrderedValues]],
    ) -> StepsInBins:
        pairs = zip(positive[1], negative[1], strict=True)
        return StepsInBins(positive[0], tuple(Steps.of(p, n) for p, n in pairs))


@dataclass(frozen=True)
class Extreme:
    """The rows with the most extreme values. rows: their numbers, from 0; values: of a column.

    others: further columns of the same rows, texts or numbers.
    """

    rows: NDArray[np.int64]
    values: Values
    others: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class ExtremeRows(Reduction[Extreme | None, Extreme]):
    """The rows with the largest values of a column, or the smallest; equal ones in their order."""

    column: str
    n: int
    largest: bool
    where: Condition | None = None
    others: tuple[str, ...] = ()

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.column, *self.others])

    def start(self) -> Extreme | None:
        return None

    def update(self, state: Extreme | None, chunk: Chunk) -> Extreme:
        places = chunk.places((self.column,), self.where)
        rows = np.arange(chunk.rows) if places is None else places
        values = chunk.valid(self.column, self.where)
        kept = self._most(values)
        others = {name: _all_digits(chunk, name, rows[kept]) for name in self.others}
        found = Extreme(rows[kept] + chunk.first, values[kept], others)
        return found if state is None else self._joined(state, found)

    def merge(self, first: Extreme | None, second: Extreme | None) -> Extreme | None:
        if first is None or second is None:
            return second if first is None else first
        return self._joined(first, second)

    def _joined(self, *parts: Extreme) -> Extreme:
        rows, values = (
            np.concatenate([getattr(each, name) for each in parts]) for name in ("rows", "values")
        )
        kept = self._most(values)
        others = {
            name: np.concatenate([each.others[name] for each in parts])[kept]
            for name in self.others
        }
        return Extreme(rows[kept], values[kept], others)

    def finish(self, state: Extreme | None) -> Extreme:
        if state is not None:
            return state
        none = {name: np.empty(0) for name in self.others}
        return Extreme(np.empty(0, np.int64), np.empty(0), none)

    def _most(self, values: Values) -> NDArray[np.intp]:
        return np.argsort(-values if self.largest else values, kind="stable")[: self.n]


def _all_digits(chunk: Chunk, name: str, rows: NDArray[np.intp]) -> NDArray[Any]:
    """Return a column in some rows; integers that float64 would round stay whole."""
    values, remainders = chunk.columns[name][rows], chunk.remainders.get(name)
    if remainders is None:
        return values
    both = zip(values.tolist(), remainders[rows].tolist(), strict=True)
    return np.array([v if np.isnan(v) else int(v) + int(rest) for v, rest in both], dtype=object)

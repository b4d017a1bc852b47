"""Counts in bins whose edges another catalogue gives."""

from dataclasses import dataclass

import numpy as np

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Integers, OfCatalogue, Reduction, Statistic, Values
from reportgen.reduce.match import RowsOf


@dataclass(frozen=True)
class BinCounts:
    """Values in bins, (bins,). edges: (bins + 1,); outside: valid values in none of them."""

    edges: Values
    counts: Integers
    outside: int

    @property
    def n(self) -> int:
        """Number of values in the bins."""
        return int(self.counts.sum())


@dataclass(frozen=True)
class CountsInBinsOf(Reduction[BinCounts, BinCounts]):
    """Counts of a column in the bins that two columns of another catalogue, low and high, name.

    The last bin includes its upper edge.
    """

    column: str
    bins: OfCatalogue[dict[str, Values]]
    where: Condition | None = None

    def needs(self) -> dict[str, Statistic[dict[str, Values]]]:
        return {"bins": self.bins}

    def start(self, bins: dict[str, Values]) -> BinCounts:
        assert isinstance(self.bins.statistic, RowsOf)  # noqa: S101
        low, high = (bins[name] for name in self.bins.statistic.valid[:2])
        edges = np.unique(np.concatenate([low, high]))
        return BinCounts(edges, np.zeros(max(len(edges) - 1, 0), np.int64), 0)

    def update(self, state: BinCounts, chunk: Chunk) -> BinCounts:
        values = chunk.ordered(self.column, self.where)
        if not len(state.counts):
            return BinCounts(state.edges, state.counts, state.outside + len(values))
        below = np.searchsorted(values, state.edges)
        below[-1] = np.searchsorted(values, state.edges[-1], side="right")
        counts = np.diff(below)
        outside = len(values) - int(counts.sum())
        return self.merge(state, BinCounts(state.edges, counts, outside))

    def merge(self, first: BinCounts, second: BinCounts) -> BinCounts:
        counts = first.counts + second.counts
        return BinCounts(first.edges, counts, first.outside + second.outside)

"""Mean and scatter of a column in bins of another."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Integers, Reduction, Statistic, Values
from reportgen.reduce.binning import Binning
from reportgen.reduce.histograms import Axis, row_bins
from reportgen.reduce.objects import Sums


@dataclass(frozen=True)
class BinnedMoments:
    """Rows in bins of x, mean and standard deviation (of the population) of y; NaN in empty ones.

    edges: (bins + 1,); n, mean, std: (bins,).
    """

    edges: Values
    n: Integers
    mean: Values
    std: Values

    @property
    def sums(self) -> Values:
        """Sum of y in each bin; 0 in empty ones."""
        return np.where(self.n > 0, self.n * self.mean, 0.0)


@dataclass(frozen=True)
class MomentsState:
    """Bins, and the sums of y in those that are not empty."""

    bins: Binning
    sums: Sums | None = None


@dataclass(frozen=True)
class MomentsInBins(Reduction[MomentsState, BinnedMoments]):
    """Mean and standard deviation of y in equal bins of x.

    truth: of 100 where y is not 0, and of 0 where it is: the share of it in percent.
    """

    x: Axis
    y: str
    where: Condition | None = None
    truth: bool = False

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.x.column, self.y])

    def needs(self) -> dict[str, Statistic[Any]]:
        return self.x.needs(self.where)

    def start(self, /, **known: Any) -> MomentsState:
        return MomentsState(Binning.of(self.x.edges(known)))

    def update(self, state: MomentsState, chunk: Chunk) -> MomentsState:
        places = chunk.places((self.x.column, self.y), self.where)
        number = row_bins(chunk, self.x.column, state.bins, places)
        y = chunk.columns[self.y] if places is None else chunk.columns[self.y][places]
        if self.truth:
            y = np.where(y != 0, 100.0, 0.0)
        inside = number >= 0
        keys, y = number[inside].astype(np.float64), y[inside]
        if not len(y):
            return state
        nothing, ones = np.zeros(len(y)), np.ones(len(y), np.int64)
        return self.merge(state, MomentsState(state.bins, Sums.of(keys, ones, y, nothing, nothing)))

    def merge(self, first: MomentsState, second: MomentsState) -> MomentsState:
        found = [state.sums for state in (first, second) if state.sums is not None]
        return MomentsState(first.bins, Sums.joined(found) if found else None)

    def finish(self, state: MomentsState) -> BinnedMoments:
        bins = len(state.bins.edges) - 1
        n, mean, std = np.zeros(bins, np.int64), np.full(bins, np.nan), np.full(bins, np.nan)
        if state.sums is not None:
            place = state.sums.keys.astype(np.intp)
            n[place], mean[place] = state.sums.n, state.sums.mean
            std[place] = np.sqrt(state.sums.square / state.sums.n)
        return BinnedMoments(state.bins.edges, n, mean, std)

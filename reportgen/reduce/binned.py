"""Quantiles of one column in bins of another, such as a running median."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.config.expressions import Condition, both
from reportgen.reduce.base import Chunk, Derived, Integers, Reduction, Statistic, Values
from reportgen.reduce.binning import Binning
from reportgen.reduce.histograms import Axis, row_bins
from reportgen.reduce.quantiles import OrderedValues
from reportgen.reduce.sketch import MOST_KEYS, Sketch

LEAST_KEYS = 2**12  # of one of many bins: to a thousandth of a value


@dataclass(frozen=True)
class BinnedQuantiles:
    """Quantiles of y in bins of x; NaN in empty ones.

    edges: (bins + 1,); n: (bins,); values: (fractions, bins).

    error: of the values, as a fraction of each.
    """

    edges: Values
    n: Integers
    values: Values
    error: float


@dataclass
class BinnedState:
    """Bins, and the values of y in each."""

    bins: Binning
    sketches: list[Sketch]


@dataclass(frozen=True)
class OrderInBins(Reduction[BinnedState, tuple[Values, list[OrderedValues]]]):
    """The edges of equal bins of x, and the values of y in each bin in order.

    most: how many are told apart in a bin; None for all. subset: take only these of the selected
    rows; the range of x is that of all selected rows.
    """

    x: Axis
    y: str
    where: Condition | None = None
    most: int | None = None
    subset: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        of_subset = frozenset() if self.subset is None else self.subset.columns
        return frozenset([self.x.column, self.y]) | of_subset

    def needs(self) -> dict[str, Statistic[Any]]:
        return self.x.needs(self.where)

    def start(self, /, **known: Any) -> BinnedState:
        edges = self.x.edges(known)
        return BinnedState(Binning.of(edges), [Sketch(self.most) for _ in edges[1:]])

    def update(self, state: BinnedState, chunk: Chunk) -> BinnedState:
        places = chunk.places((self.x.column, self.y), both(self.where, self.subset))
        number = row_bins(chunk, self.x.column, state.bins, places)
        y = chunk.columns[self.y] if places is None else chunk.columns[self.y][places]
        inside = number >= 0
        if not inside.all():
            number, y = number[inside], y[inside]
        by_bin = np.argsort(number, kind="stable")
        stops = np.cumsum(np.bincount(number, minlength=len(state.sketches)))
        for sketch, part in zip(state.sketches, np.split(y[by_bin], stops[:-1]), strict=True):
            if len(part):
                sketch.add(part.copy())  # a part of it would keep all of y
        return state

    def merge(self, first: BinnedState, second: BinnedState) -> BinnedState:
        for sketch, other in zip(first.sketches, second.sketches, strict=True):
            sketch.merge(other)
        return first

    def finish(self, state: BinnedState) -> tuple[Values, list[OrderedValues]]:
        return state.bins.edges, [OrderedValues.of(sketch) for sketch in state.sketches]


def keys_of_bin(bins: int, exact: bool) -> int | None:
    """Return how many values are told apart in each of some bins; None for all."""
    return None if exact else max(LEAST_KEYS, min(MOST_KEYS, 4 * MOST_KEYS // bins))


@dataclass(frozen=True)
class QuantilesInBins(Derived[BinnedQuantiles]):
    """Quantiles of y in equal bins of x, such as a running median."""

    x: Axis
    y: str
    fractions: tuple[float, ...]
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.x.column, self.y])

    def parts(self, exact: bool) -> tuple[OrderInBins]:
        return (OrderInBins(self.x, self.y, self.where, keys_of_bin(self.x.bins, exact)),)

    def derive(self, found: tuple[Values, list[OrderedValues]]) -> BinnedQuantiles:
        edges, orders = found
        return BinnedQuantiles(
            edges,
            np.array([order.n for order in orders], dtype=np.int64),
            np.stack([order.quantiles(self.fractions) for order in orders], axis=1),
            max(order.error for order in orders),
        )

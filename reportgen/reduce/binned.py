"""Quantiles of one column in bins of another, such as a running median."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Reduction, Source, Values
from reportgen.reduce.binning import Binning
from reportgen.reduce.counts import Limits, Range
from reportgen.reduce.histograms import Axis, bin_edges, row_bins
from reportgen.reduce.quantiles import OrderState, in_order, joined_orders
from reportgen.reduce.sketch import Sketch, keys_each

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class BinnedQuantiles:
    """Quantiles of y in bins of x.

    edges: (bins + 1,); n: (bins,); values: (fractions, bins).

    error: of the values, as a fraction of each.
    """

    edges: Values
    n: Integers
    values: Values
    error: float


@dataclass
class BinnedState:
    """Bins, and the order of y in each."""

    bins: Binning
    orders: list[OrderState]


@dataclass(frozen=True)
class QuantilesInBins(Reduction[BinnedState, BinnedQuantiles]):
    """Quantiles of y in equal bins of x, such as a running median."""

    working: ClassVar[int] = 6

    x: Axis
    y: str
    fractions: tuple[float, ...]
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        """Both columns."""
        return frozenset([self.x.column, self.y])

    @property
    def sketches(self) -> int:
        """One a bin, all together as large as a few."""
        return min(4, self.x.bins)

    def needs(self, source: Source) -> dict[str, Range]:
        """Ask for the range of x where none is given."""
        if self.x.limits is not None:
            return {}
        return {"limits": Range(self.x.column, self.where, positive=self.x.log)}

    def start(self, source: Source, /, **profile: Limits) -> BinnedState:
        """Start with empty bins."""
        limits = self.x.limits if self.x.limits is not None else profile["limits"]
        edges = bin_edges(limits, self.x.bins, log=self.x.log)
        most, exact = keys_each(self.x.bins, source.keys), source.keeps(2)
        orders = [OrderState(sketch=None if exact else Sketch(most)) for _ in range(self.x.bins)]
        return BinnedState(Binning(edges), orders)

    def update(self, state: BinnedState, chunk: Chunk) -> BinnedState:
        """Add a chunk."""
        places = chunk.places((self.x.column, self.y), self.where)
        number = row_bins(chunk, self.x.column, state.bins, places)
        y = chunk.columns[self.y] if places is None else chunk.columns[self.y][places]
        inside = number >= 0
        if not inside.all():
            number, y = number[inside], y[inside]
        by_bin = np.argsort(number, kind="stable")
        stops = np.cumsum(np.bincount(number, minlength=self.x.bins))
        for order, part in zip(state.orders, np.split(y[by_bin], stops[:-1]), strict=True):
            if order.sketch is not None:
                order.sketch.add(part)
            elif len(part):
                order.values.append(part)
        return state

    def merge(self, first: BinnedState, second: BinnedState) -> BinnedState:
        """Join each bin's orders."""
        pairs = zip(first.orders, second.orders, strict=True)
        return BinnedState(first.bins, [joined_orders(a, b) for a, b in pairs])

    def finish(self, state: BinnedState) -> BinnedQuantiles:
        """Give the quantiles; NaN in empty bins."""
        orders = [in_order(each) for each in state.orders]
        return BinnedQuantiles(
            state.bins.edges,
            np.array([order.n for order in orders], dtype=np.int64),
            np.stack([order.quantiles(self.fractions) for order in orders], axis=1),
            max(order.error for order in orders),
        )

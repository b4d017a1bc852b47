"""Values that may stand for a missing one although nothing says so."""

from dataclasses import dataclass

import numpy as np

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Derived
from reportgen.reduce.quantiles import Order, OrderedValues, ordered

CANDIDATES = (-9999.0, -999.0, -99.0, -9.99, -9.0, 0.0, 99.0, 999.0, 9999.0)
"""What catalogues write in place of a missing value."""
FEWEST = 4  # rows that hold it
RANGE = (0.001, 0.999)
"""Fractions of the other values between which it must not lie."""


@dataclass(frozen=True)
class Sentinel:
    """A value that may stand for a missing one. rows: how many hold it."""

    value: float
    rows: int


@dataclass(frozen=True)
class SuspectedSentinels(Derived[tuple[Sentinel, ...]]):
    """Usual marks of missing values that stand apart from the other values of a column.

    More than three rows hold such a value, it lies outside the range of 99.8 % of the others, and
    no fewer rows hold it than there are others beyond that range on its side. The smallest of a
    running number, which is often 0, has as many rows as its neighbours, and is none.
    """

    column: str
    where: Condition | None = None

    def parts(self, exact: bool) -> tuple[Order]:
        return (ordered(self.column, self.where, exact),)

    def derive(self, order: OrderedValues) -> tuple[Sentinel, ...]:
        values = order.values
        counts = np.ones(len(values), np.int64) if order.counts is None else order.counts
        is_one = np.zeros(len(values), dtype=bool)
        found: list[tuple[float, int]] = []
        for mark in CANDIDATES:
            # In a sketch the value stands for those whose leading bits are the same.
            near = abs(mark) * 2 * order.error
            start, stop = np.searchsorted(values, [mark - near, np.nextafter(mark + near, np.inf)])
            if (rows := int(counts[start:stop].sum())) >= FEWEST:
                is_one[start:stop] = True
                found.append((mark, rows))
        rest = OrderedValues(values[~is_one], counts[~is_one], order.dropped)
        if not found or not rest.n:
            return ()
        low, high = rest.quantiles(RANGE)
        below = int(rest.counts[rest.values < low].sum()) if rest.counts is not None else 0
        above = int(rest.counts[rest.values > high].sum()) if rest.counts is not None else 0
        return tuple(
            Sentinel(mark, rows)
            for mark, rows in found
            if ((mark < low and rows >= below) or (mark > high and rows >= above))
            and (mark or rows < rest.n)  # most numbers of a count may well be 0
        )

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
APART = 0.02  # of that range
FEW = 10  # values of a flag or a class


@dataclass(frozen=True)
class Sentinel:
    """A value that may stand for a missing one. rows: how many hold it."""

    value: float
    rows: int


@dataclass(frozen=True)
class SuspectedSentinels(Derived[tuple[Sentinel, ...]]):
    """Usual marks of missing values that stand apart from the other values of a column.

    More than three rows hold such a value, more than hold others that are as far out; it lies
    outside the range of 99.8 % of the others, and apart from the nearest or far commoner than that:
    the smallest of a running number is none. Nor is 0 where most rows hold it, or in a flag.
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
        return tuple(
            Sentinel(mark, rows)
            for mark, rows in found
            if (mark < low or mark > high) and _stands_out(mark, rows, rest, high - low)
        )


def _stands_out(mark: float, rows: int, rest: OrderedValues, width: float) -> bool:
    """Return whether a value that some rows hold is not just the first or last of the others."""
    place = int(np.searchsorted(rest.values, mark))
    is_below = place < rest.n and mark < rest.values[-1] and place <= len(rest.values) // 2
    nearest = rest.values[place] if is_below else rest.values[place - 1]
    counts = np.ones(len(rest.values), np.int64) if rest.counts is None else rest.counts
    as_common = int(counts[rest.values == nearest].sum())
    beyond = int(counts[:place].sum() if is_below else counts[place:].sum())
    is_apart = abs(nearest - mark) > APART * width
    # Most numbers of a count may well be 0, and a flag has hardly any others.
    may_be = mark != 0 or (rows < rest.n and len(np.unique(rest.values)) > FEW)
    return rows > beyond and (is_apart or rows > 2 * as_common) and may_be

"""Counts and ranges."""

from dataclasses import dataclass

import numpy as np

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Integers, Reduction
from reportgen.reduce.chunk import Limits, limits_of


@dataclass(frozen=True)
class Counts:
    """How many selected rows a column has, and in how many it is valid, missing or infinite."""

    rows: int
    valid: int
    missing: int
    infinite: int

    @property
    def missing_fraction(self) -> float:
        """Fraction of the rows without a usable value, NaN for no rows."""
        return (self.missing + self.infinite) / self.rows if self.rows else float("nan")


@dataclass(frozen=True)
class CountValues(Reduction[Integers, Counts]):
    """Count the valid, missing and infinite values of a column."""

    column: str
    where: Condition | None = None

    def start(self) -> Integers:
        return np.zeros(3, dtype=np.int64)

    def update(self, state: Integers, chunk: Chunk) -> Integers:
        return state + np.array(chunk.gaps(self.column, self.where), dtype=np.int64)

    def merge(self, first: Integers, second: Integers) -> Integers:
        return first + second

    def finish(self, state: Integers) -> Counts:
        rows, missing, infinite = (int(n) for n in state)
        return Counts(rows, rows - missing - infinite, missing, infinite)


@dataclass(frozen=True)
class CountRows(Reduction[int, int]):
    """Count the rows that a selection takes; all rows without one."""

    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset()

    def start(self) -> int:
        return 0

    def update(self, state: int, chunk: Chunk) -> int:
        return state + (chunk.rows if self.where is None else int(chunk.mask(self.where).sum()))

    def merge(self, first: int, second: int) -> int:
        return first + second


@dataclass(frozen=True)
class CountInside(Reduction[int, int]):
    """Count the rows whose two values lie within a polygon, by the even-odd rule.

    polygon: its corners, (x, y) each.
    """

    x: str
    y: str
    polygon: tuple[tuple[float, float], ...]
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.x, self.y])

    def start(self) -> int:
        return 0

    def update(self, state: int, chunk: Chunk) -> int:
        x, y = chunk.together((self.x, self.y), self.where)
        inside = np.zeros(len(x), dtype=bool)
        corners = zip(self.polygon, (*self.polygon[1:], self.polygon[0]), strict=True)
        for (x0, y0), (x1, y1) in corners:
            if y0 != y1:  # one that is level crosses no level line
                crossed = (y0 > y) != (y1 > y)
                inside ^= crossed & (x < (x1 - x0) * ((y - y0) / (y1 - y0)) + x0)
        return state + int(inside.sum())

    def merge(self, first: int, second: int) -> int:
        return first + second


@dataclass(frozen=True)
class CountBelow(Reduction[Integers, Integers]):
    """Count the valid values strictly below each of some cuts; int64, (cuts,)."""

    column: str
    cuts: tuple[float, ...]
    where: Condition | None = None

    def start(self) -> Integers:
        return np.zeros(len(self.cuts), dtype=np.int64)

    def update(self, state: Integers, chunk: Chunk) -> Integers:
        values = chunk.valid(self.column, self.where)
        return state + np.array([(values < cut).sum() for cut in self.cuts], dtype=np.int64)

    def merge(self, first: Integers, second: Integers) -> Integers:
        return first + second


def hull(first: Limits, second: Limits) -> Limits:
    """Return the limits that hold both."""
    if first is None or second is None:
        return first or second
    return min(first[0], second[0]), max(first[1], second[1])


@dataclass(frozen=True)
class Range(Reduction[Limits, Limits]):
    """Smallest and largest valid value; None when there is none.

    Both are integers where some of the column are beyond 2**53, which float64 would round.
    positive: look at values above 0 only, as a logarithmic axis does.
    """

    column: str
    where: Condition | None = None
    positive: bool = False

    def start(self) -> Limits:
        return None

    def update(self, state: Limits, chunk: Chunk) -> Limits:
        if not self.positive:
            return hull(state, chunk.limits(self.column, self.where))
        values = chunk.valid(self.column, self.where)
        return hull(state, limits_of(values[values > 0]))

    def merge(self, first: Limits, second: Limits) -> Limits:
        return hull(first, second)

    def finish(self, state: Limits) -> Limits:
        if state is None or not any(isinstance(end, int) for end in state):
            return state
        return int(state[0]), int(state[1])


@dataclass(frozen=True)
class IsWhole(Reduction[bool, bool]):
    """Whether every valid value of a column is a whole number, or there is none."""

    column: str
    where: Condition | None = None

    def start(self) -> bool:
        return True

    def update(self, state: bool, chunk: Chunk) -> bool:
        values = chunk.valid(self.column, self.where)
        first = values[:64]  # most columns are known by these
        return state and all(np.array_equal(each, np.rint(each)) for each in (first, values))

    def merge(self, first: bool, second: bool) -> bool:
        return first and second

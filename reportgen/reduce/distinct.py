"""Distinct values of a column, of text or numbers, and how many rows hold each."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Reduction
from reportgen.reduce.sketch import counted

MOST_DISTINCT = 1000
"""Values that are told apart; of more it is only known that there are more."""


@dataclass
class DistinctState:
    """Rows by value, None when there are too many values, and the rows without a value."""

    rows: Counter[Any] | None
    valid: int = 0
    missing: int = 0


@dataclass(frozen=True)
class DistinctValues:
    """The distinct values of a column.

    number: of them; None for more than MOST_DISTINCT. commonest: values and how many rows hold
    each, the most first, equally common ones in their own order; empty where number is None.
    """

    number: int | None
    commonest: tuple[tuple[Any, int], ...]
    valid: int
    missing: int


@dataclass(frozen=True)
class Distinct(Reduction[DistinctState, DistinctValues]):
    """Tell the values of a column apart; integers with all their digits.

    commonest: how many values are wanted.
    """

    column: str
    where: Condition | None = None
    commonest: int = 5

    def start(self) -> DistinctState:
        return DistinctState(Counter())

    def update(self, state: DistinctState, chunk: Chunk) -> DistinctState:
        found = chunk.stored(self.column, self.where)
        values = found if found.ndim == 1 else found[0]
        # An infinite number counts as missing everywhere.
        valid = np.isfinite(values) if values.dtype.kind == "f" else ~np.isnan(values)
        state.valid += (n := int(np.count_nonzero(valid)))
        state.missing += len(values) - n
        if state.rows is not None:
            if values is found and values.dtype.kind == "f":
                # Others need it, too: of many equal values it is quicker than numpy's unique.
                unique, counts = counted(chunk.ordered(self.column, self.where))
            else:
                axis = None if found.ndim == 1 else 1
                unique, counts = np.unique(found[..., valid], axis=axis, return_counts=True)
            state.rows = _few(state.rows, dict(zip(_as_keys(unique), counts.tolist(), strict=True)))
        return state

    def merge(self, first: DistinctState, second: DistinctState) -> DistinctState:
        both = None
        if first.rows is not None and second.rows is not None:
            both = _few(first.rows, second.rows)
        return DistinctState(both, first.valid + second.valid, first.missing + second.missing)

    def finish(self, state: DistinctState) -> DistinctValues:
        if state.rows is None:
            return DistinctValues(None, (), state.valid, state.missing)
        ordered = sorted(state.rows.items(), key=lambda each: (-each[1], each[0]))
        commonest = tuple(ordered[: self.commonest])
        return DistinctValues(len(state.rows), commonest, state.valid, state.missing)


def _few(rows: Counter[Any], more: dict[Any, int]) -> Counter[Any] | None:
    """Return rows by value with those of others added; None for too many values."""
    if len(more) > MOST_DISTINCT:
        return None
    rows.update(more)
    return rows if len(rows) <= MOST_DISTINCT else None


def _as_keys(unique: np.ndarray[Any, Any]) -> list[Any]:
    """Return values as they are told apart: texts, numbers, integers of two parts."""
    if unique.ndim == 2:
        return [int(high) + int(rest) for high, rest in unique.T.tolist()]
    # + 0.0 turns -0.0 into 0.0.
    keys: list[Any] = (unique if unique.dtype.kind == "T" else unique + 0.0).tolist()
    return keys


@dataclass(frozen=True)
class CountNotComputable(Reduction[int, int]):
    """Count the rows in which a column is missing though all that it is computed of is there."""

    column: str
    computed_from: tuple[str, ...]
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.column, *self.computed_from])

    def start(self) -> int:
        return 0

    def update(self, state: int, chunk: Chunk) -> int:
        lost = np.isnan(chunk.stored(self.column, self.where))
        for name in self.computed_from:
            values = chunk.stored(name, self.where)
            numbers = values if values.ndim == 1 else values[0]
            # An infinite value counts as missing everywhere.
            lost &= ~np.isnan(numbers) if numbers.dtype.kind == "T" else np.isfinite(numbers)
        return state + int(np.count_nonzero(lost))

    def merge(self, first: int, second: int) -> int:
        return first + second

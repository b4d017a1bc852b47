"""What sections ask for of the rows of a catalogue: reductions, and what is derived from them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from reportgen.config.expressions import Condition, columns_in
from reportgen.reduce.chunk import Chunk, Integers, Values

__all__ = [
    "Chunk",
    "Derived",
    "Integers",
    "OfCatalogue",
    "Reduction",
    "Statistic",
    "Value",
    "Values",
]

State = TypeVar("State")
Value = TypeVar("Value")


class Statistic(ABC, Generic[Value]):
    """Anything that a scan computes over the rows of a catalogue: a Reduction, or Derived of some.

    It is a frozen dataclass: two sections that ask for the same one share it. Its fields ``column``
    and ``where``, if it has them, are the column that it reads and its selection of rows: of
    others all values may be missing, for they need not be read. In place of a column it may have an
    expression, such as ``flux / noise``, whose units nobody looks at.
    """

    @property
    def reads(self) -> frozenset[str]:
        """Columns it reads, those of its selection aside."""
        column: str = self.column  # type: ignore[attr-defined]
        return frozenset([column])

    @property
    def columns(self) -> frozenset[str]:
        """All columns it reads."""
        where: Condition | None = getattr(self, "where", None)
        computed = [columns_in(column) for column in self.reads]
        return frozenset().union(*computed, where.columns if where is not None else ())


class Reduction(Statistic[Value], Generic[State, Value]):
    """A statistic whose state is updated chunk by chunk, and whose states can be merged.

    A state belongs to one scan, can be pickled, and may be changed in place by update and merge;
    a chunk may not be changed. Rows always come in the same chunks, and states are merged in the
    same order, so that the value has the same bytes however the work is shared out.
    """

    def needs(self) -> Mapping[str, Statistic[Any]]:
        """Return what must be known before the rows are read, such as a range, by name."""
        return {}

    @abstractmethod
    def start(self, *_: Any, **needed: Any) -> State:
        """Return the state of no rows. needed: values of what it needs, by the names it gave."""

    @abstractmethod
    def update(self, state: State, chunk: Chunk) -> State:
        """Return the state with the rows of a chunk added."""

    @abstractmethod
    def merge(self, first: State, second: State) -> State:
        """Return the state of the rows of the first and, after them, the second."""

    def finish(self, state: State) -> Value:
        """Return the value of all rows: the state itself, if it is nothing else."""
        return state  # type: ignore[return-value]


class Derived(Statistic[Value]):
    """A statistic that needs nothing but the values of reductions, which others may share."""

    @abstractmethod
    def parts(self, exact: bool) -> tuple["Reduction[Any, Any] | OfCatalogue[Any]", ...]:
        """Return the reductions it is derived from, some perhaps of another catalogue.

        exact: whether the source is so small that they may keep all of its rows.
        """

    @abstractmethod
    def derive(self, *values: Any) -> Value:
        """Return the value from those of its parts."""


@dataclass(frozen=True)
class OfCatalogue(Statistic[Value]):
    """A statistic of another catalogue than the one that is scanned, which is scanned before."""

    catalogue: str
    statistic: Statistic[Value]

    @property
    def reads(self) -> frozenset[str]:
        return frozenset()

"""What a reduction is, and what it knows of its source."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from reportgen.config.expressions import Condition
from reportgen.reduce.chunk import Chunk, Values

__all__ = ["AnyReduction", "Chunk", "Reduction", "Source", "State", "Value", "Values"]

State = TypeVar("State")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Source:
    """What is known of a source before it is read.

    rows: number of rows. memory: bytes that all reductions of a scan may keep together. A scan
    decides for each reduction what it may keep: exact: whether the rows; keys: how many different
    values a sketch may tell apart. Where they are None a reduction has the memory for itself.
    """

    rows: int
    memory: int = 256 * 1024**2
    exact: bool | None = None
    keys: int | None = None

    def keeps(self, columns: int) -> bool:
        """Whether all rows of so many columns may be kept."""
        if self.exact is not None:
            return self.exact
        return self.rows * columns * 8 <= self.memory


class Reduction(ABC, Generic[State, Value]):
    """A statistic that is computed in one pass and whose parts can be merged.

    A reduction is a frozen dataclass: two sections that ask for the same one share it. A field
    called ``where`` is its selection of rows. A state belongs to one scan, and update may change
    it in place; a chunk may not be changed.

    One that is exact only with all rows in memory says so by ``working``. It is given them as one
    chunk while they fit the budget that all share, and chunk by chunk, to approximate, beyond it.
    """

    working: ClassVar[int] = 0
    """Memory beside the rows that it takes to be exact, in columns as long as the source, such as
    for a sorted copy; 0 for one that is exact without all rows."""

    @property
    def holds(self) -> bool:
        """Whether it is exact only with all rows in memory."""
        return self.working > 0

    @property
    @abstractmethod
    def reads(self) -> frozenset[str]:
        """Columns it reads, those of its selection aside."""

    @property
    def columns(self) -> frozenset[str]:
        """All columns it reads."""
        where: Condition | None = getattr(self, "where", None)
        return self.reads | (where.columns if where is not None else frozenset())

    def needs(self, source: Source) -> Mapping[str, "Reduction[Any, Any]"]:
        """Give what must be known before the pass, such as a range; comes from the profile pass."""
        return {}

    @property
    def sketches(self) -> int:
        """How many sketches, or tables of about that size, it has when it may not hold rows."""
        return 0

    def parts(self, source: Source) -> tuple["Reduction[Any, Any]", ...]:
        """Give the reductions whose values are all it needs; they are shared among reductions.

        With any, derive() gives its value, and its own state is the tuple of theirs.
        """
        return ()

    def derive(self, *values: Any) -> Value:
        """Give the value from those of its parts."""
        raise NotImplementedError

    @abstractmethod
    def start(self, source: Source, /, **profile: Any) -> State:
        """Give the state of no rows; profile: values of what it needs, by the names it gave."""

    @abstractmethod
    def update(self, state: State, chunk: Chunk) -> State:
        """Give the state with the rows of a chunk added."""

    @abstractmethod
    def merge(self, first: State, second: State) -> State:
        """Join the states of two disjoint sets of rows; associative."""

    @abstractmethod
    def finish(self, state: State) -> Value:
        """Give the value of all rows."""


AnyReduction = Reduction[Any, Any]

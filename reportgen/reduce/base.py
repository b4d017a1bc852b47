"""What a reduction is, and the chunk of rows it is given."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition

Values = NDArray[np.float64]
State = TypeVar("State")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Source:
    """What is known of a source before it is read.

    rows: number of rows. memory: bytes that a reduction may keep to stay exact.
    """

    rows: int
    memory: int = 256 * 1024**2

    def keeps(self, columns: int) -> bool:
        """Whether all rows of so many columns fit the memory budget."""
        return self.rows * columns * 8 <= self.memory


@dataclass
class Chunk:
    """Some rows of a catalogue: columns by name, NaN where missing.

    What several reductions ask for (the selected rows, the valid values) is worked out once.
    """

    columns: Mapping[str, Values]
    rows: int
    _masks: dict[Condition, NDArray[np.bool_]] = field(default_factory=dict, repr=False)
    _selected: dict[tuple[str, Condition | None], Values] = field(default_factory=dict, repr=False)
    _valid: dict[tuple[str, Condition | None], Values] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        # A reduction that changed its rows in place would change those of every other.
        self.columns = {name: _fixed(values.view()) for name, values in self.columns.items()}

    def mask(self, where: Condition) -> NDArray[np.bool_]:
        """Give which rows a selection takes, (rows,)."""
        if where not in self._masks:
            self._masks[where] = np.broadcast_to(where.selected(self.columns), (self.rows,))
        return self._masks[where]

    def selected(self, column: str, where: Condition | None) -> Values:
        """Give a column's values in the selected rows, missing ones as NaN."""
        if where is None:
            return self.columns[column]
        key = (column, where)
        if key not in self._selected:
            self._selected[key] = _fixed(self.columns[column][self.mask(where)])
        return self._selected[key]

    def valid(self, column: str, where: Condition | None) -> Values:
        """Give a column's finite values in the selected rows."""
        key = (column, where)
        if key not in self._valid:
            values = self.selected(column, where)
            self._valid[key] = _fixed(values[np.isfinite(values)])
        return self._valid[key]

    def table(self, columns: tuple[str, ...], where: Condition | None) -> Values:
        """Give the selected rows of some columns, (rows, columns); not finite becomes NaN."""
        block = np.stack([self.selected(column, where) for column in columns], axis=1)
        return np.where(np.isfinite(block), block, np.nan)

    def complete(self, columns: tuple[str, ...], where: Condition | None) -> Values:
        """Give the selected rows in which every one of some columns is valid."""
        block = self.table(columns, where)
        return block[~np.isnan(block).any(axis=1)]


def _fixed(values: Values) -> Values:
    values.flags.writeable = False
    return values


class Reduction(ABC, Generic[State, Value]):
    """A statistic that is computed in one pass and whose parts can be merged.

    A reduction is a frozen dataclass: two sections that ask for the same one share it. A field
    called ``where`` is its selection of rows. A state belongs to one scan, and update may change
    it in place; a chunk may not be changed.
    """

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

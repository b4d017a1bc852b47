"""Some rows of a catalogue, and what several reductions ask of them, worked out once."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition
from reportgen.reduce.binning import Binning

Values = NDArray[np.float64]
Integers = NDArray[np.int64]
Truth = NDArray[np.bool_]
Places = NDArray[np.intp]
Made = TypeVar("Made")


@dataclass
class Chunk:
    """Some rows of a catalogue: columns by name, NaN where missing.

    What several reductions ask for (the selected rows, the valid values) is worked out once. What
    is given may not be changed; where nothing is left out, it is the column itself.
    """

    columns: Mapping[str, Values]
    rows: int
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        # A reduction that changed its rows in place would change those of every other.
        self.columns = {name: _fixed(values.view()) for name, values in self.columns.items()}

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what several reductions make of the rows, made once; key: what it is."""
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made

    def mask(self, where: Condition) -> Truth:
        """Return which rows a selection takes, (rows,)."""
        return self.once(where, lambda: np.broadcast_to(where.selected(self.columns), (self.rows,)))

    def selected(self, column: str, where: Condition | None) -> Values:
        """Return a column's values in the selected rows, missing ones as NaN."""
        values = self.columns[column]
        if where is None:
            return values
        return self.once(("selected", column, where), lambda: _fixed(values[self.mask(where)]))

    def valid(self, column: str, where: Condition | None) -> Values:
        """Return a column's finite values in the selected rows."""
        taken = self._taken((column,), where)
        values = self.columns[column]
        if taken is None:
            return values
        return self.once(("valid", column, where), lambda: _fixed(values[taken]))

    def gaps(self, column: str, where: Condition | None) -> tuple[int, int, int]:
        """Return how many rows are selected, and in how many a column is NaN and infinite."""
        values = self.selected(column, where)
        infinite = np.count_nonzero(np.isinf(values))
        valid = len(self.valid(column, where))
        return len(values), len(values) - valid - int(infinite), int(infinite)

    def places(self, columns: tuple[str, ...], where: Condition | None) -> Places | None:
        """Return the selected rows in which each of some columns is valid; None for all rows."""
        taken = self._taken(columns, where)
        if taken is None:
            return None
        return self.once(("places", columns, where), lambda: np.flatnonzero(taken))

    def together(self, columns: tuple[str, ...], where: Condition | None) -> list[Values]:
        """Return each of some columns in the selected rows in which all of them are valid."""
        places = self.places(columns, where)
        values = [self.columns[column] for column in columns]
        return values if places is None else [each[places] for each in values]

    def edges_up_to(self, column: str, binning: Binning) -> NDArray[Any]:
        """Return for each row how many edges are ≤ its value; none or all if missing."""
        return self.once(
            ("edges", column, binning.name), lambda: binning.edges_up_to(self.columns[column])
        )

    def _taken(self, columns: tuple[str, ...], where: Condition | None) -> Truth | None:
        """Return the selected rows in which each of some columns is finite; None for all rows."""

        def make() -> Truth | None:
            masks = [mask for column in columns if (mask := self._finite(column)) is not None]
            masks += [] if where is None else [self.mask(where)]
            return np.logical_and.reduce(masks) if len(masks) > 1 else next(iter(masks), None)

        return self.once(("taken", columns, where), make)

    def _finite(self, column: str) -> Truth | None:
        """Return where a column is finite; None for everywhere."""

        def make() -> Truth | None:
            finite = np.isfinite(self.columns[column])
            return None if finite.all() else finite

        return self.once(("finite", column), make)


def _fixed(values: Values) -> Values:
    values.flags.writeable = False
    return values

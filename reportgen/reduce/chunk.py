"""Some rows of a catalogue, and what several reductions ask of them, worked out once."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition
from reportgen.reduce.binning import Binning

Values = NDArray[np.float64]
Truth = NDArray[np.bool_]
Places = NDArray[np.intp]
Selection = tuple[str, Condition | None]
Made = TypeVar("Made")


@dataclass
class Chunk:
    """Some rows of a catalogue: columns by name, NaN where missing.

    What several reductions ask for (the selected rows, the valid values) is worked out once. What
    is given may not be changed; where nothing is left out, it is the column itself.
    """

    columns: Mapping[str, Values]
    rows: int
    _masks: dict[Condition, Truth] = field(default_factory=dict, repr=False)
    _finite: dict[str, Truth | None] = field(default_factory=dict, repr=False)
    _taken: dict[Selection, Truth | None] = field(default_factory=dict, repr=False)
    _selected: dict[Selection, Values] = field(default_factory=dict, repr=False)
    _valid: dict[Selection, Values] = field(default_factory=dict, repr=False)
    _places: dict[tuple[tuple[str, ...], Condition | None], Places | None] = field(
        default_factory=dict, repr=False
    )
    _edges_up_to: dict[tuple[str, bytes], NDArray[Any]] = field(default_factory=dict, repr=False)

    _others: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        # A reduction that changed its rows in place would change those of every other.
        self.columns = {name: _fixed(values.view()) for name, values in self.columns.items()}

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Give what several reductions make of the rows, made once; key: what it is."""
        if key not in self._others:
            self._others[key] = make()
        made: Made = self._others[key]
        return made

    def mask(self, where: Condition) -> Truth:
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
            taken = self._rows_taken(column, where)
            values = self.columns[column]
            self._valid[key] = values if taken is None else _fixed(values[taken])
        return self._valid[key]

    def gaps(self, column: str, where: Condition | None) -> tuple[int, int, int]:
        """Give how many rows are selected, and in how many of them a column is NaN and infinite."""
        rows = self.rows if where is None else int(np.count_nonzero(self.mask(where)))
        finite = self._finite_rows(column)
        if finite is None:
            return rows, 0, 0
        taken = self._rows_taken(column, where)
        valid = self.rows if taken is None else int(np.count_nonzero(taken))
        values = self.columns[column]
        infinite = np.isinf(values) if where is None else np.isinf(values) & self.mask(where)
        n = int(np.count_nonzero(infinite))
        return rows, rows - valid - n, n

    def places(self, columns: tuple[str, ...], where: Condition | None) -> Places | None:
        """Give the selected rows in which every one of some columns is valid; None for all."""
        key = (columns, where)
        if key not in self._places:
            masks = [self._finite_rows(column) for column in columns]
            masks.append(None if where is None else self.mask(where))
            taken: Truth | None = None
            for mask in masks:
                if mask is not None:
                    taken = mask if taken is None else taken & mask
            self._places[key] = None if taken is None or taken.all() else np.flatnonzero(taken)
        return self._places[key]

    def together(self, columns: tuple[str, ...], where: Condition | None) -> list[Values]:
        """Give each of some columns in the selected rows in which all of them are valid."""
        places = self.places(columns, where)
        values = [self.columns[column] for column in columns]
        return values if places is None else [each[places] for each in values]

    def edges_up_to(self, column: str, binning: Binning) -> NDArray[Any]:
        """Give for each row how many edges are ≤ its value; none or all if missing."""
        key = (column, binning.name)
        if key not in self._edges_up_to:
            self._edges_up_to[key] = binning.edges_up_to(self.columns[column])
        return self._edges_up_to[key]

    def complete(self, columns: tuple[str, ...], where: Condition | None) -> Values:
        """Give the selected rows in which every one of some columns is valid."""
        chosen = self.together(columns, where)
        return np.stack(chosen, axis=1)

    def _finite_rows(self, column: str) -> Truth | None:
        """Give where a column is finite; None for everywhere."""
        if column not in self._finite:
            finite = np.isfinite(self.columns[column])
            self._finite[column] = None if finite.all() else finite
        return self._finite[column]

    def _rows_taken(self, column: str, where: Condition | None) -> Truth | None:
        """Give the selected rows in which a column is finite; None for all rows."""
        key = (column, where)
        if key not in self._taken:
            finite = self._finite_rows(column)
            mask = None if where is None else self.mask(where)
            if finite is not None and mask is not None:
                self._taken[key] = finite & mask
            else:
                self._taken[key] = finite if mask is None else mask
        return self._taken[key]


def _fixed(values: Values) -> Values:
    values.flags.writeable = False
    return values

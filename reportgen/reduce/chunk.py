"""Some rows of a catalogue, and what several reductions ask of them, worked out once."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition, parsed_number
from reportgen.reduce.binning import Binning
from reportgen.wording import EXACT

Values = NDArray[np.float64]
Integers = NDArray[np.int64]
Truth = NDArray[np.bool_]
Places = NDArray[np.intp]
Limits = tuple[float, float] | None
Made = TypeVar("Made")


class _Columns(dict[str, Values]):
    """Columns as numbers, by name, and what expressions compute of them, once each."""

    def __init__(self, read: Mapping[str, Values]) -> None:
        super().__init__({name: v if v.ndim == 1 else v[0] for name, v in read.items()})
        self._read = read

    def __missing__(self, name: str) -> Values:
        if name.isidentifier():
            raise KeyError(name)
        self[name] = _fixed(parsed_number(name).values(self._read))
        return self[name]


@dataclass
class Chunk:
    """Some rows of a catalogue: columns by name, NaN where missing.

    read: what was read of each column; columns are made of it. remainders: what rounding to float64
    took from the integers of a column, (rows,), for those that have any beyond 2**53. What several
    reductions ask for (the selected rows, the valid values) is worked out once. What is given may
    not be changed; where nothing is left out, it is the column itself. first: number of the first
    row.
    """

    read: Mapping[str, Values]
    rows: int
    first: int = 0
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        # A reduction that changed its rows in place would change those of every other.
        self.read = {name: _fixed(values.view()) for name, values in self.read.items()}
        self.columns = _Columns(self.read)
        self.remainders = {name: v[1] for name, v in self.read.items() if v.ndim == 2}

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what several reductions make of the rows, made once; key: what it is."""
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made

    def mask(self, where: Condition) -> Truth:
        """Return which rows a selection takes, (rows,)."""
        return self.once(where, lambda: np.broadcast_to(where.selected(self.read), (self.rows,)))

    def selected(self, column: str, where: Condition | None) -> Values:
        """Return a column's values in the selected rows, missing ones as NaN."""
        values = self.columns[column]
        if where is None:
            return values
        return self.once(("selected", column, where), lambda: _fixed(values[self.mask(where)]))

    def stored(self, column: str, where: Condition | None) -> NDArray[Any]:
        """Return what was read of a column in the selected rows: texts, or numbers as in read."""
        values = self.read[column]
        return values if where is None else values[..., self.mask(where)]

    def valid(self, column: str, where: Condition | None) -> Values:
        """Return a column's finite values in the selected rows."""
        taken = self._taken((column,), where)
        values = self.columns[column]
        if taken is None:
            return values
        return self.once(("valid", column, where), lambda: _fixed(values[taken]))

    def ordered(self, column: str, where: Condition | None) -> Values:
        """Return a column's finite values in the selected rows, ascending."""
        return self.once(
            ("ordered", column, where), lambda: _fixed(np.sort(self.valid(column, where)))
        )

    def limits(self, column: str, where: Condition | None) -> Limits:
        """Return the smallest and the largest finite value in the selected rows; None for none.

        They are integers, with all their digits, where float64 cannot hold those of the column.
        """
        values, remainders = self.valid(column, where), self.remainders.get(column)
        if remainders is None or not len(values):
            return limits_of(values)
        taken = self._taken((column,), where)
        rest = remainders if taken is None else remainders[taken]
        # Rounding keeps the order: what is smallest is among what is smallest when rounded.
        low, high = values.min(), values.max()
        if low > -EXACT and high < EXACT:  # whatever the rows beside these have
            return limits_of(values)
        return int(low) + int(rest[values == low].min()), int(high) + int(
            rest[values == high].max()
        )

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


def limits_of(values: Values) -> Limits:
    """Return the smallest and the largest of some finite values; None when there is none."""
    # + 0.0 turns -0.0 into 0.0, lest it depend on the split which of them is the smallest.
    return (float(values.min()) + 0.0, float(values.max()) + 0.0) if len(values) else None


def _fixed(values: Values) -> Values:
    values.flags.writeable = False
    return values

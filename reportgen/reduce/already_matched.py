"""Pairs of a table in which each row has the position of its counterpart."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Derived, Reduction, Values
from reportgen.reduce.match import PairColumns, Pairs, RowsOf, angle, unit_vectors


@dataclass(frozen=True)
class AlreadyMatched(Derived[PairColumns]):
    """Columns of the rows of one table that have a position and a counterpart, and of that.

    position: right ascension and declination of the rows. own, other: columns of both sides.
    needed: columns that a row with a counterpart has. there: the counterpart's position,
    if it is known.
    """

    position: tuple[str, str]
    own: tuple[str, ...]
    other: tuple[str, ...]
    needed: tuple[str, ...]
    there: tuple[str, str] | None = None
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([*self.position, *self.own, *self.other, *self.needed])

    def parts(self, exact: bool) -> tuple[Reduction[Any, Any], ...]:
        return (RowsOf(tuple(sorted(self.reads)), self.position, self.where),)

    def derive(self, rows: dict[str, Values]) -> PairColumns:
        n = len(rows[self.position[0]])
        row = np.flatnonzero(np.all([np.isfinite(rows[name]) for name in self.needed], axis=0))
        rows = {name: values[row] for name, values in rows.items()}
        separation = np.full(len(row), np.nan)
        if self.there is not None:
            ours, theirs = (
                unit_vectors(*(rows[name] for name in position))
                for position in (self.position, self.there)
            )
            separation = angle(np.linalg.norm(ours - theirs, axis=1))
        return PairColumns(
            Pairs(row, row, separation, n, 0, 0, len(row)),
            {name: rows[name] for name in self.own},
            {name: rows[name] for name in self.other},
        )

"""What checks need beside the section: the night, the past, reference runs, files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from reportgen.summary import Summary, TableRecord

Row = int | Mapping[str, str | int | float]
"""Number of a row, counted from 0, or the values that the one row has."""

CellReader = Callable[[TableRecord, Row, str], float]
"""Gives the number in a cell, NaN where it is missing.

Raises LookupError when there is no such row, and ValueError when the cell cannot be read.
"""

Past = Sequence[tuple[date, float | None]]
"""Values of a metric by night, in any order, in the unit it has today."""


def no_cells(table: TableRecord, row: Row, column: str) -> float:
    """Stand in for a reader of cells where there are no files."""
    raise ValueError("there are no files to read it from")


@dataclass(frozen=True)
class Reference:
    """A run to compare with."""

    summary: Summary
    read_cell: CellReader = no_cells


@dataclass(frozen=True)
class Facts:
    """All that the checks of a run need.

    started: UTC. past: by section and metric. modified: for each section when its source files
    were last changed, None where that is not known. references: by name, or why a run cannot be
    read.
    """

    started: datetime
    past: Mapping[tuple[str, str], Past] = field(default_factory=dict)
    modified: Mapping[str, Mapping[str, datetime | None]] = field(default_factory=dict)
    references: Mapping[str, Reference | str] = field(default_factory=dict)
    read_cell: CellReader = no_cells
    no_past: str = ""
    """Why the past is not known; empty when it is."""

    @property
    def night(self) -> date:
        """Date of the run, UTC."""
        return self.started.date()

"""What the history gives: runs, nights, and a metric's values over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from reportgen.summary import Status

Key = tuple[str, str]
"""Section id and name of a metric."""


@dataclass(frozen=True, slots=True)
class NightRun:
    """A run. night: UTC date of its start. partial: made with --only, so it stands for no night."""

    report: str
    run: str
    origin: str
    """Output folder, absolute."""
    night: date
    started: datetime
    """UTC."""
    status: Status
    seconds: float | None
    partial: bool

    @property
    def folder(self) -> Path:
        """Where the run was published."""
        return Path(self.origin) / self.run


class Point(NamedTuple):
    """A metric on one night.

    value: None when it was not computed. unit: as astropy reads it. status: of its section, None
    when the run had no such section. verdict: of the checks on it, None when there were none.
    """

    night: date
    run: str
    value: float | None
    unit: str
    status: Status | None
    verdict: Status | None


class CheckPoint(NamedTuple):
    """How a check ended on one night; status: a waiver aside."""

    night: date
    run: str
    section: str
    name: str
    """Id of the check, unique within its section."""
    status: Status
    waived: bool
    in_force: bool
    message: str


Cell = tuple[float | None, str, Status | None]
"""Value, unit and verdict of a metric."""


class MetricName(NamedTuple):
    """What a metric is called and how it is shown."""

    label: str
    unit: str
    digits: int | None


class KnownMetric(NamedTuple):
    """A metric that a report ever had. nights: on how many. last: the last of them."""

    section: str
    name: str
    nights: int
    last: date

    @property
    def key(self) -> str:
        """The name that people give it, such as ``fluxes.median``."""
        return f"{self.section}.{self.name}"


@dataclass(frozen=True, slots=True)
class MetricTable:
    """All metrics of some nights, oldest first.

    statuses: of each section, and cells: of each metric, one for each night; None where the run
    had no such section or metric. names: of each metric, as on the last night that has it.
    rows: how many each section used, one for each night; None where that is not known.
    """

    nights: tuple[NightRun, ...]
    statuses: Mapping[str, Sequence[Status | None]]
    cells: Mapping[Key, Sequence[Cell | None]]
    names: Mapping[Key, MetricName] = field(default_factory=dict)
    rows: Mapping[str, Sequence[int | None]] = field(default_factory=dict)

    def points(self, key: Key) -> list[Point]:
        """Give a metric with a point for each night; none when no night has it."""
        if key not in self.cells:
            return []
        columns = zip(self.nights, self.statuses[key[0]], self.cells[key], strict=True)
        return [
            Point(night.night, night.run, value, unit, status, verdict)
            for night, status, (value, unit, verdict) in (
                (night, status, cell or (None, "", None)) for night, status, cell in columns
            )
        ]

    def values(self) -> dict[Key, list[float]]:
        """Give the numbers of each metric, oldest first, without the nights that have none.

        Where a unit has changed only the numbers in the newest one are given.
        """
        return {key: _in_newest_unit(cells) for key, cells in self.cells.items()}


def _in_newest_unit(cells: Sequence[Cell | None]) -> list[float]:
    numbers = [(cell[0], cell[1]) for cell in cells if cell is not None and cell[0] is not None]
    return [value for value, unit in numbers if unit == numbers[-1][1]]

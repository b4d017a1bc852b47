"""What the history holds: runs, nights, and a metric's values over them."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from reportgen.errors import PublishError
from reportgen.quality.checks.verdicts import verdict_sentence
from reportgen.record import FILE, MetricRecord, Status, Summary
from reportgen.wording import printable

Key = tuple[str, str]
"""Section id and name of a metric."""


class HistoryError(PublishError):
    """The history could not be read or written; the report itself stands."""


class MetricValue(NamedTuple):
    """A metric of a run. value: None when the run has no number for it."""

    value: float | None
    label: str
    unit: str = ""
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class NightRun:
    """A run.

    documents: file name of each document, by its form. stamp: of its summary.json, see
    `record_stamp`. Of runs that a version before 4 added, verdict and stamp are empty and
    documents are none.
    """

    report: str
    run: str
    origin: str
    """Output folder, absolute."""
    night: date
    """UTC date of the start."""
    started: datetime
    """UTC."""
    status: Status
    seconds: float | None
    partial: bool
    """Whether it was made with --only, so that it stands for no night."""
    verdict: str = ""
    """The one sentence that matters most."""
    synthetic: bool = False
    """Whether its sources do not hold observations."""
    documents: Mapping[str, str] = field(default_factory=dict)
    stamp: str = ""
    metrics: Mapping[str, MetricValue] = field(default_factory=dict)
    """Those that were asked for and that it has, by ``section.metric``."""

    @property
    def folder(self) -> Path:
        """Where the run was published."""
        return Path(self.origin) / self.run


def night_run(summary: Summary, folder: Path, metrics: Collection[str] = ()) -> NightRun:
    """Return what the history says of a run. folder: of the run, also through a link to it.

    metrics: those to give with it, as ``section.metric``.
    """
    run = summary.run
    return NightRun(
        report=summary.report.id,
        run=run.id,
        origin=origin_text(folder.resolve().parent),
        night=run.start.date(),
        started=run.start,
        status=run.status,
        seconds=finite(run.seconds),
        partial=bool(run.only),
        verdict=verdict_sentence(summary),
        synthetic=bool(run.synthetic),
        documents={form: d.file for form, d in summary.documents.items() if d.file},
        stamp=record_stamp(folder),
        metrics={
            f"{section.id}.{name}": MetricValue(
                metric_value(metric, section.status), metric.label, metric.unit, metric.digits
            )
            for section in summary.sections
            for name, metric in section.metrics.items()
            if f"{section.id}.{name}" in metrics
        },
    )


def metric_value(metric: MetricRecord, section: Status) -> float | None:
    """Return the number of a metric that counts; None in a section of the status error.

    Whatever a section computed before it failed is no number of that night.
    """
    return None if section == "error" else finite(metric.value)


def finite(value: float | None) -> float | None:
    """Return a number that a database can hold."""
    return value if value is not None and math.isfinite(value) else None


def origin_text(folder: Path) -> str:
    """Return an output folder as it is stored: absolute, without links, printable."""
    return printable(str(folder.resolve()))


def record_stamp(folder: Path) -> str:
    """Return a text that changes whenever the summary.json of a run folder is written anew.

    It is empty when there is no such file.
    """
    try:
        stat = (folder / FILE).stat()
    except OSError:
        return ""
    return f"{stat.st_size}-{stat.st_mtime_ns}"


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
    value: float | None
    """What was found; None when there is no number, and before version 5."""


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
    rows, seconds: how many each section used and how long it took, one for each night; None where
    that is not known.
    """

    nights: tuple[NightRun, ...] = ()
    statuses: Mapping[str, Sequence[Status | None]] = field(default_factory=dict)
    cells: Mapping[Key, Sequence[Cell | None]] = field(default_factory=dict)
    names: Mapping[Key, MetricName] = field(default_factory=dict)
    rows: Mapping[str, Sequence[int | None]] = field(default_factory=dict)
    seconds: Mapping[str, Sequence[float | None]] = field(default_factory=dict)

    def points(self, key: Key) -> list[Point]:
        """Return a metric with a point for each night; none when no night has it."""
        if key not in self.cells:
            return []
        columns = zip(self.nights, self.statuses[key[0]], self.cells[key], strict=True)
        return [
            Point(night.night, night.run, value, unit, status, verdict)
            for night, status, (value, unit, verdict) in (
                (night, status, cell or (None, "", None)) for night, status, cell in columns
            )
        ]

    def values(self, key: Key, unit: str) -> list[tuple[date, float | None]]:
        """Return a metric by night, oldest first, None where it has no number in this unit."""
        return [
            (point.night, point.value if point.unit == unit else None) for point in self.points(key)
        ]

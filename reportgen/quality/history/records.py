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
    """A metric of a run.

    value: None when the run has no number for it. unit: as astropy reads it. verdict: of the checks
    on it, None when there were none.
    """

    value: float | None
    label: str
    unit: str = ""
    digits: int | None = None
    verdict: Status | None = None


@dataclass(frozen=True)
class RunEntry:
    """A run as the history has it and lists of runs show it.

    id: name of its folder. started: UTC. number: its place among the runs of one second, 1 for the
    first. status: None when its record cannot be read; the verdict then says why. partial: whether
    it was made with --only, so that it stands for no night. is_here: whether its folder is still
    there. documents: form to file name. metrics: those asked for that it has, by
    ``section.metric``. origin: output folder, absolute. stamp: of its summary.json, see
    `record_stamp`; empty of runs that a version before 4 added.
    """

    id: str
    started: datetime
    number: int
    status: Status | None
    verdict: str
    seconds: float | None = None
    partial: bool = False
    synthetic: bool = False
    is_here: bool = True
    documents: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, MetricValue] = field(default_factory=dict)
    report: str = ""
    origin: str = ""
    stamp: str = ""

    @property
    def night(self) -> date:
        """UTC date of the start."""
        return self.started.date()

    @property
    def folder(self) -> Path:
        """Where the run was published."""
        return Path(self.origin) / self.id


def run_number(name: str) -> int:
    """Return the place of a run among those of one second, by the name of its folder."""
    number = name.partition("-")[2]
    return int(number) if number.isdecimal() else 1


def run_entry(summary: Summary, folder: Path, metrics: Collection[str] = ()) -> RunEntry:
    """Return a run by its record. folder: of the run, also through a link to it.

    metrics: those to give with it, as ``section.metric``.
    """
    run = summary.run
    return RunEntry(
        run.id,
        run.start,
        run_number(run.id),
        run.status,
        verdict_sentence(summary),
        seconds=finite(run.seconds),
        partial=bool(run.only),
        synthetic=bool(run.synthetic),
        documents={form: d.file for form, d in summary.documents.items() if d.file},
        metrics={
            f"{section.id}.{name}": MetricValue(
                metric_value(metric, section.status),
                *(metric.label, metric.unit, metric.digits, metric.verdict),
            )
            for section in summary.sections
            for name, metric in section.metrics.items()
            if f"{section.id}.{name}" in metrics
        },
        report=summary.report.id,
        origin=origin_text(folder.resolve().parent),
        stamp=record_stamp(folder),
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


class SectionNight(NamedTuple):
    """A section on one night. rows, seconds: None where that is not known."""

    status: Status
    rows: int | None
    seconds: float | None


class CheckPoint(NamedTuple):
    """How a check ended on one night. name: its id, unique within its section.

    status: a waiver aside. value: what was found; None when there is no number.
    """

    night: date
    section: str
    name: str
    status: Status
    in_force: bool
    value: float | None


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

    sections: each section, and cells: each metric, on each night; None where the run had no such
    section or metric.
    """

    nights: tuple[RunEntry, ...] = ()
    sections: Mapping[str, Sequence[SectionNight | None]] = field(default_factory=dict)
    cells: Mapping[Key, Sequence[MetricValue | None]] = field(default_factory=dict)

    def newest(self, key: Key) -> MetricValue:
        """Return a metric on the last night that has it; nothing but its name when none has."""
        found = next((cell for cell in reversed(self.cells.get(key, ())) if cell is not None), None)
        return found or MetricValue(None, key[1])

    def values(self, key: Key, unit: str) -> list[tuple[date, float | None]]:
        """Return a metric by night, oldest first, None where it has no number in this unit.

        It is empty where no night has it.
        """
        cells = self.cells.get(key, ())
        return [
            (night.night, cell.value if cell is not None and cell.unit == unit else None)
            for night, cell in zip(self.nights, cells, strict=False)
        ]

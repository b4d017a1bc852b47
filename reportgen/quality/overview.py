"""What a history has of its reports, and of one metric."""

from collections.abc import Sequence
from datetime import date

from reportgen.config.suggest import unknown
from reportgen.errors import ConfigError
from reportgen.quality.history import FILE
from reportgen.quality.history.records import KnownMetric, MetricTable
from reportgen.quality.history.store import History
from reportgen.record import Record, Status
from reportgen.wording import listed


class PointRecord(Record):
    """A metric on one night."""

    night: date
    run: str
    folder: str
    """Run folder, absolute; on the machine that made it."""
    value: float | None
    unit: str
    """As astropy reads it."""
    status: Status | None
    """Of the section; null when the run had no such section."""
    verdict: Status | None
    """Of the checks on it; null when there were none."""


class SeriesRecord(Record):
    """A metric over the nights, oldest first."""

    history: str
    report: str
    section: str
    metric: str
    label: str
    unit: str
    digits: int | None
    known_nights: int
    """How many nights have the metric, shown or not."""
    nights: tuple[PointRecord, ...]

    @property
    def key(self) -> str:
        """The name that people give it."""
        return f"{self.section}.{self.metric}"


class NightRecord(Record):
    """The run that stands for a night."""

    night: date
    run: str
    status: Status
    seconds: float | None


class LastRecord(Record):
    """A metric on the last night that has it."""

    key: str
    """Section and name: ``fluxes.median``."""
    label: str
    nights: int
    """On how many it was there."""
    last: date
    value: float | None
    unit: str
    digits: int | None
    verdict: Status | None


class HistoryReport(Record):
    """What a history has of one report."""

    report: str
    first: date | None
    last: date | None
    known_nights: int
    runs: int
    """All of them: also partial ones, and those that a later run of the night replaced."""
    nights: tuple[NightRecord, ...]
    metrics: tuple[LastRecord, ...]


class Overview(Record):
    """What a history has."""

    history: str
    reports: tuple[HistoryReport, ...]


def read_series(
    history: History, metric: str, report: str | None, most: int | None
) -> SeriesRecord:
    """Return a metric on the last nights.

    metric: ``section.metric``, or its name alone where that leaves no doubt.
    Raises ConfigError when report or metric are not known, or could be several.
    """
    report = choose_report(history, report)
    known = _choose_metric(history.metrics(report), metric, report)
    key = (known.section, known.name)
    table = history.table(report, most=most, only=key)
    newest = table.newest(key)
    nothing = [None] * len(table.nights)  # of one that is older than the nights
    sections, cells = table.sections.get(known.section, nothing), table.cells.get(key, nothing)
    return SeriesRecord(
        history=history.place,
        report=report,
        section=known.section,
        metric=known.name,
        label=newest.label,
        unit=newest.unit,
        digits=newest.digits,
        known_nights=known.nights,
        nights=tuple(
            PointRecord(
                night=run.night,
                run=run.id,
                folder=str(run.folder),
                value=cell.value if cell else None,
                unit=cell.unit if cell else "",
                status=section.status if section else None,
                verdict=cell.verdict if cell else None,
            )
            for run, section, cell in zip(table.nights, sections, cells, strict=True)
        ),
    )


def read_overview(history: History, report: str | None, most: int) -> Overview:
    """Return what a history has of one report, or of each. most: nights to list."""
    known = history.reports()
    chosen = known if report is None and known else [choose_report(history, report)]
    return Overview(
        history=history.place, reports=tuple(_of_report(history, each, most) for each in chosen)
    )


def choose_report(history: History, report: str | None) -> str:
    """Return the report that is meant, the only one if none was named.

    Raises ConfigError when it is not known, or could be several.
    """
    known = history.reports()
    if not known:
        raise ConfigError(
            f"history {history.place} has no runs",
            f"give another --database or --output; a build writes {FILE} in its output folder, and "
            "`reportgen history import RUN` adds runs",
        )
    if report is None and len(known) > 1:
        raise ConfigError(
            f"history {history.place} has several reports: {listed(known, most=20)}",
            "say which with --report ID",
        )
    if report is not None and report not in known:
        raise ConfigError(f"history {history.place}: {unknown('report', report, known)}")
    return report or known[0]


def _choose_metric(known: Sequence[KnownMetric], wanted: str, report: str) -> KnownMetric:
    found = [metric for metric in known if wanted in {metric.key, metric.name}]
    exact = [metric for metric in found if metric.key == wanted] or found
    if len(exact) > 1:
        keys = [metric.key for metric in exact]
        raise ConfigError(
            f"several sections of {report} have a metric {wanted}: {listed(keys, most=20)}",
            f"say which, such as {keys[0]}",
        )
    if not exact:
        names = {metric.key if "." in wanted else metric.name for metric in known}
        raise ConfigError(
            f"report {report}: {unknown('metric', wanted, names)}",
            "`reportgen history` lists all, with their values",
        )
    return exact[0]


def _of_report(history: History, report: str, most: int) -> HistoryReport:
    nights = history.nights(report)
    table = history.table(report, most=most)
    return HistoryReport(
        report=report,
        first=nights[0].night if nights else None,
        last=nights[-1].night if nights else None,
        known_nights=len(nights),
        runs=len(history.runs(report)),
        nights=tuple(
            NightRecord(night=each.night, run=each.id, status=each.status, seconds=each.seconds)
            for each in nights[-most:]
        ),
        metrics=tuple(_last(metric, table) for metric in history.metrics(report)),
    )


def _last(metric: KnownMetric, table: MetricTable) -> LastRecord:
    """Return a metric on the last night that has it; nothing but its name when that is long ago."""
    found = table.newest((metric.section, metric.name))
    return LastRecord(
        key=metric.key,
        label=found.label,
        nights=metric.nights,
        last=metric.last,
        value=found.value,
        unit=found.unit,
        digits=found.digits,
        verdict=found.verdict,
    )

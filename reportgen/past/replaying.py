"""Today's checks of a configuration over the nights that a history knows."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from reportgen.checks.backtest import Fired, PastNight, Replay, backtest
from reportgen.checks.budgets import budget_labels
from reportgen.checks.gathering import read_references
from reportgen.config.budgets import SectionBudgets
from reportgen.config.loading import Report
from reportgen.config.schema import NetworkSection, SectionBlock
from reportgen.history import CheckPoint, MetricTable, open_history
from reportgen.summary import MetricRecord, Record, SectionRecord, Status


class FiredRecord(Record):
    """A night on which a check would not have held."""

    night: date
    status: Status
    """Its severity, or error when it could not have been made."""
    waived: bool
    message: str
    recorded: Status | None
    """How the check of this id ended on that night; null when it was not there or not in force."""


class ReplayRecord(Record):
    """One check over the past."""

    section: str
    """Its id; empty for the whole report."""
    title: str
    """Of the section."""
    check: str
    """Its id, unique within the section."""
    label: str
    """What it asks for."""
    kind: str
    severity: Status
    nights: int
    """On how many nights it was in force and could be replayed."""
    fired: tuple[FiredRecord, ...]
    not_computed: tuple[date, ...]
    """Nights on which the section could not be computed."""
    not_known: tuple[date, ...]
    """Nights of which the history does not have what is checked."""
    impossible: str
    """Why it cannot be replayed at all; empty when it can."""


class Backtest(Record):
    """What `reportgen backtest` finds."""

    history: str
    report: str
    nights: int
    """How many were replayed."""
    first: date | None
    last: date | None
    checks: tuple[ReplayRecord, ...]


class Backtests(Record):
    """Those of all reports of a configuration: one, or one for each combination of a matrix."""

    reports: tuple[Backtest, ...]


def replay_checks(
    report: Report, place: str | Path, *, most: int | None = None, dated: bool = True
) -> Backtest:
    """Replay the checks of a configuration over the nights of a history.

    most: how many nights, the last ones; earlier ones are the past that drift looks at.
    dated: keep to the dates from which and until which checks are in force.
    """
    identity = report.report.id
    with open_history(place) as history:
        table = history.table(identity)
        recorded = _by_check(history.checks(identity, most=most))
        shown = history.place
    references = read_references(report)
    found = [
        _replay_record(replay, section, recorded)
        for name, section in report.sections.items()
        if section.checks
        for replay in backtest(
            _section_record(name, section, table),
            section.checks,
            _nights(name, table),
            references,
            dated=dated,
            last=most,
        )
    ]
    found += _of_budgets(report)
    nights = [night.night for night in table.nights][-(most or len(table.nights)) :]
    return Backtest(
        history=shown,
        report=identity,
        nights=len(nights),
        first=nights[0] if nights else None,
        last=nights[-1] if nights else None,
        checks=tuple(found),
    )


def _of_budgets(report: Report) -> Iterator[ReplayRecord]:
    for name, section in report.sections.items():
        if section.budgets is not None:
            yield from _budget_records(name, section.title, section.budgets)
    if report.budgets is not None:
        yield from _budget_records("", "Budgets", report.budgets)


def _budget_records(section: str, title: str, block: SectionBudgets) -> Iterator[ReplayRecord]:
    for name, label in budget_labels(block).items():
        yield ReplayRecord(
            section=section,
            title=title,
            check=f"budget-{name}",
            label=label,
            kind=name,
            severity=block.severity,
            nights=0,
            fired=(),
            not_computed=(),
            not_known=(),
            impossible="Budgets are not replayed: the history does not say what a night took.",
        )


def _section_record(name: str, section: SectionBlock, table: MetricTable) -> SectionRecord:
    """Give the record of a section as its newest night would have it, as far as is known."""
    rows = [used for used in table.rows.get(name, ()) if used is not None]
    return SectionRecord(
        id=name,
        analysis=section.analysis,
        title=section.title,
        status="ok",
        rows=rows[-1] if rows else None,
        entries="images" if isinstance(section, NetworkSection) else "rows",
        metrics={
            metric: MetricRecord(label=label, value=None, unit=unit, digits=digits)
            for (owner, metric), (label, unit, digits) in table.names.items()
            if owner == name
        },
    )


def _nights(section: str, table: MetricTable) -> Iterable[PastNight]:
    """Give a section on every night; values in another unit than the newest are none."""
    statuses = table.statuses.get(section, [None] * len(table.nights))
    rows = table.rows.get(section, [None] * len(table.nights))
    cells = {key[1]: column for key, column in table.cells.items() if key[0] == section}
    units = {key[1]: name.unit for key, name in table.names.items() if key[0] == section}
    for place, night in enumerate(table.nights):
        there = {name: column[place] for name, column in cells.items()}
        yield PastNight(
            night=night.night,
            metrics={
                name: cell[0] if cell[1] == units[name] else None
                for name, cell in there.items()
                if cell is not None
            },
            rows=rows[place],
            computed=statuses[place] != "error",
        )


_Recorded = Mapping[tuple[str, str, date], CheckPoint]


def _by_check(points: Iterable[CheckPoint]) -> _Recorded:
    return {(point.section, point.name, point.night): point for point in points if point.in_force}


def _replay_record(replay: Replay, section: SectionBlock, recorded: _Recorded) -> ReplayRecord:
    def fired_record(fired: Fired) -> FiredRecord:
        then = recorded.get((replay.section, replay.check, fired.night))
        return FiredRecord(
            night=fired.night,
            status=fired.status,
            waived=fired.waived,
            message=fired.message,
            recorded=None if then is None else then.status,
        )

    return ReplayRecord(
        section=replay.section,
        title=section.title,
        check=replay.check,
        label=replay.label,
        kind=replay.kind,
        severity=replay.severity,
        nights=replay.nights,
        fired=tuple(fired_record(each) for each in replay.fired),
        not_computed=replay.not_computed,
        not_known=replay.not_known,
        impossible=replay.impossible,
    )

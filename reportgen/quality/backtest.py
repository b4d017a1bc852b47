"""Replays the checks of today over earlier nights: on which would each have fired?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from reportgen.config.budgets import SectionBudgets
from reportgen.config.checks import CheckBlock
from reportgen.config.loader import Report
from reportgen.config.schema import NetworkSection, SectionBlock
from reportgen.quality.checks.budgets import budget_labels
from reportgen.quality.checks.evaluation import evaluate
from reportgen.quality.checks.facts import Facts, NightValues, Reference, read_references
from reportgen.quality.history import CheckPoint, MetricTable, open_history
from reportgen.record import CheckRecord, MetricRecord, Record, SectionRecord, Status

_NOT_KEPT = {
    "fresh": "The history does not say how old the files were.",
    "missing_at_most": "The history does not say how many values were missing.",
}

Checks = tuple[CheckRecord, ...]


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
    """One check over earlier nights."""

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


@dataclass(frozen=True)
class SectionNight:
    """A section on one night, as the history has it. rows: None when it does not say.

    metrics: those it had; None where there was no value, or one in another unit than today's.
    """

    night: date
    metrics: Mapping[str, float | None]
    rows: int | None = None
    computed: bool = True


def replay_checks(
    report: Report, place: str | Path, *, most: int | None = None, dated: bool = True
) -> Backtest:
    """Replay the checks of a configuration over the nights of a history.

    most: how many nights, the last ones; drift looks at earlier ones, too.
    dated: keep to the dates from which and until which checks are in force.
    """
    identity = report.report.id
    with open_history(place) as history:
        table = history.table(identity)
        points = history.checks(identity, most=most)
        shown = history.place
    references = read_references(report)
    found = [
        replay
        for name, section in report.sections.items()
        if section.checks
        for replay in backtest(
            _section_record(name, section, table),
            section.checks,
            _nights(name, table),
            references,
            dated=dated,
            last=most,
            recorded={(p.name, p.night): p for p in points if p.section == name and p.in_force},
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
    """Return the record of a section as its newest night would have it, as far as is known."""
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


def _nights(section: str, table: MetricTable) -> Iterable[SectionNight]:
    """Return a section on every night; values in another unit than the newest are none."""
    statuses = table.statuses.get(section, [None] * len(table.nights))
    rows = table.rows.get(section, [None] * len(table.nights))
    cells = {key[1]: column for key, column in table.cells.items() if key[0] == section}
    units = {key[1]: name.unit for key, name in table.names.items() if key[0] == section}
    for place, night in enumerate(table.nights):
        there = {name: column[place] for name, column in cells.items()}
        yield SectionNight(
            night=night.night,
            metrics={
                name: cell[0] if cell[1] == units[name] else None
                for name, cell in there.items()
                if cell is not None
            },
            rows=rows[place],
            computed=statuses[place] != "error",
        )


def backtest(
    section: SectionRecord,
    blocks: Sequence[CheckBlock],
    nights: Iterable[SectionNight],
    references: Mapping[str, Reference | str],
    *,
    dated: bool = True,
    last: int | None = None,
    recorded: Mapping[tuple[str, date], CheckPoint] = {},
) -> tuple[ReplayRecord, ...]:
    """Replay the checks of a section over earlier nights, in the order of the YAML.

    section: its newest record, which knows what metrics are called and their units; values of the
    nights are in these. dated: keep to the dates from which and until which checks are in force.
    last: how many nights to replay, the last ones; drift looks at earlier ones, too. None for all.
    recorded: how its checks ended then, by id and night.
    """
    ordered = sorted(nights, key=lambda each: each.night)
    names = dict.fromkeys(name for each in ordered for name in each.metrics)
    series: dict[tuple[str, str], NightValues] = {
        (section.id, name): [(each.night, each.metrics.get(name)) for each in ordered]
        for name in names
    }
    section = _with_metrics(section, names)
    undated = [each.model_copy(update={"from_": None, "until": None}) for each in blocks]
    blocks = blocks if dated else undated

    # A drift looks back so far and no farther; all of many years would be sorted every night.
    reach = max((each.drift.nights for each in blocks if each.drift is not None), default=0)

    def checks_on(record: SectionRecord, chosen: Sequence[CheckBlock], place: int) -> Checks:
        night = ordered[place].night if ordered else date(1970, 1, 1)
        near = {key: values[max(0, place - reach) : place] for key, values in series.items()}
        started = datetime.combine(night, time(12), UTC)
        return evaluate(record, chosen, Facts(started, near, references=references)).checks

    newest = checks_on(section, undated, max(0, len(ordered) - 1))
    first = 0 if last is None else max(0, len(ordered) - last)
    replayed = [
        (ordered[place], checks_on(_on(section, ordered[place]), blocks, place))
        for place in range(first, len(ordered))
    ]
    return tuple(
        _replay(section, check, [(each, checks[place]) for each, checks in replayed], recorded)
        for place, check in enumerate(newest)
    )


def _with_metrics(section: SectionRecord, names: Iterable[str]) -> SectionRecord:
    """Return a section, computed or not, with all metrics that it ever had."""
    metrics = {name: MetricRecord(label=name, value=None) for name in names} | dict(section.metrics)
    return section.model_copy(update={"metrics": metrics, "status": "ok", "error": None})


def _on(section: SectionRecord, night: SectionNight) -> SectionRecord:
    """Return a section as it was on a night, as far as the history knows."""
    metrics = {
        name: section.metrics[name].model_copy(update={"value": value})
        for name, value in night.metrics.items()
    }
    changes = {"metrics": metrics, "rows": night.rows, "tables": (), "counted": {}}
    return section.model_copy(update={**changes, "status": "ok" if night.computed else "error"})


def _replay(
    section: SectionRecord,
    newest: CheckRecord,
    replayed: Sequence[tuple[SectionNight, CheckRecord]],
    recorded: Mapping[tuple[str, date], CheckPoint],
) -> ReplayRecord:
    impossible = _impossible(newest, replayed)
    in_force = [] if impossible else [each for each in replayed if each[1].in_force]
    known = [each for each in in_force if _is_known(*each)]
    unknown = [night for night, check in in_force if not _is_known(night, check)]

    def fired(night: date, check: CheckRecord) -> FiredRecord:
        then = recorded.get((check.id, night))
        return FiredRecord(
            night=night,
            status=check.status,
            waived=check.waived,
            message=check.message,
            recorded=None if then is None else then.status,
        )

    return ReplayRecord(
        section=section.id,
        title=section.title,
        check=newest.id,
        label=newest.label,
        kind=newest.kind,
        severity=newest.severity,
        nights=len(known),
        fired=tuple(fired(night.night, check) for night, check in known if check.status != "ok"),
        not_computed=tuple(night.night for night in unknown if not night.computed),
        not_known=tuple(night.night for night in unknown if night.computed),
        impossible=impossible,
    )


def _impossible(newest: CheckRecord, replayed: Sequence[tuple[SectionNight, CheckRecord]]) -> str:
    """Return why a check cannot be replayed at all; empty when it can."""
    if newest.cell is not None:
        return "The history keeps no tables."
    if newest.kind in _NOT_KEPT:
        return _NOT_KEPT[newest.kind]
    if newest.kind == "rows_at_least":
        rows_known = any(night.rows is not None for night, _ in replayed)
        return "" if rows_known else "The history does not say how many rows were used."
    return newest.message if newest.status == "error" else ""


def _is_known(night: SectionNight, check: CheckRecord) -> bool:
    """Return whether the history knows what a check is on."""
    if not night.computed:
        return False
    return (
        night.rows is not None if check.kind == "rows_at_least" else check.metric in night.metrics
    )

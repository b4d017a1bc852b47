"""Replays the checks of today over earlier nights: on which would each have fired?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from reportgen.config.budgets import ReportBudgets, SectionBudgets
from reportgen.config.checks import OF_A_NUMBER, CheckBlock
from reportgen.config.columns import Column
from reportgen.config.loader import Report
from reportgen.config.schema import CatalogueSection, ImagesSection, SectionBlock
from reportgen.quality.checks.budgets import check_budget, check_section_budgets
from reportgen.quality.checks.evaluation import evaluate
from reportgen.quality.checks.facts import Facts, Reference, read_references
from reportgen.quality.history import open_history
from reportgen.quality.history.records import CheckPoint, MetricTable
from reportgen.record import CheckRecord, CountedRecord, MetricRecord, Record, SectionRecord, Status


class FiredRecord(Record):
    """A night on which a check would not have held."""

    night: date
    status: Status
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
    nights: int = 0
    """On how many nights it was in force and could be replayed."""
    fired: tuple[FiredRecord, ...] = ()
    not_computed: tuple[date, ...] = ()
    """Nights on which the section could not be computed."""
    not_judged: tuple[date, ...] = ()
    """Nights with too few before them to judge by."""
    not_known: tuple[date, ...] = ()
    """Nights of which the history does not have what is checked."""
    impossible: str = ""
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
class Night:
    """A section on a night, with the metrics that it had then.

    hours: age of the oldest of its source files. then: how its checks ended, by id.
    """

    date: date
    section: SectionRecord
    hours: float | None = None
    then: Mapping[str, CheckPoint] = field(default_factory=dict)


_Made = Sequence[tuple[Night, CheckRecord]]
"""A check as it is made of each night."""

_OLDEST = "The oldest source file"
_NOT_SAID = {
    "fresh": "how old the files were",
    "missing_at_most": "how many values were missing",
    "rows_at_least": "how many rows were used",
}
"""What a history may say of no night, by the kind of the check that is on it."""


def replay_checks(
    report: Report, place: str | Path, *, most: int | None = None, dated: bool = True
) -> Backtest:
    """Replay the checks and budgets of a configuration over the nights of a history.

    most: how many nights, the last ones; drift looks at earlier ones, too.
    dated: keep to the dates from which and until which checks are in force.
    """
    with open_history(place) as history:
        table = history.table(report.report.id)
        then: dict[tuple[str, date], dict[str, CheckPoint]] = {}
        for point in history.checks(report.report.id):
            then.setdefault((point.section, point.night), {})[point.name] = point
        shown = history.place
    references = read_references(report)
    found: list[ReplayRecord] = []
    for name, block in report.sections.items():
        section = _section_record(name, block, table)
        of_section = _nights(report, section, table, then)
        checks, budgets = block.checks, block.budgets
        found += replay(section, checks, of_section, references, budgets, dated=dated, last=most)
    if report.budgets is not None:
        found += _replay_budgets(report.budgets, table, then, most)
    nights = [night.night for night in table.nights][-(most or len(table.nights)) :]
    return Backtest(
        history=shown,
        report=report.report.id,
        nights=len(nights),
        first=nights[0] if nights else None,
        last=nights[-1] if nights else None,
        checks=tuple(found),
    )


def _replay_budgets(
    block: ReportBudgets,
    table: MetricTable,
    then: Mapping[tuple[str, date], Mapping[str, CheckPoint]],
    last: int | None,
) -> Iterator[ReplayRecord]:
    """Replay the budgets of the whole report over what those of each night were compared with."""
    whole = SectionRecord(id="", analysis="", title="Budgets", status="ok")
    nights = [Night(n.night, whole, then=then.get(("", n.night), {})) for n in table.nights]
    for name in block.limits:
        identifier = f"budget-{name}"
        made = [
            (night, check_budget(block, name, {name: point and point.value}, whole=True))
            for night in nights[-(last or len(nights)) :]
            for point in [night.then.get(identifier)]
        ]
        yield _replayed(check_budget(block, name, {name: None}, whole=True), whole, made)


def _section_record(name: str, section: SectionBlock, table: MetricTable) -> SectionRecord:
    """Return a section with all metrics that it ever had, as far as the history knows them."""
    rows = [each.rows for each in table.sections.get(name, ()) if each and each.rows is not None]
    is_of_images = isinstance(section, ImagesSection) and not isinstance(section, CatalogueSection)
    return SectionRecord(
        id=name,
        analysis=section.analysis,
        title=section.title,
        status="ok",
        rows=rows[-1] if rows else None,
        entries="images" if is_of_images else "rows",
        metrics={
            metric: MetricRecord(
                label=newest.label, value=None, unit=newest.unit, digits=newest.digits
            )
            for owner, metric in table.cells
            if owner == name
            for newest in [table.newest((owner, metric))]
        },
    )


def _nights(
    report: Report,
    section: SectionRecord,
    table: MetricTable,
    then: Mapping[tuple[str, date], Mapping[str, CheckPoint]],
) -> list[Night]:
    """Return a section on every night; values in another unit than the newest are none."""
    sections = table.sections.get(section.id, [None] * len(table.nights))
    missing = _missing(report, section.id, table)
    found = []
    for place, (night, known) in enumerate(zip(table.nights, sections, strict=True)):
        status, rows, seconds = known or (None, None, None)
        checks = then.get((section.id, night.night), {})
        metrics = {
            name: metric.model_copy(
                update={"value": cell.value if cell.unit == metric.unit else None}
            )
            for name, metric in section.metrics.items()
            if (cell := table.cells[section.id, name][place]) is not None
        }
        counted = {}
        for column, shares in missing.items():
            share = _found(checks, f"{column.name}-missing_at_most")
            share = shares[place] if share is None else share
            if rows is not None and share is not None:
                valid = round(rows * (1 - share / 100))
                counted[column.name] = CountedRecord(label=column.title, rows=rows, valid=valid)
        changes = {
            "metrics": metrics,
            "rows": rows,
            "status": "error" if status == "error" else "ok",
            "counted": counted,
            "seconds": seconds,
            "memory": _found(checks, "budget-memory"),
        }
        record = section.model_copy(update=changes)
        found.append(Night(night.night, record, _found(checks, "fresh"), checks))
    return found


def _found(checks: Mapping[str, CheckPoint], name: str) -> float | None:
    """Return what a check found on a night, whether it was to warn or to fail."""
    points = (checks.get(each) for each in (name, f"{name}-warn"))
    return next((p.value for p in points if p is not None and p.value is not None), None)


def _missing(report: Report, name: str, table: MetricTable) -> dict[Column, Sequence[float | None]]:
    """Return for each column that a section checks what an overview of the same rows said.

    That is the % of the rows without a value on each night, None where no overview says it.
    """
    section = report.sections[name]
    found: dict[Column, Sequence[float | None]] = {}
    for check in section.checks:
        if check.missing_at_most is None or not isinstance(section, CatalogueSection):
            continue
        column = check.missing_at_most.column
        found[column] = [None] * len(table.nights)
        for other, block in report.sections.items():
            key = other, f"{column.name}_missing"
            if (
                isinstance(block, CatalogueSection)
                and block.analysis == "overview"
                and (block.catalogue, block.where) == (section.catalogue, section.where)
                and key in table.cells
            ):
                found[column] = [cell and cell.value for cell in table.cells[key]]
    return found


def replay(
    section: SectionRecord,
    blocks: Sequence[CheckBlock],
    nights: Sequence[Night],
    references: Mapping[str, Reference | str],
    budgets: SectionBudgets | None = None,
    *,
    dated: bool = True,
    last: int | None = None,
) -> Iterator[ReplayRecord]:
    """Replay the checks of a section over earlier nights, oldest first, in the order of the YAML.

    section: with all metrics that it ever had, in whose units the values of the nights are.
    dated: keep to the dates from which and until which checks are in force.
    last: how many nights to replay, the last ones; drift looks at earlier ones, too. None for all.
    """
    undated = [each.model_copy(update={"from_": None, "until": None}) for each in blocks]
    series = {
        (section.id, name): [
            (each.date, None if metric is None else metric.value)
            for each in nights
            for metric in [each.section.metrics.get(name)]
        ]
        for name in section.metrics
    }
    # A drift looks back so far and no farther; all of many years would be sorted every night.
    reach = max((each.drift.nights for each in blocks if each.drift is not None), default=0)

    def checks_of(night: Night, blocks: Sequence[CheckBlock], place: int) -> Sequence[CheckRecord]:
        started = datetime.combine(night.date, time(12), UTC)
        age = None if night.hours is None else timedelta(hours=night.hours)
        facts = Facts(
            started,
            {key: values[max(0, place - reach) : place] for key, values in series.items()},
            {section.id: {_OLDEST: None if age is None else started - age}},
            references,
        )
        record = night.section
        others = check_section_budgets(record, budgets, fixed=False) if budgets else ()
        return evaluate(record, blocks, facts, others).checks

    newest = nights[-1].date if nights else date(1970, 1, 1)
    today = checks_of(Night(newest, section), undated, max(0, len(nights) - 1))
    first = 0 if last is None else max(0, len(nights) - last)
    made = [
        (nights[place], checks_of(nights[place], blocks if dated else undated, place))
        for place in range(first, len(nights))
    ]
    for place, check in enumerate(today):
        yield _replayed(check, section, [(night, checks[place]) for night, checks in made])


def _replayed(newest: CheckRecord, section: SectionRecord, made: _Made) -> ReplayRecord:
    """Return a check over the nights. newest: as it is made of all that the history ever had."""
    in_force = [(night, check) for night, check in made if check.in_force]
    computed = [(night, check) for night, check in in_force if night.section.status != "error"]
    unknown = [night.date for night, check in computed if check.status == "error"]
    impossible = ""
    if newest.cell is not None:
        impossible = "The history keeps no tables."
    elif newest.kind in _NOT_SAID and unknown and len(unknown) == len(computed):
        impossible = f"The history does not say {_NOT_SAID[newest.kind]}."
    elif newest.kind in OF_A_NUMBER and newest.status == "error":
        impossible = newest.message
    if impossible:
        in_force, computed, unknown = [], [], []
    known = [(night, check) for night, check in computed if check.status != "error"]
    return ReplayRecord(
        section=section.id,
        title=section.title,
        check=newest.id,
        label=newest.label,
        kind=newest.kind,
        severity=newest.severity,
        nights=sum(check.judged for _, check in known),
        fired=tuple(
            FiredRecord(
                night=night.date,
                status=check.status,
                waived=check.waived,
                message=check.message,
                recorded=then.status if then is not None and then.in_force else None,
            )
            for night, check in known
            for then in [night.then.get(check.id)]
            if check.status != "ok"
        ),
        not_computed=tuple(n.date for n, _ in in_force if n.section.status == "error"),
        not_judged=tuple(night.date for night, check in known if not check.judged),
        not_known=tuple(unknown),
        impossible=impossible,
    )

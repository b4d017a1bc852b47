"""Replays the checks of today over earlier nights: on which would each have fired?"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import NamedTuple

from reportgen.config.budgets import SectionBudgets
from reportgen.config.checks import CheckBlock
from reportgen.config.columns import Column
from reportgen.config.loader import Report
from reportgen.config.schema import CatalogueSection, ImagesSection, SectionBlock
from reportgen.quality.checks.budgets import budget_labels, compare_budget
from reportgen.quality.checks.evaluation import evaluate
from reportgen.quality.checks.facts import Facts, Reference, read_references
from reportgen.quality.history import open_history
from reportgen.quality.history.records import CheckPoint, MetricTable
from reportgen.record import CheckRecord, CountedRecord, MetricRecord, Record, SectionRecord, Status


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


Nights = Sequence[tuple[date, SectionRecord]]
"""A section on each night, oldest first, with the metrics that it had then."""


class UsedNight(NamedTuple):
    """What was used on a night, by the name of a budget. is_broken: no section was made."""

    night: date
    used: Mapping[str, float]
    is_broken: bool


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
    found: list[ReplayRecord] = []
    for name, section in report.sections.items():
        if section.checks:
            record = _section_record(name, section, table)
            recorded = {(p.name, p.night): p for p in points if p.section == name and p.in_force}
            found += backtest(
                record,
                section.checks,
                _nights(record, table, _missing(report, name, table, points)),
                references,
                dated=dated,
                last=most,
                recorded=recorded,
            )
    for name, title, block in _budgets(report):
        used = _used(name, table, points)
        found += _replay_budgets(name, title, block, used[-(most or len(used)) :], points)
    nights = [night.night for night in table.nights][-(most or len(table.nights)) :]
    return Backtest(
        history=shown,
        report=identity,
        nights=len(nights),
        first=nights[0] if nights else None,
        last=nights[-1] if nights else None,
        checks=tuple(found),
    )


def _budgets(report: Report) -> Iterator[tuple[str, str, SectionBudgets]]:
    """Yield the budgets of sections, by id and title, and those of the whole report."""
    for name, section in report.sections.items():
        if section.budgets is not None:
            yield name, section.title, section.budgets
    if report.budgets is not None:
        yield "", "Budgets", report.budgets


def _used(section: str, table: MetricTable, points: Sequence[CheckPoint]) -> list[UsedNight]:
    """Return what a section, or the whole report, used on each night, as far as it is known.

    Besides the seconds of sections that is what budgets of that night were compared with.
    """
    unknown = [None] * len(table.nights)
    seconds = table.seconds.get(section, unknown)
    statuses = table.statuses.get(section, unknown)
    compared: dict[date, dict[str, float]] = {}
    for point in points:
        if point.section == section and point.value is not None:
            compared.setdefault(point.night, {})[point.name.removeprefix("budget-")] = point.value
    return [
        UsedNight(
            night.night,
            compared.get(night.night, {}) | ({} if took is None else {"seconds": took}),
            is_broken=status == "error",
        )
        for night, took, status in zip(table.nights, seconds, statuses, strict=True)
    ]


def _replay_budgets(
    section: str,
    title: str,
    block: SectionBudgets,
    used: Sequence[UsedNight],
    points: Sequence[CheckPoint],
) -> Iterator[ReplayRecord]:
    then = {(p.name, p.night): p.status for p in points if p.section == section and p.in_force}
    for name, label in budget_labels(block).items():
        known = [
            (each.night, compare_budget(block, name, each.used[name], whole=not section))
            for each in used
            if name in each.used and not each.is_broken
        ]
        yield ReplayRecord(
            section=section,
            title=title,
            check=f"budget-{name}",
            label=label,
            kind=name,
            severity=block.severity,
            nights=len(known),
            fired=tuple(
                FiredRecord(
                    night=night,
                    status=check.status,
                    waived=False,
                    message=check.message,
                    recorded=then.get((check.id, night)),
                )
                for night, check in known
                if check.status != "ok"
            ),
            not_computed=tuple(each.night for each in used if each.is_broken),
            not_known=tuple(
                each.night for each in used if name not in each.used and not each.is_broken
            ),
        )


def _section_record(name: str, section: SectionBlock, table: MetricTable) -> SectionRecord:
    """Return a section with all metrics that it ever had, as far as the history knows them."""
    rows = [used for used in table.rows.get(name, ()) if used is not None]
    is_of_images = isinstance(section, ImagesSection) and not isinstance(section, CatalogueSection)
    return SectionRecord(
        id=name,
        analysis=section.analysis,
        title=section.title,
        status="ok",
        rows=rows[-1] if rows else None,
        entries="images" if is_of_images else "rows",
        metrics={
            metric: MetricRecord(label=label, value=None, unit=unit, digits=digits)
            for (owner, metric), (label, unit, digits) in table.names.items()
            if owner == name
        },
    )


def _missing(
    report: Report, name: str, table: MetricTable, points: Sequence[CheckPoint]
) -> dict[Column, dict[date, float]]:
    """Return for each column that a section checks the % of its rows without a value, by night.

    It is what an overview of the same rows said, or a check of that night.
    """
    section = report.sections[name]
    found: dict[Column, dict[date, float]] = {}
    for check in section.checks:
        if check.missing_at_most is None or not isinstance(section, CatalogueSection):
            continue
        column = check.missing_at_most.column.name
        shares: dict[date, float] = {}
        for other, block in report.sections.items():
            if not isinstance(block, CatalogueSection) or block.analysis != "overview":
                continue
            if (block.catalogue, block.where) == (section.catalogue, section.where):
                cells = table.cells.get((other, f"{column}_missing"), ())
                for night, cell in zip(table.nights, cells, strict=False):
                    if cell is not None and cell[0] is not None:
                        shares[night.night] = cell[0]
        ids = {f"{column}-missing_at_most", f"{column}-missing_at_most-warn"}
        for point in points:
            if point.section == name and point.name in ids and point.value is not None:
                shares[point.night] = point.value
        found[check.missing_at_most.column] = shares
    return found


def _nights(
    section: SectionRecord,
    table: MetricTable,
    missing: Mapping[Column, Mapping[date, float]] = {},
) -> Nights:
    """Return a section on every night; values in another unit than the newest are none.

    missing: by column and night, in % of the rows.
    """
    unknown = [None] * len(table.nights)
    statuses = table.statuses.get(section.id, unknown)
    rows = table.rows.get(section.id, unknown)
    found = []
    for place, night in enumerate(table.nights):
        cells = {name: table.cells[section.id, name][place] for name in section.metrics}
        metrics = {
            name: section.metrics[name].model_copy(
                update={"value": cell[0] if cell[1] == section.metrics[name].unit else None}
            )
            for name, cell in cells.items()
            if cell is not None
        }
        status = "error" if statuses[place] == "error" else "ok"
        n, counted = rows[place], {}
        for column, shares in missing.items():
            if n is not None and night.night in shares:
                valid = round(n * (1 - shares[night.night] / 100))
                counted[column.name] = CountedRecord(label=column.title, rows=n, valid=valid)
        changes = {"metrics": metrics, "rows": n, "status": status, "counted": counted}
        found.append((night.night, section.model_copy(update=changes)))
    return found


def backtest(
    section: SectionRecord,
    blocks: Sequence[CheckBlock],
    nights: Nights,
    references: Mapping[str, Reference | str],
    *,
    dated: bool = True,
    last: int | None = None,
    recorded: Mapping[tuple[str, date], CheckPoint] = {},
) -> Iterator[ReplayRecord]:
    """Replay the checks of a section over earlier nights, oldest first, in the order of the YAML.

    section: with all metrics that it ever had, in whose units the values of the nights are.
    dated: keep to the dates from which and until which checks are in force.
    last: how many nights to replay, the last ones; drift looks at earlier ones, too. None for all.
    recorded: how its checks ended then, by id and night.
    """
    undated = [each.model_copy(update={"from_": None, "until": None}) for each in blocks]
    series = {
        (section.id, name): [
            (night, record.metrics[name].value if name in record.metrics else None)
            for night, record in nights
        ]
        for name in section.metrics
    }
    # A drift looks back so far and no farther; all of many years would be sorted every night.
    reach = max((each.drift.nights for each in blocks if each.drift is not None), default=0)

    def checks_on(
        record: SectionRecord, blocks: Sequence[CheckBlock], place: int
    ) -> tuple[CheckRecord, ...]:
        night = nights[place][0] if nights else date(1970, 1, 1)
        near = {key: values[max(0, place - reach) : place] for key, values in series.items()}
        started = datetime.combine(night, time(12), UTC)
        return evaluate(record, blocks, Facts(started, near, references=references)).checks

    newest = checks_on(section, undated, max(0, len(nights) - 1))
    first = 0 if last is None else max(0, len(nights) - last)
    chosen = blocks if dated else undated
    replayed = [
        (*nights[place], checks_on(nights[place][1], chosen, place))
        for place in range(first, len(nights))
    ]
    for place, check in enumerate(newest):
        results = [(night, record, checks[place]) for night, record, checks in replayed]
        yield _replay(section, check, results, recorded)


def _replay(
    section: SectionRecord,
    newest: CheckRecord,
    replayed: Sequence[tuple[date, SectionRecord, CheckRecord]],
    recorded: Mapping[tuple[str, date], CheckPoint],
) -> ReplayRecord:
    impossible = _impossible(newest, [record for _, record, _ in replayed])
    in_force = [] if impossible else [each for each in replayed if each[2].in_force]
    found = [(night, check) for night, record, check in in_force if _is_known(record, check)]
    known = [(night, check) for night, check in found if check.judged]
    unknown = [(night, record) for night, record, check in in_force if not _is_known(record, check)]
    then = {night: recorded.get((newest.id, night)) for night, _ in known}
    return ReplayRecord(
        section=section.id,
        title=section.title,
        check=newest.id,
        label=newest.label,
        kind=newest.kind,
        severity=newest.severity,
        nights=len(known),
        fired=tuple(
            FiredRecord(
                night=night,
                status=check.status,
                waived=check.waived,
                message=check.message,
                recorded=point.status if (point := then[night]) else None,
            )
            for night, check in known
            if check.status != "ok"
        ),
        not_judged=tuple(night for night, check in found if not check.judged),
        not_computed=tuple(night for night, record in unknown if record.status == "error"),
        not_known=tuple(night for night, record in unknown if record.status != "error"),
        impossible=impossible,
    )


def _impossible(newest: CheckRecord, replayed: Sequence[SectionRecord]) -> str:
    """Return why a check cannot be replayed at all; empty when it can."""
    if newest.cell is not None:
        return "The history keeps no tables."
    if newest.kind == "fresh":
        return "The history does not say how old the files were."
    if newest.kind == "missing_at_most":
        is_known = any(newest.column in record.counted for record in replayed)
        return "" if is_known else "The history does not say how many values were missing."
    if newest.kind == "rows_at_least":
        rows_known = any(record.rows is not None for record in replayed)
        return "" if rows_known else "The history does not say how many rows were used."
    return newest.message if newest.status == "error" else ""


def _is_known(record: SectionRecord, check: CheckRecord) -> bool:
    """Return whether the history knows what a check is on."""
    if record.status == "error":
        return False
    if check.kind == "missing_at_most":
        return check.column in record.counted
    return (
        record.rows is not None if check.kind == "rows_at_least" else check.metric in record.metrics
    )

"""What the numbers of a run mean beside limits, earlier nights and reference runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reportgen.analyses.trend import MetricHistory
from reportgen.config.checks import checks_of
from reportgen.config.columns import unit_symbol
from reportgen.config.loader import Report
from reportgen.errors import ConfigError
from reportgen.quality.checks.budgets import assume_budgets
from reportgen.quality.checks.evaluation import check_run
from reportgen.quality.checks.facts import (
    Facts,
    NightValues,
    cell_reader,
    modified_files,
    read_references,
    reference_folder,
)
from reportgen.quality.checks.subjects import unknown_subjects
from reportgen.quality.diff.compare import NOISE_NIGHTS, compare, usual_scatters
from reportgen.quality.diff.sentences import sentences
from reportgen.quality.history import open_history
from reportgen.quality.history.records import HistoryError, Key, MetricTable
from reportgen.quality.lookup import history_place
from reportgen.quality.nights import import_runs, night_before
from reportgen.record import (
    HistoryRecord,
    PastRecord,
    SectionRecord,
    SinceRecord,
    Summary,
    read_summary,
)

SPARK_NIGHTS = 30  # beside a checked metric


@dataclass(frozen=True)
class EarlierNights:
    """What the history knows of the nights before one. error: why it cannot be read."""

    table: MetricTable
    error: str = ""


def read_earlier_nights(
    report: Report, started: datetime, *, importing: bool = True
) -> EarlierNights:
    """Read the nights before that of a run; what is wrong with the history is in the result.

    importing: whether runs that the history lacks are added first; only while no other build can
    run.
    """
    until = started.astimezone(UTC).date() - timedelta(days=1)
    drifts = (c.drift.nights for s in report.sections.values() for c in s.checks if c.drift)
    trends = (getattr(section, "nights", 0) for section in report.sections.values())
    most = max([NOISE_NIGHTS, *drifts, *trends])
    try:
        with open_history(history_place(report)) as history:
            if importing:
                import_runs(history, report.report.id, report.output.folder)
            return EarlierNights(history.table(report.report.id, until=until, most=most))
    except HistoryError as error:
        return EarlierNights(MetricTable(), str(error.message))


def metric_histories(
    report: Report, records: Mapping[str, SectionRecord], earlier: EarlierNights, started: datetime
) -> dict[str, MetricHistory]:
    """Return each metric by ``section.metric``: its last nights, tonight, its limits.

    One that only earlier nights had has no value tonight.
    """
    tonight = started.astimezone(UTC).date()
    metrics = {(s.id, name): metric for s in records.values() for name, metric in s.metrics.items()}
    found = {}
    for key in {**earlier.table.cells, **metrics}:
        metric, cells = metrics.get(key), earlier.table.cells.get(key, ())
        unit = next((c.unit for c in cells[::-1] if c is not None and c.value is not None), "")
        unit = unit if metric is None else metric.unit
        values = earlier.table.values(key, unit)
        name = ".".join(key)
        found[name] = MetricHistory(
            key=name,
            section=records[key[0]].title if key[0] in records else key[0],
            label=key[1] if metric is None else metric.label,
            unit=unit,
            symbol=unit_symbol(unit),
            digits=None if metric is None else metric.digits,
            nights=(*(night for night, _ in values), tonight),
            values=(*(value for _, value in values), None if metric is None else metric.value),
            **_limits(report, *key, unit),
        )
    return found


def _limits(report: Report, section: str, metric: str, unit: str) -> dict[str, float | None]:
    """Return what the checks of a metric allow by min, max and equals, the narrowest of each."""
    block = report.sections.get(section)
    checks = checks_of(block.checks, metric, unit) if block else []
    low = [check.min for check in checks if check.min is not None]
    high = [check.max for check in checks if check.max is not None]
    return {"low": max(low, default=None), "high": min(high, default=None)}


def judge(report: Report, summary: Summary, run: Path, earlier: EarlierNights) -> Summary:
    """Make the checks of a run, and give checked metrics their earlier values.

    run: its folder, for the cells of tables.
    """
    values = {
        (section.id, name): earlier.table.values((section.id, name), metric.unit)
        for section in summary.sections
        for name, metric in section.metrics.items()
    }
    facts = Facts(
        started=summary.run.start,
        earlier=values,
        modified=modified_files(report, summary.inputs),
        references=read_references(report),
        read_cell=cell_reader(run),
        no_history=earlier.error,
    )
    blocks = {name: section.checks for name, section in report.sections.items()}
    budgets = {name: section.budgets for name, section in report.sections.items()}
    summary = check_run(summary, blocks, facts, budgets)
    summary = assume_budgets(summary, report.budgets, report.output.formats)
    mistakes = tuple(
        f"{report.place('sections', section.id, *path)}: {said}"
        for section in summary.sections
        for path, said in unknown_subjects(section, blocks.get(section.id, ()), facts.night)
    )
    sections = tuple(_with_earlier(section, values) for section in summary.sections)
    history = HistoryRecord(nights=len(earlier.table.nights), error=earlier.error)
    return summary.model_copy(
        update={"sections": sections, "mistakes": mistakes, "history": history}
    )


def _with_earlier(section: SectionRecord, values: Mapping[Key, NightValues]) -> SectionRecord:
    """Return a section whose checked metrics have their values of the last nights."""
    metrics = dict(section.metrics)
    checked = {check.metric for check in section.checks}
    for name, metric in section.metrics.items():
        if name in checked:
            last = values[section.id, name][-SPARK_NIGHTS:]
            past = tuple(PastRecord(night=f"{night}", value=value) for night, value in last)
            metrics[name] = metric.model_copy(update={"past": past})
    return section.model_copy(update={"metrics": metrics})


def with_changes(report: Report, summary: Summary, earlier: EarlierNights) -> Summary:
    """Return the record with what changed since the last night and since each reference run."""
    noise = usual_scatters(summary, earlier.table)
    folder = report.output.folder
    last = night_before(folder, summary.run.start.date())
    others = {} if last is None else {"": folder / last.run.id}
    others |= {name: reference_folder(report, name) for name in report.references}
    since = []
    for name, other in others.items():
        try:
            before = read_summary(other)
        except ConfigError as error:
            since.append(SinceRecord(name=name, error=error.message))
        else:
            changes = sentences(compare(before, summary, noise))
            night = before.run.started[:10]
            since.append(SinceRecord(name=name, run=before.run.id, night=night, changes=changes))
    return summary.model_copy(update={"since": tuple(since)})

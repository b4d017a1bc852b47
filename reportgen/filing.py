"""Puts a published run among the others: the history, old runs, the page of all nights."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reportgen.analyses.trend import Trend
from reportgen.config.loading import Report
from reportgen.errors import ReportgenError
from reportgen.history.nightly import NightlyHistory
from reportgen.nights import Limits, write_index
from reportgen.past import history_place
from reportgen.retention import Keep, delete_runs
from reportgen.summary import Summary

MOST_TRENDS = 6  # on the page of all nights, of checked metrics when no section names some


@dataclass(frozen=True)
class Filed:
    """How it went. troubles: what went wrong. notes: what a reader of the log should know."""

    troubles: tuple[ReportgenError, ...] = ()
    notes: tuple[str, ...] = ()


def file_run(report: Report, summary: Summary, run: Path) -> Filed:
    """Add a published run to the history, delete old ones, and write the page of all nights.

    run: its folder. To be called while no other build can run. The report is there already, so
    what goes wrong is given back, and one step does not keep the next from being made.
    """
    steps: list[Callable[[Report, Summary, Path], list[str]]] = [_remember, _delete, _list]
    troubles: list[ReportgenError] = []
    notes: list[str] = []
    for step in steps:
        try:
            notes += step(report, summary, run)
        except ReportgenError as error:
            troubles.append(error)
    return Filed(tuple(troubles), tuple(notes))


def _remember(report: Report, summary: Summary, run: Path) -> list[str]:
    with NightlyHistory(history_place(report.output)) as history:
        history.add(summary, run)
    return []


def _delete(report: Report, summary: Summary, run: Path) -> list[str]:
    keep = report.output.keep
    if keep is None:
        return []
    references = {
        place if isinstance(place, str) else place.resolve().name
        for place in report.references.values()
    }
    deleted = delete_runs(
        run.parent,
        Keep(keep.nights, keep.monthly or None),
        now=datetime.fromisoformat(summary.run.started),
        protected={*references, run.name},
    )
    return [f"{name} is old, but it stays: {why}." for name, why in deleted.spared.items()]


def _list(report: Report, summary: Summary, run: Path) -> list[str]:
    trends = index_trends(report, summary)
    write_index(
        run.parent,
        summary.report,
        trends=trends,
        limits=_limits(summary, trends),
        templates=summary.configuration.templates,
    )
    return []


def index_trends(report: Report, summary: Summary) -> tuple[str, ...]:
    """Give the metrics to draw beside the list of nights: of trend sections, or those checked."""
    chosen = [
        metric
        for section in report.sections.values()
        if isinstance(section, Trend)
        for metric in section.metrics
    ]
    checked = [
        f"{section.id}.{name}"
        for section in summary.sections
        for name, metric in section.metrics.items()
        if metric.verdict is not None
    ]
    return tuple(dict.fromkeys(chosen or checked[:MOST_TRENDS]))


def _limits(summary: Summary, trends: tuple[str, ...]) -> dict[str, Limits]:
    """Give the limits that checks put on metrics tonight, the narrowest of each."""
    found = {}
    for section in summary.sections:
        for name in section.metrics:
            checks = [c for c in section.checks if c.metric == name and c.in_force]
            low = [c.low for c in checks if c.low is not None and c.kind in {"min", "equals"}]
            high = [c.high for c in checks if c.high is not None and c.kind in {"max", "equals"}]
            key = f"{section.id}.{name}"
            if key in trends and (low or high):
                found[key] = Limits(max(low, default=None), min(high, default=None))
    return found

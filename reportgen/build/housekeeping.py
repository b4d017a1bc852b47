"""What follows when a run is published: its place in the history, retention, the page of nights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reportgen.analyses.trend import Trend
from reportgen.config.loader import Report
from reportgen.deliver import require_own_outbox
from reportgen.errors import ReportgenError
from reportgen.quality.history import FILE, open_history
from reportgen.quality.history.records import RunEntry
from reportgen.quality.lookup import history_place
from reportgen.quality.nights import list_runs
from reportgen.quality.retention import delete_runs
from reportgen.record import Summary
from reportgen.render.index import require_own_pages, write_index
from reportgen.render.trends import Limits

MOST_TRENDS = 6  # on the page of all nights, of checked metrics when no section names some


@dataclass(frozen=True)
class Housekeeping:
    """How it went. troubles: what went wrong. notes: what a reader of the log should know."""

    troubles: tuple[ReportgenError, ...] = ()
    notes: tuple[str, ...] = ()


def do_housekeeping(report: Report, summary: Summary, run: Path) -> Housekeeping:
    """Add a published run to the history, delete old ones, and write the page of all nights.

    run: its folder. To be called while no other build can run. The report is there already, so
    what goes wrong is given back, and one step does not keep the next from being made.
    """
    troubles: list[ReportgenError] = []
    notes: list[str] = []
    stored: list[RunEntry] = []
    with _noting(troubles):
        stored = _add_to_history(report, summary, run)
    with _noting(troubles):
        notes = _delete_old_runs(report, summary, run, stored)
    with _noting(troubles):
        _write_index(report, summary, run, stored)
    return Housekeeping(tuple(troubles), tuple(notes))


def expected_troubles(report: Report) -> list[ReportgenError]:
    """Return what would go wrong with what follows a run, as far as can be said before."""
    troubles: list[ReportgenError] = []
    folder = report.output.folder.absolute()
    with _noting(troubles), open_history(history_place(report)) as history:
        history.require_writable(folder)
    with _noting(troubles):
        require_own_pages(folder)
    if report.deliver.mail is not None or report.deliver.webhook is not None:
        with _noting(troubles):
            require_own_outbox(folder)
    return troubles


@contextmanager
def _noting(troubles: list[ReportgenError]) -> Iterator[None]:
    try:
        yield
    except ReportgenError as error:
        troubles.append(error)


def _add_to_history(report: Report, summary: Summary, run: Path) -> list[RunEntry]:
    """Add a run to the history; return all that it has, with the metrics of the page of nights."""
    with open_history(history_place(report)) as history:
        history.add(summary, run)
        return history.runs(summary.report.id, run.parent, index_trends(report, summary))


def _delete_old_runs(
    report: Report, summary: Summary, run: Path, stored: Sequence[RunEntry]
) -> list[str]:
    """Delete old runs as the configuration says; return why some are not deleted."""
    keep = report.output.keep
    if keep is None:
        return []
    references = {
        place if isinstance(place, str) else place.resolve().name
        for place in report.references.values()
    }
    foreign = delete_runs(
        run.parent,
        list_runs(run.parent, stored),
        keep,
        now=summary.run.start,
        protected={*references, run.name},
    )
    return [f"{name} is old, but it stays: {why}." for name, why in foreign.items()]


def _write_index(report: Report, summary: Summary, run: Path, stored: Sequence[RunEntry]) -> None:
    trends = index_trends(report, summary)
    is_own = history_place(report) == report.output.folder / FILE
    write_index(
        run.parent,
        list_runs(run.parent, stored, trends, is_own=is_own),
        summary.report,
        trends=trends,
        limits=_limits(summary, trends),
        templates=summary.configuration.templates,
    )


def index_trends(report: Report, summary: Summary) -> tuple[str, ...]:
    """Return the metrics to draw beside the list of nights: of trend sections, or those checked."""
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
    """Return the limits that checks put on metrics tonight, the narrowest of each."""
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

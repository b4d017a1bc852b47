"""index.html above the reports of a matrix: a row for each, in one file without scripts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reportgen.quality.checks.verdicts import verdict_sentence
from reportgen.record import STATUSES, Status, Summary
from reportgen.render.fonts import render_with_fonts
from reportgen.render.statuses import UNREADABLE, WORDS, counted_statuses, synthetic_note
from reportgen.render.view import MetricView, checked_metrics
from reportgen.wording import MISSING, count, counted, listed

NOT_BUILT = "Not built yet"


@dataclass(frozen=True)
class MatrixEntry:
    """A combination as the index shows it.

    values: of the matrix, as text by name. id: of its report. summary: of its newest run; None
    when there is none, or when it cannot be read, and trouble says why. links: what to call a file
    that there is, and its URL relative to the index; the first is that of the row.
    """

    values: dict[str, str]
    id: str
    summary: Summary | None = None
    trouble: str = ""
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class RowView:
    """A combination in words. kind: its status; None when it was never built."""

    id: str
    values: tuple[str, ...]
    name: str
    links: tuple[tuple[str, str], ...]
    title: str = ""
    kind: Status | None = None
    word: str = NOT_BUILT
    verdict: str = ""
    night: str = ""
    date: str = ""
    marks: tuple[str, ...] = ()
    metrics: tuple[MetricView, ...] = ()


def render_matrix(
    entries: Sequence[MatrixEntry], title: str, *, language: str = "en", templates: str = ""
) -> bytes:
    """Return the page of some combinations; the same bytes for the same entries.

    title: of all of them. templates: folder of a user's own. Raises ConfigError for templates that
    are wrong.
    """
    names = list(dict.fromkeys(name for entry in entries for name in entry.values))
    summaries = [entry.summary for entry in entries if entry.summary is not None]
    newest = max((summary.run.start for summary in summaries), default=None)
    rows = [_row(entry, names, newest) for entry in entries]
    built = sum(row.kind is not None for row in rows)
    troubled = [row for row in rows if row.kind not in {None, "ok"}]
    view = {
        "title": title,
        "language": language,
        "names": " · ".join(names).replace("_", " ").capitalize(),
        "counted": _counted(rows),
        "synthetic": synthetic_note(
            sum(bool(summary.run.synthetic) for summary in summaries), len(summaries), "report"
        ),
        # max gives the first of equals.
        "worst": max(troubled, key=lambda row: STATUSES.index(row.kind or "ok"), default=None),
        "fine": _fine(built, len(rows)) if built and not troubled else "",
        "rows": rows,
    }
    return render_with_fonts("matrix.html.j2", templates, view=view).encode()


def _fine(built: int, reports: int) -> str:
    if built < reports:
        return "Every report that was built is fine."
    return "All reports are fine." if reports > 1 else "The report is fine."


def _row(entry: MatrixEntry, names: Sequence[str], newest: datetime | None) -> RowView:
    values = tuple(entry.values.get(name, MISSING) for name in names)
    row = RowView(entry.id, values, " · ".join(values), entry.links)
    summary = entry.summary
    if summary is None or newest is None:
        if not entry.trouble:
            return row
        return replace(row, kind="error", word=UNREADABLE, verdict=entry.trouble)
    started = summary.run.start
    behind = (newest.date() - started.date()).days
    marks = [f"{counted(behind, 'nights')} behind the newest"] if behind else []
    marks += ["synthetic data"] if summary.run.synthetic else []
    return replace(
        row,
        title=summary.report.title,
        kind=summary.run.status,
        word=WORDS[summary.run.status],
        verdict=verdict_sentence(summary),
        night=f"{started.day} {started:%b %Y}",
        date=f"{started:%Y-%m-%d}",
        marks=tuple(marks),
        metrics=checked_metrics(summary),
    )


def _counted(rows: Sequence[RowView]) -> str:
    """Count reports by status, worst first: ``4 reports: 1 failed, 2 OK and 1 not built yet``."""
    unread = sum(row.word == UNREADABLE for row in rows)
    unbuilt = sum(row.kind is None for row in rows)
    parts = counted_statuses(Counter(row.kind for row in rows if row.word != UNREADABLE))[::-1]
    if unread:
        parts.insert(0, f"{count(unread)} that cannot be read")
    if unbuilt:
        parts.append(f"{count(unbuilt)} not built yet")
    return f"{counted(len(rows), 'reports')}: {listed(parts)}"

"""index.html above the reports of a matrix: a row for each, in one file without scripts."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter

from markupsafe import Markup

from reportgen.quality.checks.verdicts import verdict_sentence
from reportgen.record import STATUSES, Status, Summary
from reportgen.render.environment import render_page
from reportgen.render.fonts import font_faces
from reportgen.render.html import FONTS
from reportgen.render.view import WORDS
from reportgen.wording import count, listed

NOT_BUILT = "Not built yet"
UNREADABLE = "Cannot be read"
_COUNTED: dict[Status, tuple[str, str]] = {
    "error": ("in error", "in error"),
    "fail": ("failed", "failed"),
    "warn": ("with a warning", "with warnings"),
    "ok": ("OK", "OK"),
}


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
    title: str
    kind: Status | None
    word: str
    verdict: str
    night: str
    date: str
    marks: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MatrixView:
    """The page as it is shown.

    worst: the row that matters most; None when none was built, or when fine says that all are OK.
    """

    title: str
    language: str
    names: str
    counted: str
    synthetic: str
    worst: RowView | None
    fine: str
    rows: tuple[RowView, ...]


def render_matrix(
    entries: Sequence[MatrixEntry],
    title: str,
    *,
    language: str = "en",
    templates: str = "",
    fonts: Callable[[str], str] = font_faces,
) -> bytes:
    """Give the page of some combinations; the same bytes for the same entries.

    title: of all of them. templates: folder of a user's own. fonts: gives the @font-face rules of
    a page. Raises ConfigError for templates that are wrong.
    """
    page = render_page(
        "matrix.html.j2",
        templates,
        view=_view(entries, title, language),
        statuses=[(status, WORDS[status]) for status in STATUSES],
        fonts=Markup(FONTS),  # noqa: S704 - a constant
    )
    return page.replace(FONTS, fonts(page), 1).encode()


def _view(entries: Sequence[MatrixEntry], title: str, language: str) -> MatrixView:
    names = list(dict.fromkeys(name for entry in entries for name in entry.values))
    started = [_started(entry.summary) for entry in entries if entry.summary is not None]
    newest = max(started, default=None)
    rows = [_row(entry, names, newest) for entry in entries]
    # max gives the first of equals; a report that was never built is no verdict.
    built = [(STATUSES.index(row.kind), row) for row in rows if row.kind is not None]
    worst = max(built, key=itemgetter(0))[1] if built else None
    all_ok = worst is not None and worst.kind == "ok"
    return MatrixView(
        title=title,
        language=language,
        names=" · ".join(names).replace("_", " ").capitalize(),
        counted=_counted(rows),
        synthetic=_synthetic(entries),
        worst=None if all_ok else worst,
        fine=_fine(len(built), len(rows)) if all_ok else "",
        rows=tuple(rows),
    )


def _fine(built: int, reports: int) -> str:
    if built < reports:
        return "Every report that was built is fine."
    return "All reports are fine." if reports > 1 else "The report is fine."


def _started(summary: Summary) -> datetime:
    return datetime.fromisoformat(summary.run.started)


def _row(entry: MatrixEntry, names: Sequence[str], newest: datetime | None) -> RowView:
    values = tuple(entry.values.get(name, "—") for name in names)
    row = RowView(
        id=entry.id,
        values=values,
        name=" · ".join(values),
        title="",
        kind=None,
        word=NOT_BUILT,
        verdict="",
        night="",
        date="",
        marks=(),
        links=entry.links,
    )
    summary = entry.summary
    if summary is None:
        if not entry.trouble:
            return row
        return replace(row, kind="error", word=UNREADABLE, verdict=entry.trouble)
    started = _started(summary)
    marks = [_older(started, newest)] if newest is not None else []
    marks += ["synthetic data"] if summary.run.synthetic else []
    return replace(
        row,
        title=summary.report.title,
        kind=summary.run.status,
        word=WORDS[summary.run.status],
        verdict=verdict_sentence(summary),
        night=f"{started.day} {started:%b %Y}",
        date=f"{started:%Y-%m-%d}",
        marks=tuple(filter(None, marks)),
    )


def _older(started: datetime, newest: datetime) -> str:
    """Say how far a report is behind the newest of the others."""
    days = (newest.date() - started.date()).days
    if not days:
        return ""
    return f"{count(days)} {'night' if days == 1 else 'nights'} behind the newest"


def _counted(rows: Sequence[RowView]) -> str:
    """Count reports by status, worst first: ``4 reports: 1 failed, 2 OK and 1 not built yet``."""
    total = "1 report" if len(rows) == 1 else f"{count(len(rows))} reports"
    found = Counter((row.kind, row.word == UNREADABLE) for row in rows)
    parts = [
        f"{count(found[kind, False])} {words[found[kind, False] > 1]}"
        for kind, words in _COUNTED.items()
        if found[kind, False]
    ]
    if unread := found["error", True]:
        parts.insert(0, f"{count(unread)} that cannot be read")
    if unbuilt := found[None, False]:
        parts.append(f"{count(unbuilt)} not built yet")
    return f"{total}: {listed(parts)}"


def _synthetic(entries: Sequence[MatrixEntry]) -> str:
    known = [bool(e.summary.run.synthetic) for e in entries if e.summary is not None]
    if not any(known):
        return ""
    if all(known):
        return "No report holds observations."
    one = "1 report does" if sum(known) == 1 else f"{count(sum(known))} reports do"
    return f"{one} not hold observations; each says so in the list."

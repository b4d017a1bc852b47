"""index.html: all nights of a report, in one file without scripts or network."""

import calendar
import errno
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from reportgen.errors import PublishError
from reportgen.quality.history.records import RunEntry
from reportgen.quality.nights import Night, nights
from reportgen.record import STATUSES, ReportRecord, Status, read_regular
from reportgen.render.fonts import render_with_fonts
from reportgen.render.neighbours import NEIGHBOURS, neighbour_pages, night_id
from reportgen.render.statuses import UNREADABLE, WORDS, counted_statuses, synthetic_note
from reportgen.render.trends import HEIGHT, WIDTH, Limits, trend_view
from reportgen.run_folder import publishing_errors, replace_file
from reportgen.wording import count, counted, listed

INDEX = "index.html"
MARK = "<!-- The nights of a report, written by reportgen. -->"  # in no page but ours
_LEFT = "the report was published, the list of nights is the former"
RECENT_MONTHS = 6  # of the calendar; earlier ones are folded by year
RECENT_NIGHTS = 31  # of the table


@dataclass(frozen=True)
class RunView:
    """A run in words. kind: its status, error if its record cannot be read."""

    kind: Status
    word: str
    verdict: str
    time: str
    duration: str
    marks: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class NightView:
    """A night in words. target: where the calendar leads to."""

    id: str
    date: str
    day: str
    weekday: str
    name: str
    run: RunView
    others: tuple[RunView, ...]
    target: str


@dataclass(frozen=True)
class Month:
    """A month, as weeks that begin on Monday.

    Of each day its number, 0 for one of another month, and its night if there was a run.
    """

    name: str
    year: int
    nights: tuple[Night, ...]
    weeks: tuple[tuple[tuple[int, Night | None], ...], ...]


def write_index(
    folder: Path,
    runs: Sequence[RunEntry],
    report: ReportRecord,
    *,
    trends: Sequence[str] = (),
    limits: Mapping[str, Limits] | None = None,
    templates: str = "",
) -> Path:
    """Write the page of all nights and the pages that lead from night to night; return its path.

    To be called while no other build can run, after old runs were deleted. What is drawn is as
    for `render_index`. Raises PublishError when the folder cannot be written, and ConfigError for
    templates that are wrong.
    """
    page = render_index(runs, report, trends=trends, limits=limits, templates=templates)
    path, pages = folder / INDEX, folder / NEIGHBOURS
    require_own_pages(folder)
    with publishing_errors(folder, _LEFT):
        pages.mkdir(exist_ok=True)
        wanted = neighbour_pages(runs)
        for name in {file.name for file in pages.glob("????-??-??-*.html")} - wanted.keys():
            (pages / name).unlink()
        for name, content in wanted.items():
            replace_file(pages / name, content)
        replace_file(path, page)
    return path


def require_own_pages(folder: Path) -> None:
    """Raise PublishError for what is in the place of pages of a folder and was not made by us."""
    path, pages = folder / INDEX, folder / NEIGHBOURS
    with publishing_errors(folder, _LEFT):
        refuse_foreign(path, [MARK], "was not written by reportgen", "move it away")
        if pages.is_symlink():
            raise PublishError(f"{pages} is a link, so it is left as it is", "remove it")
        if pages.exists() and not pages.is_dir():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(pages))


def refuse_foreign(path: Path, marks: Sequence[str], why: str, hint: str) -> None:
    """Raise PublishError for a page that is there and has none of the marks of our pages."""
    if path.exists() and not any(mark.encode() in read_regular(path) for mark in marks):
        raise PublishError(f"{path} {why}, so it is left as it is", f"{hint} and build again")


def render_index(
    runs: Iterable[RunEntry],
    report: ReportRecord,
    *,
    trends: Sequence[str] = (),
    limits: Mapping[str, Limits] | None = None,
    templates: str = "",
) -> bytes:
    """Return the page of all nights; the same bytes for the same runs.

    trends: metrics to draw, as ``section.metric``. limits: of some of them. templates: folder of
    a user's own.
    """
    known = nights(runs)
    views = {night.date: _night(night) for night in known}
    newest_first = list(views.values())[::-1]
    months = calendar_months(known)
    drawn = {key: trend_view(key, known, (limits or {}).get(key)) for key in trends}
    made_up = sum(night.run.synthetic for night in known)
    page = render_with_fonts(
        "index.html.j2",
        templates,
        view={
            "report": report,
            "newest": newest_first[0] if newest_first else None,
            "counted": _counted(known),
            "synthetic": synthetic_note(made_up, len(known), "night"),
            "recent_months": months[-RECENT_MONTHS:],
            "earlier_years": _by_year(months[:-RECENT_MONTHS]),
            "trends": [trend for trend in drawn.values() if trend is not None],
            "unknown_trends": [key for key, trend in drawn.items() if trend is None],
            "recent": newest_first[:RECENT_NIGHTS],
            "earlier": [
                (year, list(group))
                for year, group in groupby(newest_first[RECENT_NIGHTS:], lambda n: n.date[:4])
            ],
        },
        of_date=views,
        statuses=[(status, WORDS[status]) for status in STATUSES],
        weekdays=calendar.day_name,
        width=WIDTH,
        height=HEIGHT,
    )
    return f"{page}{MARK}\n".encode()


def _counted(known: Sequence[Night]) -> str:
    """Count nights by status: ``31 nights: 28 OK, 2 with warnings and 1 failed``."""
    by_status = Counter(night.run.status for night in known)
    parts = counted_statuses(by_status)
    if by_status[None]:
        parts.append(f"{count(by_status[None])} that cannot be read")
    return f"{counted(len(known), 'nights')}: {listed(parts)}" if parts else "No night yet"


def _night(night: Night) -> NightView:
    day = night.date
    run = _run(night.run)
    identity = night_id(day)
    return NightView(
        id=identity,
        date=str(day),
        day=f"{day.day} {day:%b}",
        weekday=f"{day:%a}",
        name=f"{day.day} {day:%B %Y}",
        run=run,
        others=tuple(_run(other) for other in night.others),
        target=dict(run.links).get("HTML", f"#{identity}"),
    )


def _run(run: RunEntry) -> RunView:
    marks = [
        ("partial", run.partial),
        ("synthetic data", run.synthetic),
        ("no longer here", not run.is_here),
    ]
    return RunView(
        kind=run.status or "error",
        word=WORDS[run.status] if run.status else UNREADABLE,
        verdict=run.verdict,
        time=f"{run.started:%H:%M}",
        duration=_duration(run.seconds),
        marks=tuple(mark for mark, holds in marks if holds),
        links=tuple(
            (form.upper(), f"{quote(run.id)}/{quote(file)}")
            for form, file in sorted(run.documents.items())
        ),
    )


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def calendar_months(nights: Iterable[Night]) -> list[Month]:
    """Return the months that have a night. nights: oldest first."""
    months = groupby(nights, lambda night: (night.date.year, night.date.month))
    return [_month(year, month, tuple(group)) for (year, month), group in months]


def _month(year: int, month: int, nights: tuple[Night, ...]) -> Month:
    by_day = {night.date.day: night for night in nights}
    weeks = calendar.Calendar().monthdayscalendar(year, month)
    return Month(
        f"{nights[0].date:%B} {year}",
        year,
        nights,
        tuple(tuple((day, by_day.get(day)) for day in week) for week in weeks),
    )


def _by_year(months: Sequence[Month]) -> list[tuple[int, str, list[Month]]]:
    """Return months by year, newest year first, with the count of their nights."""
    years = [(year, list(group)) for year, group in groupby(months, lambda month: month.year)]
    return [
        (year, _counted([night for month in group for night in month.nights]), group)
        for year, group in reversed(years)
    ]

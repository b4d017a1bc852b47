"""index.html: all nights of a report, in one file without scripts or network."""

import calendar
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from reportgen.errors import PublishError
from reportgen.quality.nights import Night, RunEntry, nights
from reportgen.record import STATUSES, ReportRecord, Status
from reportgen.render.environment import render_page
from reportgen.render.fonts import font_faces
from reportgen.render.html import FONTS
from reportgen.render.neighbours import NEIGHBOURS, neighbour_pages
from reportgen.render.trends import HEIGHT, WIDTH, Limits, TrendView, trend_view
from reportgen.render.view import WORDS
from reportgen.run_folder import publishing_errors, replace_file
from reportgen.wording import count, listed

INDEX = "index.html"
MARK = "<!-- The nights of a report, written by reportgen. -->"  # in no page but ours
RECENT_MONTHS = 6  # of the calendar; earlier ones are folded by year
RECENT_NIGHTS = 31  # of the table
UNREADABLE = "Cannot be read"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_COUNTED: dict[Status, tuple[str, str]] = {
    "ok": ("OK", "OK"),
    "warn": ("with a warning", "with warnings"),
    "fail": ("failed", "failed"),
    "error": ("in error", "in error"),
}


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
class Fold:
    """Earlier nights of a year, newest first."""

    year: int
    nights: tuple[NightView, ...]


@dataclass(frozen=True)
class Day:
    """A day of a month, with its night if there was a run. number: 0 for another month's day."""

    number: int
    night: Night | None


@dataclass(frozen=True)
class Month:
    """A month, as weeks that begin on Monday."""

    name: str
    year: int
    nights: tuple[Night, ...]
    weeks: tuple[tuple[Day, ...], ...]


@dataclass(frozen=True)
class Year:
    """Months of a year, or those of them that are folded."""

    year: int
    months: tuple[Month, ...]
    nights: tuple[Night, ...]


@dataclass(frozen=True)
class IndexView:
    """The page of all nights as it is shown. newest: None when there is no run yet."""

    report: ReportRecord
    newest: NightView | None
    counted: str
    synthetic: str
    recent_months: tuple[Month, ...]
    earlier_years: tuple[Year, ...]
    trends: tuple[TrendView, ...]
    unknown_trends: tuple[str, ...]
    recent: tuple[NightView, ...]
    earlier: tuple[Fold, ...]


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
    with publishing_errors(folder, "the report was published, the list of nights is the former"):
        refuse_foreign(path, [MARK], "was not written by reportgen", "move it away")
        pages.mkdir(exist_ok=True)
        wanted = neighbour_pages(runs)
        for name in {file.name for file in pages.glob("????-??-??-*.html")} - wanted.keys():
            (pages / name).unlink()
        for name, content in wanted.items():
            replace_file(pages / name, content)
        replace_file(path, page)
    return path


def refuse_foreign(path: Path, marks: Sequence[str], why: str, hint: str) -> None:
    """Raise PublishError for a page that is there and has none of the marks of our pages."""
    if path.exists() and not any(mark.encode() in path.read_bytes() for mark in marks):
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
    page = render_page(
        "index.html.j2",
        templates,
        view=_index(known, list(views.values()), report, trends, limits or {}),
        of_date=views,
        counted=_counted,
        statuses=[(status, WORDS[status]) for status in STATUSES],
        weekdays=WEEKDAYS,
        width=WIDTH,
        height=HEIGHT,
        fonts=Markup(FONTS),  # noqa: S704 - a constant
    )
    return f"{page.replace(FONTS, font_faces(page), 1)}{MARK}\n".encode()


def _index(
    known: list[Night],
    views: list[NightView],
    report: ReportRecord,
    trends: Sequence[str],
    limits: Mapping[str, Limits],
) -> IndexView:
    months = calendar_months(known)
    drawn = {key: trend_view(key, known, limits.get(key)) for key in trends}
    newest_first = views[::-1]
    earlier = groupby(newest_first[RECENT_NIGHTS:], lambda night: int(night.date[:4]))
    return IndexView(
        report=report,
        newest=newest_first[0] if newest_first else None,
        counted=_counted(known),
        synthetic=_synthetic(known),
        recent_months=tuple(months[-RECENT_MONTHS:]),
        earlier_years=tuple(calendar_years(months[:-RECENT_MONTHS])),
        trends=tuple(trend for trend in drawn.values() if trend is not None),
        unknown_trends=tuple(key for key, trend in drawn.items() if trend is None),
        recent=tuple(newest_first[:RECENT_NIGHTS]),
        earlier=tuple(Fold(year, tuple(group)) for year, group in earlier),
    )


def _counted(known: Sequence[Night]) -> str:
    """Count nights by status: ``31 nights: 28 OK, 2 with warnings and 1 failed``."""
    total = "1 night" if len(known) == 1 else f"{count(len(known))} nights"
    by_status = Counter(night.run.status for night in known)
    parts = [
        f"{count(by_status[status])} {_COUNTED[status][by_status[status] > 1]}"
        for status in STATUSES
        if by_status[status]
    ]
    if by_status[None]:
        parts.append(f"{count(by_status[None])} that cannot be read")
    return f"{total}: {listed(parts)}" if parts else "No night yet"


def _synthetic(known: Sequence[Night]) -> str:
    made_up = sum(night.run.synthetic for night in known)
    if not made_up:
        return ""
    if made_up == len(known):
        return "No night holds observations."
    one = "1 night does" if made_up == 1 else f"{count(made_up)} nights do"
    return f"{one} not hold observations; each says so in the list."


def _night(night: Night) -> NightView:
    day = night.date
    run = _run(night.run)
    page = dict(run.links).get("HTML")
    identity = f"night-{day}"
    return NightView(
        id=identity,
        date=str(day),
        day=f"{day.day} {day:%b}",
        weekday=f"{day:%a}",
        name=f"{day.day} {day:%B %Y}",
        run=run,
        others=tuple(_run(other) for other in night.others),
        target=page or f"#{identity}",
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
    return [
        _month(year, month, tuple(group))
        for (year, month), group in groupby(nights, lambda n: (n.date.year, n.date.month))
    ]


def _month(year: int, month: int, nights: tuple[Night, ...]) -> Month:
    by_day = {night.date.day: night for night in nights}
    weeks = calendar.Calendar().monthdayscalendar(year, month)
    return Month(
        f"{nights[0].date:%B} {year}",
        year,
        nights,
        tuple(tuple(Day(day, by_day.get(day)) for day in week) for week in weeks),
    )


def calendar_years(months: Iterable[Month]) -> list[Year]:
    """Return months by year, newest year first. months: oldest first."""
    years = [(year, tuple(group)) for year, group in groupby(months, lambda month: month.year)]
    return [
        Year(year, group, tuple(night for month in group for night in month.nights))
        for year, group in reversed(years)
    ]

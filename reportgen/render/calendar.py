"""The calendar of nights: months of days, each with the status of its night."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from reportgen.render.runs import Night

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


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


def calendar_months(nights: Iterable[Night]) -> list[Month]:
    """Give the months that have a night. nights: oldest first."""
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
    """Give months by year, newest year first. months: oldest first."""
    years = [(year, tuple(group)) for year, group in groupby(months, lambda month: month.year)]
    return [
        Year(year, group, tuple(night for month in group for night in month.nights))
        for year, group in reversed(years)
    ]

"""How metrics moved over the nights: small line charts, laid out here and drawn by a template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reportgen.config.columns import unit_symbol
from reportgen.quality.nights import Night
from reportgen.render.series import Series, SeriesPoint
from reportgen.wording import MISSING, counted, exact, number

MOST_NIGHTS = 120  # a night more would be narrower than the line
WIDTH, HEIGHT = 340.0, 118.0  # CSS pixels where there is room
_LEFT, _RIGHT, _TOP, _BOTTOM = 3.0, 58.0, 9.0, 96.0  # of the lines; labels stand at the right
_LABEL_DISTANCE = 12.5
_FAR_LIMIT = 1.5  # a limit that is farther from the values than so many times their range


@dataclass(frozen=True)
class Limits:
    """What a metric should lie between; None for no limit."""

    lower: float | None = None
    upper: float | None = None

    @property
    def given(self) -> list[float]:
        """The limits that there are, the lower one first."""
        return [limit for limit in (self.lower, self.upper) if limit is not None]

    def hold(self, value: float) -> bool:
        """Return whether a value lies within."""
        return (self.lower is None or value >= self.lower) and (
            self.upper is None or value <= self.upper
        )


@dataclass(frozen=True)
class Rule:
    """A horizontal line with its label. kind: value or limit."""

    y: str
    label: str
    label_y: str
    kind: str


@dataclass(frozen=True)
class Dot:
    """A night that has a mark of its own. outside: of the limits."""

    x: str
    y: str
    outside: bool


@dataclass(frozen=True)
class TrendView:
    """A metric over the nights. lines: one for each run of nights that all have a value."""

    key: str
    label: str
    unit: str
    value: str
    lines: tuple[str, ...]
    rules: tuple[Rule, ...]
    dots: tuple[Dot, ...]
    gaps: tuple[str, ...]
    first: str
    last: str
    description: str
    notes: tuple[str, ...]


def trend_view(key: str, nights: Sequence[Night], limits: Limits | None) -> TrendView | None:
    """Lay out a metric over the last nights, oldest first; None when none of them knows it.

    A night without a value, or without a run where there is one every night, is a gap. Where the
    unit has changed only values in the newest one are shown.
    """
    window = [night for night in nights if night.run.status is not None][-MOST_NIGHTS:]
    known = [night.run.metrics[key] for night in window if key in night.run.metrics]
    if not known:
        return None
    newest, limits = known[-1], limits or Limits()
    points = []
    for night in window:
        metric = night.run.metrics.get(key)
        value = metric.value if metric is not None and metric.unit == newest.unit else None
        points.append(SeriesPoint(night.date, value, value is None or limits.hold(value)))
    series = Series(newest.label, unit_symbol(newest.unit), newest.digits, tuple(points))
    chart = _Chart(series, limits)
    lines = series.lines()
    alone = [line[0] for line in lines if len(line) == 1]
    others = sum(metric.unit != newest.unit for metric in known)
    notes = [f"Limit {exact(limit)}, outside the chart." for limit in chart.far]
    if others:
        are = "is" if others == 1 else "are"
        unit = series.unit or "now"
        notes.append(
            f"{counted(others, 'nights')} {are} left out that had another unit than {unit}."
        )
    last = points[-1]
    return TrendView(
        key=key,
        label=series.label,
        unit=series.unit,
        value=MISSING if last.value is None else number(last.value, series.digits),
        lines=tuple(
            " ".join(f"{chart.x(point)},{chart.y(point.value)}" for point in line)
            for line in lines
            if len(line) > 1
        ),
        rules=tuple(chart.rules()),
        dots=tuple(
            Dot(chart.x(point), chart.y(point.value), not point.fine)
            for point in points
            if point.value is not None and (point is last or point in alone or not point.fine)
        ),
        gaps=tuple(chart.x(point) for point in points if point.value is None),
        first=_day(points[0].night),
        last=_day(last.night),
        description=_description(series, limits),
        notes=tuple(notes),
    )


class _Chart:
    """Where things are in the chart of a metric. far: limits that are outside of it."""

    def __init__(self, series: Series, limits: Limits) -> None:
        self._series = series
        self._first = series.points[0].night
        self._days = (series.points[-1].night - self._first).days
        low, high = min(series.values, default=0.0), max(series.values, default=0.0)
        reach = (high - low) * _FAR_LIMIT or abs(high) * _FAR_LIMIT or 1.0
        given = limits.given if series.values else []
        self._near = [limit for limit in given if low - reach <= limit <= high + reach]
        self.far = [limit for limit in given if limit not in self._near]
        self._low, self._high = min([low, *self._near]), max([high, *self._near])

    def x(self, point: SeriesPoint) -> str:
        """Return where a night is across."""
        right = WIDTH - _RIGHT
        if not self._days:
            return f"{right:.1f}"
        return f"{_LEFT + (point.night - self._first).days / self._days * (right - _LEFT):.1f}"

    def y(self, value: float | None) -> str:
        """Return where a value is."""
        return f"{self._height(value or 0.0):.1f}"

    def _height(self, value: float) -> float:
        if self._high == self._low:
            return (_TOP + _BOTTOM) / 2
        return _BOTTOM - (value - self._low) / (self._high - self._low) * (_BOTTOM - _TOP)

    def rules(self) -> list[Rule]:
        """Return lines at the least and the largest value, and at the limits."""
        values = self._series.values
        if not values:
            return []
        levels = [
            (value, "value", number(value, self._series.digits))
            for value in {min(values), max(values)}
        ]
        levels += [(limit, "limit", f"limit {exact(limit)}") for limit in self._near]
        levels.sort(key=lambda level: -level[0])
        heights = _apart([self._height(value) for value, _, _ in levels])
        return [
            Rule(self.y(value), label, f"{height + 3.5:.1f}", kind)
            for (value, kind, label), height in zip(levels, heights, strict=True)
        ]


def _apart(heights: list[float]) -> list[float]:
    """Move labels, highest first, so that none covers another."""
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + _LABEL_DISTANCE)
    lowest = _BOTTOM + 4
    for i in reversed(range(len(heights))):
        heights[i] = min(heights[i], lowest)
        lowest = heights[i] - _LABEL_DISTANCE
    return heights


def _description(series: Series, limits: Limits) -> str:
    shown = [(point.value, point.night) for point in series.points if point.value is not None]
    if not shown:
        return f"No value on any of {len(series.points)} nights."

    def text(value: float) -> str:
        return f"{number(value, series.digits)} {series.unit}".strip()

    low, high = min(shown), max(shown)
    last, on = shown[-1]
    first_night, last_night = series.points[0].night, series.points[-1].night
    parts = [
        f"{len(shown)} of {len(series.points)} nights from {_day(first_night)} to "
        f"{_day(last_night)} {'has' if len(shown) == 1 else 'have'} a value.",
        f"Least {text(low[0])} on {_day(low[1])}, most {text(high[0])} on {_day(high[1])}, "
        f"last {text(last)} on {_day(on)}.",
    ]
    if limits.given:
        outside = sum(not point.fine for point in series.points)
        nights = "night" if outside == 1 else "nights"
        limit = " and ".join(map(text, limits.given))
        parts.append(f"{outside or 'No'} {nights} outside the limits, {limit}.")
    return " ".join(parts)


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"

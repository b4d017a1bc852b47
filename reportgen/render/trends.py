"""How metrics moved over the nights: small line charts, laid out here and drawn by a template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reportgen.config.columns import unit_symbol
from reportgen.quality.history.records import MetricValue
from reportgen.quality.nights import Night
from reportgen.render.series import usual_step
from reportgen.wording import MISSING, number

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
    when: str
    lines: tuple[str, ...]
    rules: tuple[Rule, ...]
    dots: tuple[Dot, ...]
    gaps: tuple[str, ...]
    first: str
    last: str
    description: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    def y(self, value: float) -> float:
        if self.high == self.low:
            return (_TOP + _BOTTOM) / 2
        return _BOTTOM - (value - self.low) / (self.high - self.low) * (_BOTTOM - _TOP)


def trend_view(key: str, nights: Sequence[Night], limits: Limits | None) -> TrendView | None:
    """Lay out a metric over the last nights, oldest first; None when none of them knows it.

    A night without a value, or without a run where there is one every night, is a gap. Where the
    unit has changed only values in the newest one are shown.
    """
    window = [night for night in nights if night.run.status is not None][-MOST_NIGHTS:]
    known = [night.run.metrics[key] for night in window if key in night.run.metrics]
    if not known:
        return None
    newest = known[-1]
    values = [_value(night.run.metrics.get(key), newest.unit) for night in window]
    shown = [value for value in values if value is not None]
    others = sum(metric.unit != newest.unit for metric in known)
    days = [night.date for night in window]
    limits = limits or Limits()
    scale, far = _scale(shown, limits)
    lines = _lines(days, values)
    return TrendView(
        key=key,
        label=newest.label,
        unit=unit_symbol(newest.unit),
        value=MISSING if values[-1] is None else number(values[-1], newest.digits),
        when=_day(days[-1]),
        lines=tuple(
            " ".join(f"{_x(days, i):.1f},{scale.y(values[i] or 0):.1f}" for i in line)
            for line in lines
            if len(line) > 1
        ),
        rules=tuple(_rules(shown, limits, scale, newest.digits)),
        dots=tuple(
            Dot(f"{_x(days, i):.1f}", f"{scale.y(value):.1f}", not limits.hold(value))
            for i, value in enumerate(values)
            if value is not None
            and (i == len(values) - 1 or [i] in lines or not limits.hold(value))
        ),
        gaps=tuple(f"{_x(days, i):.1f}" for i, value in enumerate(values) if value is None),
        first=_day(days[0]),
        last=_day(days[-1]),
        description=_description(days, values, newest, limits),
        notes=(*far, *_other_units(others, newest.unit)),
    )


def _value(metric: MetricValue | None, unit: str) -> float | None:
    return metric.value if metric is not None and metric.unit == unit else None


def _scale(shown: Sequence[float], limits: Limits) -> tuple[_Scale, list[str]]:
    """Return the scale of the values, with the limits that are near, and words for the others."""
    if not shown:
        return _Scale(0, 0), []
    low, high = min(shown), max(shown)
    reach = (high - low) * _FAR_LIMIT or abs(high) * _FAR_LIMIT or 1.0
    near = [limit for limit in _given(limits) if low - reach <= limit <= high + reach]
    far = [limit for limit in _given(limits) if limit not in near]
    said = [f"Limit {number(limit)}, outside the chart." for limit in far]
    return _Scale(min([low, *near]), max([high, *near])), said


def _given(limits: Limits) -> list[float]:
    return [limit for limit in (limits.lower, limits.upper) if limit is not None]


def _lines(days: Sequence[date], values: Sequence[float | None]) -> list[list[int]]:
    """Return the nights that a line joins, as places among the nights."""
    usual = usual_step(days)
    lines: list[list[int]] = []
    for i, value in enumerate(values):
        joined = i > 0 and values[i - 1] is not None and (days[i] - days[i - 1]).days < 2 * usual
        if value is not None and joined:
            lines[-1].append(i)
        elif value is not None:
            lines.append([i])
    return lines


def _x(days: Sequence[date], place: int) -> float:
    whole = (days[-1] - days[0]).days
    right = WIDTH - _RIGHT
    if not whole:
        return right
    return _LEFT + (days[place] - days[0]).days / whole * (right - _LEFT)


def _rules(shown: Sequence[float], limits: Limits, scale: _Scale, digits: int | None) -> list[Rule]:
    levels = [(value, "value", number(value, digits)) for value in sorted(set(_ends(shown)))]
    levels += [
        (limit, "limit", f"limit {number(limit)}")
        for limit in _given(limits)
        if scale.low <= limit <= scale.high and shown
    ]
    levels.sort(key=lambda level: -level[0])
    heights = _apart([scale.y(value) for value, _, _ in levels])
    return [
        Rule(f"{scale.y(value):.1f}", label, f"{height + 3.5:.1f}", kind)
        for (value, kind, label), height in zip(levels, heights, strict=True)
    ]


def _ends(shown: Sequence[float]) -> list[float]:
    return [min(shown), max(shown)] if shown else []


def _apart(heights: list[float]) -> list[float]:
    """Move labels, highest first, so that none covers another."""
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + _LABEL_DISTANCE)
    lowest = _BOTTOM + 4
    for i in reversed(range(len(heights))):
        heights[i] = min(heights[i], lowest)
        lowest = heights[i] - _LABEL_DISTANCE
    return heights


def _description(
    days: Sequence[date], values: Sequence[float | None], newest: MetricValue, limits: Limits
) -> str:
    shown = [(value, day) for value, day in zip(values, days, strict=True) if value is not None]
    if not shown:
        return f"No value on any of {len(days)} nights."

    def said(value: float) -> str:
        return f"{number(value, newest.digits)} {unit_symbol(newest.unit)}".strip()

    low, high = min(shown), max(shown)
    last, on = shown[-1]
    parts = [
        f"{len(shown)} of {len(days)} nights from {_day(days[0])} to {_day(days[-1])} "
        f"{'has' if len(shown) == 1 else 'have'} a value.",
        f"Least {said(low[0])} on {_day(low[1])}, most {said(high[0])} on {_day(high[1])}, "
        f"last {said(last)} on {_day(on)}.",
    ]
    outside = sum(not limits.hold(value) for value, _ in shown)
    if _given(limits):
        nights = "night" if outside == 1 else "nights"
        limit = " and ".join(said(value) for value in _given(limits))
        parts.append(f"{outside or 'No'} {nights} outside the limits, {limit}.")
    return " ".join(parts)


def _other_units(others: int, unit: str) -> list[str]:
    if not others:
        return []
    nights = "1 night is" if others == 1 else f"{others} nights are"
    return [f"{nights} left out that had another unit than {unit_symbol(unit) or 'now'}."]


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"

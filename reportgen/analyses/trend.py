"""How metrics of a report moved over the nights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from pydantic import Field, field_validator

from reportgen.analyses.base import HistoryAnalysis, no_repeats
from reportgen.analyses.methods import SCATTER
from reportgen.analyses.phrases import capital
from reportgen.analyses.plotting.axes import DASHED, is_left_empty, new_figure
from reportgen.analyses.plotting.lettering import label_axes
from reportgen.analyses.plotting.ticks import Values, set_around
from reportgen.analyses.results import Axes, Drawing, Figure, Section, TableColumn
from reportgen.config.columns import with_unit
from reportgen.config.suggest import unknown
from reportgen.config.types import Count, Positive, Text
from reportgen.errors import SectionError
from reportgen.reduce.moments import robust_std
from reportgen.style import series_colour
from reportgen.wording import counted, exact, listed, number

FEWEST = 5  # nights from which a scatter can be told
MOST_DATES = 4  # with a number, beside each other
FAR = 3.0  # times the range of the values: a limit beyond is not drawn, but told in the caption


@dataclass(frozen=True)
class MetricHistory:
    """A metric over the nights, tonight last.

    key: ``section.metric``. section: its title. values: None where a night has no number. low,
    high: limits of the checks on it.
    """

    key: str
    section: str
    label: str
    unit: str
    symbol: str
    digits: int | None
    nights: Sequence[date]
    values: Sequence[float | None]
    low: float | None = None
    high: float | None = None

    @property
    def known(self) -> list[float]:
        """The values that there are."""
        return [value for value in self.values if value is not None]

    @property
    def array(self) -> Values:
        """The values, NaN where there is none."""
        return np.array([np.nan if v is None else v for v in self.values], dtype=np.float64)

    @property
    def limits(self) -> list[float]:
        """The limits that there are, the lower one first."""
        return [limit for limit in (self.low, self.high) if limit is not None]

    def near_limits(self) -> list[float]:
        """Return the limits that are near enough to the values to be drawn with them."""
        if not self.known:
            return []
        low, high = min(self.known), max(self.known)
        reach = FAR * ((high - low) or abs(high) or 1.0)
        return [limit for limit in self.limits if low - reach <= limit <= high + reach]

    def quantity(self, value: float) -> str:
        """Return a value with its unit, for a sentence."""
        return with_unit(number(value, self.digits), self.symbol)


class Trend(HistoryAnalysis, name="trend", methods=(SCATTER,)):
    """Metrics of the other sections over the last nights, with limits and outlying nights."""

    metrics: tuple[Text, ...] = Field(min_length=1)
    """Which metrics, each as section.metric."""
    nights: Count = 60
    """How many nights to show, tonight included."""
    outlier: Positive = 5.0
    """Distance from the median, in units of the usual scatter, from which a night is marked."""

    _once = field_validator("metrics")(no_repeats)

    @field_validator("metrics")
    @classmethod
    def _of_sections(cls, metrics: tuple[str, ...]) -> tuple[str, ...]:
        for name in metrics:
            if not all(name.partition(".")[::2]):
                raise ValueError(f"{name!r} is not of the form section.metric")
        return metrics

    def present(self, histories: Mapping[str, MetricHistory]) -> Section:
        """Draw each metric."""
        for name in self.metrics:
            section = name.partition(".")[0]
            if not any(key.partition(".")[0] == section for key in histories):
                said = f"the section {section!r} has no metrics, neither tonight nor before"
                raise SectionError(said, "mend that section, or choose metrics of another one")
            if name not in histories:
                said = unknown("metric", name, histories)
                raise SectionError(said, "choose one of another section")
        chosen = [
            replace(each, nights=each.nights[-self.nights :], values=each.values[-self.nights :])
            for each in (histories[name] for name in self.metrics)
        ]
        found = [(each, outlying(each, self.outlier)) for each in chosen]
        finding = _finding(found, self.outlier)
        if all(len(histories[name].nights) == 1 for name in self.metrics):
            finding = "No earlier night is known, so there is nothing to compare this one with."
            return Section(findings=[f"{finding} Figures begin with the second night."])
        return Section(
            findings=[finding],
            figures=[
                self._figure(f"trend_{place}", *each) for place, each in enumerate(found, start=1)
            ],
        )

    def _figure(self, name: str, each: MetricHistory, outliers: Sequence[int]) -> Figure:
        known, of = each.known, TableColumn.of
        alt = f"{counted(len(each.nights), 'nights')} of {each.label}."
        if known:
            alt += f" From {each.quantity(min(known))} to {each.quantity(max(known))}, "
            alt += f"median {each.quantity(float(np.median(known)))}."
        if gaps := len(each.values) - len(known):
            alt += f" Without a value: {counted(gaps, 'nights')}."
        days = listed([f"{each.nights[k].day} {each.nights[k]:%B %Y}" for k in outliers], 5)
        if len(known) < FEWEST:
            alt += " There are too few nights to tell what is usual."
        else:
            alt += f" Outlying: {days}." if outliers else " No night stands out."
        title, near = capital(each.label), each.near_limits()
        caption = f"{title} by night, of “{each.section}”"
        for place, limits in (
            ("dashed", near),
            ("beyond the figure", [limit for limit in each.limits if limit not in near]),
        ):
            if limits:
                said = " and ".join(with_unit(exact(limit), each.symbol) for limit in limits)
                caption += f"; {place}: the limit{'s' if len(limits) > 1 else ''} {said}"
        columns = [
            of("night", [f"{night:%Y-%m-%d}" for night in each.nights]),
            of("value", each.array, each.unit, digits=each.digits),
            of("outlying", [int(k in outliers) for k in range(len(each.nights))]),
        ]
        return Figure.of(
            name,
            draw_trend(each, outliers),
            title,
            columns,
            alt=alt,
            caption=f"{caption}. Rings: more than {exact(self.outlier)} times the usual scatter "
            "from the median.",
            about=f"{each.label} by night",
        )


def _finding(found: Sequence[tuple[MetricHistory, Sequence[int]]], times: float) -> str:
    """Say how tonight compares with the nights before."""
    histories = [each for each, _ in found]
    nights = f"the last {counted(max(len(each.nights) for each in histories), 'nights')}"
    outside = [
        f"{each.label} ({each.quantity(each.values[-1] or 0.0)})"
        for each, outliers in found
        if len(each.values) - 1 in outliers
    ]
    if outside:
        return f"Tonight stands out from {nights}: {listed(outside)}."
    present = [each for each in histories if each.values[-1] is not None]
    if not present:
        return f"Tonight none of {counted(len(found), 'metrics')} has a value."
    compared = [each for each in present if len(each.known) >= FEWEST]
    if not compared:
        most = max(len(each.known) for each in present)
        return f"There are too few nights ({most}) to tell what is usual."
    left = [each.label for each in histories if each not in compared]
    why = "as they have no value tonight, or too few nights before"
    others = f" Not compared, {why}: {listed(left)}." if left else ""
    far = f"{exact(times)} times the usual scatter from the median"
    return f"Tonight lies no more than {far} of {nights}.{others}"


def outlying(each: MetricHistory, times: float) -> list[int]:
    """Return the nights that lie so many times the usual scatter from the median of the others.

    The scatter is 1.4826 median absolute deviations; none stands out among fewer than five, nor
    where half of the nights have one value and another differs by rounding.
    """
    if len(each.known) < FEWEST:
        return []
    middle = float(np.median(each.known))
    least = max(times * robust_std(np.array(each.known)), 1e-9 * abs(middle))
    return np.flatnonzero(np.abs(each.array - middle) > least).tolist()


def draw_trend(each: MetricHistory, outliers: Sequence[int]) -> Drawing:
    """Draw a metric by night; nights without a value, or without a run, part the line."""
    figure, axes = new_figure(46)
    label = capital(each.label)
    label_axes(axes, "Night", f"{label} [{each.symbol}]" if each.symbol else label)
    if is_left_empty(axes, each.known):
        return figure
    limits = each.near_limits()
    drawn = [*each.known, *limits]
    set_around(axes.yaxis, np.array(drawn), 0.08, most=5)
    _set_dates(axes, each.nights[0], each.nights[-1])
    for limit in limits:
        axes.axhline(limit, **DASHED)
    days = np.array([night.toordinal() for night in each.nights], dtype=np.float64)
    line: dict[str, Any] = {"color": series_colour(0), "linewidth": 1.0}
    axes.plot(*_with_gaps(days, each.array), marker=".", markersize=3.5, **line)
    axes.fmt_xdata = _day  # what a page says of a point
    marked = list(outliers)
    ring: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": series_colour(4)}
    axes.plot(days[marked], each.array[marked], linestyle="", marker="o", markersize=7, **ring)
    return figure


def _with_gaps(days: Values, values: Values) -> tuple[Values, Values]:
    """Return days and values with a NaN between days where a run is missing."""
    steps = np.diff(days)
    usual = np.median(steps) if len(steps) else 1.0
    after = np.flatnonzero(steps >= 2 * usual) + 1
    middles = [(days[k - 1] + days[k]) / 2 for k in after]
    return np.insert(days, after, middles), np.insert(values, after, np.nan)


def _day(place: float) -> str:
    day = date.fromordinal(round(place))
    return f"{day.day} {day:%B %Y}"


def _set_dates(axes: Axes, first: date, last: date) -> None:
    """Number an axis of days with dates."""
    span = (last - first).days
    low, high = first.toordinal() - 0.5, last.toordinal() + 0.5
    slack = 0.03 * (high - low)
    axes.set_xlim(low - slack, high + slack)
    step = max(1, -(-span // (MOST_DATES - 1)))
    ticks = [last - timedelta(days=k) for k in range(0, span + 1, step)][::-1]
    year = " %Y" if first.year != last.year else ""
    labels = [f"{tick.day} {tick:%b{year}}" for tick in ticks]
    axes.set_xticks([tick.toordinal() for tick in ticks], labels)

"""How metrics of a report moved over the nights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from reportgen.analyses.base import HistoryAnalysis
from reportgen.analyses.results import Figure, Section, Table, TableColumn
from reportgen.analyses.trend_figure import near_limits, trend_drawing
from reportgen.analyses.words import counted
from reportgen.config.suggest import unknown
from reportgen.config.types import Count, Positive, Text
from reportgen.errors import SectionError
from reportgen.numbers import listed, number

Values = NDArray[np.float64]
NORMAL_MAD = 1.4826  # standard deviation of a normal distribution in median absolute deviations
FEWEST = 5  # nights from which a scatter can be told


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


class Trend(HistoryAnalysis, name="trend"):
    """Metrics of the other sections over the last nights, with limits and outlying nights."""

    metrics: tuple[Text, ...] = Field(min_length=1)
    """Which metrics, each as section.metric."""
    nights: Count = 60
    """How many nights to show, tonight included."""
    outlier: Positive = 5.0
    """Distance from the median, in units of the usual scatter, from which a night is marked."""

    @field_validator("metrics")
    @classmethod
    def _once(cls, metrics: tuple[str, ...]) -> tuple[str, ...]:
        for place, name in enumerate(metrics):
            if name in metrics[:place]:
                raise ValueError(f"{name} stands here twice")
            if not all(name.partition(".")[::2]):
                raise ValueError(f"{name!r} is not of the form section.metric")
        return metrics

    def present(self, **values: Any) -> Section:
        """Draw each metric."""
        known: Mapping[str, MetricHistory] = values["histories"]
        for name in self.metrics:
            if name not in known:
                raise SectionError(unknown("metric", name, known), "choose one of another section")
        histories = [_last(known[name], self.nights) for name in self.metrics]
        outliers = {each.key: outlying(each, self.outlier) for each in histories}
        return Section(
            findings=self._findings(histories, outliers),
            figures=[
                self._figure(place, each, outliers[each.key])
                for place, each in enumerate(histories, start=1)
            ],
        )

    def _findings(
        self, histories: Sequence[MetricHistory], outliers: Mapping[str, Sequence[int]]
    ) -> list[str]:
        tonight = [
            f"{each.label} ({_said(each, each.values[-1] or 0.0)})"
            for each in histories
            if len(each.values) - 1 in outliers[each.key]
        ]
        longest = max(len(each.nights) for each in histories)
        if longest == 1:
            return ["This is the first night, so there is nothing to compare it with."]
        nights = f"the last {counted(longest, 'night')}"
        if tonight:
            return [f"Tonight stands out from {nights}: {listed(tonight)}."]
        comparable = [each for each in histories if each.values[-1] is not None]
        if not comparable:
            return [f"Tonight none of {counted(len(histories), 'metric')} has a value."]
        if all(len(_numbers(each)) < FEWEST for each in comparable):
            return [f"There are too few nights ({longest}) to tell what is usual."]
        return [f"Tonight is within the usual scatter of {nights}."]

    def _figure(self, place: int, each: MetricHistory, outliers: Sequence[int]) -> Figure:
        found = _numbers(each)
        gaps = len(each.values) - len(found)
        said = f"{counted(len(each.nights), 'night')} of {each.label}."
        if found:
            said += f" From {_said(each, min(found))} to {_said(each, max(found))}, "
            said += f"median {_said(each, float(np.median(found)))}."
        if gaps:
            said += f" Without a value: {counted(gaps, 'night')}."
        days = listed([f"{each.nights[k].day} {each.nights[k]:%B %Y}" for k in outliers], 5)
        said += f" Outlying: {days}." if outliers else " No night stands out."
        near = near_limits(each)
        drawn = [_said(each, limit) for limit in near]
        far = [_said(each, v) for v in (each.low, each.high) if v is not None and v not in near]
        limits = f"; dashed: {_limits(drawn)}" if drawn else ""
        limits += f"; beyond the figure: {_limits(far)}" if far else ""
        title = f"{each.label[:1].upper()}{each.label[1:]}"
        return Figure(
            f"trend_{place}",
            trend_drawing(each, outliers),
            title,
            alt=said,
            caption=f"{title} by night, of “{each.section}”{limits}. Rings: more than "
            f"{number(self.outlier)} times the usual scatter from the median.",
            data=Table(
                f"trend_{place}",
                f"{each.label} by night",
                [
                    TableColumn.of("night", [f"{night:%Y-%m-%d}" for night in each.nights]),
                    TableColumn.of("value", _array(each), each.unit, digits=each.digits),
                    TableColumn.of(
                        "outlying", [int(k in outliers) for k in range(len(each.nights))]
                    ),
                ],
                shown=False,
            ),
        )


def _limits(said: Sequence[str]) -> str:
    return f"the limit{'s' if len(said) > 1 else ''} {' and '.join(said)}"


def outlying(each: MetricHistory, times: float) -> list[int]:
    """Give the nights that lie so many times the usual scatter from the median of the others.

    The scatter is 1.4826 median absolute deviations; none stands out among fewer than five, nor
    where half of the nights have one value and another differs by rounding.
    """
    values = _array(each)
    found = values[np.isfinite(values)]
    if len(found) < FEWEST:
        return []
    middle = float(np.median(found))
    scatter = NORMAL_MAD * float(np.median(np.abs(found - middle)))
    least = max(times * scatter, 1e-9 * abs(middle))
    return np.flatnonzero(np.abs(values - middle) > least).tolist()


def _array(each: MetricHistory) -> Values:
    return np.array([np.nan if v is None else v for v in each.values], dtype=np.float64)


def _numbers(each: MetricHistory) -> list[float]:
    return [value for value in each.values if value is not None]


def _last(each: MetricHistory, nights: int) -> MetricHistory:
    return MetricHistory(
        each.key,
        each.section,
        each.label,
        each.unit,
        each.symbol,
        each.digits,
        each.nights[-nights:],
        each.values[-nights:],
        each.low,
        each.high,
    )


def _said(each: MetricHistory, value: float) -> str:
    text = number(value, each.digits)
    return f"{text}\u00a0{each.symbol}" if each.symbol else text

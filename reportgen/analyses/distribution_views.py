"""The figures of a distribution: a histogram over a range, and values in rising order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from reportgen.analyses.base import BinCount
from reportgen.analyses.drawing import Line, curves, outlines, palette_places
from reportgen.analyses.results import Figure, Table, TableColumn
from reportgen.analyses.words import (
    counted,
    digits_among,
    fullest,
    interval,
    short_titles,
    together,
)
from reportgen.config.columns import Column
from reportgen.config.expressions import Condition
from reportgen.config.types import Block, Count, Real
from reportgen.numbers import count, listed, number
from reportgen.reduce.histograms import Histogram, HistogramCounts
from reportgen.reduce.quantiles import Curve
from reportgen.style import series_colour

MOST_SAID = 8  # columns that the alternative text of one figure describes


@dataclass(frozen=True)
class Drawn:
    """The columns of a section: all of them, and those with valid values, which are drawn.

    not_above_zero: how many valid values are 0 or less, by name; empty if no axis is logarithmic.
    limits: what checks ask of the median or mean of a column, by name.
    """

    columns: Sequence[Column]
    valid: Sequence[Column]
    not_above_zero: Mapping[str, int]
    limits: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def places(self) -> dict[str, int]:
        """Places in the palette, the same in every figure of the section."""
        return palette_places(self.columns)

    @property
    def labels(self) -> dict[str, str]:
        """Short names, the same in every figure of the section."""
        return short_titles(self.columns)

    def limits_between(self, low: float, high: float) -> list[tuple[Column, float]]:
        """Give the limits that lie on an axis, each with its column."""
        return [
            (column, limit)
            for column in self.valid
            for limit in self.limits.get(column.name, ())
            if low <= limit <= high
        ]

    def off_log_axis(self) -> str:
        """Say what a logarithmic axis cannot show; empty when there is nothing of the kind."""
        found = {self.labels[c.name]: self.not_above_zero.get(c.name, 0) for c in self.valid}
        return listed([f"{label} {count(n)}" for label, n in found.items() if n])


class HistogramView(Block):
    """One histogram of the section."""

    bins: BinCount = 50
    """Number of equal bins."""
    above: Real | None = None
    """First edge; the smallest value when not given."""
    below: Real | None = None
    """Last edge, itself left out; the largest value when not given."""
    log: bool = False
    """Logarithmic axis and bins equal in the logarithm."""
    log_axis: bool = False
    """Logarithmic axis with bins equal in the value; needs above."""
    log_counts: bool = False
    """Logarithmic count axis."""

    @model_validator(mode="after")
    def _in_order(self) -> "HistogramView":
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(f"above ({self.above:g}) must be less than below ({self.below:g})")
        ends = [end for end in (self.above, self.below) if end is not None]
        if (self.log or self.log_axis) and any(end <= 0 for end in ends):
            raise ValueError("a logarithmic histogram needs above and below larger than 0")
        if self.log and self.log_axis:
            raise ValueError("log already makes the axis logarithmic; leave out log_axis")
        if self.log_axis and self.above is None:
            raise ValueError(
                "log_axis needs above, larger than 0: equal bins may reach down to 0 and less"
            )
        return self

    def reduction(self, column: str, columns: Sequence[str], where: Condition | None) -> Histogram:
        """Give what to compute for one of the columns that share the bins."""
        limits = (self.above, self.below)
        return Histogram(
            column, self.bins, limits, self.log, tuple(columns), half_open=True, where=where
        )

    def figure(self, place: int, drawn: Drawn, found: Mapping[str, HistogramCounts]) -> Figure:
        """Draw the histograms of the columns that have values; found: by name."""
        labels, places, shared = drawn.labels, drawn.places, together(drawn.columns)
        edges = found[drawn.valid[0].name].edges
        log = self.log or self.log_axis
        drawing = outlines(
            [
                Line(labels[c.name], places[c.name], edges, found[c.name].counts)
                for c in drawn.valid
            ],
            edges,
            shared.axis,
            "Objects per bin",
            log=log,
            log_counts=self.log_counts,
        )
        limits = drawn.limits_between(float(edges[0]), float(edges[-1]))
        for column, limit in limits if drawing.axes[0].patches else ():
            line: dict[str, Any] = {"color": series_colour(places[column.name]), "linewidth": 0.8}
            drawing.axes[0].axvline(limit, linestyle=(0, (4, 2)), **line)
        inside = [c for c in drawn.valid if found[c.name].n]
        span = (
            interval(edges[0], edges[-1], shared, "to") if inside else self._range(shared, log=log)
        )
        title = f"Histogram, {span}"
        of = TableColumn.of
        return Figure(
            f"histogram_{place}",
            drawing,
            title,
            alt=f"Histogram in {self._bins()}, {span}. "
            + _each([_peak(labels[c.name], c, found[c.name]) for c in drawn.valid]),
            caption=self._caption(drawn, found, log=log) + _dashed(drawn, limits),
            data=Table(
                f"histogram_{place}",
                title,
                [
                    of("bin_low", edges[:-1], shared.unit),
                    of("bin_high", edges[1:], shared.unit),
                    *(of(f"n_{c.name}", found[c.name].counts) for c in drawn.valid),
                ],
                shown=False,
            ),
        )

    def _bins(self) -> str:
        return counted(self.bins, "logarithmic bin" if self.log else "bin")

    def _range(self, shared: Column, *, log: bool) -> str:
        """Give the range as it was asked for."""
        if self.above is not None and self.below is not None:
            return interval(self.above, self.below, shared, "to")
        if self.below is not None:
            return f"below {shared.quantity(number(self.below))}"
        if self.above is not None:
            return f"from {shared.quantity(number(self.above))}"
        return "above 0" if log else "all values"

    def _caption(self, drawn: Drawn, found: Mapping[str, HistogramCounts], *, log: bool) -> str:
        labels = drawn.labels
        inside = [labels[c.name] for c in drawn.valid if found[c.name].n]
        empty = [labels[c.name] for c in drawn.valid if not found[c.name].n]
        outside = {
            labels[c.name]: found[c.name].below + found[c.name].above
            for c in drawn.valid
            if found[c.name].below + found[c.name].above
        }
        said = f"Objects in {self._bins()}"
        if not outside:
            said += "; every valid value is inside."
        else:
            beyond = listed([f"{label} {count(n)}" for label, n in outside.items()])
            said += f". Valid values outside the range: {beyond}."
        if log and (hidden := drawn.off_log_axis()):
            said += f" Of them 0 or less, which a logarithmic axis cannot show: {hidden}."
        if inside and empty:
            said += f" Not drawn, as nothing of it is in the range: {listed(empty)}."
        return said


class CurveView(Block):
    """One figure of sorted values."""

    below: Real | None = None
    """Leave out values from here on."""
    log: bool = False
    """Logarithmic value axis."""
    points: Annotated[Count, Field(ge=2, le=20_000)] = 1000
    """Number of points drawn; the curve is thinned evenly in rank."""

    @model_validator(mode="after")
    def _drawable(self) -> "CurveView":
        if self.log and self.below is not None and self.below <= 0:
            raise ValueError("a logarithmic axis needs below larger than 0")
        return self

    def figure(self, place: int, drawn: Drawn, found: Mapping[str, Curve]) -> Figure:
        """Draw the values of each column in rising order; found: by name."""
        labels, places, shared = drawn.labels, drawn.places, together(drawn.columns)
        shown = [c for c in drawn.valid if found[c.name].n]
        drawing = curves(
            [
                Line(
                    labels[c.name],
                    places[c.name],
                    _counted_from_1(found[c.name]),
                    found[c.name].value,
                )
                for c in shown
            ],
            "Objects in order of value",
            shared.axis,
            log=self.log,
        )
        cut = "" if self.below is None else f" below {shared.quantity(number(self.below))}"
        said = (
            _each([_course(labels[c.name], c, found[c.name]) for c in shown]) or "There are none."
        )
        parts = [(c.name, found[c.name]) for c in shown]
        table = Table(
            f"sorted_{place}",
            f"Sorted values{cut}",
            [
                TableColumn.of("column", _repeated([(name, len(c.rank)) for name, c in parts])),
                TableColumn.of("rank", _joined([c.rank + 1 for _, c in parts], np.int64)),
                TableColumn.of("value", _joined([c.value for _, c in parts], float), shared.unit),
            ],
            shown=False,
        )
        return Figure(
            f"sorted_{place}",
            drawing,
            f"Sorted values{cut}",
            alt=f"Valid values{cut} in rising order against their rank. {said}",
            caption=self._caption(cut, drawn, found),
            data=table,
        )

    def _caption(self, cut: str, drawn: Drawn, found: Mapping[str, Curve]) -> str:
        said = (
            f"Valid values{cut} in rising order: the flatter a curve, the more objects have "
            "values close together."
        )
        if any(found[c.name].n > len(found[c.name].rank) for c in drawn.valid):
            said += f" Drawn at {count(self.points)} evenly spaced ranks."
        if self.log and (hidden := drawn.off_log_axis()):
            said += f" Of 0 or less, which a logarithmic axis cannot show: {hidden}."
        empty = [drawn.labels[c.name] for c in drawn.valid if not found[c.name].n]
        if empty:
            said += f" Without a value{cut}: {listed(empty)}."
        return said


def _counted_from_1(curve: Curve) -> Any:
    return (curve.rank + 1).astype(np.float64)


def _each(sentences: Sequence[str]) -> str:
    left = len(sentences) - MOST_SAID
    more = f" {counted(left, 'more column')} not described here." if left > 0 else ""
    return " ".join(sentences[:MOST_SAID]) + more


def _peak(label: str, column: Column, histogram: HistogramCounts) -> str:
    if not histogram.n:
        return f"{label}: no values here."
    values = counted(histogram.n, "value")
    return f"{label}: {values}, {fullest(histogram.counts, histogram.edges, column)}."


def _course(label: str, column: Column, curve: Curve) -> str:
    """Say in words how a curve runs."""
    values, low, high = counted(curve.n, "value"), curve.value[0], curve.value[-1]
    if low == high:
        every = "all " if curve.n > 1 else ""
        return f"{label}: {values}, {every}{column.quantity(number(float(low)))}."
    middle = len(curve.rank) // 2
    value = number(float(curve.value[middle]), digits_among(low, high))
    return (
        f"{label}: {values} from {interval(low, high, column, 'to')}, {value} at rank "
        f"{count(int(curve.rank[middle]) + 1)}."
    )


def _repeated(parts: Sequence[tuple[str, int]]) -> Any:
    names = [name for name, _ in parts]
    return np.repeat(np.array(names, dtype=np.str_), [n for _, n in parts])


def _joined(parts: Sequence[Any], kind: Any) -> Any:
    return np.concatenate([*parts, np.empty(0, dtype=kind)])


def _dashed(drawn: Drawn, limits: Sequence[tuple[Column, float]]) -> str:
    if not limits:
        return ""
    several = len(drawn.columns) > 1
    said = [
        f"{f'{drawn.labels[c.name]} ' if several else ''}{c.quantity(number(limit))}"
        for c, limit in limits
    ]
    return f" Dashed: limits of the checks, {listed(said)}."

"""The figures of a distribution: a histogram over a range, and values in rising order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from reportgen.analyses.base import BinCount, check_order
from reportgen.analyses.phrases import digits_among, fullest_bin, interval
from reportgen.analyses.plotting.axes import DASHED, Line, draw_curves, draw_histograms, say_limits
from reportgen.analyses.results import Figure, TableColumn, edge_columns
from reportgen.config.columns import Column
from reportgen.config.expressions import Condition
from reportgen.config.types import Block, Count, Real
from reportgen.reduce.chunk import Limits
from reportgen.reduce.counts import Counts
from reportgen.reduce.histograms import Histogram, HistogramCounts
from reportgen.reduce.moments import Moments
from reportgen.reduce.quantiles import Curve, QuantileValues
from reportgen.style import series_colour
from reportgen.wording import EXACT, count, counted, exact, listed, number

BINS = 50  # of a histogram of which nobody asks for another number
MOST_SAID = 8  # columns that the alternative text of one figure describes


@dataclass(frozen=True)
class ColumnValues:
    """What the section knows of one column.

    label, order: its short name and its place in the palette, the same in every figure. limits:
    what checks ask of its median or mean. ends: its smallest and largest value. not_above_zero: how
    many valid values are 0 or less; 0 if no axis is logarithmic. cuts, histograms, curves: in the
    order of the section's keys.
    """

    column: Column
    label: str
    order: int
    limits: Sequence[float]
    count: Counts
    ends: Limits
    moments: Moments
    quantiles: QuantileValues
    not_above_zero: int
    cuts: Sequence[int]
    histograms: Sequence[HistogramCounts]
    curves: Sequence[Curve]

    @property
    def range(self) -> tuple[float, float, float]:
        """Smallest value, median and largest value; NaN if there are none."""
        low, high = self.ends or (np.nan, np.nan)
        return low, float(self.quantiles.values[-1]), high

    @property
    def is_rounded(self) -> bool:
        """Whether it has integers that float64 rounds, so that its bins may be too narrow."""
        return isinstance(self.range[0], int)


class HistogramView(Block):
    """One histogram of the section."""

    bins: BinCount | None = None
    """Number of equal bins; 50 when not given, or as many as bins of a whole width give."""
    above: Real | None = None
    """First edge; the smallest value when not given, or 0 of an index from 0 to 1."""
    below: Real | None = None
    """Last edge, itself left out; the largest value when not given, or 1 of an index."""
    log: bool = False
    """Logarithmic axis and bins equal in the logarithm."""
    log_axis: bool = False
    """Logarithmic axis with bins equal in the value; needs above."""
    log_counts: bool = False
    """Logarithmic count axis."""

    @model_validator(mode="after")
    def _in_order(self) -> "HistogramView":
        check_order(self.above, self.below)
        ends = [end for end in (self.above, self.below) if end is not None]
        if self.is_log and any(end <= 0 for end in ends):
            raise ValueError("a logarithmic histogram needs above and below larger than 0")
        if self.log and self.log_axis:
            raise ValueError("log already makes the axis logarithmic; leave out log_axis")
        if self.log_axis and self.above is None:
            raise ValueError(
                "log_axis needs above, larger than 0: equal bins may reach down to 0 and less"
            )
        return self

    @property
    def is_log(self) -> bool:
        """Whether the axis of values is logarithmic."""
        return self.log or self.log_axis

    def reduction(
        self, column: Column, columns: Sequence[str], where: Condition | None
    ) -> Histogram:
        """Return what to compute for one of the columns that share the bins."""
        return Histogram(
            column.name,
            self.bins or BINS,
            (self.above, self.below),
            self.log,
            tuple(columns),
            half_open=True,
            whole=self.bins is None,
            index=not column.unit,
            where=where,
        )

    def figure(self, place: int, shared: Column, valid: Sequence[ColumnValues]) -> Figure:
        """Draw the histograms of columns with values; shared: what all columns have in common."""
        found = [(each, each.histograms[place]) for each in valid]
        edges = found[0][1].edges
        drawing = draw_histograms(
            [Line(each.label, each.order, edges, h.counts) for each, h in found],
            edges,
            shared.axis,
            "Objects per bin",
            log=self.is_log,
            log_counts=self.log_counts,
            whole=found[0][1].whole,
        )
        axes, low, high = drawing.axes[0], float(edges[0]), float(edges[-1])
        limits = []
        for each in valid if axes.patches else ():
            for limit in (limit for limit in each.limits if low <= limit <= high):
                axes.axvline(limit, **{**DASHED, "color": series_colour(each.order)})
                name = f"{each.label} " if len(valid) > 1 else ""
                limits.append(name + each.column.quantity(exact(limit)))
        inside = any(h.n for _, h in found)
        ends = found[0][1].span(0, len(edges) - 2)
        span = interval(*ends, shared, "to") if inside else self._range(shared)
        bins = counted(len(edges) - 1, "logarithmic bins" if self.log else "bins")
        of = TableColumn.of
        columns = [
            *edge_columns(edges, shared.unit, ("bin_low", "bin_high")),
            *(of(f"n_{each.column.name}", h.counts) for each, h in found),
        ]
        name, title = f"histogram_{place + 1}", f"Histogram, {span}"
        return Figure.of(
            name,
            drawing,
            title,
            columns,
            alt=f"Histogram in {bins}, {span}. {_joined([_peak(*each) for each in found])}",
            caption=self._caption(bins, found) + say_limits(limits),
        )

    def _range(self, shared: Column) -> str:
        """Return the range as it was asked for."""
        if self.above is not None and self.below is not None:
            return f"{exact(self.above)} to {shared.quantity(exact(self.below))}"
        if self.below is not None:
            return f"below {shared.quantity(exact(self.below))}"
        if self.above is not None:
            return f"from {shared.quantity(exact(self.above))}"
        return "above 0" if self.is_log else "all values"

    def _caption(self, bins: str, found: Sequence[tuple[ColumnValues, HistogramCounts]]) -> str:
        said = f"Objects in {bins}"
        outside = [(each.label, h.below + h.above) for each, h in found if h.below + h.above]
        if outside:
            beyond = listed([f"{label} {count(n)}" for label, n in outside])
            said += f". Valid values outside the range: {beyond}."
        else:
            said += "; every valid value is inside."
        hidden = _not_above_zero([each for each, _ in found])
        if self.is_log and hidden:
            said += f" Of them 0 or less, which a logarithmic axis cannot show: {hidden}."
        empty = [each.label for each, h in found if not h.n]
        if empty and len(empty) < len(found):
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

    def figure(self, place: int, shared: Column, valid: Sequence[ColumnValues]) -> Figure:
        """Draw the values of each column in rising order."""
        found = [(each, each.curves[place]) for each in valid]
        shown = [(each, curve) for each, curve in found if curve.n]
        drawing = draw_curves(
            [
                Line(each.label, each.order, 1 + curve.rank.astype(float), curve.value)
                for each, curve in shown
            ],
            "Objects in order of value",
            shared.axis,
            log=self.log,
        )
        cut = "" if self.below is None else f" below {shared.quantity(exact(self.below))}"
        said = _joined([_course(*each) for each in shown]) or "There are none."
        names = [each.column.name for each, curve in shown for _ in curve.rank]
        ranks = [np.empty(0, np.int64), *(curve.rank + 1 for _, curve in shown)]
        values = [np.empty(0), *(curve.value for _, curve in shown)]
        of = TableColumn.of
        columns = [
            of("column", np.array(names, dtype=np.str_)),
            of("rank", np.concatenate(ranks)),
            of("value", np.concatenate(values), shared.unit),
        ]
        name, title = f"sorted_{place + 1}", f"Sorted values{cut}"
        return Figure.of(
            name,
            drawing,
            title,
            columns,
            alt=f"Valid values{cut} in rising order against their rank. {said}",
            caption=self._caption(cut, found),
        )

    def _caption(self, cut: str, found: Sequence[tuple[ColumnValues, Curve]]) -> str:
        said = (
            f"Valid values{cut} in rising order: the flatter a curve, the more objects have "
            "values close together."
        )
        if any(curve.n > len(curve.rank) for _, curve in found):
            said += f" Drawn at {count(self.points)} evenly spaced ranks."
        hidden = _not_above_zero([each for each, _ in found])
        if self.log and hidden:
            said += f" Of 0 or less, which a logarithmic axis cannot show: {hidden}."
        if empty := [each.label for each, curve in found if not curve.n]:
            said += f" Without a value{cut}: {listed(empty)}."
        return said


def _not_above_zero(valid: Sequence[ColumnValues]) -> str:
    """Say what a logarithmic axis cannot show; empty when there is nothing of the kind."""
    found = [each for each in valid if each.not_above_zero]
    return listed([f"{each.label} {count(each.not_above_zero)}" for each in found])


def _joined(sentences: Sequence[str]) -> str:
    left = len(sentences) - MOST_SAID
    more = f" {counted(left, 'more columns')} not described here." if left > 0 else ""
    return " ".join(sentences[:MOST_SAID]) + more


def _peak(each: ColumnValues, histogram: HistogramCounts) -> str:
    if not histogram.n:
        return f"{each.label}: no values here."
    if each.is_rounded:
        return f"{each.label}: {counted(histogram.n, 'values')}."
    fullest = fullest_bin(histogram, each.column, count(histogram.counts.max()))
    return f"{each.label}: {counted(histogram.n, 'values')}; {fullest}."


def _course(each: ColumnValues, curve: Curve) -> str:
    """Say in words how a curve runs."""
    said, quantity = f"{each.label}: {counted(curve.n, 'values')}", each.column.quantity
    low, high = float(curve.value[0]), float(curve.value[-1])
    if low == high:
        # Others may have been rounded to it, where values are approximate or float64 is too coarse.
        surely = curve.n == 1 or (not curve.error and abs(low) <= EXACT)
        kind = ("all " if curve.n > 1 else "") if surely else "about "
        return f"{said}, {kind}{quantity(number(low))}."
    middle = len(curve.rank) // 2
    value = number(float(curve.value[middle]), digits_among(low, high))
    rank = count(int(curve.rank[middle]) + 1)
    return f"{said} from {interval(low, high, each.column, 'to')}, {value} at rank {rank}."

"""A column along another, such as the zero point with time, of all rows and of each group."""

from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from reportgen.analyses.base import Analysis, BinCount, Statistics, check_order
from reportgen.analyses.grouping import (
    MEDIAN,
    MOST_DRAWN,
    SHARE,
    Grouping,
    show_groups,
    with_groups,
)
from reportgen.analyses.methods import QUANTILES, SCATTER
from reportgen.analyses.phrases import (
    approximate,
    digits_among,
    file_ids,
    interval,
    no_values,
    note_rows,
)
from reportgen.analyses.plotting.courses import Course, draw_courses
from reportgen.analyses.results import Figure, Metric, Section, TableColumn, edge_columns
from reportgen.config.columns import Column
from reportgen.config.types import Block, ColumnRef, Count, Real
from reportgen.reduce.base import Statistic, Values
from reportgen.reduce.binned import BinnedQuantiles, QuantilesInBins
from reportgen.reduce.binned_moments import BinnedMoments, MomentsInBins
from reportgen.reduce.by_group import ByGroup, Group, OfGroups, ShareOfTrue, median_and_scatter
from reportgen.reduce.counts import CountRows
from reportgen.reduce.histograms import Axis
from reportgen.wording import count, counted, number

BINS = 20
BAND = (0.16, 0.5, 0.84)


class Limits(Block):
    """Between which the value of each bin should be."""

    min: Real | None = None
    """At least."""
    max: Real | None = None
    """At most."""

    @model_validator(mode="after")
    def _in_order(self) -> "Limits":
        check_order(self.min, self.max)
        return self


class Profile(Analysis, Grouping, name="profile"):
    """A column along another: median and scatter in bins, of all rows and of each group."""

    column: ColumnRef
    """The column whose course is shown."""
    against: ColumnRef
    """The column along which it is shown, such as a time."""
    bins: Annotated[BinCount, Field(le=500)] = BINS
    """Number of equal bins."""
    above: Real | None = None
    """First edge; the smallest value when not given."""
    below: Real | None = None
    """Last edge; the largest value when not given."""
    statistic: Literal["median", "mean", "std", "percent_true"] = "median"
    """What is shown of each bin; percent_true: how many values are not 0, in percent."""
    at_least: Count = 20
    """A bin of fewer rows is drawn grey and not judged."""
    limits: Limits = Limits()
    """Between which each bin should be: {min, max}; drawn, and what worst_bin is measured from."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "Profile":
        check_order(self.above, self.below)
        if (self.above is None) != (self.below is None):
            raise ValueError("give above: and below:, or neither of them")
        if self.column.name == self.against.name:
            raise ValueError(f"against: {self.column.name} is the column itself")
        return self

    @property
    def _is_share(self) -> bool:
        return self.statistic == "percent_true"

    @property
    def _shown(self) -> Column:
        """What is shown, as a column."""
        title = self.column.title
        if self._is_share:
            return replace(self.column, label=f"Share of {title[:1].lower()}{title[1:]}", unit="%")
        names = {"median": "", "mean": "mean ", "std": "standard deviation of "}
        return replace(self.column, label=f"{names[self.statistic]}{title}")

    def _in_bins(self) -> Statistic[Any]:
        ends = None if self.above is None or self.below is None else (self.above, self.below)
        x = Axis(self.against.name, self.bins, ends, whole=False)
        if self.statistic == "median":
            return QuantilesInBins(x, self.column.name, BAND, self.where)
        return MomentsInBins(x, self.column.name, self.where, truth=self._is_share)

    @property
    def methods(self) -> tuple[str, ...]:
        """What it computes, and what to cite."""
        of_bins = (QUANTILES,) if self.statistic == "median" else ()
        return of_bins if self.by is None or self._is_share else (*of_bins, SCATTER)

    def reductions(self) -> Statistics:
        """Ask for the bins of all rows and of each group."""
        of = ShareOfTrue if self._is_share else median_and_scatter
        middle = of(self.column.name, self.where)
        found: dict[str, Statistic[Any]] = {
            "rows": CountRows(where=self.where),
            "all_rows": self._in_bins(),
            "middle": middle,
        }
        if self.by is not None:
            found["of_groups"] = OfGroups(self.by.name, self._in_bins())
            found["middles"] = OfGroups(self.by.name, middle)
        return found

    def present(self, **values: Any) -> Section:
        """Draw the course and say where it is farthest off."""
        course = self._course(values["all_rows"])
        if not course.n.any():
            raise no_values((self.column, self.against), values["rows"], self.where)
        notes = []
        if few := int(((course.n > 0) & ~course.judged).sum()):
            which = f"with fewer than {count(self.at_least)} rows"
            notes.append(f"Grey and not judged: {counted(few, 'bins')} {which}.")
        if error := getattr(values["all_rows"], "error", 0.0):
            notes.append(note_rows(f"Quantiles are {approximate(error)}"))
        section = Section(
            findings=[self._finding(course)],
            metrics=self._metrics(course, values["middle"].median),
            figures=[self._figure("course", course, "")],
            rows=int(course.n.sum()),
            notes=notes,
        )
        if self.by is None:
            return section
        of_groups: ByGroup = values["of_groups"]
        courses = {group: self._course(each) for group, each in of_groups.values.items()}
        worst = self._worst(courses)
        figures = list(section.figures)
        if len(of_groups.values) <= MOST_DRAWN:
            names = [Column(str(group)) for group in of_groups.values]
            ids = file_ids(names, "course")
            figures += [
                self._figure(ids[str(group)], course, f", {self.by.title} {group}")
                for group, course in courses.items()
            ]
        name = f"{self.column.name}_median"
        quantity = replace(self._shown, name=name)
        measure = SHARE if self.statistic == "percent_true" else MEDIAN
        shown = show_groups(self, values["middles"], quantity, measure)
        metrics = {f"worst_{self.by.name}": worst, **section.metrics}
        return with_groups(replace(section, figures=figures, metrics=metrics), [shown])

    def _worst(self, courses: dict[Group, Course]) -> Metric:
        """Return the value of the bin of a group that is farthest off, among those of all."""
        found = [
            (group, place, course)
            for group, course in courses.items()
            for place in np.flatnonzero(course.judged)
        ]
        shown, by = self._shown, "" if self.by is None else self.by.title
        label = f"{shown.title} of the bin of a {by} farthest off"
        if not found:
            return Metric(float("nan"), label, shown.unit)
        values = np.array([course.middle[place] for _, place, course in found])
        group, place, course = found[int(np.argmax(self._far(values)))]
        edges = float(course.edges[place]), float(course.edges[place + 1])
        label = f"{shown.title} of {by} {group} between {interval(*edges, self.against)}"
        digits = digits_among(float(values.min()), float(values.max()))
        return Metric(float(course.middle[place]), f"{label}, the farthest off", shown.unit, digits)

    def _course(self, found: BinnedQuantiles | BinnedMoments) -> Course:
        """Return the value in each bin and the band about it."""
        if isinstance(found, BinnedQuantiles):
            low, middle, high = found.values
        else:
            middle = found.std if self.statistic == "std" else found.mean
            # Of normal values, the error of a standard deviation is σ / √(2 n).
            n = np.maximum(found.n, 1) * (2 if self.statistic == "std" else 1)
            error = found.std / np.sqrt(n)
            low, high = middle - error, middle + error
        judged = found.n >= self.at_least
        return Course(found.edges, found.n, middle, low, high, judged)

    def _far(self, values: Values) -> Values:
        """Return how far values are from the limits, or from their median without any."""
        low, high = self.limits.min, self.limits.max
        if low is None and high is None:
            return np.abs(values - np.median(values))
        below = (low - values) if low is not None else np.full(len(values), -np.inf)
        above = (values - high) if high is not None else np.full(len(values), -np.inf)
        return np.maximum(below, above)

    def _metrics(self, course: Course, median: float) -> dict[str, Metric]:
        name, unit, title = self.column.name, self._shown.unit, self._shown.title
        values = course.middle[course.judged]
        worst = spread = slope = float("nan")
        digits = None
        if len(values):
            worst = float(values[np.argmax(self._far(values))])
            spread = float(np.ptp(values))
            digits = digits_among(float(values.min()), float(values.max()))
        x = course.centres[course.judged]
        if len(values) > 1:
            weights = np.sqrt(course.n[course.judged])
            slope = float(np.polyfit(x - x.mean(), values, 1, w=weights)[0])
        per = f"{unit or '1'} / ({self.against.unit})" if self.against.unit else unit
        farthest = "limits" if self.limits != Limits() else "median of all bins"
        middle = "share" if self._is_share else "median"
        return {
            f"{name}_median": Metric(median, f"{middle} of all rows", unit, digits),
            "range_of_medians": Metric(spread, f"largest minus smallest {title} of a bin", unit),
            "worst_bin": Metric(
                worst, f"{title} of the bin farthest from the {farthest}", unit, digits
            ),
            "slope": Metric(slope, f"slope along {self.against.title}", per, shown=False),
        }

    def _finding(self, course: Course) -> str:
        title, against = self._shown.title, self.against.title
        judged = np.flatnonzero(course.judged)
        if not len(judged):
            return f"No bin of {against} has {count(self.at_least)} rows, so none is judged."
        values = course.middle[judged]
        low, high = float(values.min()), float(values.max())
        digits = digits_among(low, high)
        where = judged[int(np.argmax(self._far(values)))]
        ends = interval(float(course.edges[where]), float(course.edges[where + 1]), self.against)
        there = self._shown.quantity(number(float(course.middle[where]), digits))
        span = f"{number(low, digits)} to {self._shown.quantity(number(high, digits))}"
        bins = f"{counted(len(judged), 'bins')} of {against}"
        said = f"{title[:1].upper()}{title[1:]} goes from {span} in {bins}"
        far = self._far(values)
        if self.limits == Limits():
            return (
                f"{said}; it is farthest off between {ends}: {there}." if low < high else f"{said}."
            )
        outside = int((far > 0).sum())
        if not outside:
            return f"{said}, within the limits in each."
        bins = counted(outside, "bins")
        return f"{said}; {bins} outside the limits, {there} between {ends} the farthest."

    def _figure(self, figure_id: str, course: Course, of: str) -> Figure:
        shown, against = self._shown, self.against
        names = (
            "worst_bin",
            f"{self.column.name}_median",
            *([f"worst_{self.by.name}"] if self.by else []),
        )
        given = {end for end in (self.limits.min, self.limits.max) if end is not None}
        limits = sorted(given | set(self.check_limits(*names, unit=shown.unit)))
        band = "16 to 84 % of the values" if self.statistic == "median" else "± its error"
        of_column = TableColumn.of
        columns = [
            *edge_columns(course.edges, against.unit),
            of_column("n", course.n, description="rows"),
            of_column(self.statistic, course.middle, shown.unit),
            of_column("band_low", course.low, shown.unit),
            of_column("band_high", course.high, shown.unit),
        ]
        title = f"{shown.title[:1].upper()}{shown.title[1:]} along {against.title}{of}"
        drawn, said = draw_courses(course, (against, shown), limits)
        return Figure.of(
            figure_id,
            drawn,
            title,
            columns,
            alt=f"{title}. {self._finding(course)}",
            caption=f"{self.statistic.replace('_', ' ').capitalize()} in bins with {band} in each; "
            f"grey: bins of fewer than {count(self.at_least)} rows.{said}",
        )

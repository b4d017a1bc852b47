"""A flagged subset against all objects in one column."""

from dataclasses import dataclass, replace
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from reportgen.analyses.base import Analysis, BinCount, Statistics, check_order
from reportgen.analyses.methods import SMIRNOV, WILSON
from reportgen.analyses.phrases import (
    approximate,
    bound,
    digits_among,
    fullest_bin,
    interval,
    no_values,
    note_rows,
)
from reportgen.analyses.plotting.axes import (
    DASHED,
    Line,
    draw_histograms,
    is_left_empty,
    new_figure,
)
from reportgen.analyses.plotting.lettering import plain
from reportgen.analyses.plotting.ticks import Values, middles, set_around, set_linear
from reportgen.analyses.results import Axes, Figure, Metric, Section, Table, TableColumn
from reportgen.config.columns import Column
from reportgen.config.expressions import both
from reportgen.config.types import ColumnRef, Real, Selection, Text
from reportgen.reduce.base import Statistic
from reportgen.reduce.counts import CountBelow, Counts, CountValues
from reportgen.reduce.histograms import Histogram, HistogramCounts
from reportgen.reduce.quantiles import Comparison, SubsetComparison
from reportgen.style import MUTED, SERIES, TEXT_SIZE, series_colour
from reportgen.wording import count, counted, exact, number, percent

# The whole has the colour of its column, as elsewhere in the report; the subset one far from it.
APART = 4
BINS = 10
CONFIDENCE = 0.68269  # of one standard deviation


class Population(Analysis, name="population", methods=(SMIRNOV, WILSON)):
    """A subset against the whole: both distributions, their ratio, and how far they differ."""

    column: ColumnRef
    """The column to compare."""
    subset: Selection
    """Which rows belong to the subset, such as: is_host."""
    subset_label: Text = "Subset"
    """What the subset is called."""
    label: Text = "All objects"
    """What the whole is called."""
    bins: BinCount | None = None
    """Number of equal bins; 10 when not given, or as many as bins of a whole width give."""
    above: Real | None = None
    """First edge; the smallest value when not given."""
    below: Real | None = None
    """Last edge; the largest value when not given."""
    cut: Real | None = None
    """Give the fraction of values of at least this."""

    @model_validator(mode="after")
    def _in_order(self) -> "Population":
        check_order(self.above, self.below)
        return self

    def reductions(self) -> Statistics:
        """Ask for both histograms in the same bins, and for the comparison."""
        name, limits = self.column.name, (self.above, self.below)
        histogram = Histogram(
            name,
            self.bins or BINS,
            limits,
            whole=self.bins is None,
            index=not self.column.unit,
            where=self.where,
        )
        result: dict[str, Statistic[Any]] = {
            "counts": CountValues(name, self.where),
            "subset": replace(histogram, subset=self.subset),
            "whole": histogram,
            "comparison": SubsetComparison(name, self.subset, self.where),
        }
        if self.cut is not None:
            result |= {
                "subset_below": CountBelow(name, (self.cut,), both(self.where, self.subset)),
                "whole_below": CountBelow(name, (self.cut,), self.where),
            }
        return result

    def present(
        self,
        *,
        counts: Counts,
        comparison: Comparison,
        subset: HistogramCounts,
        whole: HistogramCounts,
        subset_below: NDArray[np.int64] | None = None,
        whole_below: NDArray[np.int64] | None = None,
    ) -> Section:
        """Draw both distributions and their ratio."""
        n_subset, n_all = comparison.n_subset, comparison.n_all
        if not n_all:
            raise no_values((self.column,), counts.rows, self.where)
        digits = digits_among(whole.edges[0], whole.edges[-1])
        metrics = self._metrics(comparison, digits)
        for name, label, n, below in (
            ("subset", self.subset_label, n_subset, subset_below),
            ("all", self.label, n_all, whole_below),
        ):
            if self.cut is not None and below is not None:
                share = 100 * (n - int(below[0])) / n if n else float("nan")
                said = f"{label}: at least {self.column.quantity(exact(self.cut))}"
                metrics[f"above_cut_{name}"] = Metric(share, said, "%", digits=1)
        labels = (self.subset_label, self.label)
        groups = Groups(self.column, labels, subset, whole, n_subset, n_all)
        notes = []
        if counts.infinite:
            notes.append(f"Left out: {counted(counts.infinite, 'infinite values')}.")
        if comparison.error:
            said = f"Medians are {approximate(comparison.error)}"
            if _is_known(comparison):
                more = bound(comparison.ks_more)
                said += f", the distance to all is up to {more} larger, p-values are upper limits"
            notes.append(note_rows(said))
        return Section(
            findings=[self._finding(comparison, digits)],
            metrics=metrics,
            figures=[groups.histograms(), groups.ratio()],
            tables=[Table("bins", groups.about, groups.columns)],
            rows=n_all,
            notes=notes,
        )

    def _finding(self, compared: Comparison, digits: int | None) -> str:
        objects = counted(compared.n_all, "objects")
        if not compared.n_subset:
            return f"{self.subset_label}: none of {objects}."
        if compared.n_subset == compared.n_all:
            return f"{self.subset_label}: all of {objects}, so there is nothing to compare."
        share = percent(compared.n_subset / compared.n_all)
        median = "their median" if compared.n_subset > 1 else "its"
        medians = compared.median_subset, compared.median_all
        theirs, every = (number(each, digits) for each in medians)
        if theirs == every and medians[0] != medians[1]:
            digits = digits_among(min(medians), max(medians))
            theirs, every = (number(each, digits) for each in medians)
        return (
            f"{self.subset_label}: {count(compared.n_subset)} of {objects} ({share}); {median} "
            f"{self.column.title} is {theirs} against a median of {self.column.quantity(every)} "
            f"of all, and {_distance(compared)}."
        )

    def _metrics(self, compared: Comparison, digits: int | None) -> dict[str, Metric]:
        subset, whole, unit = self.subset_label, self.label, self.column.unit
        distance = "Kolmogorov–Smirnov distance to"
        ks, ks_rest, p_value = (
            value if _is_known(compared) else float("nan")
            for value in (compared.ks, compared.ks_rest, compared.p_value)
        )
        return {
            "n_subset": Metric(compared.n_subset, subset, digits=0),
            "n_all": Metric(compared.n_all, whole, digits=0),
            "median_subset": Metric(compared.median_subset, f"median, {subset}", unit, digits),
            "median_all": Metric(compared.median_all, f"median, {whole}", unit, digits),
            "ks_distance": Metric(ks, f"{distance} all", digits=3),
            "ks_distance_rest": Metric(ks_rest, f"{distance} the rest", digits=3, shown=False),
            "ks_p_value": Metric(p_value, "p-value of the distance to the rest", shown=False),
        }


def _is_known(compared: Comparison) -> bool:
    """Return whether the distance is larger than what it may be off by."""
    return compared.ks_more <= compared.ks


def _distance(compared: Comparison) -> str:
    """Say how far the distributions of a subset and of all are apart, as far as it is known."""
    largest = "the largest distance between the two distributions"
    if not _is_known(compared):
        return f"{largest} is not known, but is {bound(compared.ks + compared.ks_more)} at most"
    more = f" or up to {bound(compared.ks_more)} more" if compared.ks_more else ""
    return f"{largest} is {number(compared.ks, 3)}{more}"


@dataclass(frozen=True)
class Groups:
    """A subset and the whole in the same bins. labels: of the subset and of the whole.

    n_subset, n_all: valid values, those outside the bins among them.
    """

    column: Column
    labels: tuple[str, str]
    subset: HistogramCounts
    whole: HistogramCounts
    n_subset: int
    n_all: int

    @property
    def subset_order(self) -> int:
        """Place of the subset in the palette."""
        return (self.column.order + APART) % len(SERIES)

    @property
    def bins(self) -> str:
        """Number of bins, in words."""
        return counted(len(self.whole.counts), "bins")

    def histograms(self) -> Figure:
        """Draw both histograms, each in percent of its own number."""
        subset, whole = self.labels
        parts = (
            (whole, self.column.order, self.whole, self.n_all),
            (subset, self.subset_order, self.subset, self.n_subset),
        )
        lines = [
            Line(f"{label} ({count(n)})", order, h.edges, 100 * h.counts / max(1, n))
            for label, order, h, n in parts
        ]
        ylabel = "Share of each group [%]"
        peaks = [
            f"{label}: "
            + (fullest_bin(h, self.column, percent(h.peak[2] / n)) if h.n else "no values here")
            for label, _, h, n in parts
        ]
        outside = self.whole.below + self.whole.above
        return Figure.of(
            "distributions",
            draw_histograms(
                lines, self.whole.edges, self.column.axis, ylabel, whole=self.whole.whole
            ),
            f"{subset} and {whole}",
            self.columns,
            alt=f"Two histograms of {self.column.title} in {self.bins}, each in percent of its "
            f"group. {peaks[0]}. {peaks[1]}.",
            caption=f"Each group in percent of its own number, so that {count(self.n_subset)} "
            f"and {count(self.n_all)} can be compared."
            + (f" Outside the range: {count(outside)} of all." if outside else ""),
            about=self.about,
        )

    def ratio(self) -> Figure:
        """Draw which fraction of the whole the subset is in each bin."""
        filled, edges = self.whole.counts > 0, self.whole.edges
        overall = self.subset.n / self.whole.n if self.whole.n else float("nan")
        shares = np.stack(binomial_fraction(self.subset.counts, self.whole.counts))
        figure, axes = new_figure(50, labels=(self.column.axis, f"{self.labels[0]} among all [%]"))
        if not is_left_empty(axes, edges if filled.any() else (), "no values in this range"):
            set_around(axes.xaxis, edges, 0.02, whole=self.whole.whole)
            set_linear(axes.yaxis, 0, 106 * float(shares[2, filled].max()), most=5)
            self._draw_ratio(axes, 100 * shares[:, filled], 100 * overall)
        return Figure.of(
            "fraction",
            figure,
            f"Fraction: {self.labels[0]}",
            self.columns,
            alt=f"Fraction of {self.labels[0]} among all in {self.bins} of "
            f"{self.column.title}. {self._course(shares[0], overall)}",
            caption=f"{self.labels[0]} over all in each bin that is not empty, with 68 % Wilson "
            "intervals; dashed: the fraction over all bins.",
            about=self.about,
        )

    def _draw_ratio(self, axes: Axes, shares: Values, overall: float) -> None:
        edges, (fraction, low, high) = self.whole.edges, shares
        axes.axhline(overall, **DASHED)
        axes.errorbar(
            middles(edges)[self.whole.counts > 0],
            fraction,
            yerr=np.abs(np.stack([fraction - low, high - fraction])),
            fmt="o",
            markersize=3.5,
            color=series_colour(self.subset_order),
            elinewidth=1,
            clip_on=False,
        )
        axes.annotate(
            plain("all\nbins"),
            (1, overall),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=MUTED,
            fontsize=TEXT_SIZE,
            linespacing=1.0,
        )

    def _course(self, fraction: Values, overall: float) -> str:
        found = fraction[self.whole.counts > 0]
        if not len(found):
            return "No bin has objects."
        low, high = found.min(), found.max()
        if low == high:
            return f"It is {percent(float(low))} in every bin that is not empty."
        ends = []
        for end in (low, high):
            i, *others = np.flatnonzero(fraction == end).tolist()
            first, last = self.whole.span(i, i)
            where = interval(first, last, self.column)
            one = f"at {where}" if first == last else f"between {where}"
            at = f"in {1 + len(others)} bins" if others else one
            ends.append(f"{percent(float(end))} {at}")
        return f"From {ends[0]} to {ends[1]}; {percent(overall)} over all bins."

    @cached_property
    def columns(self) -> list[TableColumn]:
        """What both figures draw."""
        fraction, low, high = binomial_fraction(self.subset.counts, self.whole.counts)
        of, wilson = TableColumn.of, "68 % Wilson interval"
        one, every = self.labels
        return [
            of("bin_low", self.whole.edges[:-1], self.column.unit, title="from"),
            of("bin_high", self.whole.edges[1:], self.column.unit, title="to"),
            of("n_subset", self.subset.counts, "", one, title=one),
            of("n_all", self.whole.counts, "", every, title=every),
            of("fraction", 100 * fraction, "%", digits=2),
            of("fraction_low", 100 * low, "%", wilson, digits=2, title="lower limit"),
            of("fraction_high", 100 * high, "%", wilson, digits=2, title="upper limit"),
        ]

    @property
    def about(self) -> str:
        """What these columns are about."""
        return f"{self.labels[0]} in bins of {self.column.title}"


def binomial_fraction(
    chosen: NDArray[np.int64], total: NDArray[np.int64]
) -> tuple[Values, Values, Values]:
    """Return the fraction chosen / total in each bin with its 68.3 % Wilson score interval.

    Returns fraction, lower and upper bound, each (bins,); NaN where total is 0.
    Source: Wilson 1927, JASA 22, 209; the numbers are those of astropy.stats.binom_conf_interval.
    """
    n = np.where(total > 0, total, np.nan)
    fraction = chosen / n
    z2 = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) ** 2
    centre = (chosen + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * n * (fraction * (1 - fraction) + z2 / (4 * n))) / (n + z2)
    return fraction, np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)

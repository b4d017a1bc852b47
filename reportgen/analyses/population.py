"""A flagged subset against all objects in one column."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from reportgen.analyses.base import Analysis
from reportgen.analyses.drawing import Line, new_figure, outlines
from reportgen.config.expressions import both
from reportgen.config.schema import ColumnRef, Count, Real, Selection, Text
from reportgen.errors import SectionError
from reportgen.numbers import count, number, percent
from reportgen.reduce.base import Reduction
from reportgen.reduce.counts import CountBelow
from reportgen.reduce.histograms import Histogram, HistogramCounts
from reportgen.reduce.quantiles import Comparison, SubsetComparison
from reportgen.results import Figure, Metric, Section, Table, TableColumn
from reportgen.style import MUTED, SERIES

Values = NDArray[np.float64]


class Population(Analysis, name="population"):
    """A subset against the whole: both distributions, their ratio, and how far they differ."""

    column: ColumnRef
    """The column to compare."""
    subset: Selection
    """Which rows belong to the subset, such as: is_host."""
    subset_label: Text = "Subset"
    """What the subset is called."""
    label: Text = "All objects"
    """What the whole is called."""
    bins: Count = 10
    """Number of equal bins."""
    above: Real | None = None
    """First edge; the smallest value when not given."""
    below: Real | None = None
    """Last edge; the largest value when not given."""
    cut: Real | None = None
    """Give the fraction of values of at least this."""

    @model_validator(mode="after")
    def _in_order(self) -> "Population":
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(f"above ({self.above:g}) must be less than below ({self.below:g})")
        return self

    def reductions(self) -> Mapping[str, Reduction[Any, Any]]:
        """Ask for both histograms in the same bins, and for the comparison."""
        name, limits = self.column.name, (self.above, self.below)
        result: dict[str, Reduction[Any, Any]] = {
            "subset": Histogram(name, self.bins, limits, subset=self.subset, where=self.where),
            "whole": Histogram(name, self.bins, limits, where=self.where),
            "comparison": SubsetComparison(name, self.subset, self.where),
        }
        if self.cut is not None:
            result |= {
                "subset_below": CountBelow(name, (self.cut,), both(self.where, self.subset)),
                "whole_below": CountBelow(name, (self.cut,), self.where),
            }
        return result

    def present(self, **values: Any) -> Section:
        """Draw both distributions and their ratio."""
        compared: Comparison = values["comparison"]
        if not compared.n_all:
            raise SectionError(
                f"no valid value in {self.column.name}",
                "look at the missing-value marks, at where:, and at the source",
            )
        subset: HistogramCounts = values["subset"]
        whole: HistogramCounts = values["whole"]
        notes = []
        if compared.error:
            notes.append(
                f"Medians and distances are approximate (values to {compared.error:.1g}): the "
                "column does not fit the catalogue's memory budget."
            )
        return Section(
            findings=[self._finding(compared)],
            metrics=self._metrics(compared, values),
            figures=[self._histograms(subset, whole, compared), self._ratio(subset, whole)],
            tables=[self._bins_table(subset, whole)],
            rows=compared.n_all,
            notes=notes,
        )

    def _finding(self, compared: Comparison) -> str:
        if not compared.n_subset:
            return f"{self.subset_label}: none of the {count(compared.n_all)} objects."
        medians = (
            f"their median {self.column.title[0].lower()}{self.column.title[1:]} is "
            f"{number(compared.median_subset)} against "
            f"{self.column.quantity(number(compared.median_all))} of all"
        )
        share = percent(compared.n_subset / compared.n_all)
        return (
            f"{self.subset_label}: {count(compared.n_subset)} of {count(compared.n_all)} objects "
            f"({share}); {medians}, and the largest distance of the two distributions is "
            f"{number(compared.ks, 3)}."
        )

    def _metrics(self, compared: Comparison, values: Mapping[str, Any]) -> dict[str, Metric]:
        unit = self.column.unit
        subset, whole = self.subset_label, self.label
        metrics = {
            "n_subset": Metric(compared.n_subset, subset, digits=0),
            "n_all": Metric(compared.n_all, whole, digits=0),
            "median_subset": Metric(compared.median_subset, f"median, {subset}", unit),
            "median_all": Metric(compared.median_all, f"median, {whole}", unit),
            "ks_distance": Metric(compared.ks, "Kolmogorov–Smirnov distance to all", digits=3),
            "ks_distance_rest": Metric(
                compared.ks_rest, "Kolmogorov–Smirnov distance to the rest", digits=3, shown=False
            ),
            "ks_p_value": Metric(
                compared.p_value, "p-value of the distance to the rest", shown=False
            ),
        }
        if self.cut is not None:
            for name, label, n in (
                ("subset", subset, compared.n_subset),
                ("all", whole, compared.n_all),
            ):
                below = int(values[f"{'whole' if name == 'all' else name}_below"][0])
                metrics[f"above_cut_{name}"] = Metric(
                    100 * (n - below) / n if n else float("nan"),
                    f"{label} of at least {self.column.quantity(number(self.cut))}",
                    "%",
                    digits=1,
                )
        return metrics

    def _histograms(
        self, subset: HistogramCounts, whole: HistogramCounts, compared: Comparison
    ) -> Figure:
        lines = []
        parts = (
            (self.label, 0, whole, compared.n_all),
            (self.subset_label, 4, subset, compared.n_subset),
        )
        for label, order, histogram, n in parts:
            share = 100 * histogram.counts / n if n else np.zeros(self.bins)
            lines.append(Line(f"{label} ({count(n)})", order, histogram.edges, share))
        drawing = outlines(
            lines, whole.edges, self.column.axis, "Objects of each group per bin [%]"
        )
        peaks = [
            f"{label}: {percent(h.peak[2] / n)} between {number(h.peak[0])} and {number(h.peak[1])}"
            for label, _, h, n in parts
            if n
        ]
        outside = whole.below + whole.above
        return Figure(
            "distributions",
            drawing,
            f"{self.subset_label} and {self.label[0].lower()}{self.label[1:]}",
            alt=f"Two histograms of {self.column.title} in {self.bins} bins, each in percent of "
            f"its group. Fullest bins: {'; '.join(peaks)}.",
            caption=f"Each group in percent of its own number, so that {count(compared.n_subset)} "
            f"and {count(compared.n_all)} objects can be compared."
            + (f" {count(outside)} values are outside the range." if outside else ""),
            data=self._data("distributions", subset, whole),
        )

    def _ratio(self, subset: HistogramCounts, whole: HistogramCounts) -> Figure:
        fraction, low, high = binomial_fraction(subset.counts, whole.counts)
        centres = (whole.edges[1:] + whole.edges[:-1]) / 2
        overall = subset.n / whole.n if whole.n else float("nan")
        figure, axes = new_figure(50)
        filled = whole.counts > 0
        axes.axhline(100 * overall, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
        axes.errorbar(
            centres[filled],
            100 * fraction[filled],
            yerr=100 * np.abs(np.stack([fraction - low, high - fraction])[:, filled]),
            fmt="o",
            markersize=3.5,
            color=SERIES[4],
            elinewidth=1,
            capsize=0,
        )
        axes.annotate(
            "all bins",
            (1, 100 * overall),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 3),
            textcoords="offset points",
            ha="right",
            color=MUTED,
            fontsize=8,
        )
        axes.set(
            xlabel=self.column.axis,
            ylabel=f"{self.subset_label} among all [%]",
            xlim=(whole.edges[0], whole.edges[-1]),
        )
        axes.set_ylim(bottom=0)
        said = "No bin has objects."
        if filled.any():
            best = int(np.nanargmax(np.where(filled, fraction, np.nan)))
            least = int(np.nanargmin(np.where(filled, fraction, np.nan)))
            said = (
                f"From {percent(fraction[least])} between {number(whole.edges[least])} and "
                f"{number(whole.edges[least + 1])} to {percent(fraction[best])} between "
                f"{number(whole.edges[best])} and {number(whole.edges[best + 1])}; "
                f"{percent(overall)} over all bins."
            )
        return Figure(
            "fraction",
            figure,
            f"Fraction: {self.subset_label}",
            alt=f"Fraction of {self.subset_label} among all objects in {self.bins} bins of "
            f"{self.column.title}. {said}",
            caption="Subset over all objects in each bin, with 68 % Wilson intervals; "
            "dashed: the fraction over all bins.",
            data=self._data("fraction", subset, whole),
        )

    def _bins_table(self, subset: HistogramCounts, whole: HistogramCounts) -> Table:
        return Table(
            "bins",
            f"{self.subset_label} in bins of {self.column.title}",
            self._data("bins", subset, whole).columns,
        )

    def _data(self, name: str, subset: HistogramCounts, whole: HistogramCounts) -> Table:
        fraction, low, high = binomial_fraction(subset.counts, whole.counts)
        of, unit = TableColumn.of, self.column.unit
        return Table(
            name,
            f"{self.subset_label} and all in bins of {self.column.title}",
            [
                of("bin_low", whole.edges[:-1], unit),
                of("bin_high", whole.edges[1:], unit),
                of("n_subset", subset.counts, description=self.subset_label),
                of("n_all", whole.counts, description=self.label),
                of("fraction", 100 * fraction, "%", digits=2),
                of("fraction_low", 100 * low, "%", "68 % Wilson interval", digits=2),
                of("fraction_high", 100 * high, "%", "68 % Wilson interval", digits=2),
            ],
            shown=False,
        )


def binomial_fraction(
    chosen: NDArray[np.int64], total: NDArray[np.int64]
) -> tuple[Values, Values, Values]:
    """Fraction chosen / total in each bin with its 68.3 % Wilson score interval.

    Returns fraction, lower and upper bound, each (bins,); NaN where total is 0.
    Source: Wilson 1927, JASA 22, 209, as in astropy.stats.binom_conf_interval.
    """
    from astropy.stats import binom_conf_interval

    fraction, low, high = (np.full(len(total), np.nan) for _ in range(3))
    filled = total > 0
    if filled.any():
        fraction[filled] = chosen[filled] / total[filled]
        low[filled], high[filled] = binom_conf_interval(
            chosen[filled], total[filled], interval="wilson"
        )
    return fraction, low, high

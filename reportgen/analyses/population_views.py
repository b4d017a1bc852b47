"""The figures of a subset against the whole: both histograms, and their ratio."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.drawing import (
    TOO_SMALL,
    Line,
    leave_empty,
    new_figure,
    outlines,
    too_small,
)
from reportgen.analyses.lettering import label_axes, plain
from reportgen.analyses.results import Figure, Table, TableColumn
from reportgen.analyses.ticks import Values, padded, set_linear
from reportgen.analyses.words import interval
from reportgen.config.columns import Column
from reportgen.numbers import count, percent
from reportgen.reduce.histograms import HistogramCounts
from reportgen.style import MUTED, SERIES, series_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The whole has the colour of its column, as elsewhere in the report; the subset one far from it.
APART = 4
CONFIDENCE = 0.68269  # of one standard deviation


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
        drawing = outlines(lines, self.whole.edges, self.column.axis, "Share of each group [%]")
        outside = self.whole.below + self.whole.above
        return Figure(
            "distributions",
            drawing,
            f"{subset} and {whole}",
            alt=f"Two histograms of {self.column.title} in {self._bins()}, each in percent of its "
            f"group. {' '.join(self._peak(label, h, n) for label, _, h, n in parts)}",
            caption=f"Each group in percent of its own number, so that {count(self.n_subset)} "
            f"and {count(self.n_all)} can be compared."
            + (f" Outside the range: {count(outside)} of all." if outside else ""),
            data=self.table("distributions"),
        )

    def _bins(self) -> str:
        n = len(self.whole.counts)
        return f"{n} bin{'' if n == 1 else 's'}"

    def _peak(self, label: str, histogram: HistogramCounts, n: int) -> str:
        if not histogram.n:
            return f"{label}: no values here."
        low, high, most = histogram.peak
        bins = int((histogram.counts == most).sum())
        share = percent(most / n)
        if bins > 1:
            return f"{label}: at most {share} in a bin ({bins} bins)."
        return f"{label}: most ({share}) between {interval(low, high, self.column)}."

    def ratio(self) -> Figure:
        """Draw which fraction of the whole the subset is in each bin."""
        fraction, low, high = binomial_fraction(self.subset.counts, self.whole.counts)
        filled = self.whole.counts > 0
        overall = self.subset.n / self.whole.n if self.whole.n else float("nan")
        figure, axes = new_figure(50)
        label_axes(axes, self.column.axis, f"{self.labels[0]} among all [%]")
        edges = self.whole.edges
        if not filled.any() or too_small(edges):
            leave_empty(axes, TOO_SMALL if filled.any() else "no values in this range")
        else:
            set_linear(axes.xaxis, *padded(float(edges[0]), float(edges[-1]), 0.02))
            set_linear(axes.yaxis, 0, 106 * float(high[filled].max()), most=5)
            self._draw_ratio(axes, 100 * np.stack([fraction, low, high])[:, filled], 100 * overall)
        return Figure(
            "fraction",
            figure,
            f"Fraction: {self.labels[0]}",
            alt=f"Fraction of {self.labels[0]} among all in {self._bins()} of "
            f"{self.column.title}. {self._course(fraction, filled, overall)}",
            caption=f"{self.labels[0]} over all in each bin that is not empty, with 68 % Wilson "
            "intervals; dashed: the fraction over all bins.",
            data=self.table("fraction"),
        )

    def _draw_ratio(self, axes: "Axes", shares: Values, overall: float) -> None:
        edges, filled = self.whole.edges, self.whole.counts > 0
        fraction, low, high = shares
        axes.axhline(overall, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
        axes.errorbar(
            (edges[:-1] / 2 + edges[1:] / 2)[filled],
            fraction,
            yerr=np.abs(np.stack([fraction - low, high - fraction])),
            fmt="o",
            markersize=3.5,
            color=series_colour(self.subset_order),
            elinewidth=1,
            capsize=0,
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
            fontsize=8,
            linespacing=1.0,
        )

    def _course(self, fraction: Values, filled: NDArray[np.bool_], overall: float) -> str:
        if not filled.any():
            return "No bin has objects."
        places = np.flatnonzero(filled)
        low, high = fraction[places].min(), fraction[places].max()
        if low == high:
            return f"It is {percent(float(low))} in every bin that is not empty."
        ends = []
        for end in (low, high):
            where = [i for i in places if fraction[i] == end]
            i = where[0]
            at = (
                f"between {interval(self.whole.edges[i], self.whole.edges[i + 1], self.column)}"
                if len(where) == 1
                else f"in {len(where)} bins"
            )
            ends.append(f"{percent(float(end))} {at}")
        return f"From {ends[0]} to {ends[1]}; {percent(overall)} over all bins."

    def table(self, name: str, *, shown: bool = False) -> Table:
        """Give what both figures draw."""
        fraction, low, high = binomial_fraction(self.subset.counts, self.whole.counts)
        of, unit = TableColumn.of, self.column.unit
        wilson = "68 % Wilson interval"
        columns: list[Any] = [
            of("bin_low", self.whole.edges[:-1], unit),
            of("bin_high", self.whole.edges[1:], unit),
            of("n_subset", self.subset.counts, description=self.labels[0]),
            of("n_all", self.whole.counts, description=self.labels[1]),
            of("fraction", 100 * fraction, "%", digits=2),
            of("fraction_low", 100 * low, "%", wilson, digits=2),
            of("fraction_high", 100 * high, "%", wilson, digits=2),
        ]
        title = f"{self.labels[0]} in bins of {self.column.title}"
        return Table(name, title, columns, shown=shown)


def binomial_fraction(
    chosen: NDArray[np.int64], total: NDArray[np.int64]
) -> tuple[Values, Values, Values]:
    """Fraction chosen / total in each bin with its 68.3 % Wilson score interval.

    Returns fraction, lower and upper bound, each (bins,); NaN where total is 0.
    Source: Wilson 1927, JASA 22, 209; the numbers are those of astropy.stats.binom_conf_interval.
    """
    n = np.where(total > 0, total, np.nan)
    fraction = chosen / n
    z2 = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) ** 2
    centre = (chosen + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * n * (fraction * (1 - fraction) + z2 / (4 * n))) / (n + z2)
    return fraction, np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)

"""The figure of source counts: in bins, with exact Poisson limits, beside those of others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.analyses.plotting.axes import (
    DOTTED,
    draw_limits,
    is_left_empty,
    key_above,
    new_figure,
)
from reportgen.analyses.plotting.ticks import Values, middles, set_around
from reportgen.analyses.results import Figure, Table, TableColumn, edge_columns
from reportgen.config.columns import Column
from reportgen.reduce.base import Integers
from reportgen.style import MUTED, series_colour
from reportgen.wording import counted

ONE_SIGMA = 0.8413447460685429  # Φ(1)
AXES = {
    "euclidean": ("S²·⁵ dN/dS [Jy¹·⁵ sr⁻¹]", "Jy(3/2) / sr"),
    "none": ("dN/dS [Jy⁻¹ sr⁻¹]", "1 / (Jy sr)"),
    "per_deg2": ("Sources per bin and square degree [deg⁻²]", "1 / deg2"),
    "per_mag": ("Sources per magnitude and square degree [mag⁻¹ deg⁻²]", "1 / (mag deg2)"),
}


def poisson_limits(n: Integers) -> tuple[Values, Values]:
    """Return exact limits of Poisson means at 84.13 % each, of numbers that were counted.

    Gehrels 1986, ApJ 303, 336: equations 1 and 2, by the inverse of the incomplete gamma function.
    """
    from scipy.special import gammaincinv

    low = np.where(n > 0, gammaincinv(np.maximum(n, 1), 1 - ONE_SIGMA), 0.0)
    return low, np.asarray(gammaincinv(n + 1, ONE_SIGMA))


@dataclass(frozen=True)
class Binned:
    """Sources in bins of a column.

    edges: (bins + 1,), in its unit. n: (bins,). weight: what one source of a bin adds to what is
    drawn, of a kind that AXES names; euclidean: to Euclidean counts, NaN for magnitudes; both are
    NaN in bins of no area. area: in square degrees of each bin; None where it is the same for all.
    """

    of: Column
    kind: str
    edges: Values
    n: Integers
    weight: Values
    euclidean: Values
    area: Values | None = None

    @property
    def seen(self) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        """Which bins have sources, and an area in which these could be found."""
        return np.asarray((self.n > 0) & np.isfinite(self.weight))

    @property
    def is_log(self) -> bool:
        """Whether the bins are equal in the logarithm."""
        return self.kind != "per_mag"

    @property
    def middle(self) -> Values:
        """Middle of each bin, on the axis as it is drawn."""
        return middles(self.edges, log=self.is_log)

    @property
    def counts(self) -> Values:
        """What is drawn."""
        return self.n * self.weight

    @property
    def limits(self) -> tuple[Values, Values]:
        """Lower and upper limit of what is drawn."""
        low, high = poisson_limits(self.n)
        return low * self.weight, high * self.weight


@dataclass(frozen=True)
class CountsFigure:
    """The figure. reference: what is drawn of it, NaN where it has nothing, and its name.

    complete: where all sources are found; limits: of checks of the turnover.
    """

    binned: Binned
    reference: tuple[Values, str] | None
    complete: float | None
    limits: Sequence[float]

    def figure(self, findings: Sequence[str]) -> Figure:
        """Draw it."""
        binned, of = self.binned, TableColumn.of
        label, unit = AXES[binned.kind]
        low, high = binned.limits
        columns = [
            *edge_columns(binned.edges, binned.of.unit, ("from", "to")),
            of("sources", binned.n),
            of("counts", binned.counts, unit),
            of("lower limit", low, unit, "exact Poisson limit at 84.13 %"),
            of("upper limit", high, unit, "exact Poisson limit at 84.13 %"),
            *([] if binned.area is None else [of("area", binned.area, "deg2")]),
            *([] if self.reference is None else [of("reference", self.reference[0], unit)]),
        ]
        drawing, axes = new_figure(62, labels=(binned.of.axis, label))
        said = f"{label.split(' [')[0]}"
        if binned.kind == "euclidean":
            said += ", each source with its own flux density"
        said += ". Bars: exact Poisson limits at 84.13 %; arrows: upper limits where there is none."
        seen = binned.counts[binned.seen]
        if not is_left_empty(axes, seen, "no sources in the bins", log=True):
            self._draw(axes)
            said += draw_limits(axes, self.limits, binned.of)
            if self.complete is not None:
                axes.axvline(self.complete, **DOTTED)
                said += " Dotted: brighter sources are all found."
        title = "Source counts"
        return Figure(
            "counts",
            drawing,
            title,
            alt=f"{label} against {binned.of.title} in {counted(len(binned.n), 'bins')}. "
            + " ".join(findings),
            caption=said,
            data=Table("counts", title, columns),
        )

    def _draw(self, axes: Any) -> None:
        binned, (low, high) = self.binned, self.binned.limits
        middle, counts, seen = binned.middle, binned.counts, binned.seen
        others = np.empty(0) if self.reference is None else self.reference[0]
        y = np.concatenate([low[seen], high[seen], others[np.isfinite(others)]])
        set_around(axes.yaxis, y, 0.05, log=True)
        set_around(axes.xaxis, binned.edges, 0.02, log=binned.is_log)
        bars = np.stack([counts - low, high - counts])[:, seen]
        colour = series_colour(binned.of.order)
        style: dict[str, Any] = {"color": colour, "linestyle": "none", "linewidth": 0.9}
        own = axes.errorbar(middle[seen], counts[seen], bars, marker="o", markersize=3, **style)
        upper = ~seen & (high < axes.get_ylim()[1])
        if upper.any():
            at = middle[upper], high[upper], 0.35 * high[upper]
            axes.errorbar(*at, uplims=True, marker="_", **style)
        if self.reference is not None and len(others) and np.isfinite(others).any():
            style = {"color": MUTED, "marker": "s", "markersize": 2.5, "linewidth": 0.8}
            lines = axes.plot(middle, others, **style)
            key_above(axes.figure, [binned.of.title, self.reference[1]], [own, *lines])

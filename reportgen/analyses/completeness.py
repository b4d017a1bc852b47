"""What is found of what is there: detections against a catalogue that is taken for the truth."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from reportgen.analyses.base import Analysis, Statistics
from reportgen.analyses.brightness import Brightness
from reportgen.analyses.matching import MatchBlock, match_problems, matching
from reportgen.analyses.methods import WILSON
from reportgen.analyses.plotting.axes import draw_limits, new_figure
from reportgen.analyses.plotting.lettering import label_axes
from reportgen.analyses.plotting.ticks import middles, set_around, set_linear
from reportgen.analyses.population import binomial_fraction
from reportgen.analyses.results import Figure, Metric, Section, TableColumn, edge_columns
from reportgen.config.columns import Column
from reportgen.config.types import (
    CATALOGUES_OWN,
    BlockError,
    Count,
    DecRef,
    Percent,
    RaRef,
)
from reportgen.reduce.base import OfCatalogue, Statistic, Values
from reportgen.reduce.footprint import Covered, Footprint
from reportgen.reduce.histograms import bin_edges
from reportgen.reduce.match import Pairs
from reportgen.style import INK, series_colour
from reportgen.wording import count, counted, listed, number, percent

BINS = 20
FEWEST = 10  # true objects in a bin that decides on the depth


class TruthBlock(MatchBlock, Brightness):
    """A catalogue of what is there, such as sources that were injected, and how bright it is."""


class Completeness(Analysis, name="completeness", methods=(WILSON,)):
    """Share of true objects that are detected, by flux density or magnitude, and the depth."""

    ra: RaRef = CATALOGUES_OWN
    """Right ascension in degrees; the catalogue's when not given."""
    dec: DecRef = CATALOGUES_OWN
    """Declination in degrees; the catalogue's when not given."""
    truth: TruthBlock
    """Catalogue of the truth: {catalogue, radius, flux or magnitude, ra, dec, where, rule}."""
    footprint: Literal["detections", "truth"] = "detections"
    """Where true objects count: in the cells of the sky that hold detections, some of which are
    expected in each; or everywhere, as the survey was to cover all that the truth does."""
    bins: Annotated[Count, Field(le=500)] = BINS
    """Number of bins, equal in magnitude or in the logarithm of the flux density."""
    depth: tuple[Percent, ...] = (50.0, 90.0, 95.0)
    """Completeness whose flux densities or magnitudes are given, in percent."""

    @model_validator(mode="after")
    def _fits_together(self) -> "Completeness":
        if problems := match_problems(self, "truth"):
            raise BlockError(problems)
        return self

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The catalogue, and that of the truth."""
        return ("catalogues", self.catalogue), ("catalogues", self.truth.catalogue)

    def reductions(self) -> Statistics:
        """Ask for the pairs, for what is there, and for where anything is detected."""
        match = matching(self.ra, self.dec, self.truth, self.where)
        there = self.truth.brightness.name, self.truth.ra.name, self.truth.dec.name
        rows = match.reference.rows(tuple(dict.fromkeys(there)))
        found: dict[str, Statistic[Any]] = {
            "pairs": match,
            "truth": OfCatalogue(match.catalogue, rows),
        }
        if self.footprint == "detections":
            found["covered"] = Footprint(self.ra.name, self.dec.name, self.where)
        return found

    def present(
        self, pairs: Pairs, truth: dict[str, Values], covered: Covered | None = None
    ) -> Section:
        """Draw the completeness and say how deep it is."""
        values = truth[self.truth.brightness.name]
        is_found = np.zeros(len(values), dtype=bool)
        is_found[pairs.other] = True
        usable = np.isfinite(values) & ((values > 0) | (not self.truth.is_flux))
        notes = []
        if lost := len(values) - int(usable.sum()):
            of = f"{self.truth.catalogue} without a usable {self.truth.brightness.title}"
            notes.append(f"Left out, objects of {of}: {count(lost)}.")
        outside = 0
        if covered is not None:
            # What is detected is where the survey reaches, though it may be alone in its cell.
            inside = covered.holds(*(truth[each.name] for each in (self.truth.ra, self.truth.dec)))
            outside = int((usable & ~(inside | is_found)).sum())
            usable &= inside | is_found
        if covered is not None and outside:
            notes.append(
                f"Not counted as missed, as nothing is detected near them: "
                f"{counted(outside, 'true objects')}, in cells of the sky about "
                f"{number(60 * covered.side, 1)}′ wide. footprint: truth counts them."
            )
        there, n = int(usable.sum()), pairs.rows
        nan = float("nan")
        both = int((usable & is_found).sum())
        label = f"detected of {self.truth.catalogue}"
        metrics = {
            "completeness": Metric(100 * both / there if there else nan, label, "%", 1),
            "purity": Metric(100 * pairs.n / n if n else nan, "detections that are true", "%", 1),
            "both": Metric(pairs.n, "true and detected", digits=0),
            "only_here": Metric(n - pairs.n, "detected but not true", digits=0),
            "only_there": Metric(there - both, "true but not detected", digits=0),
            "outside_percent": Metric(
                100 * outside / (there + outside) if there + outside else nan,
                f"of {self.truth.catalogue}, where nothing is detected",
                "%",
                1,
                shown=bool(outside),
            ),
        }
        if not there:
            said = (
                f"{self.truth.catalogue} has no object with a usable {self.truth.brightness.title}"
            )
            said += " where anything is detected" if outside else ""
            metrics |= self._depths(np.empty(0), np.empty(0), np.empty(0))
            return Section(findings=[f"{said}."], metrics=metrics, rows=n, notes=notes)
        limits = float(values[usable].min()), float(values[usable].max())
        edges = bin_edges(limits, self.bins, log=self.truth.is_flux)
        total = np.histogram(values[usable], edges)[0]
        found = np.histogram(values[usable & is_found], edges)[0]
        metrics |= self._depths(edges, total, found)
        return Section(
            findings=[self._finding(there, both, n - pairs.n, metrics)],
            metrics=metrics,
            figures=[self._figure(edges, total, found, metrics)],
            rows=n,
            notes=notes,
        )

    def _depths(self, edges: Values, total: Any, found: Any) -> dict[str, Metric]:
        """Return where the completeness, seen from the bright end, first falls below each share."""
        title, unit = self.truth.brightness.title, self.truth.brightness.unit
        metrics = {}
        for share in self.depth:
            value = float("nan")
            if len(total):
                value = crossing(
                    edges, total, found, share / 100, bright_is_high=self.truth.is_flux
                )
            name = f"depth_{number(share, 0 if share == int(share) else 1).replace('.', '_')}"
            metrics[name] = Metric(value, f"{title} at {number(share)} % completeness", unit)
        return metrics

    def _finding(self, there: int, both: int, only_here: int, metrics: dict[str, Metric]) -> str:
        where = " where the survey reaches" if metrics["outside_percent"].value > 0 else ""
        said = (
            f"Of {counted(there, 'true objects')}{where}, {count(both)} are detected "
            f"({percent(both / there)}); {counted(only_here, 'detections')} match none"
        )
        depths = [
            f"{number(share)} % at {self.truth.brightness.quantity(number(metric.value))}"
            for share, metric in zip(
                self.depth, list(metrics.values())[-len(self.depth) :], strict=True
            )
            if np.isfinite(metric.value)
        ]
        if not depths:
            return f"{said}. No depth can be given: completeness crosses none of the shares."
        return f"{said}. Completeness falls to {listed(depths)}."

    def _figure(self, edges: Values, total: Any, found: Any, metrics: dict[str, Metric]) -> Figure:
        fraction, low, high = (100 * each for each in binomial_fraction(found, total))
        filled = total > 0
        figure, axes = new_figure(52)
        axis = self.truth.brightness.axis
        known = axis if axis.lower().startswith("true") else f"True {axis}"
        label_axes(axes, known, "Completeness [%]")
        set_around(axes.xaxis, edges, 0.02, log=self.truth.is_flux)
        set_linear(axes.yaxis, 0, 104, most=6)
        errors = np.abs([fraction - low, high - fraction])[:, filled]
        axes.errorbar(
            middles(edges, log=self.truth.is_flux)[filled],
            fraction[filled],
            yerr=errors,
            fmt="o-",
            markersize=3.2,
            linewidth=0.9,
            elinewidth=0.9,
            color=series_colour(self.truth.brightness.order),
        )
        depths = [metrics[name].value for name in metrics if name.startswith("depth_")]
        for value in depths:
            if np.isfinite(value):
                axes.axvline(value, color=INK, linewidth=0.7, linestyle=(0, (1.2, 0.9)))
        percents = Column("completeness", unit="%")
        said = draw_limits(axes, self.check_limits("completeness", unit="%"), percents, "y")
        names = [name for name in metrics if name.startswith("depth_")]
        bounds = self.check_limits(*names, unit=self.truth.brightness.unit)
        said += draw_limits(axes, bounds, self.truth.brightness, of=" of the checks of depths")
        of = TableColumn.of
        columns = [
            *edge_columns(edges, self.truth.brightness.unit),
            of("true", total),
            of("detected", found),
            of("completeness", fraction, "%", digits=2),
            of("completeness_low", low, "%", "68 % Wilson interval", digits=2),
            of("completeness_high", high, "%", "68 % Wilson interval", digits=2),
        ]
        least, most = float(np.nanmin(fraction)), float(np.nanmax(fraction))
        span = f"{percent(least / 100)} to {percent(most / 100)}"
        dotted = " Dotted: the depths." if np.isfinite(depths).any() else ""
        return Figure.of(
            "completeness",
            figure,
            "Completeness",
            columns,
            alt=f"Completeness in {counted(int(filled.sum()), 'bins')} of "
            f"{self.truth.brightness.title}, from {span}.",
            caption=f"Detected share of the true objects with 68 % Wilson intervals.{dotted}{said}",
            about="Completeness in bins",
        )


def crossing(edges: Values, total: Any, found: Any, share: float, *, bright_is_high: bool) -> float:
    """Return where the completeness first falls below a share, seen from the bright end.

    Between the middles of two bins it is linear, in the logarithm of a flux density. Only bins with
    ten true objects count. NaN where it never falls below, or is below from the beginning.
    """
    scale = np.log(edges) if bright_is_high else edges
    middle = (scale[:-1] + scale[1:]) / 2
    order = np.flatnonzero(total >= FEWEST)
    order = order[::-1] if bright_is_high else order
    fraction = found[order] / total[order]
    below = np.flatnonzero(fraction < share)
    if not len(below) or below[0] == 0:
        return float("nan")
    last, first = order[below[0] - 1], order[below[0]]
    above, under = fraction[below[0] - 1], fraction[below[0]]
    place = middle[last] + (middle[first] - middle[last]) * (above - share) / (above - under)
    return float(np.exp(place) if bright_is_high else place)

"""Source counts: how many sources there are at each flux density or magnitude."""

import math
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from reportgen.analyses.base import Analysis, MapReductions, Statistics
from reportgen.analyses.brightness import Brightness
from reportgen.analyses.counts_reference import Compared, CountsReference
from reportgen.analyses.methods import POISSON, SLOPE, WORLD_COORDINATES
from reportgen.analyses.number_counts_figure import Binned, CountsFigure
from reportgen.analyses.phrases import no_values
from reportgen.analyses.results import Metric, Section
from reportgen.config.columns import Images, unit_symbol
from reportgen.config.expressions import both, parse
from reportgen.config.types import (
    AnyQuantity,
    Area,
    Block,
    BlockError,
    Frequency,
    ImagesRef,
    Positive,
    Quantity,
)
from reportgen.config.unit_arithmetic import factor
from reportgen.errors import SectionError
from reportgen.reduce.base import Integers, Values
from reportgen.reduce.binned_moments import BinnedMoments, MomentsInBins
from reportgen.reduce.counts import CountBelow, Counts, CountValues
from reportgen.reduce.histograms import Axis
from reportgen.reduce.maps import AboutImage
from reportgen.reduce.moments import MeanStd, Moments
from reportgen.reduce.pixels import CountPixelsBelow, pixels_in
from reportgen.wording import counted, exact, number

DEG2 = (180 / np.pi) ** 2  # in a steradian
MOST_BINS = 200
LEVELS = 8  # flux densities in a bin, at which the area with little enough noise is measured


class Bins(Block):
    """The bins: equal in the logarithm of a flux density, or in magnitude."""

    from_: AnyQuantity = Field(alias="from")
    """First edge, such as 1 mJy or 14 mag."""
    to: AnyQuantity
    """Last edge."""
    per_decade: Positive = 5.0
    """Bins of flux density in a factor of ten."""
    width: AnyQuantity = Quantity(0.5, "mag")
    """Width of a bin of magnitudes."""


class RmsBlock(Block):
    """An image of the noise, which says on what area a source could be found."""

    images: ImagesRef
    """The image; its pixels must have an area, by its WCS or pixel_scale."""
    sigma: Positive = 5.0
    """How many times the noise a source must have to be found."""


class NumberCounts(Analysis, Brightness, name="number_counts"):
    """Source counts in bins of flux density or magnitude, with exact Poisson limits."""

    area: Area | None = None
    """Area of the sky that was searched, such as 66 deg2; it is never inferred."""
    rms: RmsBlock | None = None
    """In place of area, for flux densities: {images, sigma}. Each bin is divided by the area in
    which its sources are above sigma times the noise."""
    bins: Bins
    """Bins: {from, to, per_decade} of flux density, or {from, to, width} of magnitude."""
    normalise: Literal["euclidean", "none", "per_deg2"] = "euclidean"
    """euclidean: S^2.5 dN/dS, each source with its own S; none: dN/dS; per_deg2: sources per bin
    and square degree. Magnitudes are always per magnitude and square degree."""
    complete_above: AnyQuantity | None = None
    """Faintest flux density or magnitude at which all sources are found: the slope and the
    comparison use brighter ones only."""
    frequency: Frequency | None = None
    """Frequency of the flux density, to which the reference is brought."""
    reference: CountsReference | None = None
    """Counts to compare with, of flux densities: {file, flux, counts, error, frequency, …}."""

    @model_validator(mode="after")
    def _knows_the_area(self) -> "NumberCounts":
        if (self.area is None) == (self.rms is None):
            raise ValueError("give area: or rms: (an image of the noise), one of them")
        if self.rms is not None and not self.is_flux:
            raise BlockError({("rms",): "it is for flux densities"})
        if self.rms is not None:
            try:
                pixels_in(self.brightness.unit, self.rms.images.unit)
            except SectionError:
                said = f"{self.rms.images.name} is in {unit_symbol(self.rms.images.unit)}"
                raise BlockError({("rms", "images"): f"{said}, not a flux density"}) from None
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> "NumberCounts":
        if self.reference is not None:
            if not self.is_flux:
                raise BlockError({("reference",): "it is for flux densities"})
            if self.reference.frequency is not None and self.frequency is None:
                raise BlockError({("reference", "frequency"): "the section has no frequency: yet"})
        try:
            _ = self._to("Jy" if self.is_flux else "mag")
        except (ValueError, TypeError):
            unit = self.brightness.symbol or "no unit; set it in columns:"
            key, said = ("flux", "a flux density") if self.flux else ("magnitude", "a magnitude")
            raise BlockError(
                {(key,): f"should be {said}; {self.brightness.name} has {unit}"}
            ) from None
        other, kind = ("width", "magnitude") if self.flux else ("per_decade", "flux density")
        if other in self.bins.model_fields_set:
            raise BlockError({("bins", other): f"it is for bins of {kind}"})
        for keys, quantity in (
            (("bins", "from"), self.bins.from_),
            (("bins", "to"), self.bins.to),
            (("bins", "width"), self.bins.width),
            (("complete_above",), self.complete_above),
        ):
            if quantity is None or (keys[-1] == "width" and self.is_flux):
                continue
            try:
                value = self._value(quantity)
            except ValueError as error:
                raise BlockError({keys: str(error)}) from None
            if value <= 0 and (self.is_flux or keys[-1] == "width"):
                raise BlockError({keys: "should be more than 0"})
        low, high = self._ends
        if low >= high:
            raise BlockError({("bins", "to"): f"should be more than from, {self.bins.from_}"})
        if self._bins > MOST_BINS:
            raise BlockError({("bins",): f"the bins are more than {MOST_BINS}"})
        return self

    def _value(self, quantity: Quantity) -> float:
        """Return a quantity in the unit of the column; that of a missing file is not known."""
        return quantity.to(self.brightness.unit) if self.brightness.is_known else quantity.value

    def _named(self, quantity: Quantity) -> str:
        """Return a quantity as it was given, in the unit of the column when it has none."""
        return str(quantity) if quantity.unit else self.brightness.quantity(exact(quantity.value))

    @property
    def _ends(self) -> tuple[float, float]:
        return self._value(self.bins.from_), self._value(self.bins.to)

    @property
    def _bins(self) -> int:
        low, high = self._ends
        if self.is_flux:
            bins = self.bins.per_decade * (math.log10(high) - math.log10(low))
        else:
            bins = (high - low) / self._value(self.bins.width)
        return max(1, round(min(bins, MOST_BINS + 1)))

    @property
    def _limit(self) -> float | None:
        return None if self.complete_above is None else self._value(self.complete_above)

    @property
    def methods(self) -> tuple[str, ...]:
        """What it computes, and what to cite."""
        slope = () if self.complete_above is None else (SLOPE,)
        return (POISSON, *slope, *(() if self.rms is None else (WORLD_COORDINATES,)))

    def reductions(self) -> Statistics:
        """Ask for the sources in each bin, and the slope of the bright ones."""
        name, limit = self.brightness.name, self._limit
        axis = Axis(name, self._bins, self._ends, log=self.is_flux)
        found: dict[str, Any] = {
            "values": CountValues(name, self.where),
            "below": CountBelow(name, self._ends[:1], self.where),
            "sources": MomentsInBins(axis, f"{name} ** 2.5" if self.flux else name, self.where),
        }
        if limit is not None and self.is_flux:
            bright = both(self.where, parse(f"{name} >= {limit!r}"))
            found["bright"] = MeanStd(f"log({name} / {limit!r})", bright)
        elif limit is not None:
            bright = both(self.where, parse(f"{name} <= {limit!r}"))
            found["bright"] = MeanStd(f"{math.log(10)!r} * ({limit!r} - {name})", bright)
        return found

    @property
    def looked_at(self) -> Images | None:
        """The image of the noise, if there is one."""
        return None if self.rms is None else self.rms.images

    def image_reductions(self) -> MapReductions:
        """Ask for the pixels in which sources of a bin could be found."""
        if self.rms is None:
            return {}
        levels = tuple((self._levels / self.rms.sigma).tolist())
        noise = CountPixelsBelow(None, levels=levels, unit=self.brightness.unit)
        return {"noise": noise, "about": AboutImage(None)}

    @property
    def _levels(self) -> Values:
        """Return flux densities, LEVELS in each bin, from the faintest up."""
        low, high = np.log(self._ends)
        n = LEVELS * self._bins
        return np.asarray(np.exp(low + (high - low) * (np.arange(n) + 0.5) / n))

    def _areas(self, noise: Integers | None, about: Images | None) -> tuple[float, Values]:
        """Return the area that was searched, and in each bin that where its sources are found."""
        if self.area is not None:
            area = self.area.to("deg2")
            return area, np.full(self._bins, area)
        shape = (1, 1)
        sky = None if about is None else about.sky(*shape)
        scale = None if about is None else about.pixel_scale
        if sky is None and scale is None:
            raise SectionError(
                "nothing says how large the pixels of the image of the noise are",
                "give its pixel_scale: in images:, or area: in place of rms:",
            )
        pixel = sky.pixel_area if sky is not None else ((scale or 0) / 3600) ** 2
        assert noise is not None  # noqa: S101 - an image of the noise is given
        if not noise[-1]:
            raise SectionError("all pixels of the image of the noise are blank", "choose another")
        return float(noise[-1]) * pixel, noise[:-1].reshape(-1, LEVELS).mean(axis=1) * pixel

    def _binned(self, sources: BinnedMoments, area: Values) -> Binned:
        low, high, n = sources.edges[:-1], sources.edges[1:], sources.n
        area = np.where(area > 0, area, np.nan)
        if not self.is_flux:
            weight = 1 / (area * (high - low) * self._to("mag"))
            nothing = np.full(len(n), np.nan)
            return Binned(self.brightness, "per_mag", sources.edges, n, weight, nothing)
        by = self._to("Jy")
        differential = DEG2 / (area * (high - low) * by)
        powers = np.where(n > 0, sources.mean, (low * high) ** 1.25) * by**2.5
        weight = {
            "euclidean": powers * differential,
            "none": differential,
            "per_deg2": 1 / area,
        }[self.normalise]
        euclidean = powers * differential
        seen = None if self.rms is None else area
        return Binned(self.brightness, self.normalise, sources.edges, n, weight, euclidean, seen)

    def _to(self, unit: str) -> float:
        return factor(self.brightness.unit, unit) if self.brightness.is_known else 1.0

    def present(
        self,
        *,
        values: Counts,
        below: Integers,
        sources: BinnedMoments,
        bright: Moments | None = None,
        noise: Integers | None = None,
        about: Images | None = None,
    ) -> Section:
        """Draw the counts with their limits and, if there is one, the reference."""
        if not values.valid:
            raise no_values((self.brightness,), values.rows, self.where)
        area, areas = self._areas(noise, about)
        binned, n = self._binned(sources, areas), int(sources.n.sum())
        found = np.flatnonzero((sources.n > 0) & (areas > 0))
        density = n / area
        if self.rms is not None:
            density = float((sources.n[found] / areas[found]).sum())
        slope = error = np.nan
        if bright is not None and bright.n and bright.mean > 0:
            slope, error = 1 / bright.mean, 1 / (bright.mean * np.sqrt(bright.n))
        metrics = {
            "n": Metric(n, "sources in the bins", digits=0),
            "n_per_deg2": Metric(density, "per square degree", "1 / deg2"),
            "area": Metric(area, "area", "deg2"),
            "slope": Metric(slope, "slope", digits=3),
            "slope_error": Metric(error, "error of the slope", digits=3, shown=False),
            "turnover": Metric(self._turnover(binned), "turnover", self.brightness.unit),
        }
        drawn, findings = (
            None,
            [self._said(n, area, density), *self._slope_said(bright, slope, error)],
        )
        if self.reference is not None:
            frequency = None if self.frequency is None else self.frequency.to("MHz")
            reference = self.reference.in_bins(binned.edges * self._to("Jy"), frequency)
            drawn = reference.counts * binned.weight / binned.euclidean, self.reference.title
            ratio, chi2 = self._compare(binned, reference)
            metrics["reference_ratio"] = Metric(ratio, "ratio to the reference", digits=3)
            metrics["reference_chi2"] = Metric(chi2, "χ² per bin", digits=2)
            findings.append(self._compared_said(ratio, chi2))
        figure = CountsFigure(
            binned, drawn, self._limit, self.check_limits("turnover", unit=self.brightness.unit)
        )
        low, outside = int(below[0]), values.valid - n
        said = f"{counted(low, 'sources')} below them and {counted(outside - low, 'sources')} above"
        notes = [f"Outside the bins: {said}."] if outside else []
        if lost := n - int(sources.n[found].sum()):
            which = f"though {exact(self.rms.sigma if self.rms else 0)} times the noise is above"
            notes.append(f"In bins of no area, {which}: {counted(lost, 'sources')}.")
        return Section(
            findings=findings,
            metrics=metrics,
            figures=[figure.figure(findings)],
            rows=values.valid,
            notes=notes,
        )

    def _said(self, n: int, area: float, density: float) -> str:
        span = f"between {self._named(self.bins.from_)} and {self._named(self.bins.to)}"
        said = f"{counted(n, 'sources')} {span} on {number(area)} square degrees: "
        each = "" if self.rms is None else ", those of each bin on the area where they can be found"
        return f"{said}{number(density)} per square degree{each}."

    def _slope_said(self, bright: Moments | None, slope: float, error: float) -> list[str]:
        if bright is None:
            return []
        side = "Above" if self.is_flux else "Brighter than"
        limit = "" if self.complete_above is None else self._named(self.complete_above)
        if not np.isfinite(slope):
            return [f"{side} {limit} there are too few sources for a slope."]
        digits = max(2, 1 - int(np.floor(np.log10(error))))
        said = f"{number(slope, digits)} ± {number(error, digits)}"
        law = f"N(>S) falls as S to the power of −{said}"
        if not self.is_flux:
            law = f"log N(<m) rises by {said} per magnitude"
        return [f"{side} {limit}, {law} ({counted(bright.n, 'sources')})."]

    def _compared_said(self, ratio: float, chi2: float) -> str:
        title = "" if self.reference is None else self.reference.title
        if np.isnan(ratio):
            return f"{title} has no counts in these bins to compare with."
        where = "Where both have counts"
        if self.complete_above is not None:
            where = f"Above {self._named(self.complete_above)}"
        return (
            f"{where}, there are {number(ratio, 2)} times as many sources as by {title} "
            f"(χ² of {number(chi2, 1)} per bin)."
        )

    def _turnover(self, binned: Binned) -> float:
        """Return the middle of the fullest bin; NaN if none of those that are fainter holds less.

        There counts begin to lack sources.
        """
        n = binned.n if self.is_flux else binned.n[::-1]
        middle = binned.middle if self.is_flux else binned.middle[::-1]
        fullest = int(np.argmax(n))
        return float(middle[fullest]) if fullest and n[fullest] else np.nan

    def _compare(self, binned: Binned, reference: Compared) -> tuple[float, float]:
        """Return how many times the sources of the reference there are, and χ² per bin."""
        expected = reference.counts / binned.euclidean
        used = np.isfinite(expected) & (binned.edges[:-1] >= (self._limit or 0) * (1 - 1e-9))
        if not used.any():
            return np.nan, np.nan
        n, expected, error = binned.n[used], expected[used], reference.error[used]
        chi2 = (n - expected) ** 2 / (expected + (expected * error) ** 2)
        return float(n.sum() / expected.sum()), float(chi2.mean())

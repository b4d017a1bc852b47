"""What the pixels of one image are: how many are below which value, and where."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reportgen.analyses.base import ImageAnalysis, MapReductions
from reportgen.analyses.methods import WORLD_COORDINATES
from reportgen.analyses.plotting.axes import DOTTED, Line, draw_curves, draw_limits
from reportgen.analyses.plotting.image import draw_image, sky_of
from reportgen.analyses.results import Figure, Metric, Section, TableColumn
from reportgen.config.columns import Column, Images, prefixed_unit, unit_symbol
from reportgen.config.image_header import ImageSky
from reportgen.config.types import AnyQuantity, Index
from reportgen.errors import SectionError
from reportgen.reduce.maps import AboutImage
from reportgen.reduce.pixels import BINS, RANGE, DescribePixels, PixelStatistics, pixels_in
from reportgen.wording import counted, number, percent

AREA_UNITS = (("deg2", 1.0), ("arcmin2", 3600.0), ("arcsec2", 3600.0**2))  # in a square degree
CURVED = 0.01  # difference of the areas of pixels on the sky from which it is said


class ImageNoise(ImageAnalysis, name="image_noise", methods=(WORLD_COORDINATES,)):
    """The values of one image, such as an rms map: quantiles, area below a level, and a map."""

    image: Index = 0
    """Which image of the stack, counted from 0."""
    channel: Index = 0
    """Which channel of an image in colour, counted from 0."""
    below: AnyQuantity | None = None
    """A level, such as 35 uJy/beam: how much of the image is below?"""

    def reductions(self) -> MapReductions:
        """Ask for the pixels and for what the header says of them."""
        level, unit = (np.nan, "") if self.below is None else (self.below.value, self.below.unit)
        pixels = DescribePixels(None, self.image, channel=self.channel, level=level, unit=unit)
        return {"about": AboutImage(None, self.image), "pixels": pixels}

    def present(self, about: Images | None, pixels: PixelStatistics) -> Section:
        """Say how the values are distributed, and draw them where they are."""
        named = f"image {self.image} of {self.images.title}"
        if not pixels.valid:
            n = counted(pixels.all, "pixels")
            raise SectionError(f"all {n} of {named} are blank", "choose another image or HDU")
        images = about or self.images
        names = ("median", "mode", "low", "high")
        limits = self.check_limits(*names, unit=images.unit)
        level = None
        if self.below is not None:
            level = self.below.value * pixels_in(self.below.unit, images.unit)
        return _Described(named, images, pixels, level, tuple(limits)).section()


@dataclass(frozen=True)
class _Described:
    """An image and its pixels, in words and figures. below: a level; limits: of checks."""

    title: str
    images: Images
    pixels: PixelStatistics
    below: float | None
    limits: tuple[float, ...] = ()

    @cached_property
    def sky(self) -> ImageSky | None:
        """Where it is on the sky."""
        return sky_of(self.images, *self.pixels.shape)

    @cached_property
    def pixel_area(self) -> float | None:
        """Square degrees of a pixel; None where nothing says it."""
        if self.sky is not None:
            return self.sky.pixel_area
        scale = self.images.pixel_scale
        return None if scale is None else (scale / 3600) ** 2

    @cached_property
    def shown_unit(self) -> tuple[float, str]:
        """How many of the unit that reads well one of the image is, and that unit."""
        curve = np.abs(self.pixels.curve)
        return prefixed_unit(self.images.unit, float(np.median(curve)) or float(curve[-1]))

    def quantity(self, value: float) -> str:
        """Return a value of a pixel with its unit."""
        factor, unit = self.shown_unit
        return f"{number(value * factor)}\u00a0{unit_symbol(unit)}".rstrip()

    @property
    def axis(self) -> str:
        """What an axis of values of pixels says."""
        symbol = unit_symbol(self.shown_unit[1])
        return f"Pixel value [{symbol}]" if symbol else "Pixel value (no unit)"

    def area(self, pixels: int) -> str:
        """Return the area of some pixels, with its unit."""
        area = pixels * (self.pixel_area or 0.0)
        unit, factor = next((e for e in AREA_UNITS if area * e[1] >= 0.1), AREA_UNITS[-1])
        return f"{number(area * factor)}\u00a0{unit_symbol(unit)}"

    def section(self) -> Section:
        """Return the section."""
        pixels, beam, sky = self.pixels, self.images.beam, self.sky
        half, low, high = (self.quantity(pixels.quantile(share)) for share in (0.5, 0.1, 0.9))
        found = [
            f"Half of the pixels of {self.title} are below {half}, 10\u00a0% below {low} and "
            f"90\u00a0% below {high}."
        ]
        if self.below is not None:
            share = {0: "None is", pixels.valid: "All are"}.get(pixels.below)
            share = share or f"{percent(pixels.below / pixels.valid)} are"
            said = f"{share} below {self.quantity(self.below)}"
            is_area = self.pixel_area and pixels.below
            found.append(said + (f", {self.area(pixels.below)}." if is_area else "."))
        height, width = pixels.shape
        blank, others = f"{percent(self.blank)} are", "the others"
        if pixels.valid == pixels.all:
            blank, others = "none is", "they"
        said = f"Of {number(width)} × {number(height)} pixels {blank} blank"
        said += f"; {others} cover {self.area(pixels.valid)}" if self.pixel_area else ""
        found.append(f"{said}.{'' if beam is None else f' Beam: {beam.title}.'}")
        notes = [
            f"The mode is the middle of the fullest of {BINS} bins between the "
            "1\u00a0% and the 99\u00a0% quantile."
        ]
        ratio = 1.0 if sky is None else (sky.scale / 3600) ** 2 / sky.pixel_area
        if abs(ratio - 1) > CURVED:
            notes.append(
                "Areas take all pixels to be as large as that at the reference position of the "
                f"WCS; those in the middle of the image are {number(ratio, 2)} times as large."
            )
        figures = [self.map(), self.curve()]
        return Section(found, self.metrics(), figures, rows=1, notes=notes, entries="images")

    @property
    def blank(self) -> float:
        """Share of the pixels that are blank."""
        return 1 - self.pixels.valid / self.pixels.all

    def metrics(self) -> dict[str, Metric]:
        """Return the metrics, in the unit of the image, so that they are the same each night."""
        pixels, unit, beam = self.pixels, self.images.unit, self.images.beam
        found = {
            "median": Metric(pixels.quantile(0.5), "median", unit),
            "mode": Metric(pixels.mode, "mode", unit),
            "low": Metric(pixels.quantile(0.1), "10\u00a0% are below", unit),
            "high": Metric(pixels.quantile(0.9), "90\u00a0% are below", unit),
            "blank_percent": Metric(100 * self.blank, "blank pixels", "%"),
        }
        if self.pixel_area is not None:
            found["area"] = Metric(pixels.valid * self.pixel_area, "area", "deg2")
        if self.below is not None:
            level, share = self.quantity(self.below), 100 * pixels.below / pixels.valid
            found["below_percent"] = Metric(share, f"below {level}", "%")
            if self.pixel_area is not None:
                area = pixels.below * self.pixel_area
                found["area_below"] = Metric(area, f"area below {level}", "deg2")
        if beam is not None:
            found["beam_major"] = Metric(beam.major, "beam, major axis", "arcsec", shown=False)
            found["beam_minor"] = Metric(beam.minor, "beam, minor axis", "arcsec", shown=False)
            found["beam_angle"] = Metric(beam.angle, "beam, position angle", "deg", shown=False)
        return found

    def map(self) -> Figure:
        """Draw the image, its colours from the 1 % to the 99 % quantile."""
        from matplotlib.colors import Normalize

        pixels, factor = self.pixels, self.shown_unit[0]
        low, high = (pixels.quantile(share) * factor for share in RANGE)
        if low == high:
            low, high = low - 0.5, high + 0.5
        norm, side, shape = Normalize(low, high), pixels.side, pixels.shape
        values = pixels.picture * factor
        drawing, places = draw_image(values, self.images, self.axis, norm, shape=shape, side=side)
        ends = " to ".join(self.quantity(pixels.quantile(share)) for share in (0, 1))
        square = f"; each cell is the mean of {side} × {side} pixels" if side > 1 else ""
        beam = self.images.beam
        value = TableColumn.of("value", pixels.picture.ravel(), self.images.unit)
        return Figure.of(
            "map",
            drawing,
            "Map",
            [*places, value],
            alt=f"Map of {self.title}, {pixels.shape[1]} × {pixels.shape[0]} pixels from {ends}, "
            f"{percent(self.blank)} of them blank.",
            caption=f"{self.title[0].upper()}{self.title[1:]}, with colours from the 1\u00a0% "
            f"to the 99\u00a0% quantile{square}."
            + ("" if beam is None else f" Beam: {beam.title}."),
            about=f"Values of {self.title}",
        )

    def curve(self) -> Figure:
        """Draw which share of the area is below which value."""
        pixels, (factor, unit) = self.pixels, self.shown_unit
        line = Line("pixels", 0, 100 * pixels.shares, pixels.curve * factor)
        columns = [
            TableColumn.of("area", 100 * pixels.shares, "%", "share of the pixels", digits=1),
            TableColumn.of("value", pixels.curve, self.images.unit, "they are below this"),
        ]
        said = (
            f"{percent(share)} below {self.quantity(pixels.quantile(share))}"
            for share in (0.1, 0.5, 0.9)
        )
        drawing = draw_curves([line], "Area with lower values [%]", self.axis)
        ends = [float(f"{factor * limit:.12g}") for limit in self.limits]
        shown = draw_limits(drawing.axes[0], ends, Column("", unit=unit), along="y")
        if self.below is not None:
            drawing.axes[0].axhline(factor * self.below, **DOTTED)
            shown += f" Dotted: {self.quantity(self.below)}."
        return Figure.of(
            "area",
            drawing,
            "Cumulative area",
            columns,
            alt=f"Share of the area of {self.title} below each value: {', '.join(said)}.",
            caption=f"Values of {self.title}, in order of size, against the share of its area that "
            f"is below; blank pixels left out.{shown}",
            about="Values in order of size",
        )

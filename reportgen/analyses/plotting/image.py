"""One image as astronomers look at it: stretched, on the sky or in arcseconds, with a unit."""

from contextlib import suppress
from typing import Any, Literal

import numpy as np

from reportgen.analyses.plotting.axes import colour_bar, new_figure
from reportgen.analyses.plotting.lettering import label_axes, wrapped
from reportgen.analyses.plotting.sky import label_sky
from reportgen.analyses.plotting.ticks import Values, set_linear
from reportgen.analyses.results import Figure, TableColumn
from reportgen.config.columns import Images, prefixed_unit, unit_symbol
from reportgen.config.image_header import Beam, ImageSky
from reportgen.reduce.moments import robust_std
from reportgen.style import INK, LABEL_SIZE, TEXT_SIZE, WIDTHS
from reportgen.wording import count, number

Stretch = Literal["asinh", "log", "linear"]

LONGEST = 3  # sides of an image that is drawn to scale; a longer one would be a line
SMALLEST_BEAM, LARGEST_BEAM = 0.01, 0.4  # sides of an image; one beyond that is not drawn
BEAM_MARGIN = 0.03  # sides of an image between its corner and the beam


def image_figures(image: Values, place: int, images: Images, stretch: Stretch) -> list[Figure]:
    """Draw an image, (channel, row, column), row 0 at the bottom, each channel by itself.

    place: which one of the stack it is. Channels, mostly bands, have a scale of their own each.
    """
    names = [("input", "")]
    if len(image) > 1:
        names = [(f"input_{number}", f", channel {number}") for number in range(len(image))]
    return [
        _figure(values, images, stretch, place=place, name=name, channel=channel)
        for (name, channel), values in zip(names, image, strict=True)
    ]


def _figure(
    image: Values, images: Images, stretch: Stretch, *, place: int, name: str, channel: str
) -> Figure:
    """Draw one channel, (row, column). channel: what words call it, with a comma before."""
    from matplotlib.colors import Normalize

    factor, unit = prefixed_unit(images.unit, float(np.abs(image).max()))
    values, symbol = image * factor, unit_symbol(unit)
    height, width = image.shape
    noise = robust_std(values)
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    peak, scatter = (f"{number(float(v))} {symbol}".rstrip() for v in (values.max(), noise))
    where = position_title(images, image.shape, column=int(column), row=int(row))
    brightest = f"The brightest pixel, {peak}, is at {where}"
    if (alike := int((values == values.max()).sum())) > 1:
        brightest = f"{count(alike)} pixels are the brightest, with {peak}"
    norm = norm_of(values, stretch)
    # A logarithm of nothing above 0 is none, nor has an image of one value a stretch.
    colours = "a linear scale" if type(norm) is Normalize else f"a scale of {stretch}"
    label = f"Brightness [{symbol}]" if symbol else "Pixel value (no unit)"
    drawing, places = draw_image(values, images, label, norm)
    cells = [*places, TableColumn.of("value", image.ravel(), images.unit)]
    beam = "" if images.beam is None else f" Beam: {images.beam.title}."
    return Figure.of(
        name,
        drawing,
        f"Image {place}{channel}",
        cells,
        alt=f"Image {place} of {images.title}{channel}, {width} × {height} pixels. {brightest}; "
        f"the noise is {scatter}.",
        caption=f"Image {place} (counted from 0) of {images.title}{channel}, with {colours}. "
        f"Noise (from the median absolute deviation): {scatter}.{beam}",
        about=f"Pixels of image {place}{channel}",
    )


def position_title(images: Images, shape: tuple[int, ...], *, column: int, row: int) -> str:
    """Return where a pixel is: on the sky, or from the centre of the image. shape: of that."""
    height, width = shape
    if (sky := sky_of(images, height, width)) is not None:
        return sky.title(column, row)
    x, y = _offsets(images, height, width)
    of_length = "″" if images.pixel_scale is not None else " pixels"
    where = f"{number(float(x[column]))}{of_length}, {number(float(y[row]))}{of_length}"
    return f"{where} from the centre"


def draw_image(
    values: Values,
    images: Images,
    label: str,
    norm: Any,
    *,
    shape: tuple[int, ...] | None = None,
    side: int = 1,
) -> tuple[Any, list[TableColumn]]:
    """Draw an image, (row, column), on the sky where that is known, with the beam in a corner.

    label: of the colour bar. shape: of the image, where a value is that of a square of pixels;
    side: of these. Returns the drawing, and the columns of a table that say where each value is.
    """
    height, width = shape or values.shape
    rows, columns = np.indices(values.shape).reshape(2, -1)
    of = TableColumn.of
    places = [of("row", rows * side), of("column", columns * side)]
    sky = sky_of(images, height, width)
    if sky is None:
        length = "" if images.pixel_scale is None else "arcsec"
        x, y = _offsets(images, height, width, side)
        axis = f"Offset from the centre [{'″' if length else 'pixels'}]"
        drawing = _draw(values, (x, y), axis, label, norm)
        return drawing, [*places, of("x", x[columns], length), of("y", y[rows], length)]
    sky = sky.binned(side)
    names = ("ra", "dec") if sky.is_equatorial else ("longitude", "latitude")
    found = sky.positions(columns, rows)
    places += [of(name, each, "deg") for name, each in zip(names, found, strict=True)]
    return _draw_on_sky(values, sky, images.beam, label, norm), places


def sky_of(images: Images, height: int, width: int) -> ImageSky | None:
    """Return where images are on the sky; None, too, where the header makes no sense."""
    with suppress(ValueError):
        return images.sky(height, width)
    return None


def _offsets(images: Images, height: int, width: int, side: int = 1) -> tuple[Values, Values]:
    """Return how far columns and rows are from the centre, in arcseconds, or pixels.

    side: of the squares of pixels that are one column and row.
    """

    def along(n: int) -> Values:
        middles = np.arange(-(-n // side)) * side + (side - 1) / 2
        return np.asarray((middles - (n - 1) / 2) * (images.pixel_scale or 1.0))

    return along(width), along(height)


def _draw(values: Values, offsets: tuple[Values, Values], axis: str, label: str, norm: Any) -> Any:
    x, y = offsets
    shape = len(y) / len(x)
    figure, axes = new_figure(70 * min(2.0, max(0.5, shape)))
    figure.set_layout_engine("compressed")  # the bar is as long as the image, whose shape is fixed
    half = [(v[1] - v[0]) / 2 if len(v) > 1 else 0.5 for v in offsets]
    extent = (x[0] - half[0], x[-1] + half[0], y[0] - half[1], y[-1] + half[1])
    picture = axes.imshow(
        values,
        origin="lower",
        extent=extent,
        interpolation="none",
        norm=norm,
        aspect="equal" if 1 / LONGEST <= shape <= LONGEST else "auto",
    )
    label_axes(axes, axis, axis)
    set_linear(axes.xaxis, extent[0], extent[1], most=5)
    set_linear(axes.yaxis, extent[2], extent[3], most=5)
    axes.spines[:].set_visible(True)
    _add_bar(axes, picture, label, shape)
    return figure


def _draw_on_sky(values: Values, sky: ImageSky, beam: Beam | None, label: str, norm: Any) -> Any:
    from astropy.visualization.wcsaxes import WCSAxes
    from matplotlib.figure import Figure as Canvas

    height, width = values.shape
    shape = height / width
    tall = 70 * min(2.0, max(0.5, shape)) / 25.4
    figure = Canvas(figsize=(WIDTHS["column"], tall), layout="compressed")
    axes: Any = figure.add_subplot(axes_class=WCSAxes, wcs=sky.wcs)
    aspect = "equal" if 1 / LONGEST <= shape <= LONGEST else "auto"
    picture = axes.imshow(values, origin="lower", interpolation="none", norm=norm, aspect=aspect)
    label_sky(axes, sky.names, (3, 5), hms=sky.is_equatorial)
    if beam is not None and aspect == "equal":
        _draw_beam(axes, sky, beam, (width, height))
    _add_bar(axes, picture, label, shape)
    return figure


def _draw_beam(axes: Any, sky: ImageSky, beam: Beam, size: tuple[int, int]) -> None:
    """Draw the beam in the lower left corner, unless it would be a dot or cover the image."""
    from matplotlib.patches import Ellipse

    angle = np.radians(beam.angle)
    north, east = np.array(sky.north), np.array(sky.east)
    major = beam.major * (np.cos(angle) * north + np.sin(angle) * east)
    minor = beam.minor * (np.cos(angle) * east - np.sin(angle) * north)
    lengths = np.hypot(*major), np.hypot(*minor)
    if not SMALLEST_BEAM * max(size) <= lengths[0] <= LARGEST_BEAM * min(size):
        return
    place = -0.5 + BEAM_MARGIN * min(size) + lengths[0] / 2
    turned = float(np.degrees(np.arctan2(major[1], major[0])))
    style: dict[str, Any] = {"facecolor": "white", "edgecolor": INK, "linewidth": 0.6}
    axes.add_patch(Ellipse((place, place), *lengths, angle=turned, **style))


def _add_bar(axes: Any, picture: Any, label: str, shape: float) -> None:
    """Add a colour bar with round numbers. shape: height over width of the image."""
    from matplotlib.colors import Normalize

    figure, norm = axes.figure, picture.norm
    bar = colour_bar(axes, picture, wrapped(label, 60 * figure.get_figheight(), size=LABEL_SIZE))
    bar.ax.minorticks_off()
    if type(norm) is Normalize:
        set_linear(bar.ax.yaxis, *picture.get_clim())
        return
    length = min(0.8 * 72 * figure.get_figheight(), 0.7 * 72 * WIDTHS["column"] * max(shape, 1 / 3))
    ticks = bar_ticks(norm, 1.5 * TEXT_SIZE / length)
    bar.set_ticks(ticks.tolist(), labels=[number(float(tick)) for tick in ticks])


def norm_of(values: Values, stretch: Stretch) -> Any:
    """Return what turns finite brightness into colour."""
    from matplotlib import colors

    low, high, noise = float(values.min()), float(values.max()), robust_std(values)
    if low == high:
        return colors.Normalize(low - 0.5, low + 0.5)
    if stretch == "asinh":
        return colors.AsinhNorm(noise or (high - low) / 100, low, high)
    if stretch == "log" and high > 0:
        floor = noise if 0 < noise < high / 2 else high / 1000
        return colors.LogNorm(floor, high, clip=True)
    return colors.Normalize(low, high)


def bar_ticks(norm: Any, closest: float) -> Values:
    """Return round numbers, 1, 2 and 5 times powers of ten and 0, that stand apart on the bar.

    closest: two of them, as a share of its length.
    """
    low, high = float(norm.vmin), float(norm.vmax)
    most = int(np.floor(np.log10(max(abs(low), abs(high)))))
    powers = range(most - 5, most + 1)
    # Tens before fives and twos, large before small: what is kept is what people read first.
    round_numbers = [0.0]
    for factor in (1, 5, 2):
        for power in reversed(powers):
            round_numbers += [factor * 10.0**power, -factor * 10.0**power]
    ticks = np.array([tick for tick in round_numbers if low <= tick <= high])
    found: list[int] = []
    places = np.asarray(norm(ticks), dtype=float)
    for k, place in enumerate(places):
        if np.abs(places[found] - place).min(initial=1) >= closest:
            found.append(k)
    return np.sort(ticks[found])

"""One image as astronomers look at it: stretched, with a scale in arcseconds and a unit."""

from typing import Any, Literal

import numpy as np

from reportgen.analyses.plotting.axes import colour_bar, new_figure
from reportgen.analyses.plotting.lettering import label_axes, wrapped
from reportgen.analyses.plotting.ticks import Values, set_linear
from reportgen.analyses.results import Figure, Table, TableColumn
from reportgen.config.columns import Images, prefixed_unit, unit_symbol
from reportgen.reduce.moments import robust_std
from reportgen.style import LABEL_SIZE, TEXT_SIZE, WIDTHS
from reportgen.wording import count, number

Stretch = Literal["asinh", "log", "linear"]

LONGEST = 3  # sides of an image that is drawn to scale; a longer one would be a line


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
    scale, length = (1.0, "pixel") if images.pixel_scale is None else (images.pixel_scale, "arcsec")
    x, y = ((np.arange(n) - (n - 1) / 2) * scale for n in (width, height))
    noise = robust_std(values)
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    peak, scatter = (f"{number(float(v))} {symbol}".rstrip() for v in (values.max(), noise))
    of_length = "″" if length == "arcsec" else " pixels"
    where = f"{number(float(x[column]))}{of_length}, {number(float(y[row]))}{of_length}"
    brightest = f"The brightest pixel, {peak}, is at {where} from the centre"
    if (alike := int((values == values.max()).sum())) > 1:
        brightest = f"{count(alike)} pixels are the brightest, with {peak}"
    norm = _norm(values, stretch)
    # A logarithm of nothing above 0 is none, nor has an image of one value a stretch.
    colours = "a linear scale" if type(norm) is Normalize else f"a scale of {stretch}"
    rows, columns = np.indices(image.shape).reshape(2, -1)
    of, length = TableColumn.of, "" if length == "pixel" else length
    cells = [
        of("row", rows),
        of("column", columns),
        of("x", x[columns], length),
        of("y", y[rows], length),
        of("value", image.ravel(), images.unit),
    ]
    return Figure(
        name,
        _draw(values, (x, y), f"Offset from the centre [{of_length.strip()}]", symbol, norm),
        f"Image {place}{channel}",
        alt=f"Image {place} of {images.title}{channel}, {width} × {height} pixels. {brightest}; "
        f"the noise is {scatter}.",
        caption=f"Image {place} (counted from 0) of {images.title}{channel}, with {colours}. "
        f"Noise (from the median absolute deviation): {scatter}.",
        data=Table(name, f"Pixels of image {place}{channel}", cells, shown=False),
    )


def _draw(values: Values, offsets: tuple[Values, Values], axis: str, symbol: str, norm: Any) -> Any:
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
    label = f"Brightness [{symbol}]" if symbol else "Pixel value (no unit)"
    bar = colour_bar(axes, picture, wrapped(label, 60 * figure.get_figheight(), size=LABEL_SIZE))
    length = min(0.8 * 72 * figure.get_figheight(), 0.7 * 72 * WIDTHS["column"] * max(shape, 1 / 3))
    ticks = bar_ticks(norm, 1.5 * TEXT_SIZE / length)
    bar.ax.minorticks_off()
    bar.set_ticks(ticks.tolist(), labels=[number(float(tick)) for tick in ticks])
    return figure


def _norm(values: Values, stretch: Stretch) -> Any:
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

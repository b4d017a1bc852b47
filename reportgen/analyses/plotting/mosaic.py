"""Feature maps of all filters as one image: tiles with their numbers, silent filters crossed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from reportgen.analyses.plotting.axes import colour_bar
from reportgen.analyses.plotting.ticks import Values, set_linear
from reportgen.analyses.results import Drawing
from reportgen.style import CELL_SIZE, INK, LINE, MM, WIDTHS

Scale = Literal["each", "shared"]

TILES = 8  # tiles beside each other
STRIP = 3.3  # mm above a tile for its number
GAP = 0.8  # mm between tiles
EDGE = 0.3  # mm at the left, for half of a line
FOOT, BAR = 9.3, 60.0  # mm below the tiles for the colour bar, and its length
BELOW, THICK = 1.5, 2.0  # mm from the tiles to the colour bar, and from its upper edge to its lower
LONGEST = 3  # sides of a tile that is drawn to scale; a longer one would leave no room
FEWEST_CELLS = 24  # along a side of a tile; smaller maps are drawn with several pixels a cell


def draw_mosaic(maps: Values, silent: Sequence[int], quantity: str, scale: Scale) -> Drawing:
    """Draw maps, (filter, row, column), as one mosaic with row 0 of each map at the bottom.

    silent: filters to cross out. quantity: what a map shows. scale: colours from the lowest to the
    highest value of each map, or of all of them.
    """
    # Cells of small maps are repeated, so that gaps between tiles may be narrower than a cell.
    rows, columns = (-(-FEWEST_CELLS // length) for length in maps.shape[1:])
    maps = maps.repeat(rows, axis=1).repeat(columns, axis=2)
    titles = [
        f"{number} silent" if number in silent else str(number) for number in range(len(maps))
    ]
    tiles = scaled(maps, scale).copy()
    tiles[list(silent)] = np.nan
    sheet = lay_out(tiles, titles, foot=FOOT)
    figure, image, corners = sheet.figure, sheet.image, sheet.corners
    image.set_clim(*_limits(maps, scale))
    height, width = maps.shape[1:]
    _cross_out(sheet.axes, [corners[number] for number in silent], width, height)
    page = figure.get_figheight() / MM
    frame = figure.add_axes((5 / 174, (FOOT - BELOW - THICK) / page, BAR / 174, THICK / page))
    bar = colour_bar(sheet.axes, image, "", cax=frame, orientation="horizontal")
    low, high = image.get_clim()
    set_linear(bar.ax.xaxis, low, high, most=4)
    label = f"{quantity} (no unit)"
    if scale == "each":
        of = " / maximum" if float(maps.min()) >= 0 else ", lowest to highest"
        label = f"{quantity}{of} of the map (no unit)"
    bar.ax.text(1 + 5 / BAR, 0.5, label, transform=bar.ax.transAxes, va="center", color=INK)
    return figure


@dataclass(frozen=True)
class Sheet:
    """Tiles on a page. corners: left and top of each, in cells of the one image that all are."""

    figure: Drawing
    axes: Any
    image: Any
    corners: list[tuple[int, int]]


def lay_out(tiles: Values, titles: Sequence[str], most: int = TILES, *, foot: float = 0.0) -> Sheet:
    """Draw tiles, (n, row, column), with row 0 of each at the bottom and a title above; NaN: blank.

    most: tiles beside each other. foot: mm to leave free below.
    """
    from matplotlib.figure import Figure

    n, height, width = tiles.shape
    columns = min(most, n)
    rows = -(-n // columns)
    side = (174 - 2 * EDGE) / most - GAP  # mm; of a tile
    shape = min(LONGEST, max(1 / LONGEST, height / width))
    across, up = side / width, side * shape / height  # mm; of a cell
    strip, gap = max(1, round(STRIP / up)), max(1, round(GAP / across))
    canvas = np.full((rows * (height + strip), columns * (width + gap) - gap), np.nan)
    corners = []
    for number, tile in enumerate(tiles):
        top = number // columns * (height + strip) + strip
        left = number % columns * (width + gap)
        corners.append((left, top))
        canvas[top : top + height, left : left + width] = tile[::-1]
    tall, wide = up * canvas.shape[0], across * canvas.shape[1]
    page = tall + foot
    figure = Figure(figsize=(WIDTHS["full"], page * MM))
    figure.set_layout_engine("none")  # placed by hand, to the millimetre
    axes = figure.add_axes((EDGE / 174, foot / page, wide / 174, tall / page))
    image = axes.imshow(
        canvas,
        interpolation="none",
        aspect="auto",
        extent=(0, canvas.shape[1], canvas.shape[0], 0),
    )
    axes.set_axis_off()
    for title, (left, top) in zip(titles, corners, strict=True):
        axes.text(left, top - 0.1 * strip, title, fontsize=CELL_SIZE, color=INK, va="bottom")
    return Sheet(figure, axes, image, corners)


def scaled(maps: Values, scale: Scale) -> Values:
    """Return maps as they are coloured: as they are, or each from its own lowest to its highest.

    The lowest is 0 where a map has no negative value.
    """
    if scale == "shared":
        return maps
    low = np.minimum(maps.min(axis=(1, 2), keepdims=True), 0)
    span = maps.max(axis=(1, 2), keepdims=True) - low
    return np.asarray(np.divide(maps - low, span, out=np.zeros_like(maps), where=span > 0))


def _limits(maps: Values, scale: Scale) -> tuple[float, float]:
    if scale == "each":
        return 0.0, 1.0
    low, high = min(0.0, float(maps.min())), float(maps.max())
    return low, high if high > low else low + 1


def _cross_out(
    axes: Any, corners: Sequence[tuple[float, float]], width: float, height: float
) -> None:
    """Frame tiles and draw their diagonals."""
    from matplotlib.collections import LineCollection

    lines = []
    for left, top in corners:
        right, bottom = left + width, top + height
        lines += [[(left, top), (right, bottom)], [(left, bottom), (right, top)]]
        lines += [[(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]]
    axes.add_collection(LineCollection(lines, colors=LINE, linewidths=0.6), autolim=False)

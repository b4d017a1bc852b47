"""A contact sheet: cut-outs of images with titles, each with a scale of its own."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reportgen.analyses.plotting.image import Stretch, norm_of
from reportgen.analyses.plotting.mosaic import lay_out
from reportgen.analyses.plotting.ticks import Values
from reportgen.analyses.results import Drawing
from reportgen.config.problems import shortened
from reportgen.style import HALO, INK

Places = Sequence[tuple[float, float]]

ACROSS, FEWEST_ACROSS = 6, 3  # tiles beside each other on a whole page, and where there are few
SHORTEST = (
    48  # cells along the longer side of a tile at least, so that gaps may be narrower than a cell
)
LETTERS = 114  # of titles beside each other
FROM, TO = 0.08, 0.2  # sides of a tile between a place and the two lines that point at it


def draw_sheet(
    tiles: Sequence[Values],
    names: Sequence[str],
    values: Sequence[str],
    stretch: Stretch,
    *,
    places: Places = (),
    marks: Places = (),
) -> Drawing:
    """Draw images of any size, (row, column), with row 0 at the bottom; blank pixels stay blank.

    names, values: to write above each; a name that is too long is cut. places: column and row in
    each tile at which two lines point; marks: of a small ring. NaN: none.
    """
    across = min(ACROSS, max(FEWEST_ACROSS, len(tiles)))
    sides = [max(tile.shape[axis] for tile in tiles) for axis in (0, 1)]
    height, width = (side * -(-SHORTEST // max(sides)) for side in sides)
    sizes, shown = [], np.full((len(tiles), height, width), np.nan)
    for number, tile in enumerate(tiles):
        n = min(height // tile.shape[0], width // tile.shape[1])
        enlarged = coloured(tile, stretch).repeat(n, axis=0).repeat(n, axis=1)
        rows, columns = enlarged.shape
        shown[number, :rows, :columns] = enlarged
        sizes.append(n)
    titles = [
        f"{shortened(name, max(4, LETTERS // across - len(value)))} · {value}"
        for name, value in zip(names, values, strict=True)
    ]
    sheet = lay_out(shown, titles, across)
    sheet.image.set_clim(0, 1)

    def on_page(at: Places) -> list[tuple[float, float]]:
        """Return where places in tiles are on the page, row 0 of which is at the top."""
        return [
            (left + (x + 0.5) * n, top + height - (y + 0.5) * n)
            for (left, top), (x, y), n in zip(sheet.corners, at, sizes, strict=False)
            if 0 <= (x + 0.5) * n <= width and 0 <= (y + 0.5) * n <= height
        ]

    _point(sheet.axes, on_page(places), max(height, width))
    _ring(sheet.axes, on_page(marks))
    return sheet.figure


def coloured(tile: Values, stretch: Stretch) -> Values:
    """Return an image as shares of its own scale, from 0 to 1; NaN where it is blank."""
    found, valid = np.full(tile.shape, np.nan), np.isfinite(tile)
    if valid.any():
        found[valid] = np.asarray(norm_of(tile[valid], stretch)(tile[valid]), dtype=float)
    return found


def _point(axes: Any, places: Places, side: float) -> None:
    """Draw two lines that point at each place, from the right and from above."""
    from matplotlib.collections import LineCollection

    lines = [
        [(x + a * side, y - b * side) for a, b in ends]
        for x, y in places
        for ends in (((FROM, 0), (TO, 0)), ((0, FROM), (0, TO)))
    ]
    for colour, wide in ((INK, 1.8), (HALO, 0.8)):
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=wide), autolim=False)


def _ring(axes: Any, places: Places) -> None:
    """Draw a ring about each place."""
    x, y = [each[0] for each in places], [each[1] for each in places]
    for colour, wide in ((INK, 1.8), (HALO, 0.8)):
        style = {"facecolors": "none", "edgecolors": colour, "linewidths": wide}
        axes.scatter(x, y, s=30, **style)

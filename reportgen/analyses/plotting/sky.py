"""A map of the sky: the projection of a grid of cells, and drawing."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reportgen.analyses.plotting.axes import colour_bar
from reportgen.analyses.plotting.lettering import wrapped
from reportgen.analyses.plotting.ticks import Values, linear_ticks, set_linear, tick_labels
from reportgen.analyses.results import Drawing
from reportgen.reduce.sky import SkyGrid
from reportgen.style import INK, LABEL_SIZE, TEXT_SIZE, WIDTHS

if TYPE_CHECKING:
    from astropy.wcs import WCS


LONGEST = 12.0  # times a map may be longer than wide
FLAT = 0.35  # height over width of a map whose colour bar goes below it
SQUARE = 0.6  # from here on a map as wide as a page would leave no room for anything else
GRID = "#ffffff"  # on the map, whose colours dark mode leaves as they are
LEAST_SHRINK = 0.02  # of a map that reaches the pole, where a degree of RA has no length


def grid_wcs(grid: SkyGrid) -> "WCS":
    """Return the WCS of a map whose column 0 is the easternmost (RA increases to the left)."""
    from astropy.wcs import WCS

    dx, dy = grid.x[1] - grid.x[0], grid.y[1] - grid.y[0]
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{grid.projection}", f"DEC--{grid.projection}"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.cdelt = [-dx, dy]
    if grid.projection == "CAR":
        # With the reference on the equator a plate carrée is linear in RA and Dec; in the middle of
        # the map, as longitudes are told up to 180° from it.
        middle = (grid.x[0] + grid.x[-1]) / 2
        wcs.wcs.crval = [middle, 0.0]
        wcs.wcs.crpix = [0.5 + (grid.x[-1] - middle) / dx, 0.5 - grid.y[0] / dy]
    else:
        wcs.wcs.crval = list(grid.centre)
        wcs.wcs.crpix = [0.5 + grid.x[-1] / dx, 0.5 - grid.y[0] / dy]
        wcs.wcs.lonpole = 180.0  # at the north pole, too, where the default would turn the map over
    wcs.wcs.set()
    return wcs


def cell_position(wcs: "WCS", grid: SkyGrid, row: Any, column: Any) -> tuple[Any, Any]:
    """Return RA (0–360°) and Dec of the middle of cells; column counted from the lowest x."""
    from_left = len(grid.x) - 2 - column
    ra, dec = wcs.all_pix2world(from_left, row, 0)
    return np.asarray(ra) % 360, np.asarray(dec)


def cell_sides(grid: SkyGrid) -> tuple[float, float]:
    """Return the width and height of a cell in the middle of the map, in arcseconds on the sky."""
    width, height = (float(edges[1] - edges[0]) * 3600 for edges in (grid.x, grid.y))
    if grid.projection == "CAR":  # cells are narrower on the sky than their step in RA
        middle = np.radians((grid.y[0] + grid.y[-1]) / 2)
        width *= max(LEAST_SHRINK, float(np.cos(middle)))
    return width, height


def stretched(grid: SkyGrid) -> float:
    """Return how many times declination is longer than true on a map; below 1: right ascension is.

    1 but for a field so long and narrow that nothing could be seen on a true map.
    """
    shape = _shape(grid)
    return float(np.clip(shape, 1 / LONGEST, LONGEST)) / shape


def _shape(grid: SkyGrid) -> float:
    """Return height over width of the field on the sky."""
    width, height = cell_sides(grid)
    return (len(grid.y) - 1) * height / ((len(grid.x) - 1) * width)


def map_width(grid: SkyGrid) -> Literal["column", "full"]:
    """Return as which of a journal's widths a map is drawn: a wide field across the page."""
    return "column" if _shape(grid) * stretched(grid) >= SQUARE else "full"


def draw_map(density: Values, wcs: "WCS", grid: SkyGrid, label: str, *, hms: bool) -> Drawing:
    """Draw a map; density: (n_y, n_x), column 0 at the lowest x. label: of the colour bar."""
    from astropy import units
    from astropy.visualization.wcsaxes import WCSAxes
    from matplotlib.figure import Figure

    ny, nx = density.shape
    side, shape = WIDTHS[map_width(grid)], _shape(grid) * stretched(grid)
    flat = shape < FLAT
    # What the map leaves: room for numbers and names below it, and beside it with the colour bar.
    room, most = (0.64, 1.6) if shape >= SQUARE else (0.79, 1.25)
    tall = (
        max(0.85 * side * shape, 1.2) + 1.1 if flat else min(most * side, room * side * shape + 0.5)
    )
    drawing = Figure(figsize=(side, tall), layout="constrained")
    axes: Any = drawing.add_subplot(axes_class=WCSAxes, wcs=wcs)
    image = axes.imshow(
        density[:, ::-1], origin="lower", aspect=shape * nx / ny, interpolation="none", vmin=0
    )
    ticks = (6, 3) if flat else (6, 6) if shape < SQUARE else (4, 5)
    label_sky(axes, ("Right ascension", "Declination"), ticks, hms=hms)
    if grid.projection == "CAR":
        span = float(grid.x[-1] - grid.x[0])
        if span > 90:  # so wide that RA comes round
            axes.coords[0].set_ticks(spacing=(60 if span > 180 else 30) * units.deg)
    elif abs(grid.centre[1]) == 90:
        _draw_pole_grid(axes, grid)
    if flat:
        bar = colour_bar(axes, image, label, location="bottom", aspect=60, pad=0.05)
    else:
        bar = colour_bar(axes, image, wrapped(label, 60 * tall, size=LABEL_SIZE))
    set_linear(bar.ax.xaxis if flat else bar.ax.yaxis, *image.get_clim())
    return drawing


def label_sky(axes: Any, names: tuple[str, str], ticks: tuple[int, int], *, hms: bool) -> None:
    """Name the coordinates of axes on the sky, and give them ticks, at most so many.

    hms: whether numbers are hours or degrees, minutes and seconds; else decimal degrees.
    """
    axes.coords.frame.set_color(INK)
    axes.coords.frame.set_linewidth(0.6)
    units = ("[h m s]", "[° ′ ″]") if hms else ("[°]", "[°]")
    for coordinate, name, unit, most in zip(axes.coords, names, units, ticks, strict=True):
        coordinate.set_axislabel(f"{name} {unit}")
        coordinate.set_ticks(number=most)
        coordinate.set_ticklabel(exclude_overlapping=True)
        coordinate.display_minor_ticks(display_minor_ticks=True)
        if not hms:
            coordinate.set_format_unit("deg", decimal=True, show_decimal_unit=False)


def _draw_pole_grid(axes: Any, grid: SkyGrid) -> None:
    """Draw circles of declination about the pole, with their numbers, and a fan of RA."""
    from astropy import units

    ra, dec = axes.coords
    sign = np.copysign(1, grid.centre[1])
    axes.coords.grid(color=GRID, alpha=0.5, linewidth=0.4)
    ra.set_ticks(spacing=45 * units.deg)
    ra.set_ticklabel_position("lbrt")
    ra.set_axislabel_position("b")
    circles = linear_ticks(90 - float(grid.y[-1]), 90.0, most=5)[:-1] * sign
    dec.set_ticks(circles * units.deg)
    dec.set_ticklabel_visible(False)
    dec.set_axislabel("")
    centred: Any = {"fontsize": TEXT_SIZE, "ha": "center", "va": "center", "color": GRID}
    for circle, text in zip(circles, tick_labels(circles), strict=True):
        axes.text(22.5, circle, f"{text}°", transform=axes.get_transform("world"), **centred)

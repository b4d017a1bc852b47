"""Figures of positional offsets: the plane, separations, and arrows on the sky."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.analyses.plotting.axes import Line, key_above, new_figure
from reportgen.analyses.plotting.cloud import draw_density, draw_points
from reportgen.analyses.plotting.lettering import label_axes
from reportgen.analyses.plotting.ticks import Values, set_around, set_linear
from reportgen.analyses.results import Axes, Drawing, TableColumn
from reportgen.reduce.base import Integers
from reportgen.reduce.histograms import Counts2D
from reportgen.reduce.sky import wrapped
from reportgen.style import INK, MUTED, WIDTHS, series_colour, series_dashes

EAST, NORTH = "Offset to the east, Δα cos δ [″]", "Offset to the north, Δδ [″]"
SHOWN = 0.99  # of the offsets lie in the frame
CELLS = 8  # along each side of a map
BINS = 40  # of the histograms at the sides, and cells along each axis


@dataclass(frozen=True)
class Plane:
    """Offsets in a square frame about zero. half: its half side, arcseconds.

    counts: in cells of it. outside: how many are not in it.
    """

    half: float
    counts: Counts2D
    outside: int

    @staticmethod
    def of(east: Values, north: Values, limits: Sequence[float]) -> "Plane":
        """Return the frame that holds most of some offsets, and all limits."""
        size = np.maximum(np.abs(east), np.abs(north))
        half = 1.1 * max(float(np.quantile(size, SHOWN)), *limits, 1e-9)
        edges = np.linspace(-half, half, BINS + 1)
        counts = np.histogram2d(north, east, bins=(edges, edges))[0].astype(np.int64)
        return Plane(half, Counts2D(edges, edges, counts), int((size > half).sum()))


def draw_offsets(
    plane: Plane,
    points: tuple[Values, Values] | None,
    medians: tuple[float, float],
    limits: Sequence[float],
    order: int,
) -> Drawing:
    """Draw offsets with their medians and histograms at the sides.

    points: to the east and north; None to draw how many are in each cell. limits: radii of circles.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle

    figure = Figure(figsize=(WIDTHS["column"], 0.97 * WIDTHS["column"]), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(4, 1), height_ratios=(1, 4))
    axes = figure.add_subplot(grid[1, 0])
    label_axes(axes, EAST, NORTH)
    for axis in (axes.xaxis, axes.yaxis):
        set_linear(axis, -plane.half, plane.half)
    axes.invert_xaxis()  # east is to the left, as on the sky
    if points is None:
        draw_density(axes, plane.counts, bar=False)
    else:
        inside = np.maximum(*map(np.abs, points)) <= plane.half
        draw_points(axes, points[0][inside], points[1][inside], order)
    for line in (axes.axhline, axes.axvline):
        line(0, color=MUTED, linewidth=0.5)
    for limit in limits:
        axes.add_patch(
            Circle((0, 0), limit, fill=False, color=INK, linestyle=(0, (4, 2)), zorder=4)
        )
    axes.plot(*([each] for each in medians), "+", markersize=11, markeredgewidth=1.6, color=INK)
    above, beside = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 1])
    edges, counts = plane.counts.x, plane.counts.counts
    _draw_side(above, counts.sum(axis=0), edges, medians[0], order, upright=True)
    _draw_side(beside, counts.sum(axis=1), edges, medians[1], order, upright=False)
    above.set_xlim(axes.get_xlim())
    beside.set_ylim(axes.get_ylim())
    return figure


def _draw_side(
    axes: Axes, counts: Integers, edges: Values, median: float, order: int, *, upright: bool
) -> None:
    """Draw a histogram along a side of the plane, which has the numbers, with the median."""
    axes.stairs(
        counts,
        edges,
        fill=True,
        color=series_colour(order),
        alpha=0.5,
        linewidth=0,
        orientation="vertical" if upright else "horizontal",
    )
    (axes.axvline if upright else axes.axhline)(median, color=INK, linewidth=0.9)
    axes.set_axis_off()


def draw_separations(
    edges: Values, counts: Integers, curves: Sequence[Line], order: int
) -> Drawing:
    """Draw the number of pairs by separation, with what is expected of it."""
    figure, axes = new_figure(50, labels=("Separation [″]", "Pairs per bin"))
    set_linear(axes.xaxis, 0, float(edges[-1]))
    top = max(float(counts.max()), *(float(line.y.max()) for line in curves))
    set_linear(axes.yaxis, 0, 1.06 * top, most=5)
    axes.stairs(counts, edges, fill=True, alpha=0.15, linewidth=0, color=series_colour(order))
    axes.stairs(counts, edges, linewidth=1.2, color=series_colour(order))
    for line in curves:
        axes.plot(line.x, line.y, color=INK, linewidth=1.1, linestyle=series_dashes(line.order))
    if curves:
        key_above(figure, [line.label for line in curves], axes.lines)
    return figure


@dataclass(frozen=True)
class CellMedians:
    """Median offsets in cells on the sky, (n,) each: middle of the cell, offsets, number."""

    ra: Values
    dec: Values
    east: Values
    north: Values
    n: Integers

    @staticmethod
    def of(ra: Values, dec: Values, east: Values, north: Values, *, fewest: int) -> "CellMedians":
        """Return them for cells that hold at least so many pairs; none for less than one pair."""
        cells = CELLS
        if not len(ra):
            return CellMedians(ra, dec, east, north, np.zeros(0, np.int64))
        plain_ra, signed = (wrapped(ra, crosses_zero=crosses) for crosses in (False, True))
        x = signed if np.ptp(signed) < np.ptp(plain_ra) else plain_ra
        places, middles = [], []
        for values in (x, dec):
            edges = np.linspace(values.min(), values.max(), cells + 1)
            inner = np.searchsorted(edges[1:-1], values, side="right")
            places.append(inner)
            middles.append((edges[:-1] + edges[1:]) / 2)
        cell = places[1] * cells + places[0]
        counts = np.bincount(cell, minlength=cells**2)
        chosen = np.flatnonzero(counts >= fewest)
        to_east, to_north = (
            np.array([np.median(offset[cell == one]) for one in chosen]) for offset in (east, north)
        )
        return CellMedians(
            middles[0][chosen % cells],
            middles[1][chosen // cells],
            to_east,
            to_north,
            counts[chosen],
        )

    def places(self) -> list[TableColumn]:
        """Return the columns of a table that say where the cells are."""
        places = ("ra", self.ra % 360), ("dec", self.dec)
        return [TableColumn.of(*each, "deg", "middle of the cell") for each in places]

    @property
    def size(self) -> Values:
        """Size of each median offset, arcseconds."""
        return np.hypot(self.east, self.north)


def draw_arrows(cells: CellMedians, order: int) -> Drawing:
    """Draw median offsets as arrows on the sky, the longest about as long as a cell."""
    figure, axes = new_figure(62, labels=("Right ascension [°]", "Declination [°]"))
    shrink = max(float(np.cos(np.radians(np.median(cells.dec)))), 0.02)
    for axis, values in ((axes.xaxis, cells.ra), (axes.yaxis, cells.dec)):
        set_around(axis, values, 0.15)
    axes.invert_xaxis()
    axes.set_aspect(1 / shrink)
    axes.quiver(
        cells.ra,
        cells.dec,
        -cells.east,  # in units of the frame, whose x increases to the left
        cells.north,
        color=series_colour(order),
        scale=8 * (float(cells.size.max()) or 1.0),
        width=0.006,
    )
    return figure

"""Many objects in one pair of axes: points where they are few, else density; lines across them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.plotting.axes import colour_bar, is_left_empty, key_above
from reportgen.analyses.plotting.ticks import Values, middles, set_around, set_log
from reportgen.analyses.results import Axes, TableColumn
from reportgen.config.columns import Column
from reportgen.reduce.chunk import limits_of
from reportgen.reduce.histograms import Axis, Counts2D, FewRows, Histogram2D, Rows, bin_edges
from reportgen.style import DENSITY_MAP, HALO, INK, series_colour

if TYPE_CHECKING:
    from reportgen.config.expressions import Condition

CELLS = 60  # along each axis of a density


def cloud(
    x: str, y: str, most: int, log: tuple[bool, bool], where: "Condition | None"
) -> dict[str, Any]:
    """Return what must be computed to draw objects: the points, and the density of many."""
    ends = Axis(x, CELLS, log=log[0]), Axis(y, CELLS, log=log[1])
    return {"points": FewRows((x, y), most, where), "density": Histogram2D(*ends, where)}


def cloud_of(
    x: Values, y: Values, most: int, log: tuple[bool, bool]
) -> tuple[Rows, Counts2D, NDArray[np.bool_]]:
    """Return what draws objects that are known one by one, and which of them can be drawn."""
    drawn = np.isfinite(x) & np.isfinite(y)
    for values, is_log in zip((x, y), log, strict=True):
        drawn &= (values > 0) | (not is_log)
    both = np.stack([x[drawn], y[drawn]], axis=1)
    few = Rows(len(both), both if len(both) <= most else None)
    across = bin_edges(limits_of(both[:, 0]), CELLS, log=log[0])
    up = bin_edges(limits_of(both[:, 1]), CELLS, log=log[1])
    counts = np.histogram2d(both[:, 1], both[:, 0], [up, across])[0].astype(np.int64)
    return few, Counts2D(across, up, counts), drawn


def running_median(
    x: Values, y: Values, bins: int, *, log: bool, least: int
) -> tuple[Values, Values]:
    """Return the middles of equal bins of x, and the median of y in each with so many objects."""
    edges = bin_edges(limits_of(x), bins, log=log)
    place = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, bins - 1)
    medians = [
        np.median(y[place == k]) if (place == k).sum() >= least else np.nan for k in range(bins)
    ]
    return middles(edges, log=log), np.array(medians)


def draw_cloud(
    axes: Axes, points: Rows, density: Counts2D, log: tuple[bool, bool], order: int = 0
) -> bool:
    """Draw objects and set the axes; False where there is nothing to draw, which is said then.

    points: as values (n, 2), x and y; where there are too many, density is drawn. log: of x and y.
    """
    of: tuple[Values, Values] = (density.x, density.y)
    if points.values is not None:
        of = (points.values[:, 0], points.values[:, 1])
    if any(
        is_left_empty(axes, values if points.n else (), log=is_log)
        for values, is_log in zip(of, log, strict=True)
    ):
        return False
    for axis, is_log, values in zip((axes.xaxis, axes.yaxis), log, of, strict=True):
        set_around(axis, values, log=is_log)
    if points.values is None:
        draw_density(axes, density)
    else:
        draw_points(axes, *of, order)
    return True


def draw_points(axes: Axes, x: Values, y: Values, order: int, **style: Any) -> None:
    """Draw objects as points, smaller where they are many."""
    few, many = len(x) < 50, len(x) > 3000
    axes.plot(
        x,
        y,
        **{
            "linestyle": "none",
            "marker": ".",
            "markersize": 6 if few else 2.2 if many else 3.5,
            "markeredgewidth": 0,
            "color": series_colour(order),
            "alpha": 0.9 if few else 0.6,
            "rasterized": len(x) > 500,
            **style,
        },
    )


def name_points(axes: Axes, labels: Sequence[str]) -> None:
    """Name the sets of points in a key above the axes, in the order in which they were drawn."""
    key_above(axes.figure, labels, axes.lines[: len(labels)])  # type: ignore[arg-type]
    for handle in axes.figure.legends[0].legend_handles:
        handle.set(markersize=9, alpha=0.9, rasterized=False)  # type: ignore[union-attr]


def draw_density(axes: Axes, density: Counts2D, *, bar: bool = True) -> None:
    """Draw the number of objects in each cell, empty ones left out; bar: with its colour bar."""
    from matplotlib.colors import LogNorm

    most = max(2, int(density.counts.max()))
    mesh = axes.pcolormesh(
        density.x,
        density.y,
        np.ma.masked_equal(density.counts, 0),
        norm=LogNorm(1, most),
        cmap=DENSITY_MAP,
        rasterized=True,
        linewidth=0,
    )
    if bar:
        set_log(colour_bar(axes, mesh, "Objects per cell").ax.yaxis, 1, most)


def draw_haloed(axes: Axes, x: Values, y: Values, **line: Any) -> None:
    """Draw a line that stands out from a map: its ground is drawn below it, without gaps."""
    if np.isfinite(y).any():
        wide = {**line, "linewidth": line["linewidth"] + 1.6, "linestyle": "-", "label": None}
        axes.plot(x, y, color=HALO, **wide)
        axes.plot(x, y, color=INK, **line)


def cloud_columns(x: Column, y: Column, points: Rows, density: Counts2D) -> list[TableColumn]:
    """Return what is drawn as a table: the points, or the cells of the density."""
    of = TableColumn.of
    if points.values is not None:
        xs, ys = points.values.T
        return [of(x.name, xs, x.unit), of(y.name, ys, y.unit)]
    row, column = np.nonzero(density.counts)
    return [
        of(f"{x.name}_low", density.x[column], x.unit),
        of(f"{x.name}_high", density.x[column + 1], x.unit),
        of(f"{y.name}_low", density.y[row], y.unit),
        of(f"{y.name}_high", density.y[row + 1], y.unit),
        of("n", density.counts[row, column], description="cells with 0 left out"),
    ]

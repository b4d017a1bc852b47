"""The values that a drawing shows, for a page that says them where the pointer is."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

MOST_POINTS = 300  # of a line; one of more is thinned
MOST_CELLS = 4096  # of a grid; of one of more only the place is said
POINTS_PER_INCH = 72
LATTICE, WIDEST_FIELD = 9, 20.0  # points each way; degrees, at which lines are right to 0.02 degree


def figure_values(drawing: "Figure") -> list[dict[str, Any]]:
    """Return the axes of a drawing that has been drawn, each with its place, scales and values.

    box: left, top, right and bottom in points from the upper left corner. x, y: lowest and highest
    value, scale, label, and the names of places on an axis of categories or dates. lines: x and y
    of points. steps: edges and values of bins. sky: positions
    on a lattice. grids: edges and values of cells, row by row from
    the lowest edge.
    """
    size = drawing.get_size_inches() * POINTS_PER_INCH
    found = []
    for axes in drawing.axes:
        scales = axes.get_xscale(), axes.get_yscale()
        shown = axes.axison and axes.get_visible() and axes.get_label() != "<colorbar>"
        if not shown or not set(scales) <= {"linear", "log"}:
            continue
        place = axes.get_position()
        box = np.array([place.x0, 1 - place.y1, place.x1, 1 - place.y0]) * np.tile(size, 2)
        lines = _distinct(_lines(axes))
        one: dict[str, Any] = {
            "box": _rounded(box),
            "x": _axis(axes.xaxis, axes.get_xlim(), axes.get_xlabel(), scales[0]),
            "y": _axis(axes.yaxis, axes.get_ylim(), axes.get_ylabel(), scales[1]),
            "sky": _sky(axes),
            "lines": lines,
            "steps": _distinct(_steps(axes)),
            "grids": list(_grids(axes)),
        }
        if axes.fmt_xdata is not None:
            places = sorted({x for line in lines for x in line["x"]})
            one["x"]["names"] = [[x, axes.fmt_xdata(x)] for x in places]
        found.append({key: value for key, value in one.items() if value})
    return found


def _axis(axis: "Axis", limits: tuple[float, float], label: str, scale: str) -> dict[str, Any]:
    said: dict[str, Any] = {"range": _rounded(limits, 9), "label": label}
    if scale == "log":
        said["log"] = True
    names = [label.get_text() for label in axis.get_majorticklabels()]
    if any(map(str.isalpha, "".join(names))):
        places = _rounded(axis.get_majorticklocs())
        said["names"] = [list(pair) for pair in zip(places, names, strict=False)]
    return said


def _sky(axes: Any) -> dict[str, Any]:
    """Return longitudes and latitudes on a lattice of a map of a field, for a page to interpolate.

    Nothing for other axes, and for maps so large that lines between the points would not do.
    """
    wcs = getattr(axes, "wcs", None)
    if wcs is None or not wcs.has_celestial or wcs.naxis != 2:
        return {}
    across, up = (
        np.linspace(ends[0], ends[1], LATTICE) for ends in (axes.get_xlim(), axes.get_ylim())
    )
    longitude, latitude = wcs.wcs_pix2world(*np.meshgrid(across, up), 0)
    longitude = np.unwrap(np.unwrap(longitude, period=360, axis=1), period=360, axis=0)
    if not (np.ptp(longitude) < WIDEST_FIELD and np.ptp(latitude) < WIDEST_FIELD):
        return {}
    return {
        "labels": [axes.coords[k].get_axislabel() for k in (0, 1)],
        "values": [_rounded(longitude.ravel(), 8), _rounded(latitude.ravel(), 8)],
    }


def _lines(axes: "Axes") -> Iterator[dict[str, Any]]:
    from matplotlib.collections import PathCollection
    from matplotlib.container import BarContainer, ErrorbarContainer

    ends = [
        cap
        for container in axes.containers
        if isinstance(container, ErrorbarContainer)
        for cap in container.lines[1]
    ]
    for line in axes.lines:
        if line.get_transform() is axes.transData and line not in ends:
            yield _points(line.get_label(), line.get_xdata(orig=False), line.get_ydata(orig=False))
    for container in axes.containers:
        if isinstance(container, BarContainer):
            places: Any = np.array([bar.get_bbox().get_points() for bar in container.patches])
            along = int(container.orientation == "vertical")
            middle, end = places[:, :, 1 - along].mean(axis=1), places[:, 1, along]
            pair = (middle, end) if along else (end, middle)
            yield _points(container.get_label(), *pair)
    for collection in axes.collections:
        if isinstance(collection, PathCollection):
            offsets: Any = np.ma.asarray(collection.get_offsets())
            yield _points(collection.get_label(), offsets[:, 0], offsets[:, 1])


def _points(label: object, x: "ArrayLike", y: "ArrayLike") -> dict[str, Any]:
    across, up = np.asarray(x, float), np.asarray(y, float)
    used = np.flatnonzero(np.isfinite(across) & np.isfinite(up))
    if len(used) > MOST_POINTS:
        used = used[np.linspace(0, len(used) - 1, MOST_POINTS).round().astype(int)]
    return _named(label) | {"x": _rounded(across[used]), "y": _rounded(up[used])}


def _steps(axes: "Axes") -> Iterator[dict[str, Any]]:
    from matplotlib.patches import StepPatch

    for patch in axes.patches:
        if isinstance(patch, StepPatch):
            values, edges, _ = patch.get_data()
            if len(values) <= MOST_POINTS:
                yield _named(patch.get_label()) | {
                    "edges": _rounded(edges),
                    "values": _rounded(values, 7),
                }


def _grids(axes: "Axes") -> Iterator[dict[str, Any]]:
    from matplotlib.collections import QuadMesh

    for mesh in axes.collections:
        if isinstance(mesh, QuadMesh) and (values := mesh.get_array()) is not None:
            corners: Any = mesh.get_coordinates()
            yield from _grid(mesh, corners[0, :, 0], corners[:, 0, 1], np.ma.asarray(values))
    for image in axes.images:
        values = np.ma.asarray(image.get_array())
        if values.ndim == 2:
            left, right, bottom, top = image.get_extent()
            rows = values if image.origin == "lower" else values[::-1]
            n_rows, n_columns = rows.shape
            across, up = (
                np.linspace(left, right, n_columns + 1),
                np.linspace(bottom, top, n_rows + 1),
            )
            yield from _grid(image, across, up, rows)


def _grid(drawn: Any, across: Any, up: Any, values: Any) -> Iterator[dict[str, Any]]:
    if values.ndim == 2 and values.size <= MOST_CELLS:
        cells = np.ma.filled(np.ma.masked_invalid(values).astype(float), np.nan).ravel()
        bar = drawn.colorbar
        label = "" if bar is None else bar.ax.get_ylabel() or bar.ax.get_xlabel()
        yield {
            "label": label,
            "x": _rounded(across),
            "y": _rounded(up),
            "values": _rounded(cells, 4),
        }


def _named(label: object) -> dict[str, str]:
    return {} if str(label).startswith("_") or not label else {"label": str(label)}


def _distinct(series: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is drawn once, with its label where only one of two alike has one.

    A line with a halo, and a histogram with a ground, are drawn twice.
    """
    seen: dict[str, dict[str, Any]] = {}
    for one in series:
        key = repr([value for name, value in one.items() if name != "label"])
        seen[key] = seen.get(key, {}) | one
    return [one for one in seen.values() if one.get("x") or one.get("values")]


def _rounded(values: "ArrayLike | Sequence[float]", digits: int = 5) -> list[float | None]:
    return [_round(value, digits) for value in np.asarray(values, float).tolist()]


def _round(value: float, digits: int = 5) -> float | None:
    """Return a number with so many significant digits, whole ones without a point."""
    if not np.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short == int(short) and abs(short) < 1e15 else short

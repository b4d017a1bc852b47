"""Surface density of objects on the sky, smoothed, in a real projection."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from reportgen.analyses.base import Analysis
from reportgen.config.schema import ColumnRef, Positive, Real
from reportgen.errors import SectionError
from reportgen.numbers import count, number, percent
from reportgen.reduce.base import Reduction
from reportgen.reduce.sky import MAX_CELLS, CountOnSky, SkyCounts, SkyGrid
from reportgen.results import Figure, Metric, Section, Table, TableColumn
from reportgen.style import WIDTHS

if TYPE_CHECKING:
    from astropy.wcs import WCS

Values = NDArray[np.float64]
PER_AREA = "arcmin-2"


class SkyDensity(Analysis, name="sky_density"):
    """Map of the objects per square arcminute, smoothed with a Gaussian kernel."""

    ra: ColumnRef
    """Right ascension in degrees."""
    dec: ColumnRef
    """Declination in degrees."""
    edges: Annotated[int, Field(strict=True, ge=2, le=MAX_CELLS)] | None = None
    """Edges along RA and Dec (plate carrée); gives one cell less than edges."""
    cell: Positive | None = None
    """Side of a square cell in arcseconds (gnomonic projection), in place of edges."""
    smoothing: Annotated[Real, Field(ge=0, le=100)] = 1.0
    """Standard deviation of the kernel in cells; 0 for none."""
    axes: Literal["degrees", "hms"] = "degrees"
    """Numbers on the axes."""

    @model_validator(mode="after")
    def _one_grid(self) -> "SkyDensity":
        if (self.edges is None) == (self.cell is None):
            raise ValueError("give edges: (a number) or cell: (arcseconds), one of them")
        for column in (self.ra, self.dec):
            if column.unit != "deg":
                raise ValueError(
                    f"{column.name} must be in degrees; its unit is {column.unit or 'not given'}"
                )
        return self

    def reductions(self) -> Mapping[str, Reduction[Any, Any]]:
        """Ask for the objects in each cell."""
        return {"sky": CountOnSky(self.ra.name, self.dec.name, self.edges, self.cell, self.where)}

    def present(self, **values: Any) -> Section:
        """Smooth the counts and draw the map."""
        found: SkyCounts | None = values["sky"]
        if found is None:
            raise SectionError(
                f"no row has both {self.ra.name} and {self.dec.name}",
                "look at the missing-value marks, at where:, and at the source",
            )
        counts, areas = found.counts, found.grid.cell_areas()
        n, field = int(counts.sum()), float(areas.sum())
        covered = float(areas[counts > 0].sum())
        smoothed = smoothed_counts(counts, self.smoothing)
        density = smoothed / areas
        peak = np.unravel_index(int(np.argmax(density)), density.shape)
        wcs = grid_wcs(found.grid)
        ra, dec = _cell_position(wcs, found.grid, peak)
        metrics = {
            "objects": Metric(n, "objects", digits=0),
            "field_area": Metric(field / 3600, "area of the map", "deg2", digits=2),
            "covered_area": Metric(covered / 3600, "area of cells with objects", "deg2", digits=2),
            "mean_density": Metric(n / field, "mean density", PER_AREA),
            "max_density": Metric(float(density.max()), "largest density", PER_AREA),
            "max_smoothed_count": Metric(
                float(smoothed.max()), "largest smoothed count per cell", shown=False
            ),
            "empty_fraction": Metric(
                100 * float((counts == 0).mean()), "empty cells", "%", digits=1
            ),
        }
        finding = (
            f"{count(n)} objects over {number(field / 3600, 2)} square degrees: on average "
            f"{number(n / field)} per square arcminute, at most {number(float(density.max()))} "
            f"near RA {number(ra, 2)}°, Dec {number(dec, 2)}°."
        )
        return Section(
            findings=[finding],
            metrics=metrics,
            figures=[self._map(found, density, wcs, finding)],
            rows=n,
        )

    def _map(self, found: SkyCounts, density: Values, wcs: "WCS", finding: str) -> Figure:
        grid, counts = found.grid, found.counts
        drawing = _draw(density, wcs, grid, hms=self.axes == "hms")
        row, column = np.nonzero(counts)
        ra, dec = wcs.all_pix2world(_from_left(grid, column), row, 0)
        empty = float((counts == 0).mean())
        ny, nx = counts.shape
        kernel = (
            f"smoothed with a Gaussian of {number(self.smoothing)} cells"
            if self.smoothing
            else "not smoothed"
        )
        return Figure(
            "density",
            drawing,
            "Surface density",
            alt=f"Map of the sky, right ascension increasing to the left. {finding} "
            f"{percent(empty)} of the cells are empty.",
            caption=f"Objects per square arcminute in {count(nx)} × {count(ny)} cells of "
            f"{number(_side(grid.x) * _shrink(grid))}″ × {number(_side(grid.y))}″, {kernel}.",
            data=Table(
                "density",
                "Cells with objects",
                [
                    TableColumn.of("ra", ra, "deg", "centre of the cell"),
                    TableColumn.of("dec", dec, "deg", "centre of the cell"),
                    TableColumn.of("n", counts[row, column], description="objects in the cell"),
                    TableColumn.of("density", density[row, column], PER_AREA, "smoothed"),
                ],
                shown=False,
            ),
            width="full",
        )


def smoothed_counts(counts: NDArray[np.int64], sigma: float) -> Values:
    """Counts per cell smoothed with a Gaussian kernel; outside the map there are no objects.

    counts: (n_dec, n_ra). sigma: standard deviation in cells; 0 leaves the counts as they are.
    """
    if sigma == 0:
        return counts.astype(np.float64)
    from astropy.convolution import Gaussian2DKernel, convolve

    return np.asarray(convolve(counts.astype(np.float64), Gaussian2DKernel(sigma)))


def grid_wcs(grid: SkyGrid) -> "WCS":
    """Give the WCS of a map whose column 0 is the easternmost (RA increases to the left)."""
    from astropy.wcs import WCS

    dx, dy = grid.x[1] - grid.x[0], grid.y[1] - grid.y[0]
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{grid.projection}", f"DEC--{grid.projection}"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.cdelt = [-dx, dy]
    if grid.projection == "CAR":
        # With the reference on the equator a plate carrée is linear in RA and Dec.
        wcs.wcs.crval = [grid.centre[0], 0.0]
        wcs.wcs.crpix = [0.5 + (grid.x[-1] - grid.centre[0]) / dx, 0.5 - grid.y[0] / dy]
    else:
        wcs.wcs.crval = list(grid.centre)
        wcs.wcs.crpix = [0.5 + grid.x[-1] / dx, 0.5 - grid.y[0] / dy]
    wcs.wcs.set()
    return wcs


def _from_left(grid: SkyGrid, column: Any) -> Any:
    """Turn a column counted from the lowest x into one counted from the left of the map."""
    return len(grid.x) - 2 - column


def _cell_position(wcs: "WCS", grid: SkyGrid, cell: Any) -> tuple[float, float]:
    ra, dec = wcs.all_pix2world(_from_left(grid, cell[1]), cell[0], 0)
    return float(ra) % 360, float(dec)


def _side(edges: Values) -> float:
    return float(edges[1] - edges[0]) * 3600


def _shrink(grid: SkyGrid) -> float:
    """How much narrower a cell is on the sky than its step in x."""
    return float(np.cos(np.radians(grid.centre[1]))) if grid.projection == "CAR" else 1.0


def _draw(density: Values, wcs: "WCS", grid: SkyGrid, *, hms: bool) -> Any:
    from astropy.visualization.wcsaxes import WCSAxes
    from matplotlib.figure import Figure as Drawing

    ny, nx = density.shape
    aspect = _side(grid.y) / (_side(grid.x) * _shrink(grid))
    width = WIDTHS["full"]
    height = min(1.25 * width, max(0.3 * width, 0.8 * width * ny * aspect / nx + 0.5))
    drawing = Drawing(figsize=(width, height))
    axes: Any = drawing.add_subplot(axes_class=WCSAxes, wcs=wcs)
    image = axes.imshow(
        density[:, ::-1],
        origin="lower",
        aspect=aspect,
        interpolation="none",
    )
    for coordinate, label in zip(axes.coords, ("Right ascension", "Declination"), strict=True):
        coordinate.set_axislabel(f"{label} [{'h m' if hms and label[0] == 'R' else '°'}]")
        coordinate.set_ticks(number=6)
        coordinate.set_ticklabel(exclude_overlapping=True)
        coordinate.display_minor_ticks(True)
    if hms:
        axes.coords[0].set_major_formatter("hh:mm")
        axes.coords[1].set_major_formatter("dd:mm")
    else:
        for coordinate in axes.coords:
            coordinate.set_format_unit("deg", decimal=True, show_decimal_unit=False)
    bar = drawing.colorbar(image, ax=axes, pad=0.02, aspect=35)
    bar.set_label("Objects per square arcminute [arcmin⁻²]")
    bar.outline.set_linewidth(0.4)
    return drawing

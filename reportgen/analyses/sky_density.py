"""Surface density of objects on the sky, smoothed, in a real projection."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from reportgen.analyses.base import Analysis, Statistics
from reportgen.analyses.methods import PROJECTION
from reportgen.analyses.phrases import no_values
from reportgen.analyses.plotting.sky import (
    cell_position,
    cell_sides,
    draw_map,
    grid_wcs,
    map_width,
    stretched,
)
from reportgen.analyses.results import Figure, Metric, Section, TableColumn
from reportgen.config.types import CATALOGUES_OWN, Angle, DecRef, RaRef, Real
from reportgen.reduce.counts import CountRows
from reportgen.reduce.sky import MAX_CELLS, CountOnSky, SkyCounts
from reportgen.wording import count, counted, number, percent

if TYPE_CHECKING:
    from astropy.wcs import WCS

Values = NDArray[np.float64]

PER_AREA = "arcmin-2"
ARCMIN2 = 3600.0  # square arcminutes in a square degree
PER_BLOCK = 5  # objects in a block of cells, on average; chance leaves 1 block in 150 empty
SMALL_FIELD = 0.1  # square degrees; below it people think in square arcminutes


class SkyDensity(Analysis, name="sky_density", methods=(PROJECTION,)):
    """Map of the objects per square arcminute, smoothed with a Gaussian kernel."""

    ra: RaRef = CATALOGUES_OWN
    """Right ascension in degrees; the catalogue's when not given."""
    dec: DecRef = CATALOGUES_OWN
    """Declination in degrees; the catalogue's when not given."""
    edges: Annotated[int, Field(strict=True, ge=2, le=MAX_CELLS)] | None = None
    """Edges along RA and Dec (plate carrée); gives one cell less than edges."""
    cell: Angle | None = None
    """Side of a square cell, such as 5 arcsec or 60, in arcseconds (gnomonic projection), in place
    of edges."""
    smoothing: Annotated[Real, Field(ge=0, le=100)] = 1.0
    """Standard deviation of the kernel in cells; 0 for none."""
    axes: Literal["degrees", "hms"] = "degrees"
    """Numbers on the axes."""

    @model_validator(mode="after")
    def _one_grid(self) -> "SkyDensity":
        if (self.edges is None) == (self.cell is None):
            raise ValueError("give edges: (a number) or cell: (arcseconds), one of them")
        if self.ra.name == self.dec.name:
            raise ValueError(f"ra and dec are the same column, {self.ra.name}")
        for column in (self.ra, self.dec):
            if column.is_known and column.unit not in ("deg", ""):
                raise ValueError(f"{column.name} must be in degrees; its unit is {column.unit}")
        return self

    def reductions(self) -> Statistics:
        """Ask for the objects in each cell."""
        cell = None if self.cell is None else self.cell.to("arcsec")
        return {
            "rows": CountRows(where=self.where),
            "sky": CountOnSky(self.ra.name, self.dec.name, self.edges, cell, self.where),
        }

    def present(self, rows: int, sky: SkyCounts | None) -> Section:
        """Smooth the counts and draw the map."""
        if sky is None:
            raise no_values((self.ra, self.dec), rows, self.where)
        counts, areas = sky.counts, sky.grid.cell_areas()
        n, field = int(counts.sum()), float(areas.sum())
        smoothed = smoothed_counts(counts, self.smoothing)
        density = smoothed / areas
        covered, side = covered_area(counts, areas)
        most, empty = float(smoothed.max()), 100 * float((counts == 0).mean())
        metrics = {
            "objects": Metric(n, "objects", digits=0),
            "field_area": Metric(field / ARCMIN2, "area of the map", "deg2"),
            "covered_area": Metric(covered / ARCMIN2, "covered area", "deg2"),
            "mean_density": Metric(n / covered, "mean density of the covered area", PER_AREA),
            "max_density": Metric(float(density.max()), "largest density", PER_AREA),
            "max_smoothed_count": Metric(most, "largest smoothed count per cell", shown=False),
            "empty_fraction": Metric(empty, "empty cells", "%", digits=1),
        }
        wcs = grid_wcs(sky.grid)
        finding = _finding(sky, density, wcs, covered)
        return Section(
            findings=[finding],
            metrics=metrics,
            figures=[self._map(sky, density, wcs, finding)],
            rows=n,
            notes=[
                f"The covered area is that of blocks of {side} × {side} cells that hold an object.",
                *([f"Without a position: {counted(rows - n, 'rows')}."] if rows > n else []),
            ],
        )

    def _map(self, sky: SkyCounts, density: Values, wcs: "WCS", finding: str) -> Figure:
        grid, counts = sky.grid, sky.counts
        label = "Density of objects [arcmin⁻²]"
        ny, nx = counts.shape
        width, height = cell_sides(grid)
        place = " in the middle of the map" if grid.projection == "CAR" else ""
        kernel = "not smoothed"
        if self.smoothing:
            cells = "cell" if self.smoothing == 1 else "cells"
            kernel = (
                f"smoothed with a Gaussian of standard deviation {number(self.smoothing)} {cells}"
            )
        stretch, scale = stretched(grid), ""
        if stretch != 1:
            longer = "declination" if stretch > 1 else "right ascension"
            times = number(max(stretch, 1 / stretch))
            scale = f" Not to scale: {longer} is stretched {times} times."
        row, column = np.nonzero(counts)
        ra, dec = cell_position(wcs, grid, row, column)
        of = TableColumn.of
        columns = [
            of("ra", ra, "deg", "centre of the cell"),
            of("dec", dec, "deg", "centre of the cell"),
            of("n", counts[row, column], description="objects in the cell"),
            of("density", density[row, column], PER_AREA, "smoothed"),
        ]
        return Figure.of(
            "density",
            draw_map(density, wcs, grid, label, hms=self.axes == "hms"),
            "Surface density",
            columns,
            alt=f"Map of the sky, right ascension increasing to the left. {finding} "
            f"{percent(float((counts == 0).mean()))} of the cells are empty.",
            caption=f"Objects per square arcminute in {count(nx)} × {count(ny)} cells of "
            f"{number(width)}″ × {number(height)}″{place}, {kernel}.{scale}",
            about="Cells with objects",
            position=("ra", "dec"),
            width=map_width(grid),
        )


def _finding(sky: SkyCounts, density: Values, wcs: "WCS", covered: float) -> str:
    """Say how dense objects are, and where they are densest; covered: in square arcminutes."""
    n = int(sky.counts.sum())
    peak = np.unravel_index(int(np.argmax(density)), density.shape)
    ra, dec = (float(place) for place in cell_position(wcs, sky.grid, *peak))
    area = (
        f"{number(covered / ARCMIN2)} square degrees"
        if covered >= SMALL_FIELD * ARCMIN2
        else f"{number(covered)} square arcminutes"
    )
    # As many decimals as tell a cell from the next one.
    digits = int(np.clip(np.ceil(-np.log10(min(cell_sides(sky.grid)) / 3600)), 1, 6))
    where = f"near RA {number(ra, digits)}°, Dec {number(dec, digits)}°"
    if (alike := int(np.isclose(density, density.max(), rtol=1e-9, atol=0).sum())) > 1:
        where = f"in {count(alike)} cells"
    return (
        f"{counted(n, 'objects')} over {area}: on average {number(n / covered)} per square "
        f"arcminute, at most {number(float(density.max()))} {where}."
    )


def covered_area(counts: NDArray[np.int64], areas: Values) -> tuple[float, int]:
    """Return the area that the objects cover, in the unit of the areas of cells.

    counts, areas: (n_dec, n_ra). It is that of all square blocks of cells that hold an object; so
    large that there are PER_BLOCK objects in one on average. Also returns their side in cells.
    """
    side = int(np.ceil(np.sqrt(PER_BLOCK * counts.size / counts.sum())))
    starts = [np.arange(0, n, side) for n in counts.shape]

    def summed(values: NDArray[Any]) -> NDArray[Any]:
        rows = np.add.reduceat(values, starts[0], axis=0)
        return np.asarray(np.add.reduceat(rows, starts[1], axis=1))

    return float(summed(areas)[summed(counts) > 0].sum()), side


def smoothed_counts(counts: NDArray[np.int64], sigma: float) -> Values:
    """Return counts per cell smoothed with a Gaussian kernel; outside the map there are no objects.

    counts: (n_dec, n_ra). sigma: standard deviation in cells; 0 leaves the counts as they are.
    The kernel is that of astropy.convolution.Gaussian2DKernel, 8 standard deviations wide.
    """
    from scipy.ndimage import gaussian_filter

    reach = int(np.ceil(8 * sigma)) // 2  # astropy: an odd number of cells, 8 sigma or just more
    smoothed = gaussian_filter(counts.astype(np.float64), sigma, mode="constant", radius=reach)
    return np.asarray(smoothed, dtype=np.float64)

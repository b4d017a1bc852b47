"""Surface density of objects on the sky, smoothed, in a real projection."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from reportgen.analyses.base import Analysis
from reportgen.analyses.results import Figure, Metric, Section, Table, TableColumn
from reportgen.analyses.sky_map import (
    Values,
    cell_position,
    cell_sides,
    draw_map,
    grid_wcs,
    smoothed_counts,
    stretched,
)
from reportgen.analyses.words import counted, no_values
from reportgen.config.types import ColumnRef, Positive, Real
from reportgen.numbers import count, number, percent
from reportgen.reduce.base import Statistic
from reportgen.reduce.counts import CountRows
from reportgen.reduce.sky import MAX_CELLS, CountOnSky, SkyCounts

if TYPE_CHECKING:
    from astropy.wcs import WCS

PER_AREA = "arcmin-2"
ARCMIN2 = 3600.0  # square arcminutes in a square degree
SMALL_FIELD = 0.1  # square degrees; below it people think in square arcminutes


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
        if self.ra.name == self.dec.name:
            raise ValueError(f"ra and dec are the same column, {self.ra.name}")
        for column in (self.ra, self.dec):
            if column.unit != "deg":
                raise ValueError(
                    f"{column.name} must be in degrees; its unit is {column.unit or 'not given'}"
                )
        return self

    def reductions(self) -> Mapping[str, Statistic[Any]]:
        """Ask for the objects in each cell."""
        return {
            "rows": CountRows(where=self.where),
            "sky": CountOnSky(self.ra.name, self.dec.name, self.edges, self.cell, self.where),
        }

    def present(self, **values: Any) -> Section:
        """Smooth the counts and draw the map."""
        found: SkyCounts | None = values["sky"]
        if found is None:
            raise no_values((self.ra, self.dec), values["rows"], self.where)
        counts, areas = found.counts, found.grid.cell_areas()
        n, field = int(counts.sum()), float(areas.sum())
        smoothed = smoothed_counts(counts, self.smoothing)
        density = smoothed / areas
        wcs = grid_wcs(found.grid)
        metrics = {
            "objects": Metric(n, "objects", digits=0),
            "field_area": Metric(field / ARCMIN2, "area of the map", "deg2"),
            "covered_area": Metric(
                float(areas[counts > 0].sum()) / ARCMIN2, "area of cells with objects", "deg2"
            ),
            "mean_density": Metric(n / field, "mean density", PER_AREA),
            "max_density": Metric(float(density.max()), "largest density", PER_AREA),
            "max_smoothed_count": Metric(
                float(smoothed.max()), "largest smoothed count per cell", shown=False
            ),
            "empty_fraction": Metric(
                100 * float((counts == 0).mean()), "empty cells", "%", digits=1
            ),
        }
        finding = self._finding(found, density, wcs, field)
        missing = values["rows"] - n
        return Section(
            findings=[finding],
            metrics=metrics,
            figures=[self._map(found, density, wcs, finding)],
            rows=n,
            notes=[f"Without a position: {counted(missing, 'row')}."] if missing else [],
        )

    def _finding(self, found: SkyCounts, density: Values, wcs: "WCS", field: float) -> str:
        n = int(found.counts.sum())
        peak = np.unravel_index(int(np.argmax(density)), density.shape)
        ra, dec = (float(place) for place in cell_position(wcs, found.grid, *peak))
        area = (
            f"{number(field / ARCMIN2)} square degrees"
            if field >= SMALL_FIELD * ARCMIN2
            else f"{number(field)} square arcminutes"
        )
        # As many decimals as tell a cell from the next one.
        digits = int(np.clip(np.ceil(-np.log10(min(cell_sides(found.grid)) / 3600)), 1, 6))
        return (
            f"{counted(n, 'object')} over {area}: on average {number(n / field)} per square "
            f"arcminute, at most {number(float(density.max()))} near "
            f"RA {number(ra, digits)}°, Dec {number(dec, digits)}°."
        )

    def _map(self, found: SkyCounts, density: Values, wcs: "WCS", finding: str) -> Figure:
        grid, counts = found.grid, found.counts
        drawing = draw_map(
            density,
            wcs,
            grid,
            "Objects per square arcminute [arcmin⁻²]",
            hms=self.axes == "hms",
        )
        row, column = np.nonzero(counts)
        ra, dec = cell_position(wcs, grid, row, column)
        ny, nx = counts.shape
        width, height = cell_sides(grid)
        kernel = "not smoothed"
        if self.smoothing:
            cells = "cell" if self.smoothing == 1 else "cells"
            kernel = (
                f"smoothed with a Gaussian of standard deviation {number(self.smoothing)} {cells}"
            )
        place = " in the middle of the map" if grid.projection == "CAR" else ""
        stretch = stretched(grid)
        scale = ""
        if stretch != 1:
            longer = "declination" if stretch > 1 else "right ascension"
            times = number(max(stretch, 1 / stretch))
            scale = f" Not to scale: {longer} is stretched {times} times."
        return Figure(
            "density",
            drawing,
            "Surface density",
            alt=f"Map of the sky, right ascension increasing to the left. {finding} "
            f"{percent(float((counts == 0).mean()))} of the cells are empty.",
            caption=f"Objects per square arcminute in {count(nx)} × {count(ny)} cells of "
            f"{number(width)}″ × {number(height)}″{place}, {kernel}.{scale}",
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

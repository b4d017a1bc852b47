"""Counts on the sky: the extent of a field (also across RA 0 h) and objects per cell."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from reportgen.config.expressions import Condition
from reportgen.errors import SectionError
from reportgen.reduce.base import Chunk, Integers, Reduction, Values
from reportgen.reduce.binning import Binning
from reportgen.reduce.chunk import Limits, limits_of
from reportgen.reduce.counts import hull
from reportgen.reduce.histograms import CellState, count_in_cells
from reportgen.wording import count, exact, number, significant

MAX_CELLS = 4000  # along one side; a wider map would say nothing more on paper or screen


@dataclass(frozen=True)
class Extent:
    """The box that holds all positions, degrees. A field across RA 0 h has negative RA in it."""

    ra: tuple[float, float]
    dec: tuple[float, float]

    @property
    def crosses_zero(self) -> bool:
        """Whether the field crosses RA 0 h."""
        return self.ra[0] < 0

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box; the pole for a field around it, well off the equator."""
        around = self.ra[1] - self.ra[0] > 180 and self.dec[0] * self.dec[1] > 0
        if around and abs(sum(self.dec)) > 60:
            return 0.0, float(np.copysign(90, sum(self.dec)))
        return sum(self.ra) / 2, sum(self.dec) / 2


ExtentState = tuple[Limits, Limits, Limits]


@dataclass(frozen=True)
class SkyExtent(Reduction[ExtentState, Extent | None]):
    """Smallest box in RA and Dec around all positions; None for no position."""

    ra: str
    dec: str
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.ra, self.dec])

    def start(self) -> ExtentState:
        return None, None, None

    def update(self, state: ExtentState, chunk: Chunk) -> ExtentState:
        ra, dec = chunk.together((self.ra, self.dec), self.where)
        plain, signed = (wrapped(ra, crosses_zero=crosses) for crosses in (False, True))
        return self.merge(state, (limits_of(plain), limits_of(signed), limits_of(dec)))

    def merge(self, first: ExtentState, second: ExtentState) -> ExtentState:
        plain, signed, dec = map(hull, first, second)
        return plain, signed, dec

    def finish(self, state: ExtentState) -> Extent | None:
        plain, signed, dec = state
        if plain is None or signed is None or dec is None:
            return None
        crosses = signed[1] - signed[0] < plain[1] - plain[0] and signed[0] < 0 <= signed[1]
        return Extent(signed if crosses else plain, dec)


def wrapped(ra: Values, *, crosses_zero: bool) -> Values:
    """Write RA within 0–360°, or within ±180° for a field across RA 0 h."""
    around = (ra < 0) | (ra >= 360)
    if around.any():
        ra = np.where(around, np.mod(ra, 360.0), ra)
        # The remainder of -1e-20 is rounded to 360.
        ra = np.where(ra == 360, 0.0, ra)
    return np.where(ra >= 180, ra - 360, ra) if crosses_zero else ra


def gnomonic(ra: Values, dec: Values, centre: tuple[float, float]) -> tuple[Values, Values]:
    """Project positions on the plane that touches the sky at the centre; all in degrees.

    Returns offsets to the east and north; NaN beyond the horizon. Source: Calabretta & Greisen
    2002, A&A 395, 1077, section 5.1.3 (TAN).
    """
    alpha, delta = np.radians(ra - centre[0]), np.radians(dec)
    delta0 = np.radians(centre[1])
    cosine = np.sin(delta0) * np.sin(delta) + np.cos(delta0) * np.cos(delta) * np.cos(alpha)
    up = np.where(cosine > 1e-6, cosine, np.nan)
    east = np.cos(delta) * np.sin(alpha) / up
    north = (np.cos(delta0) * np.sin(delta) - np.sin(delta0) * np.cos(delta) * np.cos(alpha)) / up
    return np.degrees(east), np.degrees(north)


@dataclass(frozen=True)
class SkyGrid:
    """Cells on the sky.

    projection CAR: x are edges in RA and y in Dec. TAN: x are edges in offset to the east of the
    centre and y to the north, on the tangent plane. All in degrees.
    """

    projection: Literal["CAR", "TAN"]
    centre: tuple[float, float]
    x: Values
    y: Values
    crosses_zero: bool = False

    def place(self, ra: Values, dec: Values) -> tuple[Values, Values]:
        """Return x and y of some positions."""
        ra = wrapped(ra, crosses_zero=self.crosses_zero)
        if self.projection == "CAR":
            return ra, dec
        return gnomonic(ra, dec, self.centre)

    def cell_areas(self) -> Values:
        """Area of each cell in square arcminutes, (ny, nx)."""
        arcmin2 = 3600.0
        if self.projection == "CAR":
            heights = np.degrees(np.diff(np.sin(np.radians(self.y))))
            return np.outer(heights, np.diff(self.x)) * arcmin2
        # The tangent plane magnifies: dΩ = cos³θ dx dy at distance θ from the centre.
        x, y = ((edges[1:] + edges[:-1]) / 2 for edges in (self.x, self.y))
        square = np.radians(x)[None, :] ** 2 + np.radians(y)[:, None] ** 2
        return np.asarray(
            np.outer(np.diff(self.y), np.diff(self.x)) * arcmin2 / (1 + square) ** 1.5
        )


@dataclass(frozen=True)
class SkyCounts:
    """Objects per cell; counts: (ny, nx) int64, row 0 at the south, column 0 at the lowest x."""

    grid: SkyGrid
    counts: Integers


@dataclass
class SkyState(CellState):
    """Counts in the cells of a grid; no grid when there is no position."""

    grid: SkyGrid | None


@dataclass(frozen=True)
class CountOnSky(Reduction[SkyState, SkyCounts | None]):
    """Objects in cells of a sky grid; None when there is no position.

    edges: number of edges along RA and Dec (plate carrée, as a histogram of RA and Dec); or
    cell: side of a square cell in arcseconds (gnomonic projection about the field's centre).
    """

    ra: str
    dec: str
    edges: int | None = None
    cell: float | None = None
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.ra, self.dec])

    def needs(self) -> dict[str, SkyExtent]:
        return {"extent": SkyExtent(self.ra, self.dec, self.where)}

    def start(self, extent: Extent | None) -> SkyState:
        if extent is None:
            return SkyState((), np.zeros((0, 0), dtype=np.int64), None)
        if not -90 <= extent.dec[0] <= extent.dec[1] <= 90:
            raise SectionError(
                f"{self.dec} reaches from {number(extent.dec[0])}° to {number(extent.dec[1])}°, "
                "which is no declination",
                "is it in degrees, and are all its marks listed under missing:?",
            )
        if self.edges is not None:
            x, y = (np.linspace(*limits, num=self.edges) for limits in _box(extent))
            grid = SkyGrid("CAR", extent.centre, x, y, extent.crosses_zero)
        else:
            grid = _tangent_grid(extent, self.cell or 60.0)
        counts = np.zeros((len(grid.y) - 1, len(grid.x) - 1), dtype=np.int64)
        return SkyState((Binning.of(grid.x), Binning.of(grid.y)), counts, grid)

    def update(self, state: SkyState, chunk: Chunk) -> SkyState:
        if state.grid is None:
            return state
        ra, dec = chunk.together((self.ra, self.dec), self.where)
        places = zip(state.bins, state.grid.place(ra, dec), strict=True)
        x, y = (bins.bins(each, bins.edges_up_to(each)) for bins, each in places)
        count_in_cells(state.counts, x, y)
        return state

    def merge(self, first: SkyState, second: SkyState) -> SkyState:
        first.counts += second.counts
        return first

    def finish(self, state: SkyState) -> SkyCounts | None:
        return None if state.grid is None else SkyCounts(state.grid, state.counts)


def _box(extent: Extent) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the limits in RA and Dec; a single position gets a box of one arcminute."""
    half = 0.5 / 60
    ra, dec = extent.ra, extent.dec
    if ra[0] == ra[1]:
        ra = ra[0] - half, ra[1] + half
    if dec[0] == dec[1]:
        dec = max(dec[0] - half, -90.0), min(dec[1] + half, 90.0)
    return ra, dec


def _tangent_grid(extent: Extent, cell: float) -> SkyGrid:
    side = cell / 3600
    # The outermost offsets lie on the rim of the box: so dense that it cannot bulge out by a cell
    # between two points, even around a pole.
    rim = [np.linspace(*limits, 4097) for limits in _box(extent)]
    sides = [np.meshgrid(rim[0], rim[1][[0, -1]]), np.meshgrid(rim[0][[0, -1]], rim[1])]
    ra, dec = (np.concatenate([side[axis].ravel() for side in sides]) for axis in (0, 1))
    offsets = gnomonic(ra, dec, extent.centre)
    if not all(np.isfinite(offset).all() for offset in offsets):
        raise SectionError(
            "the field is wider than half the sky, which a gnomonic projection cannot show",
            "give edges: instead of cell:, or select a smaller field with where:",
        )
    axes = []
    for offset in offsets:
        first, last = np.floor(offset.min() / side) - 1, np.ceil(offset.max() / side) + 1
        if last - first > MAX_CELLS:
            raise SectionError(
                f"cells of {exact(cell)}″ make a map of {count(last - first)} cells a side; "
                f"at most {MAX_CELLS} are allowed",
                f"give cell: {significant(1.01 * cell * (last - first) / MAX_CELLS, 3)} or more",
            )
        axes.append(np.arange(first, last + 1) * side)
    return SkyGrid("TAN", extent.centre, axes[0], axes[1], extent.crosses_zero)

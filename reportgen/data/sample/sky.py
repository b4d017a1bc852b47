"""Where the objects of the synthetic survey are: the radio mosaic and the discs around it.

Everything is drawn in a tangent plane (gnomonic projection) around the middle of the field, in
arcminutes, x to the east and y to the north. In that projection a distance on the plane is never
less than the angle on the sky, so whoever is within a radius here is within it there.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Middle of the box that the original notebook's sky plots span: RA 51.50 to 54.05 degrees,
# Dec -28.96 to -27.20 degrees.
FIELD_RA = 52.775  # degrees, J2000
FIELD_DEC = -28.08  # degrees, J2000

# The ATLAS mosaic of the CDFS has 28 pointings (Norris et al. 2006, AJ 132, 2409). Rows of 6, 5,
# 6, 5 and 6 on a hexagonal grid fill the notebook's box when spacing and radius are 18.9 arcmin;
# their union is then about 3.6 square degrees, as in Franzen et al. (2015, MNRAS 453, 4020).
POINTING_ROWS = (6, 5, 6, 5, 6)
POINTING_SPACING = 18.9  # arcmin
POINTING_RADIUS = 18.9  # arcmin

# crowdastro keeps the infrared objects within 1 arcmin of a radio object. The catalogue rounds
# its coordinates, so stay a little inside.
CANDIDATE_RADIUS = 0.998  # arcmin

# Large-scale structure in the radio sources: "at most mild", a quarter up or down.
WAVES = 6
WAVE_LENGTHS = (25.0, 60.0)  # arcmin, shortest and longest
WAVE_CONTRAST = 0.25  # rms of the relative density

# Groups of galaxies. Richness follows a power law, so a few rich groups stand out on the map.
GROUP_SIGMA = 0.5  # arcmin, about 200 kpc at redshift 0.6
GROUP_MEAN_SIZE = 5.0  # galaxies
GROUP_RICHNESS_SLOPE = 2.2  # Pareto index of the expected number of members
GROUP_RICHEST = 5.0  # times the poorest


def project(
    ra: Floats, dec: Floats, ra0: float = FIELD_RA, dec0: float = FIELD_DEC
) -> tuple[Floats, Floats]:
    """Gnomonic offsets east and north of a centre.

    ra, dec, ra0, dec0: degrees. Returns x and y in arcmin, of the shape of ra and dec.
    Calabretta & Greisen (2002, A&A 395, 1077), section 5.1.3.
    """
    delta = np.radians(ra - ra0)
    sin0, cos0 = np.sin(np.radians(dec0)), np.cos(np.radians(dec0))
    sin_dec, cos_dec = np.sin(np.radians(dec)), np.cos(np.radians(dec))
    depth = sin0 * sin_dec + cos0 * cos_dec * np.cos(delta)
    x = cos_dec * np.sin(delta) / depth
    y = (cos0 * sin_dec - sin0 * cos_dec * np.cos(delta)) / depth
    return np.degrees(x) * 60, np.degrees(y) * 60


def deproject(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """RA and Dec in degrees of tangent-plane offsets x, y in arcmin: the inverse of `project`."""
    east, north = np.radians(x / 60), np.radians(y / 60)
    sin0, cos0 = np.sin(np.radians(FIELD_DEC)), np.cos(np.radians(FIELD_DEC))
    depth = cos0 - north * sin0
    ra = FIELD_RA + np.degrees(np.arctan2(east, depth))
    dec = np.degrees(np.arctan2(sin0 + north * cos0, np.hypot(east, depth)))
    return ra, dec


def pointings() -> tuple[Floats, Floats]:
    """Return x and y in arcmin of the centres of the radio mosaic's pointings."""
    height = POINTING_SPACING * np.sqrt(3) / 2
    x = [np.arange(n) - (n - 1) / 2 for n in POINTING_ROWS]
    y = [np.full(n, i - (len(POINTING_ROWS) - 1) / 2) for i, n in enumerate(POINTING_ROWS)]
    return np.concatenate(x) * POINTING_SPACING, np.concatenate(y) * height


def draw_radio_positions(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Return x and y in arcmin of n radio objects: uniform in the mosaic but for mild structure."""
    centre_x, centre_y = pointings()
    half_width = np.max(centre_x) + POINTING_RADIUS
    half_height = np.max(centre_y) + POINTING_RADIUS
    direction = rng.uniform(0, 2 * np.pi, WAVES)
    number = 2 * np.pi / rng.uniform(*WAVE_LENGTHS, WAVES)
    phase = rng.uniform(0, 2 * np.pi, WAVES)
    kept_x, kept_y = np.empty(0), np.empty(0)
    while len(kept_x) < n:
        x = rng.uniform(-half_width, half_width, 2 * n + 16)
        y = rng.uniform(-half_height, half_height, 2 * n + 16)
        inside = np.zeros(len(x), dtype=bool)
        wave = np.zeros(len(x))
        for cx, cy in zip(centre_x, centre_y, strict=True):
            inside |= (x - cx) ** 2 + (y - cy) ** 2 < POINTING_RADIUS**2
        for angle, k, shift in zip(direction, number, phase, strict=True):
            wave += np.sin(k * (x * np.cos(angle) + y * np.sin(angle)) + shift)
        density = np.exp(WAVE_CONTRAST * wave * np.sqrt(2 / WAVES))
        kept = inside & (rng.uniform(0, np.exp(3 * WAVE_CONTRAST), len(x)) < density)
        kept_x, kept_y = np.append(kept_x, x[kept]), np.append(kept_y, y[kept])
    return kept_x[:n], kept_y[:n]


class Neighbourhood:
    """The discs of the candidate radius around fixed points of the plane.

    x, y: (n,), arcmin.
    """

    def __init__(self, x: Floats, y: Floats) -> None:
        from scipy.spatial import KDTree

        self._tree = KDTree(np.stack([x, y], axis=1))
        cell = np.stack([_cell(x), _cell(y)], axis=1)
        around = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
        self._cells = np.unique((cell[:, None] + around[None, :]).reshape(-1, 2), axis=0)

    def nearest(self, x: Floats, y: Floats) -> Integers:
        """Index of the nearest fixed point, within any distance."""
        return np.asarray(self._tree.query(np.stack([x, y], axis=1))[1], dtype=np.int64)

    def cover(self, x: Floats, y: Floats) -> NDArray[np.bool_]:
        """Whether each point is in a disc."""
        points = np.stack([x, y], axis=1)
        distance = self._tree.query(points, distance_upper_bound=CANDIDATE_RADIUS)[0]
        return np.asarray(np.isfinite(distance))

    def draw_uniform(self, rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
        """Return x and y in arcmin of n points, uniform over the union of the discs."""
        kept_x, kept_y = np.empty(0), np.empty(0)
        while len(kept_x) < n:
            cell = rng.choice(self._cells, 2 * n + 16)
            x, y = ((cell + rng.uniform(size=cell.shape)) * CANDIDATE_RADIUS).T
            kept = self.cover(x, y)
            kept_x, kept_y = np.append(kept_x, x[kept]), np.append(kept_y, y[kept])
        return kept_x[:n], kept_y[:n]

    def draw_grouped(self, rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
        """Return x and y in arcmin of n galaxies in groups, all of them in the discs."""
        groups = max(1, round(n / GROUP_MEAN_SIZE))
        centre_x, centre_y = self.draw_uniform(rng, groups)
        richness = np.minimum(rng.pareto(GROUP_RICHNESS_SLOPE, groups) + 1, GROUP_RICHEST)
        share = np.cumsum(richness) / np.sum(richness)
        kept_x, kept_y = np.empty(0), np.empty(0)
        while len(kept_x) < n:
            group = np.searchsorted(share, rng.uniform(size=2 * n + 16))
            group = np.minimum(group, groups - 1)
            x = centre_x[group] + rng.normal(0, GROUP_SIGMA, len(group))
            y = centre_y[group] + rng.normal(0, GROUP_SIGMA, len(group))
            kept = self.cover(x, y)
            kept_x, kept_y = np.append(kept_x, x[kept]), np.append(kept_y, y[kept])
        return kept_x[:n], kept_y[:n]


def _cell(coordinate: Floats) -> Integers:
    """Number of the cell, one candidate radius wide, that a coordinate falls in."""
    return np.floor(coordinate / CANDIDATE_RADIUS).astype(np.int64)

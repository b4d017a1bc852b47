"""The infrared catalogue: what the instruments make of the objects.

They add errors, miss what is too faint (0) and leave out what they did not cover (-99).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.data.sample.population import Objects, draw_objects
from reportgen.data.sample.radio import RadioSky
from reportgen.data.sample.sky import Floats, Neighbourhood, deproject, project
from reportgen.data.sample.stellarity import draw_scores, stellarities

COLUMNS = (
    "ra",
    "dec",
    "flux_ap2_36",
    "flux_ap2_45",
    "flux_ap2_58",
    "flux_ap2_80",
    "flux_ap2_24",
    "stell_36",
    "atlas_index",
    "is_training",
    "is_validation",
    "is_testing",
)
UNITS = ("deg", "deg", "uJy", "uJy", "uJy", "uJy", "uJy", "", "", "", "", "")

NOT_COVERED = -99.0
NOT_DETECTED = 0.0  # a null in SWIRE's table

# Photometric errors of SWIRE's aperture 2: noise, and what grows with the flux density. After the
# depths and calibration uncertainties in Surace et al. (2005, SWIRE data release 2).
NOISE = np.array([1.0, 1.1, 4.0, 4.5, 18.0])  # microjansky
CALIBRATION = np.array([0.02, 0.02, 0.03, 0.03, 0.05])
# Where half of the objects are listed, and how soft the limit is: measured values begin at 30 to 40
# microjansky (5.8 and 8.0 micron) and 200 (24 micron) on the original notebook's sorted curves.
# 3.6 micron is always measured: it is what the catalogue is made from.
LIMITS = np.array([0.0, 4.5, 39.5, 39.5, 245.0])  # microjansky
LIMIT_WIDTHS = np.array([0.0, 0.5, 3.0, 2.5, 12.0])  # microjansky


@dataclass(frozen=True)
class Edge:
    """A straight border of a mosaic that is stepped where its tiles end.

    band: column among the five. share: of the objects, beyond the border. angle: degrees, of the
    direction outwards, from east through north. tile, step: arcmin, length and depth of a step.
    """

    band: int
    share: float
    angle: float
    tile: float
    step: float


# What the mosaics miss, as shares of the objects: about 100 (4.5), 1000 (5.8), 500 (8.0) and 2700
# (24 micron) of 30853 rows (read off the notebook's sorted curves). The two pairs of IRAC's
# cameras and MIPS look at different pieces of sky at a time, so each mosaic ends elsewhere.
EDGES = (
    Edge(band=1, share=0.0032, angle=-128, tile=5.0, step=2.5),
    Edge(band=2, share=0.0324, angle=57, tile=5.0, step=2.5),
    Edge(band=3, share=0.0162, angle=-118, tile=5.0, step=2.5),
    Edge(band=4, share=0.0550, angle=141, tile=10.0, step=4.0),
    Edge(band=4, share=0.0325, angle=-39, tile=10.0, step=4.0),
)

# Shares of the radio objects whose surroundings are for training, validation and testing.
SPLIT = (0.6, 0.2, 0.2)


def draw_catalogue(rng: np.random.Generator, rows: int, radio: RadioSky) -> tuple[Floats, Objects]:
    """The catalogue, (rows, 12), sorted by RA, and the objects that its rows show."""
    anchors = Neighbourhood(*project(radio.ra, radio.dec))
    objects = draw_objects(rng, rows, radio, anchors)
    flux = observe(rng, objects.flux)
    for edge in EDGES:
        flux[beyond(edge, objects.x, objects.y), edge.band] = NOT_COVERED
    scores = draw_scores(
        rng, objects.flux[:, 0], objects.redshift, objects.is_star, objects.is_active
    )
    ra, dec = deproject(objects.x, objects.y)
    ra, dec = np.round(ra, 5), np.round(dec, 5)
    index = anchors.nearest(*project(ra, dec))
    flags = draw_split(rng, len(radio.ra))[index]
    table = np.column_stack(
        [ra, dec, flux, stellarities(scores, objects.is_host), index.astype(float), flags]
    )
    order = np.lexsort((dec, ra))
    return np.ascontiguousarray(table[order]), objects.take(order)


def observe(rng: np.random.Generator, flux: Floats) -> Floats:
    """What the catalogue lists of true flux densities, (n, 5), in microjansky.

    Adds photometric errors and rounds to 0.01; what is below the detection limits becomes 0.
    """
    error = np.hypot(NOISE, CALIBRATION * flux)
    measured = np.round(flux + error * rng.normal(size=flux.shape), 2)
    limit = LIMITS + LIMIT_WIDTHS * rng.normal(size=flux.shape)
    measured[:, 0] = np.maximum(measured[:, 0], NOISE[0])
    return np.where(measured > limit, measured, NOT_DETECTED)


def beyond(edge: Edge, x: Floats, y: Floats) -> NDArray[np.bool_]:
    """Whether each place, in arcmin, is beyond the edge of a band's mosaic."""
    angle = np.radians(edge.angle)
    outwards = x * np.cos(angle) + y * np.sin(angle)
    along = y * np.cos(angle) - x * np.sin(angle)
    depth = outwards + edge.step * np.mod(np.floor(along / edge.tile), 2)
    return np.asarray(depth > np.quantile(depth, 1 - edge.share))


def draw_split(rng: np.random.Generator, n: int) -> Floats:
    """Flags of n radio objects, (n, 3): 1 for the one of training, validation and testing.

    All objects around a radio object are in the same set, so that none is tested on what it was
    trained on.
    """
    ends = np.round(np.cumsum(SPLIT) * n)
    group = np.searchsorted(ends, rng.permutation(n), side="right")
    return np.eye(len(SPLIT))[group]

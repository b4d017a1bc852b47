"""The infrared objects around the radio objects, as they are before anyone looks at them.

Stars, galaxies of the field and the hosts of the radio objects are drawn apart, each with flux
densities from number counts and colours from their spectra.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from reportgen.data.sample.radio import DOUBLE, RadioSky
from reportgen.data.sample.sky import Floats, Integers, Neighbourhood, project
from reportgen.data.sample.spectra import (
    ACTIVE,
    FAMILIES,
    galaxy_colours,
    star_colours,
)

# 2289 hosts (sum of the histogram in the original notebook) for about 2400 radio objects.
HOST_SHARE = 0.954
STAR_SHARE = 0.077
GROUPED_SHARE = 0.35  # of the galaxies of the field

FAINTEST = 4.0  # microjansky; nothing fainter is in the catalogue
# Integral counts at 3.6 micron, N(>S): slope at flux densities [microjansky], in between linear in
# the logarithm. Set so that 2087 objects are above 150 and 341 above 1000, as the original notebook
# prints, with a median near 25. Stars: a disc seen at high latitude. Galaxies: Euclidean (1.5) at
# the bright end, flatter below (Fazio et al. 2004, ApJS 154, 39).
STAR_COUNTS = ((FAINTEST, 0.40), (150.0, 0.45), (2e3, 0.55), (3e4, 1.1), (2.2e5, 1.3))
GALAXY_COUNTS = ((FAINTEST, 0.45), (15.0, 0.80), (60.0, 1.55), (1.5e4, 1.55))
COMPLETENESS = (10.0, 0.1)  # microjansky where half is found, and width in dex
# Hosts are massive galaxies: brighter than the field, with a narrower spread.
HOST_MEDIAN = 65.0  # microjansky
HOST_SCATTER = 0.42  # dex
# Radio and infrared positions differ by both surveys' errors; a few hosts are further out.
HOST_OFFSETS = (1.1, 3.5)  # arcsec, sigma along each axis: most, and one in ten
REDSHIFT_SCATTER = 0.5  # of its natural logarithm, of galaxies of one flux density
LOUD = 0.7e-3  # Jy at 1.4 GHz; above, most radio objects are active nuclei

# Shares of early-type, star-forming and active galaxies.
FIELD_MIX = (0.28, 0.65, 0.07)
QUIET_HOST_MIX = (0.28, 0.60, 0.12)
LOUD_HOST_MIX = (0.66, 0.10, 0.24)


@dataclass(frozen=True)
class Objects:
    """Infrared objects as they are.

    x, y: (n,), arcmin on the tangent plane. flux: (n, 5), microjansky. redshift: (n,), 0 for stars.
    is_star, is_active, is_host: (n,); active are the galaxies whose nucleus shines. family: (n,),
    of galaxies.
    """

    x: Floats
    y: Floats
    flux: Floats
    redshift: Floats
    is_star: NDArray[np.bool_]
    is_active: NDArray[np.bool_]
    is_host: NDArray[np.bool_]
    family: Integers

    def take(self, rows: Integers) -> "Objects":
        """Return some of them, in that order."""
        return Objects(*(getattr(self, each.name)[rows] for each in fields(self)))


def draw_objects(
    rng: np.random.Generator, rows: int, radio: RadioSky, anchors: Neighbourhood
) -> Objects:
    """Hosts, stars and galaxies, rows in all, within the candidate radius of radio objects."""
    hosts = min(round(HOST_SHARE * len(radio.ra)), rows)
    stars = min(round(STAR_SHARE * rows), rows - hosts)
    grouped = round(GROUPED_SHARE * (rows - hosts - stars))
    lone = rows - hosts - stars - grouped
    owner = rng.permutation(len(radio.ra))[:hosts]
    positions = [
        draw_host_positions(rng, radio, owner),
        anchors.draw_uniform(rng, stars),
        anchors.draw_grouped(rng, grouped),
        anchors.draw_uniform(rng, lone),
    ]
    x, y = np.concatenate(positions, axis=1)
    is_host = np.arange(rows) < hosts
    is_star = (np.arange(rows) >= hosts) & (np.arange(rows) < hosts + stars)
    flux = np.concatenate(
        [
            draw_host_fluxes(rng, hosts),
            draw_from_counts(rng, stars, STAR_COUNTS),
            draw_from_counts(rng, grouped + lone, GALAXY_COUNTS),
        ]
    )
    redshift = np.where(is_star, 0.0, draw_redshifts(rng, flux))
    family = np.concatenate(
        [draw_host_families(rng, radio, owner), draw_families(rng, rows - hosts, FIELD_MIX)]
    )
    is_active = (family == ACTIVE) & ~is_star
    colours = galaxy_colours(rng, family, redshift)
    colours[is_star] = star_colours(rng, stars)
    return Objects(x, y, flux[:, None] * colours, redshift, is_star, is_active, is_host, family)


def draw_host_positions(
    rng: np.random.Generator, radio: RadioSky, owner: Integers
) -> tuple[Floats, Floats]:
    """Return x and y in arcmin of the host of each radio object in owner."""
    x, y = project(radio.ra[owner], radio.dec[owner])
    sigma = np.where(rng.uniform(size=len(owner)) < 0.9, *HOST_OFFSETS) / 60
    return x + sigma * rng.normal(size=len(owner)), y + sigma * rng.normal(size=len(owner))


def draw_host_families(rng: np.random.Generator, radio: RadioSky, owner: Integers) -> Integers:
    """Family of the host of each radio object in owner: loud ones live in early types."""
    loud = (radio.flux[owner] > LOUD) | (radio.kind[owner] == DOUBLE)
    n = len(owner)
    return np.where(
        loud, draw_families(rng, n, LOUD_HOST_MIX), draw_families(rng, n, QUIET_HOST_MIX)
    )


def draw_families(rng: np.random.Generator, n: int, mix: tuple[float, float, float]) -> Integers:
    """Draw n families of galaxies in the given shares."""
    return rng.choice(np.array(FAMILIES), n, p=mix)


def draw_redshifts(rng: np.random.Generator, flux: Floats) -> Floats:
    """Redshifts of galaxies of those flux densities [microjansky] at 3.6 micron.

    The median falls from 0.8 among the faint to 0.05 at 10 mJy; Rowan-Robinson et al. (2008,
    MNRAS 386, 697) give photometric redshifts of SWIRE's galaxies.
    """
    spread = np.exp(REDSHIFT_SCATTER * rng.normal(size=len(flux)))
    return np.clip(median_redshift(flux) * spread, 0.005, 4.0)


def median_redshift(flux: Floats) -> Floats:
    """Return the median redshift of galaxies of those flux densities [microjansky]."""
    return np.asarray(0.8 * (1 + flux / 40) ** -0.5)


def ladder(rng: np.random.Generator, n: int) -> Floats:
    """Draw n uniform numbers, one from each nth of the unit interval, in random order.

    The number of objects is given, so it should not fluctuate how many of them are bright.
    """
    return (rng.permutation(n) + rng.uniform(size=n)) / max(n, 1)


def draw_host_fluxes(rng: np.random.Generator, n: int) -> Floats:
    """Draw n flux densities in microjansky at 3.6 micron, log-normal above the faintest."""
    from scipy.special import ndtr, ndtri

    below = ndtr(np.log10(FAINTEST / HOST_MEDIAN) / HOST_SCATTER)
    deviate = ndtri(below + (1 - below) * ladder(rng, n))
    return np.asarray(HOST_MEDIAN * 10 ** (HOST_SCATTER * deviate))


def draw_from_counts(
    rng: np.random.Generator, n: int, counts: tuple[tuple[float, float], ...]
) -> Floats:
    """Draw n flux densities in microjansky from integral counts, thinned by the completeness."""
    from scipy.special import ndtr

    nodes, slopes = np.array(counts).T
    grid = np.linspace(np.log10(nodes[0]), np.log10(nodes[-1]), 4001)
    slope = np.interp(grid, np.log10(nodes), slopes)
    step = grid[1] - grid[0]
    above = 10 ** -(np.cumsum(slope) * step)  # N(>S), up to a factor
    found = ndtr((grid - np.log10(COMPLETENESS[0])) / COMPLETENESS[1])
    share = np.append(0, np.cumsum(-np.diff(above) * (found[1:] + found[:-1]) / 2))
    return np.asarray(10 ** np.interp(ladder(rng, n), share / share[-1], grid))

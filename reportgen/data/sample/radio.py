"""The radio sky of the synthetic survey: its objects and what they consist of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.data.sample.sky import Floats, deproject, draw_radio_positions

# Integral source counts at 1.4 GHz, N(>S) ~ S^-slope: steep among the faint star-forming galaxies,
# flatter above the upturn at 0.5 mJy (the counts reviewed by de Zotti et al. 2010, A&ARv 18, 1).
FAINTEST = 80e-6  # Jy; between five and six times the noise
UPTURN = 0.5e-3  # Jy
BRIGHTEST = 0.2  # Jy
FAINT_SLOPE = 1.25
BRIGHT_SLOPE = 0.8

# 17 per cent of the DR3 components are extended (Franzen et al. 2015, abstract); the rest of the
# structure belongs to the radio galaxies, whose share grows with flux density.
RESOLVED_SHARE = 0.12
DOUBLE_SHARE = 0.5  # among the brightest
DOUBLE_FLUX = 3e-3  # Jy, where half of that share is reached
FAINTEST_DOUBLE = 0.6e-3  # Jy; fainter lobes would each be below the detection limit

LARGEST_LOBE = 45.0  # arcsec, from core to hot spot

POINT, RESOLVED, DOUBLE = 0, 1, 2


@dataclass(frozen=True)
class RadioSky:
    """The radio objects and the Gaussian components they consist of.

    ra, dec: (n,), degrees. flux: (n,), Jy at 1.4 GHz. kind: (n,), POINT, RESOLVED or DOUBLE.
    parent: (m,), object of each component. east, north: (m,), arcsec from that object.
    component_flux: (m,), Jy. major, minor: (m,), arcsec, full widths at half maximum before the
    beam. angle: (m,), radians, from north through east.
    """

    ra: Floats
    dec: Floats
    flux: Floats
    kind: NDArray[np.int64]
    parent: NDArray[np.int64]
    east: Floats
    north: Floats
    component_flux: Floats
    major: Floats
    minor: Floats
    angle: Floats


def draw_fluxes(rng: np.random.Generator, n: int) -> Floats:
    """Draw n flux densities in Jy that follow the source counts."""
    bend = (UPTURN / FAINTEST) ** -FAINT_SLOPE
    end = bend * (BRIGHTEST / UPTURN) ** -BRIGHT_SLOPE
    above = rng.uniform(end, 1, n)  # N(>S) / N(>faintest)
    faint = FAINTEST * above ** (-1 / FAINT_SLOPE)
    bright = UPTURN * (above / bend) ** (-1 / BRIGHT_SLOPE)
    return np.where(above > bend, faint, bright)


def draw_radio_sky(rng: np.random.Generator, n: int) -> RadioSky:
    """Draw n radio objects with their components. The first is the brightest, and point-like."""
    ra, dec = deproject(*draw_radio_positions(rng, n))
    flux = draw_fluxes(rng, n)
    # The first cut-out is the one that reports show; let it show the beam and its rings.
    brightest = int(np.argmax(flux))
    flux[0], flux[brightest] = flux[brightest], flux[0]
    kind = np.where(rng.uniform(size=n) < RESOLVED_SHARE, RESOLVED, POINT)
    double_share = DOUBLE_SHARE * flux / (flux + DOUBLE_FLUX) * (flux > FAINTEST_DOUBLE)
    kind[rng.uniform(size=n) < double_share] = DOUBLE
    kind[0] = POINT
    single = np.flatnonzero(kind != DOUBLE)
    size = np.where(kind == RESOLVED, rng.lognormal(np.log(7.0), 0.4, n), 0.0)[single]
    tilt = rng.uniform(0, np.pi, n)
    nothing = np.zeros(len(single))
    compact = np.stack([single, nothing, nothing, flux[single], size, 0.6 * size, tilt[single]])
    parts = np.concatenate([compact, _radio_galaxies(rng, kind, flux, tilt)], axis=1)
    return RadioSky(
        np.round(ra, 6), np.round(dec, 6), flux, kind, parts[0].astype(np.int64), *parts[1:]
    )


def _radio_galaxies(
    rng: np.random.Generator, kind: NDArray[np.int64], flux: Floats, tilt: Floats
) -> Floats:
    """Two lobes, a bridge and a core for each double.

    Returns (7, 4 d): object, east, north [arcsec], flux [Jy], major, minor [arcsec], angle [rad].
    """
    parent = np.flatnonzero(kind == DOUBLE)
    n = len(parent)
    # Arcsec from core to hot spot.
    half = np.clip(rng.lognormal(np.log(11.0), 0.55, n), 3.0, LARGEST_LOBE)
    bend = rng.normal(0, np.radians(9), n)
    balance = rng.uniform(0.35, 0.65, n)  # share of the first lobe
    core = rng.uniform(0.02, 0.2, n)
    bridge = rng.uniform(0.05, 0.3, n)
    lobes = 1 - core - bridge
    axes = (tilt[parent] + bend, tilt[parent] + np.pi - bend)
    nothing = np.zeros(n)
    first = [half * np.sin(axes[0]), half * np.cos(axes[0]), lobes * balance]
    second = [half * np.sin(axes[1]), half * np.cos(axes[1]), lobes * (1 - balance)]
    shapes = [
        [*first, half * 0.5, half * 0.3, axes[0]],
        [*second, half * 0.5, half * 0.3, axes[1]],
        [nothing, nothing, bridge, half * 1.4, half * 0.4, tilt[parent]],
        [nothing, nothing, core, nothing, nothing, nothing],
    ]
    parts = [
        np.stack([parent, east, north, share * flux[parent], major, minor, angle])
        for east, north, share, major, minor, angle in shapes
    ]
    return np.concatenate(parts, axis=1)

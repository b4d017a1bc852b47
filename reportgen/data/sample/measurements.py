"""The infrared objects as they are, and what two less deep surveys of them measure.

Their errors are known, for reports to find them: see the constants.
"""

import numpy as np

from reportgen.data.sample.fits_tables import LABELS, Columns, single
from reportgen.data.sample.population import Objects
from reportgen.data.sample.sky import Floats, Integers, deproject

FIRST_ID = 2**60  # beyond the whole numbers that a float64 tells apart
AB_ZERO_POINT = 23.9  # magnitude of 1 microjansky
MAG_OF_ERROR = 2.5 / np.log(10)  # magnitudes for a small relative error

# The shallow survey.
NOISE = np.array([8.0, 9.0])  # microjansky, at 3.6 and 4.5 micron
CALIBRATION = 0.01  # error of a flux density, as a share of it
DETECTION = 5.0  # times the noise at 3.6 micron
OFFSET = (0.12, -0.08)  # arcsec, east and north
POSITION_ERROR = 0.15  # arcsec, however bright an object is
PSF = 1.7  # arcsec, full width at half maximum
ZERO_POINT_OFFSET = 0.015  # magnitudes fainter than the truth
TILE_OFFSET = (5, 0.03)  # number of a tile, and by how many magnitudes it is fainter still
SATURATED = 5e3  # microjansky; flag 2
NEAR_EDGE = 0.01  # share of the objects; flag 1

# The visits.
VISITED = 100.0  # microjansky at 3.6 micron; brighter objects are measured again
NIGHTS, FIRST_NIGHT = 12, 60980  # and the modified Julian date of the first
VISITED_SHARE = 0.6  # of the objects, each night
DETECTORS = ("A1", "A2", "B1", "B2")
ZERO_POINT, ZERO_POINT_SCATTER = 21.5, 0.004  # magnitudes
LESS_SENSITIVE = 0.05  # magnitudes, the last detector
SEEING_SCATTER = 0.05  # of the width of the PSF, from night to night
VISIT_NOISE = 2.0  # microjansky
VISIT_SCATTER = 0.004  # magnitudes, from the flat field
VARIABLE = (0.3, 0.08)  # share of the active nuclei, and their scatter in magnitudes


def magnitude(flux: Floats) -> Floats:
    """Return AB magnitudes of flux densities in microjansky."""
    return np.asarray(AB_ZERO_POINT - 2.5 * np.log10(flux))


def tile_of(objects: Objects) -> Integers:
    """Return the number of the tile of each object, from 1: a row of pointings."""
    height = np.floor(objects.y / 21.0).astype(np.int64)
    return np.clip(height + 2, 0, 4) * 2 + (objects.x > 0) + 1


def truth_columns(objects: Objects) -> Columns:
    """Return all objects as they are."""
    ra, dec = deproject(objects.x, objects.y)
    kind = np.select([objects.is_star, objects.is_active], ["star", "active"], "galaxy")
    return {
        "ra": (ra, "deg", LABELS["ra"]),
        "dec": (dec, "deg", LABELS["dec"]),
        "flux_36": (single(objects.flux[:, 0]), "uJy", "True flux density at 3.6 um"),
        "mag_36": (single(magnitude(objects.flux[:, 0])), "mag", "True magnitude at 3.6 um"),
        "redshift": (single(objects.redshift), "", "True redshift, 0 for stars"),
        "kind": (kind, "", "Star, galaxy or active galaxy"),
    }


def draw_shallow(rng: np.random.Generator, objects: Objects) -> Columns:
    """Return what a less deep survey lists at 3.6 and 4.5 micron, in magnitudes."""
    flux, n = objects.flux[:, :2], len(objects.x)
    error = np.hypot(NOISE, CALIBRATION * flux)
    measured = flux + error * rng.normal(size=flux.shape)
    found = np.flatnonzero(measured[:, 0] > DETECTION * NOISE[0])
    tile = tile_of(objects)
    offset = ZERO_POINT_OFFSET + np.where(tile == TILE_OFFSET[0], TILE_OFFSET[1], 0)
    sigma = np.hypot(PSF / 2.355 * error[:, 0] / flux[:, 0], POSITION_ERROR)
    east, north = (each + sigma * rng.normal(size=n) for each in OFFSET)
    ra, dec = deproject(objects.x + east / 60, objects.y + north / 60)
    with np.errstate(invalid="ignore"):  # what is negative at 4.5 micron has no magnitude
        mag = magnitude(measured) + offset[:, None]
    flags = (rng.uniform(size=n) < NEAR_EDGE) + 2 * (flux[:, 0] > SATURATED)
    columns: Columns = {
        "id": (FIRST_ID + np.arange(n), "", "Number of the object"),
        "tile": (tile.astype(np.int16), "", "Tile"),
        "ra": (ra, "deg", LABELS["ra"]),
        "dec": (dec, "deg", LABELS["dec"]),
        "err_pos": (single(sigma), "arcsec", "Error of the position, each axis"),
        "mag_36": (single(mag[:, 0]), "mag", "3.6 um magnitude"),
        "err_36": (
            single(MAG_OF_ERROR * error[:, 0] / flux[:, 0]),
            "mag",
            "Error of the magnitude",
        ),
        "mag_45": (single(mag[:, 1]), "mag", "4.5 um magnitude"),
        "err_45": (
            single(MAG_OF_ERROR * error[:, 1] / flux[:, 1]),
            "mag",
            "Error of the magnitude",
        ),
        "flags": (flags.astype(np.int16), "", "Flags"),
    }
    return {name: (values[found], unit, label) for name, (values, unit, label) in columns.items()}


def draw_visits(rng: np.random.Generator, objects: Objects) -> Columns:
    """Return measurements at 3.6 micron of the bright objects on several nights, in time order."""
    bright = np.flatnonzero(objects.flux[:, 0] > VISITED)
    seen = rng.uniform(size=(NIGHTS, len(bright))) < VISITED_SHARE
    night, place = np.nonzero(seen)
    which = bright[place]
    flux = objects.flux[which, 0]
    detector = (tile_of(objects)[which] + night) % len(DETECTORS)
    zero_point = ZERO_POINT + ZERO_POINT_SCATTER * rng.normal(size=(NIGHTS, len(DETECTORS)))
    zero_point[:, -1] -= LESS_SENSITIVE
    seeing = PSF * (1 + SEEING_SCATTER * rng.normal(size=NIGHTS))
    width = seeing[night] * (1 + 0.02 * rng.normal(size=len(which)))
    varies = objects.is_active & (rng.uniform(size=len(objects.x)) < VARIABLE[0])
    sigma = np.hypot(MAG_OF_ERROR * VISIT_NOISE / flux, VISIT_SCATTER)
    scatter = np.hypot(sigma, VARIABLE[1] * varies[which])
    measured = magnitude(flux) + scatter * rng.normal(size=len(which))
    mjd = FIRST_NIGHT + night + rng.uniform(0.1, 0.4, len(which))
    order = np.argsort(mjd, kind="stable")
    columns: Columns = {
        "id": (FIRST_ID + which, "", "Number of the object"),
        "mjd": (mjd, "d", "Modified Julian date"),
        "detector": (np.array(DETECTORS)[detector], "", "Detector"),
        "mag": (single(measured), "mag", "3.6 um magnitude"),
        "err": (single(sigma), "mag", "Error"),
        "zero_point": (single(zero_point[night, detector]), "mag", "Zero point"),
        "seeing": (single(width), "arcsec", "Width of the PSF"),
    }
    return {name: (values[order], unit, label) for name, (values, unit, label) in columns.items()}

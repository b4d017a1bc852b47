"""Redshifts of some of the objects, as a spectroscopic survey lists them, and what it expects.

Columns are named as those of DESI; its classes of targets stand for families of galaxies here.
"""

import numpy as np
from numpy.typing import NDArray

from reportgen.data.sample.fits_tables import Columns, single
from reportgen.data.sample.measurements import tile_of
from reportgen.data.sample.population import REDSHIFT_SCATTER, Objects, median_redshift
from reportgen.data.sample.sky import Floats, deproject
from reportgen.data.sample.spectra import EARLY, STAR_FORMING

TARGET_SHARE = 0.25  # of the objects brighter than FAINTEST
FAINTEST = 20.0  # microjansky at 3.6 micron
BRIGHT = 150.0  # microjansky; the bright program
TRACERS = ("BGS_BRIGHT", "LRG", "ELG", "QSO")
SMALL_DELTA_CHI2, NO_DATA = 4, 512  # flags of DESI's redshifts
NO_DATA_SHARE = 0.01
LEAST_DELTA_CHI2 = 9.0
WRONG_BELOW = 16.0  # a third of the redshifts below are wrong
BINS = np.linspace(0, 4, 81)
REFERENCE_SCATTER = 0.1  # of a share, from tile to tile


def tracers(objects: Objects) -> NDArray[np.int64]:
    """Return the number of the class of each target; stars are taken for galaxies."""
    family = np.select([objects.family == EARLY, objects.family == STAR_FORMING], [1, 2], 3)
    return np.where(objects.flux[:, 0] > BRIGHT, 0, family)


def draw_spectra(rng: np.random.Generator, objects: Objects) -> Columns:
    """Return the targets with their redshifts; some redshifts are wrong, and some are flagged."""
    flux = objects.flux[:, 0]
    chosen = np.flatnonzero((flux > FAINTEST) & (rng.uniform(size=len(flux)) < TARGET_SHARE))
    these, n = objects.take(chosen), len(chosen)
    redshift = these.redshift * 1.0
    delta = 40 * (these.flux[:, 0] / FAINTEST) ** 0.8 * np.exp(0.9 * rng.normal(size=n))
    wrong = (delta < WRONG_BELOW) & (rng.uniform(size=n) < 1 / 3)
    redshift[wrong] = rng.uniform(0, 2, n)[wrong]
    error = 1e-4 * (1 + redshift) * (1 + 30 / delta)
    no_data = rng.uniform(size=n) < NO_DATA_SHARE
    flags = SMALL_DELTA_CHI2 * (delta < LEAST_DELTA_CHI2) + NO_DATA * no_data
    ra, dec = deproject(these.x, these.y)
    tracer = tracers(these)
    return {
        "TARGETID": (39_627_000_000_000_000 + chosen, "", "Number of the target"),
        "TARGET_RA": (ra, "deg", "Right ascension"),
        "TARGET_DEC": (dec, "deg", "Declination"),
        "TILEID": ((20_000 + tile_of(these)).astype(np.int32), "", "Tile"),
        "FIBER": (rng.permutation(n).astype(np.int32) % 5000, "", "Fibre"),
        "PROGRAM": (np.where(tracer == 0, "bright", "dark"), "", "Program"),
        "TRACER": (np.array(TRACERS)[tracer], "", "Class of targets"),
        "SPECTYPE": (np.where(these.is_star, "STAR", "GALAXY"), "", "What the best fit is of"),
        "Z": (np.where(no_data, np.nan, redshift + error * rng.normal(size=n)), "", "Redshift"),
        "ZERR": (single(np.where(no_data, np.nan, error)), "", "Error of the redshift"),
        "ZWARN": (flags.astype(np.int32), "", "Warnings; 0 for a good redshift"),
        "DELTACHI2": (
            single(np.where(no_data, 0, delta)),
            "",
            "chi2 of the next fit above it",
        ),
    }


def reference_columns(objects: Objects) -> Columns:
    """Return the expected share of each class in bins of redshift, laid out as DESI's reference."""
    from scipy.special import ndtr

    flux, tracer = objects.flux[:, 0], tracers(objects)
    names, shares = [], []
    for number, name in enumerate(TRACERS):
        of = flux[(tracer == number) & (flux > FAINTEST) & ~objects.is_star]
        with np.errstate(divide="ignore"):
            height = np.log(BINS[:, None] / median_redshift(of)) / REDSHIFT_SCATTER
        below = np.mean(ndtr(height), axis=1) if len(of) else np.zeros(len(BINS))
        names += [name] * (len(BINS) - 1)
        shares.append(np.diff(below))
    share: Floats = np.concatenate(shares)
    return {
        "TRACER": (np.array(names), "", "Class of targets"),
        "ZMIN": (np.tile(BINS[:-1], len(TRACERS)), "", "Lower edge of the bin"),
        "ZMAX": (np.tile(BINS[1:], len(TRACERS)), "", "Upper edge of the bin"),
        "N_MEAN": (share, "", "Mean share of the redshifts"),
        "N_MEAN_STD": (REFERENCE_SCATTER * share, "", "Scatter of it from tile to tile"),
    }

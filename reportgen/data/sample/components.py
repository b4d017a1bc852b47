"""What a second radio survey lists of the same sky.

It observes at 887.5 MHz with a round beam, is less deep than the objects of ``radio.fits``, and its
positions and flux scale are off by what `OFFSET` and `FLUX_SCALE` say, for reports to find.
"""

from dataclasses import dataclass

import numpy as np

from reportgen.data.sample.cut_outs import FWHM
from reportgen.data.sample.fits_tables import Columns, single
from reportgen.data.sample.radio import RadioSky
from reportgen.data.sample.sky import (
    POINTING_RADIUS,
    Floats,
    Integers,
    deproject,
    draw_radio_positions,
    pointings,
    project,
)

FREQUENCY = 887.5  # MHz
REFERENCE_FREQUENCY = 1400.0  # MHz, of the flux densities of the radio objects
SPECTRAL_INDEX = (-0.7, 0.2)  # mean and scatter
BEAM = 15.0  # arcsec, full width at half maximum
NOISE = 30e-6  # Jy/beam, in the middle of a pointing
EDGE_NOISE = 0.4  # of it, added at the radius of a pointing; grows as the distance squared
DETECTION = 5.0  # times the noise
FLUX_SCALE = 1.04
CALIBRATION = 0.03  # error of a flux density, as a share of it
OFFSET = (0.25, -0.15)  # arcsec, east and north
POSITION_ERROR = 0.1  # arcsec, however bright a source is
SPURIOUS_SHARE = 0.01  # of the detections: peaks of noise
NO_ERROR = -1.0  # what source finders write for the error of a fit that failed
FAILED, FIXED_SIZE = 1, 4  # flags
FAILED_SHARE, FIXED_SHARE = 0.008, 0.03
LARGEST = 30.0  # arcsec; larger objects are listed as this large


def nearest_pointing(x: Floats, y: Floats) -> tuple[Integers, Floats]:
    """Return the number of the nearest pointing, from 1, and its distance in arcmin.

    x, y: arcmin on the tangent plane, of any shape, which is that of what is returned.
    """
    centre_x, centre_y = pointings()
    apart = np.hypot(x[..., None] - centre_x, y[..., None] - centre_y)
    return np.argmin(apart, axis=-1) + 1, np.min(apart, axis=-1)


def noise_at(x: Floats, y: Floats) -> Floats:
    """Return the rms noise in Jy/beam at places in arcmin."""
    return NOISE * (1 + EDGE_NOISE * (nearest_pointing(x, y)[1] / POINTING_RADIUS) ** 2)


@dataclass(frozen=True)
class SecondSky:
    """The radio objects as the second survey would see them without noise.

    x, y: arcmin. total, peak: Jy and Jy/beam at its frequency, on its flux scale.
    """

    x: Floats
    y: Floats
    total: Floats
    peak: Floats


def draw_second_sky(rng: np.random.Generator, sky: RadioSky) -> SecondSky:
    """Give each radio object a spectral index, and spread it as far as its components reach."""
    index = rng.normal(*SPECTRAL_INDEX, len(sky.ra))
    total = FLUX_SCALE * sky.flux * (FREQUENCY / REFERENCE_FREQUENCY) ** index
    extent = np.zeros(len(sky.ra))
    np.maximum.at(extent, sky.parent, np.maximum(sky.major, 2 * np.hypot(sky.east, sky.north)))
    major, minor = (np.minimum(extent, LARGEST) * share / BEAM for share in (1, 0.6))
    peak = total / np.sqrt((1 + major**2) * (1 + minor**2))
    return SecondSky(*project(sky.ra, sky.dec), total, peak)


def draw_components(rng: np.random.Generator, sky: SecondSky) -> Columns:
    """Return the columns of the catalogue of components, named as Aegean names them."""
    false = max(1, round(SPURIOUS_SHARE * len(sky.x)))
    x, y = np.concatenate([(sky.x, sky.y), draw_radio_positions(rng, false)], axis=1)
    rms = noise_at(x, y)
    real = np.arange(len(x)) < len(sky.x)
    peak_error = np.hypot(rms, CALIBRATION * np.append(sky.peak, np.zeros(false)))
    peak = np.append(sky.peak, np.zeros(false)) + peak_error * rng.normal(size=len(x))
    peak = np.where(real, peak, rms * (DETECTION + rng.exponential(0.2, len(x))))
    ratio = np.append(sky.total / sky.peak, np.ones(false))
    total_error = np.hypot(rms * np.sqrt(1 + ratio), CALIBRATION * ratio * peak)
    # Both are fitted to the same pixels: what is common to them is in the peak already.
    total = ratio * peak + rms * np.sqrt(ratio) * rng.normal(size=len(x))
    sigma = np.hypot(BEAM / FWHM * rms / np.maximum(peak, rms), POSITION_ERROR)  # arcsec
    east, north = (offset + sigma * rng.normal(size=len(x)) for offset in OFFSET)
    ra, dec = deproject(x + east / 60, y + north / 60)
    failed, fixed = (rng.uniform(size=len(x)) < share for share in (FAILED_SHARE, FIXED_SHARE))
    flags = FAILED * failed + FIXED_SIZE * (fixed & ~failed)
    detected = peak > DETECTION * rms
    order = np.flatnonzero(detected)[np.argsort(dec[detected], kind="stable")]
    number = 1 + np.argsort(np.argsort(np.where(detected, dec, np.inf)))
    pointing = nearest_pointing(x, y)[0].astype(np.int16)
    error = single(sigma / 3600)
    columns: Columns = {
        "id": (number, "", "Number of the component"),
        "pointing": (pointing, "", "Nearest pointing"),
        "ra": (ra, "deg", "Right ascension"),
        "err_ra": (error, "deg", "Error of RA, times cos Dec"),
        "dec": (dec, "deg", "Declination"),
        "err_dec": (error, "deg", "Error of Dec"),
        "peak_flux": (single(peak), "Jy/beam", "Peak flux density"),
        "err_peak_flux": (single(np.where(failed, NO_ERROR, peak_error)), "Jy/beam", "Error of it"),
        "int_flux": (single(total), "Jy", "Total flux density"),
        "err_int_flux": (single(np.where(failed, NO_ERROR, total_error)), "Jy", "Error of it"),
        "local_rms": (single(rms), "Jy/beam", "Noise"),
        "flags": (flags.astype(np.int16), "", "Flags"),
    }
    return {name: (values[order], unit, label) for name, (values, unit, label) in columns.items()}

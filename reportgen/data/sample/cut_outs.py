"""The radio cut-outs of the synthetic survey: beam, sidelobes and noise.

The telescope is the Australia Telescope Compact Array: its antennas stand on an east-west line, so
a field at declination d is seen with a beam that is 1/sin(|d|) = 2.1 times longer north-south, and
its sidelobes are ellipses of the same shape.

An image is stored as in the survey's FITS files: row 0 is south, RA decreases with the column, the
middle pixel is the radio object.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from reportgen.data.sample.radio import LARGEST_LOBE, RadioSky
from reportgen.data.sample.sky import Floats, project

PIXEL = 0.6  # arcsec; crowdastro's cut-outs, 201 pixels for 2 arcmin
SMALL_SIDE = 201  # pixels, 2 arcmin
LARGE_SIDE = 501  # pixels, 5 arcmin

# Restoring beam and noise of ATLAS DR3 in the CDFS: Franzen et al. (2015, MNRAS 453, 4020),
# abstract. The position angle is taken as exactly north-south.
BEAM_MAJOR = 16.0  # arcsec, full width at half maximum, north-south
BEAM_MINOR = 7.0  # arcsec, full width at half maximum, east-west
NOISE = 14e-6  # Jy/beam, rms
FWHM = np.sqrt(8 * np.log(2))  # full width at half maximum of a Gaussian of unit sigma

# What deconvolution leaves of the sidelobes around a bright source.
SIDELOBE = 0.025  # of the peak, at one beam width
SIDELOBE_PERIOD = 2.2  # beam widths from ring to ring
REACH = 300.0  # arcsec, east-west and north-south, from the middle of a cut-out to what it shows
FAINTEST_RINGING = 0.5e-3  # Jy/beam; the rings of fainter sources drown in the noise

# Values are rounded to a fifteenth of the noise, which costs nothing and lets the files compress.
STEP = 2.0**-20  # Jy/beam


class NoiseField:
    """Noise of the whole mosaic, so that cut-outs that overlap show the same.

    The noise of a synthesis image has the beam as its autocorrelation: white noise on cells of
    2.4 arcsec is smoothed with a Gaussian that is narrower than the beam by the square root of 2.
    """

    CELL = 4  # pixels

    def __init__(self, rng: np.random.Generator, x: Floats, y: Floats) -> None:
        """x, y: (n,), arcmin on the tangent plane, around which there is to be noise."""
        margin = (LARGE_SIDE // 2 + 2) * PIXEL + 4 * BEAM_MAJOR
        self._left = float(np.max(x)) * 60 + margin  # arcsec; columns run to the west
        self._bottom = float(np.min(y)) * 60 - margin
        cell = self.CELL * PIXEL
        columns = int((self._left - float(np.min(x)) * 60 + margin) / cell) + 1
        rows = int((float(np.max(y)) * 60 + margin - self._bottom) / cell) + 1
        self._white = rng.standard_normal((rows, columns), dtype=np.float32)

    def _taps(self, beam: float) -> tuple[int, NDArray[np.float32]]:
        """Reach in cells, and the weights, (CELL, 2 reach + 1), of the cells around each pixel."""
        sigma = beam / FWHM / np.sqrt(2) / PIXEL
        reach = int(np.ceil(4 * sigma / self.CELL))
        offset = self.CELL * np.arange(-reach, reach + 1)[None, :] - np.arange(self.CELL)[:, None]
        weights = np.exp(-0.5 * (offset / sigma) ** 2)
        # The mean over the phases of a pixel in its cell; they differ by a tenth of a per cent.
        rms = np.sqrt(np.mean(np.sum(weights**2, axis=1)))
        return reach, (weights / rms).astype(np.float32)

    def cut_out(self, x: float, y: float) -> NDArray[np.float32]:
        """Noise in Jy/beam, (501, 501), around a point of the plane given in arcmin."""
        first_row = round((y * 60 - self._bottom) / PIXEL) - LARGE_SIDE // 2
        first_column = round((self._left - x * 60) / PIXEL) - LARGE_SIDE // 2
        columns, first_column = self._part(first_column)
        noise = _smooth(self._white[:, columns], first_row, *self._taps(BEAM_MAJOR))
        noise = _smooth(noise.T, first_column, *self._taps(BEAM_MINOR)).T
        return noise * np.float32(NOISE)

    def _part(self, first: int) -> tuple[slice, int]:
        """The cells that pixels from first on can need, and what first is, counted from there."""
        reach = self._taps(BEAM_MAJOR)[0]
        start = first // self.CELL - reach
        stop = (first + LARGE_SIDE) // self.CELL + reach + 1
        return slice(start, stop), first - start * self.CELL


def _smooth(
    cells: NDArray[np.float32], first: int, reach: int, taps: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Pixels first to first + 501 along axis 0, each the weighted sum of the cells around it."""
    cell, phase = np.divmod(np.arange(first, first + LARGE_SIDE), len(taps))
    smoothed = np.zeros((LARGE_SIDE, cells.shape[1]), dtype=np.float32)
    for k in range(2 * reach + 1):
        smoothed += taps[phase, k][:, None] * cells[cell + k - reach]
    return smoothed


def sidelobes() -> NDArray[np.float32]:
    """Rings and spokes around a source of unit peak in the middle: (2 k + 1, 2 k + 1) pixels.

    The rings are those of a uniformly filled aperture, seen far out: a cosine that falls with the
    distance to the power 3/2 (Bessel function J1(r)/r). The spokes stand for gaps in hour angle.
    """
    half = LARGE_SIDE // 2 + round((REACH + LARGEST_LOBE) / PIXEL) + 1
    axis = np.arange(-half, half + 1) * PIXEL
    east, north = axis[None, :] / BEAM_MINOR, axis[:, None] / BEAM_MAJOR
    radius = np.hypot(east, north)  # beam widths
    rings = np.sin(2 * np.pi * radius / SIDELOBE_PERIOD)  # the first one is negative
    spokes = 1 + 0.3 * np.cos(7 * np.arctan2(north, east))
    # Deconvolution has restored what is within the beam itself.
    outside = 1 - np.exp(-((radius / 1.2) ** 6))
    fall = np.maximum(radius, 1.0) ** -1.5 * outside
    return np.asarray(SIDELOBE * rings * spokes * fall, dtype=np.float32)


def draw_cut_outs(
    rng: np.random.Generator, sky: RadioSky, images: int
) -> Iterator[NDArray[np.float32]]:
    """Cut-outs of 5 arcmin around the first objects, one (501, 501) array in Jy/beam after another.

    Their middle (201, 201) pixels are the cut-outs of 2 arcmin.
    """
    x, y = project(sky.ra, sky.dec)
    noise = NoiseField(rng, x, y)
    rings = sidelobes()
    for k in range(images):
        image = noise.cut_out(float(x[k]), float(y[k])).astype(np.float64)
        for row, column, covariance, flux in _components_around(sky, k):
            peak = _add_component(image, row, column, covariance, flux)
            if peak > FAINTEST_RINGING:
                _add_rings(image, rings, row, column, peak)
        yield (np.rint(image / STEP) * STEP).astype(np.float32)


def centre_of(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The middle (201, 201) pixels of a (501, 501) cut-out."""
    edge = (LARGE_SIDE - SMALL_SIDE) // 2
    return image[edge : edge + SMALL_SIDE, edge : edge + SMALL_SIDE]


def _components_around(sky: RadioSky, k: int) -> Iterator[tuple[float, float, Floats, float]]:
    """Row, column, covariance [arcsec^2, east and north], flux [Jy] of what object k's map shows.

    Each cut-out has its own tangent plane, so that north is up and every object is in its place.
    """
    x, y = project(sky.ra, sky.dec, float(sky.ra[k]), float(sky.dec[k]))
    shown = (np.abs(x) * 60 < REACH) & (np.abs(y) * 60 < REACH)
    for m in np.flatnonzero(shown[sky.parent]):
        east = x[sky.parent[m]] * 60 + sky.east[m]
        north = y[sky.parent[m]] * 60 + sky.north[m]
        sin, cos = np.sin(sky.angle[m]), np.cos(sky.angle[m])
        major, minor = (sky.major[m] / FWHM) ** 2, (sky.minor[m] / FWHM) ** 2
        covariance = np.array(
            [
                [(BEAM_MINOR / FWHM) ** 2 + major * sin**2 + minor * cos**2, 0.0],
                [0.0, (BEAM_MAJOR / FWHM) ** 2 + major * cos**2 + minor * sin**2],
            ]
        )
        covariance[0, 1] = covariance[1, 0] = (major - minor) * sin * cos
        middle = LARGE_SIDE // 2
        yield middle + north / PIXEL, middle - east / PIXEL, covariance, sky.component_flux[m]


def _add_component(
    image: Floats, row: float, column: float, covariance: Floats, flux: float
) -> float:
    """Add a Gaussian to the image, in place, and return its peak in Jy/beam."""
    determinant = covariance[0, 0] * covariance[1, 1] - covariance[0, 1] ** 2
    peak = flux * BEAM_MAJOR * BEAM_MINOR / FWHM**2 / np.sqrt(determinant)
    # Out to six sigma: there even the brightest source is below the noise.
    half_width = 6 * np.sqrt(covariance[0, 0]) / PIXEL
    half_height = 6 * np.sqrt(covariance[1, 1]) / PIXEL
    rows = np.arange(max(0, int(row - half_height)), min(LARGE_SIDE, int(row + half_height) + 1))
    columns = np.arange(
        max(0, int(column - half_width)), min(LARGE_SIDE, int(column + half_width) + 1)
    )
    if not len(rows) or not len(columns):
        return float(peak)
    north = ((rows - row) * PIXEL)[:, None]
    east = ((column - columns) * PIXEL)[None, :]
    form = covariance[1, 1] * east**2 + covariance[0, 0] * north**2
    form = (form - 2 * covariance[0, 1] * east * north) / determinant
    image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += peak * np.exp(-0.5 * form)
    return float(peak)


def _add_rings(
    image: Floats, rings: NDArray[np.float32], row: float, column: float, peak: float
) -> None:
    """Add what is left of a source's sidelobes to the image, in place."""
    top = len(rings) // 2 - round(row)
    left = len(rings) // 2 - round(column)
    image += peak * rings[top : top + LARGE_SIDE, left : left + LARGE_SIDE]

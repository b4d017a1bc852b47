"""Images of the middle of the field, in which sources are as bright as what shows them is wide.

They are for their noise: each source has the shape of the beam or of the PSF.
"""

from dataclasses import dataclass

import numpy as np

from reportgen.data.sample.components import BEAM, SecondSky, noise_at
from reportgen.data.sample.cut_outs import FWHM
from reportgen.data.sample.measurements import NOISE, PSF
from reportgen.data.sample.population import Objects
from reportgen.data.sample.sky import FIELD_DEC, FIELD_RA, Floats

SIDE = 300  # pixels


@dataclass(frozen=True)
class Frame:
    """A square image. pixel, width: arcsec, of a pixel and of a point source at half maximum."""

    pixel: float
    width: float

    @property
    def sigma(self) -> float:
        """Width of a point source as a standard deviation, in pixels."""
        return float(self.width / FWHM / self.pixel)

    @property
    def steps(self) -> Floats:
        """Arcmin of the rows to the north, and of the columns to the west, of the middle."""
        return (np.arange(SIDE) - (SIDE - 1) / 2) * self.pixel / 60

    def sources(self, x: Floats, y: Floats, peak: Floats) -> Floats:
        """Return point sources at places in arcmin as (SIDE, SIDE), row 0 south."""
        image = np.zeros((SIDE, SIDE))
        for k in np.flatnonzero(np.maximum(np.abs(x), np.abs(y)) < self.steps[-1]):
            west, north = (
                np.exp(-0.5 * ((self.steps - at) * 60 / self.pixel / self.sigma) ** 2)
                for at in (-x[k], y[k])
            )
            image += peak[k] * north[:, None] * west[None, :]
        return image

    def header(self, unit: str) -> dict[str, str | float]:
        """Return what the header says: unit and WCS."""
        middle, step = (SIDE + 1) / 2, self.pixel / 3600
        axes = (("RA---TAN", FIELD_RA, -step), ("DEC--TAN", FIELD_DEC, step))
        cards: dict[str, str | float] = {"BUNIT": unit, "RADESYS": "ICRS"}
        for number, (name, value, delta) in enumerate(axes, 1):
            cards |= {f"CTYPE{number}": name, f"CUNIT{number}": "deg", f"CRPIX{number}": middle}
            cards |= {f"CRVAL{number}": value, f"CDELT{number}": delta}
        return cards


RADIO = Frame(5.0, BEAM)  # 25 arcmin
INFRARED = Frame(1.2, PSF)  # 6 arcmin
RADIO_HEADER = {**RADIO.header("Jy/beam"), "BMAJ": BEAM / 3600, "BMIN": BEAM / 3600, "BPA": 0.0}
INFRARED_HEADER = INFRARED.header("uJy/pix")


def draw_radio(rng: np.random.Generator, sky: SecondSky) -> tuple[Floats, Floats]:
    """Return the radio image and its noise, in Jy/beam; the noise is as wide as the beam."""
    from scipy.ndimage import gaussian_filter

    steps = RADIO.steps
    noise = noise_at(-steps[None, :] + np.zeros((SIDE, 1)), steps[:, None] + np.zeros((1, SIDE)))
    smooth = gaussian_filter(rng.normal(size=(SIDE, SIDE)), RADIO.sigma / np.sqrt(2), mode="wrap")
    return noise * smooth / np.std(smooth) + RADIO.sources(sky.x, sky.y, sky.peak), noise


def draw_infrared(rng: np.random.Generator, objects: Objects) -> Floats:
    """Return the image at 3.6 micron of the shallow survey, in microjansky per pixel."""
    pixels = 4 * np.pi * INFRARED.sigma**2  # that the noise of a point source is of
    peak = objects.flux[:, 0] / (pixels / 2)
    noise: Floats = float(NOISE[0]) / np.sqrt(pixels) * rng.normal(size=(SIDE, SIDE))
    return noise + INFRARED.sources(objects.x, objects.y, peak)

"""Spectral energy distributions of stars and galaxies in the five Spitzer bands.

Simple shapes, enough that colours and redshifts go together as on the real sky: starlight with
its bump at 1.6 micron, the PAH bands and warm dust of star formation, and the hot dust of an
active nucleus. All are flux densities per unit frequency, on a common arbitrary scale.
"""

import numpy as np

from reportgen.data.sample.sky import Floats, Integers

BANDS = np.array([3.6, 4.5, 5.8, 8.0, 24.0])  # micron; IRAC 1 to 4 and MIPS 1

# Flux densities of Vega in those bands: a star's colours, near enough Rayleigh-Jeans.
# Reach et al. (2005, PASP 117, 978), table 1; Engelbracht et al. (2007, PASP 119, 994).
VEGA = np.array([280.9, 179.7, 115.0, 64.13, 7.17])  # Jy

FAMILIES = EARLY, STAR_FORMING, ACTIVE = 0, 1, 2

STELLAR_TEMPERATURE = 3500.0  # K; peaks at 1.5 micron per unit frequency, as old starlight does
SECOND_RADIATION_CONSTANT = 14388.0  # micron K

# Centre [micron], fractional width and height of the PAH bands, relative to the one at 7.7 micron;
# after Smith et al. (2007, ApJ 656, 770), table 3, blended and widened by the passbands.
PAH_BANDS = (
    (3.3, 0.08, 0.07),
    (6.2, 0.05, 0.4),
    (7.7, 0.12, 1.0),
    (8.6, 0.08, 0.35),
    (11.3, 0.06, 0.75),
    (12.7, 0.08, 0.45),
)
# Dust between the bands, relative to the 7.7 micron band, and its slope.
CONTINUUM_AT_8 = 0.12
CONTINUUM_SLOPE = 1.0
WARM_TEMPERATURE = 180.0  # K; a black body that matters at 24 micron and not at 8

# Dust light at 7.7 micron, warm dust at 24 micron and nuclear light at 3.6 micron, relative to
# starlight at 1.6 micron: median, and scatter in dex, of each family.
DUST = {EARLY: (0.05, 0.25), STAR_FORMING: (1.15, 0.25), ACTIVE: (0.5, 0.3)}
WARM = {EARLY: (0.05, 0.3), STAR_FORMING: (1.8, 0.4), ACTIVE: (3.0, 0.6)}
NUCLEUS = {EARLY: (0.002, 0.2), STAR_FORMING: (0.01, 0.4), ACTIVE: (0.7, 0.4)}
# Star formation per unit of starlight was higher in the past, as (1 + z) to a power of two or a
# little more (Speagle et al. 2014, ApJS 214, 15); part of that went into colder dust than this.
EVOLUTION = 1.3
# Rise of the hot dust of a nucleus with wavelength, per unit frequency: mean and scatter
# (Alonso-Herrero et al. 2006, ApJ 640, 167: slopes of 0.5 to 2.8).
NUCLEUS_SLOPE = (1.2, 0.25)


def black_body(wavelength: Floats, temperature: float, unit_at: float) -> Floats:
    """Black body per unit frequency at wavelengths in micron, 1 at the wavelength unit_at."""
    exponent = SECOND_RADIATION_CONSTANT / temperature
    light = wavelength**-3.0 / np.expm1(exponent / wavelength)
    return np.asarray(light / (unit_at**-3.0 / np.expm1(exponent / unit_at)))


def pah_light(wavelength: Floats) -> Floats:
    """PAH bands (Drude profiles) and the dust between them, about 1 at 7.7 micron."""
    light = CONTINUUM_AT_8 * (wavelength / 8.0) ** CONTINUUM_SLOPE
    for centre, width, height in PAH_BANDS:
        ratio = wavelength / centre
        light = light + height * width**2 / ((ratio - 1 / ratio) ** 2 + width**2)
    return light


def galaxy_colours(rng: np.random.Generator, family: Integers, redshift: Floats) -> Floats:
    """Flux densities of galaxies relative to the 3.6 micron band.

    family: (n,), EARLY, STAR_FORMING or ACTIVE. redshift: (n,). Returns (n, 5).
    """

    def strength(of: dict[int, tuple[float, float]]) -> Floats:
        median = np.array([of[kind][0] for kind in FAMILIES])[family]
        scatter = np.array([of[kind][1] for kind in FAMILIES])[family]
        return np.asarray(median * 10 ** (scatter * rng.normal(size=len(family))))[:, None]

    wavelength = BANDS[None, :] / (1 + redshift[:, None])
    evolution = (1 + np.minimum(redshift, 2.0))[:, None] ** EVOLUTION
    slope = rng.normal(*NUCLEUS_SLOPE, (len(family), 1))
    light = (
        black_body(wavelength, STELLAR_TEMPERATURE, 1.6)
        + strength(DUST) * evolution * pah_light(wavelength)
        + strength(WARM) * evolution * black_body(wavelength, WARM_TEMPERATURE, 24.0)
        + strength(NUCLEUS) * (wavelength / 3.6) ** slope
    )
    return np.asarray(light / light[:, :1])


def star_colours(rng: np.random.Generator, n: int) -> Floats:
    """Flux densities of n stars relative to the 3.6 micron band, (n, 5).

    The scatter stands for spectral types: molecular bands in the cool stars, dust in a few.
    """
    scatter = rng.normal(0, 1, (n, 1)) * np.array([0.0, 0.03, 0.04, 0.09, 0.12])
    return np.asarray(VEGA / VEGA[0] * 10**scatter)

"""Tables and images of the synthetic survey in FITS, as surveys publish them."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.data.fits import SYNTHETIC_CARD
from reportgen.data.sample.catalogue import COLUMNS, NOT_COVERED, NOT_DETECTED, UNITS
from reportgen.data.sample.radio import POINT, RadioSky
from reportgen.data.sample.sky import Floats

Columns = dict[str, tuple[NDArray[Any], str, str]]
"""Values, unit and description of each column, by its name."""
MISSING = -1  # of integers of 16 bits
LABELS = {
    "ra": "Right ascension",
    "dec": "Declination",
    "flux_ap2_36": "3.6 um flux density",
    "flux_ap2_45": "4.5 um flux density",
    "flux_ap2_58": "5.8 um flux density",
    "flux_ap2_80": "8.0 um flux density",
    "flux_ap2_24": "24 um flux density",
    "stell_36": "Stellarity index",
}


def single(values: Floats) -> NDArray[np.float32]:
    """Return values with seven digits, as catalogues hold all but positions and times."""
    return values.astype(np.float32)


def radio_columns(sky: RadioSky) -> Columns:
    """Return the radio objects; those of one component have no number of components."""
    components = np.bincount(sky.parent, minlength=len(sky.ra))
    names = np.array([f"J{ra:08.4f}{dec:+08.4f}" for ra, dec in np.c_[sky.ra, sky.dec]])
    number = np.where(sky.kind == POINT, MISSING, components).astype(np.int16)
    return {
        "name": (names, "", "Designation"),
        "ra": (sky.ra, "deg", LABELS["ra"]),
        "dec": (sky.dec, "deg", LABELS["dec"]),
        "s1_4": (single(1000 * sky.flux), "mJy", "1.4 GHz flux density"),
        "n_components": (number, "", "Components of an extended object"),
    }


def infrared_columns(catalogue: Floats) -> Columns:
    """Return the infrared catalogue, (rows, 12), as in crowdastro.h5 but with NaN for missing."""
    columns: Columns = {}
    for name, unit, values in zip(COLUMNS, UNITS, catalogue.T, strict=True):
        if name.startswith("flux"):
            is_missing = np.isin(values, [NOT_COVERED, NOT_DETECTED])
            columns[name] = single(np.where(is_missing, np.nan, values)), unit, LABELS[name]
        elif name in LABELS:
            columns[name] = values, unit, LABELS[name]
    return columns


def table(columns: Columns, synthetic: str) -> BytesIO:
    """Return a table. synthetic: what its header says of the data.

    Missing integers of 16 bits are -1, said in TNULL, other missing values NaN.
    """
    from astropy.io import fits

    letters = {"f4": "E", "f8": "D", "i2": "I", "i4": "J", "i8": "K"}
    hdu = fits.BinTableHDU.from_columns(
        [
            fits.Column(
                name=name,
                array=values,
                format=letters.get(values.dtype.str[1:], f"{values.dtype.itemsize // 4}A"),
                unit=unit or None,
                null=MISSING if values.dtype == np.int16 else None,
            )
            for name, (values, unit, _) in columns.items()
        ]
    )
    for number, (_, _, label) in enumerate(columns.values(), 1):
        hdu.header[f"TCOMM{number}"] = label
    hdu.header[SYNTHETIC_CARD] = synthetic
    return _written(hdu)


def image(pixels: Floats, header: Mapping[str, str | float], synthetic: str) -> BytesIO:
    """Return an image in single precision."""
    from astropy.io import fits

    hdu = fits.PrimaryHDU(pixels.astype(np.float32))
    hdu.header.update({**header, SYNTHETIC_CARD: synthetic})
    return _written(hdu)


def _written(hdu: Any) -> BytesIO:
    content = BytesIO()
    hdu.writeto(content)
    return content

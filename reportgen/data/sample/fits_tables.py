"""The radio objects and the infrared catalogue as FITS tables, as surveys publish them."""

from io import BytesIO
from typing import Any

import numpy as np

from reportgen.data.fits import SYNTHETIC_CARD
from reportgen.data.sample.catalogue import COLUMNS, NOT_COVERED, NOT_DETECTED, UNITS
from reportgen.data.sample.radio import POINT, RadioSky
from reportgen.data.sample.sky import Floats

NO_COMPONENTS = -1  # of an object of one component there is no number to give
LABELS = {
    "ra": "Right ascension",
    "dec": "Declination",
    "flux_ap2_36": "3.6 um flux density",
    "flux_ap2_45": "4.5 um flux density",
    "flux_ap2_58": "5.8 um flux density",
    "flux_ap2_80": "8.0 um flux density",
    "flux_ap2_24": "24 um flux density",
    "stell_36": "Stellarity index",
    "n_components": "Components of an extended object",
    "s1_4": "1.4 GHz flux density",
    "name": "Designation",
}


def fits_files(sky: RadioSky, catalogue: Floats, synthetic: str) -> dict[str, BytesIO]:
    """Return both tables, by the names of their files.

    catalogue: (rows, 12), as in crowdastro.h5. synthetic: what the headers say of the data. Missing
    integers are the TNULL of their column, other missing values NaN.
    """
    components = np.bincount(sky.parent, minlength=len(sky.ra)).astype(np.int16)
    radio = {
        "name": np.array([f"J{ra:08.4f}{dec:+08.4f}" for ra, dec in np.c_[sky.ra, sky.dec]]),
        "ra": sky.ra,
        "dec": sky.dec,
        "s1_4": (1000 * sky.flux).astype(np.float32),
        "n_components": np.where(sky.kind == POINT, NO_COMPONENTS, components).astype(np.int16),
    }
    units = {"ra": "deg", "dec": "deg", "s1_4": "mJy"}
    swire = {}
    for name, values in zip(COLUMNS, catalogue.T, strict=True):
        if name.startswith("flux"):
            is_missing = np.isin(values, [NOT_COVERED, NOT_DETECTED])
            swire[name] = np.where(is_missing, np.nan, values).astype(np.float32)
        elif name in LABELS:
            swire[name] = values
    return {
        "radio.fits": _table(radio, units, synthetic),
        "swire.fits": _table(swire, dict(zip(COLUMNS, UNITS, strict=True)), synthetic),
    }


def _table(columns: dict[str, Any], units: dict[str, str], synthetic: str) -> BytesIO:
    from astropy.io import fits

    table = fits.BinTableHDU.from_columns(
        [
            fits.Column(
                name=name,
                array=values,
                format={"f": "D" if values.itemsize == 8 else "E", "i": "I"}.get(
                    values.dtype.kind, f"{values.dtype.itemsize // 4}A"
                ),
                unit=units.get(name) or None,
                null=NO_COMPONENTS if values.dtype.kind == "i" else None,
            )
            for name, values in columns.items()
        ]
    )
    for number, name in enumerate(columns, 1):
        table.header[f"TCOMM{number}"] = LABELS[name]
    table.header[SYNTHETIC_CARD] = synthetic
    content = BytesIO()
    table.writeto(content)
    return content

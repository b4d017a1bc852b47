"""Units as files write them, in the way that astropy reads."""

import re
import warnings

# What is written often, and is not in any standard that astropy reads; in small letters.
_SPELLINGS = {
    "abmag": "mag(AB)",
    "abmags": "mag(AB)",
    "ab mag": "mag(AB)",
    "mag_ab": "mag(AB)",
    "magnitude": "mag",
    "magnitudes": "mag",
    "mags": "mag",
    "degrees": "deg",
    "degree": "deg",
    "radians": "rad",
    "radian": "rad",
    "arcseconds": "arcsec",
    "arcsecs": "arcsec",
    "asec": "arcsec",
    "hours": "h",
    "hrs": "h",
    "days": "d",
    "sec": "s",
    "secs": "s",
    "seconds": "s",
    "years": "yr",
    "counts": "ct",
    "cts": "ct",
    "counts/s": "ct / s",
    "counts/sec": "ct / s",
    "e-": "electron",
    "e-/s": "electron / s",
    "electrons": "electron",
    "electrons/s": "electron / s",
    "microjy": "uJy",
    "microjansky": "uJy",
    "millijy": "mJy",
    "jansky": "Jy",
    "jy": "Jy",
    "jy/beam": "Jy / beam",
    "jy/pixel": "Jy / pix",
    "nmgy": "nmgy",
    "adu": "adu",
    "angstroms": "Angstrom",
    "microns": "micron",
    "pixels": "pix",
    "percent": "%",
    "none": "",
    "null": "",
    "unitless": "",
    "dimensionless": "",
    "--": "",
    "-": "",
}
_STANDARDS = (None, "fits", "vounit", "cds", "ogip")


def known_unit(text: str) -> tuple[str, bool]:
    """Return a unit of a file as astropy writes it, and whether it knows it.

    One that it does not know stays as it is.
    """
    from astropy import units

    text = " ".join(text.split())
    if found := re.fullmatch(r"[A-Za-z ]+\[(.+)\]", text):  # as Gaia wrote once: Angle[deg]
        text = found[1]
    text = _SPELLINGS.get(text.lower(), text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what one standard thinks of another
        for standard in _STANDARDS:
            try:
                return str(units.Unit(text, format=standard).to_string()), True
            except (ValueError, TypeError):
                continue
    return text, False

"""Units as files write them, in the way that astropy reads."""

import re
import warnings

# What is written often, in small letters, and is not in any standard that astropy reads.
_WRITTEN = {
    "mag(AB)": ["abmag", "abmags", "ab mag", "mag_ab"],
    "mag": ["magnitude", "magnitudes", "mags"],
    "deg": ["degrees", "degree"],
    "rad": ["radians", "radian"],
    "arcsec": ["arcseconds", "arcsecs", "asec"],
    "h": ["hours", "hrs"],
    "d": ["days"],
    "s": ["sec", "secs", "seconds"],
    "yr": ["years"],
    "ct": ["counts", "cts"],
    "ct / s": ["counts/s", "counts/sec"],
    "electron": ["e-", "electrons"],
    "electron / s": ["e-/s", "electrons/s"],
    "uJy": ["microjy", "microjansky"],
    "mJy": ["millijy"],
    "Jy": ["jansky", "jy"],
    "Jy / beam": ["jy/beam"],
    "Jy / pix": ["jy/pixel"],
    "nmgy": ["nmgy"],
    "adu": ["adu"],
    "Angstrom": ["angstroms"],
    "micron": ["microns"],
    "pix": ["pixels"],
    "%": ["percent"],
    "": ["none", "null", "unitless", "dimensionless", "--", "-"],
}
_SPELLINGS = {text: unit for unit, texts in _WRITTEN.items() for text in texts}
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

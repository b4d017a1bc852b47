"""Arithmetic of units, by astropy where they are not so simple that its import can be spared."""

import math
import re
from functools import lru_cache

from reportgen.config.columns import read_unit

# How large each is among those that measure the same. Importing astropy takes as long as half the
# build of an unchanged page.
_SIZES: tuple[dict[str, float], ...] = (
    {"deg": 3600.0, "arcmin": 60.0, "arcsec": 1.0, "rad": 648000.0 / math.pi},
    {"Jy": 1e6, "mJy": 1e3, "uJy": 1.0},
    {"Jy / beam": 1e3, "mJy / beam": 1.0},
    {"mag": 1e3, "mag(AB)": 1e3, "mmag": 1.0},
    {"deg2": 3600.0, "arcmin2": 1.0},
    {"GHz": 1e3, "MHz": 1.0},
)


@lru_cache(maxsize=256)
def factor(unit: str, wanted: str) -> float:
    """Return by what a number is multiplied when its unit becomes another.

    Raises ValueError or TypeError when they do not measure the same, or one is not known.
    """
    if unit == wanted:
        return 1.0
    for sizes in _SIZES:
        if unit in sizes and wanted in sizes:
            return sizes[unit] / sizes[wanted]
    return float(read_unit(unit).to(read_unit(wanted)))


def without_beam(unit: str) -> str:
    """Return the unit of a flux density for one of a peak, such as ``Jy / beam``: per beam."""
    return re.sub(r"\s*/\s*beam$|\s+beam-1$", "", unit)


@lru_cache(maxsize=256)
def product(first: str, second: str) -> tuple[str, float]:
    """Return the unit of a product, and by what the numbers are multiplied to be in it."""
    if not first or not second:
        return first or second, 1.0
    return _simple(read_unit(first) * read_unit(second))


@lru_cache(maxsize=256)
def quotient(first: str, second: str) -> tuple[str, float]:
    """Return the unit of a quotient, and by what the numbers are multiplied to be in it."""
    if not second:
        return first, 1.0
    if first == second or any(first in sizes and second in sizes for sizes in _SIZES):
        return "", factor(first, second)
    return _simple(read_unit(first) / read_unit(second))


@lru_cache(maxsize=256)
def power(unit: str, exponent: float) -> tuple[str, float]:
    """Return the unit of a power, and by what the numbers are multiplied to be in it."""
    return (unit, 1.0) if not unit or exponent == 1 else _simple(read_unit(unit) ** exponent)


def _simple(unit: "object") -> tuple[str, float]:
    """Return a unit as text, empty and its size where it is a pure number such as mJy / uJy."""
    from astropy import units

    made = units.Unit(unit)
    try:
        return "", float(made.to(units.dimensionless_unscaled))
    except units.UnitConversionError:
        return str(made.to_string()), 1.0

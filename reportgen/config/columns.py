"""What an analysis knows of a column, of a stack of images and of a network before it is read."""

import re
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from reportgen.config.image_header import Beam, ImageSky

RANDOM = "random"  # the set of weights that is drawn, not read


@dataclass(frozen=True)
class Column:
    """A named column of a catalogue, as an analysis sees it.

    unit: as astropy reads it; empty for a dimensionless quantity.
    order: place among the columns of the same unit, by their titles; gives the column its colour,
    the same in every section of a report. role: ``ra`` or ``dec`` for the catalogue's positions.
    is_known: False while the file that would say what the column is cannot be read. kind: what it
    holds; times are numbers too, modified Julian dates. expression: what it is computed by, from
    the columns of files that computed_from names; empty for one that is in a file. icrs: name of
    the column that has the same right ascension or declination in degrees, of one that does not.
    """

    name: str
    label: str = ""
    unit: str = ""
    order: int = 0
    role: str = ""
    is_known: bool = True
    kind: Literal["number", "integer", "text", "time"] = "number"
    expression: str = ""
    computed_from: tuple[str, ...] = ()
    icrs: str = ""

    @property
    def title(self) -> str:
        """What the column is called in text; a number in it stays beside its unit."""
        return re.sub(r"(?<=\d) (?=\S{1,4}\b)", "\u00a0", self.label or self.name)

    @property
    def symbol(self) -> str:
        """The unit as text for people; empty for a dimensionless quantity."""
        return unit_symbol(self.unit)

    @property
    def axis(self) -> str:
        """Title and unit for an axis or the head of a table, such as ``Flux density [µJy]``."""
        return f"{self.title} [{self.symbol}]" if self.symbol else self.title

    def quantity(self, number: str) -> str:
        """Return a formatted number with the unit, for a sentence."""
        return with_unit(number, self.unit)


@dataclass(frozen=True)
class Images:
    """A stack of images, or one of them.

    unit: of a pixel. pixel_scale: arcseconds per pixel where the configuration says it, or None.
    header: what a FITS file says of it, in cards; of the first image, of a stack.
    """

    name: str
    title: str = ""
    unit: str = ""
    pixel_scale: float | None = None
    header: str = field(default="", repr=False)

    def sky(self, height: int, width: int) -> "ImageSky | None":
        """Return where images of this size are on the sky; None where nothing says it.

        Raises ValueError where the header makes no sense.
        """
        from reportgen.config.image_header import read_sky

        return None if self.pixel_scale is not None else read_sky(self.header, height, width)

    @property
    def beam(self) -> "Beam | None":
        """The beam, where the header has one."""
        from reportgen.config.image_header import read_beam

        return read_beam(self.header)


@dataclass(frozen=True)
class Model:
    """A trained network. labels: what to call its sets of weights, random ones included."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)


# Those that most catalogues have. Reading others needs astropy, whose import takes as long as
# half the build of an unchanged page.
SYMBOLS = {
    "": "",
    "%": "%",
    "deg": "°",
    "deg2": "deg²",
    "arcmin": "′",
    "arcmin-2": "arcmin⁻²",
    "arcsec": "″",
    "mag": "mag",
    "Jy": "Jy",
    "mJy": "mJy",
    "uJy": "µJy",
    "Jy / beam": "Jy beam⁻¹",
    "mJy / beam": "mJy beam⁻¹",
}


@lru_cache(maxsize=256)
def unit_symbol(unit: str) -> str:
    """Return a unit as text for people: ``uJy`` becomes ``µJy``; empty for dimensionless.

    One of a file that astropy does not know stays as it is.
    """
    symbol = unit
    if unit not in SYMBOLS:
        with suppress(ValueError, TypeError):
            symbol = str(read_unit(unit).to_string("unicode"))
            symbol = symbol.replace("³\u2e0d²", "¹·⁵")  # few fonts have that sign of a fraction
    return SYMBOLS.get(symbol, symbol)


def with_unit(text: str, unit: str) -> str:
    """Return a formatted number with its unit."""
    symbol = unit_symbol(unit)
    gap = "" if symbol in {"", "°", "′", "″"} else "\u00a0"
    return f"{text}{gap}{symbol}"


PREFIXES = {"": 1.0, "m": 1e3, "u": 1e6, "n": 1e9}


def prefixed_unit(unit: str, largest: float) -> tuple[float, str]:
    """Return a unit in which a largest size reads well, and how many of it the old one is.

    ``Jy / beam`` and 0.003 give 1000 and ``mJy / beam``. A unit that takes no prefix stays.
    """
    fitting = [prefix for prefix, factor in PREFIXES.items() if largest * factor >= 1]
    for prefix in fitting[:1]:
        changed = f"{prefix}{unit}"
        with suppress(ValueError, TypeError):
            ratio = read_unit(unit).to(read_unit(changed)) if unit else 0.0
            if abs(ratio - PREFIXES[prefix]) <= 1e-9 * PREFIXES[prefix]:
                return PREFIXES[prefix], changed
    return 1.0, unit


def unit_problem(unit: str) -> str | None:
    """Return why a unit is not one that astropy knows; None when it is fine."""
    if unit in SYMBOLS:
        return None
    try:
        read_unit(unit)
    except (ValueError, TypeError) as error:
        why = str(error).split(" If this is meant to be")[0]
        why = why.removeprefix(f"{unit!r} did not parse as unit: ").strip()
        return f"{unit!r} is not a unit that astropy knows: {why}"
    return None


def read_unit(unit: str) -> Any:
    """Return a unit of astropy; ValueError or TypeError when it knows no such unit."""
    from astropy import units

    with warnings.catch_warnings():
        # Of FITS's dislike of "Jy/beam/s"; the report writes the unit its own way.
        warnings.simplefilter("ignore")
        return units.Unit(unit)

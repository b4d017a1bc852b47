"""What the header of a FITS image says of the sky: where a pixel is, how large, and the beam."""

import math
import re
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.wording import number

if TYPE_CHECKING:
    from astropy.io import fits
    from astropy.wcs import WCS

_NAMES = {
    "RA": ("Right ascension", "Declination"),
    "GLON": ("Galactic longitude", "Galactic latitude"),
    "ELON": ("Ecliptic longitude", "Ecliptic latitude"),
}
_OF_WCSLIB = re.compile(r"ERROR \d+ in \w+\(\)")  # says where in its code
_NUMBERS = re.compile(r"(CRVAL|CRPIX|CDELT|CROTA)[12]|(CD|PC)[12]_[12]")
_SCALES = re.compile(r"CDELT[12]|CD[12]_[12]")
_ARCSEC = 3600.0  # in a degree
_LARGE = 120  # arcseconds, from which a beam is told in arcminutes


@dataclass(frozen=True)
class Beam:
    """The beam of a radio image: full widths at half maximum, in arcseconds.

    angle: of the major axis from north through east, in degrees.
    """

    major: float
    minor: float
    angle: float

    @property
    def title(self) -> str:
        """The beam as text: ``10.9″ × 9.35″, position angle 56°``."""
        unit, factor = ("″", 1) if self.major < _LARGE else ("′", 60)
        sizes = [number(float(f"{size / factor:.3g}")) for size in (self.major, self.minor)]
        return f"{sizes[0]}{unit} × {sizes[1]}{unit}, position angle {number(self.angle, 0)}°"


@dataclass(frozen=True)
class ImageSky:
    """Where an image is on the sky.

    wcs: of columns and rows, from 0. names: of its coordinates, longitude first. scale: arcseconds
    per pixel in the middle of the image, the geometric mean of both sides. north, east: columns and
    rows, there, of an arcsecond in these directions.
    """

    wcs: "WCS"
    names: tuple[str, str]
    scale: float
    north: tuple[float, float]
    east: tuple[float, float]

    @property
    def is_equatorial(self) -> bool:
        """Whether the longitude is a right ascension."""
        return self.names[0].startswith("Right ascension")

    @property
    def pixel_area(self) -> float:
        """Area of a pixel at the reference position, in square degrees."""
        from astropy.wcs.utils import proj_plane_pixel_area

        return float(proj_plane_pixel_area(self.wcs))

    def binned(self, side: int) -> "ImageSky":
        """Return where squares of pixels are, of a side that makes one of each."""
        if side == 1:
            return self
        wcs = self.wcs.slice((slice(None, None, side),) * 2)
        north, east = ((x / side, y / side) for x, y in (self.north, self.east))
        return replace(self, wcs=wcs, scale=self.scale * side, north=north, east=east)

    def positions(self, columns: Any, rows: Any) -> tuple[Any, Any]:
        """Return longitudes (0–360°) and latitudes of pixels; NaN outside the sky."""
        return _positions(self.wcs, columns, rows)

    def pixels(self, ra: Any, dec: Any) -> tuple[Any, Any]:
        """Return columns and rows of positions in degrees (ICRS); NaN where they are not seen."""
        from astropy.coordinates import SkyCoord

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of positions on the other side of the sky
            found = self.wcs.world_to_pixel(SkyCoord(ra, dec, unit="deg"))
        return np.asarray(found[0], dtype=float), np.asarray(found[1], dtype=float)

    def title(self, column: float, row: float) -> str:
        """Return the position of a pixel as text, such as ``06h32m05.1s −30°52′11″``."""
        from astropy.coordinates import Angle

        longitude, latitude = (Angle(float(each), "deg") for each in self.positions(column, row))
        digits = max(0, 1 - math.floor(math.log10(self.scale)))
        if not self.is_equatorial:
            said = (f"{each.degree:.{digits + 3}f}°" for each in (longitude, latitude))
            return ", ".join(said).replace("-", "−")
        ra = longitude.to_string(unit="hour", sep="hms", precision=digits, pad=True)
        dec = latitude.to_string(sep="dms", precision=max(0, digits - 1), pad=True, alwayssign=True)
        return f"{ra} {dec.translate(str.maketrans('-dms', '−°′″'))}"


@lru_cache(maxsize=8)
def read_sky(header: str, height: int, width: int) -> ImageSky | None:
    """Return where an image is by its header, in cards; None where that does not say it.

    Raises ValueError where it says what makes no sense.
    """
    from astropy.wcs import WCS

    if "CTYPE" not in header:
        return None
    _check_numbers(header)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what astropy mends
        try:
            wcs = WCS(_header(header), fix=True)
            if wcs.naxis < 2:
                return None
            wcs = wcs.sub([1, 2])
            if not wcs.has_celestial:
                return None
            middle = (width - 1) / 2 + np.array([0, 1, 0]), (height - 1) / 2 + np.array([0, 0, 1])
            longitude, latitude = np.radians(_positions(wcs, *middle))
        except Exception as error:  # of wcslib and astropy, of many kinds
            lines = [line.strip(" .:") for line in str(error).splitlines()]
            said = [line for line in lines if line and not _OF_WCSLIB.match(line)]
            raise ValueError(said[0] if said else type(error).__name__) from None
    cos = np.cos(latitude)
    vectors = np.array([cos * np.cos(longitude), cos * np.sin(longitude), np.sin(latitude)])
    along = np.degrees(vectors[:, 1:] - vectors[:, :1]) * _ARCSEC  # for a column, for a row
    lon, lat = longitude[0], latitude[0]
    east = np.array([-np.sin(lon), np.cos(lon), 0.0])
    north = np.array([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    (a, b), (c, d) = (east @ along).tolist(), (north @ along).tolist()
    area = a * d - b * c  # of a pixel; negative as the sky is seen from within
    if not math.isfinite(area) or area == 0:
        raise ValueError("the middle of the image is nowhere on the sky")
    kind = wcs.wcs.lngtyp.strip()
    names = _NAMES.get(kind, (kind, wcs.wcs.lattyp.strip()))
    if wcs.wcs.radesys.strip().startswith("FK4"):
        names = (f"{names[0]} (B1950)", f"{names[1]} (B1950)")
    scale = math.sqrt(abs(area))
    return ImageSky(wcs, names, scale, north=(-b / area, a / area), east=(d / area, -c / area))


def _check_numbers(text: str) -> None:
    """Raise ValueError where a value is missing or no number, for which wcslib takes 0 or 1."""
    header = _header(text)
    for key in header:
        if _NUMBERS.fullmatch(key) and not isinstance(header[key], int | float):
            raise ValueError(f"{key} is {header[key]!r}")
    if not any(_SCALES.fullmatch(key) and header[key] for key in header):
        raise ValueError("it has no CDELT and no CD")


def _positions(wcs: "WCS", columns: Any, rows: Any) -> tuple[Any, Any]:
    found = wcs.all_pix2world(columns, rows, 0)
    return np.asarray(found[wcs.wcs.lng]) % 360, np.asarray(found[wcs.wcs.lat])


def read_beam(header: str) -> Beam | None:
    """Return the beam that a header names (BMAJ, BMIN and BPA, in degrees); None without one."""
    if "BMAJ" not in header:
        return None
    sizes = [_number(header, key) for key in ("BMAJ", "BMIN", "BPA")]
    major, minor, angle = sizes
    if major is None or major <= 0 or (minor is not None and minor <= 0):
        return None
    return Beam(major * _ARCSEC, (minor or major) * _ARCSEC, angle or 0.0)


def _number(header: str, key: str) -> float | None:
    try:
        value = _header(header).get(key)
    except (ValueError, KeyError, TypeError):
        return None
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if is_number else None


def _header(text: str) -> "fits.Header":
    from astropy.io import fits

    return fits.Header.fromstring(text)

"""Which columns of a catalogue are its positions on the sky, and what makes them ICRS degrees."""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from reportgen.config.columns import Column, unit_symbol
from reportgen.config.problems import KeyPath
from reportgen.config.sources import CatalogueBlock, Frame
from reportgen.config.suggest import unknown
from reportgen.config.unit_arithmetic import factor
from reportgen.data.format import FileColumn, FileTable

Role = Literal["ra", "dec"]
Described = Mapping[str, tuple[FileTable, FileColumn]]
"""What files say of the columns that can be read."""


# Of each system of coordinates: the UCDs of the main position and of any, UCD1+ and UCD1, and names
# in small letters, the commonest first; the last of those of ra and dec as long as one column alone
# is called so. Systems are looked for in this order.
_SYSTEMS: dict[str, dict[Role, tuple[tuple[str, ...], str]]] = {
    "icrs": {
        "ra": (
            ("pos.eq.ra;meta.main", "pos_eq_ra_main", "pos.eq.ra", "pos_eq_ra"),
            "ra|ra_deg|radeg|_?raj2000|ra_icrs|ra_j2000|alpha_j2000|ra_?deg_.*",
        ),
        "dec": (
            ("pos.eq.dec;meta.main", "pos_eq_dec_main", "pos.eq.dec", "pos_eq_dec"),
            "dec|dec_deg|dedeg|_?dej2000|de_icrs|dec_j2000|delta_j2000|dec?_?deg_.*",
        ),
    },
    "galactic": {
        "ra": (
            ("pos.galactic.lon;meta.main", "pos.galactic.lon", "pos_gal_lon"),
            "_?glon|gal_?lon|gal_?l|l",
        ),
        "dec": (
            ("pos.galactic.lat;meta.main", "pos.galactic.lat", "pos_gal_lat"),
            "_?glat|gal_?lat|gal_?b|b",
        ),
    },
    "ecliptic": {
        "ra": (("pos.ecliptic.lon", "pos_ec_lon"), "_?elon|ecl_?lon"),
        "dec": (("pos.ecliptic.lat", "pos_ec_lat"), "_?elat|ecl_?lat"),
    },
    "supergalactic": {
        "ra": (("pos.supergalactic.lon", "pos_sg_lon"), "sglon|sgl"),
        "dec": (("pos.supergalactic.lat", "pos_sg_lat"), "sglat|sgb"),
    },
}
_ASTROPY = {"ecliptic": "barycentricmeanecliptic"}  # where its names are others
_NAMES: dict[Role, tuple[str, str]] = {
    "ra": ("Right ascension (ICRS)", "right ascension"),
    "dec": ("Declination (ICRS)", "declination"),
}
_SEXAGESIMAL = re.compile(
    r"\s*([+\u2212-]?)(\d{1,3})\s*[:hd° ]\s*([0-5]?\d)"
    r"\s*[:m'′ ]\s*([0-5]?\d(?:\.\d*)?)\s*[s\"″]?\s*"
)


@dataclass(frozen=True)
class IcrsAngle:
    """A column of right ascensions or declinations, made of positions as a file has them.

    units: of the longitude and the latitude; empty for sexagesimal text.
    """

    role: Role
    names: tuple[str, str]
    units: tuple[str, str]
    frame: Frame

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns that it is made of."""
        own = self.names[self.role == "dec"]
        return frozenset([own] if self.frame == "icrs" else self.names)

    def __str__(self) -> str:
        of = ", ".join(name for name in self.names if name in self.columns)
        return f"{_NAMES[self.role][1]} of {of} ({self.frame})"

    def values(self, rows: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Return degrees, NaN where a position is missing or none. rows: values of each column."""
        angles: dict[Role, NDArray[np.float64]] = {}
        for role, name, unit in zip(get_args(Role), self.names, self.units, strict=True):
            if name in self.columns:
                values = rows[name]
                if values.dtype.kind == "T":
                    angles[role] = _parsed(values) * (15.0 if role == "ra" else 1.0)
                else:
                    angles[role] = (values if values.ndim == 1 else values[0]) * factor(unit, "deg")
        if self.frame == "icrs":
            return angles[self.role]
        from astropy.coordinates import SkyCoord

        latitudes = np.where(np.abs(angles["dec"]) <= 90, angles["dec"], np.nan)
        frame = _ASTROPY.get(self.frame, self.frame)
        position = SkyCoord(angles["ra"], latitudes, unit="deg", frame=frame).icrs
        return np.asarray(getattr(position, self.role).deg)


def _parsed(texts: NDArray[Any]) -> NDArray[np.float64]:
    """Return sexagesimal texts as numbers in the unit of their first part."""
    found = np.full(len(texts), np.nan)
    for place, text in enumerate(texts.tolist()):
        if isinstance(text, str) and (parts := _SEXAGESIMAL.fullmatch(text)):
            sign, whole, minutes, seconds = parts.groups()
            angle = int(whole) + (int(minutes) + float(seconds) / 60) / 60
            found[place] = -angle if sign in ("-", "\u2212") else angle
    return found


@dataclass(frozen=True)
class Positions:
    """The positions of a catalogue.

    columns: all of it, of which at most one has the role ra and one dec; those that are made of
    others are new. expressions: what makes these. mistakes: what is wrong, by key of the catalogue.
    assumed: those that are taken for degrees, as nothing gives their unit.
    """

    columns: Mapping[str, Column]
    expressions: Mapping[str, IcrsAngle] = field(default_factory=dict)
    mistakes: Mapping[KeyPath, str] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()


def with_positions(
    columns: Mapping[str, Column],
    described: Described,
    block: CatalogueBlock,
    taken: Iterable[str] = (),
) -> Positions:
    """Return the columns of a catalogue with its positions, as ICRS degrees.

    Those that the configuration names are taken. Else the format knows, or the UCD says it, or a
    name that many catalogues have. Numbers whose unit nothing gives are degrees, as everywhere,
    unless their name alone says that they are of another frame. taken: names that no new column
    may have.
    """
    frame, found = _find(columns, described, block)
    mistakes = _mistakes(frame, found, columns, described, block)
    there = {role: columns[name] for role, name in found.items() if name in columns}
    is_said = frame == "icrs" or not block.model_fields_set.isdisjoint(("frame", "ra", "dec"))
    assumed = {
        role: replace(column, unit="deg")
        for role, column in there.items()
        if len(there) == 2 and is_said and column.is_known
        if not column.unit and column.kind != "text"
    }
    there |= assumed
    if mistakes or (frame != "icrs" and not all(_is_angle(c.unit) for c in there.values())):
        return Positions(columns, {}, mistakes)
    everything, made = dict(columns), dict[str, IcrsAngle]()
    used = {name.casefold() for name in (*columns, *taken)}
    for role, column in there.items():
        if frame == "icrs" and column.kind != "text" and not _is_angle(column.unit, but="deg"):
            everything[column.name] = replace(column, role=role)
            continue
        numbered = (f"{role}_icrs_{number}" for number in itertools.count(2))
        candidates = itertools.chain([role, f"{role}_icrs"], numbered)
        name = next(each for each in candidates if each not in used)
        lon, lat = (there.get(each, column) for each in get_args(Role))
        units = _unit_of_angle(lon), _unit_of_angle(lat)
        angle = made[name] = IcrsAngle(role, (lon.name, lat.name), units, frame)
        everything[column.name] = replace(column, unit=_unit_of_angle(column), icrs=name)
        everything[name] = Column(
            name,
            _NAMES[role][0],
            "deg",
            role=role,
            expression=str(angle),
            computed_from=tuple(sorted(angle.columns)),
        )
    return Positions(everything, made, assumed=tuple(each.name for each in assumed.values()))


def _unit_of_angle(column: Column) -> str:
    """Return the unit of an angle: hours are hours of right ascension."""
    return "hourangle" if column.unit == "h" else column.unit


def _is_angle(unit: str, but: str = "") -> bool:
    """Return whether a unit is one of angles, but not a certain one."""
    if unit in ("", but):
        return False
    try:
        factor("hourangle" if unit == "h" else unit, "deg")
    except (ValueError, TypeError):
        return False
    return True


def _system(frame: Frame) -> str:
    return frame if frame in _SYSTEMS else "icrs"


def _find(
    columns: Mapping[str, Column], described: Described, block: CatalogueBlock
) -> tuple[Frame, dict[Role, str]]:
    """Return the frame of the positions and the names of their columns, as far as they are known.

    Where the configuration names one of them, it says in which system the other is looked for.
    """
    named: dict[Role, str] = {r: name for r in get_args(Role) if (name := getattr(block, r))}
    systems = list(_SYSTEMS)
    if block.frame is not None:
        systems = [_system(block.frame)]
    elif named:
        said = [_said_system(name, role, described) for role, name in named.items()]
        systems = [next(filter(None, said), "icrs")]
    tried = []
    for system in systems:
        found = dict(named)
        for role in get_args(Role):
            name = named.get(role) or _position(role, system, columns, described)
            if name is not None:
                found[role] = name
        tried.append((block.frame or cast("Frame", system), found))
    return next((each for each in tried if len(each[1]) == 2), tried[0])


def _said_system(name: str, role: Role, described: Described) -> str:
    """Return the system in which a column is a longitude or latitude, by its UCD or its name."""
    ucd = described[name][1].ucd.lower() if name in described else ""
    for system, roles in _SYSTEMS.items():
        ucds, names = roles[role]
        if ucd in ucds or (not ucd and re.fullmatch(names, name.lower())):
            return system
    return ""


def _position(
    role: Role, system: str, columns: Mapping[str, Column], described: Described
) -> str | None:
    """Return the name of the column with a role; None when there is none, or several might be.

    Columns of text are taken where no number could be.
    """
    ucds, names = _SYSTEMS[system][role]
    for is_text in (False, True):
        there = {name for name, column in columns.items() if (column.kind == "text") == is_text}
        if is_text:  # sexagesimal ones, for all that is known
            there = {name for name in there if system == "icrs"}
        known = {name: each for name, each in described.items() if name in there}
        for name, (table, column) in known.items():
            marked = table.ra if role == "ra" else table.dec
            if system == "icrs" and column.name and column.name == marked:
                return name
        for ucd in ucds:
            found = [name for name, (_, column) in known.items() if column.ucd.lower() == ucd]
            if found:
                return found[0] if len(found) == 1 else None
        for each in names.split("|"):
            found = [name for name in columns if name in there and re.fullmatch(each, name.lower())]
            if len(found) == 1:
                return found[0]
    return None


def _mistakes(
    frame: Frame,
    found: Mapping[Role, str],
    columns: Mapping[str, Column],
    described: Described,
    block: CatalogueBlock,
) -> dict[KeyPath, str]:
    """Return what is wrong with the keys ra, dec and frame of a catalogue."""
    said: dict[KeyPath, list[str]] = {}
    for role in get_args(Role):
        name, system = found.get(role, ""), _system(frame)
        where: KeyPath = ("frame",) if getattr(block, role) is None else (role,)
        noun = f"{'longitude' if role == 'ra' else 'latitude'} in the frame {frame}"
        column = columns.get(name)
        wrong = ""
        if column is None:
            which = unknown("column", name, columns) if name else f"which column is the {noun}?"
            wrong = f"{which}; name it as {role}"
        elif column.is_known:
            ucd = described[name][1].ucd.lower() if name in described else ""
            other = next((s for s, roles in _SYSTEMS.items() if ucd in roles[role][0]), system)
            if other != system and block.frame is not None:
                wrong = f"{name} is no {noun}: its UCD is {ucd}"
            elif column.kind == "text" and system != "icrs":
                wrong = f"{name} holds text, which is read as ICRS, FK5 or FK4 alone"
            elif column.kind != "text" and not _fits(column.unit, role, frame):
                cure = "say what it is in columns:, such as {unit: deg}"
                wrong = f"{name} is in {unit_symbol(column.unit)}, as no {noun} is; {cure}"
        if wrong and (name or block.frame is not None) and where[0] in block.model_fields_set:
            said.setdefault(where, []).append(wrong)
    return {where: "; ".join(dict.fromkeys(wrong)) for where, wrong in said.items()}


def _fits(unit: str, role: Role, frame: Frame) -> bool:
    """Return whether a unit is one of such an angle; without one it is in degrees."""
    if unit in ("h", "hourangle"):
        return role == "ra" and _system(frame) == "icrs"
    return not unit or _is_angle(unit)

"""Which columns are positions, and what makes ICRS degrees of those that are none."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from projects import Project, section

from reportgen.config.columns import Column
from reportgen.config.sources import CatalogueBlock
from reportgen.data.catalogue import open_catalogues
from reportgen.data.format import FileColumn, FileTable
from reportgen.data.positions import with_positions

SKY = SkyCoord(np.linspace(0, 359.9, 50), np.linspace(-89, 89, 50)[::-1], unit="deg")
FRAMES = {
    "fk5": (SKY.fk5, "ra", "dec"),
    "fk4": (SKY.fk4, "ra", "dec"),
    "galactic": (SKY.galactic, "l", "b"),
    "ecliptic": (SKY.barycentricmeanecliptic, "lon", "lat"),
    "supergalactic": (SKY.supergalactic, "sgl", "sgb"),
}


def roles(ucds, ra="", named=(None, None)):
    """Return which columns of a table are taken for its positions. ucds: by name."""
    columns = {name: FileColumn(name, "<f8", ucd=ucd) for name, ucd in ucds.items()}
    table = FileTable(5, tuple(columns.values()), ra=ra)
    described = {name: (table, column) for name, column in columns.items()}
    wanted = {"file": "a", "ra": named[0], "dec": named[1]}
    block = CatalogueBlock.model_validate({k: v for k, v in wanted.items() if v is not None})
    found = with_positions({name: Column(name) for name in ucds}, described, block).columns
    return {column.role: column.name for column in found.values() if column.role}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("ra dec ra_err", ("ra", "dec")),
        ("RA DEC RAJ2000 DEJ2000", ("RA", "DEC")),
        ("_RAJ2000 _DEJ2000", ("_RAJ2000", "_DEJ2000")),
        ("ALPHA_J2000 DELTA_J2000", ("ALPHA_J2000", "DELTA_J2000")),
        ("RA_deg_ATLAS Dec_deg_ATLAS ra_SWIRE", ("RA_deg_ATLAS", "Dec_deg_ATLAS")),
        ("RA_deg_ATLAS RA_deg_SWIRE", ()),
        ("ra dec glon glat", ("ra", "dec")),
        ("l k", ()),
        ("x y", ()),
    ],
)
def test_positions_are_found_by_names_that_catalogues_have(names, expected):
    found = roles(dict.fromkeys(names.split(), ""))
    assert tuple(found.get(role) for role in ("ra", "dec")[: len(expected)]) == expected
    assert len(found) == len(expected)


def test_what_the_configuration_the_format_or_the_ucd_says_comes_before_names():
    ucds = {"ra": "", "lon": "POS.EQ.RA;META.MAIN", "lat": "pos.eq.dec", "a": "", "b": ""}
    assert roles(ucds) == {"ra": "lon", "dec": "lat"}
    assert roles(ucds, ra="a") == {"ra": "a", "dec": "lat"}
    assert roles(ucds, named=("b", "a")) == {"ra": "b", "dec": "a"}
    assert roles({"ra": "pos.eq.ra", "ra2": "pos.eq.ra", "dec": ""}) == {"dec": "dec"}


def opened(folder, table, **keys):
    table.write(folder / "sky.ecsv", overwrite=True)
    block = CatalogueBlock.model_validate({"file": folder / "sky.ecsv", **keys})
    return open_catalogues({"sky": block}, lambda *key: ".".join(key))["sky"]


def position(catalogue):
    """Return the columns of the position and their values."""
    columns = {column.role: column for column in catalogue.columns.values() if column.role}
    with catalogue.reading(column.name for column in columns.values()) as read:
        rows = read(range(catalogue.rows))
    return columns, SkyCoord(*(rows[columns[role].name] for role in ("ra", "dec")), unit="deg")


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("unit", ["deg", "rad"])
def test_positions_of_every_frame_are_those_of_astropy(tmp_path, frame, unit):
    coordinates, lon, lat = FRAMES[frame]
    angles = {"x": getattr(coordinates, lon).to(unit), "y": getattr(coordinates, lat).to(unit)}
    catalogue = opened(tmp_path, Table(angles), frame=frame, ra="x", dec="y")
    columns, found = position(catalogue)
    assert found.separation(SKY).max() < 1e-9 * u.arcsec
    assert [columns[role].axis for role in ("ra", "dec")] == [
        "Right ascension (ICRS) [°]",
        "Declination (ICRS) [°]",
    ]
    assert catalogue.columns["x"].unit == unit  # as it is, for all else
    assert (catalogue.columns["x"].icrs, catalogue.columns["x"].role) == ("ra", "")


def test_hours_and_sexagesimal_texts_become_degrees(tmp_path):
    hours = Table({"ra": SKY.ra.hour, "dec": SKY.dec.deg}, units={"ra": "h", "dec": "deg"})
    catalogue = opened(tmp_path, hours)
    columns, found = position(catalogue)
    assert found.separation(SKY).max() < 1e-9 * u.arcsec
    assert (columns["ra"].name, columns["dec"].name) == ("ra_icrs", "dec")
    assert catalogue.columns["ra"].axis == "ra [ʰ]"
    for by in ((":", ":"), (" ", " "), ("hms", "dms")):
        ra = SKY.ra.to_string("hourangle", sep=by[0], precision=4)
        dec = SKY.dec.to_string("deg", sep=by[1], precision=4)
        ra[7] = "unknown"
        table = Table([ra, dec, np.ones(50)], names=["RAJ2000", "DEJ2000", "n"])
        columns, found = position(opened(tmp_path, table))
        assert np.flatnonzero(np.isnan(found.ra)).tolist() == [7]
        there = np.arange(len(SKY)) != 7
        assert found[there].separation(SKY[there]).max() < 1e-3 * u.arcsec
        assert (columns["ra"].name, columns["ra"].computed_from) == ("ra", ("RAJ2000",))


def test_positions_without_a_unit_are_degrees_and_that_is_said_once(tmp_path):
    table = Table({"RA": SKY.ra.deg, "DEC": SKY.dec.deg, "l": SKY.galactic.l.deg})
    catalogue = opened(tmp_path, table)
    columns, found = position(catalogue)
    assert found.separation(SKY).max() < 1e-9 * u.arcsec
    assert [columns[role].axis for role in ("ra", "dec")] == ["RA [°]", "DEC [°]"]
    assert catalogue.remarks == ["without a unit, so taken for degrees: RA and DEC"]
    hours = opened(tmp_path, table, columns={"RA": {"unit": "hourangle"}})
    assert hours.remarks == ["without a unit, so taken for degrees: DEC"]
    assert hours.columns["RA"].icrs == "ra_icrs"
    numbers = Table({"l": SKY.galactic.l.deg, "b": SKY.galactic.b.deg})
    assert list(opened(tmp_path, numbers).columns) == ["l", "b"]  # any numbers are called so
    _, found = position(opened(tmp_path, numbers, frame="galactic"))
    assert found.separation(SKY).max() < 1e-9 * u.arcsec


def test_a_galactic_catalogue_is_told_by_names_or_ucds_alone(tmp_path):
    angles = [SKY.galactic.l, SKY.galactic.b]
    for names in (["glon", "glat"], ["l", "b"], ["GLON", "_Glat"]):
        _, found = position(opened(tmp_path, Table(angles, names=names)))
        assert found.separation(SKY).max() < 1e-9 * u.arcsec
    table = Table(angles, names=["x", "y"])
    for name, ucd in {"x": "pos.galactic.lon", "y": "pos.galactic.lat"}.items():
        table[name].info.meta = {"ucd": ucd}
    _, found = position(opened(tmp_path, table))
    assert found.separation(SKY).max() < 1e-9 * u.arcsec
    assert "ra" not in opened(tmp_path, table, ra="x", dec="y", frame="icrs").columns
    lengths = Table({"l": [1.0], "b": [2.0]}, units={"l": "m", "b": "m"})
    assert list(opened(tmp_path, lengths).columns) == ["l", "b"]


@pytest.fixture
def galactic(tmp_path):
    table = Table({"glon": SKY.galactic.l, "glat": SKY.galactic.b, "mag": np.ones(50)})
    table.write(tmp_path / "sky.fits")
    return Project(tmp_path)


def test_a_map_and_separations_of_a_galactic_catalogue_are_in_icrs(galactic):
    near = SKY.separation(SkyCoord(90, 45, unit="deg")) < 30 * u.deg
    where = "separation(ra, dec, 90, 45) < 30"
    maps = {"sky": {}, "named": {"ra": "glon", "dec": "glat"}, "near": {"where": where}}
    sections = {name: section("sky_density", edges=10, **keys) for name, keys in maps.items()} | {
        "about": section("overview")
    }
    galactic.configure(sections, catalogues={"stars": {"file": "sky.fits"}})
    done = galactic.build()
    assert done.returncode == 0, done.stderr
    objects = [galactic.section(name)["metrics"]["objects"]["value"] for name in maps]
    assert objects == [50, 50, near.sum()]
    by_name = {name: galactic.section(name)["metrics"] for name in ("sky", "named")}
    assert by_name["sky"] == by_name["named"]
    assert "ra = right ascension of glon, glat (galactic)" in galactic.page()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"frame": "ecliptic"},
            "frame: which column is the longitude in the frame ecliptic?; name it as ra; which",
        ),
        ({"frame": "galactic", "ra": "gln"}, "ra: unknown column 'gln'"),
        (
            {"ra": "mag", "columns": {"mag": {"unit": "mag"}}},
            "ra: mag is in mag, as no longitude in the frame icrs is; say",
        ),
        (
            {"columns": {"glon": {"unit": "hourangle"}}, "frame": "galactic"},
            "frame: glon is in ʰ, as no longitude in the frame galactic is",
        ),
        ({"frame": "galctic"}, "frame: should be 'icrs', 'fk5'"),
    ],
)
def test_a_wrong_frame_is_said_at_its_place(galactic, keys, said):
    galactic.configure(
        {"s": section("overview")}, catalogues={"stars": {"file": "sky.fits", **keys}}
    )
    done = galactic.build()
    assert done.returncode == 2, done.stderr
    assert f"catalogues.stars.{said}" in " ".join(done.stderr.split())
    assert "report.yaml:" in done.stderr


def test_a_first_configuration_of_a_galactic_catalogue_has_a_map(galactic):
    done = galactic.call("init", "sky.fits", "--output", "first.yaml")
    assert done.returncode == 0, done.stderr
    assert galactic.call("first.yaml").returncode == 0
    text = (galactic.folder / "first.yaml").read_text()
    assert "sky_density" in text
    assert "      ra:" not in text

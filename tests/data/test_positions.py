import pytest

from reportgen.config.columns import Column
from reportgen.data.format import FileColumn, FileTable
from reportgen.data.positions import with_positions


def roles(ucds, ra="", named=(None, None)):
    """Return which columns of a table are taken for its positions. ucds: by name."""
    columns = {name: FileColumn(name, "<f8", ucd=ucd) for name, ucd in ucds.items()}
    table = FileTable(5, tuple(columns.values()), ra=ra)
    described = {name: (table, column) for name, column in columns.items()}
    wanted = dict(zip(("ra", "dec"), named, strict=True))
    found = with_positions({name: Column(name) for name in ucds}, described, wanted)
    return {column.role: column.name for column in found if column.role}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("ra dec ra_err", ("ra", "dec")),
        ("RA DEC RAJ2000 DEJ2000", ("RA", "DEC")),
        ("_RAJ2000 _DEJ2000", ("_RAJ2000", "_DEJ2000")),
        ("ALPHA_J2000 DELTA_J2000", ("ALPHA_J2000", "DELTA_J2000")),
        ("RA_deg_ATLAS Dec_deg_ATLAS ra_SWIRE", ("RA_deg_ATLAS", "Dec_deg_ATLAS")),
        ("RA_deg_ATLAS RA_deg_SWIRE", ()),
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

import pytest
from astropy.units import Unit
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.config import columns
from reportgen.config.columns import Column, prefixed_unit, unit_problem, unit_symbol
from reportgen.config.sources import numbered
from reportgen.config.suggest import LONGEST, MOST_LISTED, unknown


@pytest.mark.parametrize(("unit", "symbol"), columns.SYMBOLS.items())
def test_a_symbol_that_is_known_is_the_one_of_astropy(unit, symbol):
    assert Unit(unit).to_string("unicode") == symbol


@pytest.mark.parametrize(
    ("unit", "symbol"),
    [("degree", "°"), ("mag(AB)", "mag(AB)"), ("1 / arcmin2", "arcmin⁻²"), ("deg-2", "deg⁻²")],
)
def test_a_unit_is_written_for_people(unit, symbol):
    assert unit_symbol(unit) == symbol


def test_an_axis_names_the_column_and_its_unit():
    assert Column("flux_36", "3.6 μm", "uJy").axis == "3.6\N{NO-BREAK SPACE}μm [µJy]"
    assert Column("stellarity").axis == "stellarity"
    assert Column("flux_36", "3.6 μm", "uJy").quantity("25") == "25\N{NO-BREAK SPACE}µJy"
    assert Column("ra", "", "deg").quantity("53.1") == "53.1°"
    assert Column("stellarity").quantity("0.9") == "0.9"


@pytest.mark.parametrize("unit", ["mJyy", "m/0", "((", "m**1e400", "a\nb"])
def test_a_unit_that_astropy_does_not_know_is_named_without_advice_on_programming(unit):
    said = unit_problem(unit)
    assert said.startswith(f"{unit!r} is not a unit that astropy knows: ")
    assert "def_unit" not in said
    assert "Did you mean" in unit_problem("degg")


@settings(max_examples=40)  # astropy looks for near names of each
@given(st.text(max_size=12))
def test_any_text_is_a_unit_or_a_problem(unit):
    if unit_problem(unit) is None:
        assert isinstance(unit_symbol(unit), str)


@pytest.mark.parametrize(
    ("unit", "largest", "expected"),
    [
        ("Jy / beam", 0.003, (1e3, "mJy / beam")),
        ("Jy / beam", 2.0, (1.0, "Jy / beam")),
        ("Jy / beam", 1e-20, (1.0, "Jy / beam")),
        ("K", 5e-6, (1e6, "uK")),
        ("deg2", 0.003, (1.0, "deg2")),
        ("", 0.003, (1.0, "")),
    ],
)
def test_a_small_size_gets_a_unit_in_which_it_reads_well(unit, largest, expected):
    assert prefixed_unit(unit, largest) == expected


def test_an_unknown_name_is_answered_with_the_nearest_whatever_its_case():
    said = unknown("column", "FLUX_63", ["flux_36", "stellarity"])
    assert said == (
        "unknown column 'FLUX_63'; did you mean 'flux_36'? (known: flux_36, stellarity)"
    )
    assert unknown("column", "xyz", []) == "unknown column 'xyz' (known: none)"


def test_a_long_list_and_a_long_name_stay_readable():
    said = unknown("dataset", "y" * 1000, [f"d{i:04}" for i in range(500)])
    assert said.endswith(f"d0029 and {500 - MOST_LISTED} more)")
    assert "y" * LONGEST + "…" in said
    assert "y" * (LONGEST + 1) not in said


def test_what_is_called_the_same_has_the_same_colour_in_every_catalogue():
    known = {}
    bands = [Column(f"f{n}", f"{n} μm", "uJy") for n in (36, 45, 58)]
    assert [c.order for c in numbered(bands, known).values()] == [0, 1, 2]
    others = [Column("new", "K", "uJy"), Column("s", "45 μm", "uJy"), Column("t", "36 μm", "uJy")]
    found = numbered(others, known)
    assert {name: column.order for name, column in found.items()} == {"new": 2, "s": 1, "t": 0}
    assert list(found) == ["new", "s", "t"]
    twice = [Column("a", "45 μm", "uJy"), Column("b", "45 μm", "uJy"), Column("c", "45 μm", "mJy")]
    assert [column.order for column in numbered(twice, known).values()] == [1, 2, 0]


def test_a_band_has_the_same_colour_whatever_else_a_report_shows():
    some = [Column("f24", "24 μm flux", "uJy"), Column("err", "Error", "uJy")]
    assert [column.order for column in numbered(some).values()] == [4, 0]
    bands = [Column(band, f"{band} magnitude", "mag") for band in "zgr"]
    assert [column.order for column in numbered(bands).values()] == [4, 1, 2]

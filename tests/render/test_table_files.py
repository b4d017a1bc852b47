import csv
from io import StringIO

import numpy as np
import pytest
from astropy.table import Table as AstropyTable
from astropy.units import Unit
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reportgen.analyses.results import Table, TableColumn
from reportgen.render.table_files import unguarded, write_table

ODD = np.array([0.0, -0.0, 1e16, 1e15, 1e-4, 9.9e-5, 0.1, 1 / 3, np.nan, np.inf, -np.inf, 5e-324])
KINDS = {
    "wide": ODD,
    "narrow": np.float32(ODD),
    "long": np.longdouble(ODD),
    "masked": np.ma.masked_greater(np.arange(12), 6),
    "small": np.arange(12, dtype=np.uint8),
    "flag": np.arange(12) % 2 == 0,
}


def rows_of(table):
    return list(csv.reader(StringIO(write_table(table)["csv"].decode(), newline="")))


@pytest.mark.parametrize("name", ["wide", "narrow", "long", "masked", "small", "flag"])
def test_a_file_reads_back_with_its_types_and_what_is_missing(name):
    columns = [TableColumn.of(name, KINDS[name]), TableColumn.of("n", range(12))]
    table = Table("t", "A title: of 3, 'things'", columns)
    read = AstropyTable.read(write_table(table)["ecsv"].decode(), format="ascii.ecsv")
    values = np.ma.masked_invalid(KINDS[name])
    assert read.meta["title"] == table.title
    assert read[name].dtype == values.dtype
    assert np.ma.allequal(read[name], values)
    assert np.array_equal(np.ma.getmaskarray(read[name]), np.ma.getmaskarray(values))


@pytest.mark.parametrize(
    ("unit", "description"),
    [
        ("", ""),
        ("Jy / beam", "with: a colon, 'quotes' and \"more\""),
        ("erg s-1 cm-2 Angstrom-1", "é − μ ✓"),
        ("%", "# no comment"),
        ("no unit at all", "123"),
        ("mag(AB)", "true"),
    ],
)
@pytest.mark.filterwarnings("ignore:'no unit at all'")
def test_the_heads_of_files_have_units_and_descriptions(unit, description):
    table = Table("t", "T", [TableColumn.of("x, y", [1.5, 2.0], unit, description)])
    read = AstropyTable.read(write_table(table)["ecsv"].decode(), format="ascii.ecsv")
    expected = str(Unit(unit, parse_strict="silent")) if unit else "None"
    assert str(read["x, y"].unit) == expected
    assert (read["x, y"].description or "") == description
    assert rows_of(table)[0] == [f"x, y [{unit}]" if unit else "x, y"]


def test_a_single_column_with_a_missing_value_keeps_its_row():
    table = Table("t", "T", [TableColumn.of("x", [1.5, np.nan, 2.5])])
    assert rows_of(table) == [["x"], ["1.5"], [""], ["2.5"]]


@given(arrays(np.float64, 20), arrays(np.float32, 20))
def test_numbers_read_back_as_they_were(wide, narrow):
    table = Table("t", "T", [TableColumn.of("wide", wide), TableColumn.of("narrow", narrow)])
    _, *rows = rows_of(table)
    for place, values in enumerate((wide, narrow)):
        read = np.array([row[place] or "nan" for row in rows], dtype=values.dtype)
        finite = np.isfinite(values)
        assert read[finite].tobytes() == values[finite].tobytes()
        assert np.isnan(read[~finite]).all()


TEXTS = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])), min_size=1)


@given(TEXTS)
def test_texts_read_back_as_they_were(texts):
    table = Table("t", "T", [TableColumn.of("text", np.array(texts, object))])
    assert [unguarded(row[0]) for row in rows_of(table)[1:]] == texts


BEGINNINGS = ["#no", "# no", "a,b", 'a "b"', "'", "''=", "=1+1", "+a", "-a", "@a", "＝a", "a#"]


@pytest.mark.filterwarnings("error")
def test_astropy_reads_every_row_of_both_files(tmp_path):
    columns = [TableColumn.of("text", BEGINNINGS), TableColumn.of("n", range(len(BEGINNINGS)))]
    files = write_table(Table("t", "T", columns))
    for form, expected in (
        ("ecsv", BEGINNINGS),
        ("csv", [r[0] for r in rows_of(Table("t", "T", columns))[1:]]),
    ):
        (tmp_path / "t").write_bytes(files[form])
        read = AstropyTable.read(tmp_path / "t", format=f"ascii.{form}")
        assert list(read["text"]) == expected
        assert list(read["n"]) == list(range(len(BEGINNINGS)))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("'=1", "''=1"),
        ("+SUM(1)", "'+SUM(1)"),
        ("-SUM(1)", "'-SUM(1)"),
        ("@x", "'@x"),
        ("\t=1", r"\t=1"),
        ("\r=1", r"\r=1"),
        ("a\nb\x1b[2J\u202e", r"a\nb\x1b[2J\u202e"),
        ("-5", "-5"),
        ("+1e5", "+1e5"),
        ("'tis", "'tis"),
    ],
)
def test_a_spreadsheet_takes_no_text_for_a_formula(text, cell):
    named = Table("t", "T", [TableColumn.of(text, np.array([text], object))])
    assert rows_of(named) == [[cell], [cell]]
    assert unguarded(cell) == (cell if "\\" in cell else text)

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
from reportgen.render.table_files import write_table

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


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r")), min_size=1))
def test_texts_read_back_as_they_were(texts):
    columns = [
        TableColumn.of("n", range(len(texts))),
        TableColumn.of("text", np.array(texts, object)),
    ]
    assert [row[1] for row in rows_of(Table("t", "T", columns))[1:]] == texts

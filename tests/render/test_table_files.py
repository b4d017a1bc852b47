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
    "text": ["a, b", 'c "d"', "é\n<i>", "", "#", "a b"] * 2,
    "bytes": np.array([b"a", b"bc"] * 6),
    "wide": ODD,
    "narrow": np.float32(ODD),
    "long": np.longdouble(ODD),
    "masked": np.ma.masked_greater(np.arange(12), 6),
    "small": np.arange(12, dtype=np.uint8),
    "flag": np.arange(12) % 2 == 0,
}
TWO = [TableColumn.of("n", range(12), "arcmin-2", "counted"), TableColumn.of("m", range(12))]


@pytest.mark.parametrize("name", ["wide", "narrow", "long", "masked", "small", "flag"])
def test_a_file_reads_back_with_its_types_and_what_is_missing(name):
    table = Table("t", "A title: of 3, 'things'", [TableColumn.of(name, KINDS[name]), *TWO])
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
        ("uJy", "plain"),
        ("Jy / beam", "with: a colon, 'quotes' and \"more\""),
        ("erg s-1 cm-2 Angstrom-1", "é − μ ✓"),
        ("%", "# no comment"),
        ("no unit at all", "123"),
        ("deg", "long " * 60),
        ("mag(AB)", "true"),
    ],
)
@pytest.mark.filterwarnings("ignore:'no unit at all'")
def test_the_head_of_a_file_has_units_and_descriptions(unit, description):
    columns = [
        TableColumn.of("x, y", [1.5, 2.0], unit, description),
        TableColumn.of("name", ["a", "b"], description=description),
    ]
    table = Table("t", f"Title: {description or 'none'}", columns)
    read = AstropyTable.read(write_table(table)["ecsv"].decode(), format="ascii.ecsv")
    assert read.meta["title"] == table.title
    assert read.colnames == ["x, y", "name"]
    assert str(read["x, y"].unit or "") == (str(Unit(unit, parse_strict="silent")) if unit else "")
    assert [column.description or "" for column in read.itercols()] == [description] * 2


def test_rows_read_back_whatever_texts_they_hold():
    columns = [TableColumn.of(name, values) for name, values in KINDS.items() if name != "bytes"]
    made = write_table(Table("t", "T", columns))
    rows = list(csv.reader(StringIO(made["csv"].decode(), newline="")))
    assert [row[0] for row in rows[1:]] == KINDS["text"]
    assert rows[0] == [column.name for column in columns]
    assert {len(row) for row in rows} == {len(columns)}


def test_a_single_column_with_a_missing_value_keeps_its_row():
    made = write_table(Table("t", "T", [TableColumn.of("x", [1.5, np.nan, 2.5])]))
    assert list(csv.reader(StringIO(made["csv"].decode()))) == [["x"], ["1.5"], [""], ["2.5"]]


@given(arrays(np.float64, 20), arrays(np.float32, 20))
def test_numbers_read_back_as_they_were(wide, narrow):
    table = Table("t", "T", [TableColumn.of("wide", wide), TableColumn.of("narrow", narrow)])
    rows = list(csv.DictReader(StringIO(write_table(table)["csv"].decode())))
    for name, values in (("wide", wide), ("narrow", narrow)):
        read = np.array([row[name] or "nan" for row in rows], dtype=values.dtype)
        finite = np.isfinite(values)
        assert read[finite].tobytes() == values[finite].tobytes()
        assert np.isnan(read[~finite]).all()


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r")), min_size=1))
def test_texts_read_back_as_they_were(texts):
    names = [
        TableColumn.of("n", range(len(texts))),
        TableColumn.of("text", np.array(texts, object)),
    ]
    rows = list(
        csv.reader(StringIO(write_table(Table("t", "T", names))["csv"].decode(), newline=""))
    )
    assert [row[1] for row in rows[1:]] == texts

import subprocess
import sys
import warnings

import numpy as np
import pytest
from astropy.io import votable
from astropy.table import MaskedColumn, Table
from tables_of_formats import FORMATS, read, refused, same

from reportgen.data.fits import FitsTable
from reportgen.data.votable import VOTableFile

VOT = VOTableFile()


@pytest.fixture
def table():
    made = Table(
        {
            "id": MaskedColumn(np.array([2**63 - 1, 5, -7]), mask=[False, True, False]),
            "i2": np.array([1, -2, 3], "i2"),
            "u1": np.array([255, 0, 7], "u1"),
            "f4": np.array([0.1, np.nan, 3.5], "f4"),
            "f8": np.array([0.1, 1e-300, -0.0]),
            "flag": np.array([True, False, True]),
            "name": ["a", "Grüße", "c"],
            "pair": np.arange(6.0).reshape(3, 2),
        },
        descriptions={"f8": "the\n  flux"},
        units={"f8": "mJy"},
    )
    made["f8"].meta["ucd"] = "phot.flux"
    return made


def written(path, *tables, how="tabledata"):
    """Write tables by astropy, each with its number as its ID."""
    file = votable.tree.VOTableFile()
    for number, table in enumerate(tables, 1):
        part = votable.from_table(table, table_id=f"t{number}").resources[0]
        part.tables[0].format = how
        file.resources.append(part)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.to_xml(str(path), tabledata_format=how)
    return path


def document(path, inside, data="", fields='<FIELD name="x" datatype="int"/>', attributes=""):
    rows = data and f"<DATA>{data}</DATA>"
    table = f"<TABLE {attributes}>{fields}{rows}</TABLE>"
    path.write_text(f"<VOTABLE>{inside}<RESOURCE>{table}</RESOURCE></VOTABLE>")
    return path


@pytest.mark.parametrize("how", ["tabledata", "binary", "binary2"])
def test_values_of_each_serialization_are_those_written(tmp_path, table, how):
    if how == "binary":  # in which astropy writes no mask
        table["id"].mask = False
    path = written(tmp_path / "a.vot", table, how=how)
    about = VOT.describe(path, "")
    columns = {column.name: column for column in about.columns}
    assert (about.rows, about.notes) == (3, ())
    assert (columns["f8"].unit, columns["f8"].ucd) == ("mJy", "phot.flux")
    assert columns["f8"].label == "the flux"
    assert columns["pair"].shape == (2,)
    values = read(VOT, path)
    assert values["id"].dtype == np.int64
    for name in ("id", "i2", "u1", "f4", "f8", "flag", "name"):
        assert same(values[name], table[name]), name
        if name != "name":
            assert np.dtype(columns[name].dtype) == np.ma.getdata(values[name]).dtype
    assert values["pair", 1].tolist() == [1, 3, 5]


@pytest.mark.parametrize(
    "version", ["", " version='1.1'", ' xmlns="a" version="1.2"', " version='1.4'"]
)
def test_an_empty_integer_is_missing_in_every_version(tmp_path, version):
    rows = "<TABLEDATA><TR><TD/></TR><TR><TD>0</TD></TR></TABLEDATA>"
    path = document(tmp_path / "a.vot", "", rows)
    path.write_text(path.read_text().replace("<VOTABLE", f"<VOTABLE{version}"))
    assert read(VOT, path)["x"].tolist() == [None, 0]


@pytest.mark.parametrize("size", ["", 'arraysize="3"', "arraysize='2*'", 'arraysize="60000"'])
def test_a_text_that_is_longer_than_its_field_says_is_whole(tmp_path, size):
    field = f'<FIELD name="x" {size} ucd="a>b" datatype="char"/>'
    rows = "<TABLEDATA><TR><TD>STAR &amp; co</TD></TR><TR><TD/></TR></TABLEDATA>"
    path = document(tmp_path / "a.vot", "", rows, field)
    assert read(VOT, path)["x"].tolist() == ["STAR & co", ""]


def test_a_file_that_has_changed_is_read_again(tmp_path):
    path = tmp_path / "a.vot"
    for number in (1, 22):
        document(path, "", f"<TABLEDATA><TR><TD>{number}</TD></TR></TABLEDATA>")
        assert read(VOT, path)["x"].tolist() == [number]


def test_a_table_is_found_by_id_name_or_number(tmp_path, table):
    path = written(tmp_path / "a.xml", table, table[:1]["i2", "f8"])
    assert VOT.describe(path, "t2") == VOT.describe(path, "2")
    assert read(VOT, path, dataset="2")["i2"].tolist() == [1]
    assert VOT.describe(path, "1").rows == 3
    for dataset, said in [
        ("", "holds 2 tables | name one of them, or its number, as dataset: 1 (t1): 3 rows, 8"),
        ("t3", "unknown table 't3' (known: t1, t2)"),
        ("3", "unknown table '3'"),
    ]:
        assert said in refused(VOT, path, dataset=dataset)
    assert "holds no table" in refused(VOT, document(tmp_path / "none.vot", "", fields=""))


def test_what_a_server_says_of_its_query_is_told(tmp_path):
    info = '<INFO name="QUERY_STATUS" value="{}">{}</INFO>'
    path = document(tmp_path / "a.vot", info.format("ERROR", "no such\n table"))
    assert "but what a server said: no such table | correct the query" in refused(VOT, path)
    path = document(tmp_path / "b.vot", info.format("OVERFLOW", "only 5 rows"))
    note = "The server that wrote this table left out rows that exceed its limit: only 5 rows."
    assert VOT.describe(path, "").notes == (note,)
    path = document(tmp_path / "c.vot", info.format("OK", ""))
    assert VOT.describe(path, "").notes == ()


def test_columns_that_cannot_be_read_say_why(tmp_path):
    fields = [
        ("lists", "int", 'arraysize="*"'),
        ("complex", "doubleComplex", ""),
        ("none", "int", 'arraysize="0"'),
        ("same", "int", ""),
        ("same", "int", ""),
        ("text", "char", 'arraysize="10*"'),
    ]
    xml = "".join(f'<FIELD name="{name}" datatype="{kind}" {size}/>' for name, kind, size in fields)
    path = document(tmp_path / "a.vot", "", fields=xml)
    columns = VOT.describe(path, "").columns
    assert {column.name: column.unreadable for column in columns} == {
        "lists": "holds lists of different lengths",
        "complex": "holds complex numbers",
        "none": "holds no values",
        "same": "2 columns have its name",
        "text": "",
    }


LEVELS = "".join(
    '<!ENTITY {} "{}">'.format(name, f"&{before};" * 100)
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)
BOMB = f'<!DOCTYPE VOTABLE [<!ENTITY a "xxxxxxxxxx">{LEVELS}]>'
ENTITY = '<!DOCTYPE VOTABLE [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("start", [BOMB, ENTITY])
def test_entities_of_xml_are_refused(tmp_path, start):
    text = "&k;" if start is BOMB else "&e;"
    path = tmp_path / "a.vot"
    field = (
        f'<FIELD name="x" datatype="char" arraysize="*"><DESCRIPTION>{text}</DESCRIPTION></FIELD>'
    )
    rows = f"<DATA><TABLEDATA><TR><TD>{text}</TD></TR></TABLEDATA></DATA>"
    path.write_text(f"{start}<VOTABLE><RESOURCE><TABLE>{field}{rows}</TABLE></RESOURCE></VOTABLE>")
    code = f"""
import resource
from pathlib import Path
from reportgen.data.votable import VOTableFile
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
path = Path({str(path)!r})
assert VOTableFile().recognises(path, path.read_bytes()[:4096])
VOTableFile().describe(path, "")
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.PIPE)
    assert b"SourceError: declares the XML entity" in done.stderr


@pytest.mark.parametrize("how", ["BINARY", "FITS", "PARQUET"])
def test_rows_that_are_elsewhere_are_not_fetched(tmp_path, how):
    other = tmp_path / "rows"
    other.write_bytes(bytes(8))
    data = f'<{how}><STREAM href="{other.as_uri()}"/></{how}>'
    path = document(tmp_path / "a.vot", "", data)
    assert f"keeps its rows at {other.as_uri()}, where they are not read" in refused(VOT, path)


@pytest.mark.parametrize(
    ("fields", "attributes", "data", "said"),
    [
        ("", 'nrows="1000000000000000"', "<TABLEDATA></TABLEDATA>", "it announces 10000000"),
        ("", 'nrows="2"', "<TABLEDATA><TR><TD>1</TD></TR></TABLEDATA>", "announces 2 rows and"),
        ('arraysize="100000000000"', "", "<TABLEDATA></TABLEDATA>", "arraysize of x is 1000000"),
        ("", "", "<TABLEDATA><TR><TD>7a</TD></TR></TABLEDATA>", "is damaged: "),
        ("", "", "<TABLEDATA><TR><TD>1</TD><TD>2</TD></TR></TABLEDATA>", "is damaged: E20: "),
        ("", "", "<TABLEDATA><TR></TR></TABLEDATA>", "is damaged: E21: "),
        ("", "", "<TABLEDATA><TR><TD>99999999999</TD></TR></TABLEDATA>", "is damaged: W51: "),
        ("", "", "AAAAAQAA", "row 2 of a table"),
        ("", "", "AA?A", "is damaged: the rows"),
        ('arraysize="*"', "", "AAABAAAA", "row 1"),
        ("", "", "<TABLEDATA><TR>", "is damaged: line 1: mismatched tag"),
    ],
)
def test_what_makes_no_sense_is_told(tmp_path, fields, attributes, data, said):
    field = f'<FIELD name="x" datatype="int" {fields}/>'
    if not data.startswith("<"):
        data = f'<BINARY><STREAM encoding="base64">{data}</STREAM></BINARY>'
    path = document(tmp_path / "a.vot", "", data, field, attributes)
    assert said in refused(VOT, path)


def test_a_file_that_is_cut_off_is_told(tmp_path, table):
    path = written(tmp_path / "a.vot", table)
    path.write_bytes(path.read_bytes()[:-30])
    assert "is truncated: its XML has no end" in refused(VOT, path)


REAL = sorted([*FORMATS.glob("**/*.xml"), *FORMATS.glob("**/*.vot")])


@pytest.mark.skipif(not REAL, reason="../shared/data/formats is not there")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_files_have_the_values_that_astropy_reads(path):
    assert VOT.recognises(path, path.read_bytes()[:4096])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tables = list(votable.parse(str(path)).iter_tables())
    for number, expected in enumerate(tables, 1):
        if path.name == "names.xml":
            said = "announces 18949 rows and holds 1"
            assert said in refused(VOT, path, dataset=str(number))
            continue
        about = VOT.describe(path, str(number))
        assert about.rows == len(expected.array)
        assert [column.name for column in about.columns] == [f.name for f in expected.fields]
        if path.name == "regression.xml" and number == 1:
            assert "W51: Value '256' is out of range" in refused(VOT, path, dataset="1")
            continue
        identity = {field.name: field.ID for field in expected.fields}
        for name, values in read(VOT, path, dataset=str(number)).items():
            key, index = name if isinstance(name, tuple) else (name, 0)
            other = expected.array[identity[key]]
            if other.ndim > 1:
                other = other.reshape(about.rows, -1)[:, index] if about.rows else values
            if path.name == "regression.xml" and values.dtype == object:  # which astropy cuts
                pairs = zip(values.tolist(), other.tolist(), strict=True)
                assert all(text.startswith(cut.rstrip()) for text, cut in pairs)
                continue
            if path.name == "gemini.xml" and key == "content_length":
                other = np.ma.masked_equal(other, 0)  # which astropy makes of missing ones
            assert same(values, other), key


@pytest.mark.skipif(not REAL, reason="../shared/data/formats is not there")
def test_the_gaia_slice_has_the_same_numbers_in_its_formats():
    base = FORMATS / "vaex"
    first = read(VOT, base / "gaia-small-votable.vot")
    about = VOT.describe(base / "gaia-small-votable.vot", "")
    for name in ("gaia-small-fits-basic.fits", "gaia-small-fits-plus.fits"):
        other = FitsTable().describe(base / name, "")
        assert [each.name for each in other.columns] == [each.name for each in about.columns]
        assert [each.unit for each in other.columns] == [each.unit for each in about.columns]
        assert [each.ucd for each in other.columns] == [each.ucd for each in about.columns]
        values = read(FitsTable(), base / name)
        assert values.keys() == first.keys()
        for column in first:
            assert same(first[column], values[column]), column

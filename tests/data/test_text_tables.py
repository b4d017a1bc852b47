import warnings
from functools import partial

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import ascii as text_formats
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from tables_of_formats import FORMATS, SHARED, described, read, refused, same

from reportgen.data.text_tables import TextTable

TEXT = TextTable()


@pytest.fixture
def table():
    made = Table(
        {
            "id": MaskedColumn(np.array([2**63 - 1, 5, -7]), mask=[False, True, False]),
            "big": np.array([2**64 - 1, 0, 1], "u8"),
            "f4": np.array([0.1, np.nan, 3.5], "f4"),
            "flag": MaskedColumn([True, False, True], mask=[False, False, True]),
            "name": MaskedColumn(["a b", "", "Grüße"], mask=[False, True, False]),
        },
        descriptions={"f4": "the\n  flux"},
        units={"f4": "mJy"},
    )
    made["f4"].meta["ucd"] = "phot.flux"
    return made


columns_of = partial(described, TEXT)


def test_an_ecsv_file_keeps_types_units_and_missing_values(tmp_path, table):
    table["pair"] = np.arange(6.0).reshape(3, 2)
    table["lists"] = np.array([{"a": 1}, [1], None], object)
    table["z"] = np.array([1j, 2, 3])
    table["when"] = Time(["2020-01-02T03:04:05", "2021-01-01", "2022-01-01"])
    table["at"] = SkyCoord([1, 2, 3], [4, 5, 6], unit="deg")
    path = tmp_path / "a.ecsv"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table.write(path)
    columns, values = columns_of(path), read(TEXT, path)
    assert values["id"].tolist() == [2**63 - 1, None, -7]
    assert values["big"].tolist() == [2**64 - 1, 0, 1]
    assert values["flag"].tolist() == [True, False, None]
    assert values["name"].tolist() == ["a b", None, "Grüße"]
    assert same(values["f4"], table["f4"])
    for name in ("id", "big", "f4", "flag"):
        assert columns[name].dtype == np.ma.getdata(values[name]).dtype.str
    about = columns["f4"]
    assert (about.unit, about.label, about.ucd) == ("mJy", "the flux", "phot.flux")
    assert values["pair", 1].tolist() == [1, 3, 5]
    assert columns["pair"].shape == (2,)
    assert columns["lists"].unreadable == "holds lists of different lengths, or objects"
    assert columns["z"].unreadable == "holds complex numbers"
    assert columns["when"].dtype == "time"
    assert values["when"][0] == np.datetime64("2020-01-02T03:04:05")
    assert values["at.dec"].tolist() == [4, 5, 6]
    assert (columns["at.ra"].unit, columns["at.ra"].ucd) == ("deg", "pos.eq.ra")


def test_missing_times_are_missing(tmp_path):
    path = tmp_path / "a.ecsv"
    times = Time(["2020-01-02", "2021-01-01"])
    times[1] = np.ma.masked
    Table({"t": times}).write(path)
    found = read(TEXT, path)["t"]
    assert found[0] == np.datetime64("2020-01-02")
    assert np.isnat(found[1])


@pytest.mark.parametrize(("kind", "name"), [("ipac", "a.tbl"), ("mrt", "a.txt")])
def test_ipac_and_mrt_keep_units_and_missing_values(tmp_path, table, kind, name):
    del table["big"], table["flag"]
    table["id"] = MaskedColumn([1, 2, 3], mask=[False, True, False])
    table["name"][2] = "c"
    table["f4"] = MaskedColumn([0.1, 2.0, 3.5], mask=[False, True, False], unit="mJy")
    table["f4"].description = "the flux"
    path = tmp_path / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table.write(path, format=f"ascii.{kind}")
    assert TEXT.recognises(path, path.read_bytes()[:4096])
    columns, values = columns_of(path), read(TEXT, path)
    assert columns["f4"].unit == "mJy"
    assert values["id"].tolist() == [1, None, 3]
    assert np.ma.getdata(values["id"]).dtype.kind == "i"
    assert np.ma.filled(values["f4"].astype(float), np.nan)[[0, 2]].tolist() == [0.1, 3.5]
    assert values["name"][0] == "a b"
    if kind == "mrt":
        assert columns["f4"].label == "the flux"


def test_a_name_of_a_table_is_refused(tmp_path, table):
    path = tmp_path / "a.ecsv"
    table.write(path)
    said = "holds one table, which has no name | leave out dataset"
    assert refused(TEXT, path, dataset="x") == said


def test_a_file_without_a_line_break_at_its_end_is_told(tmp_path, table):
    path = tmp_path / "a.ecsv"
    table.write(path)
    assert TEXT.describe(path, "").notes == ()
    path.write_bytes(path.read_bytes()[:-1])
    assert TEXT.describe(path, "").notes == ("Its last line has no end: is the file whole?",)


def test_the_head_of_an_ipac_table_may_be_long(tmp_path):
    path = tmp_path / "x"
    head = b"\\ a comment\n\\key = 1\n" * 1000
    path.write_bytes(head + b"|a  |\n|int|\n 1\n")
    assert TEXT.recognises(path, head[:4096])
    assert read(TEXT, path)["a"].tolist() == [1]


def test_several_tables_described_in_one_file_are_refused(tmp_path):
    path = tmp_path / "ReadMe"
    path.write_text("Title: x\n" + "Byte-by-byte Description of file: a.dat\n" * 2)
    assert "describes several tables whose rows are in other" in refused(TEXT, path)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("{name: a, datatype: float64}\na b\n1 2", "column names from ECSV header"),
        ("{name: a, datatype: int64}\na\n1.5", "column 'a' failed to convert"),
        ("{name: a, datatype: int8}\na\n300", "is damaged"),
        ("{name: a, datatype: '!!python/object:os.system'}\na\n1", "is damaged"),
        (
            "{name: a, datatype: string, subtype: 'int64[100000, 90000]'}\na\n\"\"",
            "lists of 100000, 90000",
        ),
    ],
)
def test_an_ecsv_file_that_makes_no_sense_is_told(tmp_path, head, said):
    path = tmp_path / "a.ecsv"
    path.write_text(f"# %ECSV 1.0\n# ---\n# datatype:\n# - {head}\n")
    assert said in refused(TEXT, path)


REAL = {
    FORMATS / "astropy/subtypes.ecsv": "ecsv",
    FORMATS / "astropy/cds2.dat": "cds",
    FORMATS / "astroquery/1712337806100O-result.ecsv": "ecsv",
    FORMATS / "astroquery/most_regular_results.tbl": "ipac",
    SHARED / "survey/desi_qa_reference_nz.ecsv": "ecsv",
}


@pytest.mark.skipif(not FORMATS.exists(), reason="../shared/data/formats is not there")
@pytest.mark.parametrize(("path", "kind"), REAL.items(), ids=lambda each: getattr(each, "name", ""))
def test_real_files_have_the_values_that_astropy_reads(path, kind):
    assert TEXT.recognises(path, path.read_bytes()[:4096])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = text_formats.read(path, format=kind)
    about = TEXT.describe(path, "")
    assert [column.name for column in about.columns] == expected.colnames
    assert about.notes == ()
    for name, values in read(TEXT, path).items():
        key, index = name if isinstance(name, tuple) else (name, 0)
        other = np.ma.asarray(expected[key]).reshape(about.rows, -1)[:, index]
        assert same(values, other), key


@pytest.mark.skipif(not FORMATS.exists(), reason="../shared/data/formats is not there")
def test_real_texts_of_other_kinds_are_not_recognised():
    others = [FORMATS / "astropy/vots_spec.dat", FORMATS / "astroquery/tables.csv"]
    for path in [*others, *SHARED.glob("survey/*.txt")]:
        assert not TEXT.recognises(path, path.read_bytes()[:4096])

import datetime
import decimal
import os
import sys
from functools import partial

import numpy as np
import pytest
from tables_of_formats import described, read
from tables_of_formats import refused as refused_by

from reportgen.data.format import Wanted
from reportgen.data.parquet import ParquetTable
from reportgen.errors import SourceError

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")

PARQUET = ParquetTable()
ROWS = 5000


@pytest.fixture(scope="module")
def survey():
    """A table of many types, some of whose values are missing."""
    random = np.random.default_rng(7)
    some = random.random(ROWS) < 0.1
    flux = random.normal(size=ROWS)
    flux[::13] = np.nan
    return pa.table(
        {
            "id": pa.array(2**62 + np.arange(ROWS)),
            "ra": pa.array(random.uniform(52, 54, ROWS)),
            "flux": pa.array(flux.astype("f4"), mask=some),
            "flags": pa.array(random.integers(0, 2**64, ROWS, "u8"), mask=some),
            "half": pa.array(flux.astype("f2"), mask=some),
            "star": pa.array(some, mask=random.random(ROWS) < 0.1),
            "field": pa.array([None, "el1", "xmm"] * 1666 + ["el1", "µ"]).dictionary_encode(),
            "seen": pa.array(np.arange(ROWS).astype("M8[ms]"), mask=some),
            "mags": pa.array(
                [[i, None, i + 2 if i % 7 else None] for i in range(ROWS)],
                pa.list_(pa.int16(), 3),
            ),
        }
    )


@pytest.fixture(scope="module")
def groups(survey, tmp_path_factory):
    """The same rows in row groups of 1000 and in one."""
    folder = tmp_path_factory.mktemp("parquet")
    for size in (1000, 2**20):
        pq.write_table(survey, folder / f"{size}.parquet", row_group_size=size, compression="zstd")
    return folder / "1000.parquet", folder / f"{2**20}.parquet"


def write(path, table=None, /, **columns):
    pq.write_table(pa.table(columns) if table is None else table, path)
    return path


refused = partial(refused_by, PARQUET)


def test_values_have_the_types_on_disk_and_are_masked_where_null(groups, survey):
    found = read(PARQUET, groups[0])
    for name in ("id", "ra", "flux", "flags", "half", "star"):
        column = survey[name].combine_chunks()
        mask = column.is_null().to_numpy(zero_copy_only=False)
        expected = column.drop_null().to_numpy(zero_copy_only=False)
        assert found[name].dtype == expected.dtype == described(PARQUET, groups[0])[name].dtype
        assert np.array_equal(np.ma.getmaskarray(found[name]), mask)
        assert np.array_equal(np.ma.getdata(found[name])[~mask], expected, equal_nan=mask.any())
    assert found["field"].tolist() == survey["field"].to_pylist()
    assert found["seen"].dtype == "M8[ms]"
    assert np.array_equal(found["seen"], survey["seen"].to_numpy(), equal_nan=True)


def test_a_vector_column_is_read_by_index(groups):
    column = described(PARQUET, groups[0])["mags"]
    assert (column.dtype, column.shape) == ("<i2", (3,))
    found = read(PARQUET, groups[0], ("mags", 2), rows=(998, 1003))["mags", 2]
    assert found.tolist() == [1000, 1001, 1002, None, 1004]
    assert read(PARQUET, groups[0], ("mags", 1), rows=(1, 3))["mags", 1].mask.all()
    for index in (None, 3):
        with (
            pytest.raises(SourceError, match=r"3 values in each row"),
            PARQUET.open(groups[0], "", [Wanted("mags", index)]),
        ):
            pass


def test_arrays_are_the_callers_own(groups):
    found = read(PARQUET, groups[1], "ra")["ra"]
    found[:] = 0
    assert read(PARQUET, groups[1], "ra")["ra"].all()


def test_what_cannot_be_read_is_listed_with_the_reason(tmp_path):
    path = write(
        tmp_path / "odd.parquet",
        ra=[1.0],
        lc=pa.array([{"mjd": [1.0]}]),
        spectrum=pa.array([[1.0, 2.0]]),
        nothing=pa.nulls(1),
        exact=pa.array([decimal.Decimal("1.5")], pa.decimal128(30, 2)),
        clock=pa.array([datetime.time(1)]),
    )
    reasons = {name: column.unreadable for name, column in described(PARQUET, path).items()}
    assert reasons == {
        "ra": "",
        "lc": "holds nested values",
        "spectrum": "holds lists of various lengths",
        "nothing": "holds no values, and does not say of which type they would be",
        "exact": "holds decimal numbers of 30 digits, more than a float64 has",
        "clock": "holds times of day without a date",
    }
    with pytest.raises(SourceError, match="column lc cannot be read: holds nested"):
        PARQUET.open(path, "", [Wanted("lc")]).__enter__()
    with pytest.raises(SourceError, match=r"unknown column 'RA'; did you mean 'ra'\?"):
        PARQUET.open(path, "", [Wanted("RA")]).__enter__()


def test_decimals_are_the_nearest_float64_and_whole_ones_are_integers(tmp_path):
    texts = ["0.1", "2.3", "-17.0000001", "12345678.1234567", None]
    numbers = [text and decimal.Decimal(text) for text in texts]
    path = write(
        tmp_path / "decimal.parquet",
        flux=pa.array(numbers, pa.decimal128(15, 7)),
        id=pa.array([decimal.Decimal(10**17 + 1)] * 5, pa.decimal128(18, 0)),
    )
    found = read(PARQUET, path)
    assert found["flux"].tolist() == [text and float(text) for text in texts]
    assert found["id"].tolist() == [10**17 + 1] * 5


def test_texts_times_and_durations_of_every_kind(tmp_path):
    day = datetime.date(2026, 11, 23)
    path = write(
        tmp_path / "kinds.parquet",
        large=pa.array(["el1", None], pa.large_string()),
        raw=pa.array([b"el1", b"\xff"]),
        fixed=pa.array([b"ab", None], pa.binary(2)),
        day=pa.array([day, None]),
        zoned=pa.array([0, 1], pa.timestamp("ns", "Europe/Rome")),
        took=pa.array([3, None], pa.duration("ms")),
    )
    assert {name: column.dtype for name, column in described(PARQUET, path).items()} == {
        "large": "str", "raw": "str", "fixed": "str", "day": "time", "zoned": "time", "took": "<i8"
    }  # fmt: skip
    assert described(PARQUET, path)["took"].unit == "ms"
    found = {name: values.tolist() for name, values in read(PARQUET, path).items()}
    assert found == {
        "large": ["el1", None],
        "raw": ["el1", "\\xff"],
        "fixed": ["ab", None],
        "day": [day, None],
        "zoned": [0, 1],
        "took": [3, None],
    }


def test_old_times_beyond_the_years_of_nanoseconds_stay_what_they_are(tmp_path):
    table = pa.table({"seen": pa.array([datetime.datetime(9999, 12, 31)])})
    pq.write_table(table, tmp_path / "int96.parquet", use_deprecated_int96_timestamps=True)
    found = read(PARQUET, tmp_path / "int96.parquet")["seen"]
    assert found.astype("M8[D]").astype(str).tolist() == ["9999-12-31"]


def test_units_and_descriptions_of_columns_and_of_astropy(tmp_path):
    from astropy.table import MaskedColumn, Table

    flux = pa.field("flux", pa.float64(), metadata={"unit": "mJy", "description": "Flux density",
                                                   "ucd": "phot.flux.density"})  # fmt: skip
    path = write(tmp_path / "lsst.parquet", pa.table([[1.0]], schema=pa.schema([flux])))
    column = described(PARQUET, path)["flux"]
    assert (column.unit, column.label, column.ucd) == ("mJy", "Flux density", "phot.flux.density")

    table = Table({"ra": [53.1, 53.2], "flux": MaskedColumn([1, 2], mask=[False, True])})
    table["ra"].unit, table["ra"].description = "deg", "Right ascension"
    table["mags"] = np.arange(6).reshape(2, 3)
    table["field"] = np.array([b"el1", b"xmm"])
    table.write(tmp_path / "astropy.parquet")
    columns = described(PARQUET, tmp_path / "astropy.parquet")
    assert (columns["ra"].unit, columns["ra"].label) == ("deg", "Right ascension")
    assert list(columns) == ["ra", "flux", "mags", "field"]
    found = read(PARQUET, tmp_path / "astropy.parquet", "flux", "field", ("mags", 1))
    assert [values.tolist() for values in found.values()] == [[1, None], ["el1", "xmm"], [1, 4]]


def test_units_and_ucds_of_a_votable_in_the_file(tmp_path):
    votable = """<?xml version="1.0"?><VOTABLE xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
      <DESCRIPTION>All</DESCRIPTION><RESOURCE><TABLE>
      <FIELD name="ra" datatype="double" unit="deg" ucd="pos.eq.ra;meta.main">
        <DESCRIPTION>Right
          ascension</DESCRIPTION></FIELD>
      <FIELD name="n" datatype="int"/></TABLE></RESOURCE></VOTABLE>"""
    table = pa.table({"ra": [1.0], "n": [1]}).replace_schema_metadata(
        {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": votable}
    )
    columns = described(PARQUET, write(tmp_path / "vo.parquet", table))
    ra = columns["ra"]
    assert (ra.unit, ra.label, ra.ucd) == ("deg", "Right ascension", "pos.eq.ra;meta.main")
    assert columns["n"].ucd == ""


def test_a_folder_is_one_table_in_the_order_of_its_paths(tmp_path):
    for name, first in (("b", 3), ("a/z", 0), ("c", 6)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / f"{name}.parquet", id=[first, first + 1, first + 2])
    (tmp_path / "_metadata").write_bytes(b"PAR1")
    (tmp_path / "README").write_text("what is here")
    assert PARQUET.recognises(tmp_path, b"")
    assert read(PARQUET, tmp_path)["id"].tolist() == list(range(9))
    assert read(PARQUET, tmp_path, rows=(2, 7))["id"].tolist() == [2, 3, 4, 5, 6]


def test_keys_of_hive_folders_are_columns(tmp_path):
    for field, night, ids in (("el%201", 3, [1, 2]), ("xmm", "__HIVE_DEFAULT_PARTITION__", [3])):
        folder = tmp_path / f"field={field}" / f"night={night}"
        folder.mkdir(parents=True)
        write(folder / "part-0.parquet", id=ids)
    found = read(PARQUET, tmp_path)
    assert found["field"].tolist() == ["el 1", "el 1", "xmm"]
    assert found["night"].dtype == np.int64
    assert found["night"].tolist() == [3, 3, None]
    assert read(PARQUET, tmp_path, "night", rows=(1, 3))["night"].tolist() == [3, None]


def test_files_of_other_columns_are_named(tmp_path):
    write(tmp_path / "a.parquet", id=[1], flux=[1.0])
    other = write(tmp_path / "b.parquet", id=[1])
    assert "has a column flux in a.parquet, but not in b.parquet" in refused(tmp_path)
    write(other, id=[1], flux=["1"])
    assert "has a column flux of the type <f8 in a.parquet, but str in b.parquet" in refused(
        tmp_path
    )
    schema = pa.schema([("id", "int64"), pa.field("flux", "double", metadata={"unit": "Jy"})])
    write(other, pa.table([[1], [1.0]], schema=schema))
    assert "has a column flux of the unit none in a.parquet, but Jy in b.parquet" in refused(
        tmp_path
    )


def test_a_column_of_which_one_file_knows_no_value_is_missing_there(tmp_path):
    write(tmp_path / "a.parquet", flux=pa.nulls(2), id=[1, 2])
    write(tmp_path / "b.parquet", id=[3], flux=[1.5])
    assert read(PARQUET, tmp_path)["flux"].tolist() == [None, None, 1.5]


def test_a_damaged_file_of_a_folder_is_named_and_never_left_out(tmp_path):
    write(tmp_path / "a.parquet", id=[1])
    for data, said in (
        (b"", "its file b.parquet is empty"),
        (b"<html>", "its file b.parquet is not a Parquet file"),
        ((tmp_path / "a.parquet").read_bytes()[:-9], "its file b.parquet is truncated"),
        (b"PARE" + bytes(20) + b"PARE", "its file b.parquet is encrypted"),
    ):
        (tmp_path / "b.parquet").write_bytes(data)
        assert refused(tmp_path).startswith(said)
    (tmp_path / "b.parquet").unlink()
    os.mkfifo(tmp_path / "b.parquet")
    assert refused(tmp_path).startswith("its file b.parquet is no regular file")


def test_a_folder_whose_files_are_not_all_valid_is_refused(tmp_path):
    write(tmp_path / "a.parquet", id=[1])
    (tmp_path / "_delta_log").mkdir()
    assert "is a Delta Lake table" in refused(tmp_path)


@pytest.mark.parametrize("groups_of", [None, 0])
def test_a_table_without_rows_has_columns(tmp_path, groups_of):
    with pq.ParquetWriter(tmp_path / "none.parquet", pa.schema([("ra", "double")])) as writer:
        if groups_of == 0:
            writer.write_table(pa.table({"ra": pa.array([], "double")}))
    assert PARQUET.describe(tmp_path / "none.parquet", "").rows == 0
    assert read(PARQUET, tmp_path / "none.parquet")["ra"].shape == (0,)


def test_a_file_that_is_replaced_while_it_is_read_is_an_error(tmp_path):
    path = write(tmp_path / "night.parquet", id=[1, 2])
    with PARQUET.open(path, "", [Wanted("id")]) as values:
        write(tmp_path / "new", id=[3, 4]).replace(path)
        with pytest.raises(SourceError, match="was changed while it was read"):
            values(0, 2)


def test_two_columns_of_one_name_cannot_be_read(tmp_path):
    path = write(tmp_path / "twice.parquet", pa.table([[1], [2], [3]], names=["a", "a", "b"]))
    assert described(PARQUET, path)["a"].unreadable == "2 columns have its name"
    assert read(PARQUET, path)["b"].tolist() == [3]


def test_without_pyarrow_what_to_install_is_said(groups, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert PARQUET.recognises(groups[0], groups[0].read_bytes()[:4096])
    with pytest.raises(SourceError, match="which needs pyarrow, and that is not") as error:
        PARQUET.describe(groups[0], "")
    assert error.value.hint == "pip install 'reportgen[parquet]'"


def test_a_dataset_in_the_file_has_no_name(groups):
    with pytest.raises(SourceError, match="holds one table, which has no name"):
        PARQUET.describe(groups[0], "/swire")

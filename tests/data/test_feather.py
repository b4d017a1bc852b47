import numpy as np
import pytest
from tables_of_formats import described, read, refused

from reportgen.data.feather import FeatherTable

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
feather = pytest.importorskip("pyarrow.feather", reason="pyarrow is not installed")

FEATHER = FeatherTable()
ROWS = 3000


@pytest.fixture(scope="module")
def survey():
    random = np.random.default_rng(3)
    some = random.random(ROWS) < 0.1
    flux = pa.field("flux", pa.float32(), metadata={"unit": "mJy"})
    return pa.table(
        [
            pa.array(2**62 + np.arange(ROWS)),
            pa.array(random.normal(size=ROWS).astype("f4"), mask=some),
            pa.array(some, mask=some[::-1]),
            pa.array(["el1", None, "µ"] * 1000).dictionary_encode(),
        ],
        schema=pa.schema(
            [("id", "int64"), flux, ("star", "bool"),
             ("field", pa.dictionary("int32", "string"))]
        ),
    )  # fmt: skip


def write_stream(table, path):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=700)


@pytest.fixture(scope="module")
def files(survey, tmp_path_factory):
    """The same rows in small batches, compressed, and as a stream, which vaex writes."""
    folder = tmp_path_factory.mktemp("feather")
    feather.write_feather(survey, folder / "a.feather", "uncompressed", chunksize=1000)
    feather.write_feather(survey, folder / "b.feather", "zstd")
    write_stream(survey, folder / "c.arrow")
    return folder / "a.feather", folder / "b.feather", folder / "c.arrow"


def test_values_are_those_written(files, survey):
    for path in files:
        found = read(FEATHER, path)
        assert [found[name].tolist() for name in survey.column_names] == [
            pytest.approx(column.to_pylist(), nan_ok=True) if name == "flux" else column.to_pylist()
            for name, column in zip(survey.column_names, survey.columns, strict=True)
        ]


def test_columns_are_described(files):
    for path in files:
        assert FEATHER.recognises(path, path.read_bytes()[:4096])
        assert FEATHER.describe(path, "").rows == ROWS
        columns = described(FEATHER, path)
        assert {name: (each.dtype, each.unit) for name, each in columns.items()} == {
            "id": ("<i8", ""), "flux": ("<f4", "mJy"), "star": ("|b1", ""), "field": ("str", "")
        }  # fmt: skip


def test_a_value_of_a_row_that_has_no_list_is_missing(tmp_path):
    mags = pa.array([[1, None, 3], None, [4, 5, 6]], pa.list_(pa.int8(), 3))
    feather.write_feather(pa.table({"mags": mags}), tmp_path / "mags.feather")
    for index, expected in enumerate(([1, None, 4], [None, None, 5], [3, None, 6])):
        (found,) = read(FEATHER, tmp_path / "mags.feather", ("mags", index)).values()
        assert (found.dtype, found.tolist()) == (np.int8, expected)


def test_a_table_without_rows_has_columns(survey, tmp_path):
    feather.write_feather(survey.slice(0, 0), tmp_path / "none.feather")
    assert FEATHER.describe(tmp_path / "none.feather", "").rows == 0
    assert read(FEATHER, tmp_path / "none.feather")["flux"].shape == (0,)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"FEA1" + bytes(40), "is a Feather file of version 1, which is no longer read"),
        (b"ARROW1\0\0" + bytes(40), "is truncated: its end is missing"),
        (b"\xff\xff\xff\xff\x10\0\0\0" + bytes(16), "is truncated: its end is missing"),
        (b"ARROW1\0\0" + bytes(40) + b"ARROW1", "cannot be read"),
        (b"hello, world", "is not a Feather file"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, data, said):
    path = tmp_path / "wrong.feather"
    path.write_bytes(data)
    assert refused(FEATHER, path).startswith(said)

import bz2
import gzip
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables_of_formats import FORMATS, described, read
from tables_of_formats import refused as refused_by

from reportgen.data.csv import BLOCK, CsvTable

pytest.importorskip("pyarrow", reason="pyarrow is not installed")

CSV = CsvTable()


@pytest.fixture
def write(tmp_path):
    def write(text, name="swire.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def kinds(path):
    return {name: column.dtype for name, column in described(CSV, path).items()}


refused = partial(refused_by, CSV)


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "  ", " \t "])
def test_the_delimiter_is_told_by_the_text(write, delimiter):
    rows = [("name", "flux", "n"), ("el1", "1.5", "2"), ("xmm", "-3", "4")]
    path = write("\n".join(map(delimiter.join, rows)), "swire.txt")
    assert CSV.recognises(path, path.read_bytes())
    found = {name: values.tolist() for name, values in read(CSV, path).items()}
    assert found == {"name": ["el1", "xmm"], "flux": [1.5, -3.0], "n": [2, 4]}


@pytest.mark.parametrize(
    ("cells", "dtype", "values"),
    [
        ("1 2 -3", "<i8", [1, 2, -3]),
        ("9007199254740993 , +7", "<i8", [9007199254740993, None, 7]),
        ("18446744073709551615 0", "<u8", [18446744073709551615, 0]),
        ("18446744073709551616 0", "str", ["18446744073709551616", "0"]),
        ("18446744073709551615 -1", "str", ["18446744073709551615", "-1"]),
        ("100000000000000000000 0.5", "<f8", [1e20, 0.5]),
        ("1 2.5", "<f8", [1.0, 2.5]),
        ("+1.5 .5 5. 1e-400 -inf 1E3", "<f8", [1.5, 0.5, 5.0, 0.0, -np.inf, 1000.0]),
        ("0.1 2.675 1e23 8.41e21", "<f8", [0.1, 2.675, 1e23, 8.41e21]),
        ("NaN nan NULL null N/A 5", "<i8", [None, None, None, None, None, 5]),
        (", , ,", "<f8", [None, None, None]),
        ('"" "1" 2', "<i8", [None, 1, 2]),
        ("true False TRUE ,", "|b1", [True, False, True, None]),
        ("true 1", "str", ["true", "1"]),
        ("0x1F 2", "str", ["0x1F", "2"]),
        ("1_000 2", "str", ["1_000", "2"]),
        ("1 2 el1 null", "str", ["1", "2", "el1", None]),
        ("007 12", "<i8", [7, 12]),
        ("1d5 2", "str", ["1d5", "2"]),
    ],
)
def test_what_a_column_holds_is_decided_over_all_its_cells(write, cells, dtype, values):
    rows = "\n".join(f"{number},{cell.strip(',')}" for number, cell in enumerate(cells.split()))
    path = write(f"n,x\n{rows}\n")
    assert kinds(path)["x"] == dtype
    assert read(CSV, path)["x"].tolist() == values


def test_a_cell_far_down_decides_too(write):
    rows = 40_000
    cells = [str(number) for number in range(rows)]
    path = write("a,b,c\n" + "\n".join(f"{x},{x},{x}.{'0' * 30}" for x in cells[:-1]) + "\n1,x,2\n")
    assert path.stat().st_size > BLOCK
    assert kinds(path) == {"a": "<i8", "b": "str", "c": "<f8"}
    found = read(CSV, path, rows=(rows - 3, rows))
    assert found["a"].tolist() == [rows - 3, rows - 2, 1]
    assert found["b"].tolist() == [str(rows - 3), str(rows - 2), "x"]


@given(numbers=st.lists(st.floats(), min_size=1, max_size=50))
def test_numbers_are_read_as_python_reads_them(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("csv") / "numbers.csv"
    path.write_text("x,y\n" + "".join(f"{x!r},1.5\n" for x in numbers))
    found = np.ma.filled(read(CSV, path)["x"].astype(float), np.nan)
    assert np.array_equal(found, numbers, equal_nan=True)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2026-11-23", ""], ["2026-11-23T00:00:00.000000", "NaT"]),
        (["2026-11-23T01:02:03.5Z", "2026-11-23T01:02:03+01:00"],
         ["2026-11-23T01:02:03.500000", "2026-11-23T00:02:03.000000"]),
        (["2026-11-23 01:02:03.123456789"], ["2026-11-23T01:02:03.123456789"]),
    ],
)  # fmt: skip
def test_a_column_of_dates_is_one_of_times(write, cells, expected):
    path = write("n,seen\n" + "".join(f"1,{cell}\n" for cell in cells))
    assert kinds(path)["seen"] == "time"
    assert read(CSV, path)["seen"].astype(str).tolist() == expected
    path.write_text(path.read_text() + "1,soon\n")
    assert kinds(path)["seen"] == "str"


def test_comments_a_byte_order_mark_and_carriage_returns_are_no_part_of_it(write):
    path = write(b"\xef\xbb\xbf# made by hand\r\n\r\n#\r\nname, flux\r\nel1 , 1\r\n# end\r\n")
    assert {n: v.tolist() for n, v in read(CSV, path).items()} == {"name": ["el1"], "flux": [1]}


def test_the_header_may_be_the_last_comment(write):
    assert CSV.recognises(Path("a.txt"), b"# SWIRE\n# ra dec\n 1.5 2\n 3 4\n")
    assert list(described(CSV, write("# SWIRE\n# ra, dec\n1,2\n"))) == ["ra", "dec"]
    assert list(described(CSV, write("# ra dec\n 1  2\n", "a.txt"))) == ["ra", "dec"]


def test_units_of_vizier_are_read(write):
    path = write("#VizieR\nRA\tflux\tn\ndeg\tmJy\t\n------\t---\t-\n 53.1\t 2.5\t1\n", "v.tsv")
    columns = described(CSV, path)
    assert {name: column.unit for name, column in columns.items()} == {
        "RA": "deg", "flux": "mJy", "n": ""
    }  # fmt: skip
    assert read(CSV, path)["RA"].tolist() == [53.1]


def test_a_row_of_dashes_is_a_row(write):
    assert read(CSV, write("a,b\n-,-\n1,2\n"))["a"].tolist() == ["-", "1"]


def test_lines_may_end_with_carriage_returns_alone(write):
    assert read(CSV, write("ra,dec\r1,2\r3,4\r"))["dec"].tolist() == [2, 4]


def test_quoted_cells_hold_delimiters_and_line_breaks(write):
    path = write('name,n\n"a, ""b""\nc",1\nd,2\n')
    assert read(CSV, path)["name"].tolist() == ['a, "b"\nc', "d"]


def test_an_index_without_a_name_gets_one(write):
    path = write(",ra\n0,1.5\n1,2.5\n")
    assert read(CSV, path)["column_1"].tolist() == [0, 1]


@pytest.mark.parametrize("text", ["ra,dec", "ra,dec\n", "ra,dec\r\n\r\n# end\r\n"])
def test_a_header_without_rows_is_a_table(write, text):
    path = write(text)
    assert CSV.describe(path, "").rows == 0
    assert read(CSV, path)["ra"].shape == (0,)


def test_compressed_text_is_read(write):
    path = write(gzip.compress(b"ra,dec\n1,2\n"), "swire.csv.gz")
    assert CSV.recognises(path, path.read_bytes())
    assert read(CSV, path)["dec"].tolist() == [2]
    path.write_bytes(path.read_bytes()[:-9])
    assert "is truncated" in refused(path)
    assert read(CSV, write(bz2.compress(b"ra  dec\n1  2\n"), "swire.txt.bz2"))["ra"].tolist() == [1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("# a comment\n", "holds comments only"),
        ("1,2\n3,4\n", "has no header line"),
        ("ra,dec,ra\n1,2,3\n", "has more than one column with the name 'ra'"),
        ("# x\nra,dec\n1,2\n3\n", "has 1 cells in line 4, and 2 in its header"),
        ('ra,dec\n"1\n",2\n3,4,5\n', "has 3 cells in line 4, and 2 in its header"),
        ('ra,dec\n1,2\n"3,4\n5,6\n', "has 1 cells in line 3, and 2 in its header"),
        ("ra  dec\n1  2\n3\n", "has 1 cells in line 3, and 2 in its header"),
        ("name,n\né,1\n".encode("latin-1"), "is not UTF-8 text: its line 2"),
        (b"name,n\n" + b"a,1\n" * 300_000 + b"\xe9,1\n", "is not UTF-8 text"),
        ("ra,dec\n1,2\n".encode("utf-16"), "is text in UTF-16, not in UTF-8"),
        ('ra,dec\n1,"' + "2" * 3 * BLOCK, "has a row of more than 1 MB"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(write, text, said):
    assert refused(write(text)).startswith(said)


def test_a_name_says_that_a_text_is_a_table_unless_it_is_another_thing(write):
    for text, is_table in (("ra\n1\n", True), ("1,2\n", True), ("<html>", False), ("", False)):
        assert CSV.recognises(write(text), text.encode()) is is_table
    path = Path("configs/cdfs.yaml")
    assert not CSV.recognises(path, b"a, b\n1, 2\n")
    assert not CSV.recognises(Path("a.csv"), b"PAR1\x15\0\0")


@pytest.mark.skipif(not FORMATS.is_dir(), reason="../shared/data/formats is not there")
def test_a_public_table():
    path = FORMATS / "../survey/lsdb_xmatch/small_sky.csv"
    expected = np.genfromtxt(path, delimiter=",", names=True)
    found = read(CSV, path)
    assert found["id"].dtype == np.int64
    for name in expected.dtype.names:
        assert np.array_equal(found[name], expected[name])

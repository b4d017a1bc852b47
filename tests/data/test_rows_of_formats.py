"""Any rows of a file are those that are read of all of it, in whatever order they are asked for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables_of_formats import read, same, write_every

from reportgen.data.csv import BLOCK
from reportgen.data.format import Wanted
from reportgen.data.opening import format_of

ROWS = 20_000
NAMES = ["id", "flux", "is_star", "colour", "flux"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_every(tmp_path_factory.mktemp("rows"), ROWS)
    assert (folder / "rows.csv").stat().st_size > BLOCK
    return folder


FILES = "rows.fits rows.fits.gz rows.h5 groups.parquet one_group.parquet rows.feather plain.feather"
FILES += " stream.arrow rows.csv rows.csv.gz rows.vot tabledata.vot rows.vot.gz rows.ecsv"
FILES += " rows.ecsv.gz"


@pytest.mark.parametrize("name", FILES.split())
@settings(max_examples=8, deadline=None)
@given(ranges=st.lists(st.tuples(st.integers(0, ROWS), st.integers(0, 9000)), max_size=4))
def test_any_rows_are_those_of_the_whole(folder, name, ranges):
    path = folder / name
    kind = format_of(path)
    whole = read(kind, path, *NAMES)
    with kind.open(path, "", [Wanted(each) for each in NAMES]) as values:
        for start, length in ranges:
            rows = slice(start, min(start + length, ROWS))
            for each, found in zip(NAMES, values(rows.start, rows.stop), strict=True):
                assert found.dtype == whole[each].dtype
                assert len(found) == rows.stop - rows.start
                assert same(found, whole[each][rows])

"""Each damaged copy of a table gives as many rows as it says, or what is wrong and what to do."""

import h5py
import pytest
from astropy.io import fits
from astropy.table import Table
from tables_of_formats import damaged, read, write_every

from reportgen.data.opening import format_of
from reportgen.errors import SourceError


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = write_every(tmp_path_factory.mktemp("originals"), 300)
    table = Table.read(folder / "rows.ecsv")
    table.write(folder / "binary.vot", format="votable", tabledata_format="binary")
    numbers = [fits.Column(name, "E15.7", array=table[name]) for name in ("ra", "dec")]
    fits.TableHDU.from_columns(numbers).writeto(folder / "ascii.fits")
    with h5py.File(folder / "packed.h5", "w") as file:
        for name in ("ra", "id"):
            data = {"data": table[name], "chunks": (100,), "compression": "gzip"}
            file.create_dataset(f"group/{name}", **data)
    del table["is_star"]  # which neither has
    table.write(folder / "rows.tbl", format="ascii.ipac")
    words = Table({"f4": [1.5, 2.5, 3.5], "id": [1, 2, 3], "name": ["a b", "c", "d"]})
    words.write(folder / "rows.mrt", format="ascii.mrt")
    return folder


@pytest.mark.parametrize(
    ("name", "fewest"),  # of 60 copies, those that are refused
    [
        *(("rows.fits", 20), ("ascii.fits", 20), ("rows.fits.gz", 40), ("groups.parquet", 30)),
        *(("rows.feather", 20), ("plain.feather", 20), ("stream.arrow", 20), ("rows.csv", 0)),
        *(("rows.csv.gz", 40), ("rows.vot", 30), ("tabledata.vot", 30), ("binary.vot", 30)),
        *(("rows.ecsv", 1), ("rows.tbl", 1), ("rows.mrt", 1), ("rows.h5", 20)),
        ("packed.h5", 20),
    ],
)
def test_a_damaged_table_is_read_in_whole_or_refused_with_a_cure(originals, tmp_path, name, fewest):
    path, refused = originals / name, 0
    kind = format_of(path)
    assert read(kind, path)
    for copy in damaged(path, tmp_path, seed=4):
        kind.recognises(copy, copy.read_bytes()[:4096])
        try:
            rows = kind.describe(copy, "").rows
            assert rows <= 10**6, "more rows than can be in so small a file"
            assert {len(values) for values in read(kind, copy).values()} <= {rows}
        except SourceError as error:
            told = error
        else:
            continue
        refused += 1
        assert told.message
        assert told.hint, told.message
        assert "\n" not in told.message
        assert not told.message.startswith(str(copy))
    assert refused >= fewest

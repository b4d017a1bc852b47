import shutil
from functools import partial

import numpy as np
import pytest
from tables_of_formats import FORMATS, described, read
from tables_of_formats import refused as refused_by

from reportgen.data.hats import HatsTable
from reportgen.data.parquet import ParquetTable

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")

HATS = HatsTable()
# Two pixels of order 1 and one of order 2 that lies between them on the sky.
PIXELS = {(1, 44): [1, 2], (2, 180): [3], (1, 46): [4, 5]}


@pytest.fixture
def catalogue(tmp_path):
    folder = tmp_path / "small_sky"
    for (order, pixel), ids in PIXELS.items():
        place = folder / "dataset" / f"Norder={order}" / "Dir=0"
        place.mkdir(parents=True, exist_ok=True)
        table = pa.table({"_healpix_29": [2**61 + each for each in ids], "id": ids,
                          "ra": np.array(ids) / 2, "dec": np.array(ids) / -3})  # fmt: skip
        pq.write_table(table, place / f"Npix={pixel}.parquet")
    (folder / "dataset" / "_common_metadata").write_bytes(b"")
    (folder / "point_map.parquet").write_bytes(b"no partition")
    say(folder, hats_nrows=5, hats_col_ra="ra", hats_col_dec="dec", dataproduct_type="object")
    return folder


def say(folder, **properties):
    lines = ["#HATS catalog", *(f"{key}={value}" for key, value in properties.items())]
    (folder / "hats.properties").write_text("\n".join(lines))


refused = partial(refused_by, HATS)


def test_partitions_come_in_their_order_on_the_sky(catalogue):
    assert HATS.recognises(catalogue, b"")
    assert not ParquetTable().recognises(catalogue, b"")
    table = HATS.describe(catalogue, "")
    assert (table.rows, table.ra, table.dec) == (5, "ra", "dec")
    found = read(HATS, catalogue)
    assert found["id"].tolist() == [1, 2, 3, 4, 5]
    assert found["_healpix_29"].tolist() == [2**61 + each for each in range(1, 6)]
    assert read(HATS, catalogue, "id", rows=(1, 4))["id"].tolist() == [2, 3, 4]
    assert list(found) == ["_healpix_29", "id", "ra", "dec"]


def test_a_pixel_may_be_a_folder_of_files(catalogue):
    place = catalogue / "dataset" / "Norder=1" / "Dir=0"
    (place / "Npix=44").mkdir()
    (place / "Npix=44.parquet").rename(place / "Npix=44" / "part0.parquet")
    assert read(HATS, catalogue)["id"].tolist() == [1, 2, 3, 4, 5]


def test_of_a_collection_the_primary_catalogue_is_read(catalogue):
    (catalogue.parent / "collection.properties").write_text("hats_primary_table_url = small_sky\n")
    assert HATS.recognises(catalogue.parent, b"")
    assert read(HATS, catalogue.parent)["id"].tolist() == [1, 2, 3, 4, 5]
    shutil.rmtree(catalogue)
    assert "its folder small_sky is not there" in refused(catalogue.parent)


def test_a_missing_partition_is_an_error(catalogue):
    (catalogue / "dataset/Norder=2/Dir=0/Npix=180.parquet").unlink()
    assert "its partitions hold 4 rows, its properties say 5" in refused(catalogue)


@pytest.mark.parametrize("product", ["margin", "index", "association"])
def test_what_is_no_catalogue_is_refused(catalogue, product):
    say(catalogue, dataproduct_type=product, hats_primary_table_url="all/small_sky")
    assert "name the catalogue itself: all/small_sky" in refused(catalogue)


def test_positions_that_are_not_there_are_named(catalogue):
    say(catalogue, hats_col_ra="RA_ICRS")
    assert "unknown column 'RA_ICRS'" in refused(catalogue)


def test_files_that_are_no_partitions_are_named(catalogue):
    shutil.copy(catalogue / "dataset/Norder=1/Dir=0/Npix=44.parquet", catalogue / "dataset/x.pq")
    assert "has a file x.pq that is not named Norder=" in refused(catalogue)


def test_damaged_properties_are_named(catalogue):
    (catalogue / "hats.properties").write_bytes(b"hats_nrows=\xff\xfe")
    assert "its file hats.properties cannot be read" in refused(catalogue)


@pytest.mark.skipif(not FORMATS.is_dir(), reason="../shared/data/formats is not there")
@pytest.mark.parametrize(
    "name",
    ["small_sky", "small_sky_nested", "small_sky_npix_as_dir", "small_sky_o1_collection"],
)
def test_public_catalogues(name):
    path = FORMATS / "hats" / name
    found = read(HATS, path)
    assert sorted(found["id"]) == list(range(700, 831))
    assert np.array_equal(found["_healpix_29"], np.sort(found["_healpix_29"]))
    files = sorted(path.rglob("Npix=*.parquet")) or sorted(path.rglob("part0.parquet"))
    whole = [pq.read_table(each, partitioning=None) for each in files if "margin" not in str(each)]
    assert sorted(found["ra"]) == sorted(ra for each in whole for ra in each["ra"].to_pylist())
    if name == "small_sky_nested":
        assert described(HATS, path)["lc"].unreadable == "holds nested values"

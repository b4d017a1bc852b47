import numpy as np
import pytest
from astropy.table import Table

from reportgen.data.dataset import ColumnPlace
from reportgen.data.file_digests import file_digest, stamp
from reportgen.data.format import FileTable
from reportgen.data.opening import describe_here, open_places


@pytest.fixture
def nights(tmp_path):
    for night, rows in enumerate((3, 0, 2, 4)):
        flux = np.ma.MaskedArray(np.arange(rows) + 10.0 * night, mask=np.arange(rows) == 1)
        Table({"flux": flux, "n": np.arange(rows)}, units={"flux": "mJy"}).write(
            tmp_path / f"night_{night}.fits"
        )
    return tmp_path / "night_*.fits"


def test_rows_of_all_files_follow_each_other_whatever_is_asked_for(nights):
    table = describe_here((nights, ""))
    assert isinstance(table, FileTable)
    assert (table.rows, [(c.name, c.unit) for c in table.columns]) == (
        9,
        [("flux", "mJy"), ("n", "")],
    )
    every = [0, np.nan, 2, 20, np.nan, 30, np.nan, 32, 33]
    with open_places([ColumnPlace(nights, field="flux")]) as read:
        for start, stop in [(0, 9), (2, 4), (3, 3), (0, 0), (4, 9), (8, 9), (1, 2)]:
            np.testing.assert_array_equal(read(start, stop)[0], every[start:stop])


def test_files_of_other_columns_are_named(nights):
    Table({"flux": [1.0], "n": [1]}, units={"flux": "Jy"}).write(nights.parent / "night_5.fits")
    assert describe_here((nights, "")).message == (
        f"{nights}: night_5.fits has flux [Jy] where night_0.fits has flux [mJy]"
    )
    Table({"flux": [1.0]}, units={"flux": "mJy"}).write(
        nights.parent / "night_5.fits", overwrite=True
    )
    assert describe_here((nights, "")).message.endswith("night_0.fits differ in n")


def test_a_damaged_file_is_the_one_that_is_named(nights):
    (nights.parent / "night_2.fits").write_bytes(b"SIMPLE")
    assert str(nights.parent / "night_2.fits") in describe_here((nights, "")).message


def test_a_pattern_that_matches_nothing_says_what_is_there(nights):
    error = describe_here((nights.with_name("nigt*.fits"), ""))
    assert error.message.endswith("nigt*.fits: no file matches")
    assert "night_0.fits" in error.hint


def test_a_pattern_is_another_once_a_file_is_added_or_changed(nights):
    before = stamp(nights), file_digest(nights)
    Table({"flux": [1.0], "n": [1]}, units={"flux": "mJy"}).write(nights.parent / "night_6.fits")
    assert stamp(nights) != before[0]
    assert file_digest(nights) != before[1]

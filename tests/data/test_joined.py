import numpy as np
import pytest
from astropy.table import Table
from projects import Project, section

from reportgen.analyses.base import installed_analyses
from reportgen.config.loader import load_report
from reportgen.data.dataset import ColumnPlace
from reportgen.data.file_digests import file_digest, stamp
from reportgen.data.format import FileTable
from reportgen.data.joined import members
from reportgen.data.opening import describe_here, open_places
from reportgen.errors import SourceError


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
    Table({"flux": [1.0], "n": ["one"]}, units={"flux": "mJy"}).write(
        nights.parent / "night_5.fits", overwrite=True
    )
    said = "night_5.fits has texts in n where night_0.fits has numbers"
    assert describe_here((nights, "")).message.endswith(said)


def test_a_damaged_file_is_the_one_that_is_named(nights):
    (nights.parent / "night_2.fits").write_bytes(b"SIMPLE")
    assert str(nights.parent / "night_2.fits") in describe_here((nights, "")).message


def test_a_file_that_is_cut_off_while_rows_are_read_is_the_one_that_is_named(nights):
    with open_places([ColumnPlace(nights, field="flux", where="x.yaml:1:1: f")]) as read:
        assert len(read(0, 3)[0]) == 3
        file = nights.parent / "night_3.fits"
        file.write_bytes(file.read_bytes()[:4000])
        with pytest.raises(SourceError) as caught:
            read(0, 9)
    assert caught.value.message.startswith(f"x.yaml:1:1: f: {file}: ")


def test_a_pattern_that_matches_nothing_says_what_is_there(nights):
    error = describe_here((nights.with_name("nigt*.fits"), ""))
    assert error.message.endswith("nigt*.fits: no file matches")
    assert "night_0.fits" in error.hint


def test_a_pattern_is_another_once_a_file_is_added_or_changed(nights):
    before = stamp(nights), file_digest(nights)
    Table({"flux": [1.0], "n": [1]}, units={"flux": "mJy"}).write(nights.parent / "night_6.fits")
    assert stamp(nights) != before[0]
    assert file_digest(nights) != before[1]


@pytest.fixture
def project(nights):
    made = Project(nights.parent)

    def configure(file, **keys):
        catalogue = {"file": file, **keys}
        made.configure({"all": section("overview")}, catalogues={"stars": catalogue})
        return made

    return configure


def test_a_list_of_files_is_one_catalogue_in_the_order_given(project, nights):
    columns = {"flux": {"file": ["night_3.fits", "night_0.fits"]}, "n": {}}
    built = project(["night_3.fits", "night_0.fits"], columns=columns)
    assert built.build().returncode == 0
    report = load_report(built.config, installed_analyses().types)
    listed = report.catalogues["stars"].file
    with open_places([ColumnPlace(listed, field="flux")]) as read:
        np.testing.assert_array_equal(read(0, 7)[0], [30, np.nan, 32, 33, 0, np.nan, 2])
    assert stamp(listed).bytes == sum(each.stat().st_size for each in members(listed))
    assert built.section("all")["rows"] == 7
    (record,) = built.summary()["inputs"]
    assert record["path"] == "night_3.fits, night_0.fits"
    assert built.build().returncode == 0
    assert built.section("all")["kept"]
    Table({"flux": [1.0], "n": [1]}, units={"flux": "mJy"}).write(
        nights.parent / "night_0.fits", overwrite=True
    )
    assert built.build().returncode == 0
    assert built.section("all")["rows"] == 5


def test_a_list_may_be_long_and_have_patterns(project, nights):
    for number in range(200):
        (nights.parent / f"{number:03}_a_long_name_of_a_night.fits").hardlink_to(
            nights.parent / "night_0.fits"
        )
    files = [f"{number:03}_a_long_name_of_a_night.fits" for number in range(200)]
    built = project([*files, "night_[123].fits"])
    assert built.build().returncode == 0
    assert built.section("all")["rows"] == 606


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        (["night_0.fits", "night_9.fits"], 5, "stars.file: night_9.fits: there is no"),
        (["night_9.fits", "night_8*.fits"], 5, "stars.file: night_9.fits: there is no"),
        (["night_0.fits", "night_8*.fits"], 5, "night_8*.fits: no file matches"),
        (["night_0.fits", "night_0.fits"], 2, "stars.file: night_0.fits is listed twice"),
        ([], 2, "catalogues.stars.file: should be the path of a file, or a list of such"),
        (["night_0.fits", 3], 2, "catalogues.stars.file: should be the path of a file, or a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_list_is_said(project, files, code, said):
    done = project(files).build()
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr

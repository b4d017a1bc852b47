import h5py
import numpy as np
import pytest

from reportgen.config.loader import load_report
from reportgen.config.schema import CatalogueSection
from reportgen.data.catalogue import Catalogue, all_problems, open_catalogues
from reportgen.errors import ExitCode, SourceError

YAML = """\
report: {id: x, title: x}
catalogues:
  swire:
    file: swire.h5
    dataset: table
    missing: [-99]
    columns:
      ra: {index: 0, unit: deg}
      flux: {index: 2, unit: uJy, missing: [0, -99.5]}
      is_host: {file: training.h5, dataset: labels}
sections:
  s: {analysis: any, catalogue: swire, title: s}
"""
TABLE = np.array([[1, 5, 0], [-99, 6, -99], [3, 7, -99.5], [np.inf, 8, np.nan]])
LABELS = np.array([True, False, True, False])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cdfs.yaml").write_text(YAML)
    with h5py.File(tmp_path / "swire.h5", "w") as file:
        file["table"] = TABLE
    with h5py.File(tmp_path / "training.h5", "w") as file:
        file["labels"] = LABELS
    return tmp_path


@pytest.fixture
def opened(folder):
    def opened(*overrides):
        path = folder / "cdfs.yaml"
        report = load_report(path, {"any": CatalogueSection}, overrides, {})
        found = open_catalogues(report.catalogues, report.place)["swire"]
        if isinstance(found, Catalogue):
            return found
        raise found

    return opened


@pytest.fixture
def problems(opened, folder):
    """Return the lines of the error, with the folder left out."""

    def problems(*overrides):
        try:
            error = all_problems(opened(*overrides).broken.values())
        except SourceError as refused:
            error = refused
        assert error.exit_code == ExitCode.SOURCE == 5
        return str(error).replace(f"{folder}/", "").split("\n")

    return problems


def gathered(catalogue, *names):
    with catalogue.reading(names) as read:
        return read(range(catalogue.rows))


def test_columns_of_several_files_make_one_table(opened, folder):
    catalogue = opened()
    assert catalogue.rows == 4
    assert list(catalogue.columns) == ["ra", "flux", "is_host"]
    assert catalogue.columns["flux"].unit == "uJy"
    assert catalogue.files == [
        (folder / "swire.h5", "table"),
        (folder / "training.h5", "labels"),
    ]
    found = gathered(catalogue, "ra", "flux", "is_host")
    np.testing.assert_array_equal(found["ra"], [1, np.nan, 3, np.inf])
    assert found["is_host"].tolist() == [1, 0, 1, 0]
    # Marks of a column stand in for those of the catalogue.
    np.testing.assert_array_equal(found["flux"], [np.nan, -99, np.nan, np.nan])


def test_only_the_columns_asked_for_are_read(opened, folder):
    catalogue = opened()
    (folder / "training.h5").unlink()
    assert gathered(catalogue, "flux").keys() == {"flux"}
    with pytest.raises(SourceError, match="there is no such file"):
        gathered(catalogue, "is_host")


def test_files_of_different_length_are_both_named(problems, folder):
    with h5py.File(folder / "training.h5", "w") as file:
        file["labels"] = np.zeros(7, dtype=bool)
    assert problems() == [
        "cdfs.yaml:3:3: catalogues.swire: its columns have different lengths: "
        "swire.h5: table has 4 rows; training.h5: labels has 7 rows",
        "  → columns of one catalogue are row-aligned; put the others in one of their own",
    ]


def test_a_missing_file_is_said_once_with_the_line_that_names_it(problems, folder):
    (folder / "swire.h5").unlink()
    assert problems() == [
        "cdfs.yaml:4:5: catalogues.swire.file: swire.h5: there is no such file",
        f"  → table files in {folder}: training.h5",
    ]
    (folder / "training.h5").unlink()
    assert [line for line in problems() if not line.startswith(" ")] == [
        "cdfs.yaml:4:5: catalogues.swire.file: swire.h5: there is no such file",
        "cdfs.yaml:10:17: catalogues.swire.columns.is_host.file: training.h5: there is no such "
        "file",
    ]


def test_a_missing_dataset_is_said_once_with_the_line_that_names_it(problems):
    assert problems("catalogues.swire.dataset=tabel") == [
        "--set catalogues.swire.dataset=tabel: catalogues.swire.dataset: swire.h5: "
        "unknown dataset '/tabel'; did you mean '/table'? (known: /table)"
    ]
    assert problems("catalogues.swire.columns.is_host.dataset=x")[0].startswith(
        "--set catalogues.swire.columns.is_host.dataset=x: "
    )


def test_everything_that_is_wrong_is_listed(problems):
    found = problems(
        "catalogues.swire.columns.ra.index=9", "catalogues.swire.columns.is_host.index=0"
    )
    assert found == [
        "cdfs.yaml:8:7: catalogues.swire.columns.ra: swire.h5: table has 3 values in each row, "
        "counted from 0, so there is no index 9",
        "cdfs.yaml:10:7: catalogues.swire.columns.is_host: training.h5: labels has one value in "
        "each row: leave out index",
    ]


def test_some_columns_may_be_broken_but_not_all(opened, folder):
    (folder / "training.h5").unlink()
    catalogue = opened()
    assert list(catalogue.broken) == ["is_host"]
    assert "there is no such file" in catalogue.broken["is_host"].message
    assert gathered(catalogue, "ra")["ra"][0] == 1
    (folder / "swire.h5").unlink()
    with pytest.raises(SourceError):
        opened()


def test_a_catalogue_says_what_any_of_its_files_says(opened, folder):
    assert opened().synthetic == ""
    with h5py.File(folder / "training.h5", "r+") as file:
        file.attrs["synthetic"] = "not observed"
    assert opened().synthetic == "not observed"

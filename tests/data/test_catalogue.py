import os
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.config.loader import load_report
from reportgen.config.schema import CatalogueSection
from reportgen.data.catalogue import all_problems, open_catalogue, synthetic_mark
from reportgen.errors import ExitCode, SourceError
from reportgen.reduce.partitions import parts as parted

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
    def opened(*overrides, **options):
        path = folder / "cdfs.yaml"
        report = load_report(path, {"any": CatalogueSection}, overrides, {})
        return open_catalogue(report, "swire", **options)

    return opened


@pytest.fixture
def problems(opened, folder):
    """Give the lines of the error, with the folder left out."""

    def problems(*overrides):
        with pytest.raises(SourceError) as caught:
            opened(*overrides)
        assert caught.value.exit_code == ExitCode.SOURCE == 5
        return str(caught.value).replace(f"{folder}/", "").split("\n")

    return problems


def gathered(catalogue, *names, rows=None):
    with catalogue.reading(names) as read:
        return read(range(catalogue.rows) if rows is None else rows)


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


def test_marks_of_a_column_stand_in_for_those_of_the_catalogue(opened):
    found = gathered(opened(), "flux")["flux"]
    np.testing.assert_array_equal(found, [np.nan, -99, np.nan, np.nan])


def test_only_the_columns_asked_for_are_read(opened, folder):
    catalogue = opened()
    (folder / "training.h5").unlink()
    assert gathered(catalogue, "flux").keys() == {"flux"}
    with pytest.raises(SourceError, match="there is no such file"):
        gathered(catalogue, "is_host")


def test_several_threads_read_their_own_rows(opened, folder):
    with h5py.File(folder / "swire.h5", "w") as file:
        file["table"] = np.arange(30_000.0).reshape(10_000, 3)
    with h5py.File(folder / "training.h5", "w") as file:
        file["labels"] = np.zeros(10_000, dtype=bool)
    catalogue = opened()
    ranges = [range(start, start + 100) for start in range(0, 10_000, 100)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda rows: gathered(catalogue, "ra", rows=rows)["ra"], ranges))
    assert np.concatenate(found).tolist() == np.arange(0, 30_000.0, 3).tolist()


def test_a_catalogue_without_rows_is_opened_and_gives_none(opened, folder):
    with h5py.File(folder / "swire.h5", "w") as file:
        file["table"] = np.empty((0, 3))
    with h5py.File(folder / "training.h5", "w") as file:
        file["labels"] = np.empty(0, dtype=bool)
    catalogue = opened()
    assert catalogue.rows == 0
    assert [len(values) for values in gathered(catalogue, "ra", "is_host").values()] == [0, 0]


def test_files_of_different_length_are_both_named(problems, folder):
    with h5py.File(folder / "training.h5", "w") as file:
        file["labels"] = np.zeros(7, dtype=bool)
    assert problems() == [
        "cdfs.yaml:3:3: catalogues.swire: its columns have different lengths: "
        "swire.h5: table has 4 rows; training.h5: labels has 7 rows",
        "  → columns of one catalogue are row-aligned; put the others in a catalogue of their own",
    ]


def test_a_missing_file_is_said_once_with_the_line_that_names_it(problems, folder):
    (folder / "swire.h5").unlink()
    assert problems() == [
        "cdfs.yaml:4:5: catalogues.swire.file: swire.h5: there is no such file",
        f"  → HDF5 files in {folder}: training.h5",
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
        "catalogues.swire.columns.ra.index=9",
        "catalogues.swire.columns.flux.index=3",
        "catalogues.swire.columns.is_host.index=0",
    )
    assert found == [
        "cdfs.yaml:8:7: catalogues.swire.columns.ra: swire.h5: /table has 3 columns, so there is "
        "no column index 9",
        "  → the last one is 2",
        "cdfs.yaml:9:7: catalogues.swire.columns.flux: swire.h5: /table has 3 columns, so there "
        "is no column index 3",
        "  → the last one is 2",
        "cdfs.yaml:10:7: catalogues.swire.columns.is_host: training.h5: /labels has shape (4,), "
        "which is not a column",
        "  → leave out index: the dataset is one column",
    ]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_text("SIMPLE"), "swire.h5: is not an HDF5 file"),
        (lambda path: os.truncate(path, 900), "swire.h5: is truncated"),
        (lambda path: (path.unlink(), path.mkdir()), "swire.h5: is a folder"),
    ],
)
def test_a_file_that_cannot_be_opened_is_named_with_its_line(problems, folder, damage, said):
    damage(folder / "swire.h5")
    assert problems()[0].startswith(f"cdfs.yaml:4:5: catalogues.swire.file: {said}")


def test_damage_found_while_reading_names_the_line_the_file_and_the_dataset(opened, folder):
    path = folder / "swire.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("table", data=TABLE, chunks=(2, 3), compression="gzip")
        chunk = file["table"].id.get_chunk_info(1)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\x00" * chunk.size)
    catalogue = opened()
    with pytest.raises(SourceError) as caught:
        gathered(catalogue, "ra", "is_host")
    assert caught.value.exit_code == ExitCode.SOURCE
    assert caught.value.message.startswith(
        f"{folder}/cdfs.yaml:8:7: catalogues.swire.columns.ra: {path}: table: rows 0 to 4 cannot be"
    )


def test_some_columns_may_be_broken_when_that_is_accepted(opened, folder):
    (folder / "training.h5").unlink()
    catalogue = opened(partial=True)
    assert list(catalogue.broken) == ["is_host"]
    assert "there is no such file" in catalogue.broken["is_host"].message
    assert gathered(catalogue, "ra")["ra"][0] == 1
    (folder / "swire.h5").unlink()
    with pytest.raises(SourceError):
        opened(partial=True)


def test_one_problem_keeps_its_hint_apart():
    error = SourceError("a.yaml:1:1: x: f.h5: is gone", "look for it")
    assert all_problems([error]) is error
    again = SourceError("a.yaml:2:1: y: f.h5: is gone", "look for it")
    assert all_problems([error, again]) is error


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("made by reportgen sample", "made by reportgen sample"),
        (b"made by x", "made by x"),
        (np.bytes_(b"made by x"), "made by x"),
        (np.array(["made by x"], dtype=object), "made by x"),
        (np.array([b"made by x"]), "made by x"),
        (np.empty(0), ""),
        (True, "The file is marked as synthetic."),
        (np.array([1, 0]), "The file is marked as synthetic."),
        (False, ""),
        (0, ""),
        ("", ""),
    ],
)
def test_a_file_says_that_it_is_synthetic(mark, said):
    assert synthetic_mark({"synthetic": mark}) == said


def test_a_catalogue_says_what_any_of_its_files_says(opened, folder):
    assert opened().synthetic == ""
    with h5py.File(folder / "training.h5", "r+") as file:
        file.attrs["synthetic"] = "not observed"
    assert opened().synthetic == "not observed"


@given(
    st.integers(0, 60),
    st.sampled_from(["f4", "f8", "i2", "u8"]),
    st.integers(1, 50),
    st.sampled_from([None, (7, 1), (20, 3)]),
)
def test_rows_join_to_the_dataset_whatever_its_layout(
    tmp_path_factory, rows, kind, rows_at_once, layout
):
    folder = tmp_path_factory.getbasetemp()
    (folder / "any.yaml").write_text(YAML)
    table = np.arange(3 * rows).reshape(rows, 3).astype(kind)
    with h5py.File(folder / "swire.h5", "w") as file:
        options = {} if layout is None else {"chunks": layout, "compression": "gzip"}
        file.create_dataset("table", data=table, maxshape=(None, 3) if layout else None, **options)
    with h5py.File(folder / "training.h5", "w") as file:
        file["labels"] = np.zeros(rows, dtype=bool)
    report = load_report(folder / "any.yaml", {"any": CatalogueSection}, (), {})
    catalogue = open_catalogue(report, "swire")
    with catalogue.reading(["ra", "flux"]) as read:
        parts = [read(part) for part in parted(range(rows), rows_at_once)]
    for name, index in (("ra", 0), ("flux", 2)):
        found = np.concatenate([[], *(part[name] for part in parts)])
        expected = np.where((table[:, index] == 0) & (name == "flux"), np.nan, table[:, index])
        np.testing.assert_array_equal(found, expected)

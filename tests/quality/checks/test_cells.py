import math

import numpy as np
import pytest

from reportgen.analyses.results import Section, Table, TableColumn
from reportgen.quality.checks.facts import cell_reader
from reportgen.render.saving import section_files


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A table as a run folder has it: the folder, and the record."""
    folder = tmp_path_factory.mktemp("run")
    columns = [
        TableColumn.of("band", ["3.6", "4.5 µm", "24", "24"]),
        TableColumn.of("number", [1, 2, 3, 3]),
        TableColumn.of("median", [10.5, np.nan, 248.04, 7.0], "uJy"),
        TableColumn.of("kind", np.ma.array(["a", "b", "c", "d"], mask=[1, 0, 0, 0])),
    ]
    made = section_files(Section(["x"], tables=[Table("bands", "Bands", columns)]), "fluxes")
    for name, content in made.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder, made.tables[0]


@pytest.fixture
def read(saved):
    folder, record = saved
    reader = cell_reader(folder)
    return lambda row, column: reader(record, row, column)


@pytest.mark.parametrize(
    ("row", "value"),
    [
        (0, 10.5),
        (2, 248.04),
        ({"band": "3.6"}, 10.5),
        ({"band": 3.6}, 10.5),
        ({"number": 1}, 10.5),
        ({"number": "1"}, 10.5),
        ({"number": 3, "median": 7}, 7),
        ({"kind": "c"}, 248.04),
    ],
)
def test_a_cell_is_found_by_the_number_of_its_row_or_by_values(read, row, value):
    assert read(row, "median") == value
    assert math.isnan(read(1, "median"))


@pytest.mark.parametrize(
    ("row", "column", "error", "said"),
    [
        (4, "median", LookupError, "the table bands has only 4 rows"),
        ({"band": "8"}, "median", LookupError, "the table bands has no such row"),
        ({"number": "x"}, "median", LookupError, "no such row"),
        ({"median": float("nan")}, "median", LookupError, "no such row"),
        ({"kind": "a"}, "median", LookupError, "no such row"),
        ({"band": "24"}, "median", ValueError, "2 rows of the table bands are so"),
        (0, "nope", ValueError, "has no column nope"),
        ({"nope": 1}, "median", ValueError, "has no column nope"),
        (1, "band", ValueError, "is no number"),
    ],
)
def test_a_cell_that_is_not_there_or_cannot_be_told_is_said(read, row, column, error, said):
    with pytest.raises(error, match=said):
        read(row, column)


@pytest.mark.parametrize("content", [None, b"", b"\xff\x00", b"# %ECSV 1.0\n# nothing"])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, saved, content):
    path = tmp_path / saved[1].files["ecsv"]
    if content is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"bands\.ecsv cannot be read"):
        cell_reader(tmp_path)(saved[1], 0, "median")

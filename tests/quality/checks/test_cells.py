import math

import numpy as np
import pytest

from reportgen.analyses.results import Section, Table, TableColumn
from reportgen.quality.checks.facts import cell_reader
from reportgen.render.saving import section_files


@pytest.fixture
def record(tmp_path):
    """A table as a run folder has it."""
    table = Table(
        "bands",
        "Bands",
        [
            TableColumn.of("band", ["3.6", "4.5 µm", "24", "24"]),
            TableColumn.of("number", [1, 2, 3, 3]),
            TableColumn.of("median", [10.5, np.nan, 248.04, 7.0], "uJy"),
            TableColumn.of("kind", np.ma.array(["a", "b", "c", "d"], mask=[1, 0, 0, 0])),
        ],
    )
    made = section_files(Section(["x"], tables=[table]), "fluxes")
    for name, content in made.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return made.tables[0]


@pytest.fixture
def read(tmp_path, record):
    reader = cell_reader(tmp_path)
    return lambda row, column: reader(record, row, column)


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        (0, "median", 10.5),
        (2, "median", 248.04),
        ({"band": "3.6"}, "median", 10.5),
        ({"band": 3.6}, "median", 10.5),
        ({"number": 1}, "median", 10.5),
        ({"number": "1"}, "median", 10.5),
        ({"number": 3, "median": 7}, "number", 3),
        ({"kind": "c"}, "median", 248.04),
    ],
)
def test_a_cell_is_found_by_the_number_of_its_row_or_by_values(read, row, column, value):
    assert read(row, column) == value


def test_a_missing_value_is_nan(read):
    assert math.isnan(read(1, "median"))
    assert math.isnan(read({"band": "4.5 µm"}, "median"))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (4, "the table bands has only 4 rows"),
        ({"band": "8"}, "the table bands has no such row"),
        ({"number": "x"}, "no such row"),
        ({"median": float("nan")}, "no such row"),
        ({"kind": "a"}, "no such row"),
    ],
)
def test_a_row_that_is_not_there_is_missing(read, row, said):
    with pytest.raises(LookupError, match=said):
        read(row, "median")


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ({"band": "24"}, "median", "2 rows of the table bands are so"),
        (0, "nope", "has no column nope"),
        ({"nope": 1}, "median", "has no column nope"),
        (1, "band", "is no number"),
    ],
)
def test_a_cell_that_cannot_be_told_is_an_error(read, row, column, said):
    with pytest.raises(ValueError, match=said):
        read(row, column)


@pytest.mark.parametrize("content", [None, b"", b"\xff\x00", b"# %ECSV 1.0\n# nothing"])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, record, content):
    path = tmp_path / record.files["ecsv"]
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ValueError, match=r"bands\.ecsv cannot be read"):
        cell_reader(tmp_path)(record, 0, "median")

"""Reports on computed columns, texts and flags, as a user builds them."""

import numpy as np
import pytest
from astropy.table import Table
from projects import Project, section

RATIO = {"ratio": {"expression": "total / peak"}}
OVERVIEW = section("overview")
RATIOS = section("distribution", columns=["ratio"], where="field == 'el1' and total > 0.5 mJy")


def catalogue(**columns):
    """Return the catalogues of the configuration. columns: those that it lists."""
    return {"stars": {"file": "stars.fits", "columns": columns}}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with one run; tests leave it as they found it."""
    project = Project(tmp_path_factory.mktemp("computed"))
    rows = np.arange(1200)
    table = Table(
        {
            "id": 2**60 + rows,
            "total": np.where(rows < 12, 5.0, rows),
            "peak": np.where(rows < 12, 0.0, 2.0),
            "flags": rows % 5,
            "field": np.where(rows % 3 == 0, "el1", "cdfs"),
            "name": [f"J{row:04}" for row in rows],
        },
        units={"total": "uJy", "peak": "uJy"},
    )
    table.write(project.folder / "stars.fits")
    project.configure({"all": OVERVIEW, "ratios": RATIOS}, catalogues=catalogue(**RATIO))
    done = project.build()
    assert done.returncode == 0, done.stderr
    return project


def test_the_overview_says_how_columns_are_computed_and_how_often_they_could_not_be(project):
    notes = project.section("all")["notes"]
    assert "Computed: ratio = total / peak (not computable: 12)." in notes


def test_the_overview_has_a_table_of_texts_flags_and_identifiers(project):
    assert project.section("all")["findings"][0].startswith(
        "1,200 rows, 5 columns of numbers and 2 of text. Values are missing in one: "
    )
    table = Table.read(project.latest / "sections/all/tables/distinct.csv", format="ascii.csv")
    assert list(table["column"]) == ["id", "flags", "field", "name"]
    assert list(table["distinct"]) == [">1000", "5", "2", ">1000"]
    commonest = dict(zip(table["column"], table["commonest"], strict=True))
    assert commonest["field"] == "cdfs (800) and el1 (400)"
    assert commonest["flags"] == "0 (240), 1 (240), 2 (240), 3 (240) and 4 (240)"
    table = Table.read(project.latest / "sections/all/tables/columns.ecsv")
    medians = dict(zip(table["column"], table["median"].filled(np.nan), strict=True))
    assert [name for name, middle in medians.items() if np.isnan(middle)] == ["id", "flags"]


def test_a_selection_by_text_and_by_a_quantity_is_said_as_it_was_written(project):
    found = project.section("ratios")
    assert found["where"] == "field == 'el1' and total > 0.5 mJy"
    assert found["rows"] == sum(row > 500 for row in range(0, 1200, 3))


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({}, None),
        ({"ratio": {"expression": "total/peak"}}, None),
        ({"ratio": {"expression": "total / peak / 2"}}, "ratios"),
        ({"total": {"unit": "mJy"}}, "ratios"),  # the same text, but another selection
    ],
)
def test_a_section_is_made_anew_when_what_its_column_is_computed_by_is_another(
    project, columns, why
):
    before = {"all": OVERVIEW, "ratios": RATIOS}
    project.configure(before, catalogues=catalogue(**(RATIO | columns)))
    assert project.plan()["ratios"][0] == ("made" if why else "kept")
    project.configure(before, catalogues=catalogue(**RATIO))


def test_check_says_what_is_wrong_with_an_expression(project):
    wrong = {"ratio": {"expression": "total / peek"}}
    project.configure({"all": OVERVIEW}, catalogues=catalogue(**wrong))
    done = project.call("check", project.config)
    project.configure({"all": OVERVIEW, "ratios": RATIOS}, catalogues=catalogue(**RATIO))
    assert done.returncode == 2
    assert (
        "catalogues.stars.columns.ratio.expression: at character 9: unknown column" in done.stderr
    )
    assert "did you mean 'peak'" in done.stderr

"""Drafts: a report of some of the rows, which is no night of the report."""

import numpy as np
import pytest
from projects import section, small_project

ROWS = 3 * 2**16 + 100
DRAFT = "This is a draft of 131,072 of the 196,708 rows of stars."


@pytest.fixture
def project(tmp_path):
    project = small_project(tmp_path)
    project.write(number=np.arange(float(ROWS)))
    del project.columns["flux"], project.columns["size"]
    check = {"metric": "number_median", "drift": {"nights": 14, "most": 3}}
    wanted = {"columns": ["number"], "histograms": []}
    project.configure({"numbers": section("distribution", **wanted, checks=[check])})
    return project


def test_a_draft_has_some_rows_and_says_so_and_leaves_the_nights_alone(project):
    env = {"REPORTGEN_HISTORY": f"sqlite:///{project.folder}/shared.sqlite"}
    assert project.build(env=env).returncode == 0
    before = {path: path.stat().st_mtime_ns for path in project.folder.rglob("*")}
    done = project.build("--rows", "1.4e5", env=env)
    assert done.returncode == 0, done.stderr
    assert DRAFT in done.stdout
    draft = project.out / "draft-140000" / "latest"
    assert DRAFT in project.page(draft)
    record = project.summary(draft)
    assert record["run"]["most_rows"] == 140_000
    assert record["run"]["draft"] == ["131,072 of the 196,708 rows of stars"]
    (numbers,) = record["sections"]
    # The first and the third of four blocks, of which the last has a hundred rows.
    assert numbers["rows"] == 2**17
    assert numbers["metrics"]["number_median"]["value"] == pytest.approx(2**16 * 1.5, abs=2**15)
    after = {path: path.stat().st_mtime_ns for path in before if path != project.out}
    assert after.items() <= before.items()
    assert project.call("verify", draft).returncode == 0


def test_a_catalogue_that_is_small_enough_is_whole_in_a_draft(project):
    done = project.build("--rows", "1e6")
    assert "This is a draft of all rows." in done.stdout


@pytest.mark.parametrize("rows", ["0", "1.5", "many", "nan", "inf"])
def test_a_number_of_rows_that_is_none_is_refused(project, rows):
    done = project.build("--rows", rows)
    assert done.returncode == 2
    assert f"'{rows}' is not a number of rows, such as 1e6" in done.stderr

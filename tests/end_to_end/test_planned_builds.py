"""What would be made anew, and why, said without making it."""

import numpy as np
import pytest
from projects import DISTRIBUTION, files_of, section, small_project

OVERVIEW = section("overview")
TREND = {"analysis": "trend", "title": "Nights", "metrics": ["fluxes.flux_median"]}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with one run; tests leave it as they found it."""
    project = small_project(tmp_path_factory.mktemp("planned"))
    project.configure({"fluxes": DISTRIBUTION, "overview": OVERVIEW, "nights": TREND})
    assert "3 of 3 sections would be made" in project.call("plan", project.config).stdout
    assert not project.out.exists(), "to plan is to write nothing"
    done = project.build()
    assert done.returncode == 0, done.stderr
    return project


def test_nothing_new_is_nothing_to_make_but_what_is_about_the_nights(project):
    before = files_of(project.folder)
    assert project.plan() == {
        "fluxes": ("kept", "nothing has changed of which it is made"),
        "overview": ("kept", "nothing has changed of which it is made"),
        "nights": ("made", "it is about the nights, of which there is a new one"),
    }
    assert files_of(project.folder) == before


def test_a_parameter_is_named_and_other_sections_stay(project):
    planned = project.plan("--set", "sections.fluxes.title=Bright")
    assert planned["fluxes"] == ("made", "title changed in the configuration")
    assert planned["overview"][0] == "kept"


def test_a_column_is_named_and_sections_that_do_not_read_it_stay(project):
    size = np.arange(200.0)
    with_size = project.folder / "stars.h5"
    before = with_size.read_bytes()
    project.write(size=size)
    try:
        planned = project.plan()
    finally:
        with_size.write_bytes(before)
    assert planned["overview"] == ("made", "column size has other values")
    assert planned["fluxes"][0] == "kept"


def test_a_source_that_is_not_there_is_said(project):
    away = project.folder / "away.h5"
    (project.folder / "stars.h5").rename(away)
    try:
        done = project.call("plan", project.config)
    finally:
        away.rename(project.folder / "stars.h5")
    assert done.stdout.splitlines()[0] == "fluxes    made  it cannot be made"
    assert done.stderr.startswith("Error: fluxes, overview: ")
    assert done.stderr.count("stars.h5: there is no such file") == 1


def test_a_column_whose_file_is_gone_is_no_column_with_other_values(tmp_path):
    project = small_project(tmp_path)
    project.write(third=np.arange(200.0))
    (project.folder / "stars.h5").rename(project.folder / "third.h5")
    project.write(flux=np.arange(1.0, 201.0), size=np.arange(200.0))
    project.columns["third"]["file"] = "third.h5"
    project.configure({"fluxes": DISTRIBUTION, "overview": OVERVIEW})
    assert project.build().returncode == 0
    (project.folder / "third.h5").unlink()
    planned = project.plan()
    assert planned["fluxes"][0] == "kept"
    assert planned["overview"] == ("made", "it cannot be made")
    said = project.call("plan", project.config).stderr
    assert said.startswith("Error: overview: ")
    assert "third.h5: there is no such file" in said


def test_a_profile_that_cannot_be_written_costs_no_report_and_is_told(project, tmp_path):
    done = project.build("--output", tmp_path / "out", "--profile", tmp_path / "nowhere" / "x.txt")
    assert done.returncode == 4
    assert "x.txt: cannot be written: No such file or directory" in done.stderr
    assert (tmp_path / "out" / "latest" / "report.html").is_file()

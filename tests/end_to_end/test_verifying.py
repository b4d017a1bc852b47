"""Runs that are computed again."""

import shutil

import numpy as np
import pytest
from projects import HISTOGRAM, Project, files_of, section, small_project

OVERVIEW = section("overview")
TREND = {"analysis": "trend", "title": "Nights", "metrics": ["fluxes.flux_median"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with one run, whose clock was not fixed. Do not change it: `project`."""
    project = small_project(tmp_path_factory.mktemp("verified"))
    project.configure(
        {"fluxes": HISTOGRAM, "overview": OVERVIEW, "nights": TREND},
        output={"folder": "out", "formats": ["html", "pdf"]},
    )
    done = project.build()
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def project(made, tmp_path):
    """A copy of it that a test may change."""
    folder = tmp_path / "copy"
    shutil.copytree(made.folder, folder, symlinks=True)
    copied = Project(folder, columns=dict(made.columns))
    # The record knows the configuration by its path.
    record = copied.latest / "summary.json"
    text = record.read_text("utf-8").replace(str(made.config), str(copied.config))
    record.write_text(text, encoding="utf-8")
    return copied


def test_a_run_is_the_same_when_it_is_computed_again(made):
    before = files_of(made.latest)
    done = made.call("verify", "out/latest", "--workers", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "files of 3 sections are the same" in done.stdout
    assert files_of(made.latest) == before


def test_other_data_are_found_and_named_as_the_cause(project):
    project.write(flux=np.arange(200.0))
    done = project.call("verify", "out/latest")
    assert done.returncode == 1
    assert "metric fluxes.flux_median was " in done.stdout
    assert "sections/fluxes/figures/histogram_1.svg has other bytes" in done.stdout
    assert "stars.h5 has changed since" in done.stdout


def test_a_changed_configuration_does_not_matter_as_the_run_has_its_own(project):
    project.configure({"other": HISTOGRAM})
    done = project.call("verify", "out/latest")
    assert done.returncode == 0, done.stdout + done.stderr


def test_damaged_files_of_the_run_are_found(project):
    (project.latest / "sections/fluxes/figures/histogram_1.png").unlink()
    changed = project.latest / "sections/fluxes/figures/histogram_1.svg"
    changed.unlink()  # it is closed, and perhaps a link of other nights
    changed.write_bytes(b"x")
    done = project.call("verify", "out/latest", "--quiet")
    assert done.returncode == 1
    assert "sections/fluxes/figures/histogram_1.png is missing from the run" in done.stdout
    assert "histogram_1.svg has other bytes (1 before, " in done.stdout

"""What tests share: a small survey, one built report, a small project of their own."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from projects import CONFIG, REAL, ROWS, read_summary, reportgen, small_project

# A busy machine is not a failure: what a test asserts is never how long it takes.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture
def project(tmp_path):
    return small_project(tmp_path)


@pytest.fixture(scope="session")
def survey(tmp_path_factory):
    """A small synthetic survey in the layout of the real files."""
    folder = tmp_path_factory.mktemp("survey")
    done = reportgen("sample", folder, "--rows", ROWS, "--images", 6)
    assert done.returncode == 0, done.stderr
    return folder


@dataclass(frozen=True)
class Build:
    """A build of configs/cdfs.yaml: what was said, and the folder of all its runs."""

    done: subprocess.CompletedProcess
    folder: Path

    @property
    def run(self):
        return self.folder / "latest"


@pytest.fixture(scope="session")
def built(survey, tmp_path_factory):
    """The CDFS report of the small survey, with a fixed time. Do not change it: `copied_run`."""
    folder = tmp_path_factory.mktemp("built")
    env = {"CDFS_DATA": str(survey), "SOURCE_DATE_EPOCH": "1760000000"}
    done = reportgen(CONFIG, "--output", folder, "--workers", 2, "--verbose", env=env)
    assert done.returncode == 0, done.stderr
    return Build(done, folder)


@pytest.fixture(scope="session")
def built_real(tmp_path_factory):
    """A run of configs/real.yaml, on real objects. Do not change it."""
    if not REAL.exists():
        pytest.skip("there is no ../shared/data/cdfs_real/crowdastro_cdfs.h5 beside the repository")
    folder = tmp_path_factory.mktemp("real")
    env = {"CROWDASTRO_H5": str(REAL), "SOURCE_DATE_EPOCH": "1760000000"}
    arguments = ("--output", folder, "--set", "output.formats=[html]")
    done = reportgen(CONFIG.with_name("real.yaml"), *arguments, env=env)
    assert (folder / "latest").exists(), done.stderr
    return folder / "latest"


@pytest.fixture
def copied_run(built, tmp_path):
    """A copy of the built run that a test may change."""
    return Path(shutil.copytree(built.run.resolve(), tmp_path / "run"))


@pytest.fixture(scope="session")
def summary(built):
    """The record of the built report."""
    return read_summary(built.run)

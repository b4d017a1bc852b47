"""What tests share: a small survey, one built report, a small project of their own."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings
from projects import CONFIG, REAL, ROWS, call, read_summary, reportgen, small_project

from reportgen.build.sections import PRELOADED
from reportgen.workers.pool import set_preloaded

# The first task of pytest's process decides what is imported once for all later ones: of a command
# that needs none of it, nothing, and then each of their tasks would take a second more.
set_preloaded(PRELOADED)

# A busy machine is not a failure: what a test asserts is never how long it takes.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture
def project(tmp_path):
    return small_project(tmp_path)


@pytest.fixture(scope="session")
def make_once(tmp_path_factory):
    """Make a folder once for all processes of pytest-xdist; returns it, with what was noted of it.

    It must not be changed. make: fills it, and returns a note for JSON.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def folder_of(name, make):
        folder, note = shared / name, shared / f"{name}.json"
        with FileLock(shared / f"{name}.lock"):
            if not note.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                note.write_text(json.dumps(make(folder)))
        return folder, json.loads(note.read_text())

    return folder_of


@pytest.fixture(scope="session")
def survey(make_once):
    """A small synthetic survey in the layout of the real files."""

    def make(folder):
        done = call("sample", folder, "--rows", ROWS, "--images", 6)
        assert done.returncode == 0, done.stderr

    return make_once("survey", make)[0]


@dataclass(frozen=True)
class Build:
    """A build of configs/cdfs.yaml. folder: of all its runs. said: on its standard error."""

    folder: Path
    said: str

    @property
    def run(self):
        return self.folder / "latest"


@pytest.fixture(scope="session")
def built(survey, make_once):
    """The CDFS report of the small survey, with a fixed time. Do not change it: `copied_run`."""

    def make(folder):
        env = {"CDFS_DATA": str(survey), "SOURCE_DATE_EPOCH": "1760000000"}
        done = reportgen(CONFIG, "--output", folder, "--workers", 2, "--verbose", env=env)
        assert done.returncode == 0, done.stderr
        return done.stderr

    return Build(*make_once("built", make))


@pytest.fixture(scope="session")
def built_real(make_once):
    """A run of configs/real.yaml, on real objects. Do not change it."""
    if not REAL.exists():
        pytest.skip("there is no ../shared/data/cdfs_real/crowdastro_cdfs.h5 beside the repository")

    def make(folder):
        env = {"CROWDASTRO_H5": str(REAL), "SOURCE_DATE_EPOCH": "1760000000"}
        arguments = ("--output", folder, "--set", "output.formats=[html]")
        done = call(CONFIG.with_name("real.yaml"), *arguments, env=env)
        assert (folder / "latest").exists(), done.stderr

    return make_once("real", make)[0] / "latest"


@pytest.fixture
def copied_run(built, tmp_path):
    """A copy of the built run that a test may change."""
    return Path(shutil.copytree(built.run.resolve(), tmp_path / "run"))


@pytest.fixture(scope="session")
def summary(built):
    """The record of the built report."""
    return read_summary(built.run)


# Mail servers; each test finds them as new. What they need is imported where they are wanted: CI
# runs some tests in Pythons that lack it.


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    from mail_servers import Certificates

    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def _relay():
    from mail_servers import smtp_server

    with smtp_server() as running:
        yield running


@pytest.fixture
def server(_relay):
    """A server that takes mail from anybody, without encryption."""
    _relay.reset()
    return _relay


@pytest.fixture(scope="session")
def _login_server(certificates):
    from mail_servers import PASSWORD, USER, smtp_server

    login = (USER, PASSWORD)
    with smtp_server(certificates=certificates, security="starttls", login=login) as running:
        yield running


@pytest.fixture
def login_server(_login_server):
    """A server that wants a login over STARTTLS."""
    _login_server.reset()
    return _login_server

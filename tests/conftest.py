"""What tests share: a small survey, one built report, small projects of their own, plugins."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import h5py
import numpy as np
import pytest
import yaml

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "configs" / "cdfs.yaml"
ROWS = 2000
SECONDS = 600  # longer than any command of a test takes, however busy the machine


def clean_environment(**variables):
    """Give the environment of a user: nothing set that changes what reportgen does."""
    ours = {"CDFS_DATA", "SOURCE_DATE_EPOCH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # A warning is an error in what users run, too.
    return {**kept, "PATH": path, "PYTHONWARNINGS": "error", **variables}


def reportgen(*arguments, cwd=ROOT, **options):
    """Run the command line as a user does; gives exit code, output and errors."""
    environment = clean_environment(**options.pop("env", {}))
    return subprocess.run(
        [sys.executable, "-m", "reportgen", *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        **options,
    )


def read_summary(run):
    """Give summary.json of a run folder."""
    return json.loads((run / "summary.json").read_text(encoding="utf-8"))


@dataclass
class Project:
    """A folder with a small catalogue, a configuration of it, and perhaps a plugin.

    The configuration can be changed before each build.
    """

    folder: Path
    columns: dict = field(default_factory=dict)
    blocks: dict = field(default_factory=dict)
    env: dict = field(default_factory=dict)

    def write(self, **columns):
        """Write columns as 1-D datasets of stars.h5 and name them in the configuration."""
        with h5py.File(self.folder / "stars.h5", "a") as file:
            for name, values in columns.items():
                if name in file:
                    del file[name]
                file[name] = values
                self.columns.setdefault(name, {"dataset": name})

    def configure(self, sections, **blocks):
        """Write report.yaml with some sections; blocks replace those of the same name."""
        catalogue = {"file": "stars.h5", "columns": self.columns}
        settings = {
            "report": {"id": "stars", "title": "Stars"},
            "output": {"folder": "out", "formats": ["html"]},
            "catalogues": {"stars": catalogue},
            **blocks,
            "sections": sections,
        }
        text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
        self.config.write_text(text, encoding="utf-8")

    @property
    def config(self):
        return self.folder / "report.yaml"

    @property
    def out(self):
        return self.folder / "out"

    @property
    def latest(self):
        return self.out / "latest"

    def run(self, *arguments, **options):
        """Run a command in the folder, with the plugins of the project."""
        env = {**self.env, **options.pop("env", {})}
        return reportgen(*arguments, cwd=self.folder, env=env, **options)

    def build(self, *arguments, **options):
        return self.run("report.yaml", *arguments, **options)

    def summary(self, run=None):
        return read_summary(run or self.latest)

    def page(self, run=None):
        return ((run or self.latest) / "report.html").read_text(encoding="utf-8")

    def section(self, name, run=None):
        """Give the record of a section."""
        return next(s for s in self.summary(run)["sections"] if s["id"] == name)

    def plugin(self, source, **classes):
        """Install a package that announces analyses: name in YAML to name of the class."""
        site = self.folder / "site"
        information = site / "x-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: x\nVersion: 1.0\n")
        points = "".join(f"{name} = x_plugin:{cls}\n" for name, cls in classes.items())
        (information / "entry_points.txt").write_text(f"[reportgen.analyses]\n{points}")
        (site / "x_plugin.py").write_text(dedent(source))
        self.env["PYTHONPATH"] = str(site)


def section(analysis, **keys):
    """Give a section of the YAML."""
    return {"analysis": analysis, "catalogue": "stars", "title": analysis.capitalize(), **keys}


DISTRIBUTION = section("distribution", columns=["flux"], histograms=[{"bins": 5}])


def small_project(folder):
    """Make a project with 200 rows of two columns and one section."""
    project = Project(folder)
    random = np.random.default_rng(7)
    project.write(flux=random.lognormal(size=200), size=random.normal(size=200))
    project.configure({"fluxes": DISTRIBUTION})
    return project


@pytest.fixture
def project(tmp_path):
    return small_project(tmp_path)


@pytest.fixture(scope="session")
def survey(tmp_path_factory):
    """A small synthetic survey in the layout of the real files."""
    folder = tmp_path_factory.mktemp("survey")
    done = reportgen("sample", folder, "--rows", ROWS, "--images", 2)
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


@pytest.fixture
def copied_run(built, tmp_path):
    """A copy of the built run that a test may change."""
    return Path(shutil.copytree(built.run.resolve(), tmp_path / "run"))


@pytest.fixture(scope="session")
def summary(built):
    """The record of the built report."""
    return read_summary(built.run)

"""Small projects that tests build reports of, as a user does: a folder, a catalogue, a plugin."""

import gc
import importlib
import io
import json
import os
import signal
import subprocess
import sys
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from unittest import mock

import h5py
import numpy as np
import yaml

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "configs" / "cdfs.yaml"
REAL = ROOT / "../shared/data/cdfs_real/crowdastro_cdfs.h5"
ROWS = 2000
SECONDS = 600  # longer than any command of a test takes, however busy the machine


def clean_environment(**variables):
    """Return the environment of a user: nothing set that changes what reportgen does."""
    ours = {"CDFS_DATA", "SOURCE_DATE_EPOCH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
    ours.add("PYTHONUNBUFFERED")  # with it nothing is left to be written at the end
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


def call(*arguments, cwd=ROOT, env=None):
    """Run the command line in this process, which takes a tenth of the time; returns the same.

    It cannot be stopped by a signal, and what it has imported stays. env: may name a folder of
    plugins as PYTHONPATH.
    """
    from reportgen import cli
    from reportgen.interruption import ENDING

    env = env or {}
    words = [str(word) for word in arguments]
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace") for _ in range(2))
    handlers = {number: signal.getsignal(number) for number in ENDING}
    threshold = gc.get_threshold()
    try:
        with (
            chdir(cwd),
            mock.patch.dict(os.environ, clean_environment(**env), clear=True),
            mock.patch.object(sys, "argv", [str(ROOT / "reportgen/__main__.py"), *words]),
            mock.patch.object(cli, "open_standard_streams"),  # it would take those of pytest
            mock.patch.object(sys, "unraisablehook", sys.unraisablehook),
            plugins_in(env.get("PYTHONPATH")),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            cli.main()
    except SystemExit as ended:
        said = [stream.buffer.getvalue().decode() for stream in (out, err) if not stream.flush()]
        return subprocess.CompletedProcess(words, ended.code, *said)
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def plugins_in(folder):
    """Let Python find the plugins in a folder, for a while; None for none."""
    if folder is None:
        yield
        return
    from reportgen.analyses.base import installed_analyses

    with mock.patch.object(sys, "path", [folder, *sys.path]):
        importlib.invalidate_caches()
        installed_analyses.cache_clear()
        try:
            yield
        finally:
            installed_analyses.cache_clear()
            for name, module in list(sys.modules.items()):
                if (getattr(module, "__file__", None) or "").startswith(folder):
                    del sys.modules[name]


def read_summary(run):
    """Return summary.json of a run folder."""
    return json.loads((run / "summary.json").read_text(encoding="utf-8"))


def files_of(folder):
    """Return the content of all files below a folder, by their paths in it."""
    files = [path for path in folder.resolve().rglob("*") if path.is_file()]
    return {path.relative_to(folder.resolve()).as_posix(): path.read_bytes() for path in files}


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
        """Run a command in the folder, in a process of its own, with the plugins of the project."""
        env = {**self.env, **options.pop("env", {})}
        return reportgen(*arguments, cwd=self.folder, env=env, **options)

    def call(self, *arguments, env=None):
        """Run a command in the folder, in this process, with the plugins of the project."""
        return call(*arguments, cwd=self.folder, env={**self.env, **(env or {})})

    def build(self, *arguments, env=None):
        return self.call("report.yaml", *arguments, env=env)

    def plan(self, *arguments):
        """Return what `plan` says of each section: made or kept, and why."""
        done = self.call("plan", self.config, *arguments)
        assert done.returncode == 0, done.stderr
        words = [line.split(maxsplit=2) for line in done.stdout.splitlines()[:-1]]
        return {name: (word, why) for name, word, why in words}

    def summary(self, run=None):
        return read_summary(run or self.latest)

    def page(self, run=None):
        return ((run or self.latest) / "report.html").read_text(encoding="utf-8")

    def section(self, name, run=None):
        """Return the record of a section."""
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
    """Return a section of the YAML."""
    return {"analysis": analysis, "catalogue": "stars", "title": analysis.capitalize(), **keys}


DISTRIBUTION = section("distribution", columns=["flux"], histograms=[])
HISTOGRAM = {**DISTRIBUTION, "histograms": [{"bins": 5}]}
"""The same with a figure, which takes half as long again."""


def small_project(folder):
    """Make a project with 200 rows of two columns and one section."""
    project = Project(folder)
    random = np.random.default_rng(7)
    project.write(flux=random.lognormal(size=200), size=random.normal(size=200))
    project.configure({"fluxes": DISTRIBUTION})
    return project

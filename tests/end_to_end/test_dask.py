"""Large catalogues on a Dask cluster: a real one of two processes, whose workers die."""

import os
import re
import signal
import socket
import subprocess
import sys
from unittest import mock

import numpy as np
import psutil
import pytest
from dask_clusters import two_workers
from projects import SECONDS, Project, clean_environment, files_of, section

ROWS = 600_000  # three tasks
EPOCH = "1790000000"
# What a worker does at the second task, when there is a file of that name.
PLUGIN = """
    import os, signal, time
    from dataclasses import dataclass
    from pathlib import Path
    from reportgen import Analysis, Reduction, Section

    HERE = Path(__file__).parent

    @dataclass(frozen=True)
    class Deeds(Reduction):
        column: str

        def start(self, **_):
            return 0

        def update(self, state, chunk):
            if chunk.columns[self.column][0] == 4 * 2**16:
                once = HERE / "once"
                if once.exists():
                    once.unlink()
                    os.kill(os.getpid(), signal.SIGKILL)
                if (HERE / "hungry").exists():
                    eaten = bytearray(b"x") * 2**30
                    while eaten:
                        time.sleep(0.1)
                while (HERE / "wait").exists():
                    time.sleep(0.1)
            return state + chunk.rows

        def merge(self, first, second):
            return first + second

    class Doing(Analysis, name="doing"):
        def reductions(self):
            return {"rows": Deeds("number")}

        def present(self, rows):
            return Section(["Rows were read."], rows=rows)
"""
SECTIONS = {
    "deeds": section("doing"),
    "fluxes": section("distribution", columns=["flux"], histograms=[{"bins": 5}]),
    "pairs": section("correlation", columns=["flux", "size"]),
    "all": section("overview"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("dask"))
    random = np.random.default_rng(5)
    flux, size = random.lognormal(size=ROWS), random.normal(size=ROWS)
    project.write(flux=flux, size=size, number=np.arange(float(ROWS)))
    project.plugin(PLUGIN, doing="Doing")
    project.env["SOURCE_DATE_EPOCH"] = EPOCH
    return project


@pytest.fixture(scope="module")
def scheduler(project):
    """The address of a scheduler with two workers, which are started again when they die."""
    with two_workers(**project.env) as address:
        yield address


def configure(project, scheduler, *, file="stars.h5", sections=SECTIONS, timeout=60.0):
    columns = {name: {"dataset": name} for name in ("flux", "size", "number")}
    catalogue = {"file": file, "columns": columns, "exact_rows": 1000}
    engine = {"dask": {"scheduler": scheduler, "timeout": timeout}}
    project.configure(sections, catalogues={"stars": catalogue}, engine=engine)


def runs(project):
    return set(project.out.glob("*Z")) | set(project.out.glob(".building*"))


# In this order: workers that have been killed take a while to come again.
def test_a_worker_that_has_other_versions_is_named(project, scheduler):
    configure(project, scheduler, sections={"all": SECTIONS["all"]})
    before = runs(project)
    with mock.patch.dict(project.env):
        del project.env["PYTHONPATH"]
        done = project.build("--no-cache")
    assert done.returncode == 2
    assert done.stderr.count("Error: ") == 1
    assert done.stderr.count("differs: x is 1.0, here not there") == 2
    assert runs(project) == before


def test_a_worker_that_does_not_have_the_file_is_named(project, scheduler):
    # The folder of the process: another one here than on the workers.
    configure(project, scheduler, file="/proc/self/cwd/stars.h5")
    done = project.build("--no-cache")
    assert done.returncode == 5
    said = f"stars.h5: there is no such file on the Dask worker at {socket.gethostname()}"
    assert said in done.stderr


def test_what_does_not_go_on_is_given_up(project, scheduler):
    configure(project, scheduler, timeout=4.0)
    wait, before = project.folder / "site" / "wait", runs(project)
    wait.touch()
    done = project.build("--no-cache")
    wait.unlink()
    assert done.returncode == 3
    assert "no task of Dask has ended for 4 s" in done.stderr
    assert "of 600,000 rows are read, and there are 2 workers" in done.stderr
    assert runs(project) == before


def test_numbers_are_those_of_here_even_when_a_worker_is_killed(project, scheduler):
    configure(project, scheduler)
    (project.folder / "site" / "once").touch()
    found = []
    for place, engine in ("there", ()), ("here", ("--engine", "local")):
        done = project.build("--output", place, *engine)
        assert done.returncode == 0, done.stderr
        assert (f"Dask: 2 workers with 2 threads at {scheduler}" in done.stderr) == (not engine)
        found.append(files_of(project.folder / place / "latest"))
    assert not (project.folder / "site" / "once").exists()
    assert found[0] == found[1]


def test_workers_that_have_too_little_memory_are_named_with_their_rows(project):
    hungry = project.folder / "site" / "hungry"
    hungry.touch()
    with two_workers("900 MB", **project.env) as address:  # the nanny ends them beyond it
        configure(project, address, sections={"deeds": SECTIONS["deeds"]})
        done = project.build("--no-cache")
    hungry.unlink()
    assert done.returncode == 3, done.stderr
    assert re.search(r"ERROR deeds: rows [\d,]+ to [\d,]+: 2 Dask workers died that", done.stderr)
    assert "they may have too little memory" in project.section("deeds")["error"]["hint"]
    assert not list(project.out.glob(".building*"))


def test_a_scheduler_that_is_not_there_ends_the_build_soon(project):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        configure(project, "tcp://nowhere:1", timeout=1.0)
        before = runs(project)
        done = project.build("--no-cache", "--engine", address)
    assert done.returncode == 3
    assert f"Error: the Dask scheduler {address} cannot be reached" in done.stderr
    assert runs(project) == before


def test_what_to_install_is_said(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    configure(project, "tcp://nowhere:1")
    done = project.build("--no-cache", "--engine", "local-dask")
    assert done.returncode == 2
    assert "→ pip install 'reportgen[dask]'" in done.stderr


def test_a_cluster_that_cannot_be_started_is_said_with_its_place(project):
    configure(project, "tcp://nowhere:1")
    cluster = "engine.dask={cluster: distributed.LocalCluster, options: {security: 1}}"
    done = project.run("report.yaml", "--no-cache", "--set", cluster)
    assert done.returncode == 2
    assert "engine.dask.options: LocalCluster does not take them: security must" in done.stderr


def test_a_build_that_is_ended_ends_its_cluster(project):
    configure(project, "tcp://nowhere:1")
    wait, before = project.folder / "site" / "wait", runs(project)
    wait.touch()
    command = [sys.executable, "-m", "reportgen", "report.yaml", "--engine", "local-dask"]
    options = {"cwd": project.folder, "env": clean_environment(**project.env), "text": True}
    options |= {"stderr": subprocess.PIPE, "start_new_session": True}
    with subprocess.Popen([*command, "--no-cache"], **options) as build:
        said = iter(build.stderr.readline, "")
        assert any(line.startswith("Dask: ") for line in said)
        family = psutil.Process(build.pid).children(recursive=True)
        assert len(family) > 2
        os.killpg(build.pid, signal.SIGINT)  # as a terminal does
        assert build.stderr.read().startswith("Interrupted; ")
        assert build.wait(SECONDS) == 128 + signal.SIGINT
    wait.unlink()
    assert not psutil.wait_procs(family, SECONDS / 10)[1]
    assert runs(project) == before

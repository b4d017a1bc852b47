"""Builds that run at the same time: of one report, and of several reports on one database."""

import re
import socket
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from projects import DISTRIBUTION, SECONDS, Project, clean_environment, read_summary, small_project

from reportgen.data.store import FOLDER
from reportgen.record import Summary

BUILDS = 4
WAITING = re.compile(
    r"Another build of this report is running: (?:process (\d+) on (\S+), since [\d-]+ [\d:]+ UTC"
    r"|one that has just begun)\. Waiting, 60 minutes at most\."
)
NIGHT = 1_790_000_000  # seconds since 1970: 2026-09-21
DAY = 86_400  # s


@dataclass(frozen=True)
class Done:
    """A build that has ended. pid: of its process."""

    pid: int
    code: int
    said: str
    complained: str

    @property
    def run(self):
        return Path(self.said.splitlines()[-1]).parent


def build_at_once(*builds):
    """Start builds, each a project and its environment, and wait until all have ended."""
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "reportgen", "report.yaml"],
                    cwd=project.folder,
                    env=clean_environment(**env),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for project, env in builds
        ]
        # They write little: none waits for its pipe to be read.
        said = [process.communicate(timeout=SECONDS) for process in processes]
    return [
        Done(process.pid, process.returncode, *texts)
        for process, texts in zip(processes, said, strict=True)
    ]


def rows(database, query):
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute(query).fetchall()


@dataclass(frozen=True)
class Crowd:
    """A report that was built by several processes at once. builds: in the order of their runs."""

    project: Project
    builds: list[Done]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    project = small_project(tmp_path_factory.mktemp("crowd"))
    builds = build_at_once(*[(project, {})] * BUILDS)
    assert [done.code for done in builds] == [0] * BUILDS, [done.complained for done in builds]
    return Crowd(project, sorted(builds, key=lambda done: done.run.name))


def test_builds_at_once_make_whole_runs_that_history_and_index_have(crowd):
    names = [done.run.name for done in crowd.builds]
    assert len(set(names)) == BUILDS
    out = crowd.project.out
    index = (out / "index.html").read_text(encoding="utf-8")
    for name in names:
        record = Summary.model_validate_json((out / name / "summary.json").read_text())
        assert (record.run.id, record.run.status) == (name, "ok")
        assert (out / name / "report.html").read_text().rstrip().endswith("</html>")
        assert f'href="{name}/report.html"' in index
    found = rows(out / "history.sqlite", "SELECT run FROM reportgen_runs ORDER BY id")
    assert [name for (name,) in found] == names
    assert (out / "latest").readlink() == Path(names[-1])
    others = {FOLDER, "history.sqlite", "index.html", "latest", "nights"}
    assert {path.name for path in out.iterdir()} == {*names, *others}


def test_builds_of_one_report_do_not_overlap(crowd):
    spans = []
    for done in crowd.builds:
        files = [path.stat() for path in done.run.rglob("*") if path.is_file()]
        times = [file.st_mtime_ns for file in files if file.st_nlink == 1]  # not of an earlier run
        spans.append((min(times), max(times)))
        started = datetime.fromisoformat(read_summary(done.run)["run"]["started"])
        assert started <= datetime.fromtimestamp(min(times) / 1e9, UTC)
    assert spans == sorted(spans)
    assert all(end < begin for (_, end), (begin, _) in pairwise(spans))


def test_builds_that_wait_say_who_they_wait_for(crowd):
    order = [done.pid for done in crowd.builds]
    waited = 0
    for place, done in enumerate(crowd.builds):
        lines = [line for line in done.complained.splitlines() if line.startswith("Another")]
        found = [WAITING.fullmatch(line) for line in lines]
        assert all(found), lines
        named = [int(match[1]) for match in found if match[1]]
        assert {match[2] for match in found if match[1]} <= {socket.gethostname()}
        # Each was begun and ended before this one, in this order, and is said once; one that was
        # over before anybody looked again is not said.
        assert named == [pid for pid in order[:place] if pid in named]
        waited += bool(named)
    assert waited


# Several output folders, one database.


def test_reports_that_share_a_database_have_each_its_own_past(tmp_path):
    database = tmp_path / "nights.sqlite"
    projects = {}
    for name, centre in (("north", 10.0), ("south", 20.0)):
        (tmp_path / name).mkdir()
        projects[name] = Project(tmp_path / name)
        projects[name].write(flux=np.full(200, centre))
        limits = {"metric": "flux_median", "min": centre - 1, "max": centre + 1}
        sections = {name: {**DISTRIBUTION, "checks": [limits]}}
        projects[name].configure(sections, report={"id": name, "title": f"The {name}"})
    first, second = (
        {"SOURCE_DATE_EPOCH": str(NIGHT + night * DAY), "REPORTGEN_HISTORY": str(database)}
        for night in range(2)
    )
    assert [project.build(env=first).returncode for project in projects.values()] == [0, 0]
    builds = build_at_once(*((project, second) for project in projects.values()))
    assert [done.code for done in builds] == [0, 0], [done.complained for done in builds]
    for name, project in projects.items():
        metric = project.section(name)["metrics"]["flux_median"]
        past = [{"night": "2026-09-21", "value": metric["value"]}]
        assert (metric["past"], project.summary()["history"]["nights"]) == (past, 1)
        assert not (project.out / "history.sqlite").exists()
    found = rows(database, "SELECT report, origin FROM reportgen_runs")
    origins = {name: str(project.out.resolve()) for name, project in projects.items()}
    assert sorted(found) == sorted([*origins.items()] * 2)

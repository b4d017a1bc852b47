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
        times = [path.stat().st_mtime_ns for path in done.run.rglob("*") if path.is_file()]
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


def survey_of(folder, name, centre):
    """Make a report of its own data, whose median is checked."""
    folder.mkdir()
    project = Project(folder)
    project.write(flux=np.random.default_rng(int(centre)).normal(centre, size=200))
    limits = {"metric": "flux_median", "min": centre - 1, "max": centre + 1}
    project.configure(
        {name: {**DISTRIBUTION, "title": f"Fluxes of {name}", "checks": [limits]}},
        report={"id": name, "title": f"The {name}"},
    )
    return project


def median_of(project):
    import h5py

    with h5py.File(project.folder / "stars.h5") as file:
        return float(np.median(file["flux"][:]))


@dataclass(frozen=True)
class Shared:
    """Reports whose output folders share a database; the twin is the north in another folder."""

    database: Path
    north: Project
    south: Project
    twin: Project


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    database = folder / "nights.sqlite"
    north = survey_of(folder / "one", "north", 10.0)
    south = survey_of(folder / "two", "south", 20.0)
    twin = survey_of(folder / "three", "north", 10.0)
    twin.write(flux=np.random.default_rng(5).normal(10.5, size=200))

    def at(seconds):
        return {"REPORTGEN_HISTORY": str(database), "SOURCE_DATE_EPOCH": str(NIGHT + seconds)}

    for project in (north, south):
        assert project.build(env=at(0)).returncode == 0
    builds = build_at_once((north, at(DAY)), (south, at(DAY)), (twin, at(DAY + 3600)))
    assert [done.code for done in builds] == [0] * 3, [done.complained for done in builds]
    for project in (north, south):
        assert project.build(env=at(2 * DAY)).returncode == 0
    return Shared(database, north, south, twin)


def test_one_database_has_the_runs_of_all_output_folders(shared):
    query = "SELECT report, origin, run, night FROM reportgen_runs"
    found = {tuple(row) for row in rows(shared.database, query)}
    wanted = set()
    for project in (shared.north, shared.south, shared.twin):
        for path in project.out.glob("*/summary.json"):
            if not path.parent.is_symlink():
                record, run = read_summary(path.parent), path.parent
                night = record["run"]["started"][:10]
                wanted.add((record["report"]["id"], str(project.out.resolve()), run.name, night))
        assert not (project.out / "history.sqlite").exists()
    assert len(wanted) == 7
    assert found == wanted


def test_each_report_has_its_own_numbers_its_own_past_and_lists_its_own_nights(shared):
    for project, name, other in (
        (shared.north, "north", "south"),
        (shared.south, "south", "north"),
    ):
        metric = project.section(name)["metrics"]["flux_median"]
        assert metric["value"] == pytest.approx(median_of(project), rel=1e-12)
        assert [each["night"] for each in metric["past"]] == ["2026-09-21", "2026-09-22"]
        assert project.summary()["history"] == {"nights": 2, "error": ""}
        assert f"Fluxes of {name}" in project.page()
        assert f"Fluxes of {other}" not in project.page()
    for project, nights in ((shared.north, 3), (shared.south, 3), (shared.twin, 1)):
        index = (project.out / "index.html").read_text(encoding="utf-8")
        assert len(re.findall(r'<tr id="night-', index)) == nights


def test_of_a_night_in_two_folders_the_newest_run_counts(shared):
    past = shared.north.section("north")["metrics"]["flux_median"]["past"]
    wanted = [median_of(shared.north), median_of(shared.twin)]
    assert [each["value"] for each in past] == pytest.approx(wanted, rel=1e-12)

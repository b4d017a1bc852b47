"""Builds that are killed at every stage: what was there stays, and the next build mends the rest.

Only the process of the build is killed; its workers must notice by themselves.
"""

import re
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from projects import Project, section
from watched_builds import run_build

from reportgen.data.store import FOLDER
from reportgen.record import Summary
from reportgen.render.index import MARK
from reportgen.run_folder import RUN_ID

FIRST_NIGHT = 1_790_000_000  # seconds since 1970: 2026-09-21
DAY = 86_400  # s
KEPT = 3  # nights; older ones are deleted
NIGHTS = 4  # before a build is killed

# How many times a build is killed in each of its stages.
KILLS = {
    "before a run is published": {
        **{"new_run": 2, "read_earlier_nights": 1, "summarise": 1},
        **{"make_documents": 1, "write_summary": 1},
    },
    "while it is published": {"publish": 4},
    "once it is published": {"_add_to_history": 2, "_delete_old_runs": 2, "_write_index": 1},
}
TEMPORARY = {"outside", "check_templates", "worker_pool"}
"""Stages that change nothing but temporary files."""

PLUGIN = """
import os
import signal
import time
from multiprocessing import parent_process
from pathlib import Path

from reportgen import Analysis, CountValues, Metric, Section


def kill_build(when):
    if Path(f"kill-in-{when}").exists():
        os.kill(parent_process().pid, signal.SIGKILL)
        time.sleep(3600)


class Tiny(Analysis, name="tiny"):
    def reductions(self):
        kill_build("scan")
        return {"flux": CountValues("flux")}

    def present(self, flux):
        kill_build("section")
        return Section(findings=["Counted."], metrics={"n": Metric(flux.valid, "values")})
"""


def started(night):
    return FIRST_NIGHT + night * DAY


def tiny_project(folder):
    project = Project(folder)
    project.write(flux=np.arange(50.0))
    project.plugin(PLUGIN, tiny="Tiny")
    project.configure(
        {"tiny": section("tiny", checks=[{"metric": "n", "min": 10}])},
        output={"folder": "out", "formats": ["html"], "keep": {"nights": KEPT}},
    )
    return project


@dataclass(frozen=True)
class Subject:
    """A project that builds are killed of.

    saved: its output folder as it was before. points: those at which a build can be killed.
    """

    project: Project
    saved: Path
    said: Path
    points: tuple[str, ...]

    def build(self, night, *arguments, kill_at=None):
        return run_build(self.project, self.said, *arguments, epoch=started(night), kill_at=kill_at)

    def plan(self, stage, kills):
        """Return the points at which a build is killed in a stage, spread over all it has."""
        points = [point for point in self.points if point.split()[0] == stage]
        chosen = np.linspace(0, len(points) - 1, min(kills, len(points)))
        return [points[round(place)] for place in chosen]

    def restored(self):
        """Return the project as it was; not in another place, which the history would know."""
        shutil.rmtree(self.project.out)
        shutil.copytree(self.saved, self.project.out, symlinks=True)
        return self.project


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    project = tiny_project(tmp_path_factory.mktemp("nights"))
    saved, said = tmp_path_factory.mktemp("saved") / "out", tmp_path_factory.mktemp("said")
    # So that all builds have the same points: younger files are read again each time.
    while time.time() - (project.folder / "stars.h5").stat().st_ctime < 3:
        time.sleep(0.1)
    for night in range(NIGHTS):
        done = project.build(env={"SOURCE_DATE_EPOCH": str(started(night))})
        assert done.returncode == 0, done.stderr
    shutil.copytree(project.out, saved, symlinks=True)
    run_build(
        project, said, epoch=started(NIGHTS)
    )  # which compiles templates, as only a first does
    found = Subject(project, saved, said, ())
    found.restored()
    done = run_build(project, said, epoch=started(NIGHTS))
    assert done.code == 0, done.complained
    return replace(found, points=done.points)


# What must hold whenever a build has died.


def runs_of(project):
    """Give the runs that anybody sees."""
    return {path.name for path in project.out.iterdir() if RUN_ID.fullmatch(path.name)}


def assert_whole(run):
    record = Summary.model_validate_json((run / "summary.json").read_text(encoding="utf-8"))
    assert record.run.id == run.name
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    named = [
        file
        for each in record.sections
        for thing in (*each.figures, *each.tables)
        for file in thing.files.values()
    ]
    assert all((run / file).is_file() for file in named)


def remembered(project):
    """Give the runs that the history has; it must be sound."""
    with closing(sqlite3.connect(project.out / "history.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        runs = [run for (run,) in connection.execute("SELECT run FROM reportgen_runs")]
        halves = connection.execute(
            "SELECT run FROM reportgen_runs WHERE id NOT IN (SELECT run_id FROM reportgen_metrics)"
        ).fetchall()
    assert halves == []
    assert len(runs) == len(set(runs))
    return set(runs)


@dataclass(frozen=True)
class Seen:
    """What there is after a build has ended or died."""

    runs: set[str]
    latest: str
    remembered: set[str]


def look(project):
    """See what there is; all of it must be whole."""
    runs, latest = runs_of(project), project.latest.readlink().name
    assert latest in runs
    for name in runs:
        assert_whole(project.out / name)
    index = (project.out / "index.html").read_text(encoding="utf-8")
    assert index.endswith(f"{MARK}\n")
    for page in (project.out / "nights").glob("*.html"):
        assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    return Seen(runs, latest, remembered(project))


def assert_unharmed(before, after):
    new = after.runs - before.runs
    assert len(new) <= 1
    assert new <= {max(after.runs)}
    assert after.latest in {before.latest, *new}
    # Whatever was deleted was too old to be kept.
    assert sorted(before.runs | new)[-KEPT:] == sorted(after.runs)[-KEPT:]
    assert before.remembered <= after.remembered <= before.remembered | before.runs | new


def hidden(project):
    names = {path.name for path in project.out.iterdir()} - {FOLDER}
    return {name for name in names if name.startswith(".")}


def kill_and_build_again(subject, kills):
    """Kill builds one after another, a night apart, and let the last one live."""
    project = subject.restored()
    seen = [look(project)]
    for night, kill in enumerate(kills, start=NIGHTS):
        done = kill(night)
        assert done.code == -signal.SIGKILL, done
        seen.append(look(project))
        assert_unharmed(*seen[-2:])
    done = subject.build(NIGHTS + len(kills))
    assert done.code == 0, done.complained
    last = look(project)
    assert_unharmed(seen[-1], last)
    assert hidden(project) == set()
    assert last.latest == max(last.runs)
    assert len(last.runs) == KEPT
    assert last.remembered == set().union(*(each.remembered | each.runs for each in (*seen, last)))
    index = (project.out / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'href="([^/"]+)/report.html"', index)) == last.runs


@pytest.mark.parametrize("when", KILLS)
def test_a_build_that_is_killed_in_a_stage_harms_nothing(subject, when):
    points = [point for stage, kills in KILLS[when].items() for point in subject.plan(stage, kills)]
    assert points
    kill_and_build_again(subject, [partial(subject.build, kill_at=point) for point in points])


def test_a_build_that_is_killed_while_a_worker_works_harms_nothing(subject):
    def kill(night, when):
        order = subject.project.folder / f"kill-in-{when}"
        order.touch()
        done = subject.build(night, "--no-cache")
        order.unlink()
        return done

    kill_and_build_again(subject, [partial(kill, when=when) for when in ("scan", "section")])


def test_builds_are_killed_in_every_stage_that_changes_anything(subject):
    stages = {point.split()[0] for point in subject.points}
    assert stages - TEMPORARY == {stage for kills in KILLS.values() for stage in kills}


def test_a_first_run_whose_build_was_killed_once_it_was_published_is_remembered(subject):
    project = subject.restored()
    shutil.rmtree(project.out)
    point = "_add_to_history Cursor.execute 1"  # as the database is made
    assert subject.build(0, kill_at=point).code == -signal.SIGKILL
    assert len(runs_of(project)) == 1
    assert subject.build(1).code == 0
    assert remembered(project) == runs_of(project)
    assert len(runs_of(project)) == 2


def test_a_run_whose_build_was_killed_before_it_was_called_latest_grows_old_as_any(subject):
    project = subject.restored()
    assert subject.build(NIGHTS, kill_at="publish rename 1").code == -signal.SIGKILL
    known = {project.latest.readlink().name, *(path.name for path in subject.saved.iterdir())}
    (killed,) = runs_of(project) - known
    for night in range(NIGHTS + 1, NIGHTS + 1 + KEPT):
        done = subject.build(night)
        assert done.code == 0, done.complained
    assert killed not in runs_of(project)
    assert len(runs_of(project)) == KEPT

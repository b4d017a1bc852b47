"""A run is published as a whole or not at all, whatever happens while it is made."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest
from projects import (
    CONFIG,
    DISTRIBUTION,
    SECONDS,
    call,
    clean_environment,
    files_of,
    section,
    small_project,
)

from reportgen.data.store import FOLDER

SLOW = """
import time
from pathlib import Path
from reportgen import Analysis, Section


class Slow(Analysis, name="slow"):
    def reductions(self):
        return {}

    def present(self):
        Path("begun").touch()
        time.sleep(3600)
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A project with a published run; do not change it."""
    project = small_project(tmp_path_factory.mktemp("published"))
    project.plugin(SLOW, slow="Slow")
    assert project.build().returncode == 0
    return project


@pytest.fixture
def slow(published, tmp_path):
    """A project with a published run, whose section now takes an hour."""
    folder = shutil.copytree(published.folder, tmp_path / "project", symlinks=True)
    env = {"PYTHONPATH": str(folder / "site")}
    project = replace(published, folder=folder, env=env)
    project.configure({"slow": section("slow"), "fluxes": DISTRIBUTION})
    return project


def start(project):
    """Start a build; returns it with its processes once its slow section has begun."""
    building = subprocess.Popen(
        # The tests may run under nohup, and so what they start.
        ["env", "--default-signal=HUP", sys.executable, "-m", "reportgen", "report.yaml"],
        cwd=project.folder,
        env=clean_environment(**project.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + SECONDS / 10
    while not (project.folder / "begun").exists():
        assert time.monotonic() < end, "the slow section does not begin"
        time.sleep(0.05)
    return building, psutil.Process(building.pid).children(recursive=True)


def have_ended(processes):
    return not psutil.wait_procs(processes, SECONDS / 10)[1]


def hidden(folder):
    """Give what builds leave hidden, but for what later nights use, which stays."""
    names = {path.name for path in folder.iterdir()} - {FOLDER}
    return sorted(name for name in names if name.startswith("."))


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["Ctrl-C", "SIGTERM", "SIGHUP"],
)
def test_an_interrupted_build_leaves_nothing_behind(slow, number, code):
    before = slow.latest.readlink().name
    listed = sorted(path.name for path in slow.out.iterdir())
    building, processes = start(slow)
    assert processes
    if number == signal.SIGINT:
        os.killpg(building.pid, number)  # a terminal sends it to all
    else:
        building.send_signal(number)
    _, said = building.communicate(timeout=SECONDS)
    assert building.returncode == code
    assert said.splitlines()[-1] == "Interrupted; the run that was not finished has been removed."
    assert "Traceback" not in said
    assert sorted(path.name for path in slow.out.iterdir()) == listed
    assert slow.latest.readlink().name == before
    assert have_ended(processes)


def test_a_file_where_a_folder_should_be_is_said(project):
    (project.folder / "occupied").write_text("not a folder")
    done = project.build("--output", "occupied/runs")
    assert done.returncode == 4
    assert "occupied: cannot be written: Not a directory" in done.stderr
    assert "set output.folder (or --output) to a folder that you may write" in done.stderr
    assert "Traceback" not in done.stderr


def in_own_mounts(script, folder, **environment):
    """Run a shell script that may mount things for itself alone."""
    return subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-ec", script],
        cwd=folder,
        env=clean_environment(PY=sys.executable, **environment),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


CAN_MOUNT = in_own_mounts("mount -t tmpfs none /mnt", "/").returncode == 0
needs_mounts = pytest.mark.skipif(
    not CAN_MOUNT, reason="this machine does not let users mount file systems for themselves"
)


@needs_mounts
def test_a_read_only_disk_is_said(published):
    before = published.latest.readlink()
    done = in_own_mounts(
        'mount --bind out out; mount -o remount,ro,bind out; "$PY" -m reportgen report.yaml',
        published.folder,
    )
    assert done.returncode == 4, done.stderr
    assert "cannot be written: Read-only file system" in done.stderr
    assert published.latest.readlink() == before


@needs_mounts
@pytest.mark.parametrize("part", [0.1, 0.97], ids=["sections", "record"])
def test_a_full_disk_publishes_nothing_and_the_former_report_stands(published, part, tmp_path):
    """The disk fills while sections are written, or the record that comes last."""
    run = published.latest.resolve()
    sizes = [path.stat().st_size for path in run.rglob("*") if path.is_file()]
    pages = sum(-(-size // 4096) for size in sizes)
    script = f"""
        mount -t tmpfs -o nr_blocks={int(part * pages) + 1} none small
        mkdir small/former && echo old > small/former/report.html && ln -s former small/latest
        code=0
        "$PY" -m reportgen "{published.config}" --output small || code=$?
        ls -A --ignore=.cache small
        cat small/latest/report.html
        exit $code
    """
    (tmp_path / "small").mkdir()
    done = in_own_mounts(script, tmp_path)
    assert done.returncode == 4, (pages, done.stderr)
    assert "small: the disk is full; nothing was published and the former report" in done.stderr
    assert done.stdout.split() == ["former", "latest", "old"]


def test_same_input_same_bytes_with_one_worker_without_a_cache_or_with_two(built, survey, tmp_path):
    env = {"CDFS_DATA": str(survey), "SOURCE_DATE_EPOCH": "1760000000"}
    done = call(CONFIG, "--output", tmp_path, "--workers", 1, "--no-cache", "--quiet", env=env)
    assert done.returncode == 0, done.stderr
    first, second = files_of(built.run), files_of(tmp_path / "latest")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_an_empty_source_date_epoch_is_none(project):
    done = project.build(env={"SOURCE_DATE_EPOCH": ""})
    assert done.returncode == 0, done.stderr


def test_a_run_folder_holds_what_its_record_names_and_nothing_else(built, summary):
    named = {
        file
        for section in summary["sections"]
        for thing in (*section["figures"], *section["tables"])
        for file in thing["files"].values()
    }
    documents = {document["file"] for document in summary["documents"].values()}
    assert files_of(built.run).keys() == {"summary.json", *named, *documents}


def test_a_run_is_named_by_its_start_in_utc(built, summary):
    assert re.fullmatch(r"\d{8}T\d{6}Z", built.run.resolve().name)
    assert summary["run"]["id"] == built.run.resolve().name
    assert summary["run"]["started"] == "2025-10-09T08:53:20Z"
    assert summary["run"]["seconds"] is None

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime

import pytest
from projects import SECONDS, clean_environment

from reportgen import lock as module
from reportgen.errors import ExitCode, PublishError
from reportgen.lock import FILE, Holder, lock_builds

HOLDING = """
import os, signal, sys
from pathlib import Path
from reportgen.lock import lock_builds

lock = lock_builds(Path(sys.argv[1]), wait=0, told=print)
print("held", flush=True)
sys.stdin.readline()
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
lock.release()
"""

BUILDING = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from reportgen.publish import new_run

folder, log = Path(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
sys.stdin.readline()
with new_run(folder, datetime(2026, 11, 23, 2, tzinfo=UTC), as_latest=sys.argv[3] != "0") as run:
    os.write(log, f"begin {run.id}\\n".encode())
    (run.path / "report.html").write_text(str(os.getpid()))
    run.publish()
    os.write(log, f"end {run.id}\\n".encode())
"""


def process(script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def holding(tmp_path):
    """Give a function that starts a process that holds the lock until a line is sent to it."""
    started = []

    def hold(end="released"):
        holder = process(HOLDING, tmp_path, end)
        started.append(holder)
        assert holder.stdout.readline() == "held\n"
        return holder

    yield hold
    for holder in started:
        holder.kill()
        holder.communicate(timeout=SECONDS)


@pytest.fixture
def said():
    return []


def lock(folder, said, wait=0.0):
    return lock_builds(folder, wait=wait, told=said.append)


def written(folder, **changes):
    """Write the lock file of a build that is not here."""
    holder = Holder(1, "elsewhere", "another kernel", "2026-11-23T02:00:00Z", "token")
    holder = replace(holder, **changes)
    (folder / FILE).write_text(json.dumps(vars(holder)))
    return holder


def here(folder):
    """Give what tells this machine from others."""
    held = lock(folder, [])
    holder = json.loads((folder / FILE).read_text())
    held.release()
    return {"host": holder["host"], "kernel": holder["kernel"]}


def a_dead_process():
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


@pytest.fixture
def without_locks(monkeypatch):
    """A file system on which flock is refused."""

    def refused(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.0)


def test_who_holds_the_lock_and_since_when_is_said(tmp_path, said, holding):
    holder = holding()
    since = json.loads((tmp_path / FILE).read_text())["since"]
    with pytest.raises(PublishError) as refused:
        lock(tmp_path, said)
    assert refused.value.exit_code == ExitCode.DELIVERY
    shown = datetime.fromisoformat(since).strftime("%Y-%m-%d %H:%M:%S UTC")
    assert refused.value.message == (
        f"{tmp_path}: another build of this report is running: "
        f"process {holder.pid} on {os.uname().nodename}, since {shown}"
    )
    assert said == []


def test_a_build_that_waits_says_so_once_and_goes_on_when_the_other_has_ended(tmp_path, holding):
    holder = holding()
    said = []

    def told(text):
        said.append(text)
        holder.stdin.write("\n")  # only now does the other go on
        holder.stdin.flush()

    held = lock_builds(tmp_path, wait=SECONDS, told=told)
    assert [text.partition(": ")[0] for text in said] == ["Another build of this report is running"]
    assert f"process {holder.pid} on " in said[0]
    assert said[0].endswith("Waiting, 10 minutes at most.")
    held.release()


def test_waiting_ends_after_the_time_that_was_given(tmp_path, said, holding):
    holding()
    with pytest.raises(PublishError, match="waited 0 seconds for it"):
        lock(tmp_path, said, wait=0.3)
    assert len(said) == 1


def test_the_lock_of_a_killed_build_is_taken_at_once_and_without_a_word(tmp_path, said, holding):
    holder = holding("killed")
    holder.stdin.write("\n")
    holder.stdin.flush()
    assert holder.wait(SECONDS) == -signal.SIGKILL
    assert (tmp_path / FILE).exists()
    lock(tmp_path, said).release()
    assert said == []


def test_no_file_is_left_after_the_last_build(tmp_path, said):
    lock(tmp_path, said).release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', "\0\0"])
def test_a_damaged_lock_file_is_taken(tmp_path, said, content):
    (tmp_path / FILE).write_text(content)
    lock(tmp_path, said).release()
    assert said == []
    assert list(tmp_path.iterdir()) == []


def test_eight_builds_at_once_succeed_one_after_the_other(tmp_path):
    folder, log = tmp_path / "runs", tmp_path / "log"
    builds = [process(BUILDING, folder, log, number % 3) for number in range(8)]
    for build in builds:
        build.stdin.write("\n")
        build.stdin.flush()
    ends = [build.communicate(timeout=SECONDS) for build in builds]
    assert [build.returncode for build in builds] == [0] * 8, ends
    lines = [line.split() for line in log.read_text().splitlines()]
    begun = [run for what, run in lines if what == "begin"]
    assert [what for what, _ in lines] == ["begin", "end"] * 8
    assert begun == [run for what, run in lines if what == "end"]
    first = "20261123T020000Z"
    assert sorted(begun) == [first, *(f"{first}-{number}" for number in range(2, 9))]
    made = {(folder / run / "report.html").read_text() for run in begun}
    assert made == {str(build.pid) for build in builds}
    assert {path.name for path in folder.iterdir()} == {*begun, "latest"}


def test_the_lock_of_another_machine_counts_until_it_is_silent(tmp_path, said, monkeypatch):
    """Its file system may give each machine its own locks."""
    holder = written(tmp_path)
    with pytest.raises(PublishError, match="process 1 on elsewhere, since 2026-11-23 02:00:00"):
        lock(tmp_path, said, wait=0.5)
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.1)
    lock(tmp_path, said, wait=SECONDS).release()
    assert said[-1].startswith("Taking over the lock of a build that has been silent for ")
    assert str(holder) in said[-1]


def test_the_lock_of_another_machine_that_still_builds_is_not_taken(tmp_path, monkeypatch):
    written(tmp_path)
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.3)
    clock = iter(range(10**6))
    monkeypatch.setattr(
        module.time, "sleep", lambda _: os.utime(tmp_path / FILE, (next(clock),) * 2)
    )
    with pytest.raises(PublishError, match="is running"):
        lock(tmp_path, [], wait=1.0)


@pytest.mark.parametrize("same", ["host", "kernel"])
def test_a_lock_from_before_a_boot_or_from_another_container_is_taken_at_once(tmp_path, said, same):
    written(tmp_path, **{same: here(tmp_path)[same]})
    lock(tmp_path, said).release()
    assert said == []


def test_a_build_touches_its_lock(tmp_path, said, monkeypatch):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.001)
    held = lock(tmp_path, said)
    os.utime(tmp_path / FILE, (0, 0))
    while (tmp_path / FILE).stat().st_mtime < 1:
        os.sched_yield()
    held.release()


def test_a_lock_that_another_build_took_over_is_left_to_it(tmp_path, said):
    held = lock(tmp_path, said)
    written(tmp_path)
    held.release()
    assert (tmp_path / FILE).exists()


@pytest.mark.usefixtures("without_locks")
class TestWithoutLocks:
    def test_only_one_build_runs(self, tmp_path, said):
        held = lock(tmp_path, said)
        with pytest.raises(PublishError, match=f"process {os.getpid()} on"):
            lock(tmp_path, said)
        held.release()
        lock(tmp_path, said).release()
        assert said == []
        assert list(tmp_path.iterdir()) == []

    def test_the_lock_of_a_killed_build_of_this_machine_is_taken_at_once(self, tmp_path, said):
        holder = written(tmp_path, pid=a_dead_process(), **here(tmp_path))
        lock(tmp_path, said).release()
        assert said == [f"Taking over the lock of a build that has ended: {holder}."]

    def test_a_lock_whose_process_number_another_program_has_is_taken_when_silent(
        self, tmp_path, said, monkeypatch
    ):
        written(tmp_path, pid=os.getpid(), **here(tmp_path))
        with pytest.raises(PublishError):
            lock(tmp_path, said)
        monkeypatch.setattr(module, "SILENT_SECONDS", 0.1)
        lock(tmp_path, said, wait=SECONDS).release()

    def test_a_lock_that_two_take_over_goes_to_one(self, tmp_path, said, monkeypatch):
        def other_was_slower(_):
            monkeypatch.setattr(module.time, "sleep", lambda _: None)
            (tmp_path / FILE).unlink()
            written(tmp_path)

        monkeypatch.setattr(module.time, "sleep", other_was_slower)
        with pytest.raises(PublishError, match="on elsewhere"):
            lock(tmp_path, said)

import errno
import os
import re
import signal
import subprocess
import sys

import pytest
from projects import SECONDS, clean_environment

from reportgen.errors import ExitCode, PublishError
from reportgen.lock import FILE, lock_builds

HOLDING = """
import os, signal, sys
from pathlib import Path
from reportgen.lock import lock_builds

with lock_builds(Path(sys.argv[1]), wait=0, say=print):
    print("held", flush=True)
    sys.stdin.readline()
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
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


def lock(folder, said, wait=0.0):
    """Get the lock and let go of it; give what the file said meanwhile."""
    with lock_builds(folder, wait=wait, say=said.append):
        return (folder / FILE).read_text()


def test_who_holds_the_lock_and_since_when_is_said(tmp_path, holding):
    holder, said = holding(), []
    with pytest.raises(PublishError) as refused:
        lock(tmp_path, said)
    assert refused.value.exit_code == ExitCode.DELIVERY
    assert re.fullmatch(
        rf"{tmp_path}: another build of this report is running: "
        rf"process {holder.pid} on {os.uname().nodename}, since [\d-]+ [\d:]+ UTC",
        refused.value.message,
    )
    assert said == []


def test_the_lock_of_a_killed_build_is_taken_at_once_and_without_a_word(tmp_path, holding):
    holder, said = holding("killed"), []
    holder.stdin.write("\n")
    holder.stdin.flush()
    assert holder.wait(SECONDS) == -signal.SIGKILL
    assert (tmp_path / FILE).exists()
    assert lock(tmp_path, said).startswith(f"process {os.getpid()} on ")
    assert said == []
    assert list(tmp_path.iterdir()) == []


def test_what_the_lock_file_says_is_shown_on_one_line_without_control_characters(tmp_path):
    with lock_builds(tmp_path, wait=0, say=print):
        (tmp_path / FILE).write_text("\x1b[2J\nsomebody" + "!" * 1000)
        with pytest.raises(PublishError, match=r"running: \\x1b\[2J somebody!+") as refused:
            lock(tmp_path, [])
        assert len(refused.value.message) < 500


@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path, there):
    folder, target = tmp_path / "runs", tmp_path / "target"
    folder.mkdir()
    if there:
        target.write_text("mine")
    (folder / FILE).symlink_to(target)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        lock(folder, [])
    assert target.exists() == there
    assert not there or target.read_text() == "mine"


def test_on_a_file_system_without_locks_only_one_build_runs(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", refused)
    with (
        lock_builds(tmp_path, wait=0, say=print),
        pytest.raises(PublishError, match=rf"running: {os.getpid()} "),
    ):
        lock(tmp_path, [])
    assert list(tmp_path.iterdir()) == []

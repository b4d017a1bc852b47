"""Builds that are killed at a point: each a process of its own, forked from what workers are.

A point is the end of a call that changes files, locks, databases or processes. It is named by the
stage of the build, the call, and which of its kind it is in the stage: ``publish rename 1``.
"""

import os
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import psutil
from projects import SECONDS, clean_environment

# As C functions name themselves.
WATCHED = frozenset(
    (
        *("open", "rename", "replace", "unlink", "mkdir", "rmdir", "symlink", "fsync", "flock"),
        *("ftruncate", "pwrite", "BufferedWriter.write", "TextIOWrapper.write", "socket.sendmsg"),
        *("Connection.commit", "Connection.close", "Connection.execute"),
        *("Cursor.execute", "Cursor.executemany"),
    )
)
READERS = {"read_regular", "open_at_once", "_own_content"}
CONDUCTORS = {("pipeline.py", "build"), ("housekeeping.py", "do_housekeeping")}


@dataclass(frozen=True)
class Ended:
    """A build that has ended. code: negative for a signal. points: all that there were."""

    code: int
    complained: str
    points: tuple[str, ...]


def run_build(project, folder, *arguments, epoch, kill_at=None):
    """Build a report as if it were another time, and wait until its workers have ended, too.

    folder: for what it prints and its temporary files. kill_at: point at which it is killed.
    """
    env = clean_environment(SOURCE_DATE_EPOCH=str(epoch), **project.env)
    words = ["reportgen", project.config.name, *arguments]
    process = get_context("forkserver").Process(
        target=_build, args=(project.folder, words, env, folder, kill_at)
    )
    process.start()
    server = psutil.Process(psutil.Process(process.pid).ppid())
    process.join(SECONDS)
    assert process.exitcode is not None
    _, living = psutil.wait_procs(server.children(), SECONDS / 10)
    assert not living, "workers outlive their build"
    points = (folder / "points").read_text().splitlines()
    return Ended(process.exitcode, (folder / "said").read_text(encoding="utf-8"), tuple(points))


def _build(cwd, words, env, folder, kill_at):
    from reportgen.cli import main

    said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(said, stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    tempfile.tempdir = str(folder)
    sys.argv, sys.path = words, [env["PYTHONPATH"], *sys.path]
    with (folder / "points").open("w", buffering=1) as points:
        sys.setprofile(_Watch(kill_at, points))
        try:
            main()
        finally:
            sys.setprofile(None)


class _Watch:
    """Notes the points of a build, and kills it at one."""

    def __init__(self, kill_at, points):
        import reportgen

        self._package = str(Path(reportgen.__file__).parent)
        self._kill_at, self._points = kill_at, points
        self._seen = Counter()

    def __call__(self, frame, event, called):
        if event != "c_return" or called.__qualname__ not in WATCHED or _reads(frame):
            return
        kind = f"{self._stage(frame)} {called.__qualname__}"
        self._seen[kind] += 1
        point = f"{kind} {self._seen[kind]}"
        if point == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self._points.write(f"{point}\n")

    def _stage(self, frame):
        """Name what the conductor does just now, or what follows when a run is published."""
        below = "outside"
        while frame is not None:
            name, file = frame.f_code.co_name, frame.f_code.co_filename
            if (Path(file).name, name) in CONDUCTORS:
                return below
            if file.startswith(self._package):
                below = name
            frame = frame.f_back
        return "outside"


def _reads(frame):
    """Whether a file is just opened to be read, as pathlib does or who waits for no pipe."""
    name = frame.f_code.co_name
    return name in READERS or (name == "open" and frame.f_locals.get("mode") in {"r", "rb"})

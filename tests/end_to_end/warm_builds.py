"""Builds that tests start by the dozen: each a process of its own, forked from a warm one."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from projects import SECONDS, clean_environment

PROGRAM = Path(__file__).with_name("warm.py")


@dataclass(frozen=True)
class Ended:
    """A build that has ended. code: negative for a signal. points: see `warm.Watch`."""

    code: int
    said: str
    complained: str
    points: tuple[str, ...] = ()


class WarmBuilds:
    """Makes builds, one after another."""

    def __init__(self, process, folder):
        self.process = process
        self._folder = folder
        self._numbers = count()

    def build(self, config, *arguments, epoch, kill_at=None, watch=False, **env):
        """Build a report, in the folder of its configuration, as if it were another time.

        kill_at: point at which the build is killed. watch: note all points that there are.
        """
        output = self._folder / f"build-{next(self._numbers)}"
        request = {
            "cwd": str(config.parent),
            "arguments": [config.name, *map(str, arguments)],
            "env": {"SOURCE_DATE_EPOCH": str(epoch), **env},
            "output": str(output),
            "kill_at": kill_at,
            "watch": watch,
        }
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        code = json.loads(self.process.stdout.readline())
        said, complained = (
            output.with_suffix(ending).read_text(encoding="utf-8") for ending in (".out", ".err")
        )
        points = output.with_suffix(".points").read_text().splitlines() if watch else ()
        return Ended(code, said, complained, tuple(points))

    def workers(self):
        """Give the workers that there are, and whatever they have started.

        Each has a session of its own; what they are forked from has that of the process here.
        """
        processes = parents_of_processes()
        found, more = set(), {self.process.pid}
        while more:
            more = {child for child, parent in processes.items() if parent in more} - found
            found |= more
        here = os.getsid(self.process.pid)
        return {pid for pid in found if session(pid) not in {here, None}}


def session(pid):
    """Give the session of a process; None when it has ended."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def parents_of_processes():
    """Give the parent of each process that has not ended, by reading /proc."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it has just ended
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    return parents


@contextmanager
def warm_builds(folder, **env):
    """Give what makes builds. folder: for what they print, and for their temporary files."""
    # A process with threads should not be forked.
    env = clean_environment(OPENBLAS_NUM_THREADS="1", TMPDIR=str(folder), **env)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, PROGRAM], env=env, text=True, **pipes)
    with process:
        try:
            yield WarmBuilds(process, folder)
        finally:
            process.stdin.close()
            process.wait(timeout=SECONDS)

"""Runs a command and measures seconds, processor time and memory of all its processes."""

import ctypes
import os
import resource
import subprocess
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.05
LINGER_SECONDS = 30.0  # what a command leaves behind may take to end
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


@dataclass(frozen=True)
class Measured:
    """What a command took. processor: seconds of all its processes, on whatever core they were.

    peak: MB of all its processes together; 0 if nobody looked.
    """

    seconds: float
    processor: float
    peak: float = 0.0


def adopt_orphans() -> None:
    """Have orphaned descendants become our children, so that none escapes from the tree."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def measure(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    folder: Path,
    *,
    memory: bool = False,
) -> Measured:
    """Run a command in a folder to its end; SystemExit with what it printed when it fails.

    memory: look every 50 ms at the proportional set size (PSS) of all processes that it started,
    in which a page that workers share counts once. It takes a few percent of the time.
    """
    printed, peak, before = folder / "printed.txt", 0.0, _processor_seconds()
    with printed.open("wb") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)), cwd=folder, env=environment, stdout=output, stderr=output
        )
        while memory and process.poll() is None:
            peak = max(peak, sum(map(_proportional_size, descendants())))
            time.sleep(SAMPLE_SECONDS)
        code = process.wait()
        seconds = time.perf_counter() - begun
    _wait_for_the_rest()
    if code:
        said = printed.read_text(encoding="utf-8", errors="replace")[-4000:]
        raise SystemExit(f"{' '.join(map(str, command))}: exit code {code}\n{said}")
    return Measured(seconds, _processor_seconds() - before, peak)


def _processor_seconds() -> float:
    """Give the processor time of all descendants that have ended and been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def descendants() -> list[int]:
    """Give all processes below this one."""
    children = defaultdict(list)
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            parent = int(status.read_text(errors="replace").rpartition(")")[2].split()[1])
            children[parent].append(int(status.parent.name))
    found = children[os.getpid()][:]
    for process in found:
        found += children[process]
    return found


def _proportional_size(process: int) -> float:
    """Give the PSS of a process in MB; its RSS where the kernel does not tell us; 0 if it ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    with suppress(OSError):
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2
    return 0.0


def _wait_for_the_rest() -> None:
    """Wait until nothing runs any more that the command started: it would disturb the next one."""
    limit = time.perf_counter() + LINGER_SECONDS
    while time.perf_counter() < limit:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not descendants():
            return
        time.sleep(0.02)
    raise SystemExit("processes are left that do not end; nothing can be measured beside them")

"""How much memory a process and those that it started use together.

A page that several of them share counts for each in part (the proportional set size, PSS), so that
the sum is what they use. Where the system does not tell that, what each has alone counts (USS).
"""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread

import psutil

INTERVAL = 0.25  # s between two looks


@dataclass
class MemoryMeter:
    """peak: most bytes that were used at once; None when nothing was measured."""

    peak: int | None = None


@contextmanager
def meter_memory(*, wanted: bool = True) -> Iterator[MemoryMeter]:
    """Measure this process and its descendants until the end of the block, if that is wanted."""
    meter, done = MemoryMeter(), Event()
    if not wanted:
        yield meter
        return

    def look() -> None:
        while True:
            meter.peak = max(meter.peak or 0, memory_of(psutil.Process()))
            if done.wait(INTERVAL):
                return

    thread = Thread(target=look, daemon=True)
    thread.start()
    try:
        yield meter
    finally:
        done.set()
        thread.join()


def memory_of(root: psutil.Process) -> int:
    """Return the memory of a process and its descendants in bytes; 0 once it has ended."""
    return sum(map(_share, _family(root)))


def memory_beyond(pid: int, limit: int) -> int | None:
    """Return the memory of a process and its descendants if it is above a limit, both in bytes."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        # Nearly always this is enough, and quicker: no share is larger than the whole.
        if sum(map(_resident, _family(root))) > limit:
            used = memory_of(root)
            return used if used > limit else None
    return None


def own_peak() -> int:
    """Return the most memory that this process has had resident, in bytes.

    What it shares with others is in it: for a worker, the modules that all of them share.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # getrusage(2)


def _family(root: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [root, *root.children(recursive=True)]
    return []


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0


def _share(process: psutil.Process) -> int:
    try:
        found = process.memory_full_info()
    except psutil.NoSuchProcess:
        return 0
    except psutil.AccessDenied:  # of another user
        return _resident(process)
    return int(getattr(found, "pss", found.uss))

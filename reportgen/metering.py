"""How much memory processes use, as Linux tells it in /proc; elsewhere it is not known.

Memory is the proportional set size: a page that several processes share counts for each in part, so
that the sum over processes is what they use together (proc_pid_smaps_rollup(5), since Linux 4.14).
Where the system does not tell it, resident memory less what is shared stands in.
"""

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, thread_time
from typing import NamedTuple

INTERVAL = 0.1  # seconds between two looks
MOST_TIME = 0.02  # of one core that looking may take; with many processes it looks less often
_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes


def is_known() -> bool:
    """Whether this system says how much memory processes use."""
    return (_PROC / "self" / "statm").exists()


def memory_of(pid: int) -> int:
    """Give the memory of a process in bytes, its share of what it has in common with others.

    0 for one that has ended.
    """
    with suppress(OSError):
        for line in _read(pid, "smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    with suppress(OSError):
        _, resident, shared = _read(pid, "statm").split()[:3]
        return (int(resident) - int(shared)) * _PAGE
    return 0


def own_peak() -> int:
    """Give the most memory that this process has had resident, in bytes.

    What it shares with others is in it: for a worker, the modules that all of them share.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # getrusage(2)


def group_beyond(group: int, limit: int) -> int | None:
    """Give the memory of a process group in bytes if it is above a limit; None if not."""
    members = [pid for pid in _processes() if _group_of(pid) == group]
    # Nearly always this is enough, and it costs a hundredth: no share is larger than the whole.
    if sum(map(_resident, members)) <= limit:
        return None
    used = sum(map(memory_of, members))
    return used if used > limit else None


class Sample(NamedTuple):
    """What a family of processes used. seconds: on the clock of ``time.perf_counter``."""

    seconds: float
    memory: int


class MemoryMeter:
    """Measures a process and all that descend from it together."""

    def __init__(self, root: int | None = None) -> None:
        self._ours = {os.getpid() if root is None else root}
        self._others: set[int] = set()
        self.samples: list[Sample] = []

    @property
    def peak(self) -> int | None:
        """Most bytes that were used at once; None when nothing was measured."""
        return max((sample.memory for sample in self.samples), default=None)

    def sample(self) -> None:
        """Look once."""
        alive = set(_processes())
        self._ours &= alive
        self._others &= alive
        self._sort({pid: _parent_of(pid) for pid in alive - self._ours - self._others})
        memory = sum(map(memory_of, self._ours))
        self.samples.append(Sample(perf_counter(), memory))

    def _sort(self, new: dict[int, int]) -> None:
        """Tell processes that descend from ours from others; each is asked once in its life."""
        while found := {pid for pid, parent in new.items() if parent in self._ours}:
            self._ours |= found
            new = {pid: parent for pid, parent in new.items() if pid not in found}
        self._others |= new.keys()


@contextmanager
def meter_memory(*, wanted: bool = True) -> Iterator[MemoryMeter]:
    """Measure this process and its descendants until the end of the block.

    A thread looks every ``INTERVAL``. The meter stays empty when it is not wanted, or where the
    system does not say how much memory processes use.
    """
    meter = MemoryMeter()
    if not (wanted and is_known()):
        yield meter
        return
    done = Event()
    thread = Thread(target=_keep_looking, args=(meter, done), daemon=True)
    meter.sample()
    thread.start()
    try:
        yield meter
    finally:
        done.set()
        thread.join()


def _keep_looking(meter: MemoryMeter, done: Event) -> None:
    pause = INTERVAL
    while not done.wait(pause):
        before = thread_time()
        meter.sample()
        pause = max(INTERVAL, (thread_time() - before) / MOST_TIME)


def _processes() -> Iterator[int]:
    with suppress(OSError):
        yield from (int(name) for name in os.listdir(_PROC) if name.isdecimal())  # noqa: PTH208


def _group_of(pid: int) -> int | None:
    with suppress(OSError):
        return os.getpgid(pid)
    return None


def _parent_of(pid: int) -> int:
    with suppress(OSError):
        # Its name, in brackets, may hold anything; then come the state and the parent.
        return int(_read(pid, "stat").rpartition(b")")[2].split()[1])
    return 0


def _resident(pid: int) -> int:
    with suppress(OSError):
        return int(_read(pid, "statm").split()[1]) * _PAGE
    return 0


def _read(pid: int, name: str) -> bytes:
    with open(f"{_PROC}/{pid}/{name}", "rb", buffering=0) as file:  # noqa: PTH123 - ten times a second
        return file.read()

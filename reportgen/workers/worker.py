"""What a worker process does, whatever its work is."""

import faulthandler
import gc
import os
import pickle
import signal
import sys
from multiprocessing import connection, parent_process
from pathlib import Path
from threading import Thread
from time import monotonic

from reportgen.workers.failures import Failed, failure
from reportgen.workers.memory import own_peak
from reportgen.workers.timeline import Span, cpu_seconds

GRACE = 10  # s after its timeout at which a task ends by itself
GARBAGE = 100_000
"""Objects made between two searches for garbage. With Python's 700 they took a fifth of a PDF."""


folders: list[Path] = []
"""Where a task puts files that are of no use after it; empty outside of workers."""


def do_task(
    job: bytes, output: str, name: str, called: float, timeout: float | None
) -> tuple[bytes | Failed, Span]:
    """Be a worker: do one task; return its value pickled, or why there is none, and what it took.

    output: file for what it prints; beside it, with the suffix .pid, goes the number of this
    process. name, called: of the span. timeout: seconds after which the build stops it.
    """
    gc.freeze()  # what has been imported is there to stay
    gc.set_threshold(GARBAGE)
    os.setsid()  # a group of its own, so that what it starts can be ended with it
    folders.append(Path(output).parent)
    Path(output).with_suffix(".pid").write_text(str(os.getpid()))
    _write_to(output)
    Thread(target=_end_with_the_build, daemon=True).start()
    if timeout is not None:
        # A library that loops may hold Python's lock, which that thread needs; this ends it even
        # when the build, which would stop it, has been killed.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(min(int(timeout) + GRACE, 2**31 - 1))
    begun, used = monotonic(), cpu_seconds()
    outcome: bytes | Failed
    try:
        work, arguments = pickle.loads(job)  # noqa: S301 - written by our own parent
        value = work(*arguments)
        outcome = value if isinstance(value, Failed) else pickle.dumps(value)
    except BaseException as error:  # SystemExit too: the process is the task's own
        outcome = failure(error)
    used = cpu_seconds() - used
    return outcome, Span(name, begun, monotonic(), used, own_peak(), called, is_task=True)


def _write_to(output: str) -> None:
    """Send what this process prints, C libraries included, to a file."""
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    faulthandler.enable(2)


def _end_with_the_build() -> None:
    """End with the process that asked for the work, even when that was killed."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.killpg(os.getpgrp(), signal.SIGKILL)  # with all it started


def pass_on(failed: Failed) -> Failed:
    """Return a failure that was found before the task could be sent."""
    return failed

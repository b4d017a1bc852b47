"""What a worker process does, whatever its work is."""

import faulthandler
import gc
import os
import pickle
import signal
import sys
from contextlib import suppress
from importlib import import_module
from multiprocessing import connection, parent_process
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

from reportgen.allocating import keep_freed
from reportgen.failures import Failed, failure
from reportgen.timeline import noting_use

# Of allocations before garbage is looked for: a task is short, and most of what it makes it keeps.
# To print a PDF takes a quarter less time than with Python's 700, 10, 10.
COLLECTING = 300_000, 50, 50
LOOK_SECONDS = 0.01  # how often a process that is ready looks for its work


def do_task(job: bytes, output: str) -> bytes | Failed:
    """Be a worker: do one task and give its value pickled, or why there is none."""
    gc.freeze()  # what the server has imported is there to stay
    gc.set_threshold(*COLLECTING)
    keep_freed()
    os.setsid()  # a group of its own, so that what it starts can be ended with it
    Path(output).with_suffix(".pid").write_text(str(os.getpid()))
    _write_to(output)
    Thread(target=_end_with_the_build, daemon=True).start()
    with noting_use(Path(output).with_suffix(".use")):
        try:
            work, arguments = pickle.loads(job)  # noqa: S301 - written by our own parent
            value = work(*arguments)
            return value if isinstance(value, Failed) else pickle.dumps(value)
        except BaseException as error:  # SystemExit too: the process is the task's own
            return failure(error)


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


def wait_for_work(modules: tuple[str, ...], place: str) -> Any:
    """Be a process that is ready: import modules, wait for the work, do it."""
    gc.disable()
    for module in modules:
        with suppress(Exception):  # the work will say it better
            import_module(module)
    gc.freeze()
    gc.enable()
    while not Path(place).exists():
        sleep(LOOK_SECONDS)
    work, arguments = pickle.loads(Path(place).read_bytes())  # noqa: S301 - by our own parent
    with noting_use(Path(place).with_suffix(".own")):
        return work(*arguments)


def do_nothing() -> None:
    """Do nothing: once a worker has done it, the server has imported all it should."""


def pass_on(failed: Failed) -> Failed:
    """Give a failure that was found before the task could be sent."""
    return failed

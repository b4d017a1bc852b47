"""Worker processes, one a task: what raises, dies or runs too long is told, and harms no other."""

import faulthandler
import os
import pickle
import signal
import sys
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import active_children, connection, forkserver, get_context, parent_process
from multiprocessing import resource_tracker as tracker
from pathlib import Path
from threading import Thread
from typing import Any, Literal

from reportgen import errors
from reportgen.errors import ConfigError, ReportgenError, SourceError
from reportgen.metering import INTERVAL, group_beyond
from reportgen.numbers import bytes_text
from reportgen.summary import ErrorKind, ErrorRecord

# Imported once in the server that workers are forked from, so that no task pays for it.
PRELOAD = [
    "reportgen.cli",
    "reportgen.work",
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_agg",
    "astropy.table",
    "jinja2",
]
NAME = "reportgen worker"
MOST_PRINTED = 20_000  # characters of what a task printed that are kept, the last ones
LONGEST_MESSAGE = 2_000  # characters; what an exception says is shown on the first page

_KINDS: dict[type, ErrorKind] = {SourceError: "source", ConfigError: "config"}


@dataclass(frozen=True)
class Failed:
    """Why a task gave no value.

    kind: it raised (``error``), ran too long (``timeout``), used too much memory (``memory``), or
    its process was killed or ended (``died``). details: traceback. error: what it raised, if it is
    an error of reportgen.
    """

    kind: Literal["error", "timeout", "memory", "died"]
    message: str
    details: str = ""
    error: ReportgenError | None = None
    hint: str = ""


@dataclass(frozen=True)
class Ended:
    """How a task ended. printed: what it wrote to its standard output and error."""

    value: Any = None
    failed: Failed | None = None
    printed: str = ""


def error_record(failed: Failed, printed: str = "", command: str = "") -> ErrorRecord:
    """Put a failure into words for the record.

    printed: what its process wrote last. command: what makes it alone.
    """
    said = f"It printed:\n{printed}" if printed else ""
    return ErrorRecord(
        kind=_KINDS.get(type(failed.error), failed.kind),
        message=failed.message,
        hint=failed.hint if failed.error is None else failed.error.hint,
        command=command,
        details="\n".join(part for part in (failed.details, said) if part),
    )


Then = Callable[[Ended], None]


@dataclass(frozen=True)
class _Task:
    job: bytes
    timeout: float | None
    then: Then
    output: Path
    memory: int | None = None


class Pool:
    """Runs tasks in at most so many processes at once; a task has a process of its own.

    Nothing but plain values of reportgen crosses back, so that what a plugin returns or raises
    cannot disturb the build.
    """

    def __init__(self, workers: int, folder: Path) -> None:
        self._workers = workers
        self._folder = folder
        # A timeout counts from the start of a process, which must not wait for the imports.
        self._warm = _launch(_Task(pickle.dumps((_nothing, ())), None, _ignore, folder / "0.txt"))
        self._started = 0
        self._waiting: deque[_Task] = deque()
        self._running: dict[Future[Any], _Task] = {}
        self._beyond: dict[Future[Any], Failed] = {}  # those stopped for the memory they used

    def start(
        self,
        work: Callable[..., Any],
        *arguments: Any,
        then: Then,
        timeout: float | None = None,
        memory: int | None = None,
    ) -> None:
        """Run ``work(*arguments)`` soon, and ``then`` with how it ended, while ``finish`` waits.

        timeout: seconds that the work may take. memory: bytes that its process and those that it
        starts may use together, where the system says how much they do.
        """
        self._started += 1
        try:
            job = pickle.dumps((work, arguments))
        except Exception as error:  # what cannot be sent is the task's own failure
            job = pickle.dumps((_fail, (failure(error),)))
        output = self._folder / f"{self._started}.txt"
        self._waiting.append(_Task(job, timeout, then, output, memory))

    def finish(self) -> None:
        """Wait until every task has ended, those included that were started meanwhile."""
        wait([self._warm])
        while self._waiting or self._running:
            while self._waiting and len(self._running) < self._workers:
                task = self._waiting.popleft()
                self._running[_launch(task)] = task
            limited = any(task.memory is not None for task in self._running.values())
            pause = INTERVAL if limited else None
            done, _ = wait(self._running, pause, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=list(self._running).index):
                task = self._running.pop(future)
                task.then(_ended(future, task, self._beyond.pop(future, None)))
            self._stop_beyond()

    def _stop_beyond(self) -> None:
        """Stop the tasks that use more memory than they may."""
        for future, task in self._running.items():
            if task.memory is None or future in self._beyond or future.done():
                continue
            pid = task.output.with_suffix(".pid")
            with suppress(FileNotFoundError, ValueError):  # it has hardly begun
                used = group_beyond(int(pid.read_text()), task.memory)
                if used is not None:
                    self._beyond[future] = _too_much(used, task.memory)
                    _end_group(pid)

    def stop(self) -> None:
        """Stop whatever still runs."""
        self._waiting.clear()
        self._running.clear()
        for process in active_children():
            if process.name == NAME:  # a program that builds reports may have others
                process.kill()
                process.join()
        for pid in self._folder.glob("*.pid"):
            _end_group(pid)


def _launch(task: _Task) -> Future[Any]:
    from pebble.concurrent import process

    context = get_context("forkserver")
    # Declared as mp_context, read as context (pebble 5.2): give both.
    options: dict[str, Any] = {"timeout": task.timeout, "context": context, "mp_context": context}
    run = process(name=NAME, **options)(_work)
    future: Future[Any] = run(task.job, str(task.output))
    return future


def _too_much(used: int, limit: int) -> Failed:
    most, found = bytes_text(limit), bytes_text(used)
    said = f"used more than its memory_limit of {most}"
    said += "" if most == found else f" ({found})"
    return Failed(
        "memory",
        f"{said} and was stopped",
        hint="raise memory_limit, or let the section read less: fewer columns or rows (where:), "
        "a smaller memory: of its catalogue",
    )


def _ended(future: Future[Any], task: _Task, beyond: Failed | None = None) -> Ended:
    from pebble import ProcessExpired

    try:
        outcome = future.result()
    except TimeoutError:
        said = f"ran longer than its timeout of {task.timeout:g} s and was stopped"
        outcome = Failed("timeout", said)
    except ProcessExpired as error:
        outcome = beyond or Failed("died", _how_it_died(error.exitcode))
    except Exception as error:  # the process could not be started, for instance
        outcome = failure(error)
    _end_group(task.output.with_suffix(".pid"))
    printed = ""
    if task.output.exists():
        printed = task.output.read_bytes()[-MOST_PRINTED:].decode("utf-8", "replace").strip()
        task.output.unlink()
    if isinstance(outcome, Failed):
        return Ended(failed=outcome, printed=printed)
    return Ended(pickle.loads(outcome), printed=printed)  # noqa: S301 - written by our own worker


def _end_group(pid: Path) -> None:
    """End whatever a worker started and left behind."""
    with suppress(FileNotFoundError, ValueError, ProcessLookupError, PermissionError):
        os.killpg(int(pid.read_text()), signal.SIGKILL)


def _how_it_died(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"its process was killed by {name}{hint}"
    return f"its process ended by itself with code {code}"


def failure(error: BaseException) -> Failed:
    """Describe an exception without keeping it: a plugin's may not even survive pickling."""
    known = _known(error)
    if known is not None:
        return Failed("error", known.message, error=known)
    try:
        details = "".join(traceback.format_exception(error))
    except Exception as broken:  # an exception that cannot describe itself
        details = f"(no traceback: {type(broken).__name__})"
    return Failed("error", message_of(error), details)


def message_of(error: BaseException) -> str:
    """Give the class of an exception and what it says."""
    try:
        said = str(error)
    except Exception:  # a plugin's exception may raise when it is asked
        said = "(an exception that cannot say what is wrong)"
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…"


def _known(error: BaseException) -> ReportgenError | None:
    """Give the error of reportgen that an exception is, or derives from."""
    if not isinstance(error, ReportgenError):
        return None
    kinds = (kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
    kind: type[ReportgenError] = next(kinds, ReportgenError)
    return kind(str(error.message), str(error.hint))


def _fail(failed: Failed) -> Failed:
    return failed


def _work(job: bytes, output: str) -> bytes | Failed:
    """Be a worker: do one task and give its value pickled, or why there is none."""
    os.setsid()  # a group of its own, so that what it starts can be ended with it
    Path(output).with_suffix(".pid").write_text(str(os.getpid()))
    _write_to(output)
    Thread(target=_end_with_the_build, daemon=True).start()
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


def default_workers() -> int:
    """One worker for each core that this process may use."""
    return max(1, len(os.sched_getaffinity(0)))


@cache
def _start_server() -> None:
    """Start the server that workers are forked from; Ctrl-C is for the build, not for them."""
    get_context("forkserver").set_forkserver_preload(PRELOAD)
    tracker.ensure_running()  # it would undo the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ignore(_: Ended) -> None:
    """Take no notice."""


def _nothing() -> None:
    """Do nothing: once a worker has done it, the server has imported all it should."""


@contextmanager
def worker_pool(workers: int) -> Iterator[Pool]:
    """Give a pool of worker processes; whatever still runs at the end is stopped."""
    try:
        Path.cwd()
    except FileNotFoundError:
        os.chdir(os.sep)  # workers start where we are, and our folder has been removed
    _start_server()
    with tempfile.TemporaryDirectory(prefix="reportgen-") as folder:
        pool = Pool(workers, Path(folder))
        try:
            yield pool
        finally:
            pool.stop()

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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import connection, forkserver, get_context, parent_process, reduction
from multiprocessing import resource_tracker as tracker
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import IO, Any, Literal

from reportgen import errors
from reportgen.errors import ConfigError, ReportgenError, SourceError
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
]
MOST_PRINTED = 20_000  # characters of what a task printed that are kept, the last ones
LONGEST_MESSAGE = 2_000  # characters; what an exception says is shown on the first page
STOP_SECONDS = 5.0  # a killed process is gone long before

_BEGUN = b"begun"
_KINDS: dict[type, ErrorKind] = {SourceError: "source", ConfigError: "config"}


@dataclass(frozen=True)
class Failed:
    """Why a task gave no value.

    kind: it raised (``error``), ran too long (``timeout``), or its process was killed or ended
    (``died``). details: traceback. error: what it raised, if it is an error of reportgen.
    """

    kind: Literal["error", "timeout", "died"]
    message: str
    details: str = ""
    error: ReportgenError | None = None


@dataclass(frozen=True)
class Ended:
    """How a task ended. printed: what it wrote to its standard output and error."""

    value: Any = None
    failed: Failed | None = None
    printed: str = ""


def error_record(failed: Failed, printed: str = "") -> ErrorRecord:
    """Put a failure into words for the record. printed: what its process wrote last."""
    said = f"It printed:\n{printed}" if printed else ""
    return ErrorRecord(
        kind=_KINDS.get(type(failed.error), failed.kind),
        message=failed.message,
        hint=failed.error.hint if failed.error is not None else "",
        details="\n".join(part for part in (failed.details, said) if part),
    )


Then = Callable[[Ended], None]


@dataclass(frozen=True)
class _Task:
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    timeout: float | None
    then: Then


@dataclass
class _Running:
    task: _Task
    process: Any
    answer: Connection
    output: IO[bytes]
    deadline: float | None = None  # set when the process says that it has begun


class Pool:
    """Runs tasks in at most so many processes at once; a task has a process of its own.

    Nothing but plain values of reportgen crosses back, so that what a plugin returns or raises
    cannot disturb the build.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._waiting: deque[_Task] = deque()
        self._running: list[_Running] = []

    def start(
        self,
        work: Callable[..., Any],
        *arguments: Any,
        then: Then,
        timeout: float | None = None,
    ) -> None:
        """Run ``work(*arguments)`` soon, and ``then`` with how it ended, while ``finish`` waits.

        timeout: seconds that the work may take.
        """
        self._waiting.append(_Task(work, arguments, timeout, then))

    def finish(self) -> None:
        """Wait until every task has ended, those included that were started meanwhile."""
        while self._waiting or self._running:
            while self._waiting and len(self._running) < self._workers:
                self._launch(self._waiting.popleft())
            for running in self._wait():
                if (ended := _heard(running)) is not None:
                    self._running.remove(running)
                    running.task.then(_closed(running, ended))

    def stop(self) -> None:
        """Stop whatever still runs."""
        self._waiting.clear()
        for running in self._running:
            _kill(running.process)
        while self._running:
            _closed(self._running.pop(), Ended())

    def _launch(self, task: _Task) -> None:
        try:
            job = pickle.dumps((task.work, task.arguments))
            self._running.append(_launched(task, job))
        except Exception as error:  # what cannot be sent or started is the task's own failure
            task.then(Ended(failed=failure(error)))

    def _wait(self) -> list[_Running]:
        """Give the tasks of which there is something to hear, or whose time is over."""
        watched = {place: r for r in self._running for place in (r.answer, r.process.sentinel)}
        deadlines = [r.deadline for r in self._running if r.deadline is not None]
        patience = max(0.0, min(deadlines) - monotonic()) if deadlines else None
        ready = [watched[place] for place in connection.wait(watched, patience)]
        late = [r for r in self._running if r.deadline is not None and r.deadline <= monotonic()]
        return [r for r in self._running if r in ready or r in late]


def _launched(task: _Task, job: bytes) -> _Running:
    context = get_context("forkserver")
    heard, answer = context.Pipe(duplex=False)
    output = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the task has ended
    process = context.Process(target=_work, args=(job, answer, _Output(output)))
    process.start()
    answer.close()
    return _Running(task, process, heard, output)


def _heard(running: _Running) -> Ended | None:
    """Give how a task ended; None while it runs."""
    if running.answer.poll():
        try:
            message = running.answer.recv_bytes()
        except (EOFError, OSError):
            return _died(running.process)
        if message != _BEGUN:
            value = pickle.loads(message)  # noqa: S301 - written by our own worker
            return Ended(failed=value) if isinstance(value, Failed) else Ended(value)
        if running.task.timeout is not None:
            running.deadline = monotonic() + running.task.timeout
        return None
    if not running.process.is_alive():
        return _died(running.process)
    if running.deadline is not None and running.deadline <= monotonic():
        said = f"ran longer than its timeout of {running.task.timeout:g} s and was stopped"
        return Ended(failed=Failed("timeout", said))
    return None


def _died(process: Any) -> Ended:
    process.join(STOP_SECONDS)
    return Ended(failed=Failed("died", _how_it_died(process.exitcode)))


def _how_it_died(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"its process was killed by {name}{hint}"
    return f"its process ended by itself with code {code}"


def _kill(process: Any) -> None:
    """Kill a worker and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()  # it may not yet lead its group


def _closed(running: _Running, ended: Ended) -> Ended:
    """Leave nothing of a task behind; give how it ended with what it printed."""
    _kill(running.process)
    running.process.join(STOP_SECONDS)
    running.answer.close()
    with running.output as output:
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - MOST_PRINTED))
        printed = output.read().decode("utf-8", "replace").strip()
    return Ended(ended.value, ended.failed, printed)


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


@dataclass(frozen=True)
class _Output:
    """A file that a worker gets as an open descriptor: it has no name that could be left behind."""

    file: IO[bytes] = field(repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (reduction.DupFd(self.file.fileno()),)


def _received(descriptor: Any) -> int:
    return int(descriptor.detach())


def _work(job: bytes, answer: Connection, output: int) -> None:
    """Be a worker: do one task, send what it gives, and end with all it started."""
    os.setsid()
    for standard in (1, 2):
        os.dup2(output, standard)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    faulthandler.enable(2)
    Thread(target=_end_with_the_build, daemon=True).start()
    answer.send_bytes(_BEGUN)
    try:
        work, arguments = pickle.loads(job)  # noqa: S301 - written by our own parent
        message = pickle.dumps(work(*arguments))
    except BaseException as error:  # SystemExit too: the process is the task's own
        message = pickle.dumps(failure(error))
    with suppress(OSError):
        answer.send_bytes(message)
    _end()


def _end_with_the_build() -> None:
    """End with the process that asked for the work, even when that was killed."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        _end()


def _end() -> None:
    """End this process and all it started, without waiting for threads that it left behind."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


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


@contextmanager
def worker_pool(workers: int) -> Iterator[Pool]:
    """Give a pool of worker processes; whatever still runs at the end is stopped."""
    try:
        Path.cwd()
    except FileNotFoundError:
        os.chdir(os.sep)  # workers start where we are, and our folder has been removed
    _start_server()
    pool = Pool(workers)
    try:
        yield pool
    finally:
        pool.stop()

"""Worker processes, one a task: what raises, dies or runs too long harms no other."""

import errno
import os
import pickle
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context, resource_tracker
from multiprocessing.util import get_temp_dir
from pathlib import Path
from stat import S_ISDIR
from threading import Event
from time import monotonic, time
from typing import Any

from filelock import FileLock, Timeout
from psutil import pid_exists

from reportgen.interruption import delayed_signals
from reportgen.wording import bytes_text, exact
from reportgen.workers.failures import Ended, Failed, failure, killed_by
from reportgen.workers.memory import memory_beyond
from reportgen.workers.timeline import Span
from reportgen.workers.worker import do_task, pass_on

NAME = "reportgen worker"
INTERVAL = 0.1  # s between two looks at a process
SIGNALS_HEEDED = 1.0  # s after which one is heeded at the latest
MOST_PRINTED = 20_000  # characters of what a task printed that are kept, the last ones

_PREFIX = "reportgen-"  # of folders of temporary files
_LOCK = "in-use.lock"
_SOCKETS = "sockets"  # a link to the folder that multiprocessing makes for its own
_SETTLED = 60.0  # s after which a folder in use is certainly locked

# Tasks use all cores already, and what BLAS sums depends on how many threads share it.
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")}

Then = Callable[[Ended], None]
Finished = tuple[bytes | Failed, Span]
"""What a worker gives: the value of its task, pickled, and what it took."""


@dataclass(frozen=True)
class _Task:
    job: bytes
    output: Path
    timeout: float | None
    memory: int | None
    name: str
    meanwhile: Callable[[], None] | None


_PRELOADED: list[str] = []


def set_preloaded(modules: Iterable[str]) -> None:
    """Say which modules ``Pool.preload`` imports."""
    _PRELOADED[:] = modules


class Pool:
    """Runs tasks in at most so many processes at once; a task has a process of its own.

    Nothing but plain values of reportgen crosses back, so that what a plugin returns or raises
    cannot disturb the build. folder: for what is of no use after it. method: how processes are
    started, as multiprocessing names it.
    """

    def __init__(self, workers: int, folder: Path, method: str = "forkserver") -> None:
        os.environ.update(ONE_THREAD)
        # It is started again, and we have no use of it.
        warnings.filterwarnings("ignore", "resource_tracker: process died", UserWarning)
        self.workers = workers
        self.folder = folder
        self.spans: list[Span] = []
        """What tasks that have ended took."""
        self._context: Any = get_context(method)
        # A thread waits for each process that runs, so that this one need not wait for any.
        self._threads = ThreadPoolExecutor(workers, NAME, initializer=block_interrupts)
        self._tasks: dict[Future[tuple[Ended, Span]], Then] = {}
        self._numbers = count()
        self._is_stopped = Event()

    def preload(self) -> None:
        """Import modules once for all tasks; in vain once a task of this program has been started.

        Tasks are forked from a process that has imported them. It takes longer than one task that
        needs none of them.
        """
        get_context("forkserver").set_forkserver_preload(list(_PRELOADED))

    def start(
        self,
        work: Callable[..., Any],
        *arguments: Any,
        then: Then,
        timeout: float | None = None,
        memory: int | None = None,
        meanwhile: Callable[[], None] | None = None,
        name: str = "",
    ) -> None:
        """Run ``work(*arguments)`` soon, and ``then`` with how it ended, while ``finish`` waits.

        timeout: seconds that the work may take, from its start. memory: bytes that its process and
        those that it starts may use together. meanwhile: is called again and again, in a thread.
        name: what to call it in ``spans``.
        """
        output = self.folder / f"{next(self._numbers)}.txt"
        task = _Task(_job(work, arguments), output, timeout, memory, name, meanwhile)
        self._tasks[self._threads.submit(self._run, task)] = then

    def finish(self) -> None:
        """Wait until every task has ended, those included that were started meanwhile."""
        while self._tasks:
            # Not without a limit: a signal that comes just before is heeded when the wait ends.
            done, _ = wait(self._tasks, SIGNALS_HEEDED, FIRST_COMPLETED)
            for future in [future for future in self._tasks if future in done]:
                then = self._tasks.pop(future)
                ended, span = future.result()
                self.spans.append(span)
                then(ended)

    def stop(self) -> None:
        """Stop whatever still runs."""
        self._is_stopped.set()
        self._threads.shutdown(cancel_futures=True)

    def _run(self, task: _Task) -> tuple[Ended, Span]:
        called, beyond = monotonic(), None
        try:
            future = self._launch(task)
            beyond = self._watch(future, task)
            outcome, span = future.result()
        except Exception as error:
            outcome = beyond or _why(error, task)
            span = Span(task.name, called, monotonic(), called=called, is_task=True)
        if (pid := _pid(task)) is not None:
            _end_group(pid)
        if isinstance(outcome, Failed):
            return Ended(failed=outcome, printed=_printed(task)), span
        value = pickle.loads(outcome)  # noqa: S301 - written by our own worker
        return Ended(value, printed=_printed(task)), span

    def _launch(self, task: _Task) -> "Future[Finished]":
        try:
            return _launch(task, self._context)
        except (OSError, EOFError):
            if self._is_stopped.is_set():
                raise
            # What was imported for all has ended the process that imported it: a library that does
            # not suit the machine. From now on each task imports what it needs.
            self._context = get_context("spawn")
            return _launch(task, self._context)

    def _watch(self, future: "Future[Any]", task: _Task) -> Failed | None:
        """Wait until a process has ended; end it when it uses too much memory, and say so."""
        beyond = None
        while not wait([future], INTERVAL).done:
            if task.meanwhile is not None:
                task.meanwhile()
            pid = _pid(task)
            if pid is None:  # it has hardly begun
                continue
            if task.memory is not None and (used := memory_beyond(pid, task.memory)):
                beyond = beyond or _too_much(used, task.memory)
            # What a process that has died left behind may hold the pipe on which we wait.
            if beyond or self._is_stopped.is_set() or not pid_exists(pid):
                _end_group(pid)
        return beyond


def block_interrupts() -> None:
    """Leave Ctrl-C to the build: processes inherit the mask of the thread that starts them."""
    resource_tracker.ensure_running()  # which unblocks it where it is started, on older Pythons
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _job(work: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    try:
        return pickle.dumps((work, arguments))
    except Exception as error:  # what cannot be sent is the task's own failure
        return pickle.dumps((pass_on, (failure(error),)))


def _launch(task: _Task, context: Any) -> "Future[Finished]":
    from pebble.concurrent import process

    # Declared as mp_context, read as context (pebble 5.2): give both.
    options: dict[str, Any] = {"context": context, "mp_context": context, "timeout": task.timeout}
    # A task may start processes of its own, as daemons may not.
    run = process(name=NAME, daemon=False, **options)(do_task)
    output, called = str(task.output), monotonic()
    future: Future[Finished] = run(task.job, output, task.name, called, task.timeout)
    return future


def _pid(task: _Task) -> int | None:
    """Return the process of a task, which leads a group; None when it has not begun."""
    with suppress(FileNotFoundError, ValueError):
        return int(task.output.with_suffix(".pid").read_text())
    return None


def _end_group(pid: int) -> None:
    """End a worker with whatever it started or left behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _printed(task: _Task) -> str:
    if not task.output.exists():
        return ""
    text = task.output.read_bytes()[-MOST_PRINTED:].decode("utf-8", "replace").strip()
    task.output.unlink()
    return text


def _why(error: Exception, task: _Task) -> Failed:
    from pebble import ProcessExpired

    if isinstance(error, TimeoutError):
        said = f"ran longer than its timeout of {exact(task.timeout or 0.0)} s and was stopped"
        return Failed("timeout", said)
    if isinstance(error, ProcessExpired):
        code = error.exitcode
        ended = code is None or code >= 0
        how = f"ended by itself with code {code}" if ended else killed_by(-code)
        return Failed("died", f"its process {how}")
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        said = f"{task.output.parent.parent}: the disk of temporary files is full"
        return Failed("error", said, hint="free some space, or set TMPDIR to another folder")
    return failure(error)  # the process could not be started, for instance


def _too_much(used: int, limit: int) -> Failed:
    most, found = bytes_text(limit), bytes_text(used)
    said = f"used more than its memory_limit of {most}"
    said += "" if most == found else f" ({found})"
    return Failed(
        "memory",
        f"{said} and was stopped",
        hint="raise memory_limit, or let the section read less: fewer columns or rows (where:), "
        "a smaller exact_rows: of its catalogue",
    )


def default_workers() -> int:
    """Return one worker for each core that this process may use."""
    return max(1, len(os.sched_getaffinity(0)))


@contextmanager
def worker_pool(workers: int, method: str = "forkserver") -> Iterator[Pool]:
    """Yield a pool of worker processes; whatever still runs at the end is stopped."""
    try:
        Path.cwd()
    except FileNotFoundError:
        os.chdir(os.sep)  # workers start where we are, and our folder has been removed
    _remove_abandoned(Path(tempfile.gettempdir()))
    with delayed_signals():  # which would find a folder that nobody knows of yet
        made = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
        sockets = get_temp_dir()
    with made as folder:
        warnings.filterwarnings("ignore", "flock not supported", UserWarning)  # it works as well
        lock = FileLock(Path(folder, _LOCK))
        lock.acquire()
        Path(folder, _SOCKETS).symlink_to(sockets)
        pool = Pool(workers, Path(folder), method)
        try:
            yield pool
        finally:
            pool.stop()
            lock.release()


def _remove_abandoned(temporary: Path) -> None:
    """Remove the folders of processes that were killed, whose locks nobody holds."""
    for path in temporary.glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError, Timeout):
            found = path.parent.lstat()
            is_own = S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
            if is_own and time() - found.st_mtime > _SETTLED:
                with FileLock(path, timeout=0):
                    sockets = path.with_name(_SOCKETS).resolve()
                    if sockets.parent == temporary.resolve():
                        shutil.rmtree(sockets, ignore_errors=True)
                    shutil.rmtree(path.parent, ignore_errors=True)

"""Worker processes, one a task: what raises, dies or runs too long is told, and harms no other."""

import os
import pickle
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from math import inf
from multiprocessing import active_children, get_context
from operator import attrgetter
from pathlib import Path
from time import monotonic
from typing import Any

from reportgen.drawing_servers import DrawingServers
from reportgen.failures import Ended, Failed, failure
from reportgen.metering import INTERVAL, group_beyond
from reportgen.numbers import bytes_text
from reportgen.server import Server, deaf_to_interrupts, start_server
from reportgen.timeline import Span, read_use
from reportgen.worker import do_nothing, do_task, pass_on, wait_for_work

FOR_PDF = ("reportgen.documents", "reportgen.render.pdf_libraries", "pikepdf")
"""What a worker that makes a PDF can import beforehand."""
FOR_EXPORT = ("reportgen.cnn.exporting", "reportgen.cnn.prepared")
"""What a worker can import beforehand that exports networks."""
NAME = "reportgen worker"
MOST_PRINTED = 20_000  # characters of what a task printed that are kept, the last ones


Then = Callable[[Ended], None]


@dataclass(frozen=True)
class _Task:
    job: bytes
    timeout: float | None
    then: Then
    output: Path
    memory: int | None = None
    fresh: bool = False
    server: Server = Server.PLAIN
    size: float = inf
    until: float | None = None  # on the clock of time.monotonic, for one that was prepared
    name: str = ""
    called: float = 0.0


class Pool:
    """Runs tasks in at most so many processes at once; a task has a process of its own.

    Nothing but plain values of reportgen crosses back, so that what a plugin returns or raises
    cannot disturb the build. folder: for what is of no use after it.
    """

    def __init__(self, workers: int, folder: Path) -> None:
        self._workers = workers
        self.folder = folder
        self._warm: Future[Any] | None = None
        self._started = 0
        self._waiting: deque[_Task] = deque()
        self._running: dict[Future[Any], _Task] = {}
        self._takes_in = False  # how tasks have ended, upon which others may start several
        self._beyond: dict[Future[Any], Failed] = {}  # those stopped for the memory they used
        self._drawing: DrawingServers | None = None
        self._lost: set[Server] = set()  # those that have died
        self._ready: Ready | None = None
        self._fresh: Ready | None = None
        self._modules: tuple[str, ...] = ()
        self.spans: list[Span] = []
        """What tasks that have ended took."""

    def start(
        self,
        work: Callable[..., Any],
        *arguments: Any,
        then: Then,
        timeout: float | None = None,
        memory: int | None = None,
        fresh: bool = False,
        server: Server = Server.PLAIN,
        size: float = inf,
        name: str = "",
    ) -> None:
        """Run ``work(*arguments)`` soon, and ``then`` with how it ended, while ``finish`` waits.

        timeout: seconds that the work may take. memory: bytes that its process and those that it
        starts may use together, where the system says how much they do. fresh: in the process that
        ``prepare_fresh`` has started, if there is one. server: from which its process is forked.
        size: of what it works on; the larger that is, the earlier it is begun, so that no worker is
        left with a long one at the end. name: what to call it in ``spans``.
        """
        job, output = _job(work, arguments), self._output()
        task = _Task(job, timeout, then, output, memory, fresh, server, size, name=name)
        self._waiting.append(task)
        if not self._takes_in:
            self._fill()

    def _output(self) -> Path:
        self._started += 1
        return self.folder / f"{self._started}.txt"

    def preload(self, modules: Iterable[str]) -> None:
        """Have modules imported once by the last server; before the first task is started."""
        self._modules = tuple(modules)

    @property
    def workers(self) -> int:
        """How many tasks may run at once."""
        return self._workers

    def prepare(self, *modules: str) -> None:
        """Have a process import modules, for the next ``start_ready``.

        It is forked from the server once that has imported. Where there is none it imports all by
        itself, once a worker is free.
        """
        if self._ready is None:
            self._ready = Ready(modules, self._output())
            self._fill()

    def start_ready(
        self,
        work: Callable[..., Any],
        *arguments: Any,
        then: Then,
        timeout: float,
        name: str = "",
    ) -> None:
        """Run ``work(*arguments)`` in the process that was prepared, if there is one."""
        ready, self._ready = self._ready, None
        if ready is None or ready.future is None or ready.future.done():
            self.start(work, *arguments, then=then, timeout=timeout, name=name)
            return
        ready.give(_job(work, arguments))
        now = monotonic()
        self._running[ready.future] = _Task(
            b"", timeout, then, ready.output, until=now + timeout, name=name, called=now
        )

    def prepare_fresh(self, *modules: str) -> None:
        """Have a process import modules at once, by itself, for the first task that is fresh.

        It goes on beside the server from which the others are forked.
        """
        self._fresh = Ready(modules, self._output())
        self._fresh.future = self._launch(self._fresh.task(), forked=False)

    def _begin(self, task: _Task) -> None:
        """Start a task, in the process that was prepared for it if there is one."""
        now = monotonic()
        ready = self._prepared_for(task)
        if ready is None or ready.future is None:
            self._running[self._launch(task)] = replace(task, called=now)
            return
        self._fresh = None
        ready.give(task.job)
        until = now + (task.timeout or 0.0)
        self._running[ready.future] = replace(task, output=ready.output, until=until, called=now)

    def _prepared_for(self, task: _Task) -> "Ready | None":
        """Give the process that was prepared for a task, if it lives."""
        ready = self._fresh if task.fresh and task.timeout is not None else None
        return None if ready is None or ready.future is None or ready.future.done() else ready

    def _fill(self) -> None:
        """Start what there are workers for."""
        ready = self._ready
        if ready is not None and ready.future is None:
            if self._warm is None and len(self._running) < self._workers:
                ready.future = self._launch(ready.task(), forked=False)
            elif self._warm is not None and self._warm.done():
                # It imports less, and waits for no worker.
                ready.future = self._launch(ready.task())
        for task in sorted(self._waiting, key=attrgetter("size"), reverse=True):
            if len(self._running) >= self._workers:
                return
            if self._prepared_for(task) is not None or self._server_of(task).done():
                self._waiting.remove(task)
                self._begin(task)

    def _server_of(self, task: _Task) -> Future[Any]:
        """Give what is done once the server that a task is forked from has imported all it should.

        A timeout counts from the start of a process, which must not wait for the imports.
        """
        if self._warm is None or self._drawing is None:
            self._drawing = start_server(asked=self._modules)
            nothing = _Task(pickle.dumps((do_nothing, ())), None, _ignore, self.folder / "0.txt")
            self._warm = self._launch(nothing)
        return self._drawing.ready[task.server - 1] if task.server else self._warm

    def _launch(self, task: _Task, *, forked: bool = True) -> Future[Any]:
        """Start a process for a task; one that imports all by itself once the server has died.

        What a server imports may end it: a plugin, a library that does not suit the machine.
        """
        servers = reversed(Server) if forked else ()
        for server in servers:
            if server <= task.server and server not in self._lost:
                try:
                    with self._forking(server):
                        return _launch(task, forked=True)
                except (OSError, EOFError):  # nobody is at the other end of its pipe
                    self._lost.add(server)
        try:
            return _launch(task, forked=False)
        except OSError as error:
            failed: Future[Any] = Future()
            failed.set_exception(error)
            return failed

    def _forking(self, server: Server) -> AbstractContextManager[None]:
        """Have processes forked from a server."""
        return self._drawing.forking(server - 1) if server and self._drawing else nullcontext()

    def finish(self) -> None:
        """Wait until every task has ended, those included that were started meanwhile."""
        while self._waiting or self._running:
            self._fill()
            limited = any(task.memory or task.until for task in self._running.values())
            awaited = {*self._running}
            if len(self._running) < self._workers:
                # There are workers, but no server to fork them from.
                awaited.update(map(self._server_of, self._waiting))
            done, _ = wait(awaited, INTERVAL if limited else None, return_when=FIRST_COMPLETED)
            self._takes_in = True
            for future in [future for future in self._running if future in done]:
                task = self._running.pop(future)
                own = ".use" if task.until is None else ".own"
                use = task.output.with_suffix(own)
                self.spans.append(read_use(use, task.name, task.called))
                task.then(_ended(future, task, self._beyond.pop(future, None)))
            self._takes_in = False
            self._stop_beyond()

    def _stop_beyond(self) -> None:
        """Stop the tasks that use more memory or time than they may."""
        for future, task in self._running.items():
            if future in self._beyond or future.done():
                continue
            pid = task.output.with_suffix(".pid")
            over = task.until is not None and monotonic() > task.until
            if over and _end_group(pid):  # else it has hardly begun, and is stopped later
                self._beyond[future] = _too_long(task)
            if task.memory is None:
                continue
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
        for pid in self.folder.glob("*.pid"):
            _end_group(pid)


@dataclass
class Ready:
    """A process that waits for its work. modules: what it imports meanwhile."""

    modules: tuple[str, ...]
    output: Path
    future: Future[Any] | None = None

    @property
    def place(self) -> Path:
        """The file that its work comes in."""
        return self.output.with_suffix(".job")

    def task(self) -> _Task:
        """Give the task of waiting."""
        job = pickle.dumps((wait_for_work, (self.modules, str(self.place))))
        return _Task(job, None, _ignore, self.output)

    def give(self, job: bytes) -> None:
        """Give it its work, whole."""
        part = self.place.with_suffix(".part")
        part.write_bytes(job)
        part.rename(self.place)


def _job(work: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    try:
        return pickle.dumps((work, arguments))
    except Exception as error:  # what cannot be sent is the task's own failure
        return pickle.dumps((pass_on, (failure(error),)))


def _launch(task: _Task, *, forked: bool) -> Future[Any]:
    from pebble.concurrent import process

    context = get_context("forkserver" if forked else "spawn")
    # Declared as mp_context, read as context (pebble 5.2): give both.
    options: dict[str, Any] = {"timeout": task.timeout, "context": context, "mp_context": context}
    run = process(name=NAME, **options)(do_task)
    with deaf_to_interrupts():
        future: Future[Any] = run(task.job, str(task.output))
    return future


def _too_long(task: _Task) -> Failed:
    said = f"ran longer than its timeout of {task.timeout:g} s and was stopped"
    return Failed("timeout", said)


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
        outcome = _too_long(task)
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


def _end_group(pid: Path) -> bool:
    """End a worker with whatever it started or left behind; tell whether there was any."""
    with suppress(FileNotFoundError, ValueError, ProcessLookupError, PermissionError):
        os.killpg(int(pid.read_text()), signal.SIGKILL)
        return True
    return False


def _how_it_died(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"its process was killed by {name}{hint}"
    return f"its process ended by itself with code {code}"


def default_workers() -> int:
    """One worker for each core that this process may use."""
    return max(1, len(os.sched_getaffinity(0)))


def _ignore(_: Ended) -> None:
    """Take no notice."""


@contextmanager
def worker_pool(workers: int) -> Iterator[Pool]:
    """Give a pool of worker processes; whatever still runs at the end is stopped."""
    try:
        Path.cwd()
    except FileNotFoundError:
        os.chdir(os.sep)  # workers start where we are, and our folder has been removed
    with tempfile.TemporaryDirectory(prefix="reportgen-") as folder:
        pool = Pool(workers, Path(folder))
        try:
            yield pool
        finally:
            pool.stop()

"""Runs the tasks of a scan on the workers of a Dask cluster.

States are merged on the workers in the same tree as everywhere, so that values have the same bytes.
Between tasks they are pickled: a merge may change its states in place, and one that is made again
after a worker was lost must find them as they were.
"""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from socket import gethostname
from typing import Any
from uuid import uuid4
from warnings import filterwarnings

from reportgen.errors import EngineError, SectionError, SourceError
from reportgen.reduce.executors import Merge, Say, State, Task, say_nothing, task_rows
from reportgen.reduce.partitions import TASK, merge_pairwise, parts
from reportgen.wording import count, counted, exact

CONNECTING = 10.0
"""Seconds in which a scheduler must answer."""


Ready = Callable[[], object]


@dataclass(frozen=True)
class Dask:
    """Runs tasks on the workers of a scheduler.

    address: such as tcp://host:8786; security: how it is connected to, None for what the
    configuration of Dask says. timeout: seconds without any progress after which it is given up.
    ready: raises an error on a worker that cannot do the tasks; each worker calls it first. size:
    rows of the smallest task; None for those of a catalogue. noun: what the rows are.
    """

    address: str
    timeout: float
    security: Any
    ready: Ready
    say: Say = say_nothing
    size: int | None = None
    noun: str = "rows"
    is_inline = False

    def run(self, rows: range, task: Task[State], merge: Merge[State]) -> State:
        """Run a task for each part of some rows; return their states, merged in the fixed tree.

        Raises EngineError when the scheduler is not there, nothing goes on, or workers die.
        """
        with connected(self.address, self.timeout, self.security) as client:
            state = _Run(client, self, rows, pickle.dumps((task, merge))).state()
        return pickle.loads(state)  # type: ignore[no-any-return]  # noqa: S301 - by our workers


@contextmanager
def connected(address: str, timeout: float, security: Any = None) -> Iterator[Any]:
    """Connect to a scheduler; EngineError when it does not answer, or is lost in the block."""
    from distributed import CancelledError, Client

    lost = "cannot be reached"
    # Of which we say more, and more than a warning.
    filterwarnings("ignore", "Mismatched versions found")
    options = {"security": security} if security else {}
    try:
        with Client(address, timeout=min(CONNECTING, timeout), **options) as client:  # type: ignore[no-untyped-call]
            lost = "was lost, or has let go of the tasks"
            yield client
    except (CancelledError, OSError) as error:
        why = "" if isinstance(error, CancelledError) else f": {error}"
        raise EngineError(
            f"the Dask scheduler {address} {lost}{why}", "look whether it runs, and at its log"
        ) from error


class _Run:
    """Tasks of a scan on a cluster. reading: those whose rows have not been read, as far as known.

    ranges: the rows of each task and merge, by its key.
    """

    def __init__(self, client: Any, engine: Dask, rows: range, work: bytes) -> None:
        self._client, self._engine, self._rows = client, engine, rows
        self._name = uuid4().hex
        self._reading: dict[Any, range] = {}
        self._ranges: dict[str, range] = {}
        # Sent to each worker once, by the others; and made again should those die that have it.
        job = pickle.dumps((engine.ready, work))
        self._job = client.submit(bytes, job, key=f"job-{self._name}")

    def state(self) -> bytes:
        """Return the state of all rows, pickled."""
        last, _ = merge_pairwise(self._begun(), self._merged)
        self._watch(last)
        return self._result(last)

    def _begun(self) -> Iterator[tuple[Any, range]]:
        threads = sum(self._client.nthreads().values())
        size = task_rows(len(self._rows), threads, self._engine.size or TASK)
        for part in parts(self._rows, size):
            future = self._submit(_read, part)
            self._reading[future] = part
            yield future, part

    def _merged(self, first: tuple[Any, range], second: tuple[Any, range]) -> tuple[Any, range]:
        rows = range(first[1].start, second[1].stop)
        return self._submit(_merge, rows, first[0], second[0]), rows

    def _submit(self, step: Callable[..., bytes], rows: range, *states: Any) -> Any:
        name = step.__name__.strip("_")
        key = f"{name}-{self._name}-{rows.start}-{rows.stop}"
        self._ranges[key] = rows
        given = states or (rows,)
        return self._client.submit(step, self._job, *given, key=key)

    def _watch(self, last: Any) -> None:
        """Wait until all has been done, and let go of states that only merges need."""
        from distributed import wait

        done, rows = 0, len(self._rows)
        self._engine.say(0, rows)
        while not last.done():
            waiting = [*self._reading, last]
            try:
                found = wait(  # type: ignore[no-untyped-call]
                    waiting, timeout=self._engine.timeout, return_when="FIRST_COMPLETED"
                )
            except TimeoutError:
                raise self._stuck(done) from None
            for future in found.done & self._reading.keys():
                done += len(self._reading.pop(future))
            self._engine.say(done, rows)

    def _stuck(self, done: int) -> EngineError:
        workers = counted(len(self._client.nthreads()), "workers")
        return EngineError(
            f"no task of Dask has ended for {exact(self._engine.timeout)} s: "
            f"{count(done)} of {count(len(self._rows))} {self._engine.noun} are read, and there "
            f"are {workers} "
            f"at {self._engine.address}",
            "look at the workers' logs, or raise engine.dask.timeout",
        )

    def _result(self, last: Any) -> bytes:
        from distributed import KilledWorker

        try:
            state: bytes = last.result()
        except KilledWorker as error:
            rows = self._ranges.get(str(error.task), self._rows)
            raise SectionError(
                f"{self._engine.noun} {count(rows.start)} to {count(rows.stop - 1)}: "
                f"{error.allowed_failures + 1} Dask workers died that had them to read, "
                f"the last at {error.last_worker.address}",
                "they may have too little memory; their logs say more",
            ) from None
        return state


@lru_cache(maxsize=1)
def _opened(job: bytes) -> tuple[Task[Any], Merge[Any]]:
    """Return what a job does, once a worker is ready for it."""
    ready, work = pickle.loads(job)  # noqa: S301 - by the build that asks for it
    ready()
    task, merge = pickle.loads(work)  # noqa: S301
    return task, merge


def _read(job: bytes, rows: range) -> bytes:
    """Do a task on a worker; return its state pickled."""
    task, _ = _opened(job)
    try:
        return pickle.dumps(task(rows))
    except SourceError as error:
        where = f"{error.message} (on the Dask worker at {gethostname()})"
        raise SourceError(where, error.hint) from error


def _merge(job: bytes, first: bytes, second: bytes) -> bytes:
    """Merge two states on a worker; return the state pickled."""
    _, merge = _opened(job)
    return pickle.dumps(merge(pickle.loads(first), pickle.loads(second)))  # noqa: S301

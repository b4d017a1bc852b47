"""Where the tasks of a scan run."""

import pickle
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor as Pool
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

from reportgen.errors import SectionError
from reportgen.reduce.partitions import TASK, merge_pairwise, parts

State = TypeVar("State")
Task = Callable[[range], State]
Merge = Callable[[State, State], State]
Say = Callable[[int, int], object]
"""Is told how many rows of all have been read."""

# Rows of a task, of many: a second or so of work, beside what it takes to send its state.
LARGE_TASK = 2**21
TASKS_OF_A_PROCESS = 4  # at least, of smaller tasks if need be, so that all end at about one time
WORTH_PROCESSES = 2**21  # rows; to start processes takes as long as a million of them


def say_nothing(done: int, rows: int) -> None:
    """Tell nobody."""


class Executor(Protocol):
    """Runs the tasks of a scan; a task, its rows, its state and the merge can be pickled.

    is_inline: whether they run here, one after the other, so that they can share an open file.
    """

    @property
    def is_inline(self) -> bool: ...

    def run(self, rows: range, task: Task[State], merge: Merge[State]) -> State:
        """Run a task for each part of some rows; return their states, merged in the fixed tree."""


@dataclass(frozen=True)
class Inline:
    """Runs one task after the other. size: rows of a task; None for those of a catalogue."""

    say: Say = say_nothing
    size: int | None = None
    is_inline = True

    def run(self, rows: range, task: Task[State], merge: Merge[State]) -> State:
        """Run a task for each part of some rows; return their states, merged in the fixed tree."""
        size = self.size or TASK
        states = map(task, parts(rows, size))
        return merge_pairwise(_told(rows, states, self.say, size), merge)


@dataclass(frozen=True)
class Threads:
    """Runs several tasks at once in threads, which start at once, and share what Python does."""

    number: int
    size: int = TASK
    say: Say = say_nothing
    is_inline = False

    def run(self, rows: range, task: Task[State], merge: Merge[State]) -> State:
        """Run a task for each part of some rows; return their states, merged in the fixed tree."""
        with ThreadPoolExecutor(self.number) as pool:
            states: Iterator[State] = _in_order(pool, task, parts(rows, self.size), self.number)
            return merge_pairwise(_told(rows, states, self.say, self.size), merge)


@dataclass(frozen=True)
class Processes:
    """Runs several tasks at once in processes. size: as of Dask."""

    number: int
    say: Say = say_nothing
    size: int | None = None
    is_inline = False

    def run(self, rows: range, task: Task[State], merge: Merge[State]) -> State:
        """Run a task for each part of some rows; return their states, merged in the fixed tree.

        Raises SectionError when a process is ended from outside.
        """
        size = task_rows(len(rows), self.number, self.size or TASK)
        do, pool = partial(_do, pickle.dumps(task)), _started(self.number)
        try:
            states: Iterator[State] = _in_order(pool, do, parts(rows, size), self.number)
            return merge_pairwise(_told(rows, states, self.say, size), merge)
        except BrokenProcessPool as error:
            _started.cache_clear()
            raise SectionError(
                "a process that read some of the rows was ended by the system",
                "there may be too little memory: give fewer --workers",
            ) from error


def _in_order(pool: Pool, task: Task[Any], some: Iterator[range], number: int) -> Iterator[Any]:
    """Yield the states of some parts in their order. number: of tasks that run at once.

    No more tasks are begun than that and one besides, lest their states fill the memory.
    """
    begun: deque[Future[Any]] = deque()
    try:
        for part in some:
            begun.append(pool.submit(task, part))
            if len(begun) > number:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()


def task_rows(rows: int, processes: int, smallest: int) -> int:
    """Return how many rows a task of a process has, a power of two of leaves.

    smallest: rows of the smallest task.
    """
    size = LARGE_TASK // TASK * smallest
    while size > smallest and rows < size * processes * TASKS_OF_A_PROCESS:
        size //= 2
    return size


@cache
def _started(number: int) -> ProcessPoolExecutor:
    """Return processes that stay for the passes to come, until this one ends.

    A process that has threads, such as those of libraries that read files, is not forked.
    """
    return ProcessPoolExecutor(number, get_context("spawn"))


def _do(task: bytes, rows: range) -> Any:
    return _opened(task)(rows)


@lru_cache(maxsize=1)
def _opened(task: bytes) -> Task[Any]:
    found: Task[Any] = pickle.loads(task)  # noqa: S301 - by the process that started this one
    return found


def _told(rows: range, states: Iterator[State], say: Say, size: int) -> Iterator[State]:
    """Yield the states of parts of some rows, each of one size, and say how many rows that were."""
    say(0, len(rows))
    for part, state in zip(parts(rows, size), states, strict=True):
        say(part.stop - rows.start, len(rows))
        yield state

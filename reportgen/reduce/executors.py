"""Where the tasks of a scan run."""

import pickle
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
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
    """Runs one task after the other."""

    say: Say = say_nothing
    is_inline = True

    def run(self, rows: range, task: Task[State], merge: Merge[State]) -> State:
        """Run a task for each part of some rows; return their states, merged in the fixed tree."""
        states = map(task, parts(rows, TASK))
        return merge_pairwise(_told(rows, states, self.say, TASK), merge)


@dataclass(frozen=True)
class Processes:
    """Runs several tasks at once in processes."""

    number: int
    say: Say = say_nothing
    is_inline = False

    def run(self, rows: range, task: Task[State], merge: Merge[State]) -> State:
        """Run a task for each part of some rows; return their states, merged in the fixed tree.

        Raises SectionError when a process is ended from outside.
        """
        size = task_rows(len(rows), self.number)
        # A process that has threads, such as those of libraries that read files, is not forked.
        pool = ProcessPoolExecutor(self.number, get_context("spawn"), _begin, (pickle.dumps(task),))
        try:
            with pool:
                states: Iterator[State] = self._states(pool, parts(rows, size))
                return merge_pairwise(_told(rows, states, self.say, size), merge)
        except BrokenProcessPool as error:
            raise SectionError(
                "a process that read some of the rows was ended by the system",
                "there may be too little memory: give fewer --workers",
            ) from error

    def _states(self, pool: ProcessPoolExecutor, some: Iterator[range]) -> Iterator[Any]:
        """Yield the states of some parts in their order.

        No more tasks are begun than run at once and one besides, lest their states fill the memory.
        """
        begun: deque[Future[Any]] = deque()
        try:
            for part in some:
                begun.append(pool.submit(_do, part))
                if len(begun) > self.number:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()


def task_rows(rows: int, processes: int) -> int:
    """Return how many rows a task of a process has, a power of two of leaves."""
    size = LARGE_TASK
    while size > TASK and rows < size * processes * TASKS_OF_A_PROCESS:
        size //= 2
    return size


_tasks: list[Task[Any]] = []


def _begin(task: bytes) -> None:
    """Be a process that does a task for some rows again and again."""
    _tasks[:] = [pickle.loads(task)]  # noqa: S301 - by the process that started this one


def _do(rows: range) -> Any:
    return _tasks[0](rows)


def _told(rows: range, states: Iterator[State], say: Say, size: int) -> Iterator[State]:
    """Yield the states of parts of some rows, each of one size, and say how many rows that were."""
    say(0, len(rows))
    for part, state in zip(parts(rows, size), states, strict=True):
        say(part.stop - rows.start, len(rows))
        yield state

"""Where the tasks of a scan run."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Protocol, TypeVar

from reportgen.reduce.partitions import TASK, merge_pairwise, parts

State = TypeVar("State")
Task = Callable[[range], State]
Merge = Callable[[State, State], State]
Say = Callable[[int, int], object]
"""Is told how many rows of all have been read."""


def say_nothing(done: int, rows: int) -> None:
    """Tell nobody."""


class Executor(Protocol):
    """Runs the tasks of a scan; a task, its rows, its state and the merge can be pickled."""

    def run(self, rows: range, task: Task[State], merge: Merge[State]) -> State:
        """Run a task for each part of some rows; return their states, merged in the fixed tree."""


@dataclass(frozen=True)
class Inline:
    """Runs one task after the other."""

    say: Say = say_nothing

    def run(self, rows: range, task: Task[State], merge: Merge[State]) -> State:
        """Run a task for each part of some rows; return their states, merged in the fixed tree."""
        states = map(task, parts(rows, TASK))
        return merge_pairwise(_told(rows, states, self.say), merge)


@dataclass(frozen=True)
class Threads:
    """Runs several tasks at once in threads: numpy lets others run while it computes."""

    number: int
    say: Say = say_nothing

    def run(self, rows: range, task: Task[State], merge: Merge[State]) -> State:
        """Run a task for each part of some rows; return their states, merged in the fixed tree."""
        states = self._states(rows, task)
        return merge_pairwise(_told(rows, states, self.say), merge)

    def _states(self, rows: range, task: Task[State]) -> Iterator[State]:
        """Yield the states in their order.

        No more tasks are begun than run at once and one besides, lest their states fill the memory.
        """
        begun: deque[Future[State]] = deque()
        with ThreadPoolExecutor(self.number) as pool:
            try:
                for part in parts(rows, TASK):
                    # In this context, which holds what numpy.errstate has set.
                    begun.append(pool.submit(copy_context().run, task, part))
                    if len(begun) > self.number:
                        yield begun.popleft().result()
                while begun:
                    yield begun.popleft().result()
            finally:
                for future in begun:
                    future.cancel()


def _told(rows: range, states: Iterator[State], say: Say) -> Iterator[State]:
    """Yield the states of parts of some rows, and say how many rows that were."""
    say(0, len(rows))
    for part, state in zip(parts(rows, TASK), states, strict=True):
        say(part.stop - rows.start, len(rows))
        yield state

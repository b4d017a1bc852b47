"""Where the tasks of a scan run."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Executor(Protocol):
    """Runs the tasks of a scan; function, tasks and results can be pickled."""

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Return the result of each task, in the order of the tasks."""


class Inline:
    """Runs one task after the other."""

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Return the result of each task, in the order of the tasks."""
        return map(function, tasks)


@dataclass(frozen=True)
class Threads:
    """Runs several tasks at once in threads: numpy lets others run while it computes."""

    number: int

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Return the result of each task, in the order of the tasks.

        No more are begun than run at once and one besides, lest their results fill the memory.
        """
        begun: deque[Future[Result]] = deque()
        with ThreadPoolExecutor(self.number) as pool:
            try:
                for task in tasks:
                    # In this context, which holds what numpy.errstate has set.
                    begun.append(pool.submit(copy_context().run, function, task))
                    if len(begun) > self.number:
                        yield begun.popleft().result()
                while begun:
                    yield begun.popleft().result()
            finally:
                for future in begun:
                    future.cancel()

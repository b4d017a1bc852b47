"""Some rows of a catalogue, for drafts: every so many of its blocks, the same ones each time."""

from dataclasses import dataclass
from functools import partial

from reportgen.reduce.executors import Executor, Merge, State, Task
from reportgen.reduce.partitions import BLOCK, merge_pairwise, parts


@dataclass(frozen=True)
class Sampling:
    """Which blocks are taken: every so many, from the first on; 1 for all."""

    every: int = 1

    @staticmethod
    def of(rows: int, most_rows: int | None) -> "Sampling":
        """Return which of some rows to take, at most so many but a block; None for all."""
        if most_rows is None or rows <= most_rows:
            return ALL
        return Sampling(-(-rows // max(BLOCK, most_rows // BLOCK * BLOCK)))

    def rows(self, rows: int) -> int:
        """Return how many of some rows are taken."""
        whole, rest = divmod(rows, self.every * BLOCK)
        return whole * BLOCK + min(rest, BLOCK)


ALL = Sampling()


@dataclass(frozen=True)
class Sampled:
    """Runs the tasks of a scan on a sample of the rows."""

    executor: Executor
    sampling: Sampling

    @property
    def is_inline(self) -> bool:
        """Whether tasks run here, one after the other."""
        return self.executor.is_inline

    def run(self, rows: range, task: Task[State], merge: Merge[State]) -> State:
        """Run a task for some blocks; return their states, merged in the fixed tree."""
        some = range(self.sampling.rows(len(rows)))
        every = self.sampling.every
        return self.executor.run(some, partial(_of_blocks, every, task, merge), merge)


def _of_blocks(every: int, task: Task[State], merge: Merge[State], rows: range) -> State:
    """Return the state of some rows of a sample."""
    blocks = (
        range(part.start * every, part.start * every + len(part)) for part in parts(rows, BLOCK)
    )
    return merge_pairwise(map(task, blocks), merge)

"""How rows are parted, and in which order the parts are joined: by the rows alone.

Neither the format of a file nor its chunks, nor the number of workers, nor their memory plays a
part in it. Sums of floats depend on their order in the last digit; so they are the same everywhere.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

# Rows of a chunk. With fewer, calling numpy costs more than the work; with more, a column does not
# fit a processor's cache.
BLOCK = 2**16
LEAF = 4 * BLOCK  # rows of a state: blocks are added to it one by one, then it is merged
TASK = LEAF  # rows that one worker reads in one go; any power of two of leaves gives the same

T = TypeVar("T")


def parts(rows: range, size: int) -> Iterator[range]:
    """Return consecutive parts of some rows, all but the last of one size; no rows are one part."""
    for start in range(rows.start, max(rows.stop, rows.start + 1), size):
        yield range(start, min(start + size, rows.stop))


def merge_pairwise(states: Iterable[T], merge: Callable[[T, T], T]) -> T:
    """Merge states two by two, then these two by two, and so on; an odd last one waits.

    Merging any power of two of neighbours first, and then the results, gives the same. No more
    states are kept than the tree has levels. Raises ValueError when there are none.
    """
    waiting: list[tuple[int, T]] = []
    for state in states:
        merged, level = state, 0
        while waiting and waiting[-1][0] == level:
            merged, level = merge(waiting.pop()[1], merged), level + 1
        waiting.append((level, merged))
    if not waiting:
        raise ValueError("there are no states to merge")
    _, last = waiting.pop()
    while waiting:
        last = merge(waiting.pop()[1], last)
    return last

"""What one scan keeps in memory: decided once, for all its reductions together."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reportgen.reduce.base import AnyReduction, Source
from reportgen.reduce.sketch import BYTES_PER_KEY, FEWEST_KEYS, MAX_KEYS

# Memory beside the budget, whatever the number of rows: the chunk that is worked on, what all
# reductions make of it, and what they count. Each sketch of the fewest keys adds 0.7 MB to it when
# there are so many that they do not fit the budget.
BESIDE = 64 * 1024**2


@dataclass(frozen=True)
class Kept:
    """Which columns are kept, whole.

    everything: whether these are all columns that are read, so that one reading is enough. left:
    bytes that are left for sketches.
    """

    columns: frozenset[str]
    everything: bool
    left: int

    def holds_for(self, reduction: AnyReduction) -> bool:
        """Whether a reduction that is exact only with all rows is given them."""
        return reduction.holds and reduction.columns <= self.columns


def columns_to_keep(read: Mapping[AnyReduction, frozenset[str]], source: Source) -> Kept:
    """Decide which columns are kept within the memory of the source.

    read: all columns that each reduction and its profile reads. Everything is kept if it fits, or
    else all columns of reductions that hold rows. If these do not fit, they get half of the memory,
    those that most reductions hold first, and the sketches of the others get the other half.
    """
    holding = [reduction for reduction in read if reduction.holds]
    everything = frozenset[str]().union(*read.values())
    held = frozenset[str]().union(*(reduction.columns for reduction in holding))

    def size(columns: frozenset[str]) -> int:
        # One at a time is finished.
        working = max((each.working for each in holding if each.columns <= columns), default=0)
        return (len(columns) + working) * source.rows * 8

    for kept in (everything, held):
        if size(kept) <= source.memory:
            return Kept(kept, kept == everything, source.memory - size(kept))
    kept = frozenset()
    wanted = Counter(reduction.columns for reduction in holding)
    for columns in sorted(wanted, key=lambda columns: (-wanted[columns], sorted(columns))):
        if size(kept | columns) <= source.memory // 2:
            kept |= columns
    return Kept(kept, everything=False, left=source.memory - size(kept))


def keys_of_each(reductions: Iterable[AnyReduction], memory: int) -> int:
    """Give how many values each sketch of some reductions may tell apart.

    All of them together fit the memory that is left to them, as long as each may have FEWEST_KEYS.
    """
    sketches = sum(reduction.sketches for reduction in reductions)
    return min(MAX_KEYS, max(FEWEST_KEYS, memory // (BYTES_PER_KEY * max(1, sketches))))

"""A mergeable sketch of the order of many values.

The sketch counts values by the leading bits of their float64 form, whose order is the order of the
numbers, and drops trailing bits of all of them whenever there are more than so many different
ones. How many bits go depends on the values alone, so any split of the rows gives the very same
counts, and nothing is random: a sketch with random choices (KLL, for instance) would not give the
same bytes twice. With b bits dropped a quantile is off by at most 2^(b-53) of its own value; the
value says so.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.reduce.binning import ordered_bits

Values = NDArray[np.float64]
Keys = NDArray[np.uint64]
Integers = NDArray[np.int64]

MOST_KEYS = 2**15  # different values of a column that are told apart: to some 2e-4 of a value
_SIGN = np.uint64(1 << 63)


@dataclass
class Sketch:
    """Values, of which at most so many different ones are told apart; None for all of them.

    keys: ascending, without the dropped bits, and how often each was there. waiting: values that
    are not counted yet.
    """

    most: int | None
    dropped: int = 0
    keys: Keys = field(default_factory=lambda: np.empty(0, np.uint64))
    counts: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    waiting: list[Values] = field(default_factory=list)
    n_waiting: int = 0

    def add(self, values: Values) -> None:
        """Add some finite values; they may not be changed afterwards."""
        self.waiting.append(values)
        self.n_waiting += len(values)
        self._count_many()

    def merge(self, other: "Sketch") -> None:
        self.waiting += other.waiting
        self.n_waiting += other.n_waiting
        self._add(other.keys, other.counts, other.dropped)
        self._count_many()

    def count(self) -> None:
        """Count the values that wait."""
        keys = ordered_bits(self.sorted()) >> np.uint64(self.dropped)
        self.waiting, self.n_waiting = [], 0
        self._add(*counted(keys), self.dropped)

    def sorted(self) -> Values:
        """Return the values that wait, ascending."""
        values = np.concatenate([np.empty(0), *self.waiting])
        values.sort()
        return values

    def _count_many(self) -> None:
        # Sorting many at once, and joining them with the others once, is what makes it fast.
        if self.most is not None and self.n_waiting >= 4 * self.most:
            self.count()

    def _add(self, keys: Keys, counts: Integers, dropped: int) -> None:
        """Add ascending keys with so many bits dropped; drop more until there are few enough."""
        both = max(self.dropped, dropped)
        own = _shifted(self.keys, self.counts, both - self.dropped)
        other = _shifted(keys, counts, both - dropped)
        joined = _joined(own, other)
        more = _bits_to_drop(joined[0], self.most)
        self.dropped, (self.keys, self.counts) = both + more, _shifted(*joined, more)


def middle(keys: Keys, dropped: int) -> Values:
    """Return the middle of the values that share each key."""
    zero = ordered_bits(np.zeros(1))[0] >> np.uint64(dropped)
    low = keys << np.uint64(dropped)
    if dropped:
        low |= np.uint64(1 << (dropped - 1))
    bits = np.where(low & _SIGN, low ^ _SIGN, ~low)
    return np.where(keys == zero, 0.0, bits.view(np.float64))


def coarsened(values: Values, counts: Integers, dropped: int) -> tuple[Values, Integers]:
    """Return ascending values and their counts with so many bits dropped."""
    keys, counts = _shifted(ordered_bits(values), counts, dropped)
    return middle(keys, dropped), counts


def _joined(first: tuple[Keys, Integers], second: tuple[Keys, Integers]) -> tuple[Keys, Integers]:
    if not len(first[0]) or not len(second[0]):
        return first if len(first[0]) else second
    keys = np.concatenate([first[0], second[0]])
    order = np.argsort(keys, kind="stable")  # fast: two ascending parts
    return counted(keys[order], np.concatenate([first[1], second[1]])[order])


def _shifted(keys: Keys, counts: Integers, bits: int) -> tuple[Keys, Integers]:
    """Return ascending keys with so many more bits dropped, each once."""
    return counted(keys >> np.uint64(bits), counts) if bits else (keys, counts)


def counted(keys: NDArray[Any], counts: Integers | None = None) -> tuple[NDArray[Any], Integers]:
    """Return each of some ascending keys once, with the sum of its counts (None: of one each)."""
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    if counts is None:
        return keys[first], np.diff(first, append=len(keys))
    return keys[first], np.add.reduceat(counts, first)


def _bits_to_drop(keys: Keys, most: int | None) -> int:
    """Return the least number of trailing bits without which at most so many keys differ."""
    if most is None or len(keys) <= most:
        return 0
    # Neighbours become equal once as many bits go as their difference is long.
    longest = np.partition(keys[1:] ^ keys[:-1], len(keys) - 1 - most)[len(keys) - 1 - most]
    return int(longest).bit_length()

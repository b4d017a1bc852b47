"""A mergeable sketch of the order of many values.

The sketch counts values by the leading bits of their float64 form, whose order is the order of the
numbers, and drops trailing bits of all of them whenever there are more than so many different
ones. How many bits go depends on the values alone, so any split of the rows gives the very same
counts, and nothing is random: a sketch with random choices (KLL, for instance) would not give the
same bytes twice. With b bits dropped a quantile is off by at most 2^(b-53) of its own value; the
value says so.

Once bits are dropped, most values lie in a window of neighbouring keys that is counted in an array,
without sorting. The others wait until there are enough of them to be sorted at once.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reportgen.reduce.binning import ordered_bits

Values = NDArray[np.float64]
Keys = NDArray[np.uint64]
Integers = NDArray[np.int64]

MAX_KEYS = 2**18
FEWEST_KEYS = 2**14  # of a column, however little memory there is: a few ten thousandths of a value
MIN_KEYS = 2**12  # of one of many bins: a thousandth
BYTES_PER_KEY = 40  # of a sketch, all its parts together
_SIGN = np.uint64(1 << 63)


def keys_each(sketches: int, keys: int | None = None) -> int:
    """Give how many different values each of some sketches may tell apart.

    All of them together stay as small as four of so many keys (MAX_KEYS when not given).
    """
    most = MAX_KEYS if keys is None else keys
    return min(most, max(MIN_KEYS, 4 * most // sketches))


@dataclass
class Sketch:
    """Counts by key with so many trailing bits dropped.

    most: how many different keys its result may have; None for MAX_KEYS. keys: ascending. waiting:
    keys to be counted. window: counts of the keys from first on; empty before bits are dropped.
    """

    most: int | None = None
    dropped: int = 0
    keys: Keys = field(default_factory=lambda: np.empty(0, np.uint64))
    counts: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    waiting: list[Keys] = field(default_factory=list)
    n_waiting: int = 0
    window: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    first: int = 0

    @property
    def limit(self) -> int:
        """How many different keys the result may have."""
        return MAX_KEYS if self.most is None else self.most

    @property
    def nbytes(self) -> int:
        """Bytes it holds."""
        parts = (self.keys, self.counts, self.window, *self.waiting)
        return sum(part.nbytes for part in parts)

    def add(self, values: Values) -> None:
        """Count some values."""
        # Few at a time, lest those that wait be more than the sketch.
        for start in range(0, len(values), self.limit):
            self._add(ordered_bits(values[start : start + self.limit]))

    def _add(self, keys: Keys) -> None:
        keys >>= np.uint64(self.dropped)
        if len(self.window):
            place = keys - np.uint64(self.first)  # of smaller keys it is huge
            inside = place < len(self.window)
            everything = inside.all()
            counted = place if everything else place[inside]
            np.add.at(self.window, counted.view(np.int64), 1)
            if everything:
                return
            keys = keys[~inside]
        self.waiting.append(keys)
        self.n_waiting += len(keys)
        if self.n_waiting >= self.limit:
            self._count_waiting()
            if len(self.keys) + np.count_nonzero(self.window) > self.limit:
                self._coarsen()

    def joined(self, other: "Sketch") -> "Sketch":
        """Give the sketch of the values of both."""
        first, second = self.result(), other.result()
        dropped = max(first.dropped, second.dropped)
        parts = [(each.keys >> np.uint64(dropped - each.dropped)) for each in (first, second)]
        keys, counts = _joined(parts, [first.counts, second.counts])
        both = Sketch(self.most, dropped, keys, counts)
        if len(keys) > both.limit or dropped:
            both._coarsen()
        return both

    def result(self) -> "Sketch":
        """Give the same values as keys and counts alone, as few bits dropped as can be."""
        self._count_waiting()
        keys, counts = self._everything()
        more = _bits_to_drop(keys, self.limit)
        return Sketch(self.most, self.dropped + more, *_added(keys >> np.uint64(more), counts))

    def _count_waiting(self) -> None:
        if self.waiting:
            found = np.concatenate(self.waiting)
            self.waiting, self.n_waiting = [], 0
            found.sort()
            parts = _added(found, None)
            del found
            self.keys, self.counts = _joined([self.keys, parts[0]], [self.counts, parts[1]])

    def _everything(self) -> tuple[Keys, Integers]:
        if not len(self.window):
            return self.keys, self.counts
        filled = np.flatnonzero(self.window)
        keys = filled.astype(np.uint64) + np.uint64(self.first)
        return _joined([self.keys, keys], [self.counts, self.window[filled]])

    def _coarsen(self) -> None:
        """Drop bits until there are few enough keys, and count the most common in a window."""
        done = self.result()
        self.dropped, keys, counts = done.dropped, done.keys, done.counts
        self.window, self.first = np.empty(0, np.int64), 0
        self.keys, self.counts = keys, counts
        if not self.dropped:
            return
        size = 2 * self.limit
        stop = np.searchsorted(keys, keys + np.uint64(size))
        start = int(np.argmax(stop - np.arange(len(keys))))
        low, high = int(keys[start]), int(keys[stop[start] - 1])
        self.first = max(0, low - (size - 1 - (high - low)) // 2)
        self.window = np.zeros(size, np.int64)
        place = keys - np.uint64(self.first)
        inside = place < size
        self.window[place[inside].view(np.int64)] = counts[inside]
        self.keys, self.counts = keys[~inside], counts[~inside]


def middle(keys: Keys, dropped: int) -> Values:
    """Middle of the values that share each key."""
    zero = ordered_bits(np.zeros(1))[0] >> np.uint64(dropped)
    low = keys << np.uint64(dropped)
    if dropped:
        low |= np.uint64(1 << (dropped - 1))
    bits = np.where(low & _SIGN, low ^ _SIGN, ~low)
    return np.where(keys == zero, 0.0, bits.view(np.float64))


def coarsened(values: Values, counts: Integers, dropped: int) -> tuple[Values, Integers]:
    """Give ascending values and their counts with so many bits dropped."""
    keys, counts = _added(ordered_bits(values) >> np.uint64(dropped), counts)
    return middle(keys, dropped), counts


def _joined(keys: list[Keys], counts: list[Integers]) -> tuple[Keys, Integers]:
    if not len(keys[0]) or not len(keys[1]):
        return (keys[0], counts[0]) if len(keys[0]) else (keys[1], counts[1])
    both = np.concatenate(keys)
    order = np.argsort(both, kind="stable")  # fast: two ascending parts
    return _added(both[order], np.concatenate(counts)[order])


def _bits_to_drop(keys: Keys, most: int) -> int:
    """Give the least number of trailing bits without which at most so many keys differ."""
    if len(keys) <= most:
        return 0
    # Neighbours become equal once as many bits go as their difference is long.
    differ = keys[1:] ^ keys[:-1]
    return next(b for b in range(1, 64) if np.count_nonzero(differ >> np.uint64(b)) < most)


def _added(keys: Keys, counts: Integers | None) -> tuple[Keys, Integers]:
    """Give each of some ascending keys once, with the sum of its counts (None: of one each)."""
    if not len(keys):
        return keys, np.empty(0, np.int64)
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    if counts is None:
        return keys[first], np.diff(first, append=len(keys))
    return keys[first], np.add.reduceat(counts, first)

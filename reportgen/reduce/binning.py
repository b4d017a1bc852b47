"""Which bin a value is in, looked up by the leading bits of the value.

The order of float64 numbers is that of their bits. A table over the leading bits says how many
edges are at or below all values with these bits; an edge among them is found by comparing. That is
the answer of a binary search, several times as fast.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

LARGEST_TABLE = 2**18  # places, of two bytes: half of a usual second-level cache
MOST_COMPARED = 5  # edges within one place of the table; with more a binary search is as fast
_SIGN = np.uint64(1 << 63)
_MAGNITUDE = np.int64((1 << 63) - 1)


def ordered_bits(values: Values) -> NDArray[np.uint64]:
    """Return the bits of each value, arranged so that their order is the values' order."""
    bits = (values + 0.0).view(np.int64)  # + 0.0 turns -0.0 into 0.0, and is a copy
    return _signed(bits).view(np.uint64) ^ _SIGN


def _signed(bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Arrange bits so that their order as signed numbers is the values' order; in place."""
    bits ^= (bits >> 63) & _MAGNITUDE
    return bits


class Binning:
    """Bins between ascending edges, which are not to be changed.

    edges: (bins + 1,), may repeat. name: equal for equal edges.
    """

    def __init__(self, edges: Values) -> None:
        self.edges = edges
        self.name = edges.tobytes()
        keys = _signed((edges + 0.0).view(np.int64))
        self._shift, self._compared = _fitting(keys)
        self._table: NDArray[Any] | None = None
        if len(keys) and self._compared <= MOST_COMPARED:
            self._first = int(keys[0] >> self._shift) - 1  # a place for what is below the edges
            last = int(keys[-1] >> self._shift) + 1  # and above
            lows = np.arange(self._first, last + 1, dtype=np.int64) << self._shift
            self._table = np.searchsorted(keys, lows, side="right").astype(self._type)
            self._table[[0, -1]] = 0, len(keys)  # beyond the edges, also where 2**63 is passed

    @staticmethod
    def of(edges: Values) -> "Binning":
        """Return the bins between some edges, made once for many chunks."""
        return _made(edges.tobytes())

    def __reduce__(self) -> tuple[Any, ...]:
        return Binning.of, (self.edges,)  # the table is larger, and made quickly

    @property
    def _type(self) -> type[np.int16] | type[np.int32]:
        return np.int16 if len(self.edges) < np.iinfo(np.int16).max else np.int32

    def edges_up_to(self, values: Values) -> NDArray[Any]:
        """Return how many edges are ≤ each value; none or all of them for NaN."""
        if self._table is None:
            return np.searchsorted(self.edges, values, side="right").astype(self._type)
        place = _signed((values + 0.0).view(np.int64))
        place >>= self._shift
        # Before what is subtracted could pass the largest number there is.
        np.clip(place, self._first, self._first + len(self._table) - 1, out=place)
        place -= self._first
        found = self._table[place]
        limits = np.append(self.edges, np.nan)  # nothing is above the last
        for _ in range(self._compared):
            found += values >= limits[found]
        return found

    def bins(self, values: Values, up_to: NDArray[Any]) -> NDArray[Any]:
        """Return the bin of each value, -1 outside; the last bin includes its upper edge.

        up_to: what edges_up_to gives for the values.
        """
        bins = up_to - self._type(1)
        last = len(self.edges) - 1
        outside = bins == last
        if outside.any():
            bins[outside] = np.where(values[outside] == self.edges[-1], last - 1, -1)
        return bins


@lru_cache(maxsize=256)
def _made(edges: bytes) -> Binning:
    return Binning(np.frombuffer(edges))


def _fitting(keys: NDArray[np.int64]) -> tuple[int, int]:
    """Return by how many bits to shift, and how many edges then share a place at most."""
    best = 52, len(keys) + MOST_COMPARED + 1
    for shift in range(52, -1, -1):
        places = keys >> shift
        if not len(keys) or int(places[-1]) - int(places[0]) + 3 > LARGEST_TABLE:
            break
        first = np.flatnonzero(np.append(True, places[1:] != places[:-1]))
        best = shift, int(np.diff(np.append(first, len(places))).max())
        if best[1] == 1:
            break
    return best

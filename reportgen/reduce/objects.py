"""Mean and scatter of the rows of each object, which an id tells apart."""

from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Derived, Integers, Reduction, Values

MOST_OBJECTS = 2**17
"""Objects that are kept; of more, those of a share that their ids decide: a half, a quarter …"""
WAITING = 2**17  # rows whose sums are joined with those of all objects at once

Keys = NDArray[Any]
"""Ids: numbers, texts, or complex numbers with what rounding took from integers."""


@dataclass(frozen=True)
class Sums:
    """Rows of each object, mean of their values, sum of squares about it, mean of another column.

    keys: ascending, each once.
    """

    keys: Keys
    n: Integers
    mean: Values
    square: Values
    other: Values

    @staticmethod
    def of(keys: Keys, n: Integers, mean: Values, square: Values, other: Values) -> "Sums":
        """Join sums that share a key, by the formula of Chan, Golub & LeVeque 1983."""
        unique, first, place = np.unique(keys, return_index=True, return_inverse=True)
        total = np.bincount(place, n, len(unique))

        def averaged(values: Values) -> Values:
            # About the first of each, so that equal values have exactly their mean.
            about = values[first]
            return about + np.bincount(place, n * (values - about[place]), len(unique)) / total

        joined = averaged(mean)
        about = square + n * (mean - joined[place]) ** 2
        squares = np.asarray(np.bincount(place, about, len(unique)), dtype=np.float64)
        return Sums(unique, total.astype(np.int64), joined, squares, averaged(other))

    @staticmethod
    def joined(parts: "list[Sums]") -> "Sums":
        """Join the sums of parts."""
        if len(parts) == 1:
            return parts[0]
        return Sums.of(
            np.concatenate([part.keys for part in parts]),
            np.concatenate([part.n for part in parts]),
            np.concatenate([part.mean for part in parts]),
            np.concatenate([part.square for part in parts]),
            np.concatenate([part.other for part in parts]),
        )

    def taken(self, which: NDArray[np.bool_]) -> "Sums":
        """Return those of some objects."""
        return Sums(
            self.keys[which], self.n[which], self.mean[which], self.square[which], self.other[which]
        )


@dataclass
class GroupState:
    """Sums of parts that wait to be joined; kept: one in 2**halved objects, by a hash of the id."""

    parts: list[Sums] = field(default_factory=list)
    waiting: int = 0
    halved: int = 0
    missing: int = 0


@dataclass(frozen=True)
class Objects:
    """Objects of which a source has some rows; every 2**halved-th of them, if they are many.

    missing: rows without an id or a value.
    """

    sums: Sums
    halved: int
    missing: int

    @property
    def ids(self) -> list[Any]:
        """The ids, integers with all their digits."""
        if self.sums.keys.dtype.kind != "c":
            return list(self.sums.keys.tolist())
        return [int(key.real) + int(key.imag) for key in self.sums.keys.tolist()]

    @property
    def std(self) -> Values:
        """Sample standard deviation of each; NaN of a single row."""
        spare = np.where(self.sums.n > 1, self.sums.n - 1.0, np.nan)
        return np.asarray(np.sqrt(self.sums.square / spare))


@dataclass(frozen=True)
class SumsOfObjects(Reduction[GroupState, Objects]):
    """Sums of the values of each object. most: objects that are kept; None for all."""

    object: str
    value: str
    against: str
    where: Condition | None = None
    most: int | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.object, self.value, self.against])

    def start(self) -> GroupState:
        return GroupState()

    def update(self, state: GroupState, chunk: Chunk) -> GroupState:
        numbers = chunk.columns[self.object]
        stored = chunk.read.get(self.object, numbers)
        is_text = numbers.dtype.kind == "T"
        taken = ~np.isnan(numbers) if is_text else np.isfinite(numbers)
        for name in (self.value, self.against):
            taken = taken & np.isfinite(chunk.columns[name])
        selected = np.ones(chunk.rows, bool) if self.where is None else chunk.mask(self.where)
        taken = taken & selected
        keys = stored[..., taken]
        if keys.ndim == 2:
            keys = keys[0] + 1j * keys[1]
        elif not is_text:
            keys = keys + 0.0  # -0.0 is 0.0
        value, other = (chunk.columns[name][taken] for name in (self.value, self.against))
        n, nothing = np.ones(len(keys), np.int64), np.zeros(len(keys))
        sums = Sums.of(keys, n, value, nothing, other)
        missing = int(np.count_nonzero(selected)) - len(keys)
        return self.merge(state, GroupState([sums], len(sums.keys), 0, missing))

    def merge(self, first: GroupState, second: GroupState) -> GroupState:
        waiting = first.waiting + second.waiting
        state = GroupState(
            first.parts + second.parts,
            waiting,
            max(first.halved, second.halved),
            first.missing + second.missing,
        )
        return state if waiting < WAITING else self._joined(state)

    def _joined(self, state: GroupState) -> GroupState:
        if not state.parts:
            return state
        sums, halved = Sums.joined(state.parts), state.halved
        if halved:
            sums = sums.taken(hashes(sums.keys) % 2**halved == 0)
        while self.most is not None and len(sums.keys) > self.most:
            halved += 1
            sums = sums.taken(hashes(sums.keys) % 2**halved == 0)
        return GroupState([sums], 0, halved, state.missing)

    def finish(self, state: GroupState) -> Objects:
        state = self._joined(state)
        nothing = np.empty(0)
        none = Sums(nothing, np.empty(0, np.int64), nothing, nothing, nothing)
        sums = state.parts[0] if state.parts else none
        return Objects(sums, state.halved, state.missing)


@dataclass(frozen=True)
class MomentsOfObjects(Derived[Objects]):
    """Rows, mean and scatter of the values of each object, and the mean of another column."""

    object: str
    value: str
    against: str
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.object, self.value, self.against])

    def parts(self, exact: bool) -> tuple[SumsOfObjects]:
        most = None if exact else MOST_OBJECTS
        return (SumsOfObjects(self.object, self.value, self.against, self.where, most),)

    def derive(self, found: Objects) -> Objects:
        return found


def hashes(keys: Keys) -> NDArray[np.uint64]:
    """Return a number for each id that spreads evenly: the finalizer of splitmix64, or a CRC."""
    if keys.dtype.kind == "T":
        return np.array([crc32(key.encode()) for key in keys.tolist()], dtype=np.uint64)
    bits = np.ascontiguousarray(keys.astype(np.complex128)).view(np.uint64).reshape(-1, 2)
    found = bits[:, 0] ^ (bits[:, 1] * np.uint64(0x9E3779B97F4A7C15))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        found = (found ^ (found >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(found ^ (found >> np.uint64(31)))

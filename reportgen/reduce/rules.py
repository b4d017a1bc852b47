"""How many rows keep a rule, and which are the first that break it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Derived, Integers, Reduction
from reportgen.reduce.match import unit_vectors

FIRST = 5  # rows that are named

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Kept:
    """How many of the selected rows keep a rule, and break it; others lack what it is about.

    first: numbers of the first rows that break it, from 0, rows that are not selected counted, too.
    pairs: of positions that are too close, None for other rules.
    """

    kept: int
    broken: int
    missing: int
    first: tuple[int, ...] = ()
    pairs: int | None = None


@dataclass(frozen=True)
class CountKept(Reduction[Kept, Kept]):
    """Count the rows for which a condition is true, false, and neither as a value is missing."""

    rule: Condition
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return self.rule.columns

    def start(self) -> Kept:
        return Kept(0, 0, 0)

    def update(self, state: Kept, chunk: Chunk) -> Kept:
        selected = True if self.where is None else chunk.mask(self.where)
        true, false = (
            np.broadcast_to(each & selected, chunk.rows)
            for each in self.rule.true_and_false(chunk.read)
        )
        kept, broken = int(true.sum()), int(false.sum())
        rows = chunk.rows if self.where is None else int(np.count_nonzero(selected))
        first = tuple((np.flatnonzero(false)[:FIRST] + chunk.first).tolist())
        return self.merge(state, Kept(kept, broken, rows - kept - broken, first))

    def merge(self, first: Kept, second: Kept) -> Kept:
        return Kept(
            first.kept + second.kept,
            first.broken + second.broken,
            first.missing + second.missing,
            (first.first + second.first)[:FIRST],
        )


@dataclass
class StoredState:
    """Rows that were selected; of those with a value its place, and the value."""

    selected: int = 0
    places: list[Places] = field(default_factory=list)
    values: list[list[NDArray[Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class Stored:
    """Values of some columns, (rows,) or (2, rows) as they are read, and the rows they are of."""

    missing: int
    places: Places
    values: list[NDArray[Any]]


@dataclass(frozen=True)
class StoredRows(Reduction[StoredState, Stored]):
    """All rows that have a value in each of some columns, as read; only for what may be kept."""

    of: tuple[str, ...]
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset(self.of)

    def start(self) -> StoredState:
        return StoredState()

    def update(self, state: StoredState, chunk: Chunk) -> StoredState:
        taken = np.ones(chunk.rows, dtype=bool) if self.where is None else chunk.mask(self.where)
        selected = int(taken.sum())
        columns = [chunk.read.get(name, chunk.columns[name]) for name in self.of]
        for values in columns:
            numbers = values if values.ndim == 1 else values[0]
            is_text = values.dtype.kind == "T"
            taken = taken & (~np.isnan(numbers) if is_text else np.isfinite(numbers))
        places = np.flatnonzero(taken) + chunk.first
        parts = [_in_two_parts(values[..., taken]) for values in columns]
        return self.merge(state, StoredState(selected, [places], [parts]))

    def merge(self, first: StoredState, second: StoredState) -> StoredState:
        return StoredState(
            first.selected + second.selected,
            first.places + second.places,
            first.values + second.values,
        )

    def finish(self, state: StoredState) -> Stored:
        places = np.concatenate([np.empty(0, np.int64), *state.places])
        columns = zip(*state.values, strict=True)
        values = [np.concatenate(list(each), axis=-1) for each in columns]
        return Stored(state.selected - len(places), places, values)


def _in_two_parts(values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers with what rounding took from integers, (2, n); texts as they are."""
    if values.ndim == 2 or values.dtype.kind == "T":
        return values
    return np.stack([values, np.zeros_like(values)])


class OfAllRows(Derived[Kept | None]):
    """A rule that compares rows with each other: None where they may not all be kept."""

    where: Condition | None

    @property
    def of(self) -> tuple[str, ...]:
        """The columns it is about."""
        raise NotImplementedError

    @property
    def reads(self) -> frozenset[str]:
        return frozenset(self.of)

    def parts(self, exact: bool) -> tuple[Reduction[Any, Any], ...]:
        return (StoredRows(self.of, self.where) if exact else Unknown(self.of),)

    def derive(self, found: Stored | None) -> Kept | None:
        return None if found is None else self.judge(found)

    def judge(self, found: Stored) -> Kept:
        """Return how many of some rows keep the rule."""
        raise NotImplementedError


@dataclass(frozen=True)
class Unknown(Reduction[None, None]):
    """What cannot be known without all rows at once. of: the columns that it would be about."""

    of: tuple[str, ...]

    @property
    def reads(self) -> frozenset[str]:
        return frozenset()

    def start(self) -> None:
        return None

    def update(self, state: None, chunk: Chunk) -> None:
        return None

    def merge(self, first: None, second: None) -> None:
        return None


@dataclass(frozen=True)
class CountRepeated(OfAllRows):
    """Count the rows whose value in a column no other row has; integers with all their digits."""

    column: str
    where: Condition | None = None

    @property
    def of(self) -> tuple[str, ...]:
        return (self.column,)

    def judge(self, found: Stored) -> Kept:
        keys = list(np.atleast_2d(found.values[0])) if found.values else [np.empty(0)]
        order = np.argsort(keys[0], kind="stable")
        if len(keys) > 1:
            order = np.lexsort(keys[::-1])
        same = np.ones(max(len(order) - 1, 0), dtype=bool)
        for key in keys:
            same &= key[order][1:] == key[order][:-1]
        repeated = np.zeros(len(order), dtype=bool)
        repeated[1:] |= same
        repeated[:-1] |= same
        return _kept(found, found.places[order[repeated]])


@dataclass(frozen=True)
class CountShared(Derived[int | None]):
    """Count the rows of one selection whose value in a column a row of another has, too.

    None where the rows may not all be kept.
    """

    column: str
    those: Condition
    others: Condition

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.column]) | self.those.columns | self.others.columns

    def parts(self, exact: bool) -> tuple[Reduction[Any, Any], ...]:
        if not exact:
            return (Unknown((self.column,)),)
        return tuple(StoredRows((self.column,), where) for where in (self.those, self.others))

    def derive(self, those: Stored | None, others: Stored | None = None) -> int | None:
        if those is None or others is None:
            return None
        if not (those.values and others.values):  # there are no rows at all
            return 0
        return int(np.isin(_single_keys(those.values[0]), _single_keys(others.values[0])).sum())


def _single_keys(values: NDArray[Any]) -> NDArray[Any]:
    """Return values as they can be compared: numbers of two parts as complex ones."""
    return values if values.ndim == 1 else values[0] + 1j * values[1]


@dataclass(frozen=True)
class CountClose(OfAllRows):
    """Count the positions that have no other within a distance; all in degrees."""

    ra: str
    dec: str
    distance: float
    where: Condition | None = None

    @property
    def of(self) -> tuple[str, ...]:
        return self.ra, self.dec

    def judge(self, found: Stored) -> Kept:
        from scipy.spatial import cKDTree

        if len(found.places) < 2:
            return _kept(found, found.places[:0], 0)
        ra, dec = (values[0] for values in found.values)
        tree = cKDTree(unit_vectors(ra, dec))
        chord = 2 * np.sin(np.radians(min(self.distance, 180.0)) / 2)
        # In the order of the tree, in which neighbours are asked for one after another: five times
        # as fast as in that of the rows.
        order, most = tree.indices, np.nextafter(chord, np.inf)
        nearest = tree.query(tree.data[order], k=2, distance_upper_bound=most)[0]
        close = np.sort(order[nearest[:, 1] <= chord])
        pairs = (int(tree.count_neighbors(tree, chord)) - len(ra)) // 2
        return _kept(found, found.places[close], pairs)


def _kept(found: Stored, broken: Integers, pairs: int | None = None) -> Kept:
    first = tuple(np.sort(broken)[:FIRST].tolist())
    return Kept(len(found.places) - len(broken), len(broken), found.missing, first, pairs)

"""Cross-match of the rows of a catalogue with the objects of another, which is held in memory.

Nothing in it depends on how the rows are split: a state keeps pairs by a rule that names one winner
among any of them, the nearest and among equally near ones the first. Distances are those of unit
vectors, so that neither RA 0 h nor a pole is a special place.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reportgen.config.expressions import Condition
from reportgen.errors import SectionError
from reportgen.reduce.base import Chunk, Derived, Integers, OfCatalogue, Reduction, Values
from reportgen.wording import count, exact

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

MOST_ROWS = 20_000_000
"""Objects of another catalogue, or pairs, that are held in memory."""
SPACINGS = 5  # median distances of neighbours within which some other object is to be expected
SAMPLE = 10_000  # objects by which that distance is known

Rule = Literal["mutual", "nearest", "unique"]


def unit_vectors(ra: Values, dec: Values) -> Values:
    """Return positions in degrees as unit vectors, (n, 3)."""
    alpha, delta = np.radians(ra), np.radians(dec)
    return np.stack(
        [np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)], axis=1
    )


def positions(ra: Values, dec: Values, whose: str) -> Values:
    """Return positions as unit vectors; SectionError where they are none. whose: in its message."""
    for name, values, low, high in (
        ("right ascension", ra, -180, 360),
        ("declination", dec, -90, 90),
    ):
        outside = values[(values < low) | (values > high)]
        if len(outside):
            raise SectionError(
                f"{whose} has a {name} of {exact(float(outside[0]))}°",
                "say what stands for a missing value with missing:, or leave such rows out",
            )
    return unit_vectors(ra, dec)


def chord(arcsec: float) -> float:
    """Return the distance of two unit vectors that are an angle apart."""
    return float(2 * np.sin(np.radians(arcsec / 3600) / 2))


def angle(chords: Values) -> Values:
    """Return the angle between unit vectors of some distance, in arcseconds."""
    return np.asarray(np.degrees(2 * np.arcsin(np.minimum(chords / 2, 1))) * 3600)


def offsets(own: tuple[Values, ...], other: tuple[Values, ...]) -> tuple[Values, Values]:
    """Return how far positions are to the east and north of others, in arcseconds.

    own, other: right ascension and declination in degrees. Both are along the sphere at the other
    position, so that the first is Δα cos δ, at a pole, too.
    """
    alpha, delta = (np.radians(each) for each in other)
    apart = unit_vectors(*own) - unit_vectors(*other)
    zero = np.zeros_like(alpha)
    to_east = np.stack([-np.sin(alpha), np.cos(alpha), zero], axis=1)
    to_north = np.stack(
        [-np.sin(delta) * np.cos(alpha), -np.sin(delta) * np.sin(alpha), np.cos(delta)], axis=1
    )
    east, north = (np.degrees((apart * axis).sum(axis=1)) * 3600 for axis in (to_east, to_north))
    return east, north


@dataclass(frozen=True)
class RowsOf(Reduction[list[dict[str, Values]], dict[str, Values]]):
    """Columns of the rows in which some are valid, held in memory; NaN if missing."""

    of: tuple[str, ...]
    valid: tuple[str, ...]
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([*self.of, *self.valid])

    def start(self) -> list[dict[str, Values]]:
        return []

    def update(self, state: list[dict[str, Values]], chunk: Chunk) -> list[dict[str, Values]]:
        places = chunk.places(self.valid, self.where)
        columns = {name: chunk.columns[name] for name in (*self.of, *self.valid)}
        if places is not None:
            columns = {name: values[places] for name, values in columns.items()}
        return self.merge(state, [columns])

    def merge(
        self, first: list[dict[str, Values]], second: list[dict[str, Values]]
    ) -> list[dict[str, Values]]:
        if sum(len(part[self.valid[0]]) for part in (*first, *second)) > MOST_ROWS:
            raise SectionError(
                f"the reference has over {count(MOST_ROWS)} objects, more than are held in memory",
                "select fewer of them with where:",
            )
        return first + second

    def finish(self, state: list[dict[str, Values]]) -> dict[str, Values]:
        return joined(self.of, state)


def joined(names: Iterable[str], parts: Sequence[dict[str, Values]]) -> dict[str, Values]:
    """Return columns, some of which may be texts, of parts one after the other."""
    nothing = np.empty(0)
    return {
        name: np.concatenate([part[name] for part in parts]) if parts else nothing for name in names
    }


@dataclass(frozen=True)
class Reference:
    """Positions of the objects of a catalogue, in its order.

    tree: of unit vectors. spacing: median angle between nearest neighbours, arcseconds; NaN for
    fewer than two objects.
    """

    tree: "cKDTree"
    n: int
    spacing: float


@dataclass(frozen=True)
class ReferencePositions(Reduction[list[dict[str, Values]], Reference]):
    """Where the objects of another catalogue are, ra and dec in degrees."""

    ra: str
    dec: str
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.ra, self.dec])

    @property
    def _rows(self) -> RowsOf:
        return self.rows((self.ra, self.dec))

    def rows(self, of: tuple[str, ...]) -> RowsOf:
        """Return what gives columns of the same objects."""
        return RowsOf(of, (self.ra, self.dec), self.where)

    def start(self) -> list[dict[str, Values]]:
        return []

    def update(self, state: list[dict[str, Values]], chunk: Chunk) -> list[dict[str, Values]]:
        return self._rows.update(state, chunk)

    def merge(
        self, first: list[dict[str, Values]], second: list[dict[str, Values]]
    ) -> list[dict[str, Values]]:
        return self._rows.merge(first, second)

    def finish(self, state: list[dict[str, Values]]) -> Reference:
        from scipy.spatial import cKDTree

        columns = self._rows.finish(state)
        at = positions(columns[self.ra], columns[self.dec], "the reference")
        tree = cKDTree(at)
        sample = at[:: max(1, len(at) // SAMPLE)]
        spacing = np.nan
        if len(at) > 1:
            spacing = float(np.median(angle(tree.query(sample, k=[2])[0])))
        return Reference(tree, len(at), spacing)


@dataclass(frozen=True)
class Candidates:
    """Pairs of a row and an object of the reference that may be those that are wanted.

    Each (n,). chord: their distance. is_nearest: whether the object is the row's nearest one.
    near: how many rows are near the object. only: whether the object is the only one near the row.
    """

    row: Integers
    other: Integers
    chord: Values
    is_nearest: "np.ndarray[Any, np.dtype[np.bool_]]"
    near: Integers
    only: "np.ndarray[Any, np.dtype[np.bool_]]"

    def __getitem__(self, places: Any) -> "Candidates":
        return Candidates(*(each[places] for each in self._arrays()))

    def _arrays(self) -> "Iterator[Any]":
        yield from (self.row, self.other, self.chord, self.is_nearest, self.near, self.only)

    @staticmethod
    def none() -> "Candidates":
        """Return no pairs."""
        integers, truth = np.empty(0, np.int64), np.empty(0, bool)
        return Candidates(integers, integers, np.empty(0), truth, integers, truth)

    def joined(self, other: "Candidates") -> "Candidates":
        """Return the pairs of both."""
        both = zip(self._arrays(), other._arrays(), strict=True)
        return Candidates(*(np.concatenate(each) for each in both))

    def nearest_rows(self) -> "Candidates":
        """Return for each object of the reference the pair with the nearest row."""
        order = np.lexsort((self.row, self.chord, self.other))
        first = _firsts(self.other[order])
        if not len(first):
            return self
        near = np.add.reduceat(self.near[order], first)
        return replace(self[order[first]], near=near)


def _firsts(ascending: Integers) -> Integers:
    """Return the place of each value that differs from the one before."""
    return np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1])[: len(ascending)])


@dataclass(frozen=True)
class Pairs:
    """Rows of a catalogue and the objects of another that they are matched with, by row.

    row, other: their numbers, those of the reference counted among the objects with a position.
    separation: arcseconds. rows: selected rows with a position. outside: those of them farther from
    every object of the reference than these are from each other, so that it does not reach there.
    ambiguous: rows with more than one object within the radius. objects: of the reference.
    """

    row: Integers
    other: Integers
    separation: Values
    rows: int
    outside: int
    ambiguous: int
    objects: int

    @property
    def n(self) -> int:
        """Number of pairs."""
        return len(self.row)


@dataclass(frozen=True)
class MatchState:
    """Candidates among some rows. reference: while rows are added; it does not travel."""

    reference: Reference | None
    objects: int
    found: Candidates = field(default_factory=Candidates.none)
    rows: int = 0
    outside: int = 0
    ambiguous: int = 0

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "reference": None}


@dataclass(frozen=True)
class Match(Reduction[MatchState, Pairs]):
    """Rows of the scanned catalogue and the objects of another within a radius (arcseconds).

    catalogue: name of the other one. reference: where its objects are.
    rule: ``mutual`` pairs are each other's nearest; ``nearest`` gives every row its nearest object,
    which several may share; ``unique`` pairs have no other within the radius on either side.
    shift: arcseconds to the east by which rows are moved before, to see what chance alone matches.
    """

    ra: str
    dec: str
    catalogue: str
    reference: ReferencePositions
    radius: float
    rule: Rule = "mutual"
    where: Condition | None = None
    shift: float = 0.0

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.ra, self.dec])

    def needs(self) -> dict[str, Any]:
        return {"reference": OfCatalogue(self.catalogue, self.reference)}

    def start(self, reference: Reference) -> MatchState:
        return MatchState(reference, reference.n)

    def update(self, state: MatchState, chunk: Chunk) -> MatchState:
        reference = state.reference
        assert reference is not None  # noqa: S101 - the rows of a task are added where it began
        ra, dec = chunk.together((self.ra, self.dec), self.where)
        places = chunk.places((self.ra, self.dec), self.where)
        if self.shift:
            with np.errstate(divide="ignore", invalid="ignore"):
                moved = ra + self.shift / 3600 / np.cos(np.radians(dec))
            ra = np.where(np.isfinite(moved), moved, ra)
        if not len(ra) or not reference.n:
            outside = state.outside + len(ra)
            return replace(state, rows=state.rows + len(ra), outside=outside)
        at = unit_vectors(ra, dec) if self.shift else positions(ra, dec, "the catalogue")
        radius = chord(self.radius)
        # What the other catalogue does not reach is the same wherever the rows are moved.
        is_told = reference.n > 1 and not self.shift
        reach = max(radius, chord(SPACINGS * reference.spacing) if is_told else radius)
        nearest = reference.tree.query(at, distance_upper_bound=reach, workers=-1)[0]
        near = np.flatnonzero(nearest <= radius * (1 + 1e-9))
        rows = near if places is None else places[near]
        found, ambiguous = self._pairs(reference, at[near], rows + chunk.first, radius)
        new = MatchState(None, reference.n, found, len(ra), int(np.isinf(nearest).sum()), ambiguous)
        return self._joined(state, new)

    def _pairs(
        self, reference: Reference, at: Values, rows: Integers, radius: float
    ) -> tuple[Candidates, int]:
        """Return the pairs within the radius, and how many rows have more than one object there."""
        from scipy.spatial import cKDTree

        if not len(rows):
            return Candidates.none(), 0
        found = cKDTree(at).sparse_distance_matrix(reference.tree, radius, output_type="ndarray")
        order = np.lexsort((found["j"], found["v"], found["i"]))
        row, other, distance = (found[name][order] for name in ("i", "j", "v"))
        first = _firsts(row)
        is_nearest = np.zeros(len(row), dtype=bool)
        is_nearest[first] = True
        near_row = np.diff(first, append=len(row))
        pairs = Candidates(
            rows[row],
            other.astype(np.int64),
            distance,
            is_nearest,
            np.ones(len(row), dtype=np.int64),
            np.repeat(near_row == 1, near_row),
        )
        kept = pairs[is_nearest] if self.rule == "nearest" else pairs.nearest_rows()
        return kept, int(np.count_nonzero(near_row > 1))

    def merge(self, first: MatchState, second: MatchState) -> MatchState:
        return self._joined(first, second)

    def _joined(self, first: MatchState, second: MatchState) -> MatchState:
        found = first.found.joined(second.found)
        if self.rule != "nearest":
            found = found.nearest_rows()
        if len(found.row) > MOST_ROWS:
            raise SectionError(
                f"there are over {count(MOST_ROWS)} pairs, more than are held in memory",
                "select fewer rows with where:, or take rule: mutual",
            )
        return replace(
            first,
            found=found,
            rows=first.rows + second.rows,
            outside=first.outside + second.outside,
            ambiguous=first.ambiguous + second.ambiguous,
        )

    def finish(self, state: MatchState) -> Pairs:
        found = state.found
        if self.rule == "mutual":
            found = found[found.is_nearest]
        elif self.rule == "unique":
            found = found[found.only & (found.near == 1)]
        found = found[np.argsort(found.row, kind="stable")]
        return Pairs(
            found.row,
            found.other,
            angle(found.chord),
            state.rows,
            state.outside,
            state.ambiguous,
            state.objects,
        )


@dataclass(frozen=True)
class GatherState:
    """Columns of some pairs, part by part. rows: of all pairs, while they are looked for."""

    rows: Integers | None
    found: tuple[dict[str, Values], ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "rows": None}


@dataclass(frozen=True)
class OwnColumns(Reduction[GatherState, dict[str, Values]]):
    """Columns of the scanned catalogue in the rows that are matched, by row; NaN if missing."""

    match: Match
    of: tuple[str, ...]

    @property
    def reads(self) -> frozenset[str]:
        return frozenset(self.of)

    def needs(self) -> dict[str, Any]:
        return {"pairs": self.match}

    def start(self, pairs: Pairs) -> GatherState:
        return GatherState(pairs.row)

    def update(self, state: GatherState, chunk: Chunk) -> GatherState:
        assert state.rows is not None  # noqa: S101 - as in Match.update
        ends = chunk.first, chunk.first + chunk.rows
        start, stop = np.searchsorted(state.rows, ends)
        places = state.rows[start:stop] - chunk.first
        columns = {name: chunk.columns[name][places] for name in self.of}
        return replace(state, found=(*state.found, columns))

    def merge(self, first: GatherState, second: GatherState) -> GatherState:
        return replace(first, found=first.found + second.found)

    def finish(self, state: GatherState) -> dict[str, Values]:
        return joined(self.of, state.found)


@dataclass(frozen=True)
class PairColumns:
    """Pairs with columns of both sides, (n,) each, NaN if missing."""

    pairs: Pairs
    own: dict[str, Values]
    other: dict[str, Values]


@dataclass(frozen=True)
class MatchedColumns(Derived[PairColumns]):
    """Columns of the rows that are matched, and of the objects that they are matched with."""

    match: Match
    own: tuple[str, ...]
    other: tuple[str, ...]

    @property
    def reads(self) -> frozenset[str]:
        return self.match.reads | frozenset(self.own)

    @property
    def where(self) -> Condition | None:
        """The selection of rows."""
        return self.match.where

    def parts(self, exact: bool) -> tuple[Reduction[Any, Any] | OfCatalogue[Any], ...]:
        match = self.match
        other = OfCatalogue(match.catalogue, match.reference.rows(self.other))
        return match, OwnColumns(match, self.own), other

    def derive(self, pairs: Pairs, own: dict[str, Values], other: dict[str, Values]) -> PairColumns:
        matched = {name: values[pairs.other] for name, values in other.items()}
        return PairColumns(pairs, own, matched)

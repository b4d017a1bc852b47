"""Which part of the sky the rows of a catalogue cover: cells that are large enough to hold some."""

from dataclasses import dataclass, replace

import numpy as np

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Integers, Reduction, Values
from reportgen.reduce.match import positions, unit_vectors

FINEST = 13  # 2**13 cells along a face of the cube: 40 arcseconds and less
MOST_CELLS = 2**20
IN_A_CELL = 5  # rows in the mean, by which fewer than one cell of a hundred is empty by chance
FEWEST = 100  # rows, of which one can say where there are none


@dataclass(frozen=True)
class Covered:
    """Cells of the sky with rows: numbers, ascending, of cells of a level. None: not known."""

    level: int
    cells: Integers | None

    @property
    def side(self) -> float:
        """Side of a cell in degrees, about."""
        return 90.0 / (1 << self.level)

    def holds(self, ra: Values, dec: Values) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """Return which positions, in degrees, are in such cells; all where they are not known."""
        if self.cells is None:
            return np.ones(len(ra), dtype=bool)
        return np.isin(coarser(cells_of(unit_vectors(ra, dec)), FINEST - self.level), self.cells)


@dataclass(frozen=True)
class FootprintState:
    """Cells with rows, at the finest level at which they are few enough, and the rows."""

    cells: Integers
    level: int = FINEST
    rows: int = 0


@dataclass(frozen=True)
class Footprint(Reduction[FootprintState, Covered]):
    """The cells on the sky in which there are rows, as fine as their number allows.

    Cells are squares on the faces of a cube around the sky, equal in angle along their sides, so
    that neither RA 0 h nor a pole is special, and four of a level are one of the level before.
    """

    ra: str
    dec: str
    where: Condition | None = None

    @property
    def reads(self) -> frozenset[str]:
        return frozenset([self.ra, self.dec])

    def start(self) -> FootprintState:
        return FootprintState(np.empty(0, np.int64))

    def update(self, state: FootprintState, chunk: Chunk) -> FootprintState:
        ra, dec = chunk.together((self.ra, self.dec), self.where)
        cells = np.unique(cells_of(positions(ra, dec, "the catalogue")))
        return self.merge(state, _fitting(FootprintState(cells, rows=len(ra))))

    def merge(self, first: FootprintState, second: FootprintState) -> FootprintState:
        level = min(first.level, second.level)
        alike = [coarser(each.cells, each.level - level) for each in (first, second)]
        return _fitting(FootprintState(_joined(*alike), level, first.rows + second.rows))

    def finish(self, state: FootprintState) -> Covered:
        if state.rows < FEWEST:
            return Covered(0, None)
        while state.level and state.rows < IN_A_CELL * len(state.cells):
            state = _halved(state)
        return Covered(state.level, _filled(state.cells))


def cells_of(at: Values) -> Integers:
    """Return the number of the finest cell of each unit vector: face, column and row in bits."""
    main = np.argmax(np.abs(at), axis=1)
    along = np.take_along_axis(at, main[:, None], axis=1)[:, 0]
    face = 2 * main + (along < 0)
    cell: Integers = face.astype(np.int64)
    for step in (1, 2):
        other = np.take_along_axis(at, ((main + step) % 3)[:, None], axis=1)[:, 0]
        place = (np.arctan(other / np.abs(along)) / np.pi * 2 + 0.5) * 2**FINEST
        cell = np.bitwise_or(cell << FINEST, np.clip(place.astype(np.int64), 0, 2**FINEST - 1))
    return cell


def coarser(cells: Integers, levels: int) -> Integers:
    """Return the cell some levels before in which each cell is; numbers have the same places."""
    face, column, row = cells >> 2 * FINEST, *_place(cells)
    return face << 2 * FINEST | column >> levels << FINEST | row >> levels


def _halved(state: FootprintState) -> FootprintState:
    return replace(state, cells=np.unique(coarser(state.cells, 1)), level=state.level - 1)


def _joined(first: Integers, second: Integers) -> Integers:
    """Return the numbers of two ascending lists, each once; a stable sort of both is linear."""
    both: Integers = np.concatenate([first, second])
    both.sort(kind="stable")
    each: Integers = both[np.append(True, both[1:] != both[:-1])[: len(both)]]
    return each


def _filled(cells: Integers) -> Integers:
    """Return cells with those between them that are empty by chance: the last of four."""
    larger, n = np.unique(coarser(cells, 1), return_counts=True)
    larger = larger[n == 3]
    face, column, row = larger >> 2 * FINEST, *_place(larger)
    four = [
        face << 2 * FINEST | 2 * column + right << FINEST | 2 * row + up
        for right in (0, 1)
        for up in (0, 1)
    ]
    filled: Integers = np.union1d(cells, np.concatenate(four))
    return filled


def _place(cells: Integers) -> tuple[Integers, Integers]:
    """Return the column and row of each cell on its face."""
    return cells >> FINEST & (1 << FINEST) - 1, cells & (1 << FINEST) - 1


def _fitting(state: FootprintState) -> FootprintState:
    """Return a state of no more cells than are held; the level does not depend on the order."""
    while len(state.cells) > MOST_CELLS:
        state = _halved(state)
    return state

"""Cross-match of 10⁶ rows with 10⁵ objects beside astropy, in turns.

    python benchmarks/matching.py [ROWS OBJECTS]

The field crosses RA 0 h. Both find the mutual nearest pairs within 3″: reportgen in one scan of
blocks on all cores, as a section does, astropy with ``match_to_catalog_sky`` both ways, as one
would type it. The pairs must be the same. reportgen also tells which rows the reference misses.
"""

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time
from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from machine import machine
from numpy.typing import NDArray

from reportgen.reduce.base import OfCatalogue
from reportgen.reduce.executors import Threads
from reportgen.reduce.match import Match, Pairs, ReferencePositions
from reportgen.reduce.scan import ReadRows, scan
from reportgen.workers.pool import default_workers

RADIUS = 3.0  # arcseconds
TURNS = 3
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Columns in memory as a source of a scan."""

    columns: dict[str, Values]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values())))

    def reading(self, columns: frozenset[str]) -> AbstractContextManager[ReadRows]:
        """Open the table; gives a function that returns some rows of the columns."""
        return nullcontext(
            lambda rows: {name: self.columns[name][rows.start : rows.stop] for name in columns}
        )


def field(rows: int, objects: int) -> tuple[Table, Table]:
    """Draw a field of 16 square degrees, and some of its objects again with errors."""
    rng = np.random.default_rng(1)
    ra, dec = (rng.uniform(358, 362, rows)) % 360, rng.uniform(-35, -31, rows)
    chosen = rng.choice(rows, objects, replace=False)
    east, north = rng.normal(0.3, 0.5, objects) / 3600, rng.normal(-0.2, 0.5, objects) / 3600
    moved = ra[chosen] + east / np.cos(np.radians(dec[chosen])), dec[chosen] + north
    return Table({"ra": ra, "dec": dec}), Table({"ra": moved[0] % 360, "dec": moved[1]})


def ours(own: Table, other: Table) -> Pairs:
    """Match by a scan of each catalogue."""
    positions = ReferencePositions("ra", "dec")
    cores = Threads(default_workers())
    known = {OfCatalogue("other", positions): scan([positions], other, 0, cores)[positions]}
    match = Match("ra", "dec", "other", positions, RADIUS)
    found: Pairs = scan([match], own, 0, cores, known)[match]
    return found


def theirs(own: Table, other: Table) -> NDArray[np.int64]:
    """Match by astropy both ways; gives the rows that are matched."""
    first, second = (
        SkyCoord(each.columns["ra"] * u.deg, each.columns["dec"] * u.deg) for each in (own, other)
    )
    there, apart, _ = first.match_to_catalog_sky(second)
    back, _, _ = second.match_to_catalog_sky(first)
    mutual = (apart.arcsec <= RADIUS) & (back[there] == np.arange(own.rows))
    return np.flatnonzero(mutual)


def main() -> None:
    rows, objects = (int(text) for text in sys.argv[1:3] or ("1000000", "100000"))
    for name, text in machine(("reportgen", "numpy", "scipy", "astropy")).items():
        print(f"- {name}: {text}")
    own, other = field(rows, objects)
    # (reportgen, astropy), seconds and those of processors, of each turn.
    turns: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for _ in range(TURNS):
        found, of_ours = _timed(ours, own, other)
        expected, of_theirs = _timed(theirs, own, other)
        assert np.array_equal(found.row, expected)  # noqa: S101
        turns.append((of_ours, of_theirs))
    print(f"- {found.n:,} mutual pairs of {rows:,} rows and {objects:,} objects, the same in both")
    for name, which in (("seconds", 0), ("seconds of processors", 1)):
        a, b = (median(turn[side][which] for turn in turns) for side in (0, 1))
        said = f"reportgen {a:.2f}, astropy {b:.2f}; astropy / reportgen {b / a:.1f}"
        print(f"- {name}, median of {TURNS}: {said}")


def _timed(match: Any, own: Table, other: Table) -> tuple[Any, tuple[float, float]]:
    begun = perf_counter(), process_time()
    found = match(own, other)
    return found, (perf_counter() - begun[0], process_time() - begun[1])


if __name__ == "__main__":
    main()

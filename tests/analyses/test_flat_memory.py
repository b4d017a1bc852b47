"""All analyses together: beyond exact_rows memory does not grow with the rows."""

import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from presenting import analysis
from test_odd_data import OF_UNITS, SECTIONS

from reportgen.analyses.quality import Quality
from reportgen.analyses.sky_density import SkyDensity
from reportgen.reduce.quantiles import Quantiles
from reportgen.reduce.ranks import Spearman
from reportgen.reduce.scan import Failure, scan

UNITS = {"a": "mJy", "b": "mJy", "flag": "", "mag": "mag", "ra": "deg", "dec": "deg"}
MAP = {"ra": "ra", "dec": "dec", "edges": 400}
ALL = [*SECTIONS.values(), *OF_UNITS.values(), (SkyDensity, MAP)]
ALL.append((Quality, {"rules": [{"column": "a", "unique": True}, {"holds": "a > b"}]}))
MB = 1024**2


@dataclass(frozen=True)
class Survey:
    """A catalogue whose rows are made when they are read; the same ones every time."""

    rows: int

    @contextmanager
    def reading(self, columns):
        def read(rows):
            found = made(rows)
            return {name: found[name] for name in columns}

        yield read


def made(rows):
    n = len(rows)
    rng = np.random.default_rng(rows.start)
    columns = {name: rng.lognormal(3, 1.5, n) for name in ("a", "b", "mag")}
    columns["b"][rng.uniform(size=n) < 0.8] = np.nan
    columns |= {"ra": rng.uniform(52, 54, n), "dec": rng.uniform(-29, -27, n)}
    return columns | {"flag": np.floor(rng.uniform(0, 2, n))}


def everything():
    """Return the reductions of a section of each analysis of catalogues."""
    sections = [analysis(kind, UNITS, UNITS, **keys) for kind, keys in ALL]
    return [reduction for section in sections for reduction in section.reductions().values()]


def peak(rows, exact_rows):
    """Compute everything; give the values and the largest memory on the way."""
    reductions = everything()
    tracemalloc.start()
    try:
        found = scan(reductions, Survey(rows), exact_rows)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not [value.error for value in found.values() if isinstance(value, Failure)]
    return found, most


def test_four_times_the_rows_take_two_more_levels_of_the_tree_and_nothing_else():
    (_, few), (found, many) = peak(300_000, exact_rows=1), peak(1_000_000, exact_rows=1)
    assert many - few <= 2 * 12 * MB
    assert many <= 80 * MB
    for kind in (Spearman, Quantiles):
        assert any(found[each].error > 0 for each in found if isinstance(each, kind))

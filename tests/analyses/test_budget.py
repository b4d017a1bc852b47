"""All analyses together keep within the memory of their catalogue, however many rows it has."""

import tracemalloc

import numpy as np
import pytest
from presenting import analysis

from reportgen.analyses.correlation import Correlation
from reportgen.analyses.distribution import Distribution
from reportgen.analyses.overview import Overview
from reportgen.analyses.population import Population
from reportgen.analyses.relation import Relation
from reportgen.analyses.sky_density import SkyDensity
from reportgen.reduce.base import Source
from reportgen.reduce.histograms import Histogram
from reportgen.reduce.plan import BESIDE
from reportgen.reduce.quantiles import Quantiles
from reportgen.reduce.ranks import Spearman
from reportgen.reduce.scan import Failure, scan

FLUXES = tuple("abcde")
COLUMNS = (*FLUXES, "ra", "dec", "index", "flag")
STEP = 50_000
MB = 1024**2


def read_chunks(rows):
    """Give a way to read so many rows, made when they are read; the same ones every time."""

    def read(names):
        for start in range(0, rows, STEP):
            n = min(STEP, rows - start)
            rng = np.random.default_rng(start)
            columns = {name: rng.lognormal(3, 1.5, n) for name in FLUXES}
            columns["e"][rng.uniform(size=n) < 0.8] = np.nan
            columns |= {"ra": rng.uniform(52, 54, n), "dec": rng.uniform(-29, -27, n)}
            columns["index"] = np.round(rng.uniform(size=n), 2)
            columns["flag"] = np.floor(rng.uniform(0, 2, n))
            yield {name: columns[name] for name in names}

    return read


def everything():
    """Give the reductions of a section of each analysis of catalogues."""
    keys = {"column": "index", "against": list(FLUXES), "log_x": True}
    bins = [{"below": 150}, {"above": 150, "log_axis": True}]
    curves = [{"log": True}, {"below": 30}]
    sections = [
        analysis(Overview, COLUMNS),
        analysis(Distribution, COLUMNS, columns=list(FLUXES), histograms=bins, curves=curves),
        analysis(Relation, COLUMNS, **keys),
        analysis(Relation, COLUMNS, **keys, where="flag and a > 10"),
        analysis(Correlation, COLUMNS, columns=[*FLUXES, "index"], method="spearman"),
        analysis(Correlation, COLUMNS, columns=list(FLUXES), rows="complete"),
        analysis(SkyDensity, COLUMNS, {"ra": "deg", "dec": "deg"}, ra="ra", dec="dec", edges=400),
        analysis(Population, COLUMNS, column="index", subset="flag", label="x", subset_label="y"),
    ]
    return [reduction for section in sections for reduction in section.reductions().values()]


def peak(rows, memory):
    """Compute everything; give the values and the largest memory on the way."""
    reductions = everything()
    tracemalloc.start()
    try:
        found = scan(reductions, Source(rows, memory), read_chunks(rows))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not [value.error for value in found.values() if isinstance(value, Failure)]
    return found, most


MEDIAN = Quantiles("a", (0.05, 0.5, 0.95))
RANKS = Spearman((*FLUXES, "index"))


@pytest.mark.parametrize(
    ("rows", "memory", "exact"),
    [
        (1_200_000, MB, False),  # 86 MB of columns
        (1_200_000, 40 * MB, False),
        (400_000, 64 * MB, True),  # 29 MB, all of which fit
    ],
)
def test_all_analyses_together_keep_within_the_budget(rows, memory, exact):
    found, most = peak(rows, memory)
    assert most <= memory + BESIDE
    asked = next(each for each in found if isinstance(each, Quantiles) and each.column == "a")
    assert (found[asked].error == 0) == exact
    assert found[RANKS].exact == exact


def test_memory_does_not_grow_with_the_rows_beyond_the_budget():
    (_, few), (_, many) = peak(300_000, 8 * MB), peak(1_200_000, 8 * MB)
    assert many - few <= 8 * MB


def test_what_is_wanted_by_most_stays_exact_when_not_everything_fits():
    rows = 200_000  # 1.6 MB a column
    ordinary = [Quantiles(name, (0.5,)) for name in FLUXES]
    popular = [Quantiles("index", (fraction,)) for fraction in (0.1, 0.5)]
    found = scan([*ordinary, *popular], Source(rows, 13 * MB), read_chunks(rows))
    assert [found[each].error for each in popular] == [0, 0]
    assert [found[each].error > 0 for each in ordinary].count(True) >= 1
    for each in ordinary:
        values = np.concatenate([chunk[each.column] for chunk in read_chunks(rows)({each.column})])
        expected = np.nanmedian(values)
        assert found[each].values[0] == pytest.approx(expected, rel=found[each].error, abs=1e-12)


def test_reductions_that_rest_on_the_same_column_share_it():
    rows = 200_000
    one = [Quantiles("a", (0.5,))]
    many = [Quantiles("a", (number / 50,)) for number in range(50)] + [Histogram("a")]
    peaks = []
    for reductions in (one, many):
        tracemalloc.start()
        scan(reductions, Source(rows), read_chunks(rows))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 8 * rows

"""All analyses together: beyond exact_rows memory does not grow with the rows."""

import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from presenting import analysis

from reportgen.analyses.classifier import Classifier
from reportgen.analyses.colour_colour import ColourColour
from reportgen.analyses.compactness import Compactness
from reportgen.analyses.correlation import Correlation
from reportgen.analyses.distribution import Distribution
from reportgen.analyses.number_counts import NumberCounts
from reportgen.analyses.overview import Overview
from reportgen.analyses.population import Population
from reportgen.analyses.quality import Quality
from reportgen.analyses.relation import Relation
from reportgen.analyses.repeatability import Repeatability
from reportgen.analyses.sky_density import SkyDensity
from reportgen.reduce.quantiles import Quantiles
from reportgen.reduce.ranks import Spearman
from reportgen.reduce.scan import Failure, scan

FLUXES = tuple("abcde")
COLUMNS = (*FLUXES, "ra", "dec", "index", "flag")
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
    columns = {name: rng.lognormal(3, 1.5, n) for name in FLUXES}
    columns["e"][rng.uniform(size=n) < 0.8] = np.nan
    columns |= {"ra": rng.uniform(52, 54, n), "dec": rng.uniform(-29, -27, n)}
    columns["index"] = np.round(rng.uniform(size=n), 2)
    columns["flag"] = np.floor(rng.uniform(0, 2, n))
    return columns


def everything():
    """Return the reductions of a section of each analysis of catalogues."""
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
        analysis(Compactness, COLUMNS, total="a", total_error="b", peak="c", peak_error="d"),
        analysis(Quality, COLUMNS, rules=[{"column": "a", "unique": True}, {"holds": "a > b"}]),
        analysis(NumberCounts, COLUMNS, {"a": "mJy"}, flux="a", area=2, bins={"from": 1, "to": 99}),
        analysis(ColourColour, COLUMNS, x="a", y="b", locus={"line": [1, 0]}),
        analysis(Repeatability, COLUMNS, object="index", value="a"),
        analysis(Classifier, COLUMNS, label="flag", score="index", against="a"),
    ]
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


RANKS = Spearman((*FLUXES, "index"))


def test_four_times_the_rows_take_two_more_levels_of_the_tree_and_nothing_else():
    (_, few), (found, many) = peak(300_000, exact_rows=1), peak(1_000_000, exact_rows=1)
    assert many - few <= 2 * 36 * MB
    assert many <= 160 * MB
    assert found[RANKS].error > 0
    assert any(found[each].error > 0 for each in found if isinstance(each, Quantiles))

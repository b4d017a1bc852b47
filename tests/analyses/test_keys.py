"""What the keys of a section refuse, in words that say what to write instead."""

import pytest
from presenting import analysis
from pydantic import ValidationError

from reportgen.analyses.correlation import Correlation
from reportgen.analyses.distribution import Distribution
from reportgen.analyses.overview import Overview
from reportgen.analyses.population import Population
from reportgen.analyses.relation import Relation
from reportgen.analyses.sky_density import SkyDensity

NAMES = ["a", "b", "ra", "dec", "flag"]
UNITS = {"ra": "deg", "dec": "deg"}
A, AB = {"columns": ["a"]}, {"column": "a", "against": ["b"]}
SUBSET, MAP = {"column": "a", "subset": "flag"}, {"ra": "ra", "dec": "dec", "edges": 10}


def view(**keys):
    return {"columns": ["a"], "histograms": [keys]}


REFUSED = [
    (Distribution, {"columns": []}, "at least 1 item"),
    (Distribution, {"columns": ["a", "b", "a"]}, "a stands here twice"),
    (Distribution, {**A, "cuts": [1, 2, 1]}, "1 stands here twice"),
    (Distribution, {**A, "quantiles": [0.5, 0.5]}, "0.5 stands here twice"),
    (Distribution, view(above=5, below=5), r"above \(5\) must be less than below \(5\)"),
    (Distribution, view(log=True, above=0), "a logarithmic histogram needs above and below larger"),
    (Distribution, view(log_axis=True), "log_axis needs above, larger than 0"),
    (Distribution, view(log=True, log_axis=True, above=1), "leave out log_axis"),
    (Distribution, view(bins=10**7), "10000"),
    (Distribution, {**A, "curves": [{"log": True, "below": 0}]}, "needs below larger than 0"),
    (Relation, {**AB, "against": ["a"]}, "against: a is the column itself"),
    (Relation, {**AB, "against": ["b", "b"]}, "b stands here twice"),
    (Correlation, A, "at least 2 items"),
    (Correlation, {"columns": ["a", "b"], "with_column": "ra"}, "ra is not among the columns"),
    (Population, {**SUBSET, "above": 2, "below": 1}, r"above \(2\) must be less than below \(1\)"),
    (Population, {**SUBSET, "subset": "flg"}, "unknown column 'flg'"),
    (SkyDensity, {**MAP, "dec": "minutes"}, "must be in degrees; its unit is arcmin"),
    (SkyDensity, {**MAP, "ra": "dec"}, "ra and dec are the same column, dec"),
    (SkyDensity, {**MAP, "cell": 10}, r"give edges: \(a number\) or cell: \(arcseconds\)"),
    (SkyDensity, {**MAP, "edges": None}, r"give edges: \(a number\) or cell: \(arcseconds\)"),
    (Overview, {"columns": ["a", "a"]}, "a stands here twice"),
    (Overview, {"columns": ["x"]}, "unknown column 'x'"),
]


@pytest.mark.parametrize(("kind", "keys", "message"), REFUSED)
def test_a_key_that_makes_no_sense_is_refused(kind, keys, message):
    with pytest.raises(ValidationError, match=message):
        analysis(kind, [*NAMES, "minutes"], {**UNITS, "minutes": "arcmin"}, **keys)

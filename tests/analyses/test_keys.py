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
MAP = {"ra": "ra", "dec": "dec", "edges": 10}

REFUSED = [
    (Distribution, {"columns": []}, "at least 1 item"),
    (Distribution, {"columns": ["a", "b", "a"]}, "a stands here twice"),
    (Distribution, {"columns": ["flx"]}, "unknown column 'flx'"),
    (Distribution, {"columns": ["a"], "cuts": [1, 2, 1]}, "1 stands here twice"),
    (Distribution, {"columns": ["a"], "quantiles": [0.5, 0.5]}, "0.5 stands here twice"),
    (Distribution, {"columns": ["a"], "quantiles": [1.5]}, "less than or equal to 1"),
    (
        Distribution,
        {"columns": ["a"], "histograms": [{"above": 5, "below": 5}]},
        r"above \(5\) must be less than below \(5\)",
    ),
    (
        Distribution,
        {"columns": ["a"], "histograms": [{"log": True, "above": 0}]},
        "a logarithmic histogram needs above and below larger than 0",
    ),
    (
        Distribution,
        {"columns": ["a"], "histograms": [{"log": True, "below": -1}]},
        "a logarithmic histogram needs above and below larger than 0",
    ),
    (
        Distribution,
        {"columns": ["a"], "histograms": [{"log_axis": True}]},
        "log_axis needs above, larger than 0",
    ),
    (
        Distribution,
        {"columns": ["a"], "histograms": [{"log": True, "log_axis": True, "above": 1}]},
        "leave out log_axis",
    ),
    (Distribution, {"columns": ["a"], "histograms": [{"bins": 0}]}, "greater than 0"),
    (Distribution, {"columns": ["a"], "histograms": [{"bins": 10**7}]}, "10000"),
    (Distribution, {"columns": ["a"], "histograms": [{"bins": 2.5}]}, "valid integer"),
    (
        Distribution,
        {"columns": ["a"], "curves": [{"log": True, "below": 0}]},
        "a logarithmic axis needs below larger than 0",
    ),
    (Distribution, {"columns": ["a"], "curves": [{"points": 1}]}, "greater than or equal to 2"),
    (Relation, {"column": "a", "against": ["a"]}, "against: a is the column itself"),
    (Relation, {"column": "a", "against": ["b", "b"]}, "b stands here twice"),
    (Relation, {"column": "a", "against": []}, "at least 1 item"),
    (Relation, {"column": "a", "against": ["b"], "bins": 10**6}, "1000"),
    (Correlation, {"columns": ["a"]}, "at least 2 items"),
    (Correlation, {"columns": ["a", "b", "a"]}, "a stands here twice"),
    (
        Correlation,
        {"columns": ["a", "b"], "with_column": "ra"},
        "with_column: ra is not among the columns",
    ),
    (Correlation, {"columns": ["a", "b"], "limit": 2}, "less than or equal to 1"),
    (Correlation, {"columns": ["a", "b"], "method": "kendall"}, "'pearson' or 'spearman'"),
    (
        Population,
        {"column": "a", "subset": "flag", "above": 2, "below": 1},
        r"above \(2\) must be less than below \(1\)",
    ),
    (Population, {"column": "a", "subset": "flg"}, "unknown column 'flg'"),
    (Population, {"column": "a"}, "Field required"),
    (SkyDensity, {**MAP, "ra": "a"}, "a must be in degrees; its unit is not given"),
    (SkyDensity, {**MAP, "ra": "dec"}, "ra and dec are the same column, dec"),
    (SkyDensity, {**MAP, "cell": 10}, r"give edges: \(a number\) or cell: \(arcseconds\)"),
    (SkyDensity, {"ra": "ra", "dec": "dec"}, r"give edges: \(a number\) or cell: \(arcseconds\)"),
    (SkyDensity, {**MAP, "edges": 1}, "greater than or equal to 2"),
    (SkyDensity, {**MAP, "smoothing": -1}, "greater than or equal to 0"),
    (SkyDensity, {**MAP, "axes": "radians"}, "'degrees' or 'hms'"),
    (Overview, {"columns": ["a", "a"]}, "a stands here twice"),
    (Overview, {"columns": ["x"]}, "unknown column 'x'"),
]


@pytest.mark.parametrize(("kind", "keys", "message"), REFUSED)
def test_a_key_that_makes_no_sense_is_refused(kind, keys, message):
    with pytest.raises(ValidationError, match=message):
        analysis(kind, NAMES, UNITS, **keys)


def test_a_unit_that_is_not_degrees_is_named():
    with pytest.raises(ValidationError, match="dec must be in degrees; its unit is arcsec"):
        analysis(SkyDensity, NAMES, {"ra": "deg", "dec": "arcsec"}, **MAP)


ACCEPTED = [
    (Distribution, {"columns": ["a"], "histograms": [], "cuts": [0.1, -3]}),
    (Distribution, {"columns": ["a"], "histograms": [{"log_axis": True, "above": 1}]}),
    (Relation, {"column": "a", "against": ["b"], "log_x": True}),
    (Correlation, {"columns": ["a", "b"], "with_column": "b"}),
    (Population, {"column": "a", "subset": "flag and b > 2", "above": -1, "below": 1}),
    (SkyDensity, {"ra": "ra", "dec": "dec", "cell": 30.5, "smoothing": 0}),
    (Overview, {}),
]


@pytest.mark.parametrize(("kind", "keys"), ACCEPTED)
def test_keys_that_make_sense_are_accepted(kind, keys):
    assert analysis(kind, NAMES, UNITS, **keys).reductions()


def test_a_distribution_may_have_no_figure():
    from presenting import check, present

    section = present(Distribution, {"a": [1.0, 2.0]}, columns=["a"], histograms=[])
    assert not section.figures
    assert section.findings == ["The median of 2 values is 1.5."]
    check(section)

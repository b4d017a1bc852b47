"""Whatever the data are, a section is whole: its words, and figures with nothing cut off."""

import re

import numpy as np
import pytest
from presenting import INF, LONG, NAN, check, check_drawing, present

from reportgen.analyses.classifier import Classifier
from reportgen.analyses.colour_colour import ColourColour
from reportgen.analyses.compactness import Compactness
from reportgen.analyses.correlation import Correlation
from reportgen.analyses.distribution import Distribution
from reportgen.analyses.number_counts import NumberCounts
from reportgen.analyses.overview import Overview
from reportgen.analyses.population import Population
from reportgen.analyses.relation import Relation
from reportgen.analyses.repeatability import Repeatability
from reportgen.errors import SectionError

RANDOM = np.random.default_rng(5)
X = RANDOM.lognormal(3, 1, 120)
Y = RANDOM.random(120)
FLAG = (Y < 0.3).astype(float)


def data(a, b=None, flag=None):
    a = np.asarray(a, dtype=float)
    b = a[::-1] if b is None else b
    return {"a": a, "b": b, "flag": FLAG[: len(a)] if flag is None else flag}


DATA = {
    "ordinary": data(X, Y),
    "one row": data([5.0], [3.0], [1.0]),
    "all equal": data(np.full(30, 0.3), np.full(30, -2.0)),
    "ties": data(np.repeat([1.0, 2.0, 3.0, 4.0], 10), np.tile([1.0, 2.0], 20)),
    "one column missing": data(X, np.full(120, NAN)),
    "half missing": data(np.where(Y < 0.5, X, NAN), np.where(Y < 0.6, NAN, Y)),
    "infinities": data([INF, -INF, 1.0, 2.0, NAN], [1.0, 2.0, INF, 4.0, 5.0]),
    "of both signs": data(X - 20, 0.5 - Y),
    "large": data(X * 1e300, Y * 1e299),
    "small": data(X * 1e-302, Y * 1e-300),
    "the largest": data(np.where(Y < 0.5, 1.7e308, -1.7e308), Y * 1.7e308),
    "close together": data(2460000 + Y / 100, 1e9 + X / 1e4),
}
LOG_VIEW = {"bins": 9, "log": True, "log_counts": True}
AGAINST = {"column": "a", "against": ["b"], "median_bins": 4}
DENSITY = {"points": 1, "bins": 9, "log_x": True, "log_y": True}
SECTIONS = {
    "distribution": (
        Distribution,
        {"columns": ["a", "b"], "histograms": [{"bins": 7}], "curves": [{}], "cuts": [0.5, 20]},
    ),
    "distribution, logarithmic": (
        Distribution,
        {"columns": ["a"], "histograms": [LOG_VIEW], "curves": [{"log": True}]},
    ),
    "relation": (Relation, AGAINST),
    "relation, density, logarithmic": (Relation, {**AGAINST, **DENSITY}),
    "correlation": (Correlation, {"columns": ["a", "b", "flag"], "with_column": "a"}),
    "correlation of ranks, complete": (
        Correlation,
        {"columns": ["a", "b"], "method": "spearman", "rows": "complete"},
    ),
    "population": (Population, {"column": "b", "subset": "flag", "cut": 1, "bins": 5}),
    "colour_colour": (
        ColourColour,
        {"x": "a", "y": "b", "regions": {"low": "a < 9"}, "locus": {"line": [1, 0]}},
    ),
    "repeatability": (Repeatability, {"object": "flag", "value": "a", "against": "b"}),
    "classifier": (Classifier, {"label": "flag", "score": "b", "against": "a", "worst": 0}),
    "overview": (Overview, {}),
}
ONLY = {kind: {} for kind, _ in SECTIONS.values()} | {Overview: {"columns": ["a", "b", "flag"]}}


def tables_of(section):
    return [*section.tables, *(figure.data for figure in section.figures)]


COUNTS = {"area": "3 deg2", "complete_above": 12}
# Of quantities that the other tests would give a unit that does not fit.
OF_UNITS = {
    "compactness": (
        Compactness,
        {"total": "a", "total_error": "b", "peak": "b", "peak_error": "a", "sigma": 1},
    ),
    "number_counts": (NumberCounts, {"flux": "a", **COUNTS, "bins": {"from": 1, "to": 1e4}}),
    "number_counts, in wide bins": (
        NumberCounts,
        {"flux": "a", **COUNTS, "bins": {"from": 1e-100, "to": 1e100, "per_decade": 0.2}},
    ),
    "number_counts, of magnitudes": (
        NumberCounts,
        {"magnitude": "mag", **COUNTS, "bins": {"from": -9, "to": 30}},
    ),
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("section", [*SECTIONS, *OF_UNITS])
def test_a_section_is_whole(section, name):
    kind, keys = (SECTIONS | OF_UNITS)[section]
    given = DATA[name] | ({"mag": DATA[name]["a"]} if "magnitude" in keys else {})
    try:
        made = present(kind, given, units={"a": "uJy", "b": "uJy", "mag": "mag"}, **keys)
    except SectionError as error:
        # Nothing to show is the only reason, and it is said so.
        said = "valid value|has values" + ("|above 0" if kind is Compactness else "")
        assert kind is Compactness or name in {"one column missing", "half missing"}, error  # noqa: PT017
        assert re.search(said, str(error))  # noqa: PT017
        return
    check(made)


@pytest.mark.parametrize("section", SECTIONS)
def test_labels_may_be_long_and_have_any_sign(section):
    kind, keys = SECTIONS[section]
    labels = {"a": f"$x_1$ {LONG}", "b": "$_<b>&$\\alpha{} #% ~^ of M☉", "flag": LONG}
    units = dict.fromkeys(DATA["ordinary"], "erg solMass / (s cm2)")
    for each in present(kind, DATA["ordinary"], units, labels, **keys).figures:
        check_drawing(each)


NOTHING = {name: np.empty(0) for name in "ab"} | {"flag": np.empty(0)}
ALL_MISSING = {name: np.full(9, NAN) for name in NOTHING}


@pytest.mark.parametrize(
    ("given", "where", "error", "finding"),
    [
        (NOTHING, {}, "the catalogue has no rows", "There are no rows."),
        (
            DATA["ordinary"],
            {"where": "a > 1e9"},
            "no row is left by where: a > 1000000000",
            "No row is left by where: a > 1000000000.",
        ),
        (ALL_MISSING, {}, r"\b[ab]\b.*", "Without a single value: a, b and flag."),
    ],
)
@pytest.mark.parametrize("section", SECTIONS)
def test_nothing_to_show_is_an_error_that_says_why(section, given, where, error, finding):
    kind, keys = SECTIONS[section]
    if kind is Overview:  # which is about what is there
        made = present(kind, given, **where)
        assert finding in made.findings
        check(made)
        return
    with pytest.raises(SectionError, match=error):
        present(kind, given, **where, **keys)


@pytest.mark.parametrize(
    ("kind", "columns", "keys"),
    [
        *((Distribution, n, {"curves": [{}]}) for n in (1, 20)),
        *((Correlation, n, {"with_column": "c0"}) for n in (2, 8, 26)),
        (Overview, 21, {}),
    ],
)
def test_a_section_of_so_many_columns_is_whole(kind, columns, keys):
    many = {f"c{i}": np.where(i / 20 > Y, NAN, X) + i * Y for i in range(columns)}
    many["c0"] = X
    check(present(kind, many, columns=list(many), labels={"c3": LONG, "c4": LONG}, **keys))


@pytest.mark.parametrize("section", SECTIONS)
def test_a_selection_gives_the_section_of_a_catalogue_with_only_its_rows(section):
    kind, keys = SECTIONS[section]
    chosen = np.tile([1.0, 0.0, 0.0], 40)
    found = present(
        kind, {**DATA["ordinary"], "chosen": chosen}, where="chosen", **keys, **ONLY[kind]
    )
    rows = {name: values[chosen == 1] for name, values in DATA["ordinary"].items()}
    alone = present(kind, rows, **keys)
    assert found.findings == alone.findings
    assert (found.rows, found.metrics) == (alone.rows, alone.metrics)
    for one, other in zip(tables_of(found), tables_of(alone), strict=True):
        for a, b in zip(one.columns, other.columns, strict=True):
            np.testing.assert_array_equal(a.values, b.values)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("overview", "Quantiles are approximate (to "),
        ("distribution", "Quantiles and curves are approximate (to "),
        ("population", "Medians are approximate (to "),
        ("relation", "Spearman's coefficients are off by at most 0.00"),
        ("relation", "Running medians and bands are approximate (to "),
        (
            "correlation of ranks, complete",
            "Spearman's coefficients are off by at most 0.00",
        ),
    ],
)
def test_beyond_exact_rows_the_notes_say_what_is_approximate(section, said):
    kind, keys = SECTIONS[section]
    many = data(RANDOM.lognormal(size=40_000), flag=np.tile([1.0, 0.0], 20_000))
    assert not present(kind, many, **keys).notes
    made = present(kind, many, exact=False, **keys)
    check(made)
    assert any(note.startswith(said) for note in made.notes), made.notes
    assert all(note.endswith("more rows than its exact_rows.") for note in made.notes)

import numpy as np
import pytest

from reportgen.analyses.words import (
    coefficient,
    counted,
    digits_among,
    file_ids,
    fullest,
    interval,
    short_titles,
    together,
)
from reportgen.config.columns import Column


def columns(*labels, unit="uJy"):
    return [Column(f"c{k}", label, unit, k) for k, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("labels", "shorts"),
    [
        (("3.6 μm flux density", "24 μm flux density"), ["3.6\u00a0μm", "24\u00a0μm"]),
        (("Blue flux", "Red flux", "Red size"), ["Blue flux", "Red flux", "Red size"]),
        (("Flux", "Flux"), ["Flux (c0)", "Flux (c1)"]),
        (("Flux", "Peak flux"), ["Flux", "Peak flux"]),
        (("J 2", "K 2"), ["J", "K"]),
        (("1 flux", "2 flux"), ["1\u00a0flux", "2\u00a0flux"]),
        (("Only one",), ["Only one"]),
    ],
)
def test_short_titles_tell_columns_apart(labels, shorts):
    assert list(short_titles(columns(*labels)).values()) == shorts


def test_columns_share_a_title_and_a_unit_where_they_have_one():
    shared = together(columns("Blue flux density", "Red flux density"))
    assert shared.axis == "Flux density [µJy]"
    assert together(columns("Size", "Depth")).axis == "Value [µJy]"
    assert together(columns("Size")).axis == "Size [µJy]"


def test_columns_of_different_units_share_none():
    shared = together([*columns("Blue flux"), *columns("Red flux", unit="mag")])
    assert shared.axis == "Flux, each in its own unit"
    assert shared.unit == ""
    assert shared.quantity("5") == "5"


@pytest.mark.parametrize(("n", "said"), [(0, "0 rows"), (1, "1 row"), (30853, "30,853 rows")])
def test_things_are_counted(n, said):
    assert counted(n, "row") == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (9.2012, 16.61, "9.201 and 16.61"),
        (-5.0, -3.0, "−5 and −3"),
        (2460000.001, 2460000.002, "2,460,000.00100 and 2,460,000.00200"),
        (0.0, 1e300, "0 and 1×10³⁰⁰"),
        (5.0, 5.0, "5 and 5"),
    ],
)
def test_an_interval_has_ends_that_differ(low, high, said):
    assert interval(low, high, Column("a")) == said


@pytest.mark.parametrize(
    ("low", "high", "digits"),
    [(0, 1, None), (0.02, 0.99, None), (57000, 57001, 2), (1e5, 1e5 + 0.1, 3), (3, 3, None)],
)
def test_values_close_together_get_more_decimals(low, high, digits):
    assert digits_among(low, high) == digits


def test_the_fullest_bin_is_named_only_when_there_is_one():
    edges = np.array([0.0, 1.0, 2.0, 3.0])
    column = Column("a", unit="mJy")
    assert fullest(np.array([1, 5, 2]), edges, column) == "most (5) between 1 and 2\u00a0mJy"
    assert fullest(np.array([5, 5, 2]), edges, column) == "at most 5 in a bin (2 bins)"


@pytest.mark.parametrize(
    ("r", "said"),
    [
        (0.5, "0.50"),
        (-0.021, "−0.02"),
        (-0.001, "0.00"),
        (0.9962, "0.996"),
        (0.99951, ">0.999"),
        (-0.9999999, "<−0.999"),
        (1.0, "1.00"),
        (-1.0, "−1.00"),
        (1 - 1e-15, "1.00"),
        (np.nan, "—"),
    ],
)
def test_a_coefficient_is_1_only_when_it_is_1(r, said):
    assert coefficient(r) == said


@pytest.mark.parametrize(
    ("r", "limit", "said"),
    [(0.504, 0.5, "0.504"), (-0.4999, 0.5, "−0.4999"), (0.5, 0.5, "0.50"), (0.7, 0.5, "0.70")],
)
def test_a_coefficient_is_told_from_the_limit(r, limit, said):
    assert coefficient(r, limit) == said


def test_file_ids_are_those_of_the_columns_where_they_can_be():
    named = [Column(name) for name in ("flux_36", "Flux", "flux", "größe", "x")]
    ids = file_ids(named, "against")
    assert ids["flux_36"] == "against_flux_36"
    assert ids["Flux"] == "against_flux"
    assert len(set(ids.values())) == 5
    assert all(identifier.isascii() for identifier in ids.values())

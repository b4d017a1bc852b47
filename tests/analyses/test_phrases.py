import numpy as np
import pytest

from reportgen.analyses.phrases import (
    coefficient,
    digits_among,
    file_ids,
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
    ],
)
def test_short_titles_tell_columns_apart(labels, shorts):
    assert list(short_titles(columns(*labels)).values()) == shorts


@pytest.mark.parametrize(
    ("given", "axis"),
    [
        (columns("Blue flux density", "Red flux density"), "Flux density [µJy]"),
        (columns("Size", "Depth"), "Value [µJy]"),
        (columns("Size"), "Size [µJy]"),
    ],
)
def test_columns_share_a_title_and_a_unit_where_they_have_one(given, axis):
    assert together(given).axis == axis


@pytest.mark.parametrize(
    ("low", "high", "said", "digits"),
    [
        (9.2012, 16.61, "9.201 and 16.61", None),
        (2460000.001, 2460000.002, "2,460,000.00100 and 2,460,000.00200", 5),
        (1e5, 1e5 + 0.1, "100,000.000 and 100,000.100", 3),
        (0.0, 1e300, "0 and 1×10³⁰⁰", None),
        (5.0, 5.0, "5", None),
    ],
)
def test_an_interval_has_ends_that_differ(low, high, said, digits):
    assert interval(low, high, Column("a")) == said
    assert digits_among(low, high) == digits


@pytest.mark.parametrize(
    ("r", "limit", "said"),
    [
        (0.5, None, "0.50"),
        (-0.001, None, "0.00"),
        (0.9962, None, "0.996"),
        (0.99951, None, ">0.999"),
        (-0.9999999, None, "<−0.999"),
        (1.0, None, "1.00"),
        (1 - 1e-15, None, "1.00"),
        (np.nan, None, "—"),
        (0.504, 0.5, "0.504"),
        (-0.4999, 0.5, "−0.4999"),
        (0.5, 0.5, "0.50"),
    ],
)
def test_a_coefficient_is_1_or_a_limit_only_when_it_is(r, limit, said):
    assert coefficient(r, limit) == said


def test_file_ids_are_those_of_the_columns_where_they_can_be():
    named = [Column(name) for name in ("flux_36", "Flux", "flux", "größe", "x")]
    ids = file_ids(named, "against")
    assert (ids["flux_36"], ids["Flux"]) == ("against_flux_36", "against_flux")
    assert len(set(ids.values())) == 5
    assert all(identifier.isascii() for identifier in ids.values())

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.quality.quantities import (
    apart,
    before_and_after,
    beside,
    capital,
    difference,
    exact,
    quantity,
    read_back,
    roughly,
    signed_change,
    signed_percent,
    stated,
)

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
DIGITS = st.none() | st.integers(0, 15) | st.integers(-300, 340)


def order(one, other):
    return (one > other) - (one < other)


@given(FLOATS, FLOATS, DIGITS)
def test_numbers_are_shown_on_their_own_side_and_alike_only_if_they_are(one, other, digits):
    for text in (beside(one, other, digits), roughly(one, other)):
        assert order(read_back(text), Decimal(repr(other))) == order(one, other)
    first, second = map(read_back, apart(one, other, digits))
    assert order(first, second) == order(one, other)
    first, second = before_and_after(one, other, "", digits)
    assert (first == second) == (one == other)
    assert float(read_back(exact(one))) == one
    assert (quantity(one, "", digits).strip("−0.") == "") == (one == 0)


@given(st.decimals(-(10**9), 10**9, places=6), st.decimals(-(10**9), 10**9, places=6))
def test_a_difference_is_that_of_the_numbers_that_are_shown(first, second):
    shown = read_back(difference(f"{first:,f}", f"{second:,f}"))
    assert shown == pytest.approx(abs(first - second), rel=Decimal("1e-12"), abs=0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.05, "0.05"), (20000, "20,000"), (-1234.5, "−1,234.5"), (-2.5e30, "−2.5×10³⁰")],
)
def test_a_typed_number_is_shown_as_it_was_typed(value, text):
    assert exact(value) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.18, "+18 %"), (-0.034, "−3.4 %"), (0.0996, "+10 %"), (2.4, "+240 %"), (-1.0, "−100 %")],
)
def test_relative_changes(fraction, text):
    assert signed_percent(fraction).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("near-duplicates, 10 epochs", "Near-duplicates, 10 epochs"),
        ("flux_24 missing", "flux_24 missing"),
        ("z of the peak", "z of the peak"),
        ("3.6 μm", "3.6 μm"),
        ("", ""),
    ],
)
def test_words_get_a_capital_and_names_do_not(label, shown):
    assert capital(label) == shown


@pytest.mark.parametrize(
    "said", ["Rows: 2", "Median, chosen hosts: 2", "flux_24 missing is 2", "Brightness is 2"]
)
def test_a_sentence_begins_well_with_any_label(said):
    label = said.removesuffix(" 2").removesuffix(":").removesuffix(" is")
    assert stated(label, "2") == said


@pytest.mark.parametrize(
    ("before", "after", "unit", "digits", "text"),
    [
        (210, 248, "uJy", None, "+18 %"),
        (88.28, 97.041, "%", 2, "+8.76 percentage points"),
        (2, 1, "%", 0, "−1 percentage point"),
        (22.1, 22.0, "mag", None, "−0.1 mag"),
        (0, 3, "uJy", None, "+3 µJy"),
        (-1, 2, "", 1, "+3"),
        (1, 500, "uJy", None, "+499 µJy"),
        (1e-300, 1e300, "", None, "+1×10³⁰⁰"),
    ],
)
def test_a_change_is_in_per_cent_only_where_that_says_something(before, after, unit, digits, text):
    assert signed_change(before, after, unit, digits).replace("\u00a0", " ") == text


@given(FLOATS, FLOATS, DIGITS)
def test_a_change_is_that_of_the_numbers_beside_it(before, after, digits):
    said = signed_change(before, after, "%", digits).replace("\u00a0", " ").split(" percentage")[0]
    assert order(read_back(said[1:]), 0) == (before != after)
    assert said[0] == ("−" if after < before else "+")
    one, other = (
        read_back(text.split("\u00a0")[0]) for text in before_and_after(before, after, "%", digits)
    )
    assert float(read_back(said.lstrip("+"))) == pytest.approx(float(other - one), rel=1e-6)

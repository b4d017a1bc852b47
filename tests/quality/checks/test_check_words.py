from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.quality.quantities import (
    apart,
    beside,
    capital,
    difference,
    exact,
    read_back,
    roughly,
)

floats = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (230.0, "230"),
        (0.05, "0.05"),
        (20000, "20,000"),
        (-1234.5, "−1,234.5"),
        (1e-9, "1×10⁻⁹"),
        (-2.5e30, "−2.5×10³⁰"),
    ],
)
def test_a_typed_number_is_shown_as_it_was_typed(value, text):
    assert exact(value) == text


@given(floats)
def test_an_exact_number_reads_back(value):
    assert float(read_back(exact(value))) == value


@given(floats, floats, st.none() | st.integers(0, 9))
def test_a_number_stands_on_its_own_side_of_a_limit(value, limit, digits):
    for text in (beside(value, limit, digits), roughly(value, limit)):
        shown, edge = read_back(text), Decimal(repr(limit))
        assert (shown > edge) - (shown < edge) == (value > limit) - (value < limit)


@given(floats, floats, st.none() | st.integers(0, 9))
def test_two_numbers_read_the_same_only_if_they_are(first, second, digits):
    one, other = map(read_back, apart(first, second, digits))
    assert (one > other) - (one < other) == (first > second) - (first < second)


@given(st.decimals(-(10**9), 10**9, places=6), st.decimals(-(10**9), 10**9, places=6))
def test_a_difference_is_that_of_the_numbers_that_are_shown(first, second):
    shown = read_back(difference(f"{first:,f}", f"{second:,f}"))
    assert shown == pytest.approx(abs(first - second), rel=Decimal("1e-12"), abs=0)


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("median flux", "Median flux"),
        ("near-duplicates, 10 epochs", "Near-duplicates, 10 epochs"),
        ("flux_24 missing", "flux_24 missing"),
        ("z of the peak", "z of the peak"),
        ("3.6 μm", "3.6 μm"),
        ("KS distance", "KS distance"),
        ("", ""),
    ],
)
def test_words_get_a_capital_and_names_do_not(label, shown):
    assert capital(label) == shown

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.wording import bytes_text, count, counted, listed, number, percent

NO_BREAK = "\u00a0"


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (30853, "30,853 rows")]
)
def test_things_are_counted_in_the_singular_and_the_plural(n, text):
    assert counted(n, "rows") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (30853, "30,853"),
        (1234567.0, "1,234,567"),
        (-3.25, "−3.25"),
        (0.5, "0.5"),
        (3.14159265, "3.142"),
        (99.996, "100"),
        (9999.6, "10,000"),
        (0.000123456, "0.0001235"),
        (0.0000123, "1.23×10⁻⁵"),
        (12_000_000, "1.2×10⁷"),
        (-6.02e23, "−6.02×10²³"),
        (9.999e-5, "1×10⁻⁴"),
        (math.nan, "—"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_a_number_has_sensible_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (3.14159, 2, "3.14"),
        (1234.5, 1, "1,234.5"),
        (2.0, 2, "2.00"),
        (-0.001, 2, "0.00"),
        (-0.5, 1, "−0.5"),
        (0.4, 0, "0"),
        (math.nan, 2, "—"),
    ],
)
def test_a_number_with_decimals_keeps_them_and_has_no_negative_zero(value, digits, text):
    assert number(value, digits) == text


@given(st.floats(-1e300, 1e300))
def test_a_number_reads_back_to_three_digits(value):
    text = number(value).replace(",", "").replace("−", "-")
    mantissa, _, power = text.partition("×10")
    exponent = int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)
    assert float(f"{mantissa}e{exponent}") == pytest.approx(value, rel=6e-3, abs=1e-320)


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50.0 %"),
        (0.00001, "< 0.1 %"),
        (0.99999, "> 99.9 %"),
        (0.123456, "12.3 %"),
        (-0.05, "−5.0 %"),
        (math.nan, "—"),
    ],
)
def test_a_fraction_is_never_rounded_to_an_untrue_nothing_or_all(fraction, text):
    assert percent(fraction) == text.replace(" ", NO_BREAK)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (2_900_000, "2.9 MB"),
        (999_999, "1 MB"),
        (48_377_761, "48.4 MB"),
        (999_999_999_999, "1 TB"),
        (5_300_000_000_000_000, "5300 TB"),
    ],
)
def test_a_size_has_three_digits_and_its_unit(size, text):
    assert bytes_text(size) == text.replace(" ", NO_BREAK)


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(3, 17))
def test_a_larger_size_never_reads_as_a_smaller_one(one, other, digits):
    small, large = (bytes_text(size, digits).split(NO_BREAK) for size in sorted((one, other)))
    scale = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    values = [float(text) * scale[unit] for text, unit in (small, large)]
    assert values[0] <= values[1] * (1 + 1e-15)


def test_counts_are_grouped():
    assert [count(n) for n in (0, 999, 1000, 30853, -1234, 2.0)] == [
        *("0", "999", "1,000", "30,853", "−1,234", "2")
    ]


def test_names_are_joined_as_in_a_sentence():
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefgh")) == "a, b, c, d, e, f and 2 more"
    assert listed(list("abcde"), most=3) == "a, b, c and 2 more"

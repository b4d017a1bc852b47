import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.wording import (
    bytes_text,
    count,
    counted,
    listed,
    number,
    percent,
    printable,
    printable_line,
)

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
        (9.999e-5, "9.999×10⁻⁵"),
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
        (4.9998e-16, 19, "5.000×10⁻¹⁶"),
        (-5.3e-16, 19, "−5.300×10⁻¹⁶"),
        (0.0, 19, "0"),
        (1e-30, 19, "0"),
        (1e-30, 8, "0.00000000"),
        (1.2345e-6, 9, "1.234×10⁻⁶"),
        (1.0, 14, "1.00000000000000"),
        (2459000.6, 1, "2,459,000.6"),
        (1234567890.0, -5, "1.2346×10⁹"),
        (25.04, -3, "25"),
        (1e7, -9, "1×10⁷"),
    ],
)
def test_a_number_with_decimals_keeps_them_and_has_no_negative_zero(value, digits, text):
    assert number(value, digits) == text


@given(st.floats(-1e300, 1e300), st.none() | st.integers(-300, 320))
def test_a_number_is_read_back_within_half_of_its_last_digit(value, digits):
    text = number(value, digits).replace(",", "").replace("−", "-")
    mantissa, _, power = text.partition("×10")
    exponent = int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)
    last = exponent - len(mantissa.partition(".")[2])
    off = abs(Decimal(f"{mantissa}e{exponent}") - Decimal(value))
    if digits is None:  # zeros at its end are left out
        assert off <= abs(Decimal(value)) * Decimal("5.001e-4")
    else:
        assert off <= Decimal(f"0.500001e{max(last, -digits)}")


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, Größe, ☃, 漢字, 🔭", "plain, Größe, ☃, 漢字, 🔭"),
        ("line\nand\ttab", "line\nand\ttab"),
        ("nul \x00 and bell \x07", "nul \\x00 and bell \\x07"),
        ("escape \x1b[31mred", "escape \\x1b[31mred"),
        ("half \ud800 a pair", "half \\ud800 a pair"),
        ("two\r\nlines", "two\nlines"),
        ("no break \r\x85\u2028", "no break \\r\\x85\\u2028"),
        ("gnp\u202eexe\u2066\u200b\ufeff", "gnp\\u202eexe\\u2066\\u200b\\ufeff"),
        ("क्\u200dष, \u200fא", "क्\u200dष, \u200fא"),
        ("no character \uffff", "no character \\uffff"),
    ],
)
def test_text_that_cannot_be_shown_is_escaped(text, shown):
    assert printable(text) == shown
    assert printable_line(text) == shown.replace("\n", "\\n").replace("\t", "\\t")

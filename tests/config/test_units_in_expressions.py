"""Units, texts, dates, flags and large integers in what selects rows and computes columns."""

import subprocess
import sys

import numpy as np
import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st

from reportgen.config.columns import Column
from reportgen.config.expressions import Expression, ExpressionError, parse, parse_expression
from reportgen.data.dataset import as_values

KNOWN = {
    column.name: column
    for column in (
        *(Column(name, unit=unit) for name, unit in (("flux", "uJy"), ("total", "mJy"))),
        *(Column(name, unit="deg") for name in ("ra", "dec")),
        *(Column(name) for name in ("x", "y", "jd")),
        Column("flags", kind="integer"),
        Column("peak", unit="mJy / beam"),
        Column("m", unit="mag"),
        Column("odd", unit="furlongs"),
        Column("seen", unit="d", kind="time"),
        Column("field", kind="text"),
        Column("date", kind="text"),
        Column("unread", is_known=False),
    )
}
NAN = float("nan")


def texts(*values):
    return as_values(np.array(values, dtype=object), ())


def selected(text, **rows):
    rows = {name: np.asarray(values) for name, values in rows.items()}
    n = max(values.shape[-1] for values in rows.values())
    return np.broadcast_to(parse(text, KNOWN).selected(rows), (n,)).tolist()


def computed(text, unit=None, **rows):
    found = parse_expression(text).bound(KNOWN, unit)
    return found.unit, found.values({n: np.asarray(v, float) for n, v in rows.items()}).tolist()


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("flux > 150 uJy", [False, True]),
        ("flux > 0.15 mJy", [False, True]),
        ("flux > 150", [False, True]),
        ("100 uJy < flux <= 0.15 mJy", [True, False]),
        ("between(flux, 0.1 mJy, 200 µJy)", [True, True]),
        ("flux in (0.15 mJy, 3)", [True, False]),
        ("flux > total", [True, True]),
        ("flux + total > 0.26 mJy", [False, True]),
        ("min(flux, total) == 0.1 mJy", [True, True]),
        ("flux / total > 1.8", [False, True]),
        ("flux > 1.5e-4 Jy", [False, True]),
        ("1 / 2 uJy * flux > 80", [False, True]),
        ("flux**2 > 30000 uJy**2", [False, True]),
    ],
)
def test_a_number_with_a_unit_is_converted_to_that_of_the_column(text, taken):
    assert selected(text, flux=[150.0, 200.0], total=[0.1, 0.1]) == taken
    assert parse(str(parse(text, KNOWN)), KNOWN) == parse(text, KNOWN)


@pytest.mark.parametrize(
    ("text", "unit", "values"),
    [
        ("flux / total", "", [1.5, NAN]),
        ("flux * 2", "uJy", [300.0, 0.0]),
        ("total - flux", "mJy", [-0.05, 0.0]),
        ("flux / peak", "beam uJy / mJy", [1500.0, NAN]),
        ("sqrt(total * total)", "mJy", [0.1, 0.0]),
        ("mag(flux)", "mag", [18.4598, NAN]),
        ("-2.5 * log10(flux / 3631 Jy)", "", [18.4598, NAN]),
        ("m - mag(flux)", "mag", [1.5402, NAN]),
        ("floor(flux / 40 uJy)", "", [3, 0]),
        ("max(flux, total, 120 uJy)", "uJy", [150, 120]),
        ("sin(ra) ** 2 + cos(ra) ** 2", "", [1, 1]),
        ("separation(ra, dec, 30, 0)", "deg", [0, 90]),
        ("bits(flags, 6)", "", [6, 4]),
        ("flux > 0.1 mJy", "", [1, 0]),
        ("field == 'a' and x > 0", "", [1, NAN]),
        ("seen - mjd('2024-01-01')", "d", [0.5, NAN]),
        ("5", "", 5),
    ],
)
def test_the_unit_of_what_is_computed_comes_from_its_columns(text, unit, values):
    rows = {"flux": [150, 0], "total": [0.1, 0], "peak": [0.1, 0], "m": [20, 20], "flags": [7, 12]}
    rows |= {"ra": [30, 120], "dec": [0, 0], "x": [1, NAN], "seen": [60310.5, NAN]}
    found = parse_expression(text, KNOWN)
    with_text = {"field": texts("a", "a")}
    made = found.values({n: np.asarray(v, float) for n, v in rows.items()} | with_text)
    assert found.unit == unit
    assert made == pytest.approx(np.array(values, dtype=float), abs=1e-4, nan_ok=True)


def test_a_given_unit_must_measure_the_same_and_is_converted_to():
    assert computed("flux * 2", "mJy", flux=[150]) == ("mJy", [0.3])
    assert computed("separation(ra, dec, 30, 0)", "arcmin", ra=[31], dec=[0])[1] == pytest.approx(
        [60]
    )
    with pytest.raises(ExpressionError, match="is in µJy, which cannot be °, as unit: says"):
        computed("flux * 2", "deg")
    with pytest.raises(ExpressionError, match=r"has no unit.*; give its columns units"):
        computed("x * 2", "uJy")
    assert computed("unread * 2", "uJy", unread=[1]) == ("uJy", [2])  # nobody knows better


@pytest.mark.parametrize(
    ("text", "said"),
    cases("""
flux > 3 deg | at character 8: `3 deg` is in ° and `flux` is in µJy: these units do not fit
x > 5 Jy | at character 5: `5 Jy` is in Jy and `x` has no unit: these units do not fit
x > 5 Jy | fit together; columns: {x: {unit: …}} of the catalogue sets it
flux + x > 1 | at character 8: `x` has no unit and `flux` is in µJy
flux > 5 uJyy | at character 8: 'uJyy' is not a unit that astropy knows
odd > 5 Jy | 'furlongs' is not a unit that astropy knows
log10(flux) > 1 | log10 takes must have no unit, and `flux` is in µJy; divide it by 1 uJy
flux ** x > 1 | the exponent of what has a unit must be a number
x ** flux > 1 | at character 6: an exponent must have no unit
mag(x) > 1 | at character 5: mag takes a flux density, such as in Jy; `x` has no unit
mag(ra) > 1 | mag takes a flux density, and `ra` is in °
mag(peak) > 1 | mag takes a flux density, and `peak` is in mJy
sin(flux) > 1 | sin takes an angle
separation(flux, dec, 1, 2) > 1 | at character 12: separation takes angles
separation(ra, dec) > 1 | separation takes two positions: ra, dec, ra, dec
bits(flags, x) | at character 13: which bits is said by a whole number
bits(flags, 0) | which bits is said by a whole number
bits(flux, 4) | flags must have no unit
min(x) > 1 | min takes two numbers or more
between(x, 1) | between takes a number and two limits
field > 'b' | at character 9: only dates such as '2024-01-31' have an order
field > 3 | at character 1: `field` is text, and `3` holds numbers
x == 'a' | at character 6: `'a'` is text, and `x` holds numbers
field | at character 1: field holds text, not numbers
field + 1 > 2 | field holds text, not numbers
seen > 'soon' | at character 8: only dates
mjd('2024-13-01') > 1 | mjd takes a date
mjd(x) > 1 | mjd takes a date, or a column of dates
flx > 1 | at character 1: unknown column 'flx'; did you mean 'flux'?
x > lg(y) | at character 5: unknown function 'lg'
"""),
)
def test_what_does_not_fit_is_said_at_its_character(text, said):
    with pytest.raises(ExpressionError) as caught:
        parse(text, KNOWN)
    assert said in str(caught.value)


def test_units_that_are_simple_do_without_astropy():
    code = """
import sys
from reportgen.config.columns import Column
from reportgen.config.expressions import parse, parse_expression
known = {"flux": Column("flux", unit="uJy"), "total": Column("total", unit="mJy"),
         "ra": Column("ra", unit="deg"), "dec": Column("dec", unit="deg")}
parse("flux > 0.1 mJy and separation(ra, dec, 1, 2) < 10 arcmin and sin(ra) > 0", known)
parse_expression("mag(flux) + 1", known), parse_expression("flux / total", known)
sys.exit("astropy" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_texts_are_equal_or_not_and_a_missing_one_is_neither():
    field = texts("el1", "cd fs", None, "")
    assert selected("field == 'el1'", field=field) == [True, False, False, False]
    assert selected("field != 'el1'", field=field) == [False, True, False, False]
    assert selected("'el1' == field", field=field) == [True, False, False, False]
    assert selected("field in ('x#y', 'cd fs')", field=field) == [False, True, False, False]
    assert selected("field not in ('el1', 'b')", field=field) == [False, True, False, False]
    assert selected("not field in ('el1',)", field=field) == [False, True, False, False]
    assert selected("missing(field)", field=field) == [False, False, True, True]
    assert selected("field == date", field=field, date=field) == [True, True, False, False]
    assert str(parse("field=='el  1'", KNOWN)) == "field == 'el  1'"


def test_dates_are_compared_as_times():
    dates = texts("2024-01-01", "2024-01-01T12:00:00.5Z", "2023-12-31 23:59", "soon", None)
    taken = [False, True, False, False, False]
    assert selected("date > '2024-01-01'", date=dates) == taken
    assert selected("mjd(date) > 60310", date=dates) == taken
    assert selected("seen > '2024-01-01T06:00+02:00'", seen=[60310.1, 60310.2, NAN]) == [
        False,
        True,
        False,
    ]
    assert selected("jd >= '2024-01-01'", jd=[2460310.5, 2460310.4]) == [True, False]
    assert selected("date < seen", date=dates[:2], seen=[60310.4, 60310.4]) == [True, False]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), st.data())
def test_large_integers_are_compared_with_all_their_digits(values, data):
    chosen = data.draw(st.sampled_from(values)) + data.draw(st.integers(-1, 1))
    rows = {"flags": as_values(np.array(values, np.int64), ())}
    for sign in ("==", "!=", "<", "<=", ">", ">="):
        taken = np.broadcast_to(parse(f"flags {sign} {chosen}", KNOWN).selected(rows), len(values))
        expected = [eval(f"{value} {sign} {chosen}") for value in values]  # noqa: S307
        assert taken.tolist() == expected
    one = parse(f"flags in ({chosen}, 5)", KNOWN).selected(rows)
    assert np.ravel(one).tolist() == [value in (chosen, 5) for value in values]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1), st.integers(0, 52))
def test_bits_of_integers_are_exact(values, bit):
    rows = {"flags": as_values(np.array(values, np.uint64), ())}
    taken = parse(f"bits(flags, {2**bit})", KNOWN).selected(rows)
    assert taken.tolist() == [bool(value >> bit & 1) for value in values]


def test_bits_of_what_is_no_whole_number_are_unknown():
    assert selected("bits(flags, 4) or not bits(flags, 4)", flags=[4.5, NAN, 3.0]) == [
        False,
        False,
        True,
    ]


TOKENS = """
flux total x ra field date seen flags odd 5 0.1 1e9 2305843009213693953 uJy mJy/beam deg foo 'a'
'2024-01-01'
( ) , + - * / ** % < == != in not and or between mag log10 sqrt min bits separation mjd missing
"""
tokens = st.lists(st.sampled_from(TOKENS.split()), max_size=10).map(" ".join)


@given(tokens)
def test_any_text_with_units_is_an_expression_or_an_expression_error(text):
    try:
        found = parse_expression(text, KNOWN)
    except ExpressionError:
        return
    assert isinstance(found, Expression)
    assert parse_expression(str(found), KNOWN) == found
    rows = {name: np.array([1.0, 2.0]) for name in found.columns}
    rows |= {name: texts("a", "b") for name in found.columns & {"field", "date"}}
    assert rows.keys() >= found.columns
    assert found.values(rows).dtype == np.float64

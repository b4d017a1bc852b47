import math
import operator
import pickle

import numpy as np
import pytest
from cases import cases
from hypothesis import example, given
from hypothesis import strategies as st

from reportgen.config.columns import Column
from reportgen.config.expressions import (
    MAX_DEPTH,
    MAX_LENGTH,
    Condition,
    ExpressionError,
    compare,
    parse,
)

NAN, INF = math.nan, math.inf
COLUMNS = ("a", "b", "c")


def selected(text, **columns):
    rows = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    n = max(len(values) for values in rows.values())
    return np.broadcast_to(parse(text).selected(rows), (n,)).tolist()


def test_missing_and_valid_ask_for_a_missing_value_and_are_never_unknown():
    values = [1, NAN, INF, -INF, 0]
    assert selected("missing(a)", a=values) == [False, True, True, True, False]
    assert selected("not missing(a)", a=values) == selected("valid(a)", a=values)


def test_a_flag_column_stands_for_itself():
    assert selected("is_host", is_host=[1, 0, NAN]) == [True, False, False]
    assert selected("not is_host", is_host=[1, 0, NAN]) == [False, True, False]


def test_comparisons_can_be_chained():
    assert selected("0 < a <= b < 3", a=[1, 0, 2, 3], b=[2, 2, 1, 3]) == [True, False, False, False]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-a ** 2", -4),
        ("(-a) ** 2", 4),
        ("a ** -1", 0.5),
        ("-a * +3", -6),
        ("a - 3 - 1", -2),
        ("a / 4 % 2", 0.5),
        ("abs(-a) + sqrt(a * 8)", 6),
        ("log10(a * 50) + log(exp(a))", 4),
        ("2 ** 3 ** a", 512),
        ("0x10 + 1_000 + 1e1", 1026),
    ],
)
def test_arithmetic_is_that_of_python(text, value):
    assert selected(f"{text} == {value}", a=[2]) == [True]


def test_an_undefined_number_is_unknown_and_no_warning():
    for text in ("sqrt(a) > 0", "log10(a) > -99", "a ** 0.5 > 0", "a % 0 == 0", "0 / (a - a) == 0"):
        assert selected(f"{text} or not {text}", a=[-1]) == [False], text
    assert selected("9 ** 9 ** 9 > a", a=[1e300]) == [True]  # at once


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *cases("""
a.b > 1 | at character 1: `a.b` is not allowed; allowed are columns, numbers, + -
a[0] > 1 | `a[0]` is not allowed
lambda: 1 | `lambda: 1` is not allowed
[x for x in a] | `[x for x in a]` is not allowed
{a} | `{a}` is not allowed
a if b else c | `a if b else c` is not allowed
(a := 1) > 0 | `a := 1` is not allowed
a == 1 + 'host' | at character 10: `'host'` is not allowed
a is None | `a is None` is not allowed
a in (b, 2) | at character 7: after in come numbers or texts
a in 2 | at character 6: after in come values such as
a in () | after in come values
a < b'x' | `b'x'` is not allowed
a < f'{b}' | is not allowed
a > 'x' | at character 5: only dates such as '2024-01-31' have an order
a > 1j | `1j` is not allowed
a // 2 > 1 | `a // 2` is not allowed
a > 1 & b > 2 | at character 7: & is not allowed; write and, or, not in place of
!a | write and, or, not
a > 1 AND b > 2 | in small letters
a = 1 | write == to compare
a <> 1 | write !=
__import__('os').system('true') | `__import__('os').system('true')` is not allowed
__import__('os') | unknown function '__import__'
abs(a, b) > 1 | abs takes one number
abs(x=a) > 1 | abs takes one number
missing(a) == 1 | missing(…) is true or false, not a number
(a > 1) + 1 > 1 | a condition is not a number
5 | a number is neither true nor false
a > 1e999 | a number this large
a + 1 == 1 + 9007199254740993 | more digits
10arcmin > a | put a blank between a number and its unit
a > 1 # b > 2 | at character 7: # is not allowed
a > | cannot read 'a >'
é.b > 1 or 'é' > 1 | at character 1: `é.b`
é > 1 or é > 1j | at character 14: `1j`
"""),
        ("", "empty"),
        ("a\0b", "cannot read"),
        ("a > " + "9" * 400, "a number this large"),
        ("a > 1 or " * 400 + "a", f"longer than {MAX_LENGTH}"),
    ],
)
def test_whatever_is_not_a_selection_is_refused(text, said):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400


def test_nesting_is_allowed_up_to_a_stated_depth():
    parse("a + " * (MAX_DEPTH - 2) + "a > 1")
    with pytest.raises(ExpressionError, match=f"nested deeper than {MAX_DEPTH}"):
        parse("a + " * (MAX_DEPTH + 1) + "a > 1")
    for text in ("(" * 900 + "a" + ")" * 900, "-" * 1900 + "a > 1", "not " * 480 + "a"):
        with pytest.raises(ExpressionError):
            parse(text)
    condition = parse(" or ".join(["a > 1"] * 200))  # long and flat
    assert pickle.loads(pickle.dumps(condition)) == condition  # noqa: S301


def test_an_unknown_column_is_answered_with_the_nearest():
    known = {name: Column(name) for name in ("flux_36", "stellarity")}
    with pytest.raises(ExpressionError, match=r"unknown column 'flux_63'; did you mean 'flux_36'"):
        parse("flux_63 > 0", known)
    assert parse("flux_36 > 0", known).columns == {"flux_36"}


def test_a_column_keeps_its_own_spelling_of_micro():
    micro = "\N{MICRO SIGN}"  # Python's parser gives it back as the Greek letter
    name = f"flux_{micro}Jy"
    assert parse(f"{name} > 1", {name: Column(name)}).columns == {name}


def test_equal_selections_are_equal_so_that_their_work_is_shared():
    assert parse("a>1 and  b<2") == parse("a > 1\n  and b < 2\n")
    assert hash(parse("a>1.0")) == hash(parse("a > 1"))
    assert parse("a > 1") != parse("a >= 1")
    assert parse("a > 1") == compare("a", ">", 1)
    assert parse("exec").columns == {"exec"}  # a name is only a name, whatever it means elsewhere
    assert parse("a > 1or b > 2") == parse("a > 1 or b > 2")  # Python warns of that


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a>-99", "a > -99"),
        ("a > 1234567.125 and a<0.1", "a > 1234567.125 and a < 0.1"),
        ("a>1 and b>1 and (c>1 or a<0)", "a > 1 and b > 1 and (c > 1 or a < 0)"),
        ("not valid(a)", "not valid(a)"),
        ("(-2) ** a > -b", "(-2) ** a > -b"),
    ],
)
def test_a_selection_is_written_with_all_its_digits(text, written):
    assert str(parse(text)) == written


ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def compared(sign, left, right):
    return None if np.isnan(left) or np.isnan(right) else bool(COMPARE[sign](left, right))


def kleene_and(first, second):
    if first is False or second is False:
        return False
    return None if first is None or second is None else True


def kleene_not(value):
    return None if value is None else not value


constants = st.one_of(
    st.integers(0, 5).map(lambda n: (str(n), lambda row: np.float64(n))),
    st.floats(0, 1e300).map(lambda x: (repr(x), lambda row: np.float64(x))),
)
columns = st.sampled_from(COLUMNS).map(lambda name: (name, lambda row: row[name]))


def operations(inner):
    return st.one_of(
        st.builds(
            lambda sign, x, y: (
                f"({x[0]} {sign} {y[0]})",
                lambda row: ARITHMETIC[sign](x[1](row), y[1](row)),
            ),
            st.sampled_from("+-*/"),
            inner,
            inner,
        ),
        inner.map(lambda x: (f"(-{x[0]})", lambda row: -x[1](row))),
        inner.map(lambda x: (f"abs({x[0]})", lambda row: abs(x[1](row)))),
    )


numbers = st.recursive(constants | columns, operations, max_leaves=4)
comparisons = st.builds(
    lambda sign, x, y: (f"{x[0]} {sign} {y[0]}", lambda row: compared(sign, x[1](row), y[1](row))),
    st.sampled_from(list(COMPARE)),
    numbers,
    numbers,
)
tests = numbers.map(lambda x: (f"missing({x[0]})", lambda row: not math.isfinite(x[1](row))))


def combinations(inner):
    return st.one_of(
        st.builds(
            lambda x, y: (f"({x[0]} and {y[0]})", lambda row: kleene_and(x[1](row), y[1](row))),
            inner,
            inner,
        ),
        st.builds(
            lambda x, y: (
                f"({x[0]} or {y[0]})",
                lambda row: kleene_not(kleene_and(kleene_not(x[1](row)), kleene_not(y[1](row)))),
            ),
            inner,
            inner,
        ),
        inner.map(lambda x: (f"not ({x[0]})", lambda row: kleene_not(x[1](row)))),
    )


conditions = st.recursive(comparisons | tests, combinations, max_leaves=5)
values = st.sampled_from([NAN, INF, -INF, 0.0, -0.0, 1.0, 2.0, -99.0, 1e308]) | st.floats()
tables = st.lists(st.tuples(values, values, values), min_size=1, max_size=8)


def evaluate(condition: Condition, table):
    rows = dict(zip(COLUMNS, np.array(table, dtype=np.float64).T, strict=True))
    return np.broadcast_to(condition.selected(rows), (len(table),)).tolist()


@given(conditions, tables)
def test_a_selection_agrees_with_plain_python_also_when_written_and_read_again(condition, table):
    text, reference = condition
    with np.errstate(all="ignore"):
        rows = [dict(zip(COLUMNS, map(np.float64, row), strict=True)) for row in table]
        expected = [reference(row) is True for row in rows]
    assert evaluate(parse(text), table) == expected
    assert evaluate(parse(str(parse(text))), table) == expected


TOKENS = r"""
a b ( ) [ ] { } . , : ; = == != < > <= + - * / ** // % & | ~ ! @ ' " # \ 1 0x 1e9 1_ 1j and or not
in is if else lambda for await yield None True ... := -> missing valid abs log __class__ é µ ${x}
"""
tokens = st.lists(st.sampled_from([*TOKENS.split(), "\n", "\0"]), max_size=12).map(" ".join)


@given(st.text(max_size=60) | tokens)
@example("1or a")
@example("\ud800")
@example("9" * 1900)
@example("a" * 3000)
@example("1 is 1")
@example("'\\d' < a")
def test_any_text_is_a_selection_or_an_expression_error(text):
    try:
        condition = parse(text)
    except ExpressionError:
        return
    assert isinstance(condition, Condition)
    assert hash(condition) == hash(parse(text))
    assert str(condition)

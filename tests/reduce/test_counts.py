import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path
from splitting import INF, NAN, anything, finite, split, splits, table, tables, whole

from reportgen.config.expressions import parse
from reportgen.reduce.counts import (
    CountBelow,
    CountInside,
    CountRows,
    Counts,
    CountValues,
    IsWhole,
    Range,
)

WHERE = parse("b > 0")


def rows_where(columns):
    return columns["a"][columns["b"] > 0]


def test_counts_say_what_is_valid_missing_and_infinite():
    counts = whole(CountValues("a"), table(a=[1, NAN, INF, -INF, 0, NAN]))
    assert counts == Counts(rows=6, valid=2, missing=2, infinite=2)
    assert counts.missing_fraction == pytest.approx(4 / 6)


@given(tables(values=anything), splits)
def test_counts_do_not_depend_on_the_split(columns, parts):
    for where, a in ((None, columns["a"]), (WHERE, rows_where(columns))):
        found = split(CountValues("a", where), columns, *parts)
        assert found.rows == len(a)
        assert found.valid == len(finite(a))
        assert found.missing == np.isnan(a).sum()
        assert found.infinite == np.isinf(a).sum()
        assert split(CountRows(where), columns, *parts) == len(a)


@given(tables(values=anything), splits, st.lists(anything.filter(np.isfinite), max_size=4))
def test_counts_below_cuts_are_strict_and_of_valid_values(columns, parts, cuts):
    cuts = (*cuts, *finite(columns["a"])[:2])
    for where, a in ((None, columns["a"]), (WHERE, rows_where(columns))):
        found = split(CountBelow("a", cuts, where), columns, *parts)
        assert found.dtype == np.int64
        assert found.tolist() == [int((finite(a) < cut).sum()) for cut in cuts]


@given(tables(values=anything), splits)
def test_a_range_is_that_of_the_valid_values(columns, parts):
    for where, a in ((None, columns["a"]), (WHERE, rows_where(columns))):
        for positive in (False, True):
            values = finite(a)
            values = values[values > 0] if positive else values
            expected = (values.min(), values.max()) if len(values) else None
            assert split(Range("a", where, positive=positive), columns, *parts) == expected


def test_a_range_never_ends_at_minus_zero():
    for values in ([-0.0, 0.0], [0.0, -0.0], [-0.0]):
        assert str(whole(Range("a"), table(a=values))) == "(0.0, 0.0)"


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20)
    | st.lists(st.integers(2**64 - 3000, 2**64 - 1), max_size=20)
)
def test_a_range_of_large_integers_has_all_their_digits(values):
    """Also where float64 makes one of them all."""
    kind = np.uint64 if max(values, default=0) >= 2**63 else np.int64
    column = np.array(values, dtype=kind)
    found = whole(Range("a"), {"a": column})
    assert found == ((min(values), max(values)) if values else None)
    chosen = [value for value in values if value > 0]
    if chosen:
        assert whole(Range("a", parse("a > 0")), {"a": column}) == (min(chosen), max(chosen))


def test_a_column_is_whole_if_every_valid_value_is():
    for values, expected in (([1, NAN, INF, -3], True), ([1, 2.5], False), ([NAN], True)):
        assert whole(IsWhole("a"), table(a=values)) is expected
    many = np.append(np.arange(1e5), 0.5)
    assert not whole(IsWhole("a"), table(a=many))
    assert whole(IsWhole("a", parse("a >= 1")), table(a=many))


RANDOM = np.random.default_rng(31)
STAR = tuple(
    (far * np.sin(turn), far * np.cos(turn))
    for far, turn in zip([4, 10] * 5, np.arange(10) * np.pi / 5, strict=True)
)


@given(splits)
def test_positions_in_a_polygon_are_those_of_matplotlib(parts):
    columns = table(**dict(zip("ab", RANDOM.uniform(-9, 9, (2, 60)), strict=True)))
    columns["a"][::7] = NAN
    for polygon in (STAR, ((0, 0), (5, 0), (5, 5), (0, 5)), ((0, 0), (1, 8), (-7, 2))):
        inside = Path([*polygon, polygon[0]], closed=True).contains_points(np.c_[*columns.values()])
        assert split(CountInside("a", "b", polygon), columns, *parts) == inside.sum()
        chosen = inside & (columns["b"] > 0)
        assert split(CountInside("a", "b", polygon, WHERE), columns, *parts) == chosen.sum()

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st
from splitting import NAN, finite, split, splits, table, tables, whole
from tables import Table

from reportgen.config.expressions import parse
from reportgen.reduce.rules import CountClose, CountKept, CountRepeated, CountShared, Kept
from reportgen.reduce.scan import scan

FEW = st.integers(-3, 3).map(float)
RANDOM = np.random.default_rng(4)


@given(tables(values=FEW | st.just(NAN)), splits)
def test_rows_that_keep_and_break_a_rule_are_counted_and_the_first_are_named(columns, parts):
    a, b = columns["a"], columns["b"]
    for where, taken in ((None, np.ones(len(a), bool)), (parse("b > 0"), b > 0)):
        found = split(CountKept(parse("a <= 1"), where), columns, *parts)
        broken = np.flatnonzero(taken & (a > 1))
        kept = (taken & (a <= 1)).sum()
        first = tuple(broken[:5].tolist())
        assert found == Kept(kept, len(broken), (taken & np.isnan(a)).sum(), first)


@given(tables(values=FEW | st.just(NAN)), splits)
def test_rows_that_share_a_value_are_counted(columns, parts):
    found = split(CountRepeated("a", parse("b >= 0")), columns, *parts)
    a, taken = columns["a"], columns["b"] >= 0
    values, counts = np.unique(finite(a[taken]), return_counts=True)
    repeated = np.flatnonzero(taken & np.isin(a, values[counts > 1]))
    assert found.broken == len(repeated)
    assert found.kept == (counts == 1).sum()
    assert found.missing == (taken & np.isnan(a)).sum()
    assert found.first == tuple(repeated[:5].tolist())
    assert split(CountRepeated("a"), columns, *parts, exact=False) is None


@pytest.mark.parametrize(
    ("ids", "repeated"),
    [
        (2305843009213693952 + np.arange(5), []),
        (2305843009213693952 + np.array([0, 1, 2, 1, 2**40]), [1, 3]),
        (np.array([7, 2**62, 7, 2**62 + 1]), [0, 2]),
        (-np.array([2**60, 2**60 + 1, 2**60]), [0, 2]),
    ],
)
def test_integers_are_told_apart_by_all_their_digits(ids, repeated):
    statistic = CountRepeated("a")
    found = scan([statistic], Table({"a": ids}), 10)[statistic]
    assert found.first == tuple(repeated)


def test_texts_are_told_apart():
    texts = np.array(["x", "y", "x", "Y", NAN], dtype=np.dtypes.StringDType(na_object=NAN))
    found = split(CountRepeated("a"), {"a": texts}, [2], [])
    assert found == Kept(2, 2, 1, (0, 2))


@st.composite
def positions(draw):
    n = draw(st.integers(0, 40))
    kind = draw(st.sampled_from(["RA 0", "pole", "anywhere"]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    ra, dec = rng.uniform(0, 360, n), rng.uniform(-90, 90, n)
    if kind == "RA 0":
        ra, dec = rng.uniform(-0.01, 0.01, n) % 360, rng.uniform(-0.01, 0.01, n)
    if kind == "pole":
        dec = rng.uniform(89.98, 90, n)
    return table(ra=ra, dec=dec)


@given(positions(), splits, st.sampled_from([1.0, 20.0, 60.0]))
def test_close_positions_are_those_of_astropy(columns, parts, arcsec):
    found = split(CountClose("ra", "dec", arcsec / 3600), columns, *parts)
    sky = SkyCoord(columns["ra"] * units.deg, columns["dec"] * units.deg)
    apart = np.array([sky.separation(each).arcsec for each in sky]).reshape(len(sky), len(sky))
    close = np.triu(apart <= arcsec, 1)
    assert found.pairs == close.sum()
    assert found.broken == (close | close.T).any(axis=1).sum()
    assert found.first == tuple(np.flatnonzero((close | close.T).any(axis=1))[:5].tolist())


def test_two_positions_that_are_the_same_are_close_however_small_the_distance():
    columns = table(ra=[10.0, 10.0, 11.0, NAN], dec=[5.0, 5.0, 5.0, 5.0])
    found = whole(CountClose("ra", "dec", 1e-9), columns)
    assert found == Kept(1, 2, 1, (0, 1), 1)
    assert whole(CountClose("ra", "dec", 1e-9), columns, exact=False) is None


@given(tables(values=FEW | st.just(NAN)), splits)
def test_rows_whose_value_another_selection_has_too_are_counted(columns, parts):
    a, b = columns["a"], columns["b"]
    statistic = CountShared("a", parse("b > 0"), parse("b < 0"))
    expected = np.isin(finite(a[b > 0]), finite(a[b < 0])).sum()
    assert split(statistic, columns, *parts) == expected
    assert split(statistic, columns, *parts, exact=False) is None


def test_texts_that_another_selection_has_too_are_counted():
    texts = np.array(["x", "y", "x", "z", NAN], dtype=np.dtypes.StringDType(na_object=NAN))
    columns = {"a": texts, "b": np.array([1.0, 1.0, -1.0, -1.0, 1.0])}
    assert split(CountShared("a", parse("b > 0"), parse("b < 0")), columns, [2], []) == 1

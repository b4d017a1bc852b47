import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from splitting import NAN, bits, split, splits, table, tables
from tables import Table

from reportgen.config.expressions import parse
from reportgen.reduce import objects
from reportgen.reduce.objects import MomentsOfObjects, SumsOfObjects
from reportgen.reduce.scan import scan

FEW = st.integers(-3, 3).map(float)
EIGHTHS = st.integers(-1000, 1000).map(lambda n: n / 8)


def expected(columns, where):
    """Return rows, mean, standard deviation and mean of c of each object, by numpy."""
    a, b, c = (columns[name][where] for name in "abc")
    used = np.isfinite(a) & np.isfinite(b) & np.isfinite(c)
    a, b, c = a[used], b[used], c[used]
    found = [(a == key).nonzero()[0] for key in np.unique(a)]
    std = [b[each].std(ddof=1) if len(each) > 1 else NAN for each in found]
    n = [len(each) for each in found]
    return n, [b[each].mean() for each in found], std, [c[each].mean() for each in found]


@given(tables(names="abc", values=FEW | st.just(NAN)), splits)
def test_objects_have_the_mean_and_scatter_of_their_rows(columns, parts):
    for where in (None, parse("b > -2")):
        taken = np.ones(len(columns["a"]), bool) if where is None else columns["b"] > -2
        found = split(MomentsOfObjects("a", "b", "c", where), columns, *parts)
        n, mean, std, other = expected(columns, taken)
        assert found.sums.n.tolist() == n
        assert found.sums.mean == pytest.approx(mean)
        assert found.sums.other == pytest.approx(other)
        assert found.std == pytest.approx(std, nan_ok=True, abs=1e-12)
        assert found.missing + sum(n) == taken.sum()


def test_equal_values_have_no_scatter_at_all():
    columns = table(a=np.ones(9), b=np.full(9, 0.1), c=np.full(9, 0.7))
    found = split(MomentsOfObjects("a", "b", "c"), columns, [2, 5], [0])
    assert (found.std[0], found.sums.mean[0], found.sums.other[0]) == (0, 0.1, 0.7)


def test_ids_beyond_float64_and_texts_are_told_apart():
    ids = 2305843009213693952 + np.array([0, 1, 0, 1, 3])
    rows = Table({"a": ids, "b": np.arange(5.0)})
    statistic = MomentsOfObjects("a", "b", "b")
    found = scan([statistic], rows, 10)[statistic]
    assert found.ids == [ids[0], ids[1], ids[4]]
    assert found.sums.n.tolist() == [2, 2, 1]
    texts = np.array(["x", "y", "x", NAN], dtype=np.dtypes.StringDType(na_object=NAN))
    columns = {"a": texts, "b": np.arange(4.0)}
    of_texts = split(MomentsOfObjects("a", "b", "b"), columns, [2], [])
    assert (of_texts.ids, of_texts.sums.mean.tolist()) == (["x", "y"], [1, 1])
    assert of_texts.missing == 1


@given(splits, st.integers(1, 30))
def test_of_many_objects_the_same_ones_are_kept_with_all_their_rows(parts, most):
    rng = np.random.default_rng(most)
    a = rng.integers(0, 40, 60).astype(float)
    columns = table(a=a, b=rng.integers(0, 9, 60), c=a)
    statistic = SumsOfObjects("a", "b", "c", None, most)
    found = split(statistic, columns, *parts)
    assert bits(found.sums.keys) == bits(split(statistic, columns, [], []).sums.keys)
    assert len(found.sums.keys) <= most
    for key, n in zip(found.sums.keys, found.sums.n, strict=True):
        assert n == (a == key).sum()


def test_hashes_of_ids_spread_evenly():
    for keys in (np.arange(4096.0), np.arange(4096) + 1j, np.arange(4096) * 1024.0):
        share = (objects.hashes(keys) % 8 == 0).mean()
        assert share == pytest.approx(1 / 8, abs=0.02)

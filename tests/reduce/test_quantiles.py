import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, median_abs_deviation
from splitting import anything, finite, ordinary, special, split, splits, tables, whole

from reportgen.config.expressions import parse
from reportgen.reduce import quantiles
from reportgen.reduce.quantiles import (
    MedianAndScatter,
    Order,
    Quantiles,
    SortedCurve,
    SubsetComparison,
)
from reportgen.reduce.sketch import MOST_KEYS

FRACTIONS = (0.0, 0.05, 0.25, 1 / 3, 0.5, 0.95, 1.0)
LARGEST = sys.float_info.max
FEW_KEYS = Order("a", most=128)


@pytest.fixture
def few_keys(monkeypatch):
    """Let a sketch tell 128 values apart, so that a few hundred do not fit."""
    monkeypatch.setattr(quantiles, "MOST_KEYS", 128)


@given(tables(), splits)
def test_quantiles_are_those_of_numpy(columns, parts):
    for where, a in ((None, columns["a"]), (parse("b > 0"), columns["a"][columns["b"] > 0])):
        found = split(Quantiles("a", FRACTIONS, where), columns, *parts)
        values = finite(a)
        assert found.n == len(values)
        assert found.error == 0
        if len(values):
            expected = np.quantile(values, FRACTIONS)
            assert found.values == pytest.approx(expected, rel=1e-12, abs=1e-10)
        else:
            assert np.isnan(found.values).all()


@given(tables(values=ordinary), splits)
def test_the_scatter_is_the_median_absolute_deviation_of_scipy(columns, parts):
    found = split(MedianAndScatter("a - 2 * b"), columns, *parts)
    values = finite(columns["a"] - 2 * columns["b"])
    assert found.n == len(values)
    scatter = median_abs_deviation(values, scale="normal") if found.n else np.nan
    expected = (np.median(values) if found.n else np.nan, scatter)
    assert (found.median, found.scatter) == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_beyond_exact_rows_median_and_scatter_keep_the_bounds_that_they_give(few_keys):
    columns = {"a": np.random.default_rng(3).lognormal(3, 0.3, 5000)}
    one, other = (whole(MedianAndScatter("a"), columns, exact) for exact in (True, False))
    assert other.error > one.error == 0
    assert abs(other.median / one.median - 1) <= other.error
    assert abs(other.scatter - one.scatter) <= other.scatter_error


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
@example([-LARGEST, LARGEST])
@example([LARGEST, LARGEST])
@example([5e-324])
def test_quantiles_stay_between_the_values_however_large(values):
    columns = {"a": np.array(values)}
    for exact in (False, True):
        found = whole(Quantiles("a", FRACTIONS), columns, exact)
        assert found.values[0] == min(values)
        assert found.values[-1] == max(values)
        assert (np.diff(found.values / 2) >= 0).all()
    assert whole(Quantiles("a", (0.5,)), {"a": np.array([-LARGEST, LARGEST])}).values == [0.0]


@given(tables(names="a", values=anything), splits)
def test_a_sketch_of_few_values_is_exact(columns, parts):
    exact = whole(Order("a"), columns)
    sketch = split(Order("a", most=MOST_KEYS), columns, *parts)
    assert sketch.exact
    assert sketch.n == exact.n
    assert np.repeat(sketch.values, sketch.counts).tolist() == (exact.values + 0.0).tolist()


def many(values, scale):
    """Repeat a short list into a few hundred different values of both signs."""
    return np.concatenate([values, (np.arange(300.0) - 100) * scale])


@given(tables(names="a"), splits, st.sampled_from([1.0, 1e-300, 1e300, 0.1]))
def test_a_sketch_is_the_same_bit_for_bit_for_any_split(columns, parts, scale):
    columns = {"a": many(columns["a"], scale)}
    cuts = [cut * 7 for cut in parts[0]]
    found = split(FEW_KEYS, columns, cuts, parts[1])
    again = whole(FEW_KEYS, columns)
    assert len(again.values) <= 128
    assert found.values.tobytes() == again.values.tobytes()
    assert found.counts.tobytes() == again.counts.tobytes()
    assert found.error == again.error > 0


@given(tables(names="a"), st.sampled_from([1.0, 1e-300, 1e300, 0.1]))
def test_a_sketch_keeps_its_stated_error(columns, scale):
    columns = {"a": many(columns["a"], scale)}
    sketch = whole(FEW_KEYS, columns)
    exact = whole(Order("a"), columns)
    assert not sketch.exact
    assert sketch.n == exact.n
    values = np.repeat(sketch.values, sketch.counts)
    assert (np.diff(values) >= 0).all()
    assert (np.abs(values - exact.values) <= sketch.error * np.abs(exact.values)).all()


@given(tables(), splits, st.integers(1, 12), st.none() | ordinary)
def test_a_sorted_curve_takes_points_even_in_rank_with_both_ends(columns, parts, points, below):
    for where, rows in ((None, slice(None)), (parse("b > 0"), columns["b"] > 0)):
        values = np.sort(finite(columns["a"][rows]))
        values = values if below is None else values[values < below]
        found = split(SortedCurve("a", points, below, where), columns, *parts)
        assert found.n == len(values)
        assert found.error == 0
        assert found.value.tolist() == values[found.rank].tolist()
        assert len(found.rank) == min(points, len(values))
        if len(values) and points > 1:
            assert (found.rank[0], found.rank[-1]) == (0, len(values) - 1)
            steps = np.diff(found.rank)
            assert steps.max(initial=0) - steps.min(initial=len(values)) <= 1


def distance(first, second):
    """Largest distance of the distribution functions, from their definition."""
    at = np.concatenate([first, second])[:, None]
    return np.abs((first <= at).mean(axis=1) - (second <= at).mean(axis=1)).max()


@given(tables(values=ordinary | special), splits)
def test_a_subset_is_compared_with_all_rows_and_with_the_rest(columns, parts):
    found = split(SubsetComparison("a", parse("b > 0")), columns, *parts)
    valid = np.isfinite(columns["a"])
    subset = columns["a"][valid & (columns["b"] > 0)]
    rest = columns["a"][valid & ~(columns["b"] > 0)]
    everything = columns["a"][valid]
    assert (found.n_subset, found.n_all) == (len(subset), len(everything))
    if len(subset):
        assert found.median_subset == pytest.approx(np.median(subset), abs=1e-10)
        assert found.median_all == pytest.approx(np.median(everything), abs=1e-10)
        expected = distance(subset, everything)
        assert found.ks == pytest.approx(expected, abs=1e-12)
    else:
        assert np.isnan([found.median_subset, found.ks, found.ks_rest, found.p_value]).all()
    if len(subset) and len(rest):
        assert found.ks_rest == pytest.approx(distance(subset, rest), abs=1e-12)
        assert 0 <= found.p_value <= 1
    else:
        assert np.isnan([found.ks_rest, found.p_value]).all()


def test_the_probability_is_that_of_kolmogorov_s_distribution():
    rng = np.random.default_rng(3)
    columns = {"a": rng.normal(size=4000), "b": (rng.uniform(size=4000) < 0.3).astype(float)}
    columns["a"][columns["b"] > 0] += 0.05
    found = whole(SubsetComparison("a", parse("b")), columns)
    subset, rest = columns["a"][columns["b"] > 0], columns["a"][columns["b"] == 0]
    expected = ks_2samp(subset, rest, method="asymp")
    assert found.ks_rest == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, rel=0.05)
    assert 1e-6 < found.p_value < 0.9


@pytest.mark.usefixtures("few_keys")
@pytest.mark.parametrize("sign", [1, -1])
def test_ties_do_not_differ_from_themselves_in_a_sketch(sign):
    rng = np.random.default_rng(4)
    # Half of all values are equal, and the subset alone is exact.
    values = sign * np.concatenate([np.ones(2000), rng.lognormal(0, 1, 2000)])
    flag = np.zeros(4000)
    flag[:30:2] = flag[2000:2030:2] = 1
    columns = {"a": values, "b": flag}
    exact = whole(SubsetComparison("a", parse("b")), columns)
    sketch = whole(SubsetComparison("a", parse("b")), columns, exact=False)
    assert sketch.error > 0
    assert sketch.ks == pytest.approx(exact.ks, abs=0.05)
    assert sketch.median_subset == pytest.approx(exact.median_subset, rel=sketch.error)


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.floats(0.02, 0.98), st.sampled_from([2, 16, 128]))
def test_distances_in_a_sketch_are_as_far_off_as_they_say(seed, share, keys):
    rng = np.random.default_rng(seed)
    a = np.where(rng.uniform(size=600) < 0.7, 1e6 + rng.normal(size=600), rng.lognormal(0, 30, 600))
    columns = {"a": a, "b": (rng.uniform(size=600) < share * (a > np.median(a))).astype(float)}
    exact = whole(SubsetComparison("a", parse("b")), columns)
    assert exact.ks_more == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantiles, "MOST_KEYS", keys)
        found = whole(SubsetComparison("a", parse("b")), columns, exact=False)
    slack = 1e-12
    if exact.n_subset:
        assert found.ks - slack <= exact.ks <= found.ks + found.ks_more + slack
        assert found.p_value >= exact.p_value - slack


@given(tables(values=ordinary), splits)
def test_a_subset_in_a_sketch_is_compared_the_same_for_any_split(columns, parts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantiles, "MOST_KEYS", 8)
        reduction = SubsetComparison("a", parse("b > 0"), parse("a > -1000"))
        found = split(reduction, columns, *parts, exact=False)
        again = whole(reduction, columns, exact=False)
    assert repr(found) == repr(again)

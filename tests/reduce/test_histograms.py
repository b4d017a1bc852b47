from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from splitting import INF, NAN, anything, finite, ordinary, split, splits, table, tables, whole

from reportgen.config.expressions import parse
from reportgen.reduce import binned
from reportgen.reduce.binned import QuantilesInBins
from reportgen.reduce.binned_moments import MomentsInBins
from reportgen.reduce.histograms import (
    Axis,
    FewRows,
    Histogram,
    Histogram2D,
    bin_edges,
)

BINS = st.integers(1, 12)


@given(tables(), splits, BINS)
def test_a_histogram_is_that_of_numpy(columns, parts, bins):
    values = finite(columns["a"])
    found = split(Histogram("a", bins), columns, *parts)
    expected, edges = np.histogram(values, bins) if len(values) else (np.zeros(bins), found.edges)
    assert found.counts.dtype == np.int64
    assert found.counts.tolist() == expected.tolist()
    assert found.edges.tolist() == edges.tolist()
    assert (found.below, found.above) == (0, 0)
    assert found.n == len(values)


@given(tables(), splits, BINS, st.floats(-50, 50), st.floats(1, 100))
def test_values_outside_given_limits_are_counted_apart(columns, parts, bins, low, width):
    values, high = finite(columns["a"]), low + width
    found = split(Histogram("a", bins, (low, high)), columns, *parts)
    assert found.counts.tolist() == np.histogram(values, bins, (low, high))[0].tolist()
    assert found.below == (values < low).sum()
    assert found.above == (values > high).sum()
    half_open = split(Histogram("a", bins, (low, high), half_open=True), columns, *parts)
    assert half_open.above == (values >= high).sum()
    assert half_open.n + half_open.above == found.n + found.above


@given(tables(), splits, BINS)
def test_sums_in_bins_are_those_of_numpy(columns, parts, bins):
    found = split(MomentsInBins(Axis("a", bins, (-2.0, 3.0)), "b - 1"), columns, *parts)
    used = np.isfinite(columns["a"]) & np.isfinite(columns["b"])
    a, y = columns["a"][used], columns["b"][used] - 1
    n, _ = np.histogram(a, found.edges)
    sums, _ = np.histogram(a, found.edges, weights=y)
    assert found.n.tolist() == n.tolist()
    assert found.sums == pytest.approx(sums, rel=1e-9, abs=1e-6)
    assert np.isnan(found.mean).tolist() == (n == 0).tolist()


@given(tables(), splits, BINS)
def test_a_logarithmic_histogram_takes_positive_values(columns, parts, bins):
    values = finite(columns["a"])
    values = values[values > 0]
    found = split(Histogram("a", bins, log=True), columns, *parts)
    assert found.n == len(values)
    assert found.below == (finite(columns["a"]) <= 0).sum()
    assert found.above == 0
    if len(np.unique(values)) > 1:
        edges = np.geomspace(values.min(), values.max(), bins + 1)
        assert found.edges == pytest.approx(edges, rel=1e-12)
        assert found.counts.tolist() == np.histogram(values, found.edges)[0].tolist()


@given(st.integers(-(10**6), 10**6), st.integers(1, 5000), st.integers(1, 60))
def test_bins_of_whole_numbers_hold_equally_many_of_them(low, numbers, bins):
    values = low + np.arange(numbers)
    found = whole(Histogram("a", bins, whole=True), table(a=values))
    assert found.whole
    assert set((found.edges % 1).tolist()) == {0.5}
    assert set(found.counts[:-1].tolist()) <= {int(found.counts[0])}
    assert 0 < found.counts[-1] <= found.counts[0]
    assert len(found.counts) <= 2 * bins
    assert found.n == numbers
    if numbers <= 2 * bins:
        assert [found.span(i, i) for i in range(numbers)] == [(v, v) for v in values.tolist()]
    else:
        assert len(found.counts) >= 0.4 * bins


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ([0, 1, 2.5], {}),
        ([0, 1, 2], {"log": True}),
        ([0, 1, 2], {"limits": (0, None)}),
        ([0, 1, 2], {"whole": False}),
        ([0.0, 2.0**53], {}),
        ([0, 1, 2], {"like": ("a", "b")}),
        ([], {}),
    ],
)
def test_other_bins_are_equal(values, keys):
    columns = table(a=values, b=[0.5] * len(values))
    found = whole(Histogram("a", 5, **{"whole": True, **keys}), columns)
    assert not found.whole
    assert len(found.counts) == 5


def test_whole_numbers_have_cells_of_a_whole_width():
    columns = table(a=np.tile([3, 4, 7], 20), b=np.linspace(0, 1, 60))
    x = Axis("a", 4, whole=True)
    found = whole(Histogram2D(x, Axis("b", 2, whole=True)), columns)
    assert found.x.tolist() == [2.5, 3.5, 4.5, 5.5, 6.5, 7.5]
    assert found.counts.sum(axis=0).tolist() == [20, 20, 0, 0, 20]
    assert found.y.tolist() == [0, 0.5, 1]
    running = whole(QuantilesInBins(x, "b", (0.5,)), columns)
    assert running.edges.tolist() == found.x.tolist()
    assert running.n.tolist() == [20, 20, 0, 0, 20]


def test_an_open_end_is_that_of_all_columns_that_share_the_bins():
    columns = table(a=[1, 2, 3], b=[-5, 0, 40], c=[0, NAN, INF])
    found = whole(Histogram("a", 5, (None, None), like=("a", "b", "c")), columns)
    assert found.edges.tolist() == np.linspace(-5, 40, 6).tolist()
    assert found.n == 3
    found = whole(Histogram("a", 5, (0, None), like=("a", "b")), columns)
    assert found.edges[[0, -1]].tolist() == [0, 40]


def test_a_subset_is_counted_in_the_bins_of_all_selected_rows():
    columns = table(a=[1, 2, 3, 9], b=[0, 1, 1, 0])
    found = whole(Histogram("a", 2, subset=parse("b")), columns)
    assert found.edges.tolist() == [1, 5, 9]
    assert found.counts.tolist() == [2, 0]
    found = whole(Histogram("a", 2, subset=parse("b"), where=parse("a < 9")), columns)
    assert found.edges.tolist() == [1, 2, 3]
    assert found.counts.tolist() == [0, 2]


HUGE = st.floats(allow_nan=False, allow_infinity=False)


@given(HUGE, HUGE, BINS, st.booleans())
def test_edges_rise_from_limit_to_limit_however_large_small_or_close(first, second, bins, log):
    low, high = sorted((abs(first), abs(second)) if log else (first, second))
    if log and low == 0:
        low = high = high or 5e-324
    edges = bin_edges((low, high), bins, log=log)
    assert len(edges) == bins + 1
    assert np.isfinite(edges).all()
    assert (np.diff(edges / 2) >= 0).all()
    if low < high:
        assert edges[[0, -1]].tolist() == [low, high]
    else:
        assert edges[0] <= low <= edges[-1]
        assert edges[0] < edges[-1]


@given(tables(values=anything), splits, BINS)
def test_every_valid_value_is_counted_once_however_large(columns, parts, bins):
    found = split(Histogram("a", bins), columns, *parts)
    assert found.n == len(finite(columns["a"]))


@given(tables(), splits, BINS, BINS)
def test_a_histogram_in_two_dimensions_is_that_of_numpy(columns, parts, nx, ny):
    found = split(Histogram2D(Axis("a", nx), Axis("b", ny)), columns, *parts)
    both = np.isfinite(columns["a"]) & np.isfinite(columns["b"])
    x, y = columns["a"][both], columns["b"][both]
    expected = np.histogram2d(y, x, bins=[found.y, found.x])[0]
    assert found.counts.dtype == np.int64
    assert found.counts.tolist() == expected.tolist()
    assert found.counts.sum() == both.sum()
    for edges, name in ((found.x, "a"), (found.y, "b")):
        values = finite(columns[name])
        if len(values) and values.min() < values.max():
            assert edges[[0, -1]].tolist() == [values.min(), values.max()]


def quantiles_by_numpy(columns, edges, fractions):
    both = np.isfinite(columns["a"]) & np.isfinite(columns["b"])
    x, y = columns["a"][both], columns["b"][both]
    for i, (low, high) in enumerate(pairwise(edges)):
        inside = (x >= low) & ((x < high) | ((x == high) & (i == len(edges) - 2)))
        yield inside.sum(), np.quantile(y[inside], fractions) if inside.any() else None


@given(tables(), splits, BINS)
def test_quantiles_in_bins_are_those_of_numpy(columns, parts, bins):
    fractions = (0.16, 0.5, 0.84)
    found = split(QuantilesInBins(Axis("a", bins), "b", fractions), columns, *parts)
    assert found.error == 0
    for i, (n, expected) in enumerate(quantiles_by_numpy(columns, found.edges, fractions)):
        assert found.n[i] == n
        if n:
            assert found.values[:, i] == pytest.approx(expected, rel=1e-12, abs=1e-12)
        else:
            assert np.isnan(found.values[:, i]).all()


@given(tables(values=ordinary), splits)
def test_quantiles_in_bins_of_sketches_keep_the_stated_error(columns, parts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binned, "MOST_KEYS", 64)
        patch.setattr(binned, "LEAST_KEYS", 4)
        reduction = QuantilesInBins(Axis("a", 3), "b", (0.0, 1.0))
        found = split(reduction, columns, *parts, exact=False)
        again = whole(reduction, columns, exact=False)
        exact = whole(reduction, columns)
    assert found.values.tobytes() == again.values.tobytes()
    assert found.n.tolist() == exact.n.tolist()
    known = ~np.isnan(exact.values)
    off = np.abs(found.values[known] - exact.values[known])
    assert (off <= found.error * np.abs(exact.values[known])).all()


@given(tables(values=anything, max_size=30), splits, st.integers(0, 30))
def test_few_rows_are_kept_in_order_and_many_are_counted(columns, parts, limit):
    found = split(FewRows(("a", "b"), limit), columns, *parts)
    both = np.isfinite(columns["a"]) & np.isfinite(columns["b"])
    assert found.n == both.sum()
    if found.n > limit:
        assert found.values is None
    else:
        expected = np.stack([columns["a"][both], columns["b"][both]], axis=1)
        assert found.values.tolist() == expected.tolist()

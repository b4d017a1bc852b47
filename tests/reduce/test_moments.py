import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from splitting import NAN, finite, ordinary, special, split, splits, tables, whole

from reportgen.config.expressions import parse
from reportgen.reduce import ranks
from reportgen.reduce.moments import MeanStd, Pearson
from reportgen.reduce.ranks import Spearman

LARGEST = 1.7976931348623157e308
finite_floats = st.floats(allow_nan=False, allow_infinity=False)


def exact_moments(values):
    """Return mean and standard deviation without rounding, and the largest size."""
    size = max((abs(Fraction(v)) for v in values), default=Fraction(0)) or Fraction(1)
    scaled = [Fraction(v) / size for v in values]
    mean = sum(scaled) / len(scaled)
    square = sum((v - mean) ** 2 for v in scaled) / len(scaled)
    return float(mean), math.sqrt(square), size


@given(tables(), splits)
def test_mean_and_standard_deviation_are_those_of_numpy(columns, parts):
    for where, a in ((None, columns["a"]), (parse("b > 0"), columns["a"][columns["b"] > 0])):
        found = split(MeanStd("a", where), columns, *parts)
        values = finite(a)
        assert found.n == len(values)
        if not len(values):
            assert math.isnan(found.mean)
            assert math.isnan(found.std)
            continue
        size = np.abs(values).max()
        assert found.mean == pytest.approx(values.mean(), rel=1e-10, abs=1e-13 * size)
        assert found.std == pytest.approx(values.std(), rel=1e-10, abs=1e-13 * size)


@given(st.lists(finite_floats, min_size=1, max_size=20), splits)
@example([LARGEST, -LARGEST, LARGEST], ([1], []))
@example([0.0, 1e-300, -1e-300], ([1, 2], []))
@example([1e-290, 0.0], ([1], []))
def test_moments_hold_for_numbers_of_any_size(values, parts):
    mean, std, size = exact_moments(values)
    assume(size > 1e-290)  # below, float64 has fewer digits
    found = split(MeanStd("a"), {"a": np.array(values)}, *parts)
    assert float(Fraction(found.mean) / size) == pytest.approx(mean, rel=1e-9, abs=1e-14)
    assert float(Fraction(found.std) / size) == pytest.approx(std, rel=1e-9, abs=1e-14)


@given(finite_floats, st.integers(1, 50), splits)
@example(0.1, 50, ([3, 17], []))
def test_equal_values_have_no_spread_at_all(value, rows, parts):
    found = split(MeanStd("a"), {"a": np.full(rows, value)}, *parts)
    assert found.mean == value
    assert found.std == 0


@pytest.mark.parametrize(("mean", "std"), [(1e9, 1e-3), (-1e12, 0.01), (1e300, 1e288)])
def test_a_far_off_mean_costs_no_digits_of_any_moment(mean, std):
    """As in two passes about an exact mean; numpy's own mean is too rough for them."""
    z = np.random.default_rng(4).normal(size=2000)
    columns = {"far": mean + std * (z + np.random.default_rng(5).normal(size=2000)), "z": z}
    columns["far"][:700:3] = NAN
    valid = np.isfinite(columns["far"])
    shifted = (columns["far"][valid] - mean) / std  # exact, but for the last division
    found = split(Pearson(("far", "z")), columns, [130, 131, 900], [1, 0])
    assert found.r[0, 1] == pytest.approx(pearson(shifted, z[valid]), abs=1e-13)
    moments = split(MeanStd("far"), columns, [130, 131, 900], [1, 0])
    assert moments.std == pytest.approx(shifted.std() * std, rel=1e-12)
    assert moments.mean == pytest.approx(mean + std * shifted.mean(), rel=4e-16)


def test_a_far_off_mean_costs_no_digits():
    values = 1e9 + np.tile([4.0, 7.0, 13.0, 16.0], 1000)  # Chan, Golub & LeVeque's example
    found = split(MeanStd("a"), {"a": values}, [5, 40, 1001, 3999], [1, 0])
    assert found.mean == 1e9 + 10
    assert found.std == pytest.approx(math.sqrt(22.5), rel=1e-12)


def pairwise(columns, names, correlate):
    """Correlate each pair by its own valid rows."""
    k = len(names)
    r, n = np.full((k, k), NAN), np.zeros((k, k), dtype=int)
    for i in range(k):
        for j in range(k):
            x, y = columns[names[i]], columns[names[j]]
            both = np.isfinite(x) & np.isfinite(y)
            x, y = x[both], y[both]
            n[i, j] = len(x)
            if len(set(x)) > 1 and len(set(y)) > 1:
                r[i, j] = correlate(x, y)
    return r, n


def complete(columns, names):
    rows = np.all([np.isfinite(columns[name]) for name in names], axis=0)
    return {name: columns[name][rows] for name in names}


def pearson(x, y):
    return np.corrcoef(x, y)[0, 1]


def spearman(x, y):
    return spearmanr(x, y).statistic


def check(found, expected):
    r, n = expected
    assert found.n.dtype == np.int64
    assert found.n.tolist() == n.tolist()
    assert np.isnan(found.r).tolist() == np.isnan(r).tolist()
    assert found.r == pytest.approx(r, abs=1e-10, nan_ok=True)
    assert (found.r == found.r.T)[~np.isnan(r)].all()


@given(tables("abc", values=ordinary | special), splits)
def test_pearson_s_correlation_is_that_of_numpy(columns, parts):
    names = ("a", "b", "c")
    check(split(Pearson(names), columns, *parts), pairwise(columns, names, pearson))
    whole_rows = complete(columns, names)
    found = split(Pearson(names, "complete"), columns, *parts)
    check(found, pairwise(whole_rows, names, pearson))
    selected = {name: values[columns["c"] > 0] for name, values in columns.items()}
    found = split(Pearson(("a", "b"), where=parse("c > 0")), columns, *parts)
    check(found, pairwise(selected, ("a", "b"), pearson))


@given(tables("ab", values=ordinary | special), splits, st.sampled_from([-1000, -300, 300, 1000]))
def test_pearson_s_correlation_does_not_depend_on_the_unit(columns, parts, power):
    scaled = {"a": np.ldexp(columns["a"], power), "b": np.ldexp(columns["b"], -power)}
    found = split(Pearson(("a", "b")), scaled, *parts)
    check(found, pairwise(columns, ("a", "b"), pearson))


def test_rows_of_a_pair_that_lie_apart_from_the_others_keep_their_digits():
    rng = np.random.default_rng(1)
    x = np.concatenate([np.full(500, 1e12), rng.normal(1, 1e-3, 500)])
    y = np.concatenate([np.full(500, NAN), x[500:] + rng.normal(0, 1e-3, 500)])
    columns = {"x": x, "y": y}
    expected = pearson(x[500:], y[500:])
    for cuts in ([], [300, 700], [600]):
        found = split(Pearson(("x", "y")), columns, cuts, [])
        assert found.r[0, 1] == pytest.approx(expected, rel=1e-10)


@given(finite_floats, st.integers(2, 40), splits)
@example(0.1, 40, ([7], []))
def test_a_constant_column_has_no_correlation(value, rows, parts):
    columns = {"a": np.full(rows, value), "b": np.arange(rows, dtype=float)}
    for kind in (Pearson, Spearman):
        for exact in (False, True):
            found = split(kind(("a", "b")), columns, *parts, exact=exact)
            assert np.isnan(found.r[0]).all(), (kind, exact)
            assert np.isnan(found.r[:, 0]).all()
            assert found.r[1, 1] == 1
            assert (found.n == rows).all()


@settings(max_examples=25)
@given(tables("abc", values=ordinary | special), splits)
def test_spearman_s_correlation_is_that_of_scipy_with_ties(columns, parts):
    names = ("a", "b", "c")
    found = split(Spearman(names), columns, *parts)
    assert (found.error, found.unknown) == (0, ())
    check(found, pairwise(columns, names, spearman))
    whole_rows = complete(columns, names)
    found = split(Spearman(names, "complete"), columns, *parts)
    check(found, pairwise(whole_rows, names, spearman))
    selected = {name: values[columns["c"] > 0] for name, values in columns.items()}
    found = split(Spearman(("a", "b"), where=parse("c > 0")), columns, *parts)
    check(found, pairwise(selected, ("a", "b"), spearman))


@settings(max_examples=25)
@given(tables("abc", values=ordinary | special), splits)
def test_spearman_by_classes_does_not_depend_on_the_split(columns, parts):
    names = ("a", "b", "c")
    found = split(Spearman(names), columns, *parts, exact=False)
    again = whole(Spearman(names), columns, exact=False)
    assert found.r.tobytes() == again.r.tobytes()
    assert found.n.tolist() == pairwise(columns, names, spearman)[1].tolist()


def sample(kind, rows=6000):
    rng = np.random.default_rng(7)
    x = rng.lognormal(3, 1.5, rows)
    y = {
        "strong": x * rng.lognormal(0, 0.2, rows),
        "weak": rng.lognormal(3, 1.5, rows) + 0.3 * x,
        "none": rng.normal(size=rows),
        "negative": 1 / x + rng.normal(0, 0.05, rows),
        "ties": np.where(rng.uniform(size=rows) < 0.6, 0.0, np.round(x / 10)),
        "flag": (x + rng.normal(0, 20, rows) > 30).astype(float),
    }[kind]
    return {"a": x, "b": y}


@pytest.mark.parametrize("kind", ["strong", "weak", "none", "negative", "ties", "flag"])
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_spearman_by_classes_is_within_its_error(kind, missing):
    columns = sample(kind, 10_000 if missing else 5000)
    rng = np.random.default_rng(8)
    columns["b"][rng.uniform(size=len(columns["b"])) < missing] = NAN
    expected, n = pairwise(columns, ("a", "b"), spearman)
    found = whole(Spearman(("a", "b")), columns, exact=False)
    assert found.n.tolist() == n.tolist()
    assert not found.unknown
    assert 0 < found.error < 0.01
    assert found.r == pytest.approx(expected, abs=1e-3)
    assert found.r == pytest.approx(expected, abs=found.error)
    turned = whole(Spearman(("b", "a")), columns, exact=False)
    assert turned.r[0, 1] == pytest.approx(found.r[0, 1], abs=1e-12)


@pytest.mark.parametrize("classes", [4, 16, 64])
@pytest.mark.parametrize(
    "kind", ["strong", "none", "negative", "ties", "flag", "sorted in classes"]
)
def test_the_largest_error_of_spearman_by_classes_holds(monkeypatch, kind, classes):
    monkeypatch.setattr(ranks, "MOST_CLASSES", classes)
    monkeypatch.setattr(ranks, "LEAST_CLASSES", classes)
    monkeypatch.setattr(ranks, "MOST_ERROR", 2.0)
    if kind == "sorted in classes":  # which is as far off as it can be
        x = np.arange(512.0)
        columns = {"a": x, "b": x // (512 // classes) * 1000 - x}
    else:
        columns = sample(kind, 2000)
    columns["c"] = np.where(columns["a"] > np.quantile(columns["a"], 0.9), columns["b"], NAN)
    names = ("a", "b", "c")
    found = whole(Spearman(names), columns, exact=False)
    expected, _ = pairwise(columns, names, spearman)
    assert np.nanmax(np.abs(found.r - expected)) <= found.error + 1e-12
    assert found.error > 1e-4


def test_spearman_of_a_pair_of_few_classes_is_not_given():
    columns = sample("strong")
    columns["b"][columns["a"] < np.quantile(columns["a"], 0.99)] = NAN
    columns["c"] = np.ones(len(columns["a"]))
    found = whole(Spearman(("a", "b", "c")), columns, exact=False)
    assert found.unknown == ((0, 1),)
    assert np.isnan(found.r[0, 1])
    expected, _ = pairwise(columns, ("a", "b"), spearman)
    for rows in ("pairwise", "complete"):  # classes of the rows that both have
        found = whole(Spearman(("a", "b"), rows), columns, exact=False)
        assert found.r[0, 1] == pytest.approx(expected[0, 1], abs=found.error + 1e-12)


def test_whole_numbers_that_repeat_cost_hardly_a_digit_of_spearman():
    rng = np.random.default_rng(2)
    columns = {"a": rng.poisson(3, 5000) * 1.0, "b": rng.integers(0, 2, 5000) * 1.0}
    found = whole(Spearman(("a", "b")), columns, exact=False)
    assert found.r == pytest.approx(pairwise(columns, ("a", "b"), spearman)[0], abs=found.error)
    assert found.error < 1e-3  # of the few largest

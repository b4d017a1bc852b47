import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from splitting import NAN, bits, split, splits, tables, whole

from reportgen.config.expressions import negated, parse
from reportgen.reduce import binned, quantiles
from reportgen.reduce.chunk import Chunk
from reportgen.reduce.histograms import Axis
from reportgen.reduce.scores import ExtremeRows, JudgeScores, ScoresInBins

FEW = st.integers(-3, 3).map(float)
LABEL = parse("label > 0")
JUDGE = JudgeScores("a", LABEL, negated(LABEL))
columns_of = tables(names=["a", "label"], values=FEW | st.just(NAN))


def classes(columns):
    """Return the scores of positives and of negatives; of rows without a label neither."""
    a, label = columns["a"], columns["label"]
    return a[np.isfinite(a) & (label > 0)], a[np.isfinite(a) & (label <= 0)]


@given(columns_of, splits)
def test_areas_are_those_of_their_definitions(columns, parts):
    positive, negative = classes(columns)
    found = split(JUDGE, columns, *parts)
    assert (found.positives, found.negatives) == (len(positive), len(negative))
    if len(positive) and len(negative):
        pairs = positive[:, None] - negative[None]
        assert found.auc == pytest.approx(((pairs > 0) + (pairs == 0) / 2).mean())
    else:
        assert np.isnan(found.auc)
    if len(positive):
        area, before = 0.0, 0.0
        for threshold in np.unique(np.r_[positive, negative])[::-1]:
            true, false = (positive >= threshold).sum(), (negative >= threshold).sum()
            recall = true / len(positive)
            area, before = area + (recall - before) * true / (true + false), recall
        assert found.average_precision == pytest.approx(area)


@given(columns_of)
def test_the_best_threshold_has_the_largest_balanced_accuracy(columns):
    positive, negative = classes(columns)
    found = whole(JUDGE, columns)
    if not (len(positive) and len(negative)):
        assert np.isnan(found.best)
        return
    thresholds = np.unique(np.r_[positive, negative])
    gains = [(positive >= t).mean() - (negative >= t).mean() for t in thresholds]
    true, false = (positive >= found.best).sum(), (negative >= found.best).sum()
    assert found.at_best == (true, false)
    assert true / len(positive) - false / len(negative) == pytest.approx(max(gains))


def test_the_binormal_area_and_that_beyond_exact_rows_keep_to_their_bounds(monkeypatch):
    monkeypatch.setattr(quantiles, "MOST_KEYS", 256)
    rng = np.random.default_rng(8)
    label = (np.arange(200_000) % 4 == 0).astype(float)
    columns = {"a": rng.normal(label, 1), "label": label}
    one, other = (whole(JUDGE, columns, exact) for exact in (True, False))
    assert one.auc == pytest.approx(0.760250, abs=0.003)
    assert other.auc_error > one.auc_error == 0
    assert abs(other.auc - one.auc) <= other.auc_error
    assert other.average_precision == pytest.approx(one.average_precision, abs=0.01)
    assert len(one.thinned.scores) == 500


@given(tables(names=["a", "label", "x"], values=FEW | st.just(NAN)), splits)
def test_steps_in_bins_are_those_of_the_rows_in_each(columns, parts):
    statistic = ScoresInBins(Axis("x", 3, (-2.0, 1.0)), "a", LABEL, negated(LABEL))
    found = split(statistic, columns, *parts)
    for steps, low in zip(found.steps, (-2, -1, 0), strict=True):
        x = columns["x"]
        inside = (x >= low) & ((x < low + 1) | ((x == 1) & (low == 0)))
        positive, negative = classes({name: values[inside] for name, values in columns.items()})
        assert steps.totals == (len(positive), len(negative))
        for threshold in (-1.5, 0.0, 2.0, 9.0):
            expected = (positive >= threshold).sum(), (negative >= threshold).sum()
            assert steps.at(threshold) == expected
    assert binned.keys_of_bin(3, exact=True) is None


@given(tables(names="ab", values=FEW | st.just(NAN)), splits, st.integers(0, 6), st.booleans())
def test_extreme_rows_are_the_first_of_those_with_such_values(columns, parts, n, largest):
    statistic = ExtremeRows("a", n, largest, parse("b > 0"), ("b",))
    found = split(statistic, columns, *parts)
    rows = np.flatnonzero(np.isfinite(columns["a"]) & (columns["b"] > 0))
    sign = -1 if largest else 1
    rows = rows[np.argsort(sign * columns["a"][rows], kind="stable")][:n]
    assert found.rows.tolist() == rows.tolist()
    assert bits(found.values + 0.0) == bits(columns["a"][rows] + 0.0)
    assert found.others["b"].tolist() == columns["b"][rows].tolist()


def test_integers_of_extreme_rows_keep_all_their_digits():
    names = np.array([2**61, 2**61 + 1, 2**61 + 2])
    wide = np.stack([names.astype(float), (names - names.astype(float).astype(int)).astype(float)])
    chunk = Chunk({"a": np.array([1.0, 3.0, 2.0]), "id": wide}, 3)
    most = ExtremeRows("a", 2, largest=True, others=("id",))
    assert most.finish(most.update(most.start(), chunk)).others["id"].tolist() == [
        2**61 + 1,
        2**61 + 2,
    ]

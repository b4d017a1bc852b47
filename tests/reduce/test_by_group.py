import numpy as np
import pytest
from hypothesis import given
from splitting import NAN, bits, finite, ordinary, special, split, splits, tables, whole
from tables import Table

from reportgen.config.expressions import parse
from reportgen.errors import SectionError
from reportgen.reduce import by_group
from reportgen.reduce.binned_moments import MomentsInBins
from reportgen.reduce.by_group import InGroups, OfGroups, median_and_scatter
from reportgen.reduce.counts import CountRows
from reportgen.reduce.histograms import Axis, Histogram
from reportgen.reduce.moments import robust_std
from reportgen.reduce.scan import scan
from reportgen.reduce.scores import JudgeScores


def few(columns):
    """Make groups of a column: five whole numbers, and rows without one."""
    numbers = np.where(np.isfinite(columns["b"]), columns["b"], 0)
    columns["b"] = np.where(np.isfinite(columns["b"]), np.mod(np.floor(numbers), 5), NAN)
    return columns


@given(tables(values=ordinary | special), splits)
def test_the_statistic_of_a_group_is_that_of_its_rows_alone(columns, parts):
    columns = few(columns)
    for where in (None, parse("a > 0")):
        found = split(OfGroups("b", median_and_scatter("a", where)), columns, *parts)
        selected = np.ones(len(columns["a"]), bool) if where is None else columns["a"] > 0
        groups = np.unique(finite(columns["b"][selected]))
        assert list(found.values) == groups.tolist()
        assert found.missing == np.isnan(columns["b"][selected]).sum()
        for group, spread in found.values.items():
            values = finite(columns["a"][selected & (columns["b"] == group)])
            assert spread.n == len(values)
            if len(values):
                assert spread.median == pytest.approx(np.median(values), abs=1e-9)
                assert spread.scatter == pytest.approx(robust_std(values), rel=1e-5, abs=1e-9)


@given(tables(values=ordinary), splits)
def test_groups_share_the_bins_and_are_the_same_for_any_split(columns, parts):
    columns = few(columns)
    reduction = InGroups("b", Histogram("a", 4))
    found, again = split(reduction, columns, *parts), whole(reduction, columns)
    assert bits(list(found.values.values())) == bits(list(again.values.values()))
    assert len({each.edges.tobytes() for each in found.values.values()}) <= 1
    total = sum(each.n for each in found.values.values())
    assert total == np.isfinite(columns["a"] + columns["b"]).sum()


@given(tables(values=ordinary), splits)
def test_parts_of_other_rows_may_have_other_groups(columns, parts):
    columns = few(columns)
    positive, negative = parse("a > 0"), parse("a < 0")
    judge = JudgeScores("a", positive, negative)
    found = split(OfGroups("b", judge), columns, *parts)
    known = columns["b"][columns["a"] != 0]
    assert list(found.values) == np.unique(finite(known)).tolist()
    assert found.missing == np.isnan(known).sum()
    for group, scores in found.values.items():
        mine = columns["a"][columns["b"] == group]
        assert (scores.positives, scores.negatives) == ((mine > 0).sum(), (mine < 0).sum())
        assert scores.auc == 1 or not (scores.positives and scores.negatives)


@given(tables(values=ordinary), splits)
def test_moments_in_bins_are_those_of_numpy(columns, parts):
    columns["a"] = np.clip(columns["a"], -3, 3)
    found = split(MomentsInBins(Axis("a", 4, (-3.0, 3.0)), "b"), columns, *parts)
    number = np.minimum((columns["a"] + 3) // 1.5, 3)
    for bin_, (n, mean, std) in enumerate(zip(found.n, found.mean, found.std, strict=True)):
        values = columns["b"][number == bin_]
        values = finite(values)
        assert n == len(values)
        if n:
            size = np.abs(values).max()
            assert mean == pytest.approx(values.mean(), rel=1e-12, abs=1e-12 * size)
            assert std == pytest.approx(values.std(), rel=1e-9, abs=1e-9 * size)


def test_texts_and_dates_name_groups_and_empty_ones_are_in_none():
    texts = np.array(["r", "g", "", "r"], dtype=np.dtypes.StringDType(na_object=np.nan))
    texts[2] = np.nan
    found = scan([OfGroups("band", CountRows())], Texts(texts), 10)
    (value,) = found.values()
    assert value.values == {"g": 1, "r": 2}
    assert value.missing == 1


class Texts(Table):
    """A table of texts, which are read as they are."""

    def __init__(self, texts):
        super().__init__({"band": np.zeros(len(texts))})
        object.__setattr__(self, "texts", texts)

    def reading(self, names):
        from contextlib import nullcontext

        return nullcontext(lambda rows: {"band": self.texts[rows.start : rows.stop]})


def test_too_many_groups_say_what_to_do(monkeypatch):
    monkeypatch.setattr(by_group, "MOST_GROUPS", 3)
    with pytest.raises(SectionError, match="over 3 different values"):
        whole(OfGroups("b", CountRows()), {"b": np.arange(4.0)})

import os
import pickle
import signal
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from splitting import NAN, bits, whole
from tables import Table

from reportgen.config.expressions import parse
from reportgen.errors import SectionError, SourceError
from reportgen.reduce import executors
from reportgen.reduce import scan as module
from reportgen.reduce.base import Derived, Reduction
from reportgen.reduce.binned import QuantilesInBins
from reportgen.reduce.binned_moments import MomentsInBins
from reportgen.reduce.by_group import OfGroups
from reportgen.reduce.column_digest import ColumnDigest
from reportgen.reduce.counts import CountInside, CountRows, CountValues, Range
from reportgen.reduce.distinct import CountNotComputable, Distinct
from reportgen.reduce.executors import Inline, Processes
from reportgen.reduce.histograms import Axis, FewRows, Histogram, Histogram2D
from reportgen.reduce.moments import MeanStd, Pearson
from reportgen.reduce.objects import MomentsOfObjects
from reportgen.reduce.partitions import LEAF, merge_pairwise, parts
from reportgen.reduce.quantiles import MedianAndScatter, Quantiles, SortedCurve, SubsetComparison
from reportgen.reduce.ranks import Spearman
from reportgen.reduce.rules import CountClose, CountKept, CountRepeated, CountShared
from reportgen.reduce.scan import Failure, columns_read, scan
from reportgen.reduce.scores import ExtremeRows, JudgeScores, ScoresInBins

ROWS = 1000
ALWAYS, NEVER = 10**9, -1  # exact_rows


def made(rows):
    rng = np.random.default_rng(rows)
    columns = {
        "a": rng.lognormal(3, 1, rows),
        "b": rng.normal(1e6, 1, rows),
        "source": np.arange(float(rows)),
    }
    columns["a"][::7] = NAN
    return columns


COLUMNS = made(ROWS)
WANTED = [
    CountValues("a"),
    MeanStd("b", parse("a > 10")),
    Histogram("a", 7, log=True),
    Histogram2D(Axis("a", 4), Axis("b", 3)),
    Quantiles("source", (0.25, 0.5)),
    SortedCurve("b", 9, 1e6, parse("source > 100")),
    SubsetComparison("b", parse("a > 10")),
    QuantilesInBins(Axis("b", 4), "a", (0.5,)),
    FewRows(("a", "b"), 10**9),
    Pearson(("a", "b", "source")),
    Spearman(("a", "b", "source")),
    CountRows(parse("source < 10")),
    ColumnDigest("a"),
    MedianAndScatter("a / b"),
    MomentsInBins(Axis("a", 4), "b * 1.5"),
    CountInside("a", "b", ((0, 0), (10, 0), (10, 2e6))),
    CountKept(parse("a < 9"), parse("b > 1e6")),
    CountRepeated("source"),
    CountClose("a", "b - 1e6", 0.01),
    CountShared("source", parse("a > 9"), parse("a < 20")),
    MomentsOfObjects("source % 50", "a", "b"),
    JudgeScores("b", parse("a > 20"), parse("a <= 20")),
    ScoresInBins(Axis("a", 3), "b", parse("a > 20"), parse("a <= 20")),
    ExtremeRows("a", 5, largest=True),
]


class Gone(Table):
    """A table whose file is lost while it is read."""

    @contextmanager
    def reading(self, columns):
        def read(rows):
            raise SourceError("the disk is gone")

        yield read


@dataclass(frozen=True)
class Deadly(CountValues):
    """What kills the process that counts."""

    def update(self, state, chunk):
        os.kill(os.getpid(), signal.SIGKILL)


class Pickled:
    """What another process would see: tasks and states are pickled on the way."""

    is_inline = False

    def run(self, rows, task, merge):
        def states():
            for part in parts(rows, executors.TASK):
                work, given = pickle.loads(pickle.dumps((task, part)))  # noqa: S301
                yield pickle.loads(pickle.dumps(work(given)))  # noqa: S301

        return merge_pairwise(states(), merge)


@pytest.mark.parametrize("exact_rows", [ALWAYS, NEVER])
def test_values_have_the_same_bytes_whatever_the_executor_and_the_tasks(monkeypatch, exact_rows):
    leaf = 2**14
    monkeypatch.setattr(module, "LEAF", leaf)
    monkeypatch.setattr(module, "BLOCK", leaf // 4)
    columns = made(7 * leaf + 5)
    found = []
    for leaves, executor in ((1, Inline()), (4, Pickled()), (8, Inline())):
        monkeypatch.setattr(executors, "TASK", leaves * leaf)
        values = scan(WANTED, Table(columns), exact_rows, executor)
        assert not any(isinstance(value, Failure) for value in values.values())
        found.append({each: bits(value) for each, value in values.items()})
    assert all(each == found[0] for each in found)


def selecting(statistic, where):
    """Return a statistic of selected rows; None for one that selects no rows."""
    return replace(statistic, where=where) if "where" in names_of(statistic) else None


def names_of(statistic):
    return {each.name for each in fields(statistic)}


@pytest.mark.parametrize("exact_rows", [ALWAYS, NEVER])
def test_values_have_the_same_bytes_if_rows_that_are_not_selected_are_missing(exact_rows):
    """They are not read where a file says that none is selected."""
    where = parse("source >= 200 and source < 700")
    wanted = [found for each in WANTED if (found := selecting(each, where)) is not None]
    wanted += [
        Distinct("b", where),
        OfGroups("source % 5", MeanStd("a", where)),
        CountNotComputable("a", ("b",), where),
    ]
    assert len(wanted) > 20
    some = {name: np.where(where.selected(COLUMNS), v, NAN) for name, v in COLUMNS.items()}
    found = [scan(wanted, Table(columns), exact_rows) for columns in (COLUMNS, some)]
    for each in wanted:
        assert bits(found[0][each]) == bits(found[1][each]), each


@pytest.mark.parametrize("exact_rows", [ALWAYS, NEVER])
def test_a_value_does_not_depend_on_what_else_is_computed(exact_rows):
    together = scan(WANTED, Table(COLUMNS), exact_rows)
    for each in WANTED:
        (alone,) = scan([each], Table(COLUMNS), exact_rows).values()
        assert bits(alone) == bits(together[each])


def test_what_is_exact_depends_on_the_number_of_rows_alone():
    median = Quantiles("b", (0.5,))
    columns = made(200_000)
    for exact_rows, exact in ((200_000, True), (199_999, False)):
        (found,) = scan([median], Table(columns), exact_rows).values()
        assert (found.error == 0) == exact
        assert found.values[0] == pytest.approx(np.median(columns["b"]), rel=found.error or 1e-15)


@pytest.mark.usefixtures("small_leaves")
def test_a_source_that_is_read_here_is_opened_once_for_all_its_rows():
    table = Table(COLUMNS)
    scan([CountValues("a"), MeanStd("b")], table, NEVER)
    assert table.readings == [{"a", "b"}]


def test_a_small_source_is_read_once():
    table = Table(COLUMNS)
    scan(WANTED, table, ROWS)
    assert table.readings == [{"a", "b", "source"}]


def test_a_large_source_is_read_twice_and_each_time_only_what_is_needed():
    table = Table(COLUMNS)
    scan([Histogram("a"), CountValues("b"), Histogram("a", 9)], table, ROWS - 1)
    assert table.readings == [{"a"}, {"a", "b"}]


def test_rows_are_counted_without_reading_a_column():
    for exact_rows in (ALWAYS, NEVER):
        table = Table(COLUMNS)
        assert scan([CountRows()], table, exact_rows) == {CountRows(): ROWS}
        assert set().union(*table.readings) == set()


@pytest.mark.parametrize("exact_rows", [ALWAYS, NEVER])
def test_no_rows_give_values_all_the_same(exact_rows):
    empty = {name: np.empty(0) for name in COLUMNS}
    found = scan(WANTED, Table(empty), exact_rows)
    assert found[CountValues("a")].rows == 0
    assert not any(isinstance(value, Failure) for value in found.values())


def test_columns_that_must_be_known_before_are_read_too():
    wanted = [Histogram("a", like=("source",)), Quantiles("b", (0.5,), parse("a > 1"))]
    assert columns_read(wanted, exact=True) == columns_read(wanted, exact=False) == COLUMNS.keys()
    assert columns_read([Broken("needs"), CountValues("a")], exact=True) == {"a"}


@dataclass(frozen=True)
class Broken(Reduction[int, int]):
    """Counts rows, and raises at one step."""

    at: str
    error: type[Exception] = ValueError

    @property
    def reads(self):
        self.step("reads")
        return frozenset(["b"])

    def step(self, name):
        if name == self.at:
            raise self.error(f"in {name}")

    def needs(self):
        self.step("needs")
        others = {"before": BrokenDerived(""), "deep": Histogram("b")}
        return {"x": others.get(self.at, Range("b"))} if self.at else {}

    def start(self, **needed):
        self.step("start")
        return 0

    def update(self, state, chunk):
        if chunk.columns["b"][0] != COLUMNS["b"][0]:  # not in the first chunk
            self.step("update")
        return state + chunk.rows

    def merge(self, first, second):
        self.step("merge")
        return first + second

    def finish(self, state):
        self.step("finish")
        return state


@dataclass(frozen=True)
class BrokenDerived(Derived[int]):
    """Counts rows, and raises at one step."""

    at: str

    @property
    def reads(self):
        return frozenset("a")

    def parts(self, exact):
        if self.at == "parts":
            raise ValueError("in parts")
        return (CountRows(), Broken(self.at if self.at != "derive" else ""))

    def derive(self, *counts):
        raise ValueError("in derive")


@pytest.fixture
def small_leaves(monkeypatch):
    """Have a few leaves in a thousand rows."""
    monkeypatch.setattr(module, "BLOCK", 128)
    monkeypatch.setattr(module, "LEAF", 256)
    monkeypatch.setattr(executors, "TASK", 512)


@pytest.mark.usefixtures("small_leaves")
@pytest.mark.parametrize("exact_rows", [ALWAYS, NEVER])
@pytest.mark.parametrize(
    "broken",
    [
        *(Broken(at) for at in ("needs", "reads", "start", "update", "merge", "finish")),
        *(Broken("update", error) for error in (MemoryError, SourceError)),
        *(BrokenDerived(at) for at in ("parts", "needs", "update", "derive")),
    ],
)
def test_what_raises_takes_only_itself_down(exact_rows, broken):
    found = scan([*WANTED[:2], broken, *WANTED[2:]], Table(COLUMNS), exact_rows)
    assert isinstance(found[broken], Failure)
    assert str(found[broken].error) == f"in {broken.at}"
    alone = scan(WANTED, Table(COLUMNS), exact_rows)
    for each in WANTED:
        assert bits(found[each]) == bits(alone[each])


def test_what_needs_something_broken_fails_with_its_error():
    found = scan([Broken("before"), Broken("deep"), CountValues("a")], Table(COLUMNS), ALWAYS)
    assert str(found[Broken("before")].error) == "in derive"
    assert "cannot need anything itself" in str(found[Broken("deep")].error)
    assert found[CountValues("a")].rows == ROWS


CALLS = {"needs": 0, "start": 0, "update": 0, "finish": 0}


@dataclass(frozen=True)
class Counted(Broken):
    """Counts how often it is asked."""

    def step(self, name):
        if name in CALLS:
            CALLS[name] += 1


@pytest.mark.usefixtures("small_leaves")
def test_equal_reductions_are_computed_once():
    found = scan([Counted("x"), Counted("x"), Counted("x")], Table(COLUMNS), NEVER)
    assert found == {Counted("x"): ROWS}
    assert CALLS == {"needs": 1, "start": 4, "update": 7, "finish": 1}


@dataclass(frozen=True)
class Vandal(Broken):
    """Changes its rows in place."""

    def update(self, state, chunk):
        chunk.valid("b", None)[:] = 0
        return state


def test_a_reduction_cannot_change_the_rows_of_the_others():
    vandal = Vandal("-")
    reduction = MeanStd("b", parse("a > 10"))
    found = scan([vandal, reduction], Table(COLUMNS), ALWAYS)
    assert isinstance(found[vandal], Failure)
    assert bits(found[reduction]) == bits(whole(reduction, COLUMNS))


@pytest.mark.usefixtures("small_leaves")
@pytest.mark.parametrize("exact_rows", [ALWAYS, NEVER])
def test_an_error_of_the_source_is_passed_on(exact_rows):
    for wanted in ([CountValues("a")], [Histogram("a")]):
        with pytest.raises(SourceError, match="the disk is gone"):
            scan(wanted, Gone(COLUMNS), exact_rows)


def test_processes_give_the_same_bytes_and_say_how_far_they_are():
    columns, said = made(2 * LEAF + 5), []
    wanted = [CountValues("a"), Histogram("b", 7), Quantiles("a", (0.5,)), ColumnDigest("a")]
    found = scan(wanted, Table(columns), NEVER, Processes(2, lambda *rows: said.append(rows)))
    assert [bits(each) for each in found.values()] == [
        bits(each) for each in scan(wanted, Table(columns), NEVER).values()
    ]
    assert said[:4] == [(rows, 2 * LEAF + 5) for rows in (0, LEAF, 2 * LEAF, 2 * LEAF + 5)]


@pytest.mark.parametrize(
    ("table", "wanted", "error"),
    [
        (Gone(COLUMNS), CountValues("a"), SourceError("the disk is gone")),
        (Table(COLUMNS), Deadly("a"), SectionError("was ended by the system")),
    ],
)
def test_what_goes_wrong_in_a_process_is_passed_on(table, wanted, error):
    with pytest.raises(type(error), match=error.message):
        scan([wanted], table, NEVER, Processes(2))


def test_a_statistic_of_an_expression_is_that_of_a_computed_column():
    ratio = {"ratio": COLUMNS["a"] / COLUMNS["b"], "b": COLUMNS["b"]}
    where = parse("b > 1e6")
    for made_of in (
        lambda name: Quantiles(name, (0.5,), where),
        lambda name: Histogram2D(Axis(name, 5), Axis("b", 4)),
        lambda name: FewRows((name, "b"), ROWS),
    ):
        computed, given = made_of("a / b"), made_of("ratio")
        assert computed.columns == {"a", "b"}
        found = scan([computed], Table(COLUMNS), ALWAYS)[computed]
        assert bits(found) == bits(scan([given], Table(ratio), ALWAYS)[given])

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from splitting import NAN, whole

from reportgen.config.expressions import parse
from reportgen.errors import SourceError
from reportgen.reduce.base import Chunk, Reduction, Source
from reportgen.reduce.counts import Count, CountRows, Range
from reportgen.reduce.histograms import Axis, Histogram, Histogram2D
from reportgen.reduce.moments import MeanStd
from reportgen.reduce.quantiles import Quantiles, SortedCurve
from reportgen.reduce.ranks import Spearman
from reportgen.reduce.scan import Failure, scan

ROWS = 1000
COLUMNS = {
    "a": np.random.default_rng(1).lognormal(3, 1, ROWS),
    "b": np.random.default_rng(2).normal(size=ROWS),
    "source": np.arange(float(ROWS)),
}
COLUMNS["a"][::7] = NAN


class Reader:
    """Gives rows in chunks and remembers which columns were asked for."""

    def __init__(self, columns=COLUMNS, step=300):
        self.columns, self.step = columns, step
        self.readings = []

    def __call__(self, names):
        self.readings.append(set(names))
        rows = len(next(iter(self.columns.values())))
        for start in range(0, rows, self.step):
            part = slice(start, min(rows, start + self.step))
            chunk = {name: self.columns[name][part].copy() for name in names}
            yield chunk or {"": np.zeros(part.stop - part.start)}


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

    def needs(self, source):
        self.step("needs")
        return {"range": Range("b")} if self.at != "profile" else {"x": Broken("finish")}

    def start(self, source, /, **profile: Any):
        self.step("start")
        return 0

    def update(self, state, chunk):
        if state:  # not in the first chunk
            self.step("update")
        return state + chunk.rows

    def merge(self, first, second):
        return first + second

    def finish(self, state):
        self.step("finish")
        return state


WANTED = [
    Count("a"),
    MeanStd("b", parse("a > 10")),
    Histogram("a", 7, log=True),
    Histogram2D(Axis("a", 4), Axis("b", 3)),
    Quantiles("source", (0.25, 0.5)),
    SortedCurve("b", 9, 0.5, parse("source > 100")),
    Spearman(("a", "b", "source")),
    CountRows(parse("source < 10")),
]


def same(first, second):
    return repr(first) == repr(second)


@pytest.mark.parametrize("memory", [0, 2**20])
def test_every_reduction_gets_the_value_of_the_whole(memory):
    found = scan(WANTED, Source(ROWS, memory), Reader())
    for reduction in WANTED:
        if not isinstance(reduction, MeanStd):
            assert same(found[reduction], whole(reduction, COLUMNS, memory)), reduction
    values = COLUMNS["b"][COLUMNS["a"] > 10]
    moments = found[WANTED[1]]
    assert (moments.n, moments.mean) == (len(values), pytest.approx(values.mean()))


def test_a_small_source_is_read_once():
    reader = Reader()
    scan(WANTED, Source(ROWS), reader)
    assert reader.readings == [{"a", "b", "source"}]


def test_a_large_source_is_read_twice_and_each_time_only_what_is_needed():
    reader = Reader()
    scan([Histogram("a"), Count("b"), Histogram("a", 9)], Source(ROWS, memory=100), reader)
    assert reader.readings == [{"a"}, {"a", "b"}]


def test_a_source_is_read_once_when_nothing_needs_a_profile():
    reader = Reader()
    scan([Count("a"), Histogram("b", 3, (0.0, 1.0))], Source(ROWS, memory=0), reader)
    assert reader.readings == [{"a", "b"}]


def test_rows_are_counted_without_reading_a_column():
    reader = Reader()
    assert scan([CountRows()], Source(ROWS), reader) == {CountRows(): ROWS}
    assert reader.readings == [set()]


def test_no_reductions_read_nothing():
    reader = Reader()
    assert scan([], Source(ROWS), reader) == {}
    assert reader.readings == []


def test_no_rows_give_values_all_the_same():
    empty = {name: np.empty(0) for name in COLUMNS}
    found = scan(WANTED, Source(0), Reader(empty))
    assert found[Count("a")].rows == 0
    assert not any(isinstance(value, Failure) for value in found.values())


@pytest.mark.parametrize("memory", [0, 50_000, 90_000, 2**20])
@pytest.mark.parametrize("number", range(len(WANTED)))
def test_a_value_does_not_depend_on_which_others_are_known_already(memory, number):
    everything = scan(WANTED, Source(ROWS, memory), Reader())
    others = WANTED[:number] + WANTED[number + 1 :]
    found = scan([WANTED[number]], Source(ROWS, memory), Reader(), beside=others[::-1])
    assert list(found) == [WANTED[number]]
    assert same(found[WANTED[number]], everything[WANTED[number]])


@dataclass(frozen=True)
class Counted(Reduction[int, int]):
    """Counts how often it is asked."""

    name: str
    calls = {"start": 0, "update": 0, "finish": 0, "needs": 0}  # noqa: RUF012

    @property
    def reads(self):
        return frozenset(["b"])

    def needs(self, source):
        self.calls["needs"] += 1
        return {"low": Range("b")}

    def start(self, source, /, **profile):
        self.calls["start"] += 1
        return 0

    def update(self, state, chunk):
        self.calls["update"] += 1
        return state + chunk.rows

    def merge(self, first, second):
        return first + second

    def finish(self, state):
        self.calls["finish"] += 1
        return state


def test_equal_reductions_are_computed_once():
    found = scan([Counted("x"), Counted("x"), Counted("x")], Source(ROWS), Reader())
    assert found == {Counted("x"): ROWS}
    assert Counted.calls == {"start": 1, "update": 4, "finish": 1, "needs": 1}


def test_equal_selections_are_worked_out_once():
    condition = parse("a > 10")
    chunk = Chunk(dict(COLUMNS), ROWS)
    assert chunk.valid("b", condition) is chunk.valid("b", parse("a > 10"))
    assert chunk.mask(condition) is chunk.mask(parse("a>10"))


@pytest.mark.parametrize("step", ["needs", "reads", "start", "update", "finish"])
@pytest.mark.parametrize("error", [ValueError, MemoryError, SourceError])
@pytest.mark.parametrize("memory", [0, 2**20])
def test_a_reduction_that_raises_takes_only_itself_down(step, error, memory):
    broken = Broken(step, error)
    found = scan([*WANTED[:2], broken, *WANTED[2:]], Source(ROWS, memory), Reader())
    assert isinstance(found[broken], Failure)
    assert isinstance(found[broken].error, error)
    assert str(found[broken].error) == f"in {step}"
    alone = scan(WANTED, Source(ROWS, memory), Reader())
    for reduction in WANTED:
        assert same(found[reduction], alone[reduction])


def test_a_reduction_that_raised_is_not_asked_again():
    asked = []

    class Asked(Broken):
        def update(self, state, chunk):
            asked.append(chunk.rows)
            raise ValueError

    scan([Asked("-"), Count("a")], Source(ROWS), Reader())
    assert asked == [300]


def test_what_needs_a_broken_profile_fails_with_its_error():
    needy = Broken("profile")
    found = scan([needy, Count("a")], Source(ROWS), Reader())
    assert str(found[needy].error) == "in finish"
    assert found[Count("a")].rows == ROWS


@dataclass(frozen=True)
class Vandal(Broken):
    """Changes its rows in place."""

    def update(self, state, chunk):
        chunk.columns["b"][:] = 0
        return state


@dataclass(frozen=True)
class VandalOfTheSelected(Broken):
    """Changes the rows of a selection in place."""

    def update(self, state, chunk):
        chunk.valid("b", parse("a > 10"))[:] = 0
        return state


@pytest.mark.parametrize("vandal", [Vandal("-"), VandalOfTheSelected("-")])
def test_a_reduction_cannot_change_the_rows_of_the_others(vandal):
    reduction = MeanStd("b", parse("a > 10"))
    found = scan([vandal, reduction], Source(ROWS), Reader())
    assert isinstance(found[vandal], Failure)
    assert found[reduction].mean == pytest.approx(COLUMNS["b"][COLUMNS["a"] > 10].mean())


@pytest.mark.parametrize("memory", [0, 2**20])
@pytest.mark.parametrize("after", [0, 2])
def test_an_error_of_the_source_is_passed_on(memory, after):
    def read(names):
        for number, chunk in enumerate(Reader()(names)):
            if number == after:
                raise SourceError("the disk is gone")
            yield chunk

    for wanted in ([Count("a")], [Histogram("a")]):
        with pytest.raises(SourceError, match="the disk is gone"):
            scan(wanted, Source(ROWS, memory), read)

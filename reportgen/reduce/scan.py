"""The fused pass: every statistic of every section over one reading of the rows.

An executor runs the tasks of a pass, each a range of rows, and their states are merged in a fixed
tree, so that values have the same bytes whatever the executor (partitions.py).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from reportgen.config.expressions import Condition
from reportgen.reduce.base import Chunk, Derived, OfCatalogue, Reduction, Statistic, Values
from reportgen.reduce.executors import Executor, Inline
from reportgen.reduce.partitions import BLOCK, LEAF, merge_pairwise, parts

AnyStatistic = Statistic[Any]
AnyReduction = Reduction[Any, Any]
Columns = Mapping[str, Values]
ReadRows = Callable[[range], Columns]
States = dict[AnyReduction, Any]


class Source(Protocol):
    """A table that can be read in several threads and processes at once."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    def reading(self, columns: frozenset[str]) -> AbstractContextManager[ReadRows]:
        """Open the table; gives a function that returns some rows of the columns."""


@dataclass(frozen=True)
class Failure:
    """Why a statistic has no value."""

    error: Exception


_TOO_DEEP = Failure(ValueError("what must be known before the pass cannot need anything itself"))


def scan(
    statistics: Iterable[AnyStatistic],
    source: Source,
    exact_rows: int,
    executor: Executor | None = None,
    known: Mapping[AnyStatistic, Any] | None = None,
) -> dict[AnyStatistic, Any]:
    """Compute statistics in one pass over a source, after at most one for what they need.

    A source of at most exact_rows is read once and kept in memory. Equal statistics are computed
    once, and so is what several are derived from. Returns a value for each, or a Failure for one
    that raised; the others are not affected. Whatever the source raises, such as SourceError, is
    passed on. known: values of what is needed of other catalogues.
    """
    executor = executor or Inline()
    exact = source.rows <= exact_rows
    wanted = Plan.of(statistics, exact)
    before = Plan.of(wanted.needed, exact)
    known = dict(known or {})
    if exact and (columns := wanted.columns | before.columns):
        blocks = _Blocks(columns)
        source = _InMemory(source.rows, Pass(source, {blocks: {}}).states(executor)[blocks])
    known |= before.values(source, executor, known)
    return wanted.values(source, executor, known)


def columns_read(statistics: Iterable[AnyStatistic], exact: bool) -> frozenset[str]:
    """Return all columns that a scan reads for some statistics, but for those that fail."""
    wanted = Plan.of(statistics, exact)
    return wanted.columns | Plan.of(wanted.needed, exact).columns


def selections(statistics: Iterable[AnyStatistic], exact: bool) -> frozenset[Condition] | None:
    """Return what selects the rows that a scan reads for some statistics; None for all rows."""
    wanted = Plan.of(statistics, exact)
    needs = [each for each in (*wanted.needs, *Plan.of(wanted.needed, exact).needs) if each.columns]
    found = [getattr(each, "where", None) for each in needs]
    chosen = [each for each in found if isinstance(each, Condition)]
    return frozenset(chosen) if chosen and len(chosen) == len(found) else None


def of_other_catalogues(
    statistics: Iterable[AnyStatistic], exact: bool
) -> dict[str, list[AnyStatistic]]:
    """Return by name what must be known of other catalogues before some statistics are."""
    wanted = Plan.of(statistics, exact)
    found: dict[str, list[AnyStatistic]] = {}
    for each in [*wanted.others, *Plan.of(wanted.needed, exact).others]:
        found.setdefault(each.catalogue, []).append(each.statistic)
    return found


@dataclass(frozen=True)
class Plan:
    """How some statistics are computed.

    parts: the reductions that each is derived from, or that it is. needs: what each of these that
    is of the scanned catalogue needs to be known before. failed: those that raised when they were
    asked. others: what is needed of other catalogues.
    """

    parts: dict[AnyStatistic, tuple[AnyReduction | OfCatalogue[Any], ...]]
    needs: dict[AnyReduction, Mapping[str, AnyStatistic]]
    failed: dict[AnyStatistic, Any]
    others: list[OfCatalogue[Any]]

    @staticmethod
    def of(statistics: Iterable[AnyStatistic], exact: bool) -> "Plan":
        """Plan how to compute some statistics. exact: whether all rows may be kept."""
        plan = Plan({}, {}, {}, [])
        for statistic in dict.fromkeys(statistics):
            asked = attempt(_asked, statistic, exact)
            if isinstance(asked, Failure):
                plan.failed[statistic] = asked
                continue
            plan.parts[statistic], needs = asked
            plan.needs.update(needs)
            needed = [each for of_part in needs.values() for each in of_part.values()]
            given = [*plan.parts[statistic], *needed]
            plan.others.extend(each for each in given if isinstance(each, OfCatalogue))
        return plan

    @property
    def needed(self) -> list[AnyStatistic]:
        """What must be known of the scanned catalogue before."""
        needed = [each for needs in self.needs.values() for each in needs.values()]
        return [each for each in needed if not isinstance(each, OfCatalogue)]

    @property
    def columns(self) -> frozenset[str]:
        """Columns that are read."""
        return frozenset().union(*(reduction.columns for reduction in self.needs))

    def values(
        self, source: Source, executor: Executor, known: Mapping[AnyStatistic, Any]
    ) -> dict[AnyStatistic, Any]:
        """Return the value of each statistic. known: what they need, or are derived from."""
        states: States = {}
        needed: dict[AnyReduction, Mapping[str, Any]] = {}
        for reduction, needs in self.needs.items():
            if reduction in known:
                continue
            values = {name: known.get(each, _TOO_DEEP) for name, each in needs.items()}
            failure = _first_failure(values.values())
            if failure is None:
                needed[reduction] = values
            else:
                states[reduction] = failure
        states |= Pass(source, needed).states(executor) if needed else {}
        return self.failed | self._finished(states, known)

    def _finished(
        self, states: States, known: Mapping[AnyStatistic, Any]
    ) -> dict[AnyStatistic, Any]:
        """Return the value of each statistic. states: of reductions, let go once they are used.

        known: the values of all others.
        """
        uses = Counter(part for found in self.parts.values() for part in found)
        place = {part: number for number, part in enumerate(uses)}
        done: dict[AnyStatistic, Any] = {}
        values: dict[AnyStatistic, Any] = {}
        # Those that share a part come together, so that few values as large as a column are kept.
        for statistic, found in sorted(self.parts.items(), key=lambda each: place[each[1][-1]]):
            for part in found:
                if part in done:
                    continue
                if isinstance(part, Reduction) and part in states:
                    done[part] = attempt_with(part.finish, states.pop(part))
                else:
                    done[part] = known.get(part, _TOO_DEEP)
            given = [done[part] for part in found]
            derive = statistic.derive if isinstance(statistic, Derived) else _itself
            values[statistic] = attempt_with(derive, *given)
            uses.subtract(found)
            for part in found:
                if not uses[part]:
                    done.pop(part, None)
        return values


def _asked(statistic: AnyStatistic, exact: bool) -> tuple[tuple[Any, ...], dict[Any, Any]]:
    """Return the reductions that a statistic is derived from, or that it is, and what they need."""
    parts: tuple[Any, ...] = (statistic,)
    if isinstance(statistic, Derived):
        parts = statistic.parts(exact)
    if not parts or not all(isinstance(part, Reduction | OfCatalogue) for part in parts):
        raise TypeError(f"{type(statistic).__name__} is neither a reduction nor derived from any")
    _ = [part.columns for part in parts]  # a plugin's may raise
    return parts, {part: part.needs() for part in parts if isinstance(part, Reduction)}


@dataclass(frozen=True)
class Pass:
    """One reading of a source. needed: the values that each reduction needs, by name."""

    source: Source
    needed: Mapping[AnyReduction, Mapping[str, Any]]

    def states(self, executor: Executor) -> States:
        """Return the state of each reduction, or a Failure, for all rows."""
        rows = range(self.source.rows)
        if executor.is_inline:
            # Opened once: of some files the rows before those that are read are read, too.
            with self.source.reading(self._columns) as read:
                states = executor.run(rows, partial(self._task, read), self._merged)
        else:
            states = executor.run(rows, self.task, self._merged)
        return dict(zip(self.needed, states, strict=True))

    def task(self, rows: range) -> list[Any]:
        """Return the state of each reduction, or a Failure, for some leaves."""
        with self.source.reading(self._columns) as read:
            return self._task(read, rows)

    @property
    def _columns(self) -> frozenset[str]:
        return frozenset().union(*(each.columns for each in self.needed))

    def _task(self, read: ReadRows, rows: range) -> list[Any]:
        leaves = (self._leaf(read, leaf) for leaf in parts(rows, LEAF))
        return merge_pairwise(leaves, self._merged)

    def _leaf(self, read: ReadRows, rows: range) -> list[Any]:
        states = [attempt(each.start, **needed) for each, needed in self.needed.items()]
        for block in parts(rows, BLOCK) if rows else ():
            chunk = Chunk(read(block), len(block), block.start)
            for place, reduction in enumerate(self.needed):
                states[place] = attempt_with(reduction.update, states[place], chunk)
        return states

    def _merged(self, first: list[Any], second: list[Any]) -> list[Any]:
        each = zip(self.needed, first, second, strict=True)
        return [attempt_with(reduction.merge, a, b) for reduction, a, b in each]


def attempt_with(step: Callable[..., Any], *given: Any) -> Any:
    """Take a step of a reduction, unless what it is given is a Failure; then that is the result."""
    failure = _first_failure(given)
    return attempt(step, *given) if failure is None else failure


def attempt(step: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
    """Take a step of a reduction; give a Failure if it raises."""
    try:
        return step(*given, **named)
    except Exception as error:  # a plugin's error is its section's
        return Failure(error)


def _first_failure(values: Iterable[Any]) -> Failure | None:
    return next((value for value in values if isinstance(value, Failure)), None)


def _itself(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class _Blocks(Reduction[list[Columns], list[Columns]]):
    """The rows themselves, block by block."""

    of: frozenset[str]

    @property
    def reads(self) -> frozenset[str]:
        return self.of

    def start(self) -> list[Columns]:
        return []

    def update(self, state: list[Columns], chunk: Chunk) -> list[Columns]:
        return [*state, chunk.read]

    def merge(self, first: list[Columns], second: list[Columns]) -> list[Columns]:
        return first + second


@dataclass(frozen=True)
class _InMemory:
    """A source that has been read."""

    rows: int
    blocks: Sequence[Columns]

    def reading(self, columns: frozenset[str]) -> AbstractContextManager[ReadRows]:
        return nullcontext(self._read)

    def _read(self, rows: range) -> Columns:
        return self.blocks[rows.start // BLOCK]

"""A statistic of each group of rows, which a column of texts or numbers tells apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reportgen.config.expressions import Condition
from reportgen.errors import SectionError
from reportgen.reduce.base import Chunk, Derived, Integers, Reduction, Statistic
from reportgen.reduce.quantiles import MedianAndScatter
from reportgen.wording import count

MOST_GROUPS = 1000
KEYS = 2**12
"""Values that are told apart in one of many groups, where not all rows are kept."""

Group = str | int | float


@dataclass(frozen=True)
class ByGroup:
    """A value for each group, in order. missing: selected rows that belong to none."""

    values: dict[Group, Any]
    missing: int


@dataclass
class GroupsState:
    """The state of each group. needed: what a new one begins with."""

    needed: Mapping[str, Any]
    groups: dict[Group, Any] = field(default_factory=dict)
    missing: int = 0


@dataclass(frozen=True)
class InGroups(Reduction[GroupsState, ByGroup]):
    """A reduction of the selected rows of each group; what it needs is that of all rows."""

    by: str
    of: Reduction[Any, Any]

    @property
    def reads(self) -> frozenset[str]:
        return self.of.columns | {self.by}

    @property
    def where(self) -> Condition | None:
        """The selection of rows."""
        return getattr(self.of, "where", None)

    def needs(self) -> Mapping[str, Statistic[Any]]:
        return self.of.needs()

    def start(self, /, **needed: Any) -> GroupsState:
        return GroupsState(needed)

    def update(self, state: GroupsState, chunk: Chunk) -> GroupsState:
        parts, missing = groups_of(chunk, self.by, self.where)
        state.missing += missing
        for group, part in parts.items():
            known = state.groups.get(group)
            begun = self.of.start(**state.needed) if known is None else known
            state.groups[group] = self.of.update(begun, part)
        return self._checked(state)

    def merge(self, first: GroupsState, second: GroupsState) -> GroupsState:
        for group, state in second.groups.items():
            known = first.groups.get(group)
            first.groups[group] = state if known is None else self.of.merge(known, state)
        first.missing += second.missing
        return self._checked(first)

    def _checked(self, state: GroupsState) -> GroupsState:
        if len(state.groups) > MOST_GROUPS:
            raise SectionError(
                f"{self.by} has over {count(MOST_GROUPS)} different values, too many for groups",
                "take a column of fewer, or select some with where:",
            )
        return state

    def finish(self, state: GroupsState) -> ByGroup:
        return ByGroup(
            {group: self.of.finish(state.groups[group]) for group in sorted(state.groups)},
            state.missing,
        )


@dataclass(frozen=True)
class OfGroups(Derived[ByGroup]):
    """A statistic of the selected rows of each group."""

    by: str
    of: Statistic[Any]

    @property
    def reads(self) -> frozenset[str]:
        return self.of.columns | {self.by}

    def parts(self, exact: bool) -> tuple[InGroups, ...]:
        parts = self.of.parts(exact) if isinstance(self.of, Derived) else (self.of,)
        return tuple(InGroups(self.by, part) for part in parts if isinstance(part, Reduction))

    def derive(self, *found: ByGroup) -> ByGroup:
        if not isinstance(self.of, Derived):
            return found[0]
        parts = self.parts(exact=True)
        groups = sorted({group for each in found for group in each.values})
        values = {}
        for group in groups:
            of_parts = (
                each.values[group] if group in each.values else part.of.finish(part.of.start())
                for part, each in zip(parts, found, strict=True)
            )
            values[group] = self.of.derive(*of_parts)
        # Parts of the same rows lack the same ones.
        missing = {part.where: each.missing for part, each in zip(parts, found, strict=True)}
        return ByGroup(values, sum(missing.values()))


@dataclass(frozen=True)
class Spread:
    """Number of valid values, their median and 1.4826 median absolute deviations; NaN if none.

    Of a share of them, that and its error.
    """

    n: int
    median: float
    scatter: float


def median_and_scatter(column: str, where: Condition | None = None) -> MedianAndScatter:
    """Return the statistic of a column in each of many groups."""
    return MedianAndScatter(column, where, KEYS)


@dataclass(frozen=True)
class ShareOfTrue(Reduction[Integers, Spread]):
    """Percent of the valid values of a column that are not 0, and its standard error."""

    column: str
    where: Condition | None = None

    def start(self) -> Integers:
        return np.zeros(2, dtype=np.int64)

    def update(self, state: Integers, chunk: Chunk) -> Integers:
        values = chunk.valid(self.column, self.where)
        counts: Integers = np.array([len(values), np.count_nonzero(values)], dtype=np.int64)
        return state + counts

    def merge(self, first: Integers, second: Integers) -> Integers:
        return first + second

    def finish(self, state: Integers) -> Spread:
        n, true = state.tolist()
        return share_of(true, n)


def share_of(true: int, n: int) -> Spread:
    """Return percent of n and its standard error."""
    share = true / n if n else float("nan")
    return Spread(n, 100 * share, 100 * np.sqrt(share * (1 - share) / max(n, 1)))


def groups_of(chunk: Chunk, by: str, where: Condition | None) -> tuple[dict[Group, Chunk], int]:
    """Return the selected rows of each group, and how many belong to none."""

    def split() -> tuple[dict[Group, Chunk], int]:
        stored = chunk.stored(by, where)
        numbers = stored if stored.ndim == 1 else stored[0]
        valid = np.flatnonzero(~np.isnan(numbers))
        places = valid if where is None else np.flatnonzero(chunk.mask(where))[valid]
        unique, number = np.unique(numbers[valid], return_inverse=True)
        if len(unique) > MOST_GROUPS:
            unique = unique[: MOST_GROUPS + 1]
        order = np.argsort(number, kind="stable")
        stops = np.cumsum(np.bincount(number, minlength=len(unique)))[: len(unique)]
        parts = {}
        for value, rows in zip(unique.tolist(), np.split(order, stops)[: len(unique)], strict=True):
            at = places[rows]
            read = {name: values[..., at] for name, values in chunk.read.items()}
            parts[as_group(value)] = Chunk(read, len(at))
        return parts, len(numbers) - len(valid)

    return chunk.once(("groups", by, where), split)


def as_group(value: Any) -> Group:
    """Return a value as the name of a group: a whole number without decimals."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    group: Group = value
    return group

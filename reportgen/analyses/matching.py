"""Sections on two catalogues: the keys that say how objects are paired, and what pairs give."""

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from pydantic import ValidationInfo, ValidatorFunctionWrapHandler, model_validator

from reportgen.analyses.base import Analysis
from reportgen.analyses.grouping import Grouping, GroupsShown, show_groups, spreads_of
from reportgen.config.columns import Column
from reportgen.config.expressions import Condition
from reportgen.config.problems import KeyPath
from reportgen.config.types import (
    CATALOGUES_OWN,
    Angle,
    Block,
    BlockError,
    CatalogueName,
    ColumnRef,
    DecRef,
    RaRef,
    Selection,
)
from reportgen.reduce.already_matched import AlreadyMatched
from reportgen.reduce.base import Integers, Statistic, Values
from reportgen.reduce.by_group import Group, as_group
from reportgen.reduce.match import Match, MatchedColumns, PairColumns, ReferencePositions
from reportgen.reduce.moments import robust_std
from reportgen.wording import count, counted, number, percent

LEAST_SHIFT = 60.0  # arcseconds; no pair of the same object is as far apart
SHIFTS = (-2, -1, 1, 2)


class OtherCatalogueBlock(Block):
    """A block whose columns are those of the catalogue that it names."""

    catalogue: CatalogueName
    """The other catalogue."""

    @model_validator(mode="wrap")
    @classmethod
    def _columns_of_the_other(
        cls, value: Any, validate: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:
        context: dict[str, Any] = info.context or {}
        if "columns" not in context or not isinstance(value, dict):
            return validate(value)
        own = context["columns"]
        context["columns"] = (context.get("catalogues") or {}).get(str(value.get("catalogue")))
        try:
            return validate(value)
        finally:
            context["columns"] = own


class MatchBlock(OtherCatalogueBlock):
    """Another catalogue, and which of its objects are taken for the same as one of ours."""

    ra: RaRef = CATALOGUES_OWN
    """Its right ascension in degrees; its own when not given."""
    dec: DecRef = CATALOGUES_OWN
    """Its declination in degrees; its own when not given."""
    where: Selection | None = None
    """Which of its objects to use."""
    radius: Angle
    """How far apart positions of one object may be, such as 5 arcsec."""
    rule: Literal["mutual", "nearest", "unique"] = "mutual"
    """mutual: each is the other's nearest; nearest: the nearest of each of ours, though others may
    share it; unique: no other is within the radius of either."""


class PositionBlock(Block):
    """Where each row of ours has the position of its counterpart."""

    ra: ColumnRef
    """Right ascension of the counterpart in degrees."""
    dec: ColumnRef
    """Declination of the counterpart in degrees."""


class PairAnalysis(Analysis, Grouping):
    """An analysis of the rows of a catalogue and their counterparts.

    A subclass has the keys ``match``, a MatchBlock or more, and ``matched``: columns of the
    counterparts in the same table.
    """

    ra: RaRef = CATALOGUES_OWN
    """Right ascension in degrees; the catalogue's when not given."""
    dec: DecRef = CATALOGUES_OWN
    """Declination in degrees; the catalogue's when not given."""
    match: MatchBlock | None = None
    """Another catalogue to match with: {catalogue, radius, ra, dec, where, rule}."""
    matched: Block | None = None
    """Columns of the counterpart in a table that is matched already, in place of match."""

    @model_validator(mode="after")
    def _one_way_to_match(self) -> "PairAnalysis":
        if (self.match is None) == (self.matched is None):
            raise ValueError("give match: (another catalogue) or matched: (columns), one of them")
        if problems := match_problems(self, "match" if self.match else "matched"):
            raise BlockError(problems)
        return self

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The catalogue, and the one it is matched with."""
        names = [self.catalogue, *([self.match.catalogue] if self.match else [])]
        return tuple(("catalogues", name) for name in names)

    @property
    def there(self) -> tuple[Column, Column] | None:
        """Columns of the counterpart's position; None where a table that is matched has none."""
        if self.match is not None:
            return self.match.ra, self.match.dec
        if isinstance(self.matched, PositionBlock):
            return self.matched.ra, self.matched.dec
        return None

    def pairs(self, own: Iterable[Column], other: Iterable[Column]) -> Statistic[PairColumns]:
        """Return what gives columns of pairs, and their positions.

        own, other: columns of both sides. In a table that is matched already, a row has a
        counterpart where it has all others.
        """
        others = tuple(dict.fromkeys(column.name for column in (*other, *(self.there or ()))))
        by = [] if self.by is None else [self.by]
        owns = tuple(dict.fromkeys(each.name for each in (self.ra, self.dec, *own, *by)))
        if self.match is not None:
            return MatchedColumns(self.matching(), owns, others)
        there = None if self.there is None else (self.there[0].name, self.there[1].name)
        position = self.ra.name, self.dec.name
        return AlreadyMatched(position, owns, others, others, there, self.where)

    def chance(self) -> dict[str, Statistic[Any]]:
        """Return what gives the pairs that chance alone makes, by a name; none if matched."""
        if self.match is None:
            return {}
        step = max(LEAST_SHIFT, 12 * self.match.radius.to("arcsec"))
        return {f"chance_{n}": self.matching(n * step) for n in SHIFTS}

    def matching(self, shift: float = 0.0) -> Match:
        """Return what pairs objects with those of the other catalogue; shift: as of a Match."""
        assert self.match is not None  # noqa: S101
        return matching(self.ra, self.dec, self.match, self.where, shift)

    def groups(self, found: PairColumns, *of: tuple[Column, Values]) -> list[GroupsShown]:
        """Return what is shown of the groups of pairs, for each of some quantities; none without.

        of: what is measured, its name that of the metric, and its value for each pair.
        """
        if self.by is None:
            return []
        members = found.own[self.by.name].tolist()
        return [show_groups(self, spreads_of(members, values), quantity) for quantity, values in of]

    def of_each(self, found: PairColumns) -> dict[Group, Integers]:
        """Return the places of the pairs of each group, in order; none without groups."""
        if self.by is None:
            return {}
        places: dict[Group, list[int]] = {}
        for place, group in enumerate(found.own[self.by.name].tolist()):
            if group == group:  # noqa: PLR0124 - not NaN
                places.setdefault(as_group(group), []).append(place)
        return {group: np.array(places[group]) for group in sorted(places)}

    def how_paired(self, found: PairColumns) -> str:
        """Say how many of our objects have a counterpart."""
        pairs = found.pairs
        objects = counted(pairs.rows - pairs.outside, "objects")
        if self.match is None:
            return f"{count(pairs.n)} of {objects} have a counterpart"
        inside = f" where {self.match.catalogue} reaches" if pairs.outside else ""
        share = percent(pairs.n / (pairs.rows - pairs.outside))
        radius = number(self.match.radius.to("arcsec"))
        return (
            f"{count(pairs.n)} of {objects}{inside} ({share}) have a counterpart in "
            f"{self.match.catalogue} within {radius}″"
        )


def matching(
    ra: Column, dec: Column, block: MatchBlock, where: Condition | None, shift: float = 0.0
) -> Match:
    """Return what pairs the objects of a catalogue with those of another; shift: as of a Match."""
    return Match(
        ra.name,
        dec.name,
        block.catalogue,
        ReferencePositions(block.ra.name, block.dec.name, block.where),
        block.radius.to("arcsec"),
        block.rule,
        where,
        shift,
    )


def match_problems(section: Any, key: str) -> dict[KeyPath, str]:
    """Return what is wrong with the positions of a section and of the block that key names.

    Without a unit they are in degrees.
    """
    problems: dict[KeyPath, str] = {}
    other, path = getattr(section, key), (key,)
    if getattr(other, "catalogue", None) == section.catalogue:
        problems[key, "catalogue"] = f"{section.catalogue} is the section's own catalogue"
    for keys, block in (((), section), (path, other)):
        for name in ("ra", "dec"):
            column: Column | None = getattr(block, name, None)
            if column is not None and column.is_known and column.unit not in ("deg", ""):
                said = f"{column.name} must be in degrees; its unit is {column.unit}"
                problems[(*keys, name)] = said
    return problems


def no_pairs(found: PairColumns, name: str) -> str:
    """Say that nothing is matched, and why if that is known."""
    pairs = found.pairs
    if not pairs.objects:
        return f"{name} has no objects with a position"
    if pairs.outside == pairs.rows:
        return f"no object lies where {name} reaches"
    return f"none of {counted(pairs.rows - pairs.outside, 'objects')} has a counterpart in {name}"


def robust(values: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    """Return the median of finite values, 1.4826 median absolute deviations, and its error.

    The error is 1.2533 of these deviations over √n, which holds for normal values. NaN for none.
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return (float("nan"),) * 3
    scatter = robust_std(values)
    return float(np.median(values)), scatter, 1.2533 * scatter / np.sqrt(len(values))

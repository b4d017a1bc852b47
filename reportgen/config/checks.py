"""The checks of a section in the YAML: limits, tolerances, waivers, and who answers for them."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from reportgen.config.columns import unit_symbol, with_unit
from reportgen.config.problems import KeyPath, shortened
from reportgen.config.sources import Unit
from reportgen.config.types import (
    Block,
    BlockError,
    ColumnRef,
    Count,
    NotNegative,
    Percent,
    Positive,
    Real,
    ReferenceName,
    Several,
    Text,
    read_number,
    resolve_path,
)
from reportgen.config.unit_arithmetic import factor, without_beam
from reportgen.wording import exact

Kind = Literal[
    "min", "max", "equals", "within", "drift", "rows_at_least", "fresh", "missing_at_most"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
OF_A_NUMBER = KINDS[:5]
"""Kinds that need a metric or a cell; the others are about the whole section."""

_RUN_ID = re.compile(r"\d{8}T\d{6}Z(-\d+)?")


def _date(value: object) -> date:
    text = value.strip() if isinstance(value, str) else str(value)
    if not (isinstance(value, str | date) and re.fullmatch(r"\d{4}-\d\d-\d\d", text)):
        raise ValueError(f"should be a date such as 2026-11-23, not {shortened(repr(value))}")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no day of the calendar") from None


Night = Annotated[
    date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})
]


def _row(value: object) -> object:
    if isinstance(value, Mapping) and value:
        for wanted in value.values():
            if not isinstance(wanted, str | int | float) or isinstance(wanted, bool):
                raise ValueError("the value that chooses the row should be a text or a number")
            if isinstance(wanted, float) and not math.isfinite(wanted):
                raise ValueError("the value that chooses the row should be a finite number")
        return dict(value)
    number = read_number(value)
    if isinstance(number, int) and not isinstance(number, bool) and number >= 0:
        return number
    raise ValueError("should be a number, counted from 0, or {column: value}")


Row = Annotated[
    int | Mapping[str, str | int | float],
    PlainValidator(_row),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "object"}]}),
]


def _run(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        raise ValueError("should be the id of a run or the path of a run folder")
    text = value.strip()
    return text if _RUN_ID.fullmatch(text) else resolve_path(value, info)


RunReference = Annotated[str | Path, PlainValidator(_run), WithJsonSchema({"type": "string"})]
"""Id of a run of this report, or path of a run folder."""


class CellBlock(Block):
    """One cell of a table of the section."""

    table: Text
    """Id of the table: the name of its file in the run folder."""
    row: Row
    """Which row: counted from 0, or {column: value} of the one row that has the value."""
    column: Text
    """Which column, by its name."""


class WithinBlock(Block):
    """A tolerance around the value that a reference run has."""

    of: ReferenceName
    """Name of the reference run, one of references:."""
    absolute: NotNegative | None = None
    """Distance that is allowed, in the unit of the metric."""
    relative: NotNegative | None = None
    """Distance that is allowed as a fraction of the reference: 0.05 is 5 %; the larger counts."""

    @model_validator(mode="after")
    def _some_tolerance(self) -> "WithinBlock":
        if self.absolute is None and self.relative is None:
            raise ValueError("give absolute or relative: how far from the reference is allowed")
        return self

    def tolerance(self, reference: float) -> float:
        """Return the distance from a reference that is allowed."""
        return max(self.absolute or 0.0, (self.relative or 0.0) * abs(reference))


class DriftBlock(Block):
    """A limit on the distance from the median of the last nights, in units of their scatter.

    The scatter is 1.4826 times the median absolute deviation, the standard deviation if normal.
    """

    nights: Several = 14
    """How many nights to look back."""
    most: Positive = 5.0
    """Distance from their median that is allowed, in units of their scatter."""
    floor: NotNegative = 0.0
    """Least scatter that is assumed, in the unit of the metric: smaller changes do not matter."""
    at_least: Several = 5
    """Nights with a value that are needed; with fewer the check is not judged, and says so."""

    @model_validator(mode="after")
    def _can_be_reached(self) -> "DriftBlock":
        if self.at_least > self.nights:
            said = f"at_least ({self.at_least}) is more than nights ({self.nights})"
            key = "at_least" if "at_least" in self.model_fields_set else "nights"
            raise BlockError({(key,): f"{said}: the check could never fail"})
        return self


class MissingBlock(Block):
    """A limit on the share of rows without a valid value."""

    column: ColumnRef
    """Which column of the catalogue."""
    percent: Percent
    """Share of the section's rows without a valid value that is allowed, in percent."""


class WaiveBlock(Block):
    """A fail or warning that is accepted for a while."""

    until: Night
    """Last day of the waiver; the day after, the check fails again."""
    reason: Text
    """Why it is accepted."""
    owner: Text | None = None
    """Who accepted it."""


class CheckBlock(Block):
    """Checks of one metric, of one cell of a table, or of the whole section."""

    # Made once for all analyses, which else would each make it again.
    model_config = ConfigDict(defer_build=False)

    metric: Text | None = None
    """Name of a metric of the section."""
    cell: CellBlock | None = None
    """A cell of a table instead: {table, row, column}."""
    min: Real | None = None
    """Smallest value that is ok."""
    max: Real | None = None
    """Largest value that is ok."""
    equals: Real | None = None
    """The value it should have."""
    tolerance: NotNegative | None = None
    """How far from equals is ok; 0 when not given."""
    unit: Unit | None = None
    """Unit of min, max, equals and tolerance, such as uJy; that of the metric when not given."""
    within: WithinBlock | None = None
    """Near the value of a reference run: {of, absolute, relative}."""
    drift: DriftBlock | None = None
    """Not far from the median of the last nights: {nights, most, floor, at_least}."""
    rows_at_least: Count | None = None
    """Fewest rows, or images, that the section must have used."""
    fresh: Positive | None = None
    """Most hours between the last change of the section's source files and the run."""
    missing_at_most: MissingBlock | None = None
    """Share of rows without a valid value that is ok: {column, percent}."""
    severity: Literal["warn", "fail"] = "fail"
    """What it means when the check does not hold."""
    reason: Text | None = None
    """Why there is this limit."""
    owner: Text | None = None
    """Who answers for it."""
    from_: Annotated[Night | None, Field(alias="from")] = None
    """First night on which it is in force."""
    until: Night | None = None
    """Last night on which it is in force."""
    waive: WaiveBlock | None = None
    """Accept that it does not hold: {until, reason, owner}."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The tests that are asked for."""
        return tuple(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def said(self) -> str:
        """The metric and its limits, in words."""
        ends = (("at least", self.min), ("at most", self.max), ("equal to", self.equals))
        limits = [
            f"{word} {with_unit(exact(end), self.unit or '')}"
            for word, end in ends
            if end is not None
        ]
        return f"{self.metric} {' and '.join(limits)}"

    def in_unit(self, unit: str) -> "CheckBlock":
        """Return the check with its limits in the unit of a metric, whether of a flux or per beam.

        Raises ValueError where its own unit measures something else.
        """
        if self.unit is None:
            return self
        try:
            by = factor(without_beam(self.unit), without_beam(unit))
        except (ValueError, TypeError):
            has = f"is in {unit_symbol(unit)}" if unit else "has no unit"
            raise ValueError(
                f"the limit is in {unit_symbol(self.unit)}, the number {has}"
            ) from None
        limits = ("min", "max", "equals", "tolerance")
        given = {key: value for key in limits if (value := getattr(self, key)) is not None}
        # Rounded, lest 35 uJy be 3.4999999999999997e-05 Jy in sentences.
        scaled = {key: float(f"{by * value:.12g}") for key, value in given.items()}
        return self.model_copy(update={"unit": None, **scaled})

    @model_validator(mode="after")
    def _fits_together(self) -> "CheckBlock":
        if not self.kinds:
            raise ValueError(f"nothing is checked: give one or more of {', '.join(KINDS)}")
        if problems := dict(self._contradictions()):
            raise BlockError(problems)
        return self

    def _contradictions(self) -> Iterator[tuple[KeyPath, str]]:
        subject = self.metric is not None or self.cell is not None
        if self.metric is not None and self.cell is not None:
            yield ("cell",), "give metric or cell, not both"
        for kind in self.kinds:
            if kind in OF_A_NUMBER and not subject:
                yield (kind,), f"{kind} needs a metric or a cell"
            elif kind not in OF_A_NUMBER and subject:
                yield (kind,), f"{kind} is about the whole section: put it in an item of its own"
        if self.drift is not None and self.cell is not None:
            yield ("drift",), "drift needs a metric: the history keeps no tables"
        yield from self._limits_apart()
        if self.from_ and self.until and self.from_ > self.until:
            yield ("until",), f"until ({self.until}) is before from ({self.from_})"

    def _limits_apart(self) -> Iterator[tuple[KeyPath, str]]:
        low = -math.inf if self.min is None else self.min
        high = math.inf if self.max is None else self.max
        if low > high:
            yield ("min",), f"min ({exact(low)}) is larger than max ({exact(high)})"
        elif self.equals is not None:
            spare = self.tolerance or 0.0
            if self.equals + spare < low or self.equals - spare > high:
                yield ("equals",), "equals is outside min and max"
        if self.tolerance is not None and self.equals is None:
            yield ("tolerance",), "tolerance belongs to equals, which is not given"
        if self.unit is not None and {self.min, self.max, self.equals} == {None}:
            yield ("unit",), "unit belongs to min, max and equals, none of which is given"


def checks_of(checks: Iterable[CheckBlock], metric: str, unit: str) -> list[CheckBlock]:
    """Return the checks of a metric with limits in its unit; without those that measure another."""
    found = []
    for check in checks:
        with suppress(ValueError):  # it cannot be made, and says so
            found += [check.in_unit(unit)] if check.metric == metric else []
    return found

"""The rules of a table: what each asks, in words and as what is counted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count as numbers
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from reportgen.analyses.base import in_unit
from reportgen.config.checks import CheckBlock, WaiveBlock
from reportgen.config.columns import Column
from reportgen.config.expressions import Condition, parse
from reportgen.config.types import (
    Angle,
    AnyColumnRef,
    AnyQuantity,
    Block,
    BlockError,
    ColumnRef,
    Count,
    Name,
    Quantity,
    Selection,
    Share,
    Text,
)
from reportgen.reduce.base import Statistic
from reportgen.reduce.rules import CountClose, CountKept, CountRepeated, Kept
from reportgen.wording import exact, listed

KINDS = ("between", "above", "below", "unique", "apart", "bits", "holds", "missing_with")
OF_NUMBERS = ("between", "above", "below", "bits")


AtMost = Annotated[  # reads "at most 5 percent" as 5 percent
    Share,
    BeforeValidator(lambda v: v.strip().removeprefix("at most") if isinstance(v, str) else v),
]


@dataclass(frozen=True, eq=False)
class Criterion:
    """What is counted for a rule.

    said: in words. most: percentage of the rows that may break it. text: what holds of a row that
    keeps it; empty for a rule that compares rows.
    """

    rule: "Rule"
    name: str
    said: str
    most: float
    text: str = ""

    def statistic(self, where: Condition | None) -> Statistic[Any]:
        """Return what is to be computed."""
        if self.text:
            return CountKept(self.rule.holds or parse(self.text), where)
        if self.rule.apart is None:
            return CountRepeated(self.rule.subject.name, where)
        ra, dec = (in_unit(column, "deg") for column in self.rule.columns or ())
        return CountClose(ra, dec, self.rule.apart.to("arcsec") / 3600, where)

    def share(self, found: Kept | None) -> float:
        """Return the percentage of the rows that break it; NaN where that is not known."""
        judged = 0 if found is None else found.kept + found.broken
        return 100 * found.broken / judged if found is not None and judged else np.nan

    @property
    def check(self) -> CheckBlock:
        """The check that it is."""
        return CheckBlock(
            metric=f"{self.name}_broken_percent",
            max=self.most,
            severity=self.rule.severity,
            reason=self.rule.reason,
            owner=self.rule.owner,
            waive=self.rule.waive,
        )


class Rule(Block):
    """One rule; it is a check of its section, with severity, reason, owner and waiver."""

    name: Name | None = None
    """What its metrics are called; made of the column and the kind when not given."""
    column: AnyColumnRef | None = None
    """The column that it is about."""
    columns: tuple[ColumnRef, ColumnRef] | None = None
    """Right ascension and declination, for apart."""
    between: tuple[AnyQuantity, AnyQuantity] | None = None
    """Smallest and largest value, such as [0, 360]."""
    above: AnyQuantity | None = None
    """What values must be larger than."""
    below: AnyQuantity | None = None
    """What values must be smaller than."""
    unique: Literal[True] | None = None
    """No two rows have the same value; not judged beyond exact_rows."""
    apart: Angle | None = None
    """Positions have no other within this distance; not judged beyond exact_rows."""
    bits: dict[Count, AtMost] | None = None
    """Bits of a flag, by their value, and the share of rows in which they may be set."""
    holds: Selection | None = None
    """What must be true of each row, such as: peak_flux > 3 * local_rms."""
    missing_with: AnyColumnRef | None = None
    """Another column, which has a value in the same rows and in no others."""
    at_least: Share = Field(default="100 percent", validate_default=True)
    """Share of the rows that must keep the rule; of bits each says its own."""
    severity: Literal["warn", "fail"] = "fail"
    """What it means when too few rows keep the rule."""
    reason: Text | None = None
    """Why there is this rule."""
    owner: Text | None = None
    """Who answers for it."""
    waive: WaiveBlock | None = None
    """Accept that it is broken: {until, reason, owner}."""

    @property
    def subject(self) -> Column:
        """The column that it is about."""
        assert self.column is not None  # noqa: S101 - the validator has seen to it
        return self.column

    @model_validator(mode="after")
    def _is_one_rule(self) -> "Rule":
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of {', '.join(KINDS)}, not {listed(given) or 'none'}")
        kind = given[0]
        needed = {"apart": "columns", "holds": None}.get(kind, "column")
        for key in ("column", "columns")[:: -1 if kind == "apart" else 1]:
            if (getattr(self, key) is not None) != (key == needed):
                said = f"{kind} {'needs' if key == needed else 'takes no'} {key}"
                raise BlockError({(kind if key == needed else key,): said})
        if not 0 <= self.at_least.to("%") <= 100:
            raise BlockError({("at_least",): "should be a share from 0 to 100 percent"})
        if kind in OF_NUMBERS and self.subject.kind == "text":
            said = f"{self.subject.name} holds text, where numbers are needed"
            raise BlockError({("column",): said})
        try:
            _ = self.criteria
        except ValueError as error:
            raise BlockError({(kind,): str(error)}) from None
        return self

    def _value(self, quantity: Quantity) -> float:
        """Return a limit in the unit of the column; that of a file that is not there is unknown."""
        return quantity.to(self.subject.unit) if self.subject.is_known else quantity.value

    @property
    def criteria(self) -> list[Criterion]:
        """What is counted: one thing, or one for each bit."""
        if self.bits is not None:
            name, title = self.subject.name, self.subject.title
            return [
                Criterion(
                    self,
                    f"{self.name or name}_bit_{bit}",
                    f"{title}: bit {bit} not set",
                    share.to("%"),
                    f"bits({name}, {bit}) == 0",
                )
                for bit, share in self.bits.items()
            ]
        name, said, text = self._described()
        return [
            Criterion(self, self.name or name, said, round(100 - self.at_least.to("%"), 9), text)
        ]

    def _described(self) -> tuple[str, str, str]:
        """Return a name, the rule in words, and as an expression."""
        if self.columns is not None:
            _ = [in_unit(each, "deg") for each in self.columns]
            titles = listed([each.title for each in self.columns])
            return "apart", f"{titles}: no other within {self.apart}", ""
        if self.holds is not None:
            return (
                "_".join(["holds", *sorted(self.holds.columns)]),
                f"“{self.holds}”",
                str(self.holds),
            )
        name, title, quantity = self.subject.name, self.subject.title, self.subject.quantity
        if self.missing_with is not None:
            other = self.missing_with.name
            text = f"missing({name}) and missing({other}) or valid({name}) and valid({other})"
            said = f"{title} missing where {self.missing_with.title} is"
            return f"{name}_missing_with_{other}", said, text
        if self.between is not None:
            low, high = map(self._value, self.between)
            if low > high:
                raise ValueError(f"the first end, {exact(low)}, is larger than {exact(high)}")
            said = f"{title} between {exact(low)} and {quantity(exact(high))}"
            return f"{name}_between", said, f"{low!r} <= {name} <= {high!r}"
        for kind, sign, limit in (("above", ">", self.above), ("below", "<", self.below)):
            if limit is not None:
                value = self._value(limit)
                said = f"{title} {kind} {quantity(exact(value))}"
                return f"{name}_{kind}", said, f"{name} {sign} {value!r}"
        return f"{name}_unique", f"{title} unique", ""


def criteria_of(rules: Iterable[Rule]) -> Iterator[Criterion]:
    """Yield what is counted for some rules, with names that metrics can have, no two alike."""
    taken: set[str] = set()
    for criterion in (each for rule in rules for each in rule.criteria):
        base = "".join(c if c.isalnum() else "_" for c in criterion.name)
        names = (base if number == 1 else f"{base}_{number}" for number in numbers(1))
        name = next(each for each in names if each not in taken)
        taken.add(name)
        yield replace(criterion, name=name)

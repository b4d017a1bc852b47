"""The tests of checks: of one number, and of a whole section."""

import math
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

import numpy as np

from reportgen.config.checks import CheckBlock, DriftBlock, Kind, MissingBlock
from reportgen.config.columns import with_unit
from reportgen.quality.checks.facts import Facts, NightValues
from reportgen.quality.quantities import (
    apart,
    beside,
    difference,
    roughly,
    stated,
)
from reportgen.record import Entries, SectionRecord
from reportgen.reduce.moments import robust_std
from reportgen.wording import count, counted, exact, significant

# Relative difference that two machines or two versions of numpy may make.
ROUNDING = 1e-9
HOUR = 3600.0  # seconds


class Impossible(Exception):  # noqa: N818 - not an error of the program
    """A test cannot be made; the message is a sentence."""


@dataclass(frozen=True)
class Subject:
    """A number that is tested. value: None when there is none, and why says so."""

    label: str
    value: float | None = None
    unit: str = ""
    digits: int | None = None
    why: str = ""

    def in_unit(self, text: str) -> str:
        """Return a formatted number with the unit."""
        return with_unit(text, self.unit)

    def stated(self, text: str) -> str:
        """Return the start of a sentence: that the subject is a formatted number."""
        return stated(self.label, self.in_unit(text))


class Limits(NamedTuple):
    """What is ok, in the unit of the number; target: what it should be near to."""

    low: float | None = None
    high: float | None = None
    target: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How a test ended. holds: None when it could not be made.

    said: one sentence. judged: false where there is too little to tell yet.
    brief: what is wrong, in words that follow the number.
    """

    subject: Subject
    holds: bool | None
    said: str
    limits: Limits
    judged: bool = True
    brief: str = ""


def wanted(block: CheckBlock, kind: Kind, unit: str, entries: Entries) -> str:
    """Return what a check asks for, in words. unit: of its number. entries: what sections count."""
    limit: Any = getattr(block, kind)
    match kind:
        case "min" | "max":
            said = f"at {'least' if kind == 'min' else 'most'} {with_unit(exact(limit), unit)}"
        case "equals":
            spare = f" ± {with_unit(exact(block.tolerance), unit)}" if block.tolerance else ""
            said = f"equal to {with_unit(exact(limit), unit)}{spare}"
        case "within":
            parts = [] if limit.absolute is None else [with_unit(exact(limit.absolute), unit)]
            if limit.relative is not None:
                parts.append(with_unit(significant(100 * limit.relative, 12), "%"))
            said = f"within {' or '.join(parts)} of the reference run {limit.of}"
        case "drift":
            scatter = f"at most {exact(limit.most)} times the usual scatter"
            said = f"{scatter} from the median of the last {limit.nights} nights"
        case "rows_at_least":
            said = f"at least {counted(limit, entries)}"
        case "fresh":
            said = f"changed within {_hours(exact(limit))} before the run"
        case "missing_at_most":
            said = f"at most {with_unit(exact(limit.percent), '%')} without a valid value"
    return said


def one_sided(subject: Subject, limit: float, kind: Literal["min", "max"]) -> Outcome:
    """Test that a number is not below a limit, min, or not above it, max."""
    is_max = kind == "max"
    edge = exact(limit)
    limits = Limits(high=limit) if is_max else Limits(low=limit)
    if subject.value is None:
        return _without_value(subject, limits)
    value = subject.value
    holds = value <= limit if is_max else value >= limit
    text = beside(value, limit, subject.digits)
    side = f"{'above' if is_max else 'below'} the limit of {subject.in_unit(edge)}"
    rest = f"not {side}" if holds else f"{side} (by {subject.in_unit(difference(text, edge))})"
    brief = f"{'above' if is_max else 'below'} {subject.in_unit(edge)}"
    said = f"{subject.stated(text)}, {rest}."
    return Outcome(subject, holds, said, limits, brief=brief)


def near(subject: Subject, target: float, tolerance: float, whose: str) -> Outcome:
    """Test that a number is not further from a target than a tolerance.

    whose: what has the target, after its number, such as ``of the reference run paper``.
    """
    limits = _around(target, tolerance)
    if subject.value is None:
        return _without_value(subject, limits)
    value = subject.value
    distance = abs(value - target)
    # What is equal in decimals may differ in the last bit.
    slack = 4 * sys.float_info.epsilon * max(abs(value), abs(target))
    holds = distance <= tolerance + slack
    text, of_target = apart(value, target, subject.digits)
    what = f"the {subject.in_unit(of_target)} {whose}"
    if distance <= slack:
        return Outcome(subject, True, f"{subject.stated(text)}, equal to {what}.", limits)
    away, allowed = apart(min(distance, tolerance) if holds else distance, tolerance)
    most = f"up to {subject.in_unit(allowed)} is" if tolerance else "no difference is"
    far = f"{subject.in_unit(away)} {'above' if value > target else 'below'}"
    said = f"{subject.stated(text)}, {far} {what}; {most} allowed."
    return Outcome(subject, holds, said, limits, brief=f"{far} {what}")


def drift(subject: Subject, block: DriftBlock, earlier: NightValues, facts: Facts) -> Outcome:
    """Test that a number is near the median of the last nights, in units of their scatter."""
    if facts.no_history:
        raise Impossible("The history cannot be read, so there is nothing to compare with.")
    most = exact(block.most)
    values, recorded = _last(earlier, block.nights, facts.night)
    if subject.value is None:
        return _without_value(subject, Limits())
    value = subject.value
    if len(values) < block.at_least:
        said = (
            f"{subject.stated(apart(value, value, subject.digits)[0])}; the history is too short "
            f"to tell a drift: {counted(len(values), 'nights')}, and {block.at_least} are needed."
        )
        return Outcome(subject, True, said, Limits(), judged=False)
    middle = median(values)
    usual = robust_std(np.array(values))
    scale = max(usual, block.floor, ROUNDING * abs(middle))
    limits = _around(middle, block.most * scale)
    distance = abs(value - middle)
    holds = distance <= block.most * scale
    of_nights = f"the last {counted(len(values), 'nights')}"
    if len(values) < recorded:
        of_nights = f"{len(values)} of the last {recorded} nights"
    text, of_middle = apart(value, middle, subject.digits)
    what = f"the median of {of_nights} ({subject.in_unit(of_middle)})"
    side = "above" if value > middle else "below"
    ratio = min(distance / scale, sys.float_info.max) if scale else 0.0
    times = roughly(min(ratio, block.most) if holds else ratio, block.most)
    brief = f"{times}\u00a0× the usual scatter {side} {what}"
    if distance == 0:
        rest = f"equal to {what}."
    elif scale == usual > 0:
        rest = f"{times} times the usual scatter {side} {what}; up to {most} is allowed."
    elif scale == block.floor > 0:
        floor = subject.in_unit(exact(block.floor))
        rest = f"{times} times the floor of {floor} {side} {what}; up to {most} is allowed."
        brief = f"{times}\u00a0× the floor of {floor} {side} {what}"
    else:  # more than half of the nights have the same value
        far = subject.in_unit(difference(text, of_middle))
        rest = f"{far} {side} {what}, which usually does not change."
        brief = rest.removesuffix(".")
    said = f"{subject.stated(text)}, {rest}"
    return Outcome(subject, holds, said, limits, brief=brief)


def _without_value(subject: Subject, limits: Limits) -> Outcome:
    why = subject.why or f"“{subject.label}” has no value, so there is nothing to test."
    return Outcome(subject, False, why, limits)


def _around(target: float, distance: float) -> Limits:
    limits = Limits(target - distance, target + distance, target)
    if not all(map(math.isfinite, (target - distance, target + distance))):
        raise Impossible("The limits are too large for a number.")
    return limits


def _last(earlier: NightValues, most: int, night: date) -> tuple[list[float], int]:
    """Return the numbers of the last nights before a night, and how many nights these are."""
    by_night = {day: value for day, value in earlier if day < night}
    last = [by_night[day] for day in sorted(by_night)[-most:]]
    return [v for v in last if v is not None and math.isfinite(v)], len(last)


def rows_at_least(section: SectionRecord, least: int) -> Outcome:
    """Test that a section used enough rows, or images."""
    if section.rows is None:
        raise Impossible(f"The analysis {section.analysis} does not say how many rows it used.")
    rows = section.rows
    said = f"The section used {counted(rows, section.entries)}"
    if rows < least:
        said += f", fewer than {count(least)} (by {count(least - rows)})."
    else:
        said += f", at least the {count(least)} that are needed."
    subject = Subject(section.entries.capitalize(), float(rows))
    return Outcome(subject, rows >= least, said, Limits(low=float(least)))


def fresh(section: SectionRecord, hours: float, facts: Facts) -> Outcome:
    """Test that all source files of a section were changed within some hours before the run."""
    found = facts.modified.get(section.id, {})
    times = {each: time for each, time in found.items() if time is not None}
    if not found:
        raise Impossible("It is not known which files the section reads.")
    if unknown := [each for each in found if each not in times]:
        raise Impossible(f"It is not known when {Path(unknown[0]).name} was last changed.")
    file, time = min(times.items(), key=lambda item: item[1])
    age = (facts.started - time).total_seconds() / HOUR
    name, limits = Path(file).name, Limits(high=hours)
    subject = Subject("Age of the source files", age, "h")
    if age < 0:
        said = f"{name} was last changed after the run had started."
        return Outcome(subject, True, said, limits)
    text = beside(age, hours, 1)
    said = f"{name} was last changed {_hours(text)} before the run"
    if age > hours:
        more = _hours(difference(text, exact(hours)))
        said += f", {more} more than the {_hours(exact(hours))} that are allowed."
    else:
        said += f"; up to {_hours(exact(hours))} is allowed."
    return Outcome(subject, age <= hours, said, limits)


def _hours(text: str) -> str:
    return f"{text}\u00a0{'hour' if text == '1' else 'hours'}"


def missing_at_most(section: SectionRecord, block: MissingBlock) -> Outcome:
    """Test that few enough rows of a section lack a valid value in a column."""
    allowed = with_unit(exact(block.percent), "%")
    counts = section.counted.get(block.column.name)
    if counts is None:
        raise Impossible(f"The missing values of {block.column.title} were not counted.")
    label, limits = f"{counts.label}, missing", Limits(high=block.percent)
    if not counts.rows:
        said = f"There are no rows, so {counts.label} has no valid value."
        return Outcome(Subject(label, None, "%"), False, said, limits)
    share = 100 * (counts.rows - counts.valid) / counts.rows
    text = beside(share, block.percent, 1)
    said = f"{counts.label} has no valid value in {with_unit(text, '%')} of {count(counts.rows)} "
    said += "row" if counts.rows == 1 else "rows"
    if share > block.percent:
        more = with_unit(difference(text, exact(block.percent)), "%")
        said += f", above the {allowed} that are allowed (by {more} of the rows)."
    else:
        said += f"; up to {allowed} is allowed."
    return Outcome(Subject(label, share, "%"), share <= block.percent, said, limits)

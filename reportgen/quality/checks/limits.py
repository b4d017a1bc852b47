"""The tests of checks: of one number, and of a whole section."""

import math
import sys
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

from reportgen.config.checks import DriftBlock, MissingBlock
from reportgen.quality.checks.facts import Facts, NightValues
from reportgen.quality.quantities import (
    apart,
    beside,
    difference,
    exact,
    roughly,
    stated,
    with_unit,
)
from reportgen.record import SectionRecord
from reportgen.reduce.moments import robust_std
from reportgen.wording import count, counted

# Relative difference that two machines or two versions of numpy may make.
ROUNDING = 1e-9
HOUR = 3600.0  # seconds


@dataclass(frozen=True)
class Subject:
    """A number that is tested. value: None when there is none, and why says so."""

    label: str
    value: float | None
    unit: str = ""
    digits: int | None = None
    why: str = ""


class Limits(NamedTuple):
    """What is ok, in the unit of the number; target: what it should be near to."""

    low: float | None = None
    high: float | None = None
    target: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How a test ended. holds: None when it could not be made. said: one sentence."""

    holds: bool | None
    said: str
    wanted: str = ""
    """What was asked for, in words."""
    label: str = ""
    value: float | None = None
    unit: str = ""
    limits: Limits = field(default=Limits())


class Impossible(Exception):  # noqa: N818 - not an error of the program
    """A test cannot be made; the message is a sentence."""


def one_sided(subject: Subject, limit: float, kind: Literal["min", "max"]) -> Outcome:
    """Test that a number is not below a limit, min, or not above it, max."""
    edge = exact(limit)
    is_max = kind == "max"
    wanted = f"{'at most' if is_max else 'at least'} {with_unit(edge, subject.unit)}"
    limits = Limits(high=limit) if is_max else Limits(low=limit)
    if subject.value is None:
        return _outcome(subject, False, _no_value(subject), wanted, limits)
    value = subject.value
    holds = value <= limit if is_max else value >= limit
    text = beside(value, limit, subject.digits)
    side = f"{'above' if is_max else 'below'} the limit of {with_unit(edge, subject.unit)}"
    by = with_unit(difference(text, edge), subject.unit)
    rest = f"not {side}" if holds else f"{side} (by {by})"
    said = f"{stated(subject.label, with_unit(text, subject.unit))}, {rest}."
    return _outcome(subject, holds, said, wanted, limits)


def near(subject: Subject, target: float, tolerance: float, wanted: str, whose: str) -> Outcome:
    """Test that a number is not further from a target than a tolerance.

    whose: what has the target, after its number, such as ``of the reference run paper``.
    """
    limits = Limits(target - tolerance, target + tolerance, target)
    if subject.value is None:
        return _outcome(subject, False, _no_value(subject), wanted, limits)
    value = subject.value
    distance = abs(value - target)
    # What is equal in decimals may differ in the last bit.
    slack = 4 * sys.float_info.epsilon * max(abs(value), abs(target))
    holds = distance <= tolerance + slack
    text, of_target = apart(value, target, subject.digits)
    what = f"the {with_unit(of_target, subject.unit)} {whose}"
    if distance <= slack:
        said = f"{stated(subject.label, with_unit(text, subject.unit))}, equal to {what}."
        return _outcome(subject, True, said, wanted, limits)
    away, allowed = apart(min(distance, tolerance) if holds else distance, tolerance)
    most = f"up to {with_unit(allowed, subject.unit)} is" if tolerance else "no difference is"
    said = (
        f"{stated(subject.label, with_unit(text, subject.unit))}, {with_unit(away, subject.unit)} "
        f"{'above' if value > target else 'below'} {what}; {most} allowed."
    )
    return _outcome(subject, holds, said, wanted, limits)


def drift(subject: Subject, block: DriftBlock, earlier: NightValues, night: date) -> Outcome:
    """Test that a number is near the median of the last nights, in units of their scatter."""
    wanted = (
        f"at most {exact(block.most)} times the usual scatter from the median of the last "
        f"{block.nights} nights"
    )
    values, recorded = _last(earlier, block.nights, night)
    if subject.value is None:
        return _outcome(subject, False, _no_value(subject), wanted, Limits())
    value = subject.value
    if len(values) < block.at_least:
        said = (
            f"{stated(subject.label, _shown(value, subject))}; the history is too short to tell a "
            f"drift: {counted(len(values), 'nights')}, and {block.at_least} are needed."
        )
        return _outcome(subject, True, said, wanted, Limits())
    middle = median(values)
    usual = robust_std(np.array(values))
    scale = max(usual, block.floor, ROUNDING * abs(middle))
    limits = Limits(middle - block.most * scale, middle + block.most * scale, middle)
    distance = abs(value - middle)
    holds = distance <= block.most * scale
    of_nights = f"the last {counted(len(values), 'nights')}"
    if len(values) < recorded:
        of_nights = f"{len(values)} of the last {recorded} nights"
    text, of_middle = apart(value, middle, subject.digits)
    start = stated(subject.label, with_unit(text, subject.unit))
    what = f"the median of {of_nights} ({with_unit(of_middle, subject.unit)})"
    if distance == 0:
        return _outcome(subject, True, f"{start}, equal to {what}.", wanted, limits)
    side = "above" if value > middle else "below"
    if scale == usual > 0:
        unit = "times the usual scatter"
    elif scale == block.floor > 0:
        unit = f"times the floor of {with_unit(exact(block.floor), subject.unit)}"
    else:  # more than half of the nights have the same value
        far = with_unit(difference(text, of_middle), subject.unit)
        said = f"{start}, {far} {side} {what}, which usually does not change."
        return _outcome(subject, holds, said, wanted, limits)
    ratio = distance / scale
    times = roughly(min(ratio, block.most) if holds else ratio, block.most)
    said = f"{start}, {times} {unit} {side} {what}; up to {exact(block.most)} is allowed."
    return _outcome(subject, holds, said, wanted, limits)


def _last(earlier: NightValues, most: int, night: date) -> tuple[list[float], int]:
    """Return the numbers of the last nights before a night, and how many nights these are."""
    by_night = {day: value for day, value in earlier if day < night}
    last = [by_night[day] for day in sorted(by_night)[-most:]]
    return [v for v in last if v is not None and math.isfinite(v)], len(last)


def _shown(value: float, subject: Subject) -> str:
    return with_unit(apart(value, value, subject.digits)[0], subject.unit)


def _no_value(subject: Subject) -> str:
    return subject.why or f"“{subject.label}” has no value, so there is nothing to test."


def _outcome(subject: Subject, holds: bool, said: str, wanted: str, limits: Limits) -> Outcome:
    ends = [each for each in limits if each is not None]
    if not all(math.isfinite(each) for each in ends):
        raise Impossible("The limits are too large for a number.")
    return Outcome(holds, said, wanted, subject.label, subject.value, subject.unit, limits)


def rows_at_least(section: SectionRecord, least: int) -> Outcome:
    """Test that a section used enough rows, or images."""
    wanted = f"at least {counted(least, section.entries)}"
    if section.rows is None:
        raise Impossible(f"The analysis {section.analysis} does not say how many rows it used.")
    rows = section.rows
    said = f"The section used {counted(rows, section.entries)}"
    if rows < least:
        said += f", fewer than {count(least)} (by {count(least - rows)})."
    else:
        said += f", at least the {count(least)} that are needed."
    label = section.entries.capitalize()
    return Outcome(rows >= least, said, wanted, label, float(rows), "", Limits(low=float(least)))


def fresh(section: SectionRecord, hours: float, facts: Facts) -> Outcome:
    """Test that all source files of a section were changed within some hours before the run."""
    wanted = f"changed within {_hours(exact(hours))} before the run"
    changed = _oldest(section, facts)
    if isinstance(changed, str):
        raise Impossible(changed)
    file, time = changed
    age = (facts.started - time).total_seconds() / HOUR
    name, limits = Path(file).name, Limits(high=hours)
    if age < 0:
        said = f"{name} was last changed after the run had started."
        return Outcome(True, said, wanted, "Age of the source files", age, "h", limits)
    text = beside(age, hours, 1)
    said = f"{name} was last changed {_hours(text)} before the run"
    if age > hours:
        more = _hours(difference(text, exact(hours)))
        said += f", {more} more than the {_hours(exact(hours))} that are allowed."
    else:
        said += f"; up to {_hours(exact(hours))} is allowed."
    return Outcome(age <= hours, said, wanted, "Age of the source files", age, "h", limits)


def _oldest(section: SectionRecord, facts: Facts) -> tuple[str, datetime] | str:
    """Return the file that was changed first, or why that is not known."""
    found = facts.modified.get(section.id, {})
    if not found:
        return "It is not known which files the section reads."
    if unknown := [file for file, time in found.items() if time is None]:
        return f"It is not known when {Path(unknown[0]).name} was last changed."
    times = {file: time for file, time in found.items() if time is not None}
    file = min(times, key=lambda each: times[each])
    return file, times[file]


def _hours(text: str) -> str:
    return f"{text}\u00a0{'hour' if text == '1' else 'hours'}"


def missing_at_most(section: SectionRecord, block: MissingBlock) -> Outcome:
    """Test that few enough rows of a section lack a valid value in a column."""
    allowed = with_unit(exact(block.percent), "%")
    wanted = f"at most {allowed} without a valid value"
    counts = section.counted.get(block.column.name)
    if counts is None:
        raise Impossible(f"The missing values of {block.column.title} were not counted.")
    label, limits = f"{counts.label}, missing", Limits(high=block.percent)
    if not counts.rows:
        said = f"There are no rows, so {counts.label} has no valid value."
        return Outcome(False, said, wanted, label, None, "%", limits)
    share = 100 * (counts.rows - counts.valid) / counts.rows
    text = beside(share, block.percent, 1)
    said = f"{counts.label} has no valid value in {with_unit(text, '%')} of {count(counts.rows)} "
    said += "row" if counts.rows == 1 else "rows"
    if share > block.percent:
        more = with_unit(difference(text, exact(block.percent)), "%")
        said += f", above the {allowed} that are allowed (by {more} of the rows)."
    else:
        said += f"; up to {allowed} is allowed."
    return Outcome(share <= block.percent, said, wanted, label, share, "%", limits)

"""Tests of one number: limits, tolerances, and drift from the last nights."""

import math
import sys
from datetime import date
from statistics import median

from reportgen.checks.facts import Past
from reportgen.checks.outcome import Impossible, Limits, Outcome, Subject
from reportgen.checks.words import (
    apart,
    beside,
    counted,
    difference,
    exact,
    quantity,
    roughly,
    stated,
)
from reportgen.config.checks import DriftBlock

# Standard deviation of a normal distribution in units of its median absolute deviation,
# 1 / Φ⁻¹(3/4): Rousseeuw & Croux 1993, JASA 88, 1273.
SCATTER = 1.4826
# Relative difference that two machines or two versions of numpy may make.
ROUNDING = 1e-9


def at_most(subject: Subject, limit: float) -> Outcome:
    """Test that a number is not above a limit."""
    return _one_sided(subject, limit, "above", "at most", Limits(high=limit))


def at_least(subject: Subject, limit: float) -> Outcome:
    """Test that a number is not below a limit."""
    return _one_sided(subject, limit, "below", "at least", Limits(low=limit))


def _one_sided(subject: Subject, limit: float, beyond: str, words: str, limits: Limits) -> Outcome:
    edge = exact(limit)
    wanted = f"{words} {quantity(edge, subject.unit)}"
    if subject.value is None:
        return _outcome(subject, False, _no_value(subject), wanted, limits)
    value = subject.value
    holds = value <= limit if beyond == "above" else value >= limit
    text = beside(value, limit, subject.digits)
    of_limit = f"{beyond} the limit of {quantity(edge, subject.unit)}"
    if holds:
        rest = f", not {of_limit}"
    else:
        rest = f", {of_limit} (by {quantity(difference(text, edge), subject.unit)})"
    said = f"{stated(subject.label, quantity(text, subject.unit))}{rest}."
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
    what = f"the {quantity(of_target, subject.unit)} {whose}"
    if distance <= slack:
        said = f"{stated(subject.label, quantity(text, subject.unit))}, equal to {what}."
        return _outcome(subject, True, said, wanted, limits)
    away, allowed = apart(min(distance, tolerance) if holds else distance, tolerance)
    most = f"up to {quantity(allowed, subject.unit)} is" if tolerance else "no difference is"
    said = (
        f"{stated(subject.label, quantity(text, subject.unit))}, {quantity(away, subject.unit)} "
        f"{'above' if value > target else 'below'} {what}; {most} allowed."
    )
    return _outcome(subject, holds, said, wanted, limits)


def drift(subject: Subject, block: DriftBlock, past: Past, night: date) -> Outcome:
    """Test that a number is near the median of the last nights, in units of their scatter."""
    wanted = (
        f"at most {exact(block.most)} times the usual scatter from the median of the last "
        f"{block.nights} nights"
    )
    values, recorded = _last(past, block.nights, night)
    if subject.value is None:
        return _outcome(subject, False, _no_value(subject), wanted, Limits())
    value = subject.value
    if len(values) < block.at_least:
        said = (
            f"{stated(subject.label, _shown(value, subject))}; the history is too short to tell a "
            f"drift: {counted(len(values), 'night')}, and {block.at_least} are needed."
        )
        return _outcome(subject, True, said, wanted, Limits())
    middle = median(values)
    usual = SCATTER * median(abs(each - middle) for each in values)
    scale = max(usual, block.floor, ROUNDING * abs(middle))
    limits = Limits(middle - block.most * scale, middle + block.most * scale, middle)
    distance = abs(value - middle)
    holds = distance <= block.most * scale
    of_nights = f"the last {counted(len(values), 'night')}"
    if len(values) < recorded:
        of_nights = f"{len(values)} of the last {recorded} nights"
    text, of_middle = apart(value, middle, subject.digits)
    start = stated(subject.label, quantity(text, subject.unit))
    what = f"the median of {of_nights} ({quantity(of_middle, subject.unit)})"
    if distance == 0:
        return _outcome(subject, True, f"{start}, equal to {what}.", wanted, limits)
    side = "above" if value > middle else "below"
    if scale == usual > 0:
        unit = "times the usual scatter"
    elif scale == block.floor > 0:
        unit = f"times the floor of {quantity(exact(block.floor), subject.unit)}"
    else:  # more than half of the nights have the same value
        far = quantity(difference(text, of_middle), subject.unit)
        said = f"{start}, {far} {side} {what}, which usually does not change."
        return _outcome(subject, holds, said, wanted, limits)
    ratio = distance / scale
    times = roughly(min(ratio, block.most) if holds else ratio, block.most)
    said = f"{start}, {times} {unit} {side} {what}; up to {exact(block.most)} is allowed."
    return _outcome(subject, holds, said, wanted, limits)


def _last(past: Past, most: int, night: date) -> tuple[list[float], int]:
    """Give the numbers of the last nights before a night, and how many nights these are."""
    by_night = {day: value for day, value in past if day < night}
    last = [by_night[day] for day in sorted(by_night)[-most:]]
    return [v for v in last if v is not None and math.isfinite(v)], len(last)


def _shown(value: float, subject: Subject) -> str:
    return quantity(apart(value, value, subject.digits)[0], subject.unit)


def _no_value(subject: Subject) -> str:
    return subject.why or f"“{subject.label}” has no value, so there is nothing to test."


def _outcome(subject: Subject, holds: bool, said: str, wanted: str, limits: Limits) -> Outcome:
    ends = [each for each in limits if each is not None]
    if not all(math.isfinite(each) for each in ends):
        raise Impossible("The limits are too large for a number.")
    return Outcome(holds, said, wanted, subject.label, subject.value, subject.unit, limits)

"""Metrics of a section in two runs: which differ, and which by more than they usually do."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from reportgen.changes.records import MetricChange, MetricKind
from reportgen.changes.units import symbol
from reportgen.summary import MetricRecord, SectionRecord

Key = tuple[str, str]
"""Section id and name of a metric."""

TOLERANCE = 1e-9
"""Relative difference of numbers that are the same: the order of a sum makes less."""

BEYOND = 4.0
"""How many times its noise a metric must change to have moved. Both nights scatter, so that it
is 2.8 standard deviations of a difference."""

FEWEST_NIGHTS = 5
"""Fewer values say nothing of how much they scatter."""

_SIGMA_PER_MAD = 1.4826  # of a normal distribution; Rousseeuw & Croux 1993, JASA 88, 1273


def usual_scatter(values: Iterable[float | None]) -> float | None:
    """Give the robust standard deviation of a metric: 1.4826 times the median deviation.

    values: of the nights before, in one unit; None and NaN are left out. None when there are
    fewer than five.
    """
    found = [value for value in map(_finite, values) if value is not None]
    if len(found) < FEWEST_NIGHTS:
        return None
    centre = median(found)
    return _finite(_SIGMA_PER_MAD * median(abs(value - centre) for value in found))


@dataclass(frozen=True)
class Limits:
    """When two numbers are not the same, and when a metric has moved; see `compare`."""

    noise: Mapping[Key, float | None]
    tolerance: float
    beyond: float


def compare_metrics(
    before: SectionRecord, after: SectionRecord, limits: Limits
) -> Iterator[MetricChange]:
    """Give the metrics that are not the same; the section was computed in both runs."""
    for name in {**after.metrics, **before.metrics}:
        one, other = before.metrics.get(name), after.metrics.get(name)
        noise = _finite(limits.noise.get((after.id, name)))
        change = _compare(one, other, None if noise is None or noise < 0 else noise, limits)
        if change is not None:
            told = {"section": after.id, "title": after.title, "metric": name}
            yield change.model_copy(update=told)


def _compare(
    one: MetricRecord | None, other: MetricRecord | None, noise: float | None, limits: Limits
) -> MetricChange | None:
    before = None if one is None else _finite(one.value)
    after = None if other is None else _finite(other.value)
    kind: MetricKind
    if one is None or other is None:
        kind = "new" if one is None else "gone"
        return _change(one, other, kind)
    if one.unit != other.unit and symbol(one.unit) != symbol(other.unit):
        return _change(one, other, "unit")
    if before is None or after is None:
        if before is after:
            return None
        return _change(one, other, "available" if before is None else "missing")
    change = after - before
    if abs(change) <= limits.tolerance * max(abs(before), abs(after)):
        return None
    times = None if not noise else _finite(abs(change) / noise)
    if noise is None:
        kind = "differs"
    elif noise == 0 or abs(change) > limits.beyond * noise:
        kind = "moved"
    else:
        kind = "within"
    return _change(one, other, kind).model_copy(
        update={
            "change": _finite(change),
            "relative": _relative(before, after),
            "noise": noise,
            "times": times,
        }
    )


def _change(one: MetricRecord | None, other: MetricRecord | None, kind: MetricKind) -> MetricChange:
    known = other or one or MetricRecord(label="", value=None)
    return MetricChange(
        section="",
        title="",
        metric="",
        label=known.label,
        kind=kind,
        before=None if one is None else _finite(one.value),
        after=None if other is None else _finite(other.value),
        unit_before="" if one is None else one.unit,
        unit="" if other is None else other.unit,
        digits=known.digits,
    )


def _relative(before: float, after: float) -> float | None:
    """Give the change as a fraction; None from zero, or through it."""
    if before == 0 or (before < 0) != (after < 0):
        return None
    return _finite((after - before) / abs(before))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

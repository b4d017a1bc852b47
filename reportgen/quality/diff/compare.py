"""Two records side by side: what is new, gone, moved, worse or better."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import unified_diff

import numpy as np

from reportgen.config.columns import unit_symbol
from reportgen.quality.diff.inputs import compare_inputs
from reportgen.quality.diff.records import (
    Changes,
    CommitChange,
    ComparedRun,
    ConfigurationChange,
    MetricChange,
    MetricKind,
    SectionChange,
    VerdictChange,
    VerdictKind,
    VersionChange,
)
from reportgen.quality.history.records import Key, MetricTable, finite
from reportgen.quality.quantities import relative_change
from reportgen.record import (
    STATUSES,
    CheckRecord,
    MetricRecord,
    SectionRecord,
    Status,
    Summary,
)
from reportgen.reduce.moments import robust_std

TOLERANCE = 1e-9
"""Relative difference of numbers that are the same: the order of a sum makes less."""

BEYOND = 4.0
"""How many times its noise a metric must change to have moved. Both nights scatter, so that it
is 2.8 standard deviations of a difference."""

NOISE_NIGHTS = 90
"""How many nights before the later run tell how much a metric usually scatters."""

FEWEST_NIGHTS = 5
"""Fewer values say nothing of how much they scatter."""

_LINES_AROUND = 2
_MOST_LINES = 60

Noise = Mapping[Key, float | None]


def usual_scatter(values: Iterable[float | None]) -> float | None:
    """Return the robust standard deviation of a metric over nights; None and NaN are left out.

    None when there are fewer than five values.
    """
    found = [value for value in map(finite, values) if value is not None]
    return finite(robust_std(np.array(found))) if len(found) >= FEWEST_NIGHTS else None


def usual_scatters(summary: Summary, nights: MetricTable) -> Noise:
    """Return the usual scatter of each metric of a run on some nights, in the unit of the run."""
    return {
        key: usual_scatter(value for _, value in nights.values(key, metric.unit))
        for section in summary.sections
        for name, metric in section.metrics.items()
        for key in [(section.id, name)]
    }


def compare(
    before: Summary,
    after: Summary,
    noise: Noise | None = None,
    *,
    tolerance: float = TOLERANCE,
) -> Changes:
    """Return all that changed from one run to another.

    noise: usual scatter of metrics, in their units, such as `usual_scatters` gives; a metric that
    it does not hold is only said to differ. tolerance: relative difference of numbers that are
    the same.
    """
    former = {section.id: section for section in before.sections}
    left_out = _left_out(before, after)
    return Changes(
        before=_compared(before),
        after=_compared(after),
        inputs=compare_inputs(before.inputs, after.inputs),
        metrics=tuple(
            change
            for section in after.sections
            if section.id in former and "error" not in (section.status, former[section.id].status)
            for change in _metrics(former[section.id], section, noise or {}, tolerance)
        ),
        verdicts=tuple(_verdicts(before, after)),
        sections=tuple(_sections(former, after, left_out)),
        configuration=_configuration(before, after),
        versions=_versions(before, after),
        commit=_commit(before, after),
        left_out=left_out,
        beyond=BEYOND,
    )


def _compared(summary: Summary) -> ComparedRun:
    run = summary.run
    return ComparedRun(
        report=summary.report.id,
        run=run.id,
        started=run.started,
        status=run.status,
        partial=bool(run.only),
    )


def _left_out(before: Summary, after: Summary) -> tuple[str, ...]:
    """Return the sections that one run has and the other was asked to leave out."""
    return tuple(
        section.id
        for one, other in ((after, before), (before, after))
        for section in one.sections
        if section.id in other.run.left_out
    )


def _sections(
    before: Mapping[str, SectionRecord], after: Summary, left_out: Sequence[str]
) -> Iterator[SectionChange]:
    for section in after.sections:
        name, title = section.id, section.title
        was_in_error = name in before and before[name].status == "error"
        if section.status == "error":
            kind = "still_in_error" if was_in_error else "error"
            why = "" if section.error is None else section.error.message
            yield SectionChange(section=name, title=title, kind=kind, message=why)
        elif was_in_error:
            yield SectionChange(section=name, title=title, kind="recovered")
        elif name not in before and name not in left_out:
            yield SectionChange(section=name, title=title, kind="new")
    there = {section.id for section in after.sections}
    for name, section in before.items():
        if name not in there and name not in left_out:
            yield SectionChange(section=name, title=section.title, kind="gone")


def _configuration(before: Summary, after: Summary) -> ConfigurationChange | None:
    one, other = before.configuration, after.configuration
    if (one.text, one.overrides) == (other.text, other.overrides):
        return None
    texts, names = (one.text.splitlines(), other.text.splitlines()), (before.run.id, after.run.id)
    lines = list(unified_diff(*texts, *names, n=_LINES_AROUND, lineterm=""))
    changed = lines[2:]  # after the names of both
    return ConfigurationChange(
        diff=tuple(lines[:_MOST_LINES]),
        more=max(0, len(lines) - _MOST_LINES),
        added=sum(line.startswith("+") for line in changed),
        removed=sum(line.startswith("-") for line in changed),
        text_changed=one.text != other.text,
        overrides_before=one.overrides,
        overrides_after=other.overrides,
    )


def _versions(before: Summary, after: Summary) -> tuple[VersionChange, ...]:
    one, other = before.environment.versions, after.environment.versions
    return tuple(
        VersionChange(name=name, before=one.get(name), after=other.get(name))
        for name in {**other, **one}
        if one.get(name) != other.get(name)
    )


def _commit(before: Summary, after: Summary) -> CommitChange | None:
    one, other = before.environment, after.environment
    if (one.commit, one.clean) == (other.commit, other.clean):
        return None
    return CommitChange(
        before=one.commit, after=other.commit, clean_before=one.clean, clean_after=other.clean
    )


def _metrics(
    before: SectionRecord, after: SectionRecord, noise: Noise, tolerance: float
) -> Iterator[MetricChange]:
    """Return the metrics that are not the same; the section was computed in both runs."""
    for name in {**after.metrics, **before.metrics}:
        one, other = before.metrics.get(name), after.metrics.get(name)
        scatter = finite(noise.get((after.id, name)))
        scatter = None if scatter is None or scatter < 0 else scatter
        kind = _metric_kind(one, other, scatter, tolerance)
        if kind is None:
            continue
        known = other or one or MetricRecord(label="", value=None)
        former = None if one is None else finite(one.value)
        value = None if other is None else finite(other.value)
        change = MetricChange(
            section=after.id,
            title=after.title,
            metric=name,
            label=known.label,
            kind=kind,
            before=former,
            after=value,
            unit_before="" if one is None else one.unit,
            unit="" if other is None else other.unit,
            digits=known.digits,
        )
        if former is not None and value is not None and kind in {"moved", "within", "differs"}:
            difference = value - former
            numbers = {
                "change": finite(difference),
                "relative": relative_change(former, value),
                "noise": scatter,
                "times": finite(abs(difference) / scatter) if scatter else None,
            }
            change = change.model_copy(update=numbers)
        yield change


def _metric_kind(
    one: MetricRecord | None,
    other: MetricRecord | None,
    noise: float | None,
    tolerance: float,
) -> MetricKind | None:
    if one is None or other is None:
        return "new" if one is None else "gone"
    if one.unit != other.unit and unit_symbol(one.unit) != unit_symbol(other.unit):
        return "unit"
    before, after = finite(one.value), finite(other.value)
    if before is None or after is None:
        return None if before is after else "available" if before is None else "missing"
    change = abs(after - before)
    if change <= tolerance * max(abs(before), abs(after)):
        return None
    if noise is None:
        return "differs"
    return "moved" if noise == 0 or change > BEYOND * noise else "within"


def _verdicts(before: Summary, after: Summary) -> Iterator[VerdictChange]:
    """Return the checks that do not hold in either run: of sections computed, of the whole run."""
    former = {section.id: section for section in before.sections}
    for section in after.sections:
        if section.status != "error":
            one = former.get(section.id)
            checks = () if one is None or one.status == "error" else one.checks
            yield from _of_checks(section.id, section.title, checks, section.checks)
    yield from _of_checks("", "Budgets", before.checks, after.checks)


def _of_checks(
    section: str, title: str, before: Iterable[CheckRecord], after: Iterable[CheckRecord]
) -> Iterator[VerdictChange]:
    former, current = ({check.id: check for check in each} for each in (before, after))
    for name in {**current, **former}:
        one, other = former.get(name), current.get(name)
        kind = _verdict_kind(one, other)
        if kind is not None:
            yield VerdictChange(
                section=section,
                title=title,
                name=name,
                label=(current.get(name) or former[name]).label,
                kind=kind,
                before=_status(one),
                after=_status(other),
                waived_before=_is_waived(one),
                message="" if other is None else other.message,
            )


def _status(check: CheckRecord | None) -> Status | None:
    """Return what counts of a check; None when nothing was tested."""
    return check.verdict if check is not None and check.in_force else None


def _is_waived(check: CheckRecord | None) -> bool:
    return check is not None and check.waived and check.in_force


def _verdict_kind(one: CheckRecord | None, other: CheckRecord | None) -> VerdictKind | None:
    before, after = _status(one), _status(other)
    did_not_hold = _is_waived(one) or before not in {None, "ok"}
    if after is None:
        return "unchecked" if did_not_hold else None
    if _is_waived(other):
        return None if _is_waived(one) else "waived"
    if after == "ok":
        return "recovered" if did_not_hold else None
    if before is None or before == "ok":
        return "new"
    rank = STATUSES.index(after) - STATUSES.index(before)
    return "worse" if rank > 0 else "better" if rank < 0 else "still"

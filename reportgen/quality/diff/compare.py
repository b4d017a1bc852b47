"""Two records side by side: what is new, gone, moved, worse or better."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from statistics import median
from typing import NamedTuple

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
from reportgen.quality.history import Key
from reportgen.quality.history.records import finite
from reportgen.quality.quantities import symbol
from reportgen.record import (
    STATUSES,
    CheckRecord,
    MetricRecord,
    SectionRecord,
    Status,
    Summary,
    worst,
)

TOLERANCE = 1e-9
"""Relative difference of numbers that are the same: the order of a sum makes less."""

BEYOND = 4.0
"""How many times its noise a metric must change to have moved. Both nights scatter, so that it
is 2.8 standard deviations of a difference."""

FEWEST_NIGHTS = 5
"""Fewer values say nothing of how much they scatter."""

_SIGMA_PER_MAD = 1.4826  # of a normal distribution; Rousseeuw & Croux 1993, JASA 88, 1273
_LINES_AROUND = 2
_MOST_LINES = 60


def compare(
    before: Summary,
    after: Summary,
    noise: Mapping[Key, float | None] | None = None,
    *,
    tolerance: float = TOLERANCE,
    beyond: float = BEYOND,
) -> Changes:
    """Return all that changed from one run to another.

    noise: usual scatter of metrics, in their units, such as `usual_scatter` gives; a metric that
    it does not hold is only said to differ. tolerance: relative difference of numbers that are
    the same. beyond: how many times its noise a metric must change to have moved.
    """
    former = {section.id: section for section in before.sections}
    current = {section.id: section for section in after.sections}
    left_out = _left_out(before, after)
    limits = Limits(noise or {}, tolerance, beyond)
    return Changes(
        before=_compared(before),
        after=_compared(after),
        inputs=compare_inputs(before.inputs, after.inputs),
        metrics=tuple(
            change
            for name, section in current.items()
            if name in former and "error" not in (section.status, former[name].status)
            for change in compare_metrics(former[name], section, limits)
        ),
        verdicts=tuple(compare_verdicts(before, after)),
        sections=tuple(_sections(former, current, left_out)),
        configuration=_configuration(before, after),
        versions=_versions(before, after),
        commit=_commit(before, after),
        left_out=left_out,
        beyond=beyond,
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
    before: Mapping[str, SectionRecord],
    after: Mapping[str, SectionRecord],
    left_out: Sequence[str],
) -> Iterator[SectionChange]:
    for name, section in after.items():
        was_in_error = name in before and before[name].status == "error"
        if section.status == "error":
            yield SectionChange(
                section=name,
                title=section.title,
                kind="still_in_error" if was_in_error else "error",
                message="" if section.error is None else section.error.message,
            )
        elif was_in_error:
            yield SectionChange(section=name, title=section.title, kind="recovered")
        elif name not in before and name not in left_out:
            yield SectionChange(section=name, title=section.title, kind="new")
    for name, section in before.items():
        if name not in after and name not in left_out:
            yield SectionChange(section=name, title=section.title, kind="gone")


def _configuration(before: Summary, after: Summary) -> ConfigurationChange | None:
    one, other = before.configuration, after.configuration
    if (one.text, one.overrides) == (other.text, other.overrides):
        return None
    lines = list(
        unified_diff(
            one.text.splitlines(),
            other.text.splitlines(),
            before.run.id,
            after.run.id,
            n=_LINES_AROUND,
            lineterm="",
        )
    )
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
        before=one.commit,
        after=other.commit,
        clean_before=one.clean,
        clean_after=other.clean,
    )


def usual_scatter(values: Iterable[float | None]) -> float | None:
    """Return the robust standard deviation of a metric: 1.4826 times the median deviation.

    values: of the nights before, in one unit; None and NaN are left out. None when there are
    fewer than five.
    """
    found = [value for value in map(finite, values) if value is not None]
    if len(found) < FEWEST_NIGHTS:
        return None
    centre = median(found)
    return finite(_SIGMA_PER_MAD * median(abs(value - centre) for value in found))


@dataclass(frozen=True)
class Limits:
    """When two numbers are not the same, and when a metric has moved; see `compare`."""

    noise: Mapping[Key, float | None]
    tolerance: float
    beyond: float


def compare_metrics(
    before: SectionRecord, after: SectionRecord, limits: Limits
) -> Iterator[MetricChange]:
    """Return the metrics that are not the same; the section was computed in both runs."""
    for name in {**after.metrics, **before.metrics}:
        one, other = before.metrics.get(name), after.metrics.get(name)
        noise = finite(limits.noise.get((after.id, name)))
        change = _compare_metric(one, other, None if noise is None or noise < 0 else noise, limits)
        if change is not None:
            told = {"section": after.id, "title": after.title, "metric": name}
            yield change.model_copy(update=told)


def _compare_metric(
    one: MetricRecord | None, other: MetricRecord | None, noise: float | None, limits: Limits
) -> MetricChange | None:
    before = None if one is None else finite(one.value)
    after = None if other is None else finite(other.value)
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
    times = None if not noise else finite(abs(change) / noise)
    if noise is None:
        kind = "differs"
    elif noise == 0 or abs(change) > limits.beyond * noise:
        kind = "moved"
    else:
        kind = "within"
    return _change(one, other, kind).model_copy(
        update={
            "change": finite(change),
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
        before=None if one is None else finite(one.value),
        after=None if other is None else finite(other.value),
        unit_before="" if one is None else one.unit,
        unit="" if other is None else other.unit,
        digits=known.digits,
    )


def _relative(before: float, after: float) -> float | None:
    """Return the change as a fraction; None from zero, or through it."""
    if before == 0 or (before < 0) != (after < 0):
        return None
    return finite((after - before) / abs(before))


class Verdict(NamedTuple):
    """How one check ended. status: what counts, None when nothing was tested."""

    label: str
    status: Status | None
    message: str = ""
    is_waived: bool = False
    is_check: bool = False


_UNTESTED = Verdict("", None)


def _section_verdicts(section: SectionRecord) -> dict[str, Verdict]:
    """Return the verdicts of a section by name: the only place that knows where a record has them.

    A check goes by its id, the outcome of the checks on a metric by the name of the metric. What
    else makes the section warn or fail goes by the empty name. None of a section in error: its
    own error says more.
    """
    if section.status == "error":
        return {}
    found = _of_checks(section.checks)
    checked = {check.metric for check in section.checks}
    for name, metric in section.metrics.items():
        if metric.verdict is not None and name not in checked:
            found[name] = Verdict(metric.label, metric.verdict)
    explained = worst(verdict.status for verdict in found.values() if verdict.status)
    if STATUSES.index(section.status) > STATUSES.index(explained):
        found[""] = Verdict("the section", section.status)
    return found


def _of_checks(checks: Iterable[CheckRecord]) -> dict[str, Verdict]:
    return {
        check.id: Verdict(
            check.label,
            check.verdict if check.in_force else None,
            check.message,
            check.waived and check.in_force,
            is_check=True,
        )
        for check in checks
    }


def compare_verdicts(before: Summary, after: Summary) -> Iterator[VerdictChange]:
    """Return the checks that do not hold in either run: of sections computed, of the whole run."""
    former = {section.id: section for section in before.sections}
    for section in after.sections:
        if section.status == "error":
            continue
        one = _section_verdicts(former[section.id]) if section.id in former else {}
        yield from _compare_section(section, one, _section_verdicts(section))
    yield from _compare_section(None, _of_checks(before.checks), _of_checks(after.checks))


def _compare_section(
    section: SectionRecord | None, before: Mapping[str, Verdict], after: Mapping[str, Verdict]
) -> Iterator[VerdictChange]:
    for name in {**after, **before}:
        one, other = before.get(name, _UNTESTED), after.get(name, _UNTESTED)
        if name == "" and name not in after:
            if section is not None and section.status != "ok":
                continue  # a check says now what is wrong
            other = Verdict("", "ok")
        kind = _verdict_kind(one, other)
        if kind is not None:
            yield VerdictChange(
                section="" if section is None else section.id,
                title="Budgets" if section is None else section.title,
                name=name,
                label=other.label or one.label,
                is_check=other.is_check or one.is_check,
                kind=kind,
                before=one.status,
                after=other.status,
                waived_before=one.is_waived,
                message=other.message,
            )


def _verdict_kind(before: Verdict, after: Verdict) -> VerdictKind | None:
    did_not_hold = before.is_waived or before.status not in {None, "ok"}
    if after.status is None:
        return "unchecked" if did_not_hold else None
    if after.is_waived:
        return None if before.is_waived else "waived"
    if after.status == "ok":
        return "recovered" if did_not_hold else None
    if before.status is None or before.status == "ok":
        return "new"
    rank = STATUSES.index(after.status) - STATUSES.index(before.status)
    return "worse" if rank > 0 else "better" if rank < 0 else "still"

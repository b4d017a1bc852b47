"""Two records side by side: what is new, gone, moved, worse or better."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff

from reportgen.changes.inputs import compare_inputs
from reportgen.changes.metrics import BEYOND, TOLERANCE, Key, Limits, compare_metrics
from reportgen.changes.records import (
    Changes,
    CommitChange,
    ComparedRun,
    ConfigurationChange,
    SectionChange,
    VersionChange,
)
from reportgen.changes.verdicts import compare_verdicts
from reportgen.summary import SectionRecord, Summary

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
    """Give all that changed from one run to another.

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
    """Give the sections that one run has and the other was asked to leave out."""
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

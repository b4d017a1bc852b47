"""Verdicts of two runs: new failures, those that stay, and what recovered."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from reportgen.changes.records import VerdictChange, VerdictKind
from reportgen.summary import STATUSES, CheckRecord, SectionRecord, Status, Summary, worst


class Verdict(NamedTuple):
    """How one check ended. status: what counts, None when nothing was tested."""

    label: str
    status: Status | None
    message: str = ""
    is_waived: bool = False
    is_check: bool = False


_UNTESTED = Verdict("", None)


def section_verdicts(section: SectionRecord) -> dict[str, Verdict]:
    """Give the verdicts of a section by name: the only place that knows where a record has them.

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
    """Give the checks that do not hold in either run: of sections computed, of the whole run."""
    former = {section.id: section for section in before.sections}
    for section in after.sections:
        if section.status == "error":
            continue
        one = section_verdicts(former[section.id]) if section.id in former else {}
        yield from _compare(section, one, section_verdicts(section))
    yield from _compare(None, _of_checks(before.checks), _of_checks(after.checks))


def _compare(
    section: SectionRecord | None, before: Mapping[str, Verdict], after: Mapping[str, Verdict]
) -> Iterator[VerdictChange]:
    for name in {**after, **before}:
        one, other = before.get(name, _UNTESTED), after.get(name, _UNTESTED)
        if name == "" and name not in after:
            if section is not None and section.status != "ok":
                continue  # a check says now what is wrong
            other = Verdict("", "ok")
        kind = _kind(one, other)
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


def _kind(before: Verdict, after: Verdict) -> VerdictKind | None:
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

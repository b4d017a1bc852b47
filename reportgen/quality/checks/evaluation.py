"""Checks of a section: which are in force, how each ends, and what follows for the section."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import chain, count
from typing import Any

from reportgen.config.budgets import SectionBudgets
from reportgen.config.checks import OF_A_NUMBER, CheckBlock, Kind
from reportgen.quality.checks import limits
from reportgen.quality.checks.budgets import check_section_budgets
from reportgen.quality.checks.facts import Facts
from reportgen.quality.checks.limits import Impossible, Limits, Outcome, Subject
from reportgen.quality.checks.subjects import cell_name, reference_value, row_name, subject_of
from reportgen.quality.checks.verdicts import BROKEN, is_broken
from reportgen.quality.quantities import capital
from reportgen.record import (
    CellRecord,
    CheckRecord,
    SectionRecord,
    Status,
    Summary,
    WaiverRecord,
    with_status,
    worst,
)

LONGEST_ID = 90  # characters, before a number that tells two apart


def check_run(
    summary: Summary,
    blocks: Mapping[str, Sequence[CheckBlock]],
    facts: Facts,
    budgets: Mapping[str, SectionBudgets | None] = {},
) -> Summary:
    """Return the record of a run with the checks of its sections. blocks, budgets: by section."""
    sections = []
    for section in summary.sections:
        budget, fixed = budgets.get(section.id), summary.run.seconds is None
        others = () if budget is None else check_section_budgets(section, budget, fixed=fixed)
        sections.append(evaluate(section, blocks.get(section.id, ()), facts, others))
    return with_status(summary.model_copy(update={"sections": tuple(sections)}))


def evaluate(
    section: SectionRecord,
    blocks: Iterable[CheckBlock],
    facts: Facts,
    others: Sequence[CheckRecord] = (),
) -> SectionRecord:
    """Return a section with its checks made, the verdicts of its metrics, and its status.

    others: checks that have been made already; they come last. A check that cannot be made is an
    error itself, and counts for the section by its severity: only a section that could not be
    computed is in error.
    """
    checks: list[CheckRecord] = []
    for block in blocks:
        for kind in block.kinds:
            identifier = _identifier(block, kind, {check.id for check in checks})
            checks.append(_check(identifier, section, block, kind, facts))
    checks += others
    verdicts: dict[str, list[Status]] = {}
    for check in checks:
        if check.metric and check.in_force and check.judged:
            verdicts.setdefault(check.metric, []).append(check.verdict)
    metrics = {
        name: metric.model_copy(
            update={"verdict": worst(verdicts[name]) if name in verdicts else None}
        )
        for name, metric in section.metrics.items()
    }
    status = "error" if is_broken(section) else worst(check.counts_as for check in checks)
    return section.model_copy(
        update={"checks": tuple(checks), "metrics": metrics, "status": status}
    )


def _check(
    identifier: str, section: SectionRecord, block: CheckBlock, kind: Kind, facts: Facts
) -> CheckRecord:
    idle, waiver = _not_in_force(block, facts.night), _waiver(block, facts.night)
    subject, asked = Subject(_name_of(section, block)), block
    try:
        if is_broken(section):
            raise Impossible(BROKEN)
        if kind in OF_A_NUMBER:
            subject, asked = _number(section, block, facts)
        outcome = _test(section, asked, kind, subject, facts)
    except Impossible as problem:
        outcome = Outcome(Subject(subject.label), None, str(problem), Limits())
    wanted = limits.wanted(asked, kind, subject.unit or asked.unit or "", section.entries)
    statuses: dict[bool | None, Status] = {True: "ok", False: block.severity, None: "error"}
    status: Status = "ok" if idle else statuses[outcome.holds]
    said = idle or outcome.said
    fails = not idle and outcome.holds is False
    brief = outcome.brief if fails else ""
    if fails and waiver is not None:
        by = f", {waiver.owner}" if waiver.owner else ""
        how = "The waiver expired on" if waiver.expired else "Waived until"
        said += f" {how} {waiver.until} ({waiver.reason.rstrip('.')}{by})."
        brief += f", {how[0].lower()}{how[1:]} {waiver.until}"
    missing = block.missing_at_most if kind == "missing_at_most" else None
    return CheckRecord(
        id=identifier,
        kind=kind,
        label=f"{capital(subject.label)}: {wanted}",
        metric=block.metric or "",
        cell=block.cell and CellRecord(**dict(block.cell)),
        column="" if missing is None else missing.column.name,
        value=None if idle else outcome.subject.value,
        low=outcome.limits.low,
        high=outcome.limits.high,
        target=outcome.limits.target,
        unit=outcome.subject.unit,
        severity=block.severity,
        status=status,
        in_force=not idle,
        judged=bool(idle) or outcome.judged,
        waived=fails and waiver is not None and not waiver.expired,
        message=said,
        brief=brief,
        reason=block.reason or "",
        owner=block.owner or "",
        since=f"{block.from_ or ''}",
        until=f"{block.until or ''}",
        waiver=waiver,
    )


def _number(section: SectionRecord, block: CheckBlock, facts: Facts) -> tuple[Subject, CheckBlock]:
    """Return the number that a check is on, and the check with its limits in the unit of it."""
    subject = subject_of(section, block, facts.read_cell)
    try:
        return subject, block.in_unit(subject.unit)
    except ValueError as error:
        raise Impossible(f"The check cannot be made: {error}.") from None


def _test(
    section: SectionRecord, block: CheckBlock, kind: Kind, subject: Subject, facts: Facts
) -> Outcome:
    """Make one test; raises Impossible when it cannot be made. subject: of one of a number."""
    wanted: Any = getattr(block, kind)
    match kind:
        case "min" | "max":
            outcome = limits.one_sided(subject, wanted, kind)
        case "equals":
            outcome = limits.near(subject, wanted, block.tolerance or 0.0, "that it should be")
        case "within":
            reference = reference_value(wanted.of, section, block, subject, facts)
            whose = f"of the reference run {wanted.of}"
            outcome = limits.near(subject, reference, wanted.tolerance(reference), whose)
        case "drift":
            earlier = facts.earlier.get((section.id, block.metric or ""), ())
            outcome = limits.drift(subject, wanted, earlier, facts)
        case "rows_at_least":
            outcome = limits.rows_at_least(section, wanted)
        case "fresh":
            outcome = limits.fresh(section, wanted, facts)
        case "missing_at_most":
            outcome = limits.missing_at_most(section, wanted)
    return outcome


def _name_of(section: SectionRecord, block: CheckBlock) -> str:
    """Return what a check is on, in words, though it may not exist."""
    if block.metric is not None:
        metric = section.metrics.get(block.metric)
        return block.metric if metric is None else metric.label
    if block.cell is not None:
        return cell_name(block.cell)
    if block.missing_at_most is not None:
        return f"{block.missing_at_most.column.title}, missing"
    return "age of the source files" if block.fresh is not None else section.entries


def _identifier(block: CheckBlock, kind: Kind, taken: set[str]) -> str:
    """Return an id that follows from what is checked, not from the place in the list."""
    parts = []
    if block.metric is not None:
        parts = [block.metric]
    elif block.cell is not None:
        parts = [block.cell.table, row_name(block.cell.row), block.cell.column]
    elif kind == "missing_at_most" and block.missing_at_most is not None:
        parts = [block.missing_at_most.column.name]
    parts += [kind, *(["warn"] if block.severity == "warn" else [])]
    base = re.sub(r"[^A-Za-z0-9_-]+", "-", "-".join(parts)).strip("-")[-LONGEST_ID:]
    numbered = (f"{base}-{number}" for number in count(2))
    return next(each for each in chain([base], numbered) if each not in taken)


def _not_in_force(block: CheckBlock, night: date) -> str:
    """Return why a check is not in force; empty when it is."""
    if block.from_ is not None and night < block.from_:
        return f"Not in force yet: it is from {block.from_} on."
    if block.until is not None and night > block.until:
        return f"No longer in force: it was until {block.until}."
    return ""


def _waiver(block: CheckBlock, night: date) -> WaiverRecord | None:
    if block.waive is None:
        return None
    until, reason, owner = block.waive.until, block.waive.reason, block.waive.owner or ""
    return WaiverRecord(until=f"{until}", reason=reason, owner=owner, expired=night > until)

"""Checks of a section: which are in force, how each ends, and what follows for the section."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from reportgen.config.budgets import SectionBudgets
from reportgen.config.checks import CheckBlock, Kind
from reportgen.quality.checks import limits
from reportgen.quality.checks.budgets import check_section_budgets
from reportgen.quality.checks.facts import Facts
from reportgen.quality.checks.limits import Impossible, Outcome
from reportgen.quality.checks.subjects import cell_name, reference_value, row_name, subject_of
from reportgen.quality.checks.verdicts import is_broken
from reportgen.quality.quantities import capital, exact, significant, with_unit
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
    fixed = summary.run.seconds is None
    sections = (
        evaluate(each, blocks.get(each.id, ()), facts, _of_budgets(each, budgets, fixed))
        for each in summary.sections
    )
    return with_status(summary.model_copy(update={"sections": tuple(sections)}))


def _of_budgets(
    section: SectionRecord, budgets: Mapping[str, SectionBudgets | None], fixed: bool
) -> tuple[CheckRecord, ...]:
    block = budgets.get(section.id)
    return () if block is None else check_section_budgets(section, block, fixed=fixed)


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
        if check.metric and check.in_force:
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
    night, idle = facts.night, _not_in_force(block, facts.night)
    try:
        outcome = _test(section, block, kind, facts)
    except Impossible as problem:
        outcome = Outcome(None, str(problem), label=_name_of(section, block))
    if is_broken(section):
        status: Status = "error"
    elif idle:
        status = "ok"
    else:
        status = {True: "ok", False: block.severity, None: "error"}[outcome.holds]
    waived = not idle and outcome.holds is False and _waives(block, night)
    said = idle or outcome.said
    if status != "ok" and outcome.holds is False:
        said += _waiver_words(block, night)
    tested = not idle or is_broken(section)
    return CheckRecord(
        id=identifier,
        kind=kind,
        label=f"{capital(outcome.label)}: {outcome.wanted or _wanted_of(block, kind)}",
        metric=block.metric or "",
        cell=block.cell and CellRecord(**dict(block.cell)),
        column=block.missing_at_most.column.name
        if kind == "missing_at_most" and block.missing_at_most
        else "",
        value=outcome.value if tested else None,
        low=outcome.limits.low,
        high=outcome.limits.high,
        target=outcome.limits.target,
        unit=outcome.unit,
        severity=block.severity,
        status=status,
        in_force=not idle,
        waived=waived,
        message=said,
        reason=block.reason or "",
        owner=block.owner or "",
        since=_iso(block.from_),
        until=_iso(block.until),
        waiver=_waiver(block, night),
    )


def _test(section: SectionRecord, block: CheckBlock, kind: Kind, facts: Facts) -> Outcome:
    """Make one test; raises Impossible when it cannot be made."""
    if is_broken(section):
        raise Impossible("The check could not be made, because the section could not be computed.")
    if kind == "rows_at_least" and block.rows_at_least is not None:
        return limits.rows_at_least(section, block.rows_at_least)
    if kind == "fresh" and block.fresh is not None:
        return limits.fresh(section, block.fresh, facts)
    if kind == "missing_at_most" and block.missing_at_most is not None:
        return limits.missing_at_most(section, block.missing_at_most)
    return _of_number(section, block, kind, facts)


def _of_number(section: SectionRecord, block: CheckBlock, kind: Kind, facts: Facts) -> Outcome:
    subject = subject_of(section, block, facts.read_cell)
    if kind == "min" and block.min is not None:
        return limits.at_least(subject, block.min)
    if kind == "max" and block.max is not None:
        return limits.at_most(subject, block.max)
    if kind == "equals" and block.equals is not None:
        tolerance = block.tolerance or 0.0
        target = with_unit(exact(block.equals), subject.unit)
        wanted = f"equal to {target}"
        if tolerance:
            wanted += f" ± {with_unit(exact(tolerance), subject.unit)}"
        return limits.near(subject, block.equals, tolerance, wanted, "that it should be")
    if kind == "within" and block.within is not None:
        within = block.within
        reference = reference_value(within.of, section, block, subject, facts)
        whose = f"of the reference run {within.of}"
        wanted = f"within {_tolerance(block, subject.unit)} {whose}"
        return limits.near(subject, reference, within.tolerance(reference), wanted, whose)
    assert block.drift is not None  # noqa: S101 - the last of the kinds
    if facts.no_history:
        raise Impossible("The history cannot be read, so there is nothing to compare with.")
    earlier = facts.earlier.get((section.id, block.metric or ""), ())
    return limits.drift(subject, block.drift, earlier, facts.night)


def _wanted_of(block: CheckBlock, kind: Kind) -> str:
    """Return what is asked for when nothing could be tested, so that its unit is not known."""
    if kind == "within" and block.within is not None:
        return f"within {_tolerance(block, '')} of the reference run {block.within.of}"
    if kind == "drift":
        return "no drift"
    if kind == "missing_at_most" and block.missing_at_most is not None:
        return f"at most {with_unit(exact(block.missing_at_most.percent), '%')} missing"
    words = {"min": "at least", "max": "at most", "equals": "equal to"}
    words |= {"rows_at_least": "at least", "fresh": "hours since they were changed, at most"}
    return f"{words[kind]} {exact(getattr(block, kind))}"


def _tolerance(block: CheckBlock, unit: str) -> str:
    within = block.within
    assert within is not None  # noqa: S101 - asked for by those who know
    parts = [] if within.absolute is None else [with_unit(exact(within.absolute), unit)]
    parts += (
        [] if within.relative is None else [with_unit(significant(100 * within.relative, 12), "%")]
    )
    return " or ".join(parts)


def _name_of(section: SectionRecord, block: CheckBlock) -> str:
    """Return what a check is on, in words, though it may not exist."""
    if block.metric is not None:
        metric = section.metrics.get(block.metric)
        return block.metric if metric is None else metric.label
    if block.cell is not None:
        return cell_name(block.cell)
    if block.missing_at_most is not None:
        return block.missing_at_most.column.title
    return "source files" if block.fresh is not None else section.entries


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
    number, found = 1, base
    while found in taken:
        number += 1
        found = f"{base}-{number}"
    return found


def _not_in_force(block: CheckBlock, night: date) -> str:
    """Return why a check is not in force; empty when it is."""
    if block.from_ is not None and night < block.from_:
        return f"Not in force yet: it is from {block.from_} on."
    if block.until is not None and night > block.until:
        return f"No longer in force: it was until {block.until}."
    return ""


def _waives(block: CheckBlock, night: date) -> bool:
    return block.waive is not None and night <= block.waive.until


def _waiver(block: CheckBlock, night: date) -> WaiverRecord | None:
    if block.waive is None:
        return None
    return WaiverRecord(
        until=_iso(block.waive.until),
        reason=block.waive.reason,
        owner=block.waive.owner or "",
        expired=night > block.waive.until,
    )


def _waiver_words(block: CheckBlock, night: date) -> str:
    if block.waive is None:
        return ""
    waive = block.waive
    by = f", {waive.owner}" if waive.owner else ""
    reason = waive.reason.rstrip(".")
    if _waives(block, night):
        return f" Waived until {waive.until} ({reason}{by})."
    return f" The waiver expired on {waive.until} ({reason}{by})."


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()

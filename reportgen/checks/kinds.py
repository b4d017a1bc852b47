"""Makes the test that a check asks for, and says in words what it asks for."""

from reportgen.checks import limits, whole
from reportgen.checks.facts import Facts
from reportgen.checks.outcome import Impossible, Outcome
from reportgen.checks.subjects import cell_name, is_broken, reference_value, subject_of
from reportgen.checks.words import exact, quantity, significant
from reportgen.config.checks import CheckBlock, Kind
from reportgen.summary import SectionRecord


def make_test(section: SectionRecord, block: CheckBlock, kind: Kind, facts: Facts) -> Outcome:
    """Make one test; raises Impossible when it cannot be made."""
    if is_broken(section):
        raise Impossible("The check could not be made, because the section could not be computed.")
    if kind == "rows_at_least" and block.rows_at_least is not None:
        return whole.rows_at_least(section, block.rows_at_least)
    if kind == "fresh" and block.fresh is not None:
        return whole.fresh(section, block.fresh, facts)
    if kind == "missing_at_most" and block.missing_at_most is not None:
        return whole.missing_at_most(section, block.missing_at_most)
    return _of_number(section, block, kind, facts)


def _of_number(section: SectionRecord, block: CheckBlock, kind: Kind, facts: Facts) -> Outcome:
    subject = subject_of(section, block, facts.read_cell)
    if kind == "min" and block.min is not None:
        return limits.at_least(subject, block.min)
    if kind == "max" and block.max is not None:
        return limits.at_most(subject, block.max)
    if kind == "equals" and block.equals is not None:
        tolerance = block.tolerance or 0.0
        target = quantity(exact(block.equals), subject.unit)
        wanted = f"equal to {target}"
        if tolerance:
            wanted += f" ± {quantity(exact(tolerance), subject.unit)}"
        return limits.near(subject, block.equals, tolerance, wanted, "that it should be")
    if kind == "within" and block.within is not None:
        within = block.within
        reference = reference_value(within.of, section, block, subject, facts)
        whose = f"of the reference run {within.of}"
        wanted = f"within {_tolerance(block, subject.unit)} {whose}"
        return limits.near(subject, reference, within.tolerance(reference), wanted, whose)
    assert block.drift is not None  # noqa: S101 - the last of the kinds
    if facts.no_past:
        raise Impossible("The history cannot be read, so there is nothing to compare with.")
    past = facts.past.get((section.id, block.metric or ""), ())
    return limits.drift(subject, block.drift, past, facts.night)


def wanted_of(block: CheckBlock, kind: Kind) -> str:
    """Give what is asked for when nothing could be tested, so that its unit is not known."""
    if kind == "within" and block.within is not None:
        return f"within {_tolerance(block, '')} of the reference run {block.within.of}"
    if kind == "drift":
        return "no drift"
    if kind == "missing_at_most" and block.missing_at_most is not None:
        return f"at most {quantity(exact(block.missing_at_most.percent), '%')} missing"
    words = {"min": "at least", "max": "at most", "equals": "equal to"}
    words |= {"rows_at_least": "at least", "fresh": "hours since they were changed, at most"}
    return f"{words[kind]} {exact(getattr(block, kind))}"


def _tolerance(block: CheckBlock, unit: str) -> str:
    within = block.within
    assert within is not None  # noqa: S101 - asked for by those who know
    parts = [] if within.absolute is None else [quantity(exact(within.absolute), unit)]
    parts += (
        [] if within.relative is None else [quantity(significant(100 * within.relative, 12), "%")]
    )
    return " or ".join(parts)


def name_of(section: SectionRecord, block: CheckBlock) -> str:
    """Give what a check is on, in words, though it may not exist."""
    if block.metric is not None:
        metric = section.metrics.get(block.metric)
        return block.metric if metric is None else metric.label
    if block.cell is not None:
        return cell_name(block.cell)
    if block.missing_at_most is not None:
        return block.missing_at_most.column.title
    return "source files" if block.fresh is not None else section.entries

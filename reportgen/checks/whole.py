"""Tests of a whole section: its rows, its files, the missing values of a column."""

from datetime import datetime
from pathlib import Path

from reportgen.checks.facts import Facts
from reportgen.checks.outcome import Impossible, Limits, Outcome
from reportgen.checks.words import beside, counted, difference, exact, quantity
from reportgen.config.checks import MissingBlock
from reportgen.numbers import count
from reportgen.summary import SectionRecord

HOUR = 3600.0  # seconds


def rows_at_least(section: SectionRecord, least: int) -> Outcome:
    """Test that a section used enough rows, or images."""
    noun = section.entries.removesuffix("s")
    wanted = f"at least {counted(least, noun)}"
    if section.rows is None:
        raise Impossible(f"The analysis {section.analysis} does not say how many rows it used.")
    rows = section.rows
    said = f"The section used {counted(rows, noun)}"
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
    """Give the file that was changed first, or why that is not known."""
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
    allowed = quantity(exact(block.percent), "%")
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
    said = f"{counts.label} has no valid value in {quantity(text, '%')} of {count(counts.rows)} "
    said += "row" if counts.rows == 1 else "rows"
    if share > block.percent:
        more = quantity(difference(text, exact(block.percent)), "%")
        said += f", above the {allowed} that are allowed (by {more} of the rows)."
    else:
        said += f"; up to {allowed} is allowed."
    return Outcome(share <= block.percent, said, wanted, label, share, "%", limits)

"""The checks of a whole run: how many ended how, and which matters most."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reportgen.quality.quantities import capital
from reportgen.record import CheckRecord, MetricRecord, SectionRecord, Status, Summary
from reportgen.wording import clip, counted, listed

BROKEN = "The check could not be made, because the section could not be computed."
MOST_OF_A_TITLE = 70  # characters

Placed = tuple[SectionRecord | None, CheckRecord]
"""A check and the section that it is of; None for one of the whole run."""

# What was measured says more than what could not be tested.
_WEIGHT: dict[Status, int] = {"fail": 3, "error": 2, "warn": 1, "ok": 0}


@dataclass(frozen=True)
class CheckCounts:
    """How many checks ended how; each is in one of them."""

    ok: int = 0
    warn: int = 0
    fail: int = 0
    error: int = 0
    waived: int = 0
    not_judged: int = 0
    not_in_force: int = 0

    @property
    def made(self) -> int:
        """How many were in force and could be judged."""
        return self.ok + self.warn + self.fail + self.error + self.waived

    @property
    def words(self) -> str:
        """The counts in words, worst first: ``1 check failed, 2 are waived and 11 are ok``."""
        parts = [
            (self.fail, "failed", "failed"),
            (self.error, "could not be made", "could not be made"),
            (self.warn, "has a warning", "have a warning"),
            (self.waived, "is waived", "are waived"),
            (self.ok, "is ok", "are ok"),
            (self.not_judged, "cannot be judged yet", "cannot be judged yet"),
        ]
        said = [(n, one if n == 1 else many) for n, one, many in parts if n]
        if not said:
            return "no check is in force" if self.not_in_force else "nothing is checked"
        (most, ended), *rest = said
        return listed([f"{counted(most, 'checks')} {ended}", *(f"{n} {how}" for n, how in rest)])


def count_checks(summary: Summary) -> CheckCounts:
    """Count the checks of a run by how they ended."""
    found = Counter(_ending(check) for _, check in _all_checks(summary))
    return CheckCounts(**found)


def _all_checks(summary: Summary) -> Iterator[Placed]:
    """Return the checks of sections in the order of the report, then those of the whole run."""
    for section in summary.sections:
        yield from ((section, check) for check in section.checks)
    yield from ((None, check) for check in summary.checks)


def _ending(check: CheckRecord) -> str:
    if not check.in_force:
        return "not_in_force"
    if not check.judged:
        return "not_judged"
    return "waived" if check.waived else check.status


def troubled_checks(summary: Summary) -> list[Placed]:
    """Return the checks that do not hold, the most important first.

    Those of a section that could not be computed are left out: its own error says why.
    """
    found = [
        (section, check)
        for section, check in _all_checks(summary)
        if check.verdict != "ok" and not (section is not None and is_broken(section))
    ]
    return sorted(found, key=lambda each: -_weight(each[1]))


def _weight(check: CheckRecord) -> int:
    return _WEIGHT["warn"] if check.severity == "warn" else _WEIGHT[check.verdict]


def worst_check(summary: Summary) -> Placed | None:
    """Return the check whose message is the most important; None when all are ok."""
    return next(iter(troubled_checks(summary)), None)


def waived_checks(summary: Summary) -> list[Placed]:
    """Return the checks that do not hold and are waived, in the order of the report."""
    return [(section, check) for section, check in _all_checks(summary) if check.waived]


def verdict_sentence(summary: Summary) -> str:
    """Return the one sentence that matters most."""
    total = len(summary.sections)
    broken = [f"“{short_title(s.title)}”" for s in summary.sections if s.status == "error"]
    documents = summary.documents.items()
    missing = [form.upper() for form, d in documents if d.error is not None and not d.file]
    spare = [form.upper() for form, d in documents if d.error is not None and d.file]
    worst, counts = worst_check(summary), count_checks(summary)
    if broken and total == 1:
        said = "The section could not be computed."
    elif broken:
        said = f"{len(broken)} of {total} sections could not be computed: {listed(broken, 3)}."
    elif worst is not None:
        said = f"{capital(counts.words)}. {_message(summary, *worst)}"
    elif missing:
        said = f"The {listed(missing)} could not be made."
    elif spare:
        said = f"The templates that were given for the {listed(spare)} have an error."
    else:
        said = f"{_computed(summary.sections)} {capital(counts.words)}."
        said += " The PDF lacks characters." * any(d.notices for _, d in documents)
    if broken and counts.fail:
        said += f" {capital(counts.words)}."
    if summary.run.only:
        left = len(summary.run.left_out)
        were = "section was" if left == 1 else "sections were"
        said += f" This is a partial report: {left} more {were} not asked for."
    if summary.run.most_rows is not None:
        said += f" This is a draft of {listed(list(summary.run.draft)) or 'all rows'}."
    return said


def _message(summary: Summary, section: SectionRecord | None, check: CheckRecord) -> str:
    """Return what a check says, with the section's title where a label alone says too little."""
    metric = section.metrics.get(check.metric) if section is not None else None
    if section is None or metric is None or not check.message.startswith(capital(metric.label)):
        return check.message
    return full_label(summary, section, metric) + check.message[len(metric.label) :]


def _computed(sections: Sequence[SectionRecord]) -> str:
    """Return how many sections were computed anew."""
    total, unchanged = len(sections), sum(section.kept for section in sections)
    if not unchanged:
        return f"All {total} sections were computed." if total > 1 else "The section was computed."
    if unchanged == total:
        return f"All {total} sections are unchanged." if total > 1 else "The section is unchanged."
    made = total - unchanged
    were = "was" if made == 1 else "were"
    others = "the other is" if unchanged == 1 else "the others are"
    return f"{made} of {total} sections {were} computed, {others} unchanged."


def full_label(summary: Summary, section: SectionRecord, metric: MetricRecord) -> str:
    """Return the label of a number, behind its section's title where it does not say enough alone.

    The median of a section on one column is called "median", whatever column that is.
    """
    of_sections = sum(
        any(other.label == metric.label for other in each.metrics.values())
        for each in summary.sections
    )
    if of_sections == 1 and " " in metric.label:
        return metric.label
    return f"{section.title}: {metric.label}"


def short_title(title: str) -> str:
    """Return the title of a section where others are named with it, in one line.

    A line that begins with :: would be a command to the runner of a workflow.
    """
    return clip(title.replace("\n", " "), MOST_OF_A_TITLE)


def is_broken(section: SectionRecord) -> bool:
    """Return whether a section could not be computed."""
    return section.error is not None or section.status == "error"

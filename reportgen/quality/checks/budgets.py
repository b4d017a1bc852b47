"""Checks of budgets: what a section or a whole build took, beside what it may take.

Those of a whole report are assumed to hold while its documents are made, and then checked.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from reportgen.config.budgets import Budget, ReportBudgets, SectionBudgets
from reportgen.config.columns import with_unit
from reportgen.quality.checks.verdicts import BROKEN, is_broken
from reportgen.quality.quantities import MOST_DIGITS, beside
from reportgen.record import (
    CheckRecord,
    DocumentRecord,
    SectionRecord,
    Status,
    Summary,
    with_status,
)
from reportgen.wording import bytes_text, exact

BYTE = "byte"  # as astropy calls it

_FIXED = (
    "Not checked: SOURCE_DATE_EPOCH asks for the same bytes every time, which no clock and no "
    "memory meter gives."
)
_NO_METER = "The check cannot be made: this system does not say how much memory processes use."

_LABELS: Mapping[Budget, str] = {
    "html": "Size of report.html",
    "pdf": "Size of report.pdf",
    "seconds": "Time",
    "memory": "Memory",
}
_WITHIN: Mapping[Budget, str] = {
    "html": "report.html is no larger than",
    "pdf": "report.pdf is no larger than",
    "seconds": "The build took no more than",
    "memory": "The build used no more memory than",
}
_TOOK: Mapping[Budget, str] = {
    "html": "report.html is {}",
    "pdf": "report.pdf is {}",
    "seconds": "{who} took {}",
    "memory": "{who} used {} of memory",
}

Used = Mapping[str, float | None]
"""Seconds, bytes of memory, and bytes of each document; None for what cannot be measured or made.

A document that is not there is not asked for."""


def assume_budgets(
    summary: Summary, block: ReportBudgets | None, forms: tuple[Literal["html", "pdf"], ...]
) -> Summary:
    """Return the record of a run with the checks of its budgets as if all hold.

    forms: the documents that will be made. A budget that cannot be checked says so already.
    """
    if block is None:
        return summary
    nothing: Used = {"seconds": 0.0, "memory": 0, **dict.fromkeys(forms, 0)}
    checks = check_report_budgets(block, nothing, fixed=summary.run.seconds is None)
    unknown = tuple(check.model_copy(update={"value": None}) for check in checks)
    return with_status(summary.model_copy(update={"checks": unknown}))


def settle_budgets(
    summary: Summary, block: ReportBudgets | None, run: Path, seconds: float, memory: int | None
) -> tuple[Summary, bool]:
    """Return the record of a run with the checks of its budgets, and whether any ended otherwise.

    If so the documents, which say that all hold, must be made once more; how large they are then,
    and how long that takes, decides nothing. run: its folder. seconds, memory: what the build took
    until its documents were there; memory: None when it was not measured.
    """
    if block is None:
        return summary, False
    fixed = summary.run.seconds is None
    sizes = {form: _size(run, document) for form, document in summary.documents.items()}
    used: Used = {"seconds": round(seconds, 2), "memory": memory, **sizes}
    checks = check_report_budgets(block, used, fixed=fixed)
    measured = summary.run.model_copy(update={"memory": None if fixed else memory})
    settled = with_status(summary.model_copy(update={"checks": checks, "run": measured}))
    return settled, [c.message for c in checks] != [c.message for c in summary.checks]


def _size(run: Path, document: DocumentRecord) -> int | None:
    with suppress(OSError):
        return (run / document.file).stat().st_size if document.file else None
    return None


def check_section_budgets(
    section: SectionRecord, block: SectionBudgets, *, fixed: bool
) -> tuple[CheckRecord, ...]:
    """Return the checks of the budgets of a section.

    fixed: whether SOURCE_DATE_EPOCH asks for the same bytes every time.
    """
    used: Used = {"seconds": section.seconds, "memory": section.memory}
    checks = (check_budget(block, name, used, fixed=fixed) for name in block.limits)
    if not is_broken(section):
        return tuple(checks)
    broken = {"status": "error", "message": BROKEN, "value": None, "in_force": True}
    return tuple(check.model_copy(update=broken) for check in checks)


def check_report_budgets(
    block: ReportBudgets, used: Used, *, fixed: bool
) -> tuple[CheckRecord, ...]:
    """Return the checks of the budgets of a whole report. fixed: as for a section."""
    return tuple(check_budget(block, name, used, whole=True, fixed=fixed) for name in block.limits)


def check_budget(
    block: SectionBudgets, name: Budget, used: Used, *, whole: bool = False, fixed: bool = False
) -> CheckRecord:
    """Return the check of what a section, or the whole build, used beside a budget.

    The message of one of the whole build that holds does not tell the number: a document that has
    the message has no size yet.
    """
    value, limit = used.get(name), block.limits[name]
    is_document, in_force = name in {"html", "pdf"}, True
    status: Status = "ok"
    if is_document and name not in used:
        in_force, said = False, f"Not checked: this report has no {name.upper()}."
    elif fixed and not is_document:
        value, in_force, said = None, False, _FIXED
    elif value is None:
        why = f"because the {name.upper()} could not be."
        status, said = "error", f"The check cannot be made, {why}" if is_document else _NO_METER
    else:
        text, most = _in_words(name, value, limit)
        took = _TOOK[name].format(text, who="The build" if whole else "The section")
        said = (
            f"{_WITHIN[name]} its budget of {most}." if whole else f"{took}; its budget is {most}."
        )
        if value > limit:
            status, said = block.severity, f"{took}, more than its budget of {most}."
    return CheckRecord(
        id=f"budget-{name}",
        kind=name,
        label=f"{_LABELS[name]}: at most {_in_words(name, limit, limit)[1]}",
        value=value,
        high=limit,
        unit="s" if name == "seconds" else BYTE,
        severity=block.severity,
        status=status,
        in_force=in_force,
        message=said,
        reason=block.reason or "",
        owner=block.owner or "",
    )


def _in_words(name: Budget, value: float, limit: float) -> tuple[str, str]:
    """Return a value and its budget in words, which read the same only if they are."""
    if name == "seconds":
        return with_unit(beside(value, limit, 1), "s"), with_unit(exact(limit), "s")
    texts = bytes_text(value), bytes_text(limit)
    for more in range(4, MOST_DIGITS + 1):
        if texts[0] != texts[1] or value == limit:
            break
        texts = bytes_text(value, more), bytes_text(limit, more)
    return texts

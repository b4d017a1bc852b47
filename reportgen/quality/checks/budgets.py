"""Checks of budgets: what a section or a whole build took, beside what it may take.

Those of a whole report are assumed to hold while its documents are made, and then checked.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reportgen.config.budgets import Budget, ReportBudgets, SectionBudgets
from reportgen.quality.checks.verdicts import is_broken
from reportgen.quality.quantities import MOST_DIGITS, beside, exact, with_unit
from reportgen.record import (
    CheckRecord,
    DocumentRecord,
    SectionRecord,
    Status,
    Summary,
    with_status,
)
from reportgen.wording import bytes_text

BYTE = "byte"  # as astropy calls it

_FIXED = (
    "Not checked: SOURCE_DATE_EPOCH asks for the same bytes every time, which no clock and no "
    "memory meter gives."
)
_NO_METER = "The check cannot be made: this system does not say how much memory processes use."
_BROKEN = "The check could not be made, because the section could not be computed."

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
    "html": "report.html is",
    "pdf": "report.pdf is",
    "seconds": "{} took",
    "memory": "{} used",
}


@dataclass(frozen=True)
class Used:
    """What a build took.

    memory: bytes; None where it cannot be measured. sizes: bytes of its documents by form; None
    for those that could not be made.
    """

    seconds: float = 0.0
    memory: int | None = None
    sizes: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Ending:
    said: str
    status: Status
    value: float | None = None
    in_force: bool = True


_IDLE = _Ending(_FIXED, "ok", in_force=False)


def assume_budgets(
    summary: Summary, block: ReportBudgets | None, forms: tuple[str, ...]
) -> Summary:
    """Return the record of a run with the checks of its budgets as if all hold.

    forms: the documents that will be made. A budget that cannot be checked says so already.
    """
    if block is None:
        return summary
    nothing = Used(memory=0, sizes=dict.fromkeys(forms, 0))
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
    checks = check_report_budgets(block, Used(round(seconds, 2), memory, sizes), fixed=fixed)
    measured = summary.run.model_copy(update={"memory": None if fixed else memory})
    settled = with_status(summary.model_copy(update={"checks": checks, "run": measured}))
    return settled, _endings(checks) != _endings(summary.checks)


def _size(run: Path, document: DocumentRecord) -> int | None:
    with suppress(OSError):
        return (run / document.file).stat().st_size if document.file else None
    return None


def _endings(checks: tuple[CheckRecord, ...]) -> list[str]:
    return [check.message for check in checks]


def check_section_budgets(
    section: SectionRecord, block: SectionBudgets, *, fixed: bool
) -> tuple[CheckRecord, ...]:
    """Return the checks of the budgets of a section.

    fixed: whether SOURCE_DATE_EPOCH asks for the same bytes every time.
    """

    def ended(name: Budget, limit: float) -> _Ending:
        value = section.seconds if name == "seconds" else section.memory
        if is_broken(section):
            return _Ending(_BROKEN, "error")
        if fixed or (value is None and name == "seconds"):
            return _IDLE
        if value is None:
            return _Ending(_NO_METER, "error")
        if value > limit:
            return _exceeded("The section", name, value, limit, block)
        said, most = _took("The section", name, value, limit)
        return _Ending(f"{said}; its budget is {most}.", "ok", value)

    return _checks(block, ended)


def check_report_budgets(
    block: ReportBudgets, used: Used, *, fixed: bool
) -> tuple[CheckRecord, ...]:
    """Return the checks of the budgets of a whole report. fixed: as for a section.

    The message of one that holds does not tell the number: a document that has the message has no
    size yet.
    """

    def ended(name: Budget, limit: float) -> _Ending:
        value = {"seconds": used.seconds, "memory": used.memory, **used.sizes}.get(name)
        if name in {"html", "pdf"}:
            if name not in used.sizes:
                said = f"Not checked: this report has no {name.upper()}."
                return _Ending(said, "ok", in_force=False)
            if value is None:
                said = f"The check cannot be made, because the {name.upper()} could not be."
                return _Ending(said, "error")
        elif fixed:
            return _IDLE
        if value is None:
            return _Ending(_NO_METER, "error")
        if value > limit:
            return _exceeded("The build", name, value, limit, block)
        return _Ending(f"{_WITHIN[name]} its budget of {_limit(name, limit)}.", "ok", value)

    return _checks(block, ended)


def budget_labels(block: SectionBudgets) -> dict[Budget, str]:
    """Return what each budget asks for, in words."""
    return {
        name: f"{_LABELS[name]}: at most {_limit(name, limit)}"
        for name, limit in block.limits.items()
    }


def _checks(
    block: SectionBudgets, ended: Callable[[Budget, float], _Ending]
) -> tuple[CheckRecord, ...]:
    found = []
    labels = budget_labels(block)
    for name, limit in block.limits.items():
        ending = ended(name, limit)
        found.append(
            CheckRecord(
                id=f"budget-{name}",
                kind=name,
                label=labels[name],
                value=ending.value,
                high=limit,
                unit="s" if name == "seconds" else BYTE,
                severity=block.severity,
                status=ending.status,
                in_force=ending.in_force,
                message=ending.said,
                reason=block.reason or "",
                owner=block.owner or "",
            )
        )
    return tuple(found)


def _exceeded(who: str, name: Budget, value: float, limit: float, block: SectionBudgets) -> _Ending:
    said, most = _took(who, name, value, limit)
    return _Ending(f"{said}, more than its budget of {most}.", block.severity, value)


def _took(who: str, name: Budget, value: float, limit: float) -> tuple[str, str]:
    """Start a sentence on what was taken; give the budget in words besides."""
    text, most = _beside(name, value, limit)
    said = f"{_TOOK[name].format(who)} {text}"
    return (f"{said} of memory" if name == "memory" else said), most


def _limit(name: Budget, limit: float) -> str:
    return _beside(name, limit, limit)[1]


def _beside(name: Budget, value: float, limit: float) -> tuple[str, str]:
    """Return a value and its budget in words, which read the same only if they are."""
    if name == "seconds":
        return with_unit(beside(value, limit, 1), "s"), with_unit(exact(limit), "s")
    texts = bytes_text(value), bytes_text(limit)
    for more in range(4, MOST_DIGITS + 1):
        if texts[0] != texts[1] or value == limit:
            break
        texts = bytes_text(value, more), bytes_text(limit, more)
    return texts

"""Checks of budgets: what a section or a whole build took, beside what it may take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reportgen.checks.subjects import is_broken
from reportgen.checks.words import MOST_DIGITS, beside, exact, quantity
from reportgen.config.budgets import Budget, ReportBudgets, SectionBudgets
from reportgen.numbers import bytes_text
from reportgen.summary import CheckRecord, SectionRecord, Status

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


def check_section_budgets(
    section: SectionRecord, block: SectionBudgets, *, fixed: bool
) -> tuple[CheckRecord, ...]:
    """Give the checks of the budgets of a section.

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
    """Give the checks of the budgets of a whole report. fixed: as for a section.

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
    """Give what each budget asks for, in words."""
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
    """Give a value and its budget in words, which read the same only if they are."""
    if name == "seconds":
        return quantity(beside(value, limit, 1), "s"), quantity(exact(limit), "s")
    texts = bytes_text(value), bytes_text(limit)
    for more in range(4, MOST_DIGITS + 1):
        if texts[0] != texts[1] or value == limit:
            break
        texts = bytes_text(value, more), bytes_text(limit, more)
    return texts

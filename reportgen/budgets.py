"""The budgets of a whole report: assumed to hold while its documents are made, then checked."""

from contextlib import suppress
from pathlib import Path

from reportgen.checks.budgets import Used, check_report_budgets
from reportgen.config.budgets import ReportBudgets
from reportgen.summary import CheckRecord, DocumentRecord, Summary, with_status


def assume_budgets(
    summary: Summary, block: ReportBudgets | None, forms: tuple[str, ...]
) -> Summary:
    """Give the record of a run with the checks of its budgets as if all hold.

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
    """Give the record of a run with the checks of its budgets, and whether any ended otherwise.

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

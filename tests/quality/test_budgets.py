import pytest
from made_nights import make_run, started

from reportgen.config.budgets import ReportBudgets
from reportgen.quality.checks.budgets import assume_budgets, settle_budgets
from reportgen.record import DocumentRecord, ErrorRecord, read_summary

FORMS = ("html", "pdf")
BLOCK = ReportBudgets(html="1 MB", pdf="5 kB", seconds=60, memory="1 GB", severity="fail")
MISSING = DocumentRecord(error=ErrorRecord(kind="error", message="Pango is missing."))


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path, started(0))


def fixed(record):
    return record.model_copy(update={"run": record.run.model_copy(update={"seconds": None})})


def test_budgets_are_assumed_to_hold_until_the_documents_are_there(run):
    record = assume_budgets(read_summary(run), BLOCK, FORMS)
    assert [check.status for check in record.checks] == ["ok"] * 4
    assert {check.value for check in record.checks} == {None}
    assert record.run.status == "ok"


def test_what_holds_gets_its_number_and_documents_stay(run):
    record = assume_budgets(read_summary(run), BLOCK, FORMS)
    settled, otherwise = settle_budgets(record, BLOCK, run, 41.234, 9 * 10**8)
    assert not otherwise
    assert [check.value for check in settled.checks] == [
        (run / "report.html").stat().st_size,
        (run / "report.pdf").stat().st_size,
        41.23,
        9e8,
    ]
    assert settled.run.memory == 9 * 10**8
    messages = [check.message for check in record.checks]
    assert [check.message for check in settled.checks] == messages


@pytest.mark.parametrize(
    ("seconds", "memory", "size", "kind"),
    [(61.0, 1, 9, "seconds"), (1.0, 2 * 10**9, 9, "memory"), (1.0, 1, 5001, "pdf")],
)
def test_what_does_not_hold_asks_for_other_documents(run, seconds, memory, size, kind):
    record = assume_budgets(read_summary(run), BLOCK, FORMS)
    (run / "report.pdf").write_bytes(b"x" * size)
    settled, otherwise = settle_budgets(record, BLOCK, run, seconds, memory)
    assert otherwise
    assert [check.kind for check in settled.checks if check.status == "fail"] == [kind]
    assert settled.run.status == "fail"


def test_with_a_fixed_time_documents_stay_whatever_clock_and_meter_say(run):
    record = assume_budgets(fixed(read_summary(run)), BLOCK, FORMS)
    settled, otherwise = settle_budgets(record, BLOCK, run, 999.0, 10**12)
    assert not otherwise
    assert settled.run.memory is None
    assert [check.in_force for check in settled.checks] == [True, True, False, False]


def test_a_document_that_could_not_be_made_cannot_be_checked(run):
    record = assume_budgets(read_summary(run), BLOCK, FORMS)
    record = record.model_copy(update={"documents": {**record.documents, "pdf": MISSING}})
    settled, otherwise = settle_budgets(record, BLOCK, run, 1.0, 1)
    assert otherwise
    assert settled.checks[1].status == "error"


def test_a_report_without_budgets_has_no_checks_of_its_own(run):
    record = read_summary(run)
    assert assume_budgets(record, None, FORMS) == record
    assert settle_budgets(record, None, run, 999.0, 1) == (record, False)

import re

import pytest
from checking import BROKEN, plain, section
from hypothesis import assume, given
from hypothesis import strategies as st
from made_nights import make_run, started

from reportgen.config.budgets import ReportBudgets, SectionBudgets
from reportgen.quality.checks.budgets import (
    assume_budgets,
    check_report_budgets,
    check_section_budgets,
    settle_budgets,
)
from reportgen.quality.checks.verdicts import CheckCounts, count_checks, worst_check
from reportgen.record import DocumentRecord, ErrorRecord, read_summary

MB = 10**6
REPORT = ReportBudgets(html="3 MB", pdf="10 MB", seconds=60, memory="1 GB")
GOOD = {"seconds": 41.0, "memory": 300 * MB, "html": MB, "pdf": 10 * MB}
FLUXES = SectionBudgets(seconds=5, memory="200 MB", severity="fail", reason="Slow", owner="Ann")
FORMS = ("html", "pdf")
MISSING = DocumentRecord(error=ErrorRecord(kind="error", message="Pango is missing."))


def of_report(used, budgets=REPORT, fixed=False):
    return {check.kind: check for check in check_report_budgets(budgets, used, fixed=fixed)}


def of_section(record, fixed=False):
    return {check.kind: check for check in check_section_budgets(record, FLUXES, fixed=fixed)}


def test_a_report_within_its_budgets_is_ok_up_to_the_last_byte():
    found = of_report(GOOD)
    assert {check.status for check in found.values()} == {"ok"}
    assert plain(found["pdf"]) == "report.pdf is no larger than its budget of 10 MB."
    assert (found["pdf"].value, found["pdf"].high, found["pdf"].unit) == (1e7, 1e7, "byte")
    assert (found["seconds"].value, found["seconds"].high, found["seconds"].unit) == (41, 60, "s")


def test_what_is_exceeded_is_said_with_its_number_and_its_limit():
    used = {"seconds": 71.96, "memory": 1_234_567_890, "html": 3 * MB + 1, "pdf": 12_300_000}
    found = of_report(used)
    assert {check.status for check in found.values()} == {"warn"}
    assert [plain(check) for check in found.values()] == [
        "report.html is 3.000001 MB, more than its budget of 3 MB.",
        "report.pdf is 12.3 MB, more than its budget of 10 MB.",
        "The build took 72.0 s, more than its budget of 60 s.",
        "The build used 1.23 GB of memory, more than its budget of 1 GB.",
    ]
    assert (found["pdf"].value, found["pdf"].id) == (12_300_000, "budget-pdf")
    assert found["pdf"].label == "Size of report.pdf: at most 10\u00a0MB"


@given(value=st.integers(0, 10**13), limit=st.integers(1, 10**13))
def test_a_size_and_its_budget_never_read_the_same_when_it_is_exceeded(value, limit):
    assume(value > limit)
    check = of_report({"pdf": value}, ReportBudgets(pdf=limit))["pdf"]
    said = re.fullmatch(r"report.pdf is (.*), more than its budget of (.*)\.", check.message)
    assert said[1] != said[2]


def test_what_cannot_be_measured_is_said():
    found = of_report({"seconds": 1.0, "memory": None, "pdf": None})
    assert (found["html"].in_force, found["html"].verdict) == (False, "ok")
    assert found["html"].message == "Not checked: this report has no HTML."
    assert (found["pdf"].status, found["pdf"].value) == ("error", None)
    assert "because the PDF could not be" in found["pdf"].message
    assert (found["memory"].status, found["memory"].counts_as) == ("error", "warn")
    assert "this system does not say how much memory" in found["memory"].message


def test_with_a_fixed_time_nothing_of_a_clock_or_a_meter_is_said():
    found = of_report({"seconds": 99.0, "memory": 10**10, "html": 5, "pdf": 10**8}, fixed=True)
    found_too = of_section(section(seconds=None, memory=None), fixed=True)
    for check in (found["seconds"], found["memory"], *found_too.values()):
        assert (check.in_force, check.status, check.value) == (False, "ok", None)
        assert "SOURCE_DATE_EPOCH" in check.message
    assert found["pdf"].status == "warn"


def test_a_section_says_what_it_took():
    found = of_section(section(seconds=7.31, memory=312 * MB))
    assert [plain(check) for check in found.values()] == [
        "The section took 7.3 s, more than its budget of 5 s.",
        "The section used 312 MB of memory, more than its budget of 200 MB.",
    ]
    assert {(c.status, c.reason, c.owner) for c in found.values()} == {("fail", "Slow", "Ann")}
    good = of_section(section(seconds=3.2, memory=90 * MB))
    assert plain(good["seconds"]) == "The section took 3.2 s; its budget is 5 s."
    assert {check.status for check in good.values()} == {"ok"}
    assert {check.status for check in of_section(BROKEN).values()} == {"error"}


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path, started(0))


BLOCK = ReportBudgets(html="1 MB", pdf="5 kB", seconds=60, memory="1 GB", severity="fail")


def test_budgets_are_assumed_to_hold_and_documents_stay_if_they_do(run):
    record = assume_budgets(read_summary(run), BLOCK, FORMS)
    assert {(check.status, check.value) for check in record.checks} == {("ok", None)}
    settled, otherwise = settle_budgets(record, BLOCK, run, 41.234, 9 * 10**8)
    assert not otherwise
    sizes = [(run / f"report.{form}").stat().st_size for form in FORMS]
    assert [check.value for check in settled.checks] == [*sizes, 41.23, 9e8]
    assert settled.run.memory == 9 * 10**8
    messages = [check.message for check in record.checks]
    assert [check.message for check in settled.checks] == messages
    record = read_summary(run)
    fixed = record.model_copy(update={"run": record.run.model_copy(update={"seconds": None})})
    settled, otherwise = settle_budgets(assume_budgets(fixed, BLOCK, FORMS), BLOCK, run, 999.0, 1)
    assert (otherwise, settled.run.memory) == (False, None), (
        "nothing of a clock and a meter is said"
    )
    assert assume_budgets(record, None, FORMS) == record
    assert settle_budgets(record, None, run, 999.0, 1) == (record, False)


@pytest.mark.parametrize(
    ("took", "size", "kind", "severity"),
    [
        ((61.0, 1), 9, "seconds", "fail"),
        ((1.0, 2 * 10**9), 9, "memory", "warn"),
        ((1.0, 1), 5001, "pdf", "fail"),
    ],
)
def test_what_does_not_hold_asks_for_other_documents(run, took, size, kind, severity):
    budgets = BLOCK.model_copy(update={"severity": severity})
    record = assume_budgets(read_summary(run), budgets, FORMS)
    (run / "report.pdf").write_bytes(b"x" * size)
    settled, otherwise = settle_budgets(record, budgets, run, *took)
    assert otherwise
    section, check = worst_check(settled)
    assert (section, check.kind, settled.run.status) == (None, kind, severity)
    assert count_checks(settled) == CheckCounts(ok=3, **{severity: 1})


def test_a_document_that_could_not_be_made_cannot_be_checked(run):
    record = assume_budgets(read_summary(run), BLOCK, FORMS)
    record = record.model_copy(update={"documents": {**record.documents, "pdf": MISSING}})
    settled, otherwise = settle_budgets(record, BLOCK, run, 1.0, 1)
    assert (otherwise, settled.checks[1].status) == (True, "error")

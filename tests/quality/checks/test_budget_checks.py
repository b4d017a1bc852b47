import re

import pytest
from checking import BROKEN, STARTED, block, section, summary
from hypothesis import assume, given
from hypothesis import strategies as st

from reportgen.config.budgets import ReportBudgets, SectionBudgets
from reportgen.quality.checks.budgets import Used, check_report_budgets, check_section_budgets
from reportgen.quality.checks.evaluation import check_run
from reportgen.quality.checks.facts import Facts
from reportgen.quality.checks.verdicts import (
    CheckCounts,
    count_checks,
    troubled_checks,
    worst_check,
)
from reportgen.record import with_status

MB = 10**6
REPORT = ReportBudgets(html="3 MB", pdf="10 MB", seconds=60, memory="1 GB")
GOOD = Used(41.0, 300 * MB, {"html": MB, "pdf": 10 * MB})
FLUXES = SectionBudgets(seconds=5, memory="200 MB", severity="fail", reason="Slow", owner="Ann")


def of_report(used, budgets=REPORT, fixed=False):
    return {check.kind: check for check in check_report_budgets(budgets, used, fixed=fixed)}


def of_section(record, budgets=FLUXES, fixed=False):
    return {check.kind: check for check in check_section_budgets(record, budgets, fixed=fixed)}


def plain(check):
    return check.message.replace("\u00a0", " ")


def test_a_report_within_its_budgets_is_ok_up_to_the_last_byte():
    found = of_report(GOOD)
    assert {check.status for check in found.values()} == {"ok"}
    assert plain(found["pdf"]) == "report.pdf is no larger than its budget of 10 MB."
    assert (found["pdf"].value, found["pdf"].high, found["pdf"].unit) == (1e7, 1e7, "byte")
    assert (found["seconds"].value, found["seconds"].high, found["seconds"].unit) == (41, 60, "s")


def test_what_is_exceeded_is_said_with_its_number_and_its_limit():
    used = Used(71.96, 1_234_567_890, {"html": 3 * MB + 1, "pdf": 12_300_000})
    found = of_report(used)
    assert {check.status for check in found.values()} == {"warn"}
    assert [plain(check) for check in found.values()] == [
        "report.html is 3.000001 MB, more than its budget of 3 MB.",
        "report.pdf is 12.3 MB, more than its budget of 10 MB.",
        "The build took 72.0 s, more than its budget of 60 s.",
        "The build used 1.23 GB of memory, more than its budget of 1 GB.",
    ]
    assert found["pdf"].value == 12_300_000
    assert found["pdf"].id == "budget-pdf"
    assert found["pdf"].label == "Size of report.pdf: at most 10\u00a0MB"


def test_a_message_of_what_holds_does_not_depend_on_the_number():
    nothing = Used(0.0, 0, {"html": 0, "pdf": 0})
    messages = [[check.message for check in of_report(used).values()] for used in (GOOD, nothing)]
    assert messages[0] == messages[1]


@given(value=st.integers(0, 10**13), limit=st.integers(1, 10**13))
def test_a_size_and_its_budget_never_read_the_same_when_it_is_exceeded(value, limit):
    assume(value > limit)
    check = of_report(Used(sizes={"pdf": value}), ReportBudgets(pdf=limit))["pdf"]
    said, budget = re.fullmatch(
        r"report.pdf is (.*), more than its budget of (.*)\.", check.message
    ).groups()
    assert said != budget


def test_a_document_that_is_not_made_is_not_checked():
    found = of_report(Used(1.0, 1, {"html": 5}))
    assert not found["pdf"].in_force
    assert found["pdf"].verdict == "ok"
    assert found["pdf"].message == "Not checked: this report has no PDF."
    assert found["html"].in_force


def test_the_size_of_a_document_that_could_not_be_made_cannot_be_checked():
    found = of_report(Used(1.0, 1, {"html": 5, "pdf": None}))
    assert (found["pdf"].status, found["pdf"].value) == ("error", None)
    assert "because the PDF could not be" in found["pdf"].message


def test_with_a_fixed_time_nothing_of_a_clock_or_a_meter_is_said():
    found = of_report(Used(99.0, 10**10, {"html": 5, "pdf": 10**8}), fixed=True)
    for kind in ("seconds", "memory"):
        assert not found[kind].in_force
        assert found[kind].status == "ok"
        assert found[kind].value is None
        assert "SOURCE_DATE_EPOCH" in found[kind].message
    assert found["pdf"].status == "warn"


def test_where_memory_is_not_known_the_check_says_that_it_cannot_be_made():
    found = of_report(Used(1.0, None, {}))["memory"]
    assert (found.status, found.counts_as) == ("error", "warn")
    assert "this system does not say how much memory" in found.message


def test_a_section_says_what_it_took():
    found = of_section(section(seconds=7.31, memory=312 * MB))
    assert [plain(check) for check in found.values()] == [
        "The section took 7.3 s, more than its budget of 5 s.",
        "The section used 312 MB of memory, more than its budget of 200 MB.",
    ]
    assert {check.status for check in found.values()} == {"fail"}
    assert (found["seconds"].reason, found["seconds"].owner) == ("Slow", "Ann")
    good = of_section(section(seconds=3.2, memory=90 * MB))
    assert plain(good["seconds"]) == "The section took 3.2 s; its budget is 5 s."
    assert {check.status for check in good.values()} == {"ok"}


def test_a_section_with_a_fixed_time_is_not_checked():
    found = of_section(section(seconds=None, memory=None), fixed=True)
    assert {check.in_force for check in found.values()} == {False}
    assert {check.verdict for check in found.values()} == {"ok"}


def test_budgets_of_a_section_in_error_are_never_ok():
    assert {check.status for check in of_section(BROKEN).values()} == {"error"}


def test_a_section_beyond_its_budget_has_the_status_that_follows():
    record = section(seconds=9.0, memory=1)
    run = summary(record)
    run = run.model_copy(update={"run": run.run.model_copy(update={"seconds": 10.0})})
    found = check_run(
        run, {"fluxes": [block(metric="flux", max=1000)]}, Facts(STARTED), {"fluxes": FLUXES}
    )
    assert [check.id for check in found.sections[0].checks] == [
        "flux-max",
        "budget-seconds",
        "budget-memory",
    ]
    assert found.sections[0].status == "fail"
    assert found.run.status == "fail"
    assert found.sections[0].metrics["flux"].verdict == "ok"


def with_budgets(used, severity="warn"):
    run = check_run(summary(section()), {"fluxes": [block(metric="flux", max=1)]}, Facts(STARTED))
    budgets = REPORT.model_copy(update={"severity": severity})
    checks = check_report_budgets(budgets, used, fixed=False)
    return with_status(run.model_copy(update={"checks": checks}))


def test_budgets_of_the_report_count_like_other_checks():
    run = with_budgets(Used(99.0, None, {"html": 1, "pdf": 1}))
    assert count_checks(run) == CheckCounts(ok=2, warn=1, fail=1, error=1)
    assert [check.id for _, check in troubled_checks(run)] == [
        "flux-max",
        "budget-seconds",
        "budget-memory",
    ]
    assert troubled_checks(run)[1][0] is None


@pytest.mark.parametrize("severity", ["warn", "fail"])
def test_a_report_beyond_a_budget_has_the_status_that_follows(severity):
    run = summary(section())
    budgets = REPORT.model_copy(update={"severity": severity})
    checks = check_report_budgets(budgets, Used(99.0, 1, {}), fixed=False)
    run = with_status(run.model_copy(update={"checks": checks}))
    assert run.run.status == severity
    placed = worst_check(run)
    assert placed is not None
    assert placed[0] is None
    assert placed[1].kind == "seconds"

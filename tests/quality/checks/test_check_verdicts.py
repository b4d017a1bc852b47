import pytest
from checking import BROKEN, STARTED, block, section, summary

from reportgen.quality.checks.evaluation import check_run
from reportgen.quality.checks.facts import Facts
from reportgen.quality.checks.verdicts import (
    CheckCounts,
    count_checks,
    troubled_checks,
    waived_checks,
    worst_check,
)

GOOD = block(metric="flux", max=1000)
FAILED = block(metric="flux", max=1)
WARNED = block(metric="flux", max=2, severity="warn")
UNMADE = block(metric="flux", within={"of": "paper", "absolute": 1})
UNMADE_WARNING = block(metric="flux", within={"of": "paper", "absolute": 1}, severity="warn")
WAIVED = block(metric="flux", max=1, waive={"until": "2030-01-01", "reason": "known"})
IDLE = block(metric="flux", max=1, until="2020-01-01")
UNJUDGED = block(metric="flux", drift={"nights": 5})


def made(*blocks, record=None):
    run = summary(record or section(), section().model_copy(update={"id": "last"}))
    return check_run(run, {"fluxes": blocks, "last": [GOOD]}, Facts(STARTED))


def test_checks_are_counted_and_listed_by_how_they_ended():
    run = made(GOOD, FAILED, FAILED, WARNED, UNMADE, WAIVED, IDLE, UNJUDGED)
    found = count_checks(run)
    assert found == CheckCounts(
        ok=2, warn=1, fail=2, error=1, waived=1, not_judged=1, not_in_force=1
    )
    assert (found.made, found.words) == (
        7,
        "2 checks failed, 1 could not be made, 1 has a warning, 1 is waived, 2 are ok and "
        "1 cannot be judged yet",
    )
    assert [check.id for _, check in troubled_checks(run)] == [
        "flux-max-2",
        "flux-max-3",
        "flux-within",
        "flux-max-warn",
    ]
    assert [check.id for _, check in waived_checks(run)] == ["flux-max-4"]


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (CheckCounts(), "nothing is checked"),
        (CheckCounts(not_in_force=2), "no check is in force"),
        (CheckCounts(not_judged=2), "2 checks cannot be judged yet"),
        (CheckCounts(ok=1200), "1,200 checks are ok"),
        (CheckCounts(waived=1, ok=1), "1 check is waived and 1 is ok"),
    ],
)
def test_counts_are_put_into_words(counts, words):
    assert counts.words == words


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([GOOD, IDLE, WAIVED], None),
        ([UNMADE_WARNING, WARNED], "flux-within-warn"),
        ([WARNED, UNMADE], "flux-within"),
        ([WARNED, UNMADE, FAILED], "flux-max"),
        ([FAILED, FAILED], "flux-max"),
    ],
)
def test_the_worst_check_is_a_fail_then_one_that_could_not_be_made_then_a_warning(blocks, expected):
    found = worst_check(made(*blocks))
    assert (found and found[1].id) == expected
    assert found is None or found[0].id == "fluxes"


def test_checks_of_a_section_in_error_are_not_the_news():
    run = made(FAILED, record=BROKEN)
    assert worst_check(run) is None
    assert count_checks(run) == CheckCounts(error=1, ok=1)

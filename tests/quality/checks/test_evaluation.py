import json
from datetime import timedelta

import pytest
from checking import (
    BROKEN,
    NIGHT,
    STARTED,
    block,
    check,
    checked,
    day,
    past,
    section,
    summary,
)
from hypothesis import given
from hypothesis import strategies as st

from reportgen.quality.checks.evaluation import check_run, evaluate
from reportgen.quality.checks.facts import Facts
from reportgen.quality.checks.subjects import unknown_subjects
from reportgen.record import CountedRecord, Summary

FACTS = Facts(STARTED)
ALL_KINDS = [
    {"metric": "flux", "min": 0, "max": 1, "equals": 1, "tolerance": 1},
    {"metric": "flux", "drift": {}},
    {"metric": "flux", "within": {"of": "paper", "relative": 0.1}},
    {"cell": {"table": "statistics", "row": 0, "column": "median"}, "max": 1},
    {"rows_at_least": 1},
    {"fresh": 26},
    {"missing_at_most": {"column": "flux_24", "percent": 100}},
]


def words_of(record):
    return record.message.replace("\u00a0", " ")


def test_each_test_of_an_item_is_a_check_with_an_id_that_says_what_it_is_on():
    blocks = [block(**keys) for keys in ALL_KINDS]
    blocks += [
        block(metric="flux", max=1, until="2026-01-01"),
        block(metric="flux", max=1, severity="warn"),
    ]
    found = checked(section(), *blocks)
    assert [each.id for each in found] == [
        "flux-min",
        "flux-max",
        "flux-equals",
        "flux-drift",
        "flux-within",
        "statistics-in-row-0-median-max",
        "rows_at_least",
        "fresh",
        "flux_24-missing_at_most",
        "flux-max-2",
        "flux-max-warn",
    ]
    assert [each.id for each in checked(BROKEN, *blocks)] == [each.id for each in found]
    assert [each.kind for each in found[:2]] == ["min", "max"]


def test_a_check_says_in_words_what_it_asks_for():
    labels = [
        check(section(), **keys).label.replace("\u00a0", " ")
        for keys in (
            {"metric": "flux", "max": 230},
            {"metric": "flux", "equals": 230, "tolerance": 0.5},
            {"metric": "flux", "drift": {"most": 4.5}},
            {"rows_at_least": 20000},
            {"missing_at_most": {"column": "flux_24", "percent": 40}},
        )
    ]
    assert labels == [
        "Median 24 μm flux density: at most 230 µJy",
        "Median 24 μm flux density: equal to 230 µJy ± 0.5 µJy",
        "Median 24 μm flux density: at most 4.5 times the usual scatter from the median of the "
        "last 14 nights",
        "Rows: at least 20,000 rows",
        "24 μm flux density, missing: at most 40 % without a valid value",
    ]


@pytest.mark.parametrize("severity", ["warn", "fail"])
def test_every_check_of_a_section_in_error_is_an_error(severity):
    blocks = [block(**keys, severity=severity) for keys in ALL_KINDS]
    record = evaluate(BROKEN, blocks, FACTS)
    assert record.status == "error"
    assert {each.status for each in record.checks} == {"error"}
    assert {each.message for each in record.checks} == {
        "The check could not be made, because the section could not be computed."
    }
    assert all(each.value is None for each in record.checks)
    late = evaluate(BROKEN, [block(metric="flux", max=1, until="2020-01-01")], FACTS)
    assert [each.status for each in late.checks] == ["error"]
    waive = {"until": "2030-01-01", "reason": "known"}
    waived = evaluate(BROKEN, [block(metric="flux", max=1, waive=waive)], FACTS)
    assert [each.verdict for each in waived.checks] == ["error"]
    assert unknown_subjects(BROKEN, blocks) == []


def test_a_metric_has_the_worst_verdict_of_its_checks_and_so_has_the_section():
    def verdicts(*blocks):
        record = evaluate(section(), blocks, FACTS)
        return record.metrics["flux"].verdict, record.status

    good, warned = block(metric="flux", min=0), block(metric="flux", max=1, severity="warn")
    failed, idle = block(metric="flux", max=1), block(metric="flux", max=1, until="2020-01-01")
    waived = block(metric="flux", max=1, waive={"until": "2030-01-01", "reason": "x"})
    assert verdicts() == (None, "ok")
    assert verdicts(idle) == (None, "ok")
    assert verdicts(good) == ("ok", "ok")
    assert verdicts(good, warned, waived) == ("warn", "warn")
    assert verdicts(good, failed, warned) == ("fail", "fail")
    assert verdicts(waived) == ("ok", "ok")
    assert verdicts(block(rows_at_least=10**9)) == (None, "fail")


def test_a_check_that_cannot_be_made_counts_by_its_severity_and_leaves_the_section_computed():
    for severity in ("warn", "fail"):
        keys = {"within": {"of": "paper", "absolute": 1}, "severity": severity}
        record = evaluate(section(), [block(metric="flux", **keys)], FACTS)
        assert record.checks[0].status == "error"
        assert record.metrics["flux"].verdict == "error"
        assert record.status == severity


def test_checks_of_a_run_are_made_section_by_section_and_decide_its_status():
    run = summary(section(), section().model_copy(update={"id": "other"}))
    found = check_run(run, {"other": [block(metric="flux", max=1)]}, FACTS)
    assert [each.status for each in found.sections] == ["ok", "fail"]
    assert found.run.status == "fail"
    assert check_run(found, {}, FACTS) == run  # made anew, not added
    text = json.dumps(found.model_dump(mode="json"), allow_nan=False)
    assert Summary.model_validate_json(text) == found


@given(st.dates(), st.none() | st.dates(), st.none() | st.dates())
def test_a_check_is_in_force_from_its_first_night_to_its_last(night, first, last):
    if first and last and first > last:
        first, last = last, first
    keys = {"from": first and first.isoformat(), "until": last and last.isoformat()}
    facts = {"started": STARTED.replace(year=night.year, month=night.month, day=night.day)}
    found = check(section(), metric="flux", max=1, facts=facts, **keys)
    inside = (first is None or first <= night) and (last is None or night <= last)
    assert found.in_force == inside
    assert found.status == found.verdict == ("fail" if inside else "ok")
    assert (found.since, found.until) == (keys["from"] or "", keys["until"] or "")
    if not inside:
        assert found.value is None
        assert "in force" in found.message


def test_a_check_out_of_force_keeps_its_limit_and_says_when_it_was():
    found = check(section(), metric="flux", max=1, until="2026-11-22")
    assert (found.high, found.message) == (1, "No longer in force: it was until 2026-11-22.")
    found = check(section(), metric="flux", max=1, **{"from": "2026-11-24"})
    assert found.message == "Not in force yet: it is from 2026-11-24 on."


@given(st.integers(-400, 400), st.sampled_from(["warn", "fail"]))
def test_a_waiver_holds_until_its_last_day_and_not_after(days, severity):
    until = NIGHT + timedelta(days=days)
    waive = {"until": until.isoformat(), "reason": "The lamp is weak.", "owner": "Ann"}
    found = check(section(), metric="flux", max=1, severity=severity, waive=waive)
    assert found.status == severity
    assert found.waived == (days >= 0)
    assert found.waiver.expired == (days < 0)
    assert found.verdict == ("ok" if days >= 0 else severity)
    words = "Waived until" if days >= 0 else "The waiver expired on"
    assert found.message.endswith(f"(by 247\u00a0µJy). {words} {until} (The lamp is weak, Ann).")


def test_a_waiver_of_what_holds_is_recorded_and_changes_nothing():
    waive = {"until": "2030-01-01", "reason": "known"}
    found = check(section(), metric="flux", max=1000, waive=waive)
    assert (found.status, found.waived, found.waiver.reason) == ("ok", False, "known")
    assert "aive" not in found.message


def test_reason_and_owner_are_in_the_record():
    found = check(section(), metric="flux", max=1, reason="Because.", owner="Ann")
    assert (found.reason, found.owner, found.metric) == ("Because.", "Ann", "flux")


@pytest.mark.parametrize(
    ("keys", "path", "message"),
    [
        ({"metric": "flx", "max": 1}, ("metric",), "unknown metric 'flx'; did you mean 'flux'?"),
        (
            {"cell": {"table": "statistic", "row": 0, "column": "median"}, "max": 1},
            ("cell", "table"),
            "unknown table 'statistic'; did you mean 'statistics'?",
        ),
        (
            {"cell": {"table": "statistics", "row": 0, "column": "medium"}, "max": 1},
            ("cell", "column"),
            "unknown column 'medium'; did you mean 'median'?",
        ),
        (
            {"cell": {"table": "statistics", "row": 0, "column": "band"}, "max": 1},
            ("cell", "column"),
            "the column 'band' holds no numbers",
        ),
        (
            {"cell": {"table": "statistics", "row": {"bnd": "x"}, "column": "median"}, "max": 1},
            ("cell", "row", "bnd"),
            "unknown column 'bnd'; did you mean 'band'?",
        ),
    ],
)
def test_a_check_on_what_is_not_there_is_an_error_with_a_guess(keys, path, message):
    ((where, said),) = unknown_subjects(section(), [block(rows_at_least=1), block(**keys)])
    assert where == ("checks", 1, *path)
    assert said.startswith(message)
    record = evaluate(section(), [block(**keys)], FACTS)
    assert record.checks[0].status == "error"
    assert message in record.checks[0].message
    assert record.status == "fail"


def test_a_name_that_is_gone_does_not_matter_to_a_check_that_is_over():
    over = block(metric="gone", max=1, until="2026-11-22")
    assert unknown_subjects(section(), [over], day("2026-11-22"))
    assert unknown_subjects(section(), [over], NIGHT) == []
    assert evaluate(section(), [over], FACTS).status == "ok"


def test_a_section_that_does_not_count_its_rows_cannot_be_checked_for_them():
    record = section(rows=None)
    assert unknown_subjects(record, [block(rows_at_least=1)])[0][0] == (
        "checks",
        0,
        "rows_at_least",
    )
    assert check(record, rows_at_least=1).status == "error"


@pytest.mark.parametrize(
    ("rows", "status", "message"),
    [
        (20000, "ok", "The section used 20,000 rows, at least the 20,000 that are needed."),
        (19999, "fail", "The section used 19,999 rows, fewer than 20,000 (by 1)."),
        (0, "fail", "The section used 0 rows, fewer than 20,000 (by 20,000)."),
        (1, "fail", "The section used 1 row, fewer than 20,000 (by 19,999)."),
    ],
)
def test_rows_are_counted(rows, status, message):
    found = check(section(rows=rows), rows_at_least=20000)
    assert (found.status, found.message) == (status, message)
    assert (found.value, found.low) == (rows, 20000)


@pytest.mark.parametrize(
    ("hours", "status", "message"),
    [
        (25.0, "ok", "b.h5 was last changed 25.0 hours before the run; up to 26 hours is allowed."),
        (26.0, "ok", "b.h5 was last changed 26.0 hours before the run; up to 26 hours is allowed."),
        (
            26.001,
            "fail",
            "b.h5 was last changed 26.001 hours before the run, 0.001 hours more than the 26 hours "
            "that are allowed.",
        ),
        (-25, "ok", "b.h5 was last changed after the run had started."),
    ],
)
def test_the_oldest_source_file_must_be_fresh(hours, status, message):
    changed = STARTED - timedelta(seconds=round(hours * 3600))
    if hours == 26.001:
        changed = STARTED - timedelta(hours=26, seconds=3.6)
    files = {"/d/a.h5": changed + timedelta(hours=1), "/d/b.h5": changed}
    found = check(section(), fresh=26, facts={"modified": {"fluxes": files}})
    assert (found.status, words_of(found)) == (status, message)
    assert (found.high, found.unit) == (26, "h")


def test_files_of_unknown_age_are_not_fresh():
    facts = {"modified": {"fluxes": {"/d/a.h5": STARTED, "/d/b.h5": None}}}
    found = check(section(), fresh=26, facts=facts)
    assert (found.status, found.message) == (
        "error",
        "It is not known when b.h5 was last changed.",
    )
    assert check(section(), fresh=26).status == "error"


@pytest.mark.parametrize(
    ("rows", "valid", "percent", "status", "message"),
    [
        (1000, 667, 33.3, "ok", "no valid value in 33.3 % of 1,000 rows; up to 33.3 % is allowed."),
        (
            30000,
            17999,
            40,
            "fail",
            "in 40.003 % of 30,000 rows, above the 40 % that are allowed (by 0.003 % of the rows).",
        ),
        (1, 1, 0, "ok", "no valid value in 0.0 % of 1 row; up to 0 % is allowed."),
        (0, 0, 100, "fail", "There are no rows, so 24 μm flux density has no valid value."),
    ],
)
def test_missing_values_are_a_share_of_the_rows(rows, valid, percent, status, message):
    counted = {"flux_24": CountedRecord(label="24 μm flux density", rows=rows, valid=valid)}
    keys = {"column": "flux_24", "percent": percent}
    found = check(section(counted=counted), missing_at_most=keys)
    assert (found.status, found.column, found.high) == (status, "flux_24", percent)
    assert words_of(found).endswith(message)


def test_missing_values_that_were_not_counted_are_an_error():
    keys = {"column": "flux_24", "percent": 100}
    assert check(section(counted={}), missing_at_most=keys).status == "error"


def test_a_cell_is_read_and_shown_with_its_unit():
    cell = {"table": "statistics", "row": {"band": "24"}, "column": "median"}
    asked = []

    def read(table, row, column):
        asked.append((table.id, row, column))
        return 248.04

    found = check(section(), cell=cell, max=230, facts={"read_cell": read})
    assert asked == [("statistics", {"band": "24"}, "median")]
    assert words_of(found) == (
        "Median where band is 24 (table statistics): 248.0 µJy, above the limit of 230 µJy "
        "(by 18 µJy)."
    )
    assert (found.cell.table, found.cell.row, found.metric) == ("statistics", {"band": "24"}, "")


@pytest.mark.parametrize(
    ("problem", "status"),
    [(LookupError("no such row"), "fail"), (ValueError("damaged"), "error"), (None, "fail")],
)
def test_a_cell_without_a_number_is_never_ok(problem, status):
    def read(*_):
        if problem:
            raise problem
        return float("nan")

    cell = {"table": "statistics", "row": 0, "column": "median"}
    found = check(section(), cell=cell, max=1e9, facts={"read_cell": read})
    assert found.status == status
    assert str(problem or "no value") in found.message


def test_a_long_history_does_not_make_ids_differ():
    one = check(section(), metric="flux", drift={}, facts=past(1, 2, 3))
    two = check(section(), metric="flux", drift={}, facts=past(*range(30)))
    assert one.id == two.id

import json
from datetime import timedelta

import pytest
from checking import BROKEN, NIGHT, STARTED, block, check, checked, plain, section, summary
from hypothesis import given
from hypothesis import strategies as st

from reportgen.quality.checks.evaluation import check_run, evaluate
from reportgen.quality.checks.facts import Facts
from reportgen.quality.checks.subjects import unknown_subjects
from reportgen.record import CountedRecord, Summary

FACTS = Facts(STARTED)
CELL = {"table": "statistics", "row": 0, "column": "median"}
ALL_KINDS = [
    {"metric": "flux", "min": 0, "max": 1, "equals": 1, "tolerance": 1},
    {"metric": "flux", "drift": {}},
    {"metric": "flux", "within": {"of": "paper", "relative": 0.1}},
    {"cell": CELL, "max": 1},
    {"rows_at_least": 1},
    {"fresh": 26},
    {"missing_at_most": {"column": "flux_24", "percent": 100}},
]
KNOWN = {"until": "2030-01-01", "reason": "known"}


LABELS = """\
flux-min | Median 24 μm flux density: at least 0 µJy
flux-max | Median 24 μm flux density: at most 1 µJy
flux-equals | Median 24 μm flux density: equal to 1 µJy ± 1 µJy
flux-drift | Median 24 μm flux density: at most 5 times the usual scatter from the median of the\
 last 14 nights
flux-within | Median 24 μm flux density: within 10 % of the reference run paper
statistics-in-row-0-median-max | Median in row 0 (table statistics): at most 1 µJy
rows_at_least | Rows: at least 1 row
fresh | Age of the source files: changed within 26 hours before the run
flux_24-missing_at_most | 24 μm flux density, missing: at most 100 % without a valid value
flux-max-2 | Median 24 μm flux density: at most 1 µJy
flux-max-warn | Median 24 μm flux density: at most 1 µJy
"""


def test_each_test_of_an_item_is_a_check_with_an_id_and_a_label_that_say_what_it_asks_for():
    blocks = [block(**keys) for keys in ALL_KINDS]
    blocks += [
        block(metric="flux", max=1, until="2026-01-01"),
        block(metric="flux", max=1, severity="warn"),
    ]
    found = checked(section(), *blocks, read_cell=lambda *_: 1.0)
    said = "".join(f"{each.id} | {each.label}\n" for each in found)
    assert said.replace("\u00a0", " ") == LABELS
    assert [each.id for each in checked(BROKEN, *blocks)] == [each.id for each in found]


@pytest.mark.parametrize("severity", ["warn", "fail"])
def test_every_check_of_a_section_in_error_is_an_error(severity):
    blocks = [block(**keys, severity=severity) for keys in ALL_KINDS]
    record = evaluate(BROKEN, [*blocks, block(metric="flux", max=1, waive=KNOWN)], FACTS)
    assert record.status == "error"
    assert {(each.status, each.value, each.message) for each in record.checks} == {
        ("error", None, "The check could not be made, because the section could not be computed.")
    }
    assert record.checks[-1].verdict == "error"
    assert unknown_subjects(BROKEN, blocks) == []
    (late,) = checked(BROKEN, block(metric="flux", max=1, until="2020-01-01"))
    assert (late.status, late.in_force) == ("ok", False)


WARNED = {"metric": "flux", "max": 2, "severity": "warn"}
WAIVED = {"metric": "flux", "max": 1, "waive": KNOWN}
UNMADE = {"metric": "flux", "within": {"of": "paper", "absolute": 1}}


@pytest.mark.parametrize(
    ("blocks", "verdict", "status"),
    [
        ([], None, "ok"),
        ([{"metric": "flux", "max": 1, "until": "2020-01-01"}], None, "ok"),
        ([{"metric": "flux", "min": 0}], "ok", "ok"),
        ([WARNED, WAIVED], "warn", "warn"),
        ([{"metric": "flux", "max": 1}, WARNED], "fail", "fail"),
        ([WAIVED], "ok", "ok"),
        ([{"rows_at_least": 10**9}], None, "fail"),
        ([{**UNMADE, "severity": "warn"}], "error", "warn"),  # the section was computed
        ([UNMADE], "error", "fail"),
    ],
)
def test_a_metric_has_the_worst_verdict_of_its_checks_and_so_has_the_section(
    blocks, verdict, status
):
    record = evaluate(section(), [block(**keys) for keys in blocks], FACTS)
    assert (record.metrics["flux"].verdict, record.status) == (verdict, status)


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
        assert (found.value, found.high) == (None, 1)
        early = f"Not in force yet: it is from {first} on."
        late = f"No longer in force: it was until {last}."
        assert found.message == (early if first and night < first else late)


@given(st.integers(-400, 400), st.sampled_from(["warn", "fail"]))
def test_a_waiver_holds_until_its_last_day_and_not_after(days, severity):
    until = NIGHT + timedelta(days=days)
    waive = {"until": until.isoformat(), "reason": "The lamp is weak.", "owner": "Ann"}
    found = check(section(), metric="flux", max=1, severity=severity, waive=waive)
    assert found.status == severity
    assert (found.waived, found.waiver.expired) == (days >= 0, days < 0)
    assert found.verdict == ("ok" if days >= 0 else severity)
    words = "Waived until" if days >= 0 else "The waiver expired on"
    assert found.message.endswith(f"(by 247\u00a0µJy). {words} {until} (The lamp is weak, Ann).")
    good = check(section(), metric="flux", max=1000, waive=waive, owner="Bob")
    assert (good.status, good.waived, good.waiver.owner, good.owner) == ("ok", False, "Ann", "Bob")
    assert "aive" not in good.message


@pytest.mark.parametrize(
    ("keys", "path", "message"),
    [
        ({"metric": "flx"}, ("metric",), "unknown metric 'flx'; did you mean 'flux'?"),
        ({"table": "statistic"}, ("cell", "table"), "unknown table 'statistic'; did you mean 's"),
        ({"column": "medium"}, ("cell", "column"), "unknown column 'medium'; did you mean 'median"),
        ({"column": "band"}, ("cell", "column"), "the column 'band' holds no numbers"),
        ({"row": {"bnd": "x"}}, ("cell", "row", "bnd"), "unknown column 'bnd'; did you mean 'band"),
    ],
)
def test_a_check_on_what_is_not_there_is_an_error_with_a_guess(keys, path, message):
    wrong = block(max=1, **(keys if "metric" in keys else {"cell": {**CELL, **keys}}))
    ((where, said),) = unknown_subjects(section(), [block(rows_at_least=1), wrong])
    assert where == ("checks", 1, *path)
    assert said.startswith(message)
    record = evaluate(section(), [wrong], FACTS)
    assert (record.checks[0].status, record.status) == ("error", "fail")
    assert message in record.checks[0].message


def test_a_name_that_is_gone_does_not_matter_to_a_check_that_is_over():
    over = block(metric="gone", max=1, until="2026-11-22")
    assert unknown_subjects(section(), [over], NIGHT - timedelta(days=1))
    assert unknown_subjects(section(), [over], NIGHT) == []
    assert evaluate(section(), [over], FACTS).status == "ok"


@pytest.mark.parametrize(
    ("rows", "status", "message"),
    [
        (20000, "ok", "The section used 20,000 rows, at least the 20,000 that are needed."),
        (19999, "fail", "The section used 19,999 rows, fewer than 20,000 (by 1)."),
        (1, "fail", "The section used 1 row, fewer than 20,000 (by 19,999)."),
        (None, "error", "The analysis distribution does not say how many rows it used."),
    ],
)
def test_rows_are_counted(rows, status, message):
    found = check(section(rows=rows), rows_at_least=20000)
    assert (found.status, found.message, found.value) == (status, message, rows)
    places = [path for path, _ in unknown_subjects(section(rows=rows), [block(rows_at_least=1)])]
    assert places == ([("checks", 0, "rows_at_least")] if rows is None else [])


HOUR = timedelta(hours=1)


LATE = "b.h5 was last changed 26.001 hours before the run, 0.001 hours more than the 26 hours that"


@pytest.mark.parametrize(
    ("ages", "status", "message"),
    [
        ([25, 26], "ok", "b.h5 was last changed 26.0 hours before the run; up to 26 hours is"),
        ([1, 26.001], "fail", LATE),
        ([-24, -25], "ok", "a.h5 was last changed after the run had started."),
        ([1, None], "error", "It is not known when b.h5 was last changed."),
        ([], "error", "It is not known which files the section reads."),
    ],
)
def test_the_oldest_source_file_must_be_fresh(ages, status, message):
    files = zip(("/d/a.h5", "/d/b.h5"), ages, strict=False)
    modified = {file: age and STARTED - age * HOUR for file, age in files}
    found = check(section(), fresh=26, facts={"modified": {"fluxes": modified}})
    assert found.status == status
    assert plain(found).startswith(message)


@pytest.mark.parametrize(
    ("rows", "valid", "percent", "status", "message"),
    [
        (1000, 667, 33.3, "ok", "no valid value in 33.3 % of 1,000 rows; up to 33.3 % is allow"),
        (30000, 17999, 40, "fail", "40.003 % of 30,000 rows, above the 40 % that are allowed (by"),
        (1, 1, 0, "ok", "no valid value in 0.0 % of 1 row; up to 0 % is allowed."),
        (0, 0, 100, "fail", "There are no rows, so 24 μm flux density has no valid value."),
    ],
)
def test_missing_values_are_a_share_of_the_rows(rows, valid, percent, status, message):
    counted = {"flux_24": CountedRecord(label="24 μm flux density", rows=rows, valid=valid)}
    keys = {"column": "flux_24", "percent": percent}
    found = check(section(counted=counted), missing_at_most=keys)
    assert (found.status, found.column, found.high) == (status, "flux_24", percent)
    assert message in plain(found)
    assert check(section(counted={}), missing_at_most=keys).status == "error"


@pytest.mark.parametrize(
    ("value", "status", "message"),
    [
        (248.04, "fail", "Median where band is 24 (table statistics): 248.0 µJy, above the limit"),
        (LookupError("no such row"), "fail", "“median where band is 24 (table statistics)” has no"),
        (ValueError("damaged"), "error", "cannot be read: damaged."),
        (float("nan"), "fail", "has no value"),
    ],
)
def test_a_cell_is_read_and_shown_with_its_unit_and_is_never_ok_without_a_number(
    value, status, message
):
    def read(table, row, column):
        assert (table.id, row, column) == ("statistics", {"band": "24"}, "median")
        if isinstance(value, Exception):
            raise value
        return value

    cell = {**CELL, "row": {"band": "24"}}
    found = check(section(), cell=cell, max=230, facts={"read_cell": read})
    assert found.status == status
    assert message in plain(found)
    assert (found.cell.table, found.cell.row, found.metric) == ("statistics", {"band": "24"}, "")

import math
import re
from datetime import timedelta

import numpy as np
import pytest
from checking import NIGHT, check, nights, past, section, summary
from hypothesis import assume, example, given
from hypothesis import strategies as st

from reportgen.quality.checks.facts import Reference
from reportgen.quality.quantities import read_back

numbers = st.floats(-1e9, 1e9) | st.integers(-(10**6), 10**6).map(float)
digits = st.none() | st.integers(0, 6)


def words_of(record):
    """Give the sentence with plain spaces."""
    return record.message.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("keys", "status", "message"),
    [
        (
            {"max": 230},
            "fail",
            "Median 24 μm flux density is 248 µJy, above the limit of 230 µJy (by 18 µJy).",
        ),
        (
            {"max": 248},
            "ok",
            "Median 24 μm flux density is 248 µJy, not above the limit of 248 µJy.",
        ),
        (
            {"min": 250.5},
            "fail",
            "Median 24 μm flux density is 248 µJy, below the limit of 250.5 µJy (by 2.5 µJy).",
        ),
        (
            {"min": -1e3},
            "ok",
            "Median 24 μm flux density is 248 µJy, not below the limit of −1,000 µJy.",
        ),
        (
            {"equals": 248},
            "ok",
            "Median 24 μm flux density is 248 µJy, equal to the 248 µJy that it should be.",
        ),
        (
            {"equals": 250},
            "fail",
            "Median 24 μm flux density is 248 µJy, 2 µJy below the 250 µJy that it should be; "
            "no difference is allowed.",
        ),
        (
            {"equals": 240, "tolerance": 10},
            "ok",
            "Median 24 μm flux density is 248 µJy, 8 µJy above the 240 µJy that it should be; "
            "up to 10 µJy is allowed.",
        ),
        (
            {"equals": 240, "tolerance": 7.5},
            "fail",
            "Median 24 μm flux density is 248 µJy, 8 µJy above the 240 µJy that it should be; "
            "up to 7.5 µJy is allowed.",
        ),
    ],
)
def test_a_limit_says_what_the_value_is_and_how_far_from_the_limit(keys, status, message):
    found = check(section(), metric="flux", **keys)
    assert (found.status, words_of(found)) == (status, message)


def test_a_value_beside_its_limit_is_shown_with_enough_digits_to_tell_them_apart():
    assert "is 230.4 µJy, above the limit of 230 µJy (by 0.4 µJy)" in words_of(
        check(section(230.4), metric="flux", max=230)
    )
    assert "is 229.99999 µJy, below the limit of 230 µJy (by 0.00001 µJy)" in words_of(
        check(section(229.99999), metric="flux", min=230)
    )
    assert "is 231 µJy, above the limit of 230.456 µJy (by 0.544 µJy)" in words_of(
        check(section(231.0), metric="flux", max=230.456)
    )


@pytest.mark.parametrize(
    ("label", "start"),
    [
        ("rows", "Rows: 248 µJy, above"),
        ("median, chosen hosts", "Median, chosen hosts: 248 µJy, above"),
        ("3.6 μm flux density: mean", "3.6 μm flux density: mean: 248 µJy, above"),
        ("flux_24 missing", "flux_24 missing is 248 µJy, above"),
        ("brightness", "Brightness is 248 µJy, above"),
        ("KS distance", "KS distance is 248 µJy, above"),
    ],
)
def test_a_sentence_reads_well_with_any_label(label, start):
    assert words_of(check(section(label=label), metric="flux", max=1)).startswith(start)


@given(numbers, numbers, digits, st.sampled_from(["min", "max"]))
@example(value=0.96004, limit=0.96, digits=None, kind="max")
@example(value=1e-12, limit=0.0, digits=2, kind="max")
@example(value=-0.0, limit=0.0, digits=None, kind="min")
def test_min_and_max_agree_with_plain_comparison_and_with_what_they_say(value, limit, digits, kind):
    found = check(
        section(value, unit="", digits=digits, label="flux_24"), metric="flux", **{kind: limit}
    )
    holds = value >= limit if kind == "min" else value <= limit
    assert found.status == ("ok" if holds else "fail")
    assert (found.low if kind == "min" else found.high) == limit
    shown, edge = re.match(
        r"flux_24 is (\S+), (?:not )?(?:above|below) the limit of ([^ ]+?)\.?(?: |$)",
        words_of(found),
    ).groups()
    sides = (read_back(shown) > read_back(edge)) - (read_back(shown) < read_back(edge))
    assert sides == (value > limit) - (value < limit)
    assert float(read_back(edge)) == limit


@given(numbers, numbers, st.floats(0, 1e6), digits)
def test_equals_agrees_with_plain_comparison_away_from_the_last_bit(value, target, allowed, digits):
    distance = abs(value - target)
    assume(abs(distance - allowed) > 1e-12 * max(abs(value), abs(target), allowed))
    record = section(value, unit="", digits=digits, label="flux_24")
    found = check(record, metric="flux", equals=target, tolerance=allowed)
    assert found.status == ("ok" if distance <= allowed else "fail")
    assert (found.low, found.high, found.target) == (target - allowed, target + allowed, target)
    if found.status == "fail":
        away, most = re.search(
            r", (\S+) (?:above|below) .*; (?:up to (\S+)|no)", found.message
        ).groups()
        assert read_back(away) > read_back(most or "0")


def test_numbers_that_are_equal_in_decimals_are_equal():
    assert check(section(0.1 + 0.2), metric="flux", equals=0.3).status == "ok"
    assert check(section(0.4), metric="flux", equals=0.3, tolerance=0.1).status == "ok"


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(
    "keys",
    [
        {"min": 0},
        {"max": 0},
        {"equals": 0},
        {"drift": {}},
        {"within": {"of": "paper", "relative": 1}},
    ],
)
@pytest.mark.parametrize("severity", ["warn", "fail"])
def test_a_metric_without_a_value_is_never_ok(value, keys, severity):
    facts = {**past(1, 2, 3, 4, 5), "references": {"paper": Reference(summary(section()))}}
    found = check(section(value), metric="flux", severity=severity, facts=facts, **keys)
    assert found.status == severity
    assert found.value is None
    assert "has no value" in found.message
    assert check(section(value), metric="flux", severity=severity, drift={}).status == severity


series = st.lists(st.none() | numbers | st.just(5.0), min_size=0, max_size=30)


@given(
    numbers,
    series,
    st.floats(0.1, 10),
    st.floats(0, 100),
    st.tuples(st.integers(2, 20), st.integers(2, 9)),
)
@example(7.0, [7.0] * 8, 5.0, 0.0, (14, 5))
@example(7.5, [7.0] * 8, 5.0, 0.0, (14, 5))
@example(1.0, [0.0] * 8, 5.0, 0.0, (14, 5))
def test_drift_agrees_with_numpy(value, series, most, floor, lengths):
    count, least = lengths
    assume(least <= count)
    found = check(
        section(value, unit="", label="flux_24"),
        metric="flux",
        drift={"nights": count, "most": most, "floor": floor, "at_least": least},
        facts=past(*series),
    )
    used = np.array([each for each in series[-count:] if each is not None])
    if len(used) < least:
        assert found.status == "ok"
        assert "history is too short" in found.message
        assert found.low is None
        return
    middle = np.median(used)
    unit = max(1.4826 * np.median(abs(used - middle)), floor, 1e-9 * abs(middle))
    assume(not math.isclose(abs(value - middle), most * unit, rel_tol=1e-9))
    assert found.status == ("fail" if abs(value - middle) > most * unit else "ok")
    assert found.target == middle
    assert found.low == pytest.approx(middle - most * unit)
    assert found.high == pytest.approx(middle + most * unit)
    if said := re.search(r"(\S+) times the .*; up to (\S+) is allowed", found.message):
        times, allowed = (read_back(each) for each in said.groups())
        assert (times > allowed) == (found.status == "fail")


def test_a_drift_is_told_in_units_of_the_usual_scatter():
    values = [210 + change for change in (-5, 5, -4, 4, -5, 5, 0, -4, 4, 5, -5, 5, -5, 0)]
    found = check(section(248.0), metric="flux", drift={}, facts=past(*values))
    assert found.status == "fail"
    assert words_of(found) == (
        "Median 24 μm flux density is 248 µJy, 5.1 times the usual scatter above the median of "
        "the last 14 nights (210 µJy); up to 5 is allowed."
    )
    found = check(section(212.0), metric="flux", drift={"floor": 10}, facts=past(*values))
    assert "is 212 µJy, 0.2 times the floor of 10 µJy above the median" in words_of(found)
    found = check(section(248.0), metric="flux", drift={}, facts=past(*[210] * 9))
    assert words_of(found).endswith(
        "is 248 µJy, 38 µJy above the median of the last 9 nights (210 µJy), which usually does "
        "not change."
    )
    found = check(section(1.0), metric="flux", drift={}, facts=past(*[0] * 9))
    assert found.status == "fail"
    assert "1 µJy above the median of the last 9 nights (0 µJy)" in words_of(found)


def test_nights_without_a_value_count_as_nights_but_not_as_values():
    found = check(section(4.0), metric="flux", drift={}, facts=past(*[1, 2, 3, None] * 4))
    assert "the median of 10 of the last 14 nights (2 µJy)" in words_of(found)
    found = check(
        section(4.0), metric="flux", drift={"at_least": 11}, facts=past(*[1, 2, 3, None] * 4)
    )
    assert "history is too short to tell a drift: 10 nights, and 11 are needed" in found.message


def test_the_night_itself_and_later_ones_are_no_history():
    values = [*nights(1, 2, 3, 4, 5), (NIGHT, 1e6), (NIGHT + timedelta(days=1), 1e6)]
    facts = {"earlier": {("fluxes", "flux"): values[::-1]}}
    assert check(section(3.0), metric="flux", drift={}, facts=facts).target == 3


@pytest.mark.parametrize(
    ("tolerance", "status", "ending"),
    [
        ({"absolute": 18}, "ok", "up to 18 µJy is allowed."),
        ({"absolute": 17}, "fail", "up to 17 µJy is allowed."),
        ({"relative": 0.05}, "fail", "up to 11.5 µJy is allowed."),
        ({"relative": 0.1}, "ok", "up to 23 µJy is allowed."),
        ({"absolute": 1, "relative": 0.1}, "ok", "up to 23 µJy is allowed."),
        ({"absolute": 20, "relative": 0.01}, "ok", "up to 20 µJy is allowed."),
    ],
)
def test_within_allows_the_larger_distance_from_the_reference(tolerance, status, ending):
    facts = {"references": {"paper": Reference(summary(section(230.0)))}}
    found = check(section(), metric="flux", within={"of": "paper", **tolerance}, facts=facts)
    assert (found.status, found.target) == (status, 230)
    assert "is 248 µJy, 18 µJy above the 230 µJy of the reference run paper;" in words_of(found)
    assert words_of(found).endswith(ending)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (None, "The reference run paper cannot be read: it was not read."),
        ("no such file", "The reference run paper cannot be read: no such file."),
        ([], "The reference run paper (20260901T020000Z) has no section fluxes."),
        ([section(status="error")], "could not compute the section fluxes."),
        (
            [section(metrics={})],
            "does not have what is compared. The check cannot be made: unknown",
        ),
        ([section(None)], "has no value for “median 24 μm flux density”."),
        ([section(unit="mJy")], "in another unit: 'mJy' there and 'uJy' here."),
    ],
)
def test_a_reference_that_cannot_be_compared_is_an_error_that_names_it(reference, said):
    if isinstance(reference, list):
        reference = Reference(summary(*reference))
    facts = {"references": {} if reference is None else {"paper": reference}}
    found = check(section(), metric="flux", within={"of": "paper", "absolute": 1}, facts=facts)
    assert found.status == "error"
    assert said in found.message
    assert "paper" in found.message


def test_limits_beyond_all_numbers_are_an_error():
    facts = past(-1e308, 1e308, 1e308, -1e308, 1.5e308)
    found = check(section(1.0), metric="flux", drift={"most": 1e308}, facts=facts)
    assert found.status == "error"

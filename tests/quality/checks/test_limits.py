import math
import re
from datetime import timedelta

import numpy as np
import pytest
from checking import NIGHT, check, earlier, nights, plain, section, summary
from hypothesis import assume, example, given
from hypothesis import strategies as st

from reportgen.quality.checks.facts import Reference
from reportgen.quality.quantities import read_back

NUMBERS = st.floats(-1e9, 1e9) | st.integers(-(10**6), 10**6).map(float)
DIGITS = st.none() | st.integers(0, 6)
SHOULD = "µJy that it should be"


def references(*sections):
    return {"references": {"paper": Reference(summary(*sections))}}


@pytest.mark.parametrize(
    ("keys", "status", "rest"),
    [
        ({"max": 230}, "fail", "above the limit of 230 µJy (by 18 µJy)."),
        ({"max": 0.23, "unit": "mJy"}, "fail", "above the limit of 230 µJy (by 18 µJy)."),
        ({"max": 248}, "ok", "not above the limit of 248 µJy."),
        ({"min": 250.5}, "fail", "below the limit of 250.5 µJy (by 2.5 µJy)."),
        ({"min": -1e3}, "ok", "not below the limit of −1,000 µJy."),
        ({"equals": 248}, "ok", "equal to the 248 µJy that it should be."),
        ({"equals": 250}, "fail", f"2 µJy below the 250 {SHOULD}; no difference is allowed."),
        ({"equals": [240, 10]}, "ok", f"8 µJy above the 240 {SHOULD}; up to 10 µJy is allowed."),
        ({"equals": [240, 7.5]}, "fail", f"8 µJy above the 240 {SHOULD}; up to 7.5 µJy is allow"),
    ],
)
def test_a_limit_says_what_the_value_is_and_how_far_from_the_limit(keys, status, rest):
    if isinstance(keys.get("equals"), list):
        keys = dict(zip(("equals", "tolerance"), keys["equals"], strict=True))
    found = check(section(), metric="flux", **keys)
    assert found.status == status
    assert plain(found).startswith(f"Median 24 μm flux density is 248 µJy, {rest}")


def test_a_limit_in_a_unit_of_something_else_cannot_be_judged():
    found = check(section(248.0), metric="flux", max=3, unit="mag")
    assert found.status == "error"
    assert found.message == ("The check cannot be made: the limit is in mag, the number is in µJy.")
    found = check(section(248.0, unit=""), metric="flux", max=3, unit="mJy")
    assert "the number has no unit" in found.message


def test_a_value_beside_its_limit_is_shown_with_enough_digits_to_tell_them_apart():
    found = check(section(229.99999), metric="flux", min=230)
    assert "is 229.99999 µJy, below the limit of 230 µJy (by 0.00001 µJy)" in plain(found)
    found = check(section(231.0), metric="flux", max=230.456)
    assert "is 231 µJy, above the limit of 230.456 µJy (by 0.544 µJy)" in plain(found)


@given(NUMBERS, NUMBERS, DIGITS, st.sampled_from(["min", "max"]))
@example(value=0.96004, limit=0.96, digits=None, kind="max")
@example(value=1e-12, limit=0.0, digits=2, kind="max")
@example(value=-0.0, limit=0.0, digits=None, kind="min")
def test_min_and_max_agree_with_plain_comparison_and_with_what_they_say(value, limit, digits, kind):
    record = section(value, unit="", digits=digits, label="flux_24")
    found = check(record, metric="flux", **{kind: limit})
    holds = value >= limit if kind == "min" else value <= limit
    assert found.status == ("ok" if holds else "fail")
    assert (found.low if kind == "min" else found.high) == limit
    shown, edge = re.match(
        r"flux_24 is (\S+), (?:not )?(?:above|below) the limit of ([^ ]+?)\.?(?: |$)", plain(found)
    ).groups()
    sides = (read_back(shown) > read_back(edge)) - (read_back(shown) < read_back(edge))
    assert sides == (value > limit) - (value < limit)
    assert float(read_back(edge)) == limit


@given(NUMBERS, NUMBERS, st.floats(0, 1e6), DIGITS)
def test_equals_agrees_with_plain_comparison_away_from_the_last_bit(value, target, allowed, digits):
    distance = abs(value - target)
    assume(abs(distance - allowed) > 1e-12 * max(abs(value), abs(target), allowed))
    record = section(value, unit="", digits=digits, label="flux_24")
    found = check(record, metric="flux", equals=target, tolerance=allowed)
    assert found.status == ("ok" if distance <= allowed else "fail")
    assert (found.low, found.high, found.target) == (target - allowed, target + allowed, target)
    if found.status == "fail":
        said = re.search(r", (\S+) (?:above|below) .*; (?:up to (\S+)|no)", found.message)
        away, most = said.groups()
        assert read_back(away) > read_back(most or "0")


def test_numbers_that_are_equal_in_decimals_are_equal():
    assert check(section(0.1 + 0.2), metric="flux", equals=0.3).status == "ok"
    assert check(section(0.4), metric="flux", equals=0.3, tolerance=0.1).status == "ok"


@pytest.mark.parametrize("value", [None, float("nan"), -float("inf")])
@pytest.mark.parametrize(
    "keys",
    [
        {"min": 0, "severity": "warn"},
        {"max": 0},
        {"equals": 0},
        {"drift": {}},
        {"within": {"of": "paper", "relative": 1}},
    ],
)
def test_a_metric_without_a_value_is_never_ok(value, keys):
    for facts in ({**earlier(1, 2, 3, 4, 5), **references(section())}, references(section())):
        found = check(section(value), metric="flux", facts=facts, **keys)
        assert (found.status, found.value) == (keys.get("severity", "fail"), None)
        assert "has no value" in found.message


SERIES = st.lists(st.none() | NUMBERS | st.just(5.0), min_size=0, max_size=30)
LENGTHS = st.tuples(st.integers(2, 20), st.integers(2, 9))


@given(NUMBERS, SERIES, st.floats(0.1, 10), st.floats(0, 100), LENGTHS)
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
        facts=earlier(*series),
    )
    used = np.array([each for each in series[-count:] if each is not None])
    if len(used) < least:
        assert (found.status, found.judged, found.low) == ("ok", False, None)
        assert "history is too short" in found.message
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


SCATTERED = [210 + change for change in (-5, 5, -4, 4, -5, 5, 0, -4, 4, 5, -5, 5, -5, 0)]


@pytest.mark.parametrize(
    ("value", "block", "values", "status", "said"),
    [
        (
            248.0,
            {},
            SCATTERED,
            "fail",
            "Median 24 μm flux density is 248 µJy, 5.1 times the usual scatter above the median of "
            "the last 14 nights (210 µJy); up to 5 is allowed.",
        ),
        (212.0, {"floor": 10}, SCATTERED, "ok", "0.2 times the floor of 10 µJy above the median"),
        (248.0, {}, [210] * 9, "fail", "38 µJy above the median of the last 9 nights (210 µJy), w"),
        (4.0, {}, [1, 2, 3, None] * 4, "ok", "the median of 10 of the last 14 nights (2 µJy)"),
        (4.0, {"at_least": 11}, [1, 2, 3, None] * 4, "ok", "too short to tell a drift: 10 nigh"),
    ],
)
def test_a_drift_is_said_in_units_of_the_usual_scatter(value, block, values, status, said):
    found = check(section(value), metric="flux", drift=block, facts=earlier(*values))
    assert found.status == status
    assert said in plain(found)


def test_the_night_itself_and_later_ones_are_no_history():
    values = [*nights(1, 2, 3, 4, 5), (NIGHT, 1e6), (NIGHT + timedelta(days=1), 1e6)]
    facts = {"earlier": {("fluxes", "flux"): values[::-1]}}
    assert check(section(3.0), metric="flux", drift={}, facts=facts).target == 3


@pytest.mark.parametrize(
    ("tolerance", "status", "allowed"),
    [
        ({"absolute": 18}, "ok", "18"),
        ({"absolute": 17}, "fail", "17"),
        ({"relative": 0.05}, "fail", "11.5"),
        ({"absolute": 1, "relative": 0.1}, "ok", "23"),
    ],
)
def test_within_allows_the_larger_distance_from_the_reference(tolerance, status, allowed):
    within, facts = {"of": "paper", **tolerance}, references(section(230.0))
    found = check(section(), metric="flux", within=within, facts=facts)
    assert (found.status, found.target) == (status, 230)
    assert plain(found).endswith(
        "is 248 µJy, 18 µJy above the 230 µJy of the reference run paper; "
        f"up to {allowed} µJy is allowed."
    )


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "The reference run paper cannot be read: it was not read."),
        ({"references": {"paper": "gone"}}, "The reference run paper cannot be read: gone."),
        (references(), "The reference run paper (20260901T020000Z) has no section fluxes."),
        (references(section(status="error")), "could not compute the section fluxes."),
        (references(section(metrics={})), "does not have what is compared. The check cannot be"),
        (references(section(None)), "has no value for “median 24 μm flux density”."),
        (references(section(unit="mJy")), "in another unit: 'mJy' there and 'uJy' here."),
    ],
)
def test_a_reference_that_cannot_be_compared_is_an_error_that_names_it(facts, said):
    found = check(section(), metric="flux", within={"of": "paper", "absolute": 1}, facts=facts)
    assert found.status == "error"
    assert said in found.message
    assert "paper" in found.message


def test_limits_beyond_all_numbers_are_an_error():
    facts = earlier(-1e308, 1e308, 1e308, -1e308, 1.5e308)
    found = check(section(1.0), metric="flux", drift={"most": 1e308}, facts=facts)
    assert found.status == "error"

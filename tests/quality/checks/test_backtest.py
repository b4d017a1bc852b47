from datetime import timedelta

import pytest
from checking import BROKEN, NIGHT, block, checked, nights, section, summary
from hypothesis import given
from hypothesis import strategies as st

from reportgen.quality.backtest import SectionNight, backtest
from reportgen.quality.checks.facts import Reference


def past(*values, rows=None):
    return [SectionNight(night, {"flux": value}, rows) for night, value in nights(*values)]


def replay(*blocks, nights=(), references=None, record=None, dated=True):
    return backtest(record or section(), blocks, nights, references or {}, dated=dated)


def skipped(replay):
    return len(replay.not_computed) + len(replay.not_known)


def fired(found):
    return [(NIGHT - each.night).days for each in found.fired]


def test_a_limit_says_on_which_nights_it_would_have_fired():
    (found,) = replay(
        block(metric="flux", max=230, severity="warn"), nights=past(231, 200, 240, 229)
    )
    assert (found.section, found.check, found.severity) == ("fluxes", "flux-max-warn", "warn")
    assert (found.nights, skipped(found), found.impossible) == (4, 0, "")
    assert fired(found) == [4, 2]
    assert {each.status for each in found.fired} == {"warn"}
    assert "is 231\u00a0µJy, above the limit of 230\u00a0µJy" in found.fired[0].message


values = st.lists(st.none() | st.floats(-1e6, 1e6), max_size=25)


@given(values)
def test_a_replay_says_what_the_checks_said_on_those_nights(values):
    blocks = [block(metric="flux", min=-10, max=10), block(metric="flux", drift={"nights": 6})]
    found = replay(*blocks, nights=reversed(past(*values)))
    for place, each in enumerate(found):
        then = []
        for n, (night, value) in enumerate(nights(*values)):
            facts = {"earlier": {("fluxes", "flux"): nights(*values)[:n]}}
            started = {"started": _noon(night)}
            check = checked(section(value), *blocks, **facts, **started)[place]
            then += [night] if check.status != "ok" else []
        assert [one.night for one in each.fired] == then
        assert each.nights == len(values)


def _noon(night):
    from datetime import UTC, datetime, time

    return datetime.combine(night, time(12), UTC)


def test_a_drift_sees_only_what_was_before_each_night():
    (found,) = replay(
        block(metric="flux", drift={"floor": 1}), nights=past(*[10] * 6, 50, *[10] * 6)
    )
    assert fired(found) == [7]


def test_a_night_in_error_and_a_metric_that_was_not_there_are_skipped():
    some = past(300, 300, 300)
    some[1] = SectionNight(some[1].night, {}, computed=False)
    some[2] = SectionNight(some[2].night, {"other": 1.0})
    (found,) = replay(block(metric="flux", max=230), nights=some)
    assert (found.nights, skipped(found), fired(found)) == (1, 2, [3])


def test_dates_are_kept_unless_they_are_not_wanted():
    check = block(metric="flux", max=230, **{"from": (NIGHT - timedelta(days=2)).isoformat()})
    (found,) = replay(check, nights=past(300, 300, 300, 300))
    assert (found.nights, fired(found)) == (2, [2, 1])
    (found,) = replay(check, nights=past(300, 300, 300, 300), dated=False)
    assert (found.nights, fired(found)) == (4, [4, 3, 2, 1])


def test_a_waived_night_fired_and_says_that_it_was_waived():
    waive = {"until": (NIGHT - timedelta(days=2)).isoformat(), "reason": "known"}
    (found,) = replay(block(metric="flux", max=230, waive=waive), nights=past(300, 300))
    assert [each.waived for each in found.fired] == [True, False]


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (
            {"cell": {"table": "statistics", "row": 0, "column": "median"}, "max": 1},
            "The history keeps no tables.",
        ),
        ({"fresh": 26}, "The history does not say how old the files were."),
        (
            {"missing_at_most": {"column": "flux_24", "percent": 1}},
            "The history does not say how many values were missing.",
        ),
        ({"rows_at_least": 1}, "The history does not say how many rows were used."),
        (
            {"metric": "flux", "within": {"of": "paper", "absolute": 1}},
            "The reference run paper cannot be read: gone.",
        ),
        (
            {"metric": "flix", "max": 1},
            "The check cannot be made: unknown metric 'flix'; did you mean 'flux'? (known: flux).",
        ),
        (
            {"metric": "flix", "max": 1, "until": "2001-01-01"},
            "The check cannot be made: unknown metric 'flix'; did you mean 'flux'? (known: flux).",
        ),
    ],
)
def test_what_the_history_cannot_replay_says_why(keys, reason):
    (found,) = replay(block(**keys), nights=past(1, 2, 3), references={"paper": "gone"})
    assert (found.impossible, found.nights, found.fired) == (reason, 0, ())


def test_rows_are_replayed_where_they_are_known():
    some = [*past(1, 2, rows=100)[:1], *past(1, 2)[1:]]
    (found,) = replay(block(rows_at_least=101), nights=some)
    assert (found.nights, skipped(found), fired(found)) == (1, 1, [2])


def test_a_reference_that_is_there_is_replayed():
    references = {"paper": Reference(summary(section(230.0)))}
    check = block(metric="flux", within={"of": "paper", "absolute": 5})
    (found,) = replay(check, nights=past(231, 240), references=references)
    assert fired(found) == [1]


def test_without_a_past_nothing_fired():
    (found,) = replay(block(metric="flux", max=1))
    assert (found.nights, found.fired, found.impossible) == (0, (), "")


def test_a_section_that_is_in_error_today_can_be_replayed():
    (found,) = replay(block(metric="flux", max=230), nights=past(300, 1), record=BROKEN)
    assert fired(found) == [2]


def test_the_last_nights_are_replayed_and_those_before_are_their_past():
    (found,) = replay_last(block(metric="flux", drift={"floor": 1}), past(*[10] * 6, 50, 10, 50), 2)
    assert (found.nights, fired(found)) == (2, [1])
    (found,) = replay_last(block(metric="flux", max=20), past(50, 10, 50), 9)
    assert (found.nights, fired(found)) == (3, [3, 1])


def replay_last(check, nights, last):
    return backtest(section(), (check,), nights, {}, last=last)


def test_what_was_skipped_says_which_nights():
    some = past(300, 300, 300)
    some[1] = SectionNight(some[1].night, {}, computed=False)
    some[2] = SectionNight(some[2].night, {"other": 1.0})
    (found,) = replay(block(metric="flux", max=230), nights=some)
    assert found.not_computed == (some[1].night,)
    assert found.not_known == (some[2].night,)


def test_a_long_past_is_replayed_in_a_moment():
    """Each night looks back as far as its drift, and not over all nights."""
    from time import process_time

    start = process_time()
    (found,) = replay(block(metric="flux", drift={"nights": 5}), nights=past(*range(2000)))
    assert found.nights == 2000
    assert process_time() - start < 10

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from checking import BROKEN, NIGHT, block, checked, nights, section, summary
from hypothesis import given
from hypothesis import strategies as st

from reportgen.quality.backtest import Night, replay
from reportgen.quality.checks.facts import Reference


def values(*numbers, rows=None, **more):
    return [Night(night, section(value, rows=rows), **more) for night, value in nights(*numbers)]


def replayed(*blocks, nights=(), references=None, **options):
    return list(replay(section(), blocks, nights, references or {}, **options))


def fired(found):
    return [(NIGHT - each.night).days for each in found.fired]


@given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=25))
def test_a_replay_says_what_the_checks_said_on_those_nights(numbers):
    blocks = [block(metric="flux", min=-10, max=10), block(metric="flux", drift={"nights": 6})]
    for place, each in enumerate(replayed(*blocks, nights=values(*numbers))):
        then, unjudged = [], []
        for n, (night, value) in enumerate(nights(*numbers)):
            facts = {"earlier": {("fluxes", "flux"): nights(*numbers)[:n]}}
            started = datetime.combine(night, time(12), UTC)
            check = checked(section(value), *blocks, started=started, **facts)[place]
            then += [night] if check.status != "ok" else []
            unjudged += [] if check.judged else [night]
        assert [one.night for one in each.fired] == then
        assert list(each.not_judged) == unjudged
        assert each.nights + len(each.not_judged) == len(numbers)


def test_a_night_in_error_and_a_metric_that_was_not_there_are_said():
    some = values(300, 300, 300)
    some[1:] = [replace(some[1], section=BROKEN), replace(some[2], section=section(metrics={}))]
    (found,) = replayed(block(metric="flux", max=230), nights=some)
    assert (found.nights, fired(found)) == (1, [3])
    assert (found.not_computed, found.not_known) == ((some[1].date,), (some[2].date,))


def test_dates_and_waivers_are_those_of_each_night_unless_dates_are_not_wanted():
    day = (NIGHT - timedelta(days=2)).isoformat()
    check = block(metric="flux", max=230, waive={"until": day, "reason": "x"}, **{"from": day})
    (found,) = replayed(check, nights=values(300, 300, 300, 300))
    assert (found.nights, fired(found)) == (2, [2, 1])
    assert [each.waived for each in found.fired] == [True, False]
    (found,) = replayed(check, nights=values(300, 300, 300, 300), dated=False)
    assert (found.nights, fired(found)) == (4, [4, 3, 2, 1])


UNKNOWN = "The check cannot be made: unknown metric 'flix'; did you mean 'flux'? (known: flux)."


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
        ({"metric": "flix", "max": 1, "until": "2001-01-01"}, UNKNOWN),
    ],
)
def test_what_the_history_cannot_replay_says_why(keys, reason):
    some = [Night(night, section(value, rows=None, counted={})) for night, value in nights(1, 2)]
    (found,) = replayed(block(**keys), nights=some, references={"paper": "gone"})
    assert (found.impossible, found.nights, found.fired) == (reason, 0, ())


def test_rows_ages_and_references_are_replayed_where_they_are_known():
    some = [*values(1, 2, rows=100, hours=25.5)[:1], *values(1, 2)[1:]]
    for keys in ({"rows_at_least": 101}, {"fresh": 24}):
        (found,) = replayed(block(**keys), nights=some)
        assert (found.nights, len(found.not_known), fired(found)) == (1, 1, [2])
    assert found.fired[0].message.replace("\u00a0", " ") == (
        "The oldest source file was last changed 25.5 hours before the run, 1.5 hours more than "
        "the 24 hours that are allowed."
    )
    check = block(metric="flux", within={"of": "paper", "absolute": 5})
    references = {"paper": Reference(summary(section(230.0)))}
    (found,) = replayed(check, nights=values(231, 240), references=references)
    assert fired(found) == [1]


def test_the_last_nights_are_replayed_and_drift_sees_those_before():
    drift = block(metric="flux", drift={"floor": 1})
    (found,) = replayed(drift, nights=values(*[10] * 6, 50, 10, 50), last=2)
    assert (found.nights, fired(found)) == (2, [1])
    (found,) = replayed(block(metric="flux", max=20), nights=values(50, 10, 50), last=9)
    assert (found.nights, fired(found)) == (3, [3, 1])
    later = block(rows_at_least=1, **{"from": "2030-01-01"})
    for check, some in ((drift, ()), (later, values(1, 2))):
        (found,) = replayed(check, nights=some)
        assert (found.nights, found.fired, found.impossible) == (0, (), "")

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from presenting import check, figure, table
from pydantic import ValidationError

from reportgen.analyses.trend import MetricHistory, Trend
from reportgen.errors import SectionError
from reportgen.style import house_style

TONIGHT = date(2026, 11, 23)
STEADY = [10.0, 10.2, 9.9, 10.1, 9.8, 10.0, 10.1]


def history(values, label="median", unit="uJy", step=1, **limits):
    nights = [TONIGHT - timedelta(days=step * k) for k in range(len(values))][::-1]
    key, symbol = f"fluxes.{label}", "µJy" if unit else ""
    return MetricHistory(key, "Flux densities", label, unit, symbol, None, nights, values, **limits)


def trend(*histories, **keys):
    names = [each.key for each in histories]
    keys = {"analysis": "trend", "title": "Over the nights", "metrics": names, **keys}
    with house_style():
        section = Trend.model_validate(keys).present({each.key: each for each in histories})
    check(section)
    return section


def lines(section):
    return figure(section, "trend_1").drawing.axes[0].lines


USUAL = "Tonight lies no more than 5 times the usual scatter from the median of the last {} nights."
ALONE = (
    "No earlier night is known, so there is nothing to compare this one with. "
    "Figures begin with the second night."
)


@pytest.mark.parametrize(
    ("histories", "finding"),
    [
        ([[*STEADY, 14.0]], "Tonight stands out from the last 8 nights: median (14\u00a0µJy)."),
        ([[*STEADY, 14.0, 10.0]], USUAL.format(9)),
        ([[10.0, 10.0, 10.0, 99.0]], "There are too few nights (4) to tell what is usual."),
        ([[None] * 9 + [1.0]], "There are too few nights (1) to tell what is usual."),
        ([[10.0]], ALONE),
        ([[*STEADY, None]], "Tonight none of 1 metric has a value."),
        (
            [STEADY, [*STEADY[1:], None], [None] * 5 + [1.0, 2.0]],
            USUAL.format(7)
            + " Not compared, as they have no value tonight, or too few nights before: mean and n.",
        ),
    ],
)
def test_the_finding_says_no_more_than_the_nights_tell(histories, finding):
    labels = ("median", "mean", "n")
    made = [history(values, label) for values, label in zip(histories, labels, strict=False)]
    assert trend(*made).findings == [finding]


def test_a_night_far_from_the_median_is_marked():
    section = trend(history([*STEADY, 14.0]))
    assert "Outlying: 23 November 2026." in figure(section, "trend_1").alt
    assert list(lines(section)[-1].get_ydata()) == [14.0]
    assert table(section, "trend_1")["outlying"] == [0] * 7 + [1]


def test_nights_without_a_value_or_without_a_run_part_the_line():
    section = trend(history([*STEADY, None, 10.0]))
    assert "Without a value: 1 night." in figure(section, "trend_1").alt
    assert np.isnan(lines(section)[0].get_ydata()).sum() == 1
    whole = history(STEADY)
    nights = [*whole.nights[:3], *(night + timedelta(days=5) for night in whole.nights[3:])]
    assert np.isnan(lines(trend(replace(whole, nights=nights)))[0].get_ydata()).sum() == 1


def test_limits_that_are_near_are_drawn_and_others_told():
    section = trend(history(STEADY, low=9.0, high=1000.0))
    said = "dashed: the limit 9\u00a0µJy; beyond the figure: the limit 1,000\u00a0µJy"
    assert said in figure(section, "trend_1").caption
    assert [set(line.get_ydata()) for line in lines(section)].count({9.0}) == 1


def test_only_the_last_nights_are_shown():
    nights = table(trend(history([*STEADY, *STEADY]), nights=5), "trend_1")["night"]
    assert (len(nights), nights[-1]) == (5, "2026-11-23")


@pytest.mark.parametrize(
    "values",
    [
        [None],
        [0.0] * 9,
        [1e300, -1e300, 1e300],
        [1e-300, 2e-300],
        list(range(400)),
        [2460000.1 + k / 1000 for k in range(30)],
    ],
)
@pytest.mark.parametrize(("unit", "step"), [("", 1), ("uJy", 40)])
def test_whatever_the_values_are_the_section_is_whole(values, unit, step):
    trend(history(values, unit=unit, step=step, low=1.0), nights=1000)


@pytest.mark.parametrize(
    ("metrics", "error", "said"),
    [
        (["fluxes.medain"], SectionError, "did you mean 'fluxes.median'"),
        (["a.b", "a.b"], ValidationError, "a.b stands here twice"),
        (["median"], ValidationError, "not of the form section.metric"),
    ],
)
def test_metrics_that_make_no_sense_are_refused(metrics, error, said):
    with pytest.raises(error, match=said):
        trend(history(STEADY), metrics=metrics)

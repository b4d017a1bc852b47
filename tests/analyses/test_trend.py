from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from presenting import check, figure, table
from pydantic import ValidationError

from reportgen.analyses.trend import MetricHistory, Trend, outlying
from reportgen.errors import SectionError
from reportgen.style import house_style

TONIGHT = date(2026, 11, 23)


def history(values, key="fluxes.median", unit="uJy", step=1, **limits):
    nights = [TONIGHT - timedelta(days=step * k) for k in range(len(values))][::-1]
    symbol = "µJy" if unit else ""
    return MetricHistory(
        key, "Flux densities", "median", unit, symbol, None, nights, values, **limits
    )


def trend(*histories, **keys):
    names = [each.key for each in histories]
    keys = {"analysis": "trend", "title": "Over the nights", "metrics": names, **keys}
    with house_style():
        return Trend.model_validate(keys).present(histories={each.key: each for each in histories})


STEADY = [10.0, 10.2, 9.9, 10.1, 9.8, 10.0, 10.1]


def test_a_night_far_from_the_median_is_marked_and_said():
    section = trend(history([*STEADY, 14.0]))
    check(section)
    assert section.findings == ["Tonight stands out from the last 8 nights: median (14\u00a0µJy)."]
    drawn = figure(section, "trend_1")
    assert "Outlying: 23 November 2026." in drawn.alt
    rings = drawn.drawing.axes[0].lines[-1]
    assert list(rings.get_ydata()) == [14.0]
    assert table(section, "trend_1")["outlying"] == [0] * 7 + [1]


def test_an_earlier_outlier_is_marked_but_tonight_is_fine():
    section = trend(history([*STEADY, 14.0, 10.0]))
    assert section.findings == ["Tonight is within the usual scatter of the last 9 nights."]
    assert "Outlying: 22 November 2026." in figure(section, "trend_1").alt


@given(st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=60), st.floats(0.5, 20))
def test_outlying_nights_are_those_beyond_so_many_median_absolute_deviations(values, times):
    found = outlying(history(values), times)
    middle = np.median(values)
    scatter = 1.4826 * np.median(np.abs(np.array(values) - middle))
    for k, value in enumerate(values):
        distance = abs(value - middle)
        if distance > max(1.001 * times * scatter, 1e-8 * abs(middle)):
            assert k in found
        if distance < 0.999 * times * scatter or distance == 0:
            assert k not in found


def test_too_few_nights_have_no_outlier():
    section = trend(history([10.0, 10.0, 10.0, 99.0]))
    assert section.findings == ["There are too few nights (4) to tell what is usual."]


def test_the_first_night_is_compared_with_nothing():
    section = trend(history([10.0]))
    check(section)
    assert "first night" in section.findings[0]


def test_nights_without_a_value_or_without_a_run_part_the_line():
    with_gap = history([*STEADY, None, 10.0])
    drawn = figure(trend(with_gap), "trend_1")
    check(trend(with_gap))
    assert "Without a value: 1 night." in drawn.alt
    missing = history(STEADY)
    nights = [*missing.nights[:3], *(night + timedelta(days=5) for night in missing.nights[3:])]
    axes = figure(
        trend(MetricHistory(**{**vars(missing), "nights": nights})), "trend_1"
    ).drawing.axes[0]
    assert np.isnan(axes.lines[0].get_ydata()).sum() == 1


def test_limits_that_are_near_are_drawn_and_others_told():
    section = trend(history(STEADY, low=9.0, high=1000.0))
    check(section)
    drawn = figure(section, "trend_1")
    assert (
        "dashed: the limit 9\u00a0µJy; beyond the figure: the limit 1,000\u00a0µJy" in drawn.caption
    )
    dashed = [line for line in drawn.drawing.axes[0].lines if set(line.get_ydata()) == {9.0}]
    assert len(dashed) == 1


def test_only_the_last_nights_are_shown():
    section = trend(history([*STEADY, *STEADY]), nights=5)
    assert len(table(section, "trend_1")["night"]) == 5
    assert table(section, "trend_1")["night"][-1] == "2026-11-23"


@pytest.mark.parametrize(
    "values",
    [
        [None],
        [None] * 9,
        [5.0] * 9,
        [0.0] * 9,
        [1e300, -1e300, 1e300],
        [1e-300, 2e-300],
        list(range(400)),
        [2460000.1 + k / 1000 for k in range(30)],
    ],
)
@pytest.mark.parametrize("unit", ["", "uJy"])
@pytest.mark.parametrize("step", [1, 40])
def test_whatever_the_values_are_the_section_is_whole(values, unit, step):
    check(trend(history(values, unit=unit, step=step, low=1.0), nights=1000))


def test_a_metric_that_no_section_has_is_named():
    with pytest.raises(SectionError, match=r"did you mean 'fluxes.median'"):
        trend(history(STEADY), metrics=["fluxes.medain"])


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ([], "at least 1 item"),
        (["a.b", "a.b"], "a.b stands here twice"),
        (["median"], "not of the form section.metric"),
        ([".median"], "not of the form section.metric"),
    ],
)
def test_metrics_that_make_no_sense_are_refused(metrics, said):
    with pytest.raises(ValidationError, match=said):
        Trend.model_validate({"analysis": "trend", "title": "T", "metrics": metrics})

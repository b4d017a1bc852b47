"""Every figure that an analysis draws is the same, drawn once for SVG and PDF or twice."""

from datetime import date, timedelta

import numpy as np
import pytest
from presenting import present
from presenting_maps import noise, present_maps
from two_drawings import check_drawn_twofold

from reportgen.analyses.correlation import Correlation
from reportgen.analyses.distribution import Distribution
from reportgen.analyses.feature_maps import FeatureMaps
from reportgen.analyses.feature_statistics import FeatureStatistics
from reportgen.analyses.overview import Overview
from reportgen.analyses.population import Population
from reportgen.analyses.relation import Relation
from reportgen.analyses.sky_density import SkyDensity
from reportgen.analyses.trend import MetricHistory, Trend
from reportgen.style import house_style

RANDOM = np.random.default_rng(5)
BRIGHT, SHARE = RANDOM.lognormal(3, 1, 400), RANDOM.random(400)
DATA = {
    "bright": np.where(SHARE < 0.1, np.nan, BRIGHT),
    "share": SHARE,
    "flag": (SHARE < 0.3).astype(float),
}
UNITS = {"bright": "uJy"}
SKY = {"ra": 52 + SHARE, "dec": -28 + BRIGHT / BRIGHT.max()}
RELATED = {"column": "share", "against": ["bright"], "median_bins": 4, "log_x": True}


def filters(_, images):
    above = np.maximum(images, 0)
    return np.stack([above, 0 * above, np.maximum(-images, 0), 2 * above], axis=1)


def trend():
    nights = [date(2026, 11, 1) + timedelta(days=k) for k in range(9)]
    values = [10.0, 10.2, 9.9, None, 9.8, 10.0, 10.1, 14.0, 10.0]
    kept = MetricHistory("a.b", "Fluxes", "median", "uJy", "µJy", None, nights, values)
    section = {"analysis": "trend", "title": "Over the nights", "metrics": ["a.b"]}
    with house_style():
        return Trend.model_validate(section).present(histories={"a.b": kept})


SECTIONS = {
    "overview": lambda: present(Overview, DATA, UNITS),
    "distribution": lambda: present(
        Distribution,
        DATA,
        UNITS,
        columns=["bright", "share"],
        histograms=[{"bins": 9}, {"above": 1, "bins": 20, "log_axis": True, "log_counts": True}],
        curves=[{}, {"log": True}],
    ),
    "relation, points": lambda: present(Relation, DATA, UNITS, **RELATED),
    "relation, density": lambda: present(Relation, DATA, UNITS, points=1, bins=20, **RELATED),
    "correlation": lambda: present(
        Correlation, DATA, UNITS, columns=list(DATA), with_column="share"
    ),
    "population": lambda: present(
        Population, DATA, UNITS, column="share", subset="flag", cut=0.5, bins=5
    ),
    "sky_density": lambda: present(
        SkyDensity, SKY, dict.fromkeys(SKY, "deg"), ra="ra", dec="dec", edges=30
    ),
    "feature_maps": lambda: present_maps(FeatureMaps, noise(), filters),
    "feature_statistics": lambda: present_maps(FeatureStatistics, noise(n=20), filters, count=20),
    "trend": trend,
}


@pytest.mark.parametrize("name", SECTIONS)
def test_one_drawing_gives_what_matplotlib_gives_in_two(name):
    figures = SECTIONS[name]().figures
    assert figures
    for figure in figures:
        check_drawn_twofold(figure.drawing)

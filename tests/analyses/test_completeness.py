import numpy as np
import pytest
from presenting import NAN, figure, present, table, values_of
from pydantic import ValidationError
from test_astrometry import DEGREES, MATCH

from reportgen.analyses.completeness import Completeness
from reportgen.analyses.population import binomial_fraction

UNITS = {**DEGREES, "s": "mJy", "m": "mag"}


def survey(objects=40_000, seed=6):
    """Draw true sources, of which those measured beyond 5 σ are detected, and 100 false ones."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(10, 14, objects), rng.uniform(-2, 2, objects)
    s = rng.uniform(2, 10, objects)
    found = s + rng.normal(size=objects) > 5
    ra = np.concatenate([x[found] + rng.normal(0, 0.1, found.sum()) / 3600, np.full(100, 50.0)])
    dec = np.concatenate([y[found], np.linspace(0, 1, 100)])
    return {"ra": ra, "dec": dec}, {"x": x, "y": y, "s": s, "m": 25 - 2.5 * np.log10(s)}


def made(own, truth, match=None, **keys):
    match = {**MATCH, "radius": "1 arcsec", **(match or {"flux": "s"})}
    keys = {"ra": "ra", "dec": "dec", "truth": match, **keys}
    return present(Completeness, own, UNITS, others={"ref": truth}, **keys)


def test_the_depth_of_gaussian_noise_is_that_of_theory():
    own, truth = survey()
    section = made(own, truth, checks=[{"metric": "completeness", "min": 60}], bins=40)
    found = values_of(section)
    assert found["depth_50"] == pytest.approx(5.0, abs=0.05)
    assert found["depth_90"] == pytest.approx(6.2816, abs=0.1)
    assert found["depth_95"] == pytest.approx(6.6449, abs=0.15)
    # Of sources between 2 and 10, those above 5.
    assert found["completeness"] == pytest.approx(62.5, abs=1)
    assert found["only_here"] == pytest.approx(100, abs=25)
    assert found["both"] + found["only_there"] == pytest.approx(40_000, abs=20)
    assert "limit of the checks, 60" in figure(section, "completeness").caption
    rows = table(section, "completeness")
    assert sum(rows["true"]) == found["both"] + found["only_there"]
    assert sum(rows["detected"]) == found["both"]


def test_magnitudes_are_bright_where_they_are_low():
    found = values_of(made(*survey(), match={"magnitude": "m"}, depth=[50, 90]))
    assert found["depth_50"] == pytest.approx(25 - 2.5 * np.log10(5), abs=0.03)
    assert found["depth_90"] < found["depth_50"]


def test_wilson_intervals_hold_where_all_or_none_are_found():
    own, truth = survey(400)
    rows = table(made(own, truth, bins=4), "completeness")
    assert rows["completeness"][-1] > 98
    assert rows["completeness_high"][0] > rows["completeness"][0]
    _, low, high = binomial_fraction(np.array([8, 0]), np.array([10, 10]))
    assert (low, high) == (
        pytest.approx([0.649, 0], abs=5e-4),
        pytest.approx([0.896, 0.0909], abs=5e-4),
    )


def test_nothing_there_and_nothing_found_are_said():
    own, truth = survey(200)
    nothing = made(own, {**truth, "s": np.full(200, NAN)})
    assert "no object with a usable" in nothing.findings[0]
    assert np.isnan(values_of(nothing)["completeness"])
    assert np.isnan(values_of(nothing)["depth_50"])
    none = made({"ra": np.array([100.0]), "dec": np.array([0.0])}, truth)
    assert values_of(none)["completeness"] == 0
    assert "No depth can be given" in none.findings[0]


@pytest.mark.parametrize("centre", [0.0, 180.0])
def test_true_objects_beyond_what_the_survey_covers_are_not_missed(centre):
    own, truth = survey()
    own, truth = (
        {**each, **{k: v + centre - 12 for k, v in each.items() if k in "rax"}}
        for each in (own, truth)
    )
    half = own["ra"] < centre + 1
    own = {name: values[half] for name, values in own.items()}
    own["ra"], truth["x"] = own["ra"] % 360, truth["x"] % 360
    section = made(own, truth)
    found = values_of(section)
    # Three quarters of the truth are covered, of which 62.5 % are found; cells stick out a little.
    assert found["outside_percent"] == pytest.approx(24, abs=1)
    assert found["completeness"] == pytest.approx(61.5, abs=1.2)
    assert "where the survey reaches" in section.findings[0]
    assert "Not counted as missed" in section.notes[0]
    whole = made(own, truth, footprint="truth")
    assert values_of(whole)["completeness"] == pytest.approx(0.75 * 62.5, abs=1)
    assert np.isnan(values_of(whole)["outside_percent"]) or not values_of(whole)["outside_percent"]


def test_the_limit_of_a_depth_is_drawn():
    section = made(*survey(4000), checks=[{"metric": "depth_50", "max": 5.5}])
    assert (
        "Dashed: the limit of the checks of depths, 5.5\xa0mJy."
        in figure(section, "completeness").caption
    )


def test_keys_of_groups_are_refused():
    with pytest.raises(ValidationError, match="by"):
        made(*survey(5), by="s")

import numpy as np
import pytest
from presenting import NAN, figure, present, table, values_of
from test_astrometry import DEGREES, MATCH, sky

from reportgen.analyses.flux_scale import FluxScale

UNITS = {**DEGREES, "s": "mJy", "t": "mJy", "f": "MHz", "m": "mag", "n": "mag"}


def sources(objects=10_000, ratio=1.07, scatter=0.1, seed=2):
    """Draw sources whose flux densities are so many times those of the other catalogue."""
    own, ref = sky(objects, scatter=0.1)
    rng = np.random.default_rng(seed)
    ref["t"] = rng.pareto(1.5, objects) + 1
    own["s"] = ref["t"] * ratio * rng.lognormal(0, scatter, objects)
    own["snr"] = ref["t"] * 4
    return own, ref


def made(own, ref, units=UNITS, **keys):
    match = {**MATCH, "flux": "t"}
    keys = {"ra": "ra", "dec": "dec", "flux": "s", "match": match, **keys}
    return present(FluxScale, own, units, others={"ref": ref}, **keys)


def test_a_ratio_that_was_put_in_comes_out():
    section = made(*sources(), checks=[{"metric": "ratio", "min": 0.9, "max": 1.1}])
    found = values_of(section)
    assert found["ratio"] == pytest.approx(1.070, abs=0.004)
    assert found["ratio_error"] == pytest.approx(0.0013, rel=0.05)
    assert found["ratio_scatter"] == pytest.approx(0.1, rel=0.03)
    assert "1.0698 ± 0.0013" in section.findings[0]
    assert "limits of a check, 0.9 and 1.1" in figure(section, "against_1").caption
    course = table(section, "against_1")
    assert np.mean(course["median"]) == pytest.approx(1.07, abs=0.01)
    assert sum(course["n"]) == found["pairs"]
    assert len(table(section, "map")["median"]) > 10


def test_units_do_not_matter():
    own, ref = sources(2000)
    milli = values_of(made(own, ref))
    ref["t"] = ref["t"] / 1000
    assert values_of(made(own, ref, {**UNITS, "t": "Jy"})) == pytest.approx(milli, nan_ok=True)


def test_frequencies_scale_the_ratio_and_give_spectral_indices():
    own, ref = sources(2000, ratio=(887.5 / 1400) ** -0.8, scatter=0.02)
    own["f"] = np.full(2000, 887.5)
    match = {**MATCH, "flux": "t", "frequency": "1.4 GHz"}
    plain = values_of(made(own, ref, frequency="887.5 MHz", match=match))
    column = values_of(made(own, ref, frequency="f", match=match, spectral_index=-0.8))
    assert plain["spectral_index_median"] == pytest.approx(-0.8, abs=0.01)
    assert column["spectral_index_median"] == pytest.approx(plain["spectral_index_median"])
    assert column["ratio"] == pytest.approx(1.0, abs=0.003)
    assert plain["ratio"] == pytest.approx(1.44, abs=0.01)


def test_metrics_are_of_bright_pairs_and_figures_of_all():
    own, ref = sources(3000)
    bright = own["snr"] > 10
    own["s"][~bright] *= 5
    section = made(own, ref, snr="snr", against=["snr", "distance", "dec"])
    found = values_of(section)
    assert found["pairs"] == pytest.approx(bright.sum(), abs=10)
    assert found["ratio"] == pytest.approx(1.07, abs=0.02)
    assert found["slope_snr"] == pytest.approx(0, abs=0.05)
    assert [each.id for each in section.figures] == ["against_1", "against_2", "against_3", "map"]
    assert section.figures[1].title == "Against distance from the centre of the field"
    assert sum(table(section, "against_1")["n"]) > found["pairs"]


def test_magnitudes_are_compared_in_millimagnitudes():
    own, ref = sources(2000)
    own["m"], ref["n"] = 20 - 2.5 * np.log10(own["s"]), 20 - 2.5 * np.log10(ref["t"])
    match = {**MATCH, "magnitude": "n"}
    section = made(own, ref, flux=None, magnitude="m", match=match)
    found = values_of(section)
    assert found["difference"] == pytest.approx(-2500 * np.log10(1.07), abs=8)
    assert "mmag" in section.findings[0]


def test_values_that_have_no_ratio_are_left_out_and_said():
    own, ref = sources(500)
    own["s"][:20], ref["t"][20:30] = -1, NAN
    section = made(own, ref)
    assert values_of(section)["pairs"] <= 470
    assert "not above 0: 30 pairs" in section.notes[0]


def test_nothing_to_compare_is_said_and_no_metric_has_a_value():
    own, ref = sources(20)
    section = made(own, {"x": [180.0], "y": [0.0], "t": [1.0]})
    assert "nothing to compare" in section.findings[0]
    assert np.isnan(values_of(section)["ratio"])
    own["s"][:] = 0
    assert "None of" in made(own, ref).findings[0]

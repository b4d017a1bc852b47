import numpy as np
import pytest
from presenting import NAN, axes, check, figure, legend, present, present_file, table, values_of
from pydantic import ValidationError

from reportgen.analyses.compactness import Compactness
from reportgen.errors import SectionError

KEYS = {"total": "s", "total_error": "ds", "peak": "p", "peak_error": "dp", "rms": "rms"}
UNITS = {"s": "mJy", "ds": "mJy", "p": "mJy / beam", "dp": "mJy / beam", "rms": "mJy / beam"}
RANDOM = np.random.default_rng(18)


def sources(n=400):
    """Return point sources and, every fourth, resolved ones, with errors of the noise."""
    peak = RANDOM.lognormal(1, 1.2, n) + 0.6
    total = peak * np.where(np.arange(n) % 4 == 0, 3.0, 1.0)
    noise = np.full(n, 0.1)
    scattered = total + RANDOM.normal(0, 0.1, n)
    return {"s": scattered, "ds": noise, "p": peak, "dp": noise, "rms": noise}


def compactness(data, units=UNITS, **keys):
    return present(Compactness, data, units, **{**KEYS, **keys})


def test_a_source_is_resolved_where_the_ratio_is_beyond_its_own_errors():
    data = {
        "s": [2.0, 2.0, 0.5, 1.0, 2.0, -1.0, NAN],
        "ds": [0.1, 2.0, 0.1, 0.1, -1.0, 0.1, 0.1],
        "p": [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0],
        "dp": [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
        "rms": [0.1] * 7,
    }
    found = compactness(data)
    assert values_of(found) == {
        "resolved": 1,
        "resolved_percent": pytest.approx(100 / 3),
        "ratio_median_bright": pytest.approx(NAN, nan_ok=True),
        "below_one_percent": 25,
        "errors_missing": 1,
    }
    assert "Without errors above 0, so not judged: 1 source." in found.notes
    assert found.notes[1].endswith("missing or not above 0: 3 rows.")


def test_counts_are_those_of_numpy_and_the_figure_marks_the_same_sources():
    data = sources()
    found = compactness(data, sigma=3)
    error = np.hypot(data["ds"] / data["s"], data["dp"] / data["p"])
    resolved = np.log(data["s"] / data["p"]) > 3 * error
    bright = data["p"] / data["rms"] > 100
    assert values_of(found)["resolved"] == resolved.sum()
    ratio = (data["s"] / data["p"])[bright]
    assert values_of(found)["ratio_median_bright"] == pytest.approx(np.median(ratio))
    assert table(found, "compactness")["resolved"] == resolved.astype(int).tolist()
    assert legend(figure(found, "compactness")) == ["not resolved or not judged", "resolved"]
    check(found)


def test_other_units_give_the_same_metrics():
    data = sources()
    in_jansky = {name: values / 1000 for name, values in data.items()}
    other = {name: unit.replace("mJy", "Jy") for name, unit in UNITS.items()}
    mixed = {**data, "p": in_jansky["p"], "rms": in_jansky["rms"]}
    of_mixed = {**UNITS, "p": other["p"], "rms": other["rms"]}
    expected = pytest.approx(values_of(compactness(data)), rel=1e-12)
    assert values_of(compactness(in_jansky, other)) == expected
    assert values_of(compactness(mixed, of_mixed)) == expected


def test_many_sources_are_drawn_as_density_and_counted_exactly_beyond_exact_rows():
    data = sources(12_000)
    few, many = (present(Compactness, data, UNITS, exact=exact, **KEYS) for exact in (True, False))
    assert values_of(many)["resolved"] == values_of(few)["resolved"]
    assert axes(figure(many, "compactness")).collections
    check(many)


def test_limits_of_the_median_ratio_are_drawn_and_another_axis_can_be_chosen():
    data = sources()
    checks = [{"metric": "ratio_median_bright", "max": 1.5}]
    found = compactness(data, checks=checks, against="p")
    drawn = figure(found, "compactness")
    assert "limit of the checks, 1.5." in drawn.caption
    assert axes(drawn).get_xlabel() == "p [mJy beam⁻¹]"
    check(found)


@pytest.mark.parametrize(
    "change",
    [{"ds": [-1.0] * 30}, {"s": [NAN] * 29 + [2.0]}, {"p": [1.0] * 30, "s": [1.0] * 30}],
    ids=["no errors", "one source", "all equal"],
)
def test_a_section_of_odd_data_is_whole(change):
    data = {**sources(30), **{name: np.array(values) for name, values in change.items()}}
    check(compactness(data))


def test_nothing_to_judge_and_units_that_do_not_fit_are_refused():
    with pytest.raises(SectionError, match="no rows"):
        compactness({name: np.empty(0) for name in UNITS})
    with pytest.raises(SectionError, match="no row has both s and p above 0"):
        compactness({name: np.full(5, NAN) for name in UNITS})
    with pytest.raises(ValidationError, match="dp is in ″, where mJy is needed"):
        compactness(sources(), {**UNITS, "dp": "arcsec"})


def test_the_classes_of_the_atlas_sources_are_found_again():
    keys = dict(zip(KEYS, ("S", "S_err", "Sp", "Sp_err", "rms"), strict=True))
    found = present_file(Compactness, "cdfs_real/atlas_swire_cdfs.fits", **keys)
    assert values_of(found)["resolved"] == 129
    assert found.rows == 816


@pytest.mark.parametrize(("sigma", "resolved"), [(2, 3612), (3, 3035)])
def test_the_resolved_sources_of_an_aegean_catalogue_are_found_again(sigma, resolved):
    columns = ("int_flux", "err_int_flux", "peak_flux", "err_peak_flux", "local_rms")
    keys = dict(zip(KEYS, columns, strict=True)) | {"sigma": sigma}
    name = "survey/flint_SB38959_RACS_1357-18_comp.fits"
    found = present_file(Compactness, name, **keys)
    assert values_of(found)["resolved"] == resolved
    assert values_of(found)["resolved_percent"] == pytest.approx(100 * resolved / 7128)
    assert values_of(found)["ratio_median_bright"] == pytest.approx(1.1595, abs=5e-5)
    assert values_of(found)["errors_missing"] == 97
    check(found)


def test_the_resolved_share_of_each_group_is_told_and_one_without_bright_sources_is_not_absent():
    data = {**sources(), "tile": np.arange(400) // 100 + 1.0}
    data["s"][:100] *= 2
    data["rms"][100:200] = 10.0  # without a bright source
    data["tile"][399] = NAN
    section = compactness(data, by="tile", expect=[1, 5])
    error = np.hypot(data["ds"] / data["s"], data["dp"] / data["p"])
    known = (data["s"] > 0) & (data["p"] > 0)
    resolved = known & (np.log(data["s"] / data["p"]) > 2 * error)
    expected = [100 * resolved[known & (data["tile"] == k)].mean() for k in (1, 2, 3, 4)]
    shares = table(section, "resolved_percent_by_group")
    assert shares["percent"] == pytest.approx(expected)
    n = shares["n"][0]
    assert shares["error"][0] == pytest.approx(
        np.sqrt(expected[0] * (100 - expected[0]) / n), rel=1e-9
    )
    assert table(section, "ratio_median_bright_by_group")["tile"] == ["1", "3", "4"]
    values = values_of(section)
    assert values["worst_resolved_percent"] == pytest.approx(expected[0])
    assert values["worst_ratio_median_bright"] > 1.9
    assert (values["groups"], values["groups_absent"]) == (4, 1)
    assert section.findings.count("Without a value though expected: tile 5.") == 1
    check(section)

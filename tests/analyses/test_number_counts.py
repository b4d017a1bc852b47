import numpy as np
import pytest
from presenting import (
    NAN,
    axes,
    check,
    described,
    figure,
    legend,
    present,
    present_file,
    table,
    values_of,
)
from projects import ROOT
from pydantic import ValidationError
from scipy import stats
from tables import Table

from reportgen.analyses.number_counts import NumberCounts
from reportgen.analyses.number_counts_figure import ONE_SIGMA, poisson_limits
from reportgen.config.columns import Images
from reportgen.errors import SectionError
from reportgen.reduce.maps import Batch, scan_maps
from reportgen.reduce.scan import scan
from reportgen.style import house_style

BINS = {"from": "1 mJy", "to": "10 Jy", "per_decade": 3}
KEYS = {"flux": "s", "area": "10 deg2", "bins": BINS, "complete_above": "2 mJy"}
SR = 10 * (np.pi / 180) ** 2
EDGES = np.geomspace(1, 1e4, 13)
RANDOM = np.random.default_rng(20)
FLUXES = 2 * RANDOM.pareto(1.2, 4000) + 2  # mJy; N(>S) falls as S**-1.2 from 2 mJy on


def counts(fluxes=FLUXES, unit="mJy", **keys):
    return present(NumberCounts, {"s": np.array(fluxes)}, {"s": unit}, **{**KEYS, **keys})


def test_poisson_limits_are_those_of_gehrels():
    low, high = poisson_limits(np.array([0, 1, 2, 10]))
    assert (high - [0, 1, 2, 10]).round(3).tolist() == [1.841, 2.300, 2.638, 4.267]
    assert ([0, 1, 2, 10] - low).round(3).tolist() == [0, 0.827, 1.292, 3.109]
    assert stats.poisson.cdf(10, high[3]) == pytest.approx(1 - ONE_SIGMA)


def test_euclidean_counts_take_each_source_with_its_own_flux_density():
    found = table(counts(), "counts")
    n, _ = np.histogram(FLUXES, EDGES)
    powers, _ = np.histogram(FLUXES, EDGES, weights=(FLUXES / 1000) ** 2.5)
    assert found["sources"] == n.tolist()
    assert found["counts"] == pytest.approx(powers / (np.diff(EDGES) / 1000 * SR))
    empty = n == 0
    middle = (np.sqrt(EDGES[1:] * EDGES[:-1]) / 1000) ** 2.5
    expected = (1.841 * middle / (np.diff(EDGES) / 1000 * SR))[empty]
    assert np.array(found["upper limit"])[empty] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("normalise", "per_source"),
    [("none", 1 / (np.diff(EDGES) / 1000 * SR)), ("per_deg2", np.full(12, 0.1))],
)
def test_counts_can_be_normalised_otherwise(normalise, per_source):
    found = counts(normalise=normalise)
    expected = np.histogram(FLUXES, EDGES)[0] * per_source
    assert table(found, "counts")["counts"] == pytest.approx(expected)
    check(found)


def test_the_slope_is_that_of_the_sources():
    values = values_of(counts())
    assert values["n"] == 4000
    assert values["n_per_deg2"] == 400
    assert values["slope"] == pytest.approx(1.2, abs=4 * values["slope_error"])
    logs = np.log(FLUXES / 2)
    assert values["slope"] == pytest.approx(len(logs) / logs.sum())
    assert values["slope_error"] == pytest.approx(values["slope"] / np.sqrt(4000))
    assert np.isnan(values["turnover"]) or values["turnover"] > 2


def test_counts_of_magnitudes_are_per_magnitude_and_rise_as_those_of_flux_densities():
    magnitudes = 22 - 2.5 * np.log10(FLUXES / 2)
    bins = {"from": "12 mag", "to": "23 mag", "width": "500 mmag"}
    keys = {"magnitude": "m", "area": "10 deg2", "bins": bins, "complete_above": 22}
    found = present(NumberCounts, {"m": magnitudes}, {"m": "mag"}, **keys)
    n, _ = np.histogram(magnitudes, np.linspace(12, 23, 23))
    assert table(found, "counts")["sources"] == n.tolist()
    assert table(found, "counts")["counts"] == pytest.approx(n / 5)
    assert values_of(found)["slope"] == pytest.approx(0.4 * values_of(counts())["slope"])
    assert values_of(found)["turnover"] == 21.75
    check(found)


def test_other_units_give_the_same_metrics():
    one = counts()
    other = counts(FLUXES / 1000, "Jy", area="36000 arcmin2")
    assert {**values_of(other), "turnover": 0} == pytest.approx({**values_of(one), "turnover": 0})
    assert table(other, "counts")["counts"] == pytest.approx(table(one, "counts")["counts"])


def test_negative_and_missing_values_are_no_sources_of_the_bins():
    found = counts([-3.0, 0.5, NAN, 5.0, 5.0, 2e4, 1e4])
    assert values_of(found)["n"] == 3
    assert found.notes == ["Outside the bins: 2 sources below them and 1 source above."]
    check(found)


def test_nothing_to_count_is_an_error_that_says_why():
    with pytest.raises(SectionError, match="no rows"):
        counts([])
    with pytest.raises(SectionError, match="no valid value in s"):
        counts([NAN, NAN])


def written(folder, scale=1.0, log=True, header="# of others\n"):
    """Write counts of a survey just like FLUXES, times a factor, as a table of text."""
    found = table(counts(), "counts")
    used = np.array(found["sources"]) > 0
    flux = np.sqrt(EDGES[1:] * EDGES[:-1])[used]
    columns = [np.log10(flux / 1000) if log else flux, np.array(found["counts"])[used] * scale]
    rows = np.stack([*columns, columns[1] / 10], axis=1)
    path = folder / "others.txt"
    path.write_text(header + "\n".join(" ".join(map(str, row)) + " ab12" for row in rows))
    return path


def test_counts_are_compared_with_those_of_a_file(tmp_path):
    path = written(tmp_path, scale=0.5)
    reference = {"file": str(path), "log_flux": True, "error": 3}
    found = counts(reference=reference, checks=[{"metric": "reference_ratio", "max": 3}])
    assert values_of(found)["reference_ratio"] == pytest.approx(2, rel=1e-6)
    assert legend(figure(found, "counts")) == ["s", "others"]
    assert found.findings[-1].startswith(
        "Above 2\u00a0mJy, there are 2.00 times as many sources as by others (χ² of"
    )
    check(found)
    plain = {"file": str(written(tmp_path, log=False, header="")), "unit": "mJy", "label": "Us"}
    same = counts(reference=plain)
    assert values_of(same)["reference_ratio"] == pytest.approx(1, rel=1e-6)
    assert values_of(same)["reference_chi2"] == pytest.approx(0, abs=1e-9)


def test_a_reference_is_brought_to_the_frequency_of_the_section(tmp_path):
    # S is 2**0.8 times brighter at half the frequency, Euclidean counts 2**1.2 times as many.
    path = tmp_path / "one.txt"
    path.write_text(f"{10 / 2**0.8} {100 / 2**1.2}\n")
    reference = {"file": str(path), "unit": "mJy", "frequency": "2 GHz", "spectral_index": -0.8}
    found = counts(reference=reference, frequency="1000 MHz", bins={**BINS, "from": "9 mJy"})
    assert table(found, "counts")["reference"][0] == pytest.approx(100)


RACS = "survey/flint_SB38959_RACS_1357-18_comp.fits"
IN_JANSKY = {"columns": {"int_flux": {"unit": "Jy"}}}


@pytest.mark.parametrize(
    ("limit", "slope", "error", "n"),
    [
        ("5 mJy", 0.8984, 0.0149, 3631),
        ("10 mJy", 1.0512, 0.0228, 2130),
        ("30 mJy", 1.1311, 0.043, 693),
    ],
)
def test_counts_and_slopes_of_an_aegean_catalogue_are_found_again(limit, slope, error, n):
    keys = {"flux": "int_flux", "area": "66 deg2", "bins": BINS, "complete_above": limit}
    found = present_file(NumberCounts, RACS, IN_JANSKY, **keys)
    expected = [1642, 1611, 1642, 1161, 519, 252, 132, 46, 13, 7, 0, 0]
    assert table(found, "counts")["sources"] == expected
    assert found.notes == ["Outside the bins: 200 sources below them and 0 sources above."]
    assert values_of(found)["slope"] == pytest.approx(slope, abs=5e-5)
    assert values_of(found)["slope_error"] == pytest.approx(error, abs=5e-5)
    assert f"({n:,} sources)" in found.findings[1]


def test_reference_counts_of_text_and_fits_are_read():
    data = {"flux": "int_flux", "area": "66 deg2", "bins": BINS, "frequency": "887.5 MHz"}
    present_file(NumberCounts, RACS, IN_JANSKY, **data)  # skips where the files are not here
    folder = (ROOT / "../shared/data/survey").resolve()
    for name, columns in (
        ("de_zotti_1p4.txt", {"log_flux": True, "error": 3}),
        ("skads_1p4GHz.fits", {"flux": "fl_bin_mid", "counts": "SC", "error": "SC_err"}),
    ):
        reference = {"file": str(folder / name), "frequency": "1.4 GHz", **columns}
        found = present_file(NumberCounts, RACS, IN_JANSKY, **data, reference=reference)
        assert 0.5 < values_of(found)["reference_ratio"] < 3
        check(found)
    assert axes(figure(found, "counts")).get_xscale() == "log"


# An image of the noise in place of an area

PIXEL = 60.0  # arcseconds


def of_noise(
    fluxes, rms, *, unit="mJy", noise_unit="Jy / beam", pixel_scale=PIXEL, of_header=False, **keys
):
    """Compute a section of flux densities and of an image of the noise, (row, column)."""
    images = Images("rms", "the noise", "" if of_header else noise_unit, pixel_scale)
    columns = described(["s"], {"s": unit})
    context = {"columns": columns, "catalogues": {"objects": columns}, "images": {"rms": images}}
    own = {"analysis": "number_counts", "catalogue": "objects", "title": "Counts", "flux": "s"}
    own |= {"bins": BINS, "rms": {"images": "rms", "sigma": 5}, **keys}
    section = NumberCounts.model_validate(own, context=context)
    assert section.sources == (("catalogues", "objects"), ("images", "rms"))
    wanted = section.image_reductions()
    batch = Batch(np.asarray(rms, np.float32)[np.newaxis, ..., np.newaxis], 0)
    reduction = wanted["noise"].in_unit(noise_unit)
    noise = scan_maps([reduction], iter([batch]), None)[reduction]
    rows = dict(section.reductions())
    found = scan(rows.values(), Table({"s": np.asarray(fluxes)}), 10**9)
    values = {name: found[reduction] for name, reduction in rows.items()}
    with house_style():
        return section.present(noise=noise, about=images, **values)


def test_counts_on_an_image_of_the_noise_are_those_of_a_survey_without_noise():
    rms = np.full((100, 120), 0.4e-3)
    rms[:, 60:] = 2e-3
    rms[:10] = np.nan
    seen = np.where(RANDOM.uniform(size=len(FLUXES)) < 0.5, 5 * 0.4, 5 * 2) < FLUXES
    found = of_noise(FLUXES[seen], rms, normalise="per_deg2")
    check(found)
    area = 90 * 120 * (PIXEL / 3600) ** 2
    assert values_of(found)["area"] == pytest.approx(area)
    rows = table(found, "counts")
    areas = np.array(rows["area"])
    assert areas[0] == pytest.approx(area / 16)  # an eighth of 1 to 2.15 mJy is above 5 sigma
    assert (rows["from"][0], rows["to"][0]) == pytest.approx((1, 10 ** (1 / 3)))
    assert areas[1:3] == pytest.approx(area / 2)
    assert areas[3:] == pytest.approx(area)
    expected = np.histogram(FLUXES, EDGES)[0] / area
    error = np.sqrt(expected * area) / area * np.sqrt(2)
    counts_ = np.array(rows["counts"])
    assert (np.abs(counts_ - expected)[1:] < 4 * error[1:] + 1e-9).all()
    assert values_of(found)["n_per_deg2"] == pytest.approx(np.nansum(counts_))
    assert "those of each bin on the area where they can be found" in found.findings[0]


def test_units_of_the_noise_do_not_matter_and_bins_of_no_area_are_told():
    rms = np.random.default_rng(4).uniform(0.3e-3, 3e-3, (50, 60))
    one = of_noise(FLUXES, rms)
    two = of_noise(FLUXES / 1000, 1e6 * rms, unit="Jy", noise_unit="uJy / beam")
    for name, value in values_of(one).items():
        factor = 1000 if name == "turnover" else 1
        assert values_of(two)[name] * factor == pytest.approx(value, nan_ok=True), name
    header = of_noise(FLUXES, rms, of_header=True)  # whose unit the file alone says
    assert table(one, "counts") == table(header, "counts")
    loud = of_noise(FLUXES, rms + 1.0)
    lost = int((FLUXES < 10 ** (11 / 3)).sum())
    assert any("though 5 times the noise is above" in note for note in loud.notes)
    assert lost


def test_an_image_of_the_noise_must_say_how_large_a_pixel_is_and_measure_what_sources_have():
    with pytest.raises(SectionError, match="how large the pixels"):
        of_noise(FLUXES, np.ones((4, 4)), pixel_scale=None)
    with pytest.raises(SectionError, match="are blank"):
        of_noise(FLUXES, np.full((4, 4), np.nan))
    for keys, said in (
        ({"noise_unit": "K"}, "rms is in K, not a flux density"),
        ({"area": "3 deg2"}, "one of them"),
    ):
        with pytest.raises(ValidationError, match=said):
            of_noise(FLUXES, np.ones((4, 4)), **keys)

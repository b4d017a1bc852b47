import numpy as np
import pytest
from presenting import check, figure, legend, table
from presenting_maps import LABELS, noise, present_maps
from pydantic import ValidationError

from reportgen.analyses.feature_statistics import FeatureStatistics
from reportgen.analyses.filters import Filters
from reportgen.errors import SectionError
from reportgen.reduce.maps import DescribeFilters, MapsOf


def network(weights, images):
    """Six filters of images of noise.

    early: what is above 0, twice that, nothing, nothing, a little of one corner, a constant.
    late: six that have little to do with each other.
    """
    above = np.maximum(images, 0)
    if weights == "early":
        corner = np.zeros_like(images)
        corner[:, 0, 0] = above[:, 0, 0]
        constant = np.full_like(images, 0.25)
        return np.stack([above, 2 * above, 0 * above, 0 * above, corner, constant], axis=1)
    return np.stack([np.maximum(np.roll(images, 2 * k, axis=2), 0) for k in range(6)], axis=1)


IMAGES = noise(n=20)
BOTH = {"weights": ["early", "late"], "count": 20, "almost_silent": 0.95}


def both(**keys):
    return present_maps(FeatureStatistics, IMAGES, network, **{**BOTH, **keys})


def test_it_says_which_filters_are_silent_and_which_say_the_same():
    section = both()
    check(section)
    assert section.findings[1] == (
        "10 epochs: 2 of 6 filters are silent in all 20 images, 1 almost always; 2 have a "
        "near-duplicate (r of 0.95 or more); filters 0 and 1 are the most alike (r = 1.00)."
    )
    assert section.findings[2].startswith(
        "100 epochs: no filter of 6 is silent in all 20 images; none has a near-duplicate"
    )
    values = {name: metric.value for name, metric in section.metrics.items()}
    assert values["silent_early"] == 2
    assert values["almost_silent_early"] == 1
    assert values["duplicates_early"] == 2
    assert values["silent_late"] == values["duplicates_late"] == 0


def test_it_says_which_weights_are_the_more_varied():
    section = both()
    early, late = (section.metrics[f"independent_{name}"].value for name in ("early", "late"))
    assert early < 3 < late <= 6
    assert section.findings[0] == (
        f"The most varied set of weights is 100 epochs: {late:.1f} independent filters of 6, "
        f"against {early:.1f} for 10 epochs."
    )


def test_sets_that_are_equally_varied_are_said_to_be():
    section = present_maps(
        FeatureStatistics, IMAGES, lambda _, x: x[:, None], weights=["early", "late"], count=20
    )
    assert section.findings[0] == (
        "Equally varied are 10 epochs and 100 epochs: 1.0 independent filters of 1."
    )


def test_one_set_alone_is_compared_with_nothing():
    section = both(weights=["late"])
    check(section)
    assert "independent filters, of 6." in section.findings[0]
    assert "most varied" not in section.findings[0]


def test_the_number_of_independent_filters_is_that_of_the_eigenvalues():
    section = both(weights=["late"])
    maps = network("late", IMAGES.astype(np.float32))
    rows = np.moveaxis(maps, 1, -1).reshape(-1, 6)
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(rows.T))
    expected = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    assert section.metrics["independent_late"].value == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_filters_that_are_the_same_count_as_one(n):
    maps = np.repeat(noise(6)[:, None], n, axis=1).astype(np.float32)
    reduction = DescribeFilters(MapsOf("w"), count=6)
    found = reduction.finish(reduction.update(reduction.start(), maps))
    assert Filters("w", found, 0.99, 0.95).independent == pytest.approx(1)


def test_the_table_tells_of_each_filter():
    section = both()
    check(section)
    rows = table(section, "filters_early")
    maps = network("early", IMAGES.astype(np.float32)).astype(float)
    np.testing.assert_allclose(rows["mean"], maps.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(rows["std"], maps.mean(axis=(2, 3)).std(axis=0), atol=1e-12)
    np.testing.assert_allclose(rows["zeros"], 100 * (maps == 0).mean(axis=(0, 2, 3)))
    assert rows["state"] == ["awake", "awake", "silent", "silent", "almost silent", "constant"]
    assert rows["images"][2] == 0
    assert rows["images"][5] == 20
    assert rows["most_similar"][:2] == [1, 0]
    similar = next(c for c in section.tables[0].columns if c.name == "most_similar").values
    assert np.ma.getmaskarray(similar).tolist() == [False, False, True, True, False, True]
    assert rows["r"][0] == pytest.approx(1)
    assert np.isnan(rows["r"][2])


def test_the_maps_of_mean_and_scatter_are_those_of_numpy():
    section = both()
    cells = table(section, "maps_late")
    maps = network("late", IMAGES.astype(np.float32)).astype(float)
    for name, expected in (("mean", maps.mean(axis=0)), ("std", maps.std(axis=0))):
        found = np.array(cells[name]).reshape(6, 12, 12)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert figure(section, "mean_late").data is figure(section, "std_late").data
    assert "2 of 6 filters are silent (2 and 3)." in figure(section, "mean_early").alt
    assert "3 of 6 filters are without scatter (2, 3 and 5)." in figure(section, "std_early").alt


def test_the_matrix_leaves_filters_that_never_change_blank():
    section = both()
    matrix = figure(section, "correlation_early")
    drawn = np.ma.masked_invalid(matrix.drawing.axes[0].images[0].get_array())
    assert np.flatnonzero(np.ma.getmaskarray(drawn).all(axis=0)).tolist() == [2, 3, 5]
    assert "3 filters that vary, of 6" in matrix.alt
    assert "filters 0 and 1 (r = 1.00)" in matrix.alt
    assert "left blank" in matrix.caption
    assert len(table(section, "correlation_early")["r"]) == 15


def test_the_figure_of_zeros_has_a_line_for_each_set():
    section = both()
    zeros = figure(section, "zeros")
    assert legend(zeros) == ["10 epochs", "100 epochs"]
    drawn = [line.get_ydata() for line in zeros.drawing.axes[0].lines]
    assert drawn[0][-2:].tolist() == [100, 100]
    assert all(np.diff(line).min() >= 0 for line in drawn)


# Images


def test_fewer_images_than_asked_for_are_said():
    section = both(count=50)
    assert section.rows == 20
    assert "50 images were asked for; there are 20." in section.notes
    assert both().rows == 20
    assert not any("asked for" in note for note in both().notes)


def test_images_with_blank_pixels_are_left_out_and_said():
    images = IMAGES.copy()
    images[4, 2, 2] = np.nan
    section = present_maps(FeatureStatistics, images, network, **BOTH)
    check(section)
    assert section.rows == 19
    assert "Left out, as they have blank pixels: 1 image." in section.notes
    rows = table(section, "filters_late")
    maps = network("late", np.delete(images, 4, axis=0).astype(np.float32))
    np.testing.assert_allclose(rows["mean"], maps.mean(axis=(0, 2, 3)), rtol=1e-6)


def test_images_that_are_all_blank_are_an_error():
    with pytest.raises(SectionError, match="all 3 images of radio have blank pixels"):
        present_maps(FeatureStatistics, np.full((3, 5, 5), np.nan), network)


def test_only_the_chosen_images_count():
    section = both(first=5, count=4, weights=["late"])
    maps = network("late", IMAGES[5:9].astype(np.float32))
    rows = table(section, "filters_late")
    np.testing.assert_allclose(rows["mean"], maps.mean(axis=(0, 2, 3)), rtol=1e-6)
    assert "in all 4 images" in section.findings[1]


# Odd networks

ODD = {
    "all silent": lambda _, x: np.zeros((len(x), 4, 3, 3)),
    "one filter": lambda _, x: x[:, None],
    "one cell": lambda _, x: x[:, :5, 0, None, None],
    "all constant": lambda _, x: np.full((len(x), 4, 3, 3), 7.5),
    "negative": lambda _, x: -np.abs(np.stack([x, 2 * x], axis=1)),
    "tiny": lambda _, x: 1e-30 * np.stack([x, x**2], axis=1),
    "many": lambda _, x: np.stack([np.sin(k * x) for k in range(1, 100)], axis=1),
}


@pytest.mark.parametrize("images", [1, 20])
@pytest.mark.parametrize("name", ODD)
def test_any_network_has_a_section(name, images):
    section = present_maps(
        FeatureStatistics, IMAGES[:images], ODD[name], weights=["early", "random"], count=20
    )
    check(section)


def test_a_network_of_which_nothing_is_left_has_no_independent_filter():
    section = present_maps(FeatureStatistics, IMAGES, ODD["all silent"], count=20)
    assert section.metrics["independent_early"].value == 0
    assert "no two filters can be compared" in section.findings[1]
    assert "4 of 4 filters are silent" in section.findings[1]


def test_maps_that_overflow_are_an_error():
    said = f"the maps of {LABELS['early']} have values beyond"
    with pytest.raises(SectionError, match=said), np.errstate(all="ignore"):
        present_maps(FeatureStatistics, IMAGES, lambda _, x: np.full((len(x), 1, 2, 2), np.inf))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"count": 0}, "greater than 0"),
        ({"first": -1}, "greater than or equal to 0"),
        ({"duplicate": 1.5}, "less than or equal to 1"),
        ({"almost_silent": "most"}, "valid number"),
    ],
)
def test_keys_that_make_no_sense_are_refused(keys, said):
    with pytest.raises(ValidationError, match=said):
        both(**keys)

import numpy as np
import pytest
from presenting import check, figure, legend, table
from presenting_maps import LABELS, noise, present_maps
from pydantic import ValidationError

from reportgen.analyses.feature_statistics import FeatureStatistics
from reportgen.errors import SectionError


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


def both(images=IMAGES, compute=network, **keys):
    given = {"weights": ["early", "late"], "count": 20, "almost_silent": 0.95}
    return present_maps(FeatureStatistics, images, compute, **(given | keys))


def maps_of(weights, images=IMAGES):
    return network(weights, images.astype(np.float32)).astype(float)


def test_it_says_which_filters_are_silent_which_say_the_same_and_which_weights_vary_most():
    section = both()
    check(section)
    names = [f"{name}_{w}" for w in ("early", "late") for name in ("silent", "duplicates")]
    assert [section.metrics[name].value for name in names] == [2, 2, 0, 0]
    assert section.metrics["almost_silent_early"].value == 1
    early, late = (section.metrics[f"independent_{name}"].value for name in ("early", "late"))
    rows = np.moveaxis(maps_of("late"), 1, -1).reshape(-1, 6)
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(rows.T))
    assert late == pytest.approx(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())
    assert section.findings[:2] == [
        f"The most varied set of weights is 100 epochs: {late:.1f} independent filters of 6, "
        f"against {early:.1f} for 10 epochs.",
        "10 epochs: 2 of 6 filters are silent in all 20 images, 1 in 95.0\u00a0% of "
        "activations or more; 2 have a near-duplicate (r of 0.95 or more); no two are more alike "
        "than filters 0 and 1 (r = 1.00).",
    ]
    assert section.findings[2].startswith(
        "100 epochs: no filter of 6 is silent in all 20 images; none has a near-duplicate"
    )


@pytest.mark.parametrize(
    ("weights", "filters", "finding"),
    [
        (["early", "late"], 1, "Equally varied are 10 epochs and 100 epochs: 1.0 independent"),
        (["late"], 5, "100 epochs has 1.0 independent filters, of 5."),
    ],
)
def test_filters_that_are_the_same_count_as_one_and_sets_that_are_as_equal(
    weights, filters, finding
):
    section = both(compute=lambda _, x: np.repeat(x[:, None], filters, axis=1), weights=weights)
    assert section.findings[0].startswith(finding)


def test_the_table_tells_of_each_filter():
    section = both()
    rows, maps = table(section, "filters_early"), maps_of("early")
    np.testing.assert_allclose(rows["mean"], maps.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(rows["std"], maps.mean(axis=(2, 3)).std(axis=0), atol=1e-12)
    np.testing.assert_allclose(rows["zeros"], 100 * (maps == 0).mean(axis=(0, 2, 3)))
    assert rows["state"] == ["awake", "awake", "silent", "silent", "almost silent", "constant"]
    assert (rows["images"][2], rows["images"][5]) == (0, 20)
    similar = next(c for c in section.tables[0].columns if c.name == "most_similar").values
    assert similar.tolist() == [1, 0, None, None, similar[4], None]
    assert rows["r"][0] == pytest.approx(1)
    assert np.isnan(rows["r"][2])


def test_the_matrix_leaves_filters_that_never_change_blank():
    section = both()
    matrix = figure(section, "correlation_early")
    drawn = np.ma.masked_invalid(matrix.drawing.axes[0].images[0].get_array())
    assert np.flatnonzero(np.ma.getmaskarray(drawn).all(axis=0)).tolist() == [2, 3, 5]
    assert "3 filters that vary, of 6" in matrix.alt
    assert "filters 0 and 1 (r = 1.00)" in matrix.alt
    assert "left blank" in matrix.caption
    assert len(table(section, "correlation_early")["r"]) == 15


# Images

BLANK = IMAGES.copy()
BLANK[4, 2, 2] = np.nan


@pytest.mark.parametrize(
    ("images", "keys", "used", "note"),
    [
        (IMAGES, {}, slice(20), None),
        (IMAGES, {"count": 50}, slice(20), "50 images were asked for; there are 20."),
        (IMAGES, {"first": 5, "count": 4}, slice(5, 9), None),
        (
            BLANK,
            {},
            [*range(4), *range(5, 20)],
            "Left out, as they have blank pixels: 1 image.",
        ),
    ],
)
def test_the_chosen_images_without_blank_pixels_count(images, keys, used, note):
    section = both(images, **keys)
    check(section)
    assert section.notes[1:] == ([] if note is None else [note])
    assert section.rows == len(images[used])
    assert f"in all {section.rows} images" in section.findings[1]
    mean = maps_of("late", images[used]).mean(axis=(0, 2, 3))
    np.testing.assert_allclose(table(section, "filters_late")["mean"], mean, rtol=1e-6)


def test_what_has_no_numbers_is_an_error():
    with pytest.raises(SectionError, match="all 3 images of radio have blank pixels"):
        both(np.full((3, 5, 5), np.nan))
    said = f"the maps of {LABELS['early']} have values beyond"
    with pytest.raises(SectionError, match=said), np.errstate(all="ignore"):
        both(compute=lambda _, x: np.full((len(x), 1, 2, 2), np.inf), weights=["early"])


# Odd networks

ODD = {
    "all silent": lambda _, x: np.zeros((len(x), 4, 3, 3)),
    "one filter": lambda _, x: x[:, None],
    "one cell": lambda _, x: x[:, :5, 0, None, None],
    "all constant": lambda _, x: np.full((len(x), 4, 3, 3), 7.5),
    "many": lambda _, x: np.stack([np.sin(k * x) for k in range(1, 100)], axis=1),
}


@pytest.mark.parametrize("name", ODD)
def test_any_network_has_a_section(name):
    images = IMAGES[:1] if name == "one filter" else IMAGES
    section = both(images, ODD[name], weights=["early", "random"])
    check(section)
    if name == "all silent":
        assert section.metrics["independent_early"].value == 0
        assert "no two filters can be compared" in section.findings[1]
        assert "4 of 4 filters are silent" in section.findings[1]


def test_three_sets_of_weights_that_are_as_varied_are_all_named():
    one = both(
        compute=lambda _, images: network("late", images), weights=["early", "late", "random"]
    )
    said = "Equally varied are 10 epochs, 100 epochs and random weights: "
    assert one.findings[0].startswith(said)
    some = both(
        compute=lambda weights, images: network("early" if weights == "random" else "late", images),
        weights=["early", "late", "random"],
    )
    assert some.findings[0].startswith("Equally varied are 10 epochs and 100 epochs: ")
    assert some.findings[0].endswith(" of 6, more than random weights.")


def test_the_components_that_hold_the_variance_are_counted():
    section = both()
    for name in ("early", "late"):
        rows = np.moveaxis(maps_of(name), 1, -1).reshape(-1, 6)
        variances = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2
        held = np.cumsum(variances) / variances.sum()
        expected = int((held < 0.999).sum()) + 1
        assert section.metrics[f"components_{name}"].value == expected
    still = both(compute=lambda _, x: np.ones_like(x)[:, None], weights=["late"])
    assert still.metrics["components_late"].value == 0


def test_the_images_that_excite_each_filter_most_are_shown_once():
    section = both(strongest=2, first=3, count=9)
    check(section)
    highest = maps_of("late")[3:12].max(axis=(2, 3))
    rows = table(section, "strongest_late")
    assert rows["image"] == (3 + np.argsort(-highest, axis=0)[:2].T).ravel().tolist()
    assert rows["rank"] == [1, 2] * 6
    sheet = figure(section, "strongest_late")
    (drawn,) = sheet.drawing.axes
    titles = [text.get_text() for text in drawn.texts]
    images, times = np.unique(rows["image"], return_counts=True)
    assert titles[0] == f"image {images[np.argmax(times)]} · {times.max()} filters"
    assert len(titles) == len(images)
    early = table(section, "strongest_early")
    assert sorted(set(early["filter"])) == [0, 1, 4, 5]


def test_images_along_components_are_those_of_the_shares_of_filters():
    def above(_, images):
        return np.stack([np.maximum(images - k / 3, 0) for k in range(5)], axis=1)

    section = both(components=True, compute=above)
    mean = above("late", IMAGES.astype(np.float32)).astype(float).mean(axis=(2, 3))
    shares = mean / mean.sum(axis=1, keepdims=True)
    centred = shares - shares.mean(axis=0)
    _, singular, directions = np.linalg.svd(centred)
    rows = table(section, "components_late")
    for k, name in enumerate(("first", "second")):
        expected = centred @ directions[k]
        assert np.abs(rows[name]) == pytest.approx(np.abs(expected), abs=1e-5)
    share = 100 * singular[0] ** 2 / (singular**2).sum()
    drawn = figure(section, "components_late").drawing.axes[0]
    assert drawn.get_xlabel().startswith(f"Component 1, {share:.1f}")
    texts = np.array(["compact", "extended"] * 10, dtype=np.dtypes.StringDType(na_object=np.nan))
    texts[3] = np.nan
    classes = {"catalogue": "kinds", "column": "kind"}
    named = both(components=True, compute=above, classes=classes, names=texts)
    check(named)
    assert table(named, "components_late")["class"][:4] == [
        *("compact", "extended", "compact", "no class")
    ]
    assert legend(figure(named, "components_late")) == ["compact", "extended", "no class"]
    assert "by kind" in figure(named, "components_late").caption
    many = both(components=True, compute=above, classes=classes, names=np.arange(20.0) // 2)
    assert legend(figure(many, "components_late")) == ["0", "1", "2", "3", "4", "others"]
    with pytest.raises(ValidationError, match="it needs components: true"):
        both(classes=classes)
    alike = both(components=True, compute=lambda _, x: np.repeat(np.abs(x)[:, None], 3, axis=1))
    assert not [each for each in alike.figures if each.id.startswith("components")]


def test_where_hiding_a_part_changes_the_maps_is_drawn_on_the_image():
    images = np.zeros((3, 24, 24))
    images[1, 14:18, 4:8] = 1.0
    section = both(images, occluded=1, weights=["late"])
    check(section)
    drawn = figure(section, "occlusion_late")
    rows = table(section, "occlusion_late")
    worst = int(np.argmax(rows["change"]))
    assert (rows["row"][worst], rows["column"][worst]) == (15.5, 5.5)
    assert rows["change"][worst] == pytest.approx(100)
    assert "Hiding a square of 4 pixels changes the maps most, by 100" in drawn.caption
    silent = both(images, occluded=0, weights=["late"])
    assert not [each for each in silent.figures if each.id.startswith("occlusion")]
    images[2, 0, 0] = np.nan
    with pytest.raises(SectionError, match="image 2 of radio has blank pixels"):
        both(images, occluded=2)

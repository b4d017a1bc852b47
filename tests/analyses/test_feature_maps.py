import numpy as np
import pytest
from presenting import check, figure, table, texts
from presenting_maps import network_analysis, noise, present_maps
from pydantic import ValidationError

from reportgen.analyses.feature_maps import FeatureMaps
from reportgen.analyses.mosaic import bar_label, scaled
from reportgen.analyses.radio_image import bar_ticks
from reportgen.errors import SectionError


def rectified(weights, images):
    """Four filters: what is above 0, what is below it, nothing, and (late only) twice the first."""
    above, below = np.maximum(images, 0), np.maximum(-images, 0)
    last = 2 * above if weights == "late" else 0 * above
    return np.stack([above, below, 0 * above, last], axis=1)


def test_there_is_the_image_and_a_mosaic_for_each_set_of_weights():
    section = present_maps(FeatureMaps, noise(), rectified, weights=["early", "late", "random"])
    check(section)
    assert [each.id for each in section.figures] == [
        "input",
        "maps_early",
        "maps_late",
        "maps_random",
    ]
    assert section.rows == 1
    assert section.entries == "images"


def test_it_says_how_many_filters_are_silent_in_each_set():
    section = present_maps(FeatureMaps, noise(), rectified, weights=["early", "late"], image=4)
    assert section.findings == [
        "Silent in image 4: 2 of 4 filters with 10 epochs and 1 with 100 epochs."
    ]
    assert section.metrics["silent_early"].value == 2
    assert section.metrics["silent_late"].value == 1


def test_no_silent_filter_is_said_as_such():
    section = present_maps(FeatureMaps, noise(), lambda _, images: images[:, None] ** 2)
    assert section.findings == ["Silent in image 0: none of 1 filter with 10 epochs."]


def test_the_numbers_of_a_mosaic_are_the_maps_of_the_chosen_image():
    images = noise()
    section = present_maps(FeatureMaps, images, rectified, image=5)
    cells = table(section, "maps_early")
    found = np.array(cells["activation"]).reshape(4, 12, 12)
    np.testing.assert_array_equal(found, rectified("early", images.astype(np.float32)[5:6])[0])
    assert cells["filter"][:145] == [0] * 144 + [1]
    assert cells["row"][:13] == [0] * 12 + [1]
    assert cells["column"][:13] == [*range(12), 0]


def test_the_mosaic_shows_each_map_upright_and_crosses_out_the_silent_ones():
    images = noise()
    section = present_maps(FeatureMaps, images, rectified, image=2, scale="shared")
    mosaic = figure(section, "maps_early")
    axes = mosaic.drawing.axes[0]
    canvas = axes.images[0].get_array()
    strip = canvas.shape[0] - 24  # each cell is drawn as two by two
    tile = np.asarray(canvas[strip : strip + 24, :24])[::-2, ::2]
    np.testing.assert_allclose(tile, np.maximum(images[2], 0), rtol=1e-6)
    said = [text.get_text() for text, _ in texts(mosaic.drawing)]
    assert {"0", "1", "2 silent", "3 silent"} <= set(said)
    assert len(axes.collections[0].get_segments()) == 2 * 3
    assert "(filters 2 and 3)" in mosaic.alt
    silent_tiles = canvas[strip : strip + 24, 2 * (24 + 1) :]
    assert np.ma.getmaskarray(np.ma.masked_invalid(silent_tiles)).all()


def test_maps_with_their_own_scales_reach_from_0_to_1():
    maps = np.array([[[0, 5.0]], [[0, 0.1]], [[0, 0]], [[-2, 2.0]]])
    np.testing.assert_allclose(scaled(maps, "each"), [[[0, 1]], [[0, 1]], [[0, 0]], [[0, 1]]])
    np.testing.assert_array_equal(scaled(maps, "shared"), maps)


def test_the_colour_bar_says_what_the_colours_mean():
    positive, signed = np.ones((1, 2, 2)), np.array([[[-1.0, 1.0]]])
    assert bar_label(positive, "Activation", "each") == "Activation / maximum of the map (no unit)"
    assert "lowest to highest" in bar_label(signed, "Activation", "each")
    assert bar_label(signed, "Activation", "shared") == "Activation (no unit)"


# The image


def radio_image():
    image = np.random.default_rng(1).normal(0, 3e-5, (41, 61))
    image[30, 40] = 4.2e-3
    return image


def test_the_image_has_its_unit_a_scale_in_arcseconds_and_its_brightest_pixel():
    section = present_maps(FeatureMaps, [radio_image()], lambda _, x: x[:, None])
    drawn = figure(section, "input")
    check(section)
    axes, bar = drawn.drawing.axes
    assert axes.get_xlabel() == "Offset from the centre [″]"
    assert axes.images[0].get_extent() == pytest.approx([-18.3, 18.3, -12.3, 12.3])
    assert bar.get_ylabel() == "Brightness [mJy beam⁻¹]"
    assert "4.2 mJy beam⁻¹, is at 6″, 6″ from the centre" in drawn.alt
    cells = table(section, "input")
    brightest = int(np.argmax(cells["value"]))
    assert (cells["row"][brightest], cells["column"][brightest]) == (30, 40)
    assert (cells["x"][brightest], cells["y"][brightest]) == pytest.approx((6, 6))
    assert cells["value"][brightest] == pytest.approx(4.2e-3)


def test_without_a_pixel_scale_and_unit_it_is_in_pixels():
    section = present_maps(
        FeatureMaps, [radio_image()], lambda _, x: x[:, None], unit="", pixel_scale=None
    )
    check(section)
    drawn = figure(section, "input")
    assert drawn.drawing.axes[0].get_xlabel() == "Offset from the centre [pixels]"
    assert "at 10 pixels, 10 pixels from the centre" in drawn.alt


@pytest.mark.parametrize("stretch", ["asinh", "log", "linear"])
@pytest.mark.parametrize(
    "image",
    [
        radio_image(),
        np.full((9, 9), 2.5),
        np.zeros((9, 9)),
        -np.abs(radio_image()),
        1e30 * radio_image(),
        radio_image()[:1],
        radio_image()[:, :1],
        np.ones((1, 1)),
        np.eye(9),
    ],
    ids=["radio", "constant", "zero", "negative", "huge", "one row", "one column", "pixel", "eye"],
)
def test_any_image_can_be_drawn(image, stretch):
    check(present_maps(FeatureMaps, [image], lambda _, x: x[:, None], stretch=stretch))


@pytest.mark.parametrize("shape", [(40, 40), (20, 50), (50, 20)])
def test_the_colour_bar_is_as_long_as_the_image_is_high(shape):
    images = np.random.default_rng(5).normal(size=(1, *shape))
    section = present_maps(FeatureMaps, images, rectified)
    drawing = figure(section, "input").drawing
    assert list(texts(drawing))  # it is laid out
    image, bar = (axes.get_position() for axes in drawing.axes)
    assert (bar.y0, bar.y1) == pytest.approx((image.y0, image.y1), abs=1e-3)


def test_numbers_of_the_colour_bar_are_round_and_stand_apart():
    from matplotlib.colors import AsinhNorm

    norm = AsinhNorm(0.2, -1.3, 112.7)
    ticks = bar_ticks(norm, 0.08)
    assert {0, 1, 10, 100, -1} <= set(ticks)
    places = norm(ticks)
    assert np.diff(places).min() >= 0.08 - 1e-9
    assert all(f"{abs(t):e}"[0] in "0125" for t in ticks)


# Sizes


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 1), (33, 2, 5), (8, 29, 29), (64, 7, 3)])
@pytest.mark.parametrize("scale", ["each", "shared"])
def test_maps_of_any_number_and_size_can_be_drawn(shape, scale):
    maps = np.random.default_rng(2).normal(size=shape)
    check(present_maps(FeatureMaps, noise(1), lambda _, x: maps[None], scale=scale))


# What is refused


def test_an_image_with_blank_pixels_is_refused():
    images = noise()
    images[1, 3, 3] = np.nan
    with pytest.raises(SectionError, match="image 1 of radio has blank pixels"):
        present_maps(FeatureMaps, images, rectified, image=1)


def test_maps_that_overflow_are_an_error():
    with pytest.raises(SectionError, match=r"the maps of 10 epochs have values beyond float32"):
        present_maps(FeatureMaps, noise(), lambda _, x: np.full((1, 2, 3, 3), np.inf))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"weights": []}, "at least 1 item"),
        ({"weights": ["erly"]}, "unknown weights 'erly'; did you mean 'early'?"),
        ({"weights": ["early", "early"]}, "early stands here twice"),
        ({"image": -1}, "greater than or equal to 0"),
        ({"layer": -1}, "greater than or equal to 0"),
        ({"stretch": "sqrt"}, "'asinh', 'log' or 'linear'"),
        ({"images": "radoi"}, "unknown image stack 'radoi'; did you mean 'radio'?"),
        ({"model": "can"}, "unknown model 'can'; did you mean 'cnn'?"),
        ({"model": 5}, "should be a name of models:"),
    ],
)
def test_keys_that_make_no_sense_are_refused(keys, said):
    with pytest.raises(ValidationError, match="(?s)" + said.replace("?", r"\?")):
        network_analysis(FeatureMaps, **keys)


def test_two_sets_whose_names_differ_in_signs_only_have_files_of_their_own():
    labels = {"a-b": "one", "a_b": "two", "A_b": "three"}
    section = present_maps(
        FeatureMaps, noise(), rectified, labels=labels, weights=["a-b", "a_b", "A_b"]
    )
    check(section)
    assert len({each.id for each in section.figures}) == 4
    assert len(section.metrics) == 6

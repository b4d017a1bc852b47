import numpy as np
import pytest
from presenting import check, figure, table, texts
from presenting_maps import network_analysis, noise, present_maps
from pydantic import ValidationError

from reportgen.analyses.feature_maps import FeatureMaps
from reportgen.errors import SectionError


def rectified(weights, images):
    """Four filters: what is above 0, what is below it, nothing, and (late only) twice the first."""
    above, below = np.maximum(images, 0), np.maximum(-images, 0)
    last = 2 * above if weights == "late" else 0 * above
    return np.stack([above, below, 0 * above, last], axis=1)


def same(_, images):
    return images[:, None]


def test_there_is_the_image_and_a_mosaic_for_each_set_of_weights():
    weights = ["early", "late", "random"]
    section = present_maps(FeatureMaps, noise(), rectified, weights=weights, image=4)
    check(section)
    assert [each.id for each in section.figures] == ["input", *(f"maps_{w}" for w in weights)]
    assert (section.rows, section.entries) == (1, "images")
    assert section.findings == [
        "Silent in image 4: 2 of 4 filters with 10 epochs, 1 with 100 epochs and 2 with random "
        "weights."
    ]
    assert [section.metrics[f"silent_{w}"].value for w in weights] == [2, 1, 2]
    assert section.notes[0].endswith("with seed 2016.")


def test_an_image_in_colour_is_shown_channel_by_channel_each_with_its_numbers():
    colours = np.random.default_rng(3).normal(size=(2, 12, 12, 3)) * [1, 10, 100]

    def summed(_, images):
        return np.stack([images.sum(axis=-1)] * 4, axis=1)

    section = present_maps(FeatureMaps, colours, summed, image=1)
    check(section)
    assert [each.id for each in section.figures[:-1]] == ["input_0", "input_1", "input_2"]
    for channel in range(3):
        drawn = figure(section, f"input_{channel}")
        assert f"channel {channel}" in drawn.title
        assert f"channel {channel}, 12 × 12 pixels" in drawn.alt
        shown = np.reshape(table(section, f"input_{channel}")["value"], (12, 12))
        np.testing.assert_allclose(shown, colours[1, ..., channel], rtol=1e-6)
    cells = table(section, "maps_early")
    expected = colours[1].astype(np.float32).sum(axis=-1)
    np.testing.assert_allclose(np.reshape(cells["activation"], (4, 12, 12))[3], expected)


def test_the_mosaic_shows_the_maps_of_its_table_upright_and_crosses_out_the_silent_ones():
    images = noise()
    section = present_maps(FeatureMaps, images, rectified, image=5, scale="shared")
    cells = table(section, "maps_early")
    maps = np.array(cells["activation"]).reshape(4, 12, 12)
    np.testing.assert_array_equal(maps, rectified("early", images.astype(np.float32)[5:6])[0])
    places = np.indices((4, 12, 12)).reshape(3, -1).tolist()
    assert [cells[name] for name in ("filter", "row", "column")] == places
    mosaic = figure(section, "maps_early")
    axes = mosaic.drawing.axes[0]
    canvas = np.ma.masked_invalid(axes.images[0].get_array())
    strip = canvas.shape[0] - 24  # each cell is drawn as two by two
    np.testing.assert_array_equal(canvas[strip : strip + 24, :24][::-2, ::2], maps[0])
    assert np.ma.getmaskarray(canvas[strip : strip + 24, 2 * (24 + 1) :]).all()
    assert {"0", "1", "2 silent", "3 silent"} <= {t.get_text() for t, _ in texts(mosaic.drawing)}
    assert len(axes.collections[0].get_segments()) == 2 * 3
    assert "2 of 4 filters are silent (filters 2 and 3)." in mosaic.alt


@pytest.mark.parametrize(
    ("scale", "compute", "limits", "said"),
    [
        ("each", rectified, (0, 1), "Activation / maximum of the map (no unit)"),
        ("each", same, (0, 1), "Activation, lowest to highest of the map (no unit)"),
        ("shared", same, None, "Activation (no unit)"),
    ],
)
def test_the_colour_bar_says_what_the_colours_mean(scale, compute, limits, said):
    images = noise()
    section = present_maps(FeatureMaps, images, compute, scale=scale)
    maps, bar = figure(section, "maps_early").drawing.axes
    assert said in [text.get_text() for text in bar.texts]
    expected = limits or (images[0].min(), images[0].max())
    assert maps.images[0].get_clim() == pytest.approx(expected)
    if limits:
        drawn = np.ma.masked_invalid(maps.images[0].get_array())
        assert (drawn.min(), drawn.max()) == (0, 1)


# The image


def radio_image():
    image = np.random.default_rng(1).normal(0, 3e-5, (41, 61))
    image[30, 40] = 4.2e-3
    return image


def test_the_image_has_its_unit_a_scale_in_arcseconds_and_its_brightest_pixel():
    section = present_maps(FeatureMaps, [radio_image()], same)
    drawn = figure(section, "input")
    check(section)
    axes, bar = drawn.drawing.axes
    assert axes.get_xlabel() == "Offset from the centre [″]"
    assert axes.images[0].get_extent() == pytest.approx([-18.3, 18.3, -12.3, 12.3])
    assert bar.get_ylabel() == "Brightness [mJy beam⁻¹]"
    assert "4.2 mJy beam⁻¹, is at 6″, 6″ from the centre" in drawn.alt
    cells = table(section, "input")
    brightest = {name: column[int(np.argmax(cells["value"]))] for name, column in cells.items()}
    expected = {"row": 30, "column": 40, "x": 6, "y": 6, "value": 4.2e-3}
    assert brightest == pytest.approx(expected)
    shown = np.array([float(text.get_text().replace("−", "-")) for text in bar.get_yticklabels()])
    assert {-0.1, 0, 0.1, 1} <= set(shown)
    places = np.asarray(axes.images[0].norm(shown))
    assert np.diff(places).min() > 0.05


def test_without_a_pixel_scale_and_unit_it_is_in_pixels():
    section = present_maps(FeatureMaps, [radio_image()], same, unit="", pixel_scale=None)
    check(section)
    drawn = figure(section, "input")
    assert drawn.drawing.axes[0].get_xlabel() == "Offset from the centre [pixels]"
    assert "at 10 pixels, 10 pixels from the centre" in drawn.alt


IMAGES = {
    "radio": radio_image(),
    "constant": np.full((9, 9), 2.5),
    "negative": -np.abs(radio_image()),
    "huge": 1e30 * radio_image(),
    "one column": radio_image()[:, :1],
    "pixel": np.ones((1, 1)),
}


@pytest.mark.parametrize(
    ("image", "stretch"),
    [*((image, "asinh") for image in IMAGES), ("radio", "linear"), ("negative", "log")],
)
def test_any_image_can_be_drawn(image, stretch):
    section = present_maps(FeatureMaps, [IMAGES[image]], same, stretch=stretch)
    check(section)
    one_value = np.ptp(IMAGES[image]) == 0
    is_linear = one_value or stretch == "linear" or (stretch == "log" and image == "negative")
    assert ("with a linear scale." in figure(section, "input").caption) == is_linear


@pytest.mark.parametrize("shape", [(1, 1, 1), (33, 2, 5), (64, 7, 3)])
@pytest.mark.parametrize("scale", ["each", "shared"])
def test_maps_of_any_number_and_size_can_be_drawn(shape, scale):
    maps = np.random.default_rng(2).normal(size=shape)
    check(present_maps(FeatureMaps, noise(1), lambda _, x: maps[None], scale=scale))


# What is refused


def test_images_and_maps_without_numbers_are_refused():
    images = noise()
    images[1, 3, 3] = np.nan
    with pytest.raises(SectionError, match="image 1 of radio has blank pixels"):
        present_maps(FeatureMaps, images, rectified, image=1)
    with pytest.raises(SectionError, match=r"the maps of 10 epochs have values beyond float32"):
        present_maps(FeatureMaps, noise(), lambda _, x: np.full((1, 2, 3, 3), np.inf))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"weights": ["erly"]}, r"unknown weights 'erly'; did you mean 'early'\?"),
        ({"weights": ["early", "early"]}, "early stands here twice"),
        ({"images": "radoi"}, r"unknown image stack 'radoi'; did you mean 'radio'\?"),
        ({"model": "can"}, r"unknown model 'can'; did you mean 'cnn'\?"),
        ({"model": 5}, "should be the name of a model"),
    ],
)
def test_keys_that_make_no_sense_are_refused(keys, said):
    with pytest.raises(ValidationError, match=said):
        network_analysis(FeatureMaps, **keys)


def test_two_sets_whose_names_differ_in_signs_only_have_files_of_their_own():
    labels = {"a-b": "one", "a_b": "two", "A_b": "three"}
    section = present_maps(FeatureMaps, noise(), rectified, labels=labels, weights=list(labels))
    check(section)
    assert len({each.id for each in section.figures}) == 4
    assert len(section.metrics) == 6


def test_what_is_the_highest_is_named_with_all_that_are_as_high():
    flat = np.full((1, 5, 5), 2.0)
    section = present_maps(FeatureMaps, flat, lambda _, images: np.zeros((len(images), 3, 4, 4)))
    said = [each.alt for each in section.figures]
    assert "25 pixels are the brightest, with 2 Jy beam⁻¹; the noise is 0" in said[0]
    assert said[1].endswith("The highest activation, 0, is that of filters 0, 1 and 2.")

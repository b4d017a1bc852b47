"""Images that a network cannot take, and what is said of them."""

import json

import numpy as np
import pytest
from old_keras import FLATTEN, Style, act, conv, dense, pool, write

from reportgen.cnn.architecture import read_architecture
from reportgen.cnn.extractor import build_extractor
from reportgen.cnn.network import random_network
from reportgen.cnn.weights import read_network
from reportgen.errors import SectionError

STYLE = Style("1.0", "theano", channels_first=True)


@pytest.fixture
def network(tmp_path):
    g = np.random.default_rng(1)
    model = [conv(g, 2, (3, 4)), act("relu"), pool("max", (5, 5)), FLATTEN, dense(g, 8, 3)]
    return read_network(*write(tmp_path, model, STYLE), trained_with="theano")


def refusal(action, *arguments):
    with pytest.raises(SectionError) as caught:
        action(*arguments)
    return caught.value.message, caught.value.hint


def test_a_dense_layer_takes_only_images_of_the_models_own_size(network):
    assert build_extractor(network, 4, 12, 13).shape == (3, 1, 1)
    assert build_extractor(network, 3, 40, 40).shape == (2 * 7 * 7, 1, 1)
    message, hint = refusal(build_extractor, network, 4, 40, 40)
    assert message == "layer dense_1 takes 8 numbers, but images of 40×40 pixels give it 98"
    assert hint == (
        "the model was trained on images of 12×13 pixels; choose a layer before dense_1"
    )


def test_images_smaller_than_a_window_name_the_layer(network):
    message, _ = refusal(build_extractor, network, 2, 6, 9)
    assert message == (
        "images of 6×9 pixels are too small for the model: layer maxpooling2d_1 has windows of "
        "5×5 and gets maps of 4×6"
    )


def test_images_of_another_size_than_built_for_are_refused(network):
    extractor = build_extractor(network, 1, 20, 21)
    for shape in ((2, 21, 20), (20, 21), (1, 20, 21, 1)):
        message, _ = refusal(extractor.maps, np.zeros(shape, np.float32))
        assert f"the images have shape {shape}" in message
        assert "(n, 20, 21)" in message


def changed_shape(tmp_path, shape):
    g = np.random.default_rng(1)
    path, _ = write(tmp_path, [conv(g, 2, (3, 3), 3)], STYLE)
    told = json.loads(path.read_text())
    told["config"][0]["config"]["batch_input_shape"] = shape
    path.write_text(json.dumps(told))
    return read_architecture(path)


def test_a_model_of_colour_images_is_refused(tmp_path):
    network = random_network(changed_shape(tmp_path, [None, 3, 80, 80]), 1)
    message, _ = refusal(build_extractor, network, 0, 80, 80)
    assert message == "the model takes images of 3 channels, but these have one"


def test_weights_of_colour_images_are_refused_where_the_json_has_no_shape(tmp_path):
    g = np.random.default_rng(1)
    path, weights = write(tmp_path, [conv(g, 2, (3, 3), 3)], STYLE)
    told = json.loads(path.read_text())
    del told["config"][0]["config"]["batch_input_shape"]
    path.write_text(json.dumps(told))
    network = read_network(path, weights, "theano")
    message, _ = refusal(build_extractor, network, 0, 80, 80)
    assert "layer convolution2d_1 takes 3 channels, but images of 80×80 pixels give it 1" in message


def test_a_model_that_takes_images_of_any_size_is_rebuilt(tmp_path):
    network = random_network(changed_shape(tmp_path, [None, 1, None, None]), 1)
    assert build_extractor(network, 0, 30, 40).shape == (2, 28, 38)


def test_random_weights_compute_maps_that_differ_between_filters(network):
    random = random_network(network.architecture, 3)
    images = np.random.default_rng(0).normal(size=(2, 25, 25))
    maps = build_extractor(random, 0, 25, 25).maps(images)
    assert np.isfinite(maps).all()
    assert not np.allclose(maps[:, 0], maps[:, 1])

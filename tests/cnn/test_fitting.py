"""Which layer of a network is meant, and what is said of images that it cannot take."""

import json

import numpy as np
import pytest
from old_keras import FLATTEN, Style, act, conv, dense, pool, prelu, write

from reportgen.cnn.exporting import export_network
from reportgen.cnn.extractor import Extractor
from reportgen.cnn.layers import (
    Activation,
    BatchNormalization,
    Convolution,
    Identity,
    Pooling,
)
from reportgen.cnn.network import Architecture, fit_network
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
    assert fit_network(network, 4, 12, 13).shape == (3, 1, 1)
    assert fit_network(network, 3, 40, 40).shape == (2 * 7 * 7, 1, 1)
    message, hint = refusal(fit_network, network, 4, 40, 40)
    assert message == "layer dense_1 takes 8 numbers, but images of 40×40 pixels give it 98"
    assert hint == (
        "the model was trained on images of 12×13 pixels; choose a layer before dense_1"
    )


def test_slopes_that_were_learned_for_each_cell_take_only_images_of_their_own_size(tmp_path):
    g = np.random.default_rng(1)
    for slopes, said in [((2, 10, 11), "takes 10×11×2 numbers, but"), ((2, 1, 1), "")]:
        model = [conv(g, 2, (3, 3)), prelu(np.ones(slopes))]
        network = read_network(*write(tmp_path, model, STYLE), trained_with="theano")
        assert fit_network(network, 1, 12, 13).shape == (2, 10, 11)
        if said:
            assert said in refusal(fit_network, network, 1, 40, 40)[0]
        else:
            assert fit_network(network, 1, 40, 40).shape == (2, 38, 38)


def test_images_smaller_than_a_window_name_the_layer(network):
    message, _ = refusal(fit_network, network, 2, 6, 9)
    assert message == (
        "images of 6×9 pixels are too small for the model: layer maxpooling2d_1 has windows of "
        "5×5 and gets maps of 4×6"
    )


def test_images_of_another_size_than_built_for_are_refused(network):
    fitted = fit_network(network, 1, 20, 21)
    extractor = Extractor(export_network(fitted), fitted)
    message, _ = refusal(extractor.maps, np.zeros((2, 21, 20, 1), np.float32))
    assert message == (
        "the images have shape (2, 21, 20, 1); the network was exported for (n, 20, 21, 1)"
    )


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ([None, 3, 80, 80], "the model takes images of 3 channels, but these have one"),
        (None, "layer convolution2d_1 takes 3 channels, but images of 80×80 pixels give it 1"),
    ],
)
def test_a_model_of_colour_images_takes_no_grey_ones(tmp_path, shape, said):
    path, weights = write(tmp_path, [conv(np.random.default_rng(1), 2, (3, 3), 3)], STYLE)
    told = json.loads(path.read_text())
    told["config"][0]["config"]["batch_input_shape"] = shape
    path.write_text(json.dumps(told))
    message, _ = refusal(fit_network, read_network(path, weights, "theano"), 0, 80, 80)
    assert message == said


# Which layer is meant


def model(*kinds):
    made = {
        "conv": lambda name, i: Convolution(name, i, 2, (3, 3)),
        "conv_relu": lambda name, i: Convolution(name, i, 2, (3, 3), activation="relu"),
        "act": lambda name, i: Activation(name, i, "relu"),
        "norm": lambda name, i: BatchNormalization(name, i, 1e-3, (1, 0, 8)),
        "pool": lambda name, i: Pooling(name, i, "max", (2, 2), (2, 2)),
        "drop": Identity,
    }
    layers = tuple(made[kind](f"{kind}_{i}", i) for i, kind in enumerate(kinds))
    return Architecture(layers, channels_first=True)


@pytest.mark.parametrize(
    ("kinds", "index"),
    [
        ("conv act pool conv act pool drop", 4),
        ("conv act pool", 1),
        ("conv norm act pool", 2),
        ("conv norm pool act", 0),
        ("conv pool act", 0),
        ("conv", 0),
        ("conv_relu act", 0),
        ("conv act conv_relu norm", 2),
    ],
)
def test_without_a_wish_it_is_the_last_convolution_with_its_activation(kinds, index):
    assert model(*kinds.split()).find_layer() == index


def test_a_model_without_convolutions_has_no_such_layer():
    with pytest.raises(SectionError, match="no convolution") as caught:
        model("pool", "act").find_layer()
    assert caught.value.hint == "layers: 0 pool_0, 1 act_1"


def test_a_layer_is_found_by_index_and_by_name_or_the_error_says_what_there_is():
    found = model("conv", "act", "pool")
    assert found.find_layer(2) == found.find_layer("pool_2") == 2
    with pytest.raises(SectionError, match="did you mean 'pool_2'"):
        found.find_layer("pol_2")
    with pytest.raises(SectionError, match="no layer 3: the model has 3") as caught:
        found.find_layer(3)
    assert caught.value.hint == "layers: 0 conv_0, 1 act_1, 2 pool_2"

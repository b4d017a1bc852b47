"""What a rebuilt network computes, in TensorFlow and exported to LiteRT, beside numpy and scipy."""

import json

import numpy as np
import pytest
from old_keras import (
    ACTIVATIONS,
    DROPOUT,
    FLATTEN,
    STYLES,
    Style,
    act,
    conv,
    dense,
    norm,
    pool,
    results,
    write,
)

from reportgen.cnn.exporting import export_network
from reportgen.cnn.extractor import build_extractor
from reportgen.cnn.litert import import_litert, load_extractor
from reportgen.cnn.network import fit_network
from reportgen.cnn.weights import read_network

SIZE = (12, 13)
THEANO = Style("1.0", "theano", channels_first=True)
TENSORFLOW = Style("1.2", "tensorflow", channels_first=False)


def some(n=3, size=SIZE):
    return np.random.default_rng(8).normal(size=(n, *size)).astype(np.float32)


def check(folder, model, style, images=None, size=SIZE, **options):
    """Compare the last layer's maps with the reference, and LiteRT's with TensorFlow's."""
    images = some(size=size) if images is None else images
    network = read_network(
        *write(folder, model, style, size, **options),
        trained_with=None if style.is_second else style.backend,
    )
    extractor = build_extractor(network, len(model) - 1, *images.shape[1:])
    expected = results(model, images, style)[-1]
    if expected.ndim == 2:
        expected = expected[:, :, np.newaxis, np.newaxis]
    found = extractor.maps(images)
    assert found.dtype == np.float32
    assert found.shape == (len(images), *extractor.shape) == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * max(1, np.abs(expected).max())
    fitted = fit_network(network, len(model) - 1, *images.shape[1:])
    exported = load_extractor(import_litert(), export_network(fitted), fitted).maps(images)
    assert exported.shape == found.shape
    assert np.abs(exported - found).max() <= 1e-5 * max(1, np.abs(found).max())
    return found


def whole_model(seed=1):
    g = np.random.default_rng(seed)
    return [
        conv(g, 3, (4, 3)),
        norm(g, 3),
        act("relu"),
        pool("max", (2, 2)),
        DROPOUT,
        conv(g, 4, (2, 3), 3, padding="same", activation="tanh"),
        pool("average", (2, 2)),
        FLATTEN,
        dense(g, 4 * 2 * 2, 5, "hard_sigmoid"),
        dense(g, 5, 2, "softmax"),
    ]


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_a_model_of_every_release_backend_and_ordering_is_rebuilt(tmp_path, style):
    check(tmp_path, whole_model(), style)


@pytest.mark.parametrize("style", [THEANO, TENSORFLOW], ids=str)
@pytest.mark.parametrize("size", [(2, 2), (3, 3), (4, 5)])
def test_padding_is_that_of_the_backend(tmp_path, style, size):
    convolution = conv(np.random.default_rng(2), 2, size, strides=(2, 3), padding="same", bias=None)
    check(tmp_path, [convolution], style)
    for how in ("max", "average"):
        check(tmp_path, [pool(how, size, (2, 1), "same")], style)
    # Padding never wins among negative numbers.
    found = check(tmp_path, [pool("max", size, None, "same")], style, -1 - some() ** 2)
    assert found.max() < 0


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_those_of_old_keras(tmp_path, name):
    g = np.random.default_rng(3)
    for first in (True, False) if name == "softmax" else (True,):
        check(tmp_path, [conv(g, 3, (3, 3)), act(name)], Style("2.2", "theano", first))


def test_batch_normalisation_after_flatten_follows_the_order_of_the_vector(tmp_path):
    g = np.random.default_rng(3)
    for style in STYLES[::3]:  # of each release, and both orders
        model = [conv(g, 2, (10, 11)), FLATTEN, {**norm(g, 18), "flat": True}]
        check(tmp_path, model, style)


@pytest.mark.parametrize(
    ("keras", "backend", "divisor"),
    [
        ("", "theano", lambda s, e: s + e),
        ("1.0.5", "tensorflow", lambda s, e: s + e),
        ("1.0.6", "theano", lambda s, e: s + e),
        ("1.0.6", "tensorflow", lambda s, e: np.sqrt(s + e)),
        ("1.0.7", "theano", lambda s, e: np.sqrt(s) + e),
        ("1.0.7", "tensorflow", lambda s, e: np.sqrt(s + e)),
        ("1.0.8", "theano", lambda s, e: np.sqrt(s + e)),
        ("1.2.2", "theano", lambda s, e: np.sqrt(s + e)),
    ],
)
def test_the_stored_spread_means_what_it_meant_in_its_release(tmp_path, keras, backend, divisor):
    layer = norm(np.random.default_rng(4), 1)
    style = Style("1.0", backend, channels_first=True)
    path, weights = write(tmp_path, [pool("max", (1, 1)), layer], style)
    told = json.loads(path.read_text()) | {"keras_version": keras}
    told["config"][1]["config"]["epsilon"] = 0.25
    path.write_text(json.dumps(told))
    network = read_network(path, weights, backend)
    images = some()
    gamma, beta, mean, spread = (layer[k] for k in ("gamma", "beta", "mean", "spread"))
    expected = gamma * (images - mean) / divisor(spread, 0.25) + beta
    found = build_extractor(network, 1, *SIZE).maps(images)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_filters_trained_on_small_images_run_on_large_ones(tmp_path):
    g = np.random.default_rng(5)
    model = [conv(g, 2, (3, 3)), act("relu"), pool("max", (3, 3)), conv(g, 3, (2, 2), 2)]
    found = check(tmp_path, model, THEANO, some(2, (31, 40)))
    assert found.shape == (2, 3, 8, 11)


def test_each_layer_can_be_asked_for(tmp_path):
    model, images = whole_model(), some()
    network = read_network(*write(tmp_path, model, THEANO), trained_with="theano")
    for index, expected in enumerate(results(model, images, THEANO)):
        found = build_extractor(network, index, *SIZE).maps(images)
        off = np.abs(found - expected.reshape(found.shape)).max()
        assert off <= 1e-5 * max(1, np.abs(expected).max()), index

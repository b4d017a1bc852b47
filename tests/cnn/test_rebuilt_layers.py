"""What a rebuilt network computes, beside numpy and scipy."""

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
    depthwise,
    norm,
    plain,
    pool,
    prelu,
    results,
    separable,
    write,
)

from reportgen.cnn.exporting import export_network
from reportgen.cnn.extractor import Extractor
from reportgen.cnn.network import fit_network
from reportgen.cnn.weights import read_network

SIZE = (12, 13)
THEANO = Style("1.0", "theano", channels_first=True)
TENSORFLOW = Style("1.2", "tensorflow", channels_first=False)


def some(n=3, size=SIZE, channels=1):
    return np.random.default_rng(8).normal(size=(n, *size, channels)).astype(np.float32)


def close(found, expected):
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * max(1, np.abs(expected).max())


def computed(network, index, images):
    """Return what LiteRT computes of images, (n, height, width, channels)."""
    fitted = fit_network(network, index, *images.shape[1:])
    return Extractor(export_network(fitted), fitted).maps(images)


def check(folder, model, style, images=None, size=SIZE, **options):
    """Compare the last layer's maps with the reference."""
    images = some(size=size) if images is None else images
    options["channels"] = images.shape[-1]
    network = read_network(
        *write(folder, model, style, size, **options),
        trained_with=None if style.is_second else style.backend,
    )
    expected = results(model, images, style)[-1]
    if expected.ndim == 2:
        expected = expected[:, :, np.newaxis, np.newaxis]
    found = computed(network, len(model) - 1, images)
    close(found, expected)
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


def test_theano_took_padding_for_zeros_in_the_means_of_keras_2_0_4_to_2_1_4(tmp_path):
    style = Style("2.0", "theano", channels_first=True)
    check(tmp_path, [pool("average", (3, 2), (2, 1), "same")], style)


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
    expected = gamma * (images[..., 0] - mean) / divisor(spread, 0.25) + beta
    found = computed(network, 1, images)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def around(values, rows, columns):
    return np.pad(values, ((0, 0), (0, 0), rows, columns))


def repeated(values, rows, columns):
    return values.repeat(rows, axis=2).repeat(columns, axis=3)


OF_FIXED_MEANING = [
    prelu(np.random.default_rng(9).normal(size=(3, 10, 11))),
    prelu(np.random.default_rng(9).normal(size=(3, 1, 1))),
    plain("ZeroPadding2D", lambda x: around(x, (1, 1), (2, 2)), padding=[1, 2]),
    plain("ZeroPadding2D", lambda x: around(x, (1, 2), (0, 3)), padding=[[1, 2], [0, 3]]),
    plain("ZeroPadding2D", lambda x: around(x, (1, 2), (0, 3)), padding=[1, 2, 0, 3]),
    plain(
        "ZeroPadding2D",
        lambda x: around(x, (3, 0), (0, 1)),
        padding={"top_pad": 3, "right_pad": 1},
    ),
    plain("ZeroPadding2D", lambda x: around(x, (2, 2), (2, 2)), padding=2),
    plain("Cropping2D", lambda x: x[:, :, 1:-2, 3:], cropping=[[1, 2], [3, 0]]),
    plain("UpSampling2D", lambda x: repeated(x, 2, 3), size=[2, 3]),
    plain("LeakyReLU", lambda x: np.where(x > 0, x, 0.3 * x), alpha=0.3),
    plain("LeakyReLU", lambda x: np.where(x > 0, x, 0.1 * x), negative_slope=0.1),
    plain("ELU", lambda x: np.where(x > 0, x, 0.7 * np.expm1(x)), alpha=0.7),
    plain("ThresholdedReLU", lambda x: np.where(x > 0.5, x, 0), theta=0.5),
    plain("ReLU", lambda x: np.clip(x, 0, 6), max_value={"type": "ndarray", "value": 6.0}),
    plain(
        "ReLU",
        lambda x: np.where(x > 0.4, np.minimum(x, 1.5), 0.2 * (x - 0.4)),
        **{"max_value": 1.5, "negative_slope": 0.2, "threshold": 0.4},
    ),
    plain("Permute", lambda x: x, dims=[1, 2, 3]),
    *(
        plain(kind, lambda x: x)
        for kind in (
            *("SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout"),
            "ActivityRegularization",
        )
    ),
]


@pytest.mark.parametrize("style", [THEANO, TENSORFLOW], ids=str)
def test_layers_of_fixed_meaning_are_rebuilt_between_convolutions(tmp_path, style):
    g = np.random.default_rng(7)
    model = [conv(g, 3, (3, 3))]
    for layer in OF_FIXED_MEANING:
        model += [layer, conv(g, 3, (1, 1), 3)]
        model[-1]["kernel"] /= 2  # numbers stay of the size of 1
    check(tmp_path, model, style)


@pytest.mark.parametrize("style", [THEANO, TENSORFLOW], ids=str)
@pytest.mark.parametrize(("how", "kind"), [(np.max, "Max"), (np.mean, "Average")])
def test_global_pooling_makes_a_vector_of_images_of_any_size(tmp_path, style, how, kind):
    g = np.random.default_rng(7)
    pooling = plain(f"Global{kind}Pooling2D", lambda x: how(x, axis=(2, 3)))
    model = [conv(g, 3, (3, 3)), pooling, dense(g, 3, 4)]
    assert check(tmp_path, model, style, some(2, (20, 17))).shape == (2, 4, 1, 1)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    "style",
    [
        Style("1.2", "tensorflow", channels_first=True),
        Style("2.2", "tensorflow", channels_first=False),
        Style("2.2", "theano", channels_first=True),
    ],
    ids=str,
)
def test_convolutions_of_each_channel_by_itself(tmp_path, style, padding):
    g, images = np.random.default_rng(7), some(2, channels=3)
    how = {"padding": padding, "strides": (2, 2), "activation": "relu"}
    check(tmp_path, [separable(g, 4, (4, 3), 3, **how)], style, images)
    if style.is_second:
        check(tmp_path, [depthwise(g, 2, (4, 3), 3, **how)], style, images)


@pytest.mark.parametrize("style", STYLES[::4], ids=str)
def test_a_network_of_colour_images_sums_over_their_channels(tmp_path, style):
    g = np.random.default_rng(7)
    model = [conv(g, 3, (4, 3), 5), pool("max", (2, 2)), conv(g, 2, (2, 3), 3)]
    check(tmp_path, model, style, some(2, channels=5))


@pytest.mark.parametrize("first", [True, False])
def test_softmax_and_normalisation_follow_the_axis_that_they_name(tmp_path, first):
    """Which for channels-first maps, where none is named, is that of the columns."""
    g = np.random.default_rng(7)
    model = [conv(g, 3, (3, 3))]
    for axis, place in {1: 1, 2: 2, 3: 3, -1: 3}.items() if first else {3: 1, 1: 2, -1: 1}.items():

        def softmax(x, place=place):
            return np.exp(x) / np.exp(x).sum(axis=place, keepdims=True)

        lengths = {1: 3, 2: 10, 3: 11}
        model.append(plain("Softmax", softmax, axis=axis))
        model.append({**norm(g, lengths[place]), "axis": axis, "place": place})
    check(tmp_path, model, Style("2.2", "tensorflow", first))


def test_filters_trained_on_small_images_run_on_large_ones(tmp_path):
    g = np.random.default_rng(5)
    model = [conv(g, 2, (3, 3)), act("relu"), pool("max", (3, 3)), conv(g, 3, (2, 2), 2)]
    found = check(tmp_path, model, THEANO, some(2, (31, 40)))
    assert found.shape == (2, 3, 8, 11)


def test_each_layer_can_be_asked_for(tmp_path):
    model, images = whole_model(), some()
    network = read_network(*write(tmp_path, model, THEANO), trained_with="theano")
    for index, expected in enumerate(results(model, images, THEANO)):
        found = computed(network, index, images)
        close(found, expected.reshape(found.shape))

"""Reading JSON and HDF5 of old Keras: every layout, and what is said of files that are wrong."""

import itertools
import json
import os

import h5py
import numpy as np
import pytest
from old_keras import FLATTEN, STYLES, Style, act, architecture, conv, dense, norm, pool, write

from reportgen.cnn.architecture import read_architecture
from reportgen.cnn.layers import (
    Activation,
    BatchNormalization,
    Convolution,
    Dense,
    Flatten,
    Pooling,
    Unsupported,
)
from reportgen.cnn.network import random_network
from reportgen.cnn.weights import read_network
from reportgen.errors import ExitCode, SectionError, SourceError

JSON = "cdfs.yaml:9:7: networks.cnn.model"
H5 = "cdfs.yaml:10:7: networks.cnn.weights"
THEANO = Style("1.0", "theano", channels_first=True)
THEANO_2 = Style("2.2", "theano", channels_first=True)
KERAS_2 = Style("2.2", "tensorflow", channels_first=False)


def small_model(seed=1):
    g = np.random.default_rng(seed)
    return [
        conv(g, 2, (3, 4)),
        act("relu"),
        norm(g, 2),
        pool("max", (5, 5)),
        FLATTEN,
        dense(g, 8, 3, "sigmoid"),
    ]


def read(path, weights, trained_with=None):
    return read_network(path, weights, trained_with, where_architecture=JSON, where_weights=H5)


def refusal(where, path, action, *arguments):
    """Return message and hint of a SourceError that names the place in the YAML and the file."""
    with pytest.raises(SourceError) as caught:
        action(*arguments)
    assert caught.value.exit_code == ExitCode.SOURCE == 5
    assert caught.value.message.startswith(f"{where}: {path}: ")
    return caught.value.message.removeprefix(f"{where}: {path}: "), caught.value.hint


def json_refusal(tmp_path, told):
    path = tmp_path / "model.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told))
    return refusal(JSON, path, read_architecture, path, JSON)


def h5_refusal(files, trained_with="theano"):
    return refusal(H5, files[1], read, *files, trained_with)


def same_parameters(one, other):
    assert one.parameters.keys() == other.parameters.keys()
    for index, found in one.parameters.items():
        for name, values in found.items():
            np.testing.assert_array_equal(values, other.parameters[index][name])


# ---- layouts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_every_release_gives_the_same_layers_with_kernels_as_tensorflow_wants_them(tmp_path, style):
    model = small_model()
    network = read(*write(tmp_path, model, style), style.backend)
    found = network.architecture
    kinds = [Convolution, Activation, BatchNormalization, Pooling, Flatten, Dense]
    assert [type(layer) for layer in found.layers] == kinds
    assert found.layers[0].name == ("conv2d_1" if style.is_second else "convolution2d_1")
    assert found.input_shape == (12, 13, 1)
    assert found.channels_first == style.channels_first
    kernel = model[0]["kernel"].transpose(2, 3, 1, 0).astype(np.float32)
    expected = kernel[::-1, ::-1] if style.backend == "theano" else kernel
    np.testing.assert_array_equal(network.parameters[0]["kernel"], expected)


@pytest.mark.parametrize("options", [{"full": True}, {"text": True}], ids=str)
@pytest.mark.parametrize("style", [THEANO, KERAS_2], ids=str)
def test_full_models_and_names_as_text_are_read(tmp_path, style, options):
    expected = read(*write(tmp_path, small_model(), style), style.backend)
    found = read(*write(tmp_path, small_model(), style, **options), style.backend)
    same_parameters(found, expected)


def test_a_json_that_was_dumped_twice_is_read(tmp_path):
    path, _ = write(tmp_path, small_model(), THEANO)
    once = read_architecture(path)
    path.write_text(json.dumps(path.read_text()))
    assert read_architecture(path) == once


def as_graph(told, kind="Model", rest=()):
    """Return the JSON of a Sequential model as that of a graph, its layers in another order."""
    layers = [{**each, "name": each["config"]["name"]} for each in told["config"]]
    shape = layers[0]["config"].pop("batch_input_shape")
    given = {"batch_input_shape": shape, "name": "input_1"}
    layers.insert(0, {"class_name": "InputLayer", "name": "input_1", "config": given})
    for before, layer in itertools.pairwise(layers):
        layer["inbound_nodes"] = [[[before["name"], 0, 0, *rest]]]
    layers[0]["inbound_nodes"] = []
    layers[2], layers[4] = layers[4], layers[2]
    return {**told, "class_name": kind, "config": {"name": "model_1", "layers": layers}}


@pytest.mark.parametrize(("kind", "rest"), [("Model", ()), ("Functional", ({},))])
def test_a_graph_whose_layers_follow_one_another_is_read(tmp_path, kind, rest):
    path, weights = write(tmp_path, small_model(), THEANO)
    expected = read(path, weights, "theano")
    path.write_text(json.dumps(as_graph(json.loads(path.read_text()), kind, rest)))
    found = read(path, weights, "theano")
    # Keras counts the input among the layers of a graph.
    names = [layer.name for layer in found.architecture.layers]
    assert names == ["input_1", *(layer.name for layer in expected.architecture.layers)]
    assert [layer.index for layer in found.architecture.layers] == list(range(7))
    assert found.architecture.input_shape == (12, 13, 1)
    for index, values in expected.parameters.items():
        for name, each in values.items():
            np.testing.assert_array_equal(each, found.parameters[index + 1][name])


def joined(layers):
    layers[-1]["inbound_nodes"][0].append(["activation_1", 0, 0, {}])


def as_argument(layers):
    layers[-1]["inbound_nodes"][0][0].append({"y": ["activation_1", 0, 0]})


def split(layers):
    layers[-1]["inbound_nodes"] = layers[-2]["inbound_nodes"]


def used_twice(layers):
    layers[1]["inbound_nodes"] *= 2


def two_inputs(layers):
    layers.append({**layers[0], "name": "input_2"})


def no_list(layers):
    layers[3]["inbound_nodes"] = 0.5


def circle(layers):
    layers[3]["inbound_nodes"] = [[["dense_1", 0, 0, {}]]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (joined, "layer dense_1 joins what flatten_1 and activation_1 give"),
        (as_argument, "layer dense_1 joins what flatten_1 and activation_1 give"),
        (split, "layer maxpooling2d_1 goes into both flatten_1 and dense_1"),
        (used_twice, "layer convolution2d_1 is used 2 times"),
        (two_inputs, "the model has not one input, but input_1, input_2"),
        (no_list, "the model has not one input, but input_1, "),
        (circle, "does not follow from the input"),
    ],
)
def test_a_graph_that_branches_names_the_layer(tmp_path, change, words):
    told = as_graph(architecture(small_model(), THEANO))
    change(told["config"]["layers"])
    message, hint = json_refusal(tmp_path, told)
    assert words in message
    assert hint == "only models whose layers follow one another are read"


def test_files_that_are_pipes_are_refused_not_waited_for(files):
    for path, where, wanted in zip(files, (JSON, H5), ("a JSON file", "an HDF5 file"), strict=True):
        kept = path.rename(path.with_suffix(".kept"))
        os.mkfifo(path.with_suffix(".pipe"))
        path.symlink_to(path.with_suffix(".pipe").name)
        message, _ = refusal(where, path, read, *files, "theano")
        assert message == f"is a link to a named pipe, not {wanted}"
        path.unlink()
        kept.rename(path)


def test_the_architecture_can_be_that_of_a_full_model(tmp_path):
    path, weights = write(tmp_path, small_model(), KERAS_2, full=True)
    from_json = read_architecture(path)
    assert read_architecture(weights) == from_json
    same_parameters(read(weights, weights), read(path, weights))


def test_weights_of_keras_1_load_into_a_model_of_keras_2_by_order(tmp_path):
    style = Style("2.1", "theano", channels_first=True)
    path, weights = write(tmp_path, small_model(), style)
    expected, of_keras_2 = read(path, weights), path.read_text()
    write(tmp_path, small_model(), THEANO)
    path.write_text(of_keras_2)
    same_parameters(read(path, weights), expected)


# ---- layers that cannot be rebuilt ---------------------------------------------------------------


def changed(layer, style=THEANO, **keys):
    """Return the layers of a model of which one has other keys."""
    told = architecture(small_model(), style)
    layers = told["config"] if isinstance(told["config"], list) else told["config"]["layers"]
    if "class_name" in keys:
        layers[layer]["class_name"] = keys.pop("class_name")
    layers[layer]["config"] |= keys
    return told


def parsed(tmp_path, told):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(told))
    return read_architecture(path)


@pytest.mark.parametrize(
    ("layer", "style", "keys", "why"),
    [
        (0, THEANO, {"class_name": "Lambda", "function": "evil()"}, "Lambda that cannot"),
        (0, KERAS_2, {"dilation_rate": [2, 2]}, "its dilation_rate is 2×2"),
        (0, KERAS_2, {"groups": 2}, "its groups are 2"),
        (0, THEANO, {"dim_ordering": None}, "no data_format, nor dim_ordering"),
        (0, THEANO, {"dim_ordering": "xy"}, "its data_format is 'xy'"),
        (3, THEANO, {"dim_ordering": "tf"}, "its data_format is tf, unlike"),
        (0, THEANO, {"border_mode": "full"}, "its padding is 'full'"),
        (0, THEANO, {"nb_row": "10"}, "its nb_row is '10'"),
        (0, THEANO, {"activation": "my_function"}, "its activation is 'my_function'"),
        (1, THEANO, {"activation": "softmax"}, "vectors only"),
        (0, THEANO, {"bias": 3}, "its use_bias is 3"),
        (2, THEANO, {"mode": 1}, "its mode is 1: it normalises by what each sample holds"),
        (2, THEANO, {"mode": 2}, "its mode is 2: it normalises by what the batch holds"),
        (2, THEANO, {"axis": 4}, "its axis is 4, which is none of maps"),
        (3, THEANO, {"class_name": "ZeroPadding2D", "padding": [1]}, "its padding is [1], not"),
        (3, THEANO, {"class_name": "Cropping2D", "cropping": [-1, 1]}, "its cropping is -1, not"),
        (3, THEANO, {"class_name": "LeakyReLU", "alpha": "0.3"}, "its alpha is '0.3', not a"),
        (3, KERAS_2, {"class_name": "UpSampling2D", "interpolation": "bilinear"}, "before 2.4"),
        (3, THEANO, {"class_name": "Permute", "dims": [2, 1, 3]}, "Permute that cannot"),
        (0, KERAS_2, {"class_name": "SeparableConv2D", "dilation_rate": 2}, "dilation_rate is 2×2"),
        (2, THEANO, {"epsilon": None}, "its epsilon is None"),
        (4, KERAS_2, {"data_format": "channels_first"}, "unlike that of the layers before"),
        (4, KERAS_2, {"class_name": "Dense", "units": 3}, "it comes before Flatten"),
        (5, KERAS_2, {"class_name": "Conv2D"}, "it needs maps"),
    ],
)
def test_a_layer_that_cannot_be_rebuilt_matters_only_when_it_is_needed(
    tmp_path, layer, style, keys, why
):
    found = parsed(tmp_path, changed(layer, style, **keys))
    assert isinstance(found.layers[layer], Unsupported)
    assert len(found.layers_to(layer - 1)) == layer
    for index in (layer, 5):
        with pytest.raises(SectionError, match=f"layer {found.layers[layer].name}") as caught:
            found.layers_to(index)
        assert why in caught.value.message
        assert "choose a layer before it" in caught.value.hint


# ---- JSON that is wrong --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ('{"class_name": ', "is not JSON: "),
        ("[" * 100_000, "is not JSON: "),
        ({"a": 1}, "is JSON but not of a Keras model"),
        ({"class_name": "MyModel", "config": {}}, "is a model of the kind MyModel, not Sequential"),
        ({"class_name": "Model", "config": {}}, "has no list of layers"),
        ("[" * 900 + "]" * 900, "is JSON but not of a Keras model"),
        ({"name": "Graph", "nodes": {}}, "is a model of the kind Graph, not Sequential"),
        ({"class_name": "Sequential", "config": []}, "the model has no layers"),
        ({"class_name": "Sequential", "config": [3]}, "layer 0 has no class"),
        ({**architecture(small_model(), KERAS_2), "keras_version": "3.1.0"}, "by Keras 3.1.0"),
        ({"module": "keras", "class_name": "Sequential", "config": {"layers": []}}, "by Keras 3"),
        (changed(1, name="convolution2d_1"), "several layers are named convolution2d_1"),
        (changed(0, batch_input_shape=[None, 1, 80]), "the input shape [None, 1, 80] is not"),
        (changed(0, nb_row=30), "has windows of 30×4 and gets maps of 12×13"),
    ],
)
def test_a_json_that_is_no_sequential_model_is_refused(tmp_path, told, words):
    message, hint = json_refusal(tmp_path, told)
    assert words in message
    assert hint


def test_a_json_that_is_not_there_or_a_folder_is_refused(tmp_path):
    (tmp_path / "cnn_model.json").write_text("{}")
    path = tmp_path / "model.json"
    message, hint = refusal(JSON, path, read_architecture, path, JSON)
    assert message == "there is no such file"
    assert "cnn_model.json" in hint
    message, _ = refusal(JSON, tmp_path, read_architecture, tmp_path, JSON)
    assert message == "is a folder, not a JSON file"


def test_a_weight_file_is_not_an_architecture(tmp_path):
    _, weights = write(tmp_path, small_model(), THEANO)
    message, hint = refusal(JSON, weights, read_architecture, weights, JSON)
    assert message == "is an HDF5 file without a model: only weights"
    assert "to_json" in hint


# ---- weight files that are wrong -----------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    return write(tmp_path, small_model(), THEANO)


KERNEL = "convolution2d_1/convolution2d_1_W"
KERNEL_OF = f"/{KERNEL}, the kernel of layer convolution2d_1 (convolution)"
SPREAD = "batchnormalization_1/batchnormalization_1_running_std"


def replace(name, values):
    """Return what replaces a dataset, or removes it where there are no values."""

    def change(file):
        del file[name]
        if values is not None:
            file[name] = values

    return change


def set_one(name, place, value):
    def change(file):
        file[name][place] = value

    return change


def make_group_of_kernel(file):
    del file[KERNEL]
    file.create_group(KERNEL)


def forget_names_of_weights(file):
    del file["convolution2d_1"].attrs["weight_names"]


def set_attribute(group, name, value):
    return lambda file: file[group].attrs.__setitem__(name, value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            replace(KERNEL, np.zeros((2, 1, 4, 3), np.float32)),
            f"{KERNEL_OF}, has shape (2, 1, 4, 3), expected (2, 1, 3, 4)",
        ),
        (replace("dense_1/dense_1_W", np.zeros((9, 3))), "has shape (9, 3), expected (8, 3)"),
        (replace(KERNEL, h5py.Empty("f4")), "has shape none, expected (2, 1, 3, 4)"),
        (set_one(KERNEL, (0, 0, 1, 1), np.nan), "holds 1 of 24 numbers that are NaN or infinite"),
        (replace(KERNEL, np.full((2, 1, 3, 4), 1e300)), "holds 24 of 24 numbers"),
        (replace(KERNEL, np.zeros((2, 1, 3, 4), np.int32)), "not floating-point numbers"),
        (replace(KERNEL, None), f"unknown dataset '/{KERNEL}'"),
        (make_group_of_kernel, f"{KERNEL} is a group, not a dataset"),
        (replace("dense_1", None), "/dense_1 is not there, though layer_names lists it"),
        (
            set_attribute("convolution2d_1", "weight_names", [b"convolution2d_1_W"]),
            "layer convolution2d_1 (convolution) needs 2 datasets (kernel, bias), but "
            f"convolution2d_1 in the file has 1 (/{KERNEL})",
        ),
        (set_attribute("/", "layer_names", [1, 2]), "layer_names of / is not a list of names"),
        (forget_names_of_weights, "/convolution2d_1 has no attribute weight_names"),
        (
            set_one(SPREAD, 0, -0.5),
            "layer batchnormalization_1 (batch normalisation): the spread of a channel is −0.5, "
            "which cannot be divided by",
        ),
        (set_attribute("/", "keras_version", b"3.4.1"), "was written by Keras 3.4.1"),
    ],
)
def test_weights_that_cannot_be_used_are_named(files, change, words):
    with h5py.File(files[1], "a") as file:
        change(file)
    message, hint = h5_refusal(files)
    assert words in message
    assert hint or words.startswith("unknown dataset")  # which lists those that are there


@pytest.mark.parametrize("more", [False, True])
def test_weights_of_another_number_of_layers_name_the_difference(files, more):
    path, weights = files
    own = path.read_text()
    extra = dense(np.random.default_rng(3), 3, 1)
    write(path.parent, [*small_model(), extra] if more else small_model()[:3], THEANO)
    path.write_text(own)
    message, hint = h5_refusal((path, weights))
    assert "but the model has 3 with weights" in message
    end = "; not in the model: dense_2" if more else "; not in the file: dense_1"
    assert message.endswith(end)
    assert "another architecture" in hint


def add_weights_to_layer_1(file):
    file["layer_1"].attrs["nb_params"] = 1
    file["layer_1/param_0"] = np.zeros(3, np.float32)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        *((set_attribute("/", "nb_layers", n), "nb_layers") for n in ("six", -1, 10**9, [1, 2])),
        (
            set_attribute("/", "nb_layers", 5),
            "holds 5 layers, but the model has 6: 0 convolution2d_1, 1 act",
        ),
        (replace("layer_3", None), "/layer_3 is not there, though nb_layers counts it"),
        (add_weights_to_layer_1, "layer_1 has weights, but the model's layer 1 has none"),
    ],
)
def test_weights_of_keras_0_3_stand_for_the_layers_one_by_one(tmp_path, change, words):
    path, weights = write(tmp_path, small_model(), Style("0.3", "theano", channels_first=True))
    with h5py.File(weights, "a") as file:
        change(file)
    assert words in h5_refusal((path, weights))[0]


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("", "holds no Keras weights: neither layer_names nor nb_layers"),
        ("swire", "in the file: swire"),
        ("layers", "was written by Keras 3"),
        ("graph", "holds the weights of a Graph model"),
        ("model_weights", "in the file: model_weights"),
    ],
)
def test_an_hdf5_file_without_weights_is_refused(files, group, words):
    with h5py.File(files[1], "w") as file:
        file.require_group(group or "/")
    assert words in h5_refusal(files)[0]


def test_a_weight_file_that_is_missing_cut_or_none_is_refused(files):
    weights = files[1]
    raw = weights.read_bytes()
    weights.write_bytes(raw[: len(raw) // 2])
    assert "is truncated" in h5_refusal(files)[0]
    weights.write_bytes(b"weights, honestly")
    assert h5_refusal(files)[0] == "is not an HDF5 file"
    weights.unlink()
    assert h5_refusal(files)[0] == "there is no such file"


def test_bytes_that_are_lost_give_an_error_or_other_numbers_never_a_traceback(files):
    path, weights = files
    raw = weights.read_bytes()
    generator = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        start = int(generator.integers(100, len(raw) - 64))
        bad = raw[:start] + bytes(32) + raw[start + 32 :]
        weights.write_bytes(bad)
        try:
            read(path, weights, "theano")
        except SourceError:
            refused += 1
    assert refused


# ---- which backend -------------------------------------------------------------------------------


def test_files_that_record_no_backend_need_to_be_told(files):
    message, hint = h5_refusal(files, None)
    assert f"neither this file nor {JSON}: {files[0]} records whether" in message
    assert "write `trained_with: theano`" in hint
    assert "flipped in both image axes" in hint
    assert "or `trained_with: tensorflow`" in hint
    assert "used as they are" in hint


@pytest.mark.parametrize("backend", ["theano", "tensorflow"])
def test_a_recorded_backend_is_enough_and_must_agree(tmp_path, backend):
    style = Style("2.1", backend, channels_first=True)
    path, weights = write(tmp_path, small_model(), style)
    assert read(path, weights).trained_with == backend
    other = {"theano": "tensorflow", "tensorflow": "theano"}[backend]
    message, hint = refusal(JSON, path, read, path, weights, other)
    assert message == (
        f"records that it was trained with {backend}, but the configuration says "
        f"trained_with: {other}"
    )
    assert f"trained_with: {backend}" in hint


def test_a_backend_that_only_the_weights_record_must_agree(files):
    with h5py.File(files[1], "a") as file:
        file.attrs["backend"] = b"tensorflow"
    assert read(*files).trained_with == "tensorflow"
    assert "records that it was trained with tensorflow" in h5_refusal(files, "theano")[0]


@pytest.mark.parametrize(
    ("style", "options", "recorded", "words"),
    [
        (THEANO_2, {}, b"tensorflow", f"trained with tensorflow, but {JSON}: "),
        (KERAS_2, {"full": True}, b"theano", "two backends: theano for the model, tensorflow for"),
        (KERAS_2, {}, b"cntk", "trained with cntk; only theano and tensorflow are known"),
    ],
)
def test_backends_that_differ_or_are_not_known_are_refused(
    tmp_path, style, options, recorded, words
):
    path, weights = write(tmp_path, small_model(), style, **options)
    with h5py.File(weights, "a") as file:
        file.attrs["backend"] = recorded
    message, hint = refusal(H5, weights, read, path, weights)
    assert words in message
    assert hint


# ---- random weights ------------------------------------------------------------------------------


def test_random_weights_are_glorot_uniform_and_depend_on_the_seed_only(tmp_path):
    g = np.random.default_rng(0)
    model = [conv(g, 64, (9, 9)), norm(g, 64), FLATTEN, dense(g, 1280, 3)]
    found = read_architecture(write(tmp_path, model, THEANO)[0])
    one, again, other = (random_network(found, seed) for seed in (7, 7, 8))
    same_parameters(one, again)
    kernel = one.parameters[0]["kernel"]
    assert not np.array_equal(kernel, other.parameters[0]["kernel"])
    limit = np.sqrt(6 / (81 * 65))
    counts, _ = np.histogram(kernel, bins=6, range=(-limit, limit))
    assert counts.sum() == kernel.size
    assert np.all(np.abs(counts / counts.mean() - 1) < 0.15)
    assert one.parameters[3]["kernel"].shape == (1280, 3)
    assert not one.parameters[0]["bias"].any()
    np.testing.assert_array_equal(one.parameters[1]["scale"], 1)
    np.testing.assert_array_equal(one.parameters[1]["shift"], 0)


def test_random_weights_that_no_memory_holds_are_refused(tmp_path):
    path, _ = write(tmp_path, small_model(), THEANO)
    recorded = changed(5, output_dim=99_999)
    recorded["config"][0]["config"]["nb_filter"] = 99_999
    path.write_text(json.dumps(recorded))
    with pytest.raises(SourceError, match="too many weights to draw"):
        random_network(read_architecture(path), 1)

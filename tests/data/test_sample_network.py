"""The synthetic network: files as Keras 1.0 wrote them, and maps like those of trained networks."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from reportgen.data.sample import write_sample

EPOCHS_10, EPOCHS_100 = WEIGHTS = ("weights_10epochs.h5", "my_cnn_weights.h5")
FILES = ("cnn_model.json", *WEIGHTS)
LAYERS = [
    *("convolution2d_1", "activation_1", "maxpooling2d_1"),
    *("convolution2d_2", "activation_2", "maxpooling2d_2"),
    *("dropout_1", "flatten_1", "dense_1", "activation_3", "dense_2", "activation_4"),
]
SHAPES = {
    "convolution2d_1": [(32, 1, 10, 10), (32,)],
    "convolution2d_2": [(32, 32, 10, 10), (32,)],
    "dense_1": [(32, 64), (64,)],
    "dense_2": [(64, 1), (1,)],
}
REFERENCE = Path(__file__).parents[3] / "shared/data/keras_oracle/k108"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="../shared/data/keras_oracle/k108 is not there"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, rows=300, images=20)
    return folder


@pytest.fixture(scope="module")
def images(folder):
    with h5py.File(folder / "crowdastro.h5") as file:
        return file["/atlas/cdfs/images_2x2"][:]


def convolve_all(image, kernels, biases):
    """What Theano computes: (input, row, column) to (filter, row, column)."""
    windows = sliding_window_view(image, (10, 10), axis=(1, 2)).transpose(1, 2, 0, 3, 4)
    side = windows.shape[0]
    turned = kernels[:, :, ::-1, ::-1].reshape(len(kernels), -1)
    return (windows.reshape(side**2, -1) @ turned.T + biases).T.reshape(-1, side, side)


def maps_of(path, images):
    """Maps after the second relu of the notebook's truncated model: (image, filter, 29, 29)."""
    with h5py.File(path) as file:
        first, second = (
            [file[f"{name}/{name}_{part}"][:] for part in "Wb"]
            for name in ("convolution2d_1", "convolution2d_2")
        )
    maps = []
    for image in images:
        seen = np.maximum(convolve_all(image[None], *first), 0)
        pooled = seen[:, :190, :190].reshape(32, 38, 5, 38, 5).max(axis=(2, 4))
        maps.append(np.maximum(convolve_all(pooled, *second), 0))
    return np.stack(maps)


@pytest.fixture(scope="module")
def maps(folder, images):
    return {name: maps_of(folder / name, images) for name in WEIGHTS}


def correlations(maps):
    """Filter by filter, of the filters that answer at all."""
    answers = maps.transpose(1, 0, 2, 3).reshape(32, -1).astype(float)
    return np.corrcoef(answers[answers.max(axis=1) > 0])


def effective_number(maps):
    eigenvalues = np.linalg.eigvalsh(correlations(maps))
    return eigenvalues.sum() ** 2 / np.sum(eigenvalues**2)


def repeated(maps):
    """How many filters have another one that does nearly the same."""
    matrix = correlations(maps) - 2 * np.eye(len(correlations(maps)))
    return np.sum(matrix.max(axis=1) > 0.95)


def layout(path):
    """Every group, dataset and attribute of a weight file, but what says that it is synthetic."""
    found = {}

    def look(name, item):
        found[name] = (
            type(item).__name__,
            getattr(item, "shape", None),
            getattr(item, "dtype", None),
            [
                (key, value.dtype, value.tolist())
                for key, value in item.attrs.items()
                if key not in {"synthetic", "seed"}
            ],
        )

    with h5py.File(path) as file:
        look("/", file)
        file.visititems(look)
    return found


def test_the_model_is_the_notebooks(folder):
    model = json.loads((folder / "cnn_model.json").read_text())
    assert list(model) == ["class_name", "config", "keras_version", "synthetic"]
    assert "not observations" in model["synthetic"]
    assert (model["class_name"], model["keras_version"]) == ("Sequential", "1.0.8")
    assert [layer["config"]["name"] for layer in model["config"]] == LAYERS
    settings = [layer["config"] for layer in model["config"]]
    assert settings[0]["batch_input_shape"] == [None, 1, 80, 80]
    for k in (0, 3):
        assert [settings[k][key] for key in ("nb_filter", "nb_row", "nb_col")] == [32, 10, 10]
        assert settings[k]["border_mode"] == "valid"
        assert settings[k]["dim_ordering"] == settings[k + 2]["dim_ordering"] == "th"
        assert settings[k + 1]["activation"] == "relu"
        assert settings[k + 2]["pool_size"] == settings[k + 2]["strides"] == [5, 5]
    assert settings[6]["p"] == 0.25
    assert [settings[k]["output_dim"] for k in (8, 10)] == [64, 1]
    assert [settings[k]["activation"] for k in (9, 11)] == ["sigmoid", "sigmoid"]


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_have_the_layout_of_keras_1_0(folder, name):
    with h5py.File(folder / name) as file:
        assert set(file.attrs) == {"layer_names", "synthetic", "seed"}
        assert "not observations" in file.attrs["synthetic"]
        assert file.attrs["seed"] == 2016
        assert file.attrs["layer_names"].dtype == "S15"
        assert [layer.decode() for layer in file.attrs["layer_names"]] == LAYERS
        assert set(file) == set(LAYERS)
        for layer in LAYERS:
            names = file[layer].attrs["weight_names"]
            if layer not in SHAPES:
                assert (names.shape, names.dtype, len(file[layer])) == ((0,), np.float64, 0)
                continue
            assert names.tolist() == [f"{layer}_W".encode(), f"{layer}_b".encode()]
            arrays = [file[layer][key.decode()] for key in names]
            assert [array.shape for array in arrays] == SHAPES[layer]
            assert all(array.dtype == np.float32 for array in arrays)
            assert all(np.all(np.isfinite(array)) for array in arrays)


@needs_reference
def test_the_model_is_what_keras_wrote_of_the_same_network(folder):
    text = (folder / "cnn_model.json").read_text()
    model = json.loads(text)
    # Without the label, the text itself is the same: its keys have the same order.
    label = json.dumps(model.pop("synthetic"))
    assert text.replace(f', "synthetic": {label}', "") == (REFERENCE / FILES[0]).read_text()


@needs_reference
@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_have_the_layout_of_a_file_that_keras_wrote(folder, name):
    assert layout(folder / name) == layout(REFERENCE / name)


def test_a_seed_gives_the_same_network_with_any_number_of_rows_and_images(folder, tmp_path):
    write_sample(tmp_path, rows=20, images=0)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_another_seed_gives_another_network(folder, tmp_path):
    write_sample(tmp_path, rows=20, images=0, seed=1)
    for name in WEIGHTS:
        with h5py.File(tmp_path / name) as one, h5py.File(folder / name) as two:
            for layer in SHAPES:
                weights = [file[layer][f"{layer}_W"][:] for file in (one, two)]
                assert np.mean(weights[0] == weights[1]) < 0.01


@pytest.mark.parametrize(
    ("seed", "place", "flux", "light"),
    [
        (2016, [52.626171, -28.842412], 2933.85, 0.1586237),
        (7, [52.507207, -28.054408], 2526.10, 0.33561134),
    ],
)
def test_the_network_leaves_the_survey_as_it_was(tmp_path, seed, place, flux, light):
    # Taken from samples that were made before there was a network beside them.
    write_sample(tmp_path, rows=50, images=1, seed=seed)
    with h5py.File(tmp_path / "crowdastro.h5") as file:
        assert file["/atlas/cdfs/positions"][0] == pytest.approx(place, abs=1e-9)
        assert file["/swire/cdfs/catalogue"][:, 2].sum() == pytest.approx(flux, abs=1e-6)
        assert file["/atlas/cdfs/images_5x5"][0].sum() == pytest.approx(light, rel=1e-4)


@pytest.mark.parametrize(("name", "fewest", "most"), [(EPOCHS_10, 9, 12), (EPOCHS_100, 1, 3)])
def test_silent_filters_never_answer(folder, maps, name, fewest, most):
    with h5py.File(folder / name) as file:
        kernels = file["convolution2d_2/convolution2d_2_W"][:]
        biases = file["convolution2d_2/convolution2d_2_b"][:]
    # What comes in has gone through a relu: nothing can wake these.
    silent = np.all(kernels <= 0, axis=(1, 2, 3)) & (biases < 0)
    assert fewest <= np.sum(silent) <= most
    assert np.all(maps[name][:, silent] == 0)
    assert np.all(np.any(maps[name][:, ~silent] > 0, axis=(0, 2, 3)))


def test_a_few_filters_answer_to_the_brightest_sources_only(images, maps):
    zero = np.mean(maps[EPOCHS_10] == 0, axis=(0, 2, 3))
    rare = (zero > 0.98) & (zero < 1)
    assert 2 <= np.sum(rare) <= 4
    answered = np.any(maps[EPOCHS_10][:, rare] > 0, axis=(1, 2, 3))
    assert images[answered].max(axis=(1, 2)).min() > images[~answered].max(axis=(1, 2)).max()


def test_the_longer_training_is_more_varied(maps):
    assert effective_number(maps[EPOCHS_100]) > 1.3 * effective_number(maps[EPOCHS_10])
    assert repeated(maps[EPOCHS_10]) >= 8
    assert repeated(maps[EPOCHS_100]) <= 6

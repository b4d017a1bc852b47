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
    for seed in (2016, 1):
        write_sample(tmp_path / str(seed), rows=20, images=0, seed=seed)
    for name in FILES:
        assert (tmp_path / "2016" / name).read_bytes() == (folder / name).read_bytes()
    for name in WEIGHTS:
        assert (tmp_path / "1" / name).read_bytes() != (folder / name).read_bytes()


def test_the_survey_of_a_seed_stays_as_it_was_from_version_to_version(tmp_path):
    write_sample(tmp_path, rows=50, images=1, seed=7)
    with h5py.File(tmp_path / "crowdastro.h5") as file:
        first = file["/atlas/cdfs/positions"][0]
        assert first == pytest.approx([52.507207, -28.054408], abs=1e-9)
        assert file["/swire/cdfs/catalogue"][:, 2].sum() == pytest.approx(2526.10, abs=1e-6)
        assert file["/atlas/cdfs/images_5x5"][0].sum() == pytest.approx(0.33561134, rel=1e-4)


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


def test_the_longer_training_is_more_varied(maps):
    assert effective_number(maps[EPOCHS_100]) > 1.3 * effective_number(maps[EPOCHS_10])
    assert repeated(maps[EPOCHS_10]) >= 8
    assert repeated(maps[EPOCHS_100]) <= 6

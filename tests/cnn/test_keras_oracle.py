"""Maps as real Keras and Theano releases computed them."""

from pathlib import Path

import numpy as np
import pytest

from reportgen.cnn.exporting import export_network
from reportgen.cnn.extractor import Extractor
from reportgen.cnn.network import Backend, fit_network
from reportgen.cnn.weights import read_network

ORACLE = Path(__file__).parents[2].parent / "shared" / "data" / "keras_oracle"
SETS = sorted(folder.parent for folder in ORACLE.glob("*/cnn_model.json"))
WEIGHTS = ("weights_10epochs", "my_cnn_weights")

pytestmark = pytest.mark.skipif(not SETS, reason="../shared/data/keras_oracle is not there")


def maps(folder: Path, weights: str, trained_with: Backend) -> np.ndarray:
    network = read_network(
        folder / "cnn_model.json", folder / f"{weights}.h5", trained_with=trained_with
    )
    images = np.load(ORACLE / "images.npy")
    fitted = fit_network(network, network.architecture.find_layer(), *images.shape[1:])
    assert fitted.shape == (32, 29, 29)
    return Extractor(export_network(fitted), fitted).maps(images[..., np.newaxis])


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_the_maps_are_those_of_keras_on_theano(folder: Path, weights: str) -> None:
    expected = np.load(folder / f"maps_{weights}.npy")
    found = maps(folder, weights, "theano")
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_kernels_that_are_not_flipped_give_other_maps(folder: Path) -> None:
    expected = np.load(folder / "maps_my_cnn_weights.npy")
    found = maps(folder, "my_cnn_weights", "tensorflow")
    assert np.abs(found - expected).max() > 0.1 * np.abs(expected).max()

"""The network of the original notebook, computed anew by scipy in double precision.

Theano's convolution is scipy's: kernels turned, no padding.
"""

import h5py
import numpy as np
import pytest
from runs import Run
from scipy.signal import fftconvolve

FILES = {"epochs_10": "weights_10epochs.h5", "epochs_100": "my_cnn_weights.h5"}
CLOSE = 1e-4  # of the maximum: the network computes in single precision


@pytest.fixture(scope="module")
def run(built, survey):
    return Run(built.run, survey / "crowdastro.h5")


@pytest.fixture(scope="module")
def images(survey):
    with h5py.File(survey / "crowdastro.h5") as file:
        return file["/atlas/cdfs/images_2x2"][()].astype(float)


def convolved(maps, kernels, biases):
    """Theano's Convolution2D and the relu after it; maps: (channel, row, column)."""
    sums = [
        sum(fftconvolve(one, kernel, "valid") for one, kernel in zip(maps, of, strict=True)) + bias
        for of, bias in zip(kernels, biases, strict=True)
    ]
    return np.maximum(sums, 0)


def pooled(maps, size=5):
    n, rows, columns = (length // size for length in (len(maps) * size, *maps.shape[1:]))
    cut = maps[:, : rows * size, : columns * size]
    return cut.reshape(n, rows, size, columns, size).max(axis=(2, 4))


@pytest.fixture(scope="module")
def maps(survey, images):
    """Maps after the second relu by weights, (image, filter, row, column)."""
    found = {}
    for name, path in FILES.items():
        with h5py.File(survey / path) as file:
            layers = [
                [file[f"{layer}/{layer}_{part}"][()].astype(float) for part in "Wb"]
                for layer in ("convolution2d_1", "convolution2d_2")
            ]
        found[name] = np.array(
            [convolved(pooled(convolved(image[None], *layers[0])), *layers[1]) for image in images]
        )
    return found


def cells(table, column, shape):
    assert table["filter"].tolist() == np.indices(shape)[0].ravel().tolist()
    return np.array(table[column], dtype=float).reshape(shape)


@pytest.mark.parametrize("weights", FILES)
def test_the_maps_of_a_cut_out_are_those_of_theano(run, maps, weights):
    expected = maps[weights][0]
    assert expected.shape == (32, 29, 29)
    found = cells(run.table("cnn_maps", f"maps_{weights}"), "activation", expected.shape)
    np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSE * expected.max())
    silent = int((expected == 0).all(axis=(1, 2)).sum())
    assert run.metric("cnn_maps", f"silent_{weights}") == silent


@pytest.mark.parametrize("weights", FILES)
def test_what_is_said_of_the_filters_over_the_cut_outs(run, maps, weights):
    expected = maps[weights]
    table = run.table("cnn_filters", f"maps_{weights}")
    for column, values in (("mean", expected.mean(axis=0)), ("std", expected.std(axis=0))):
        found = cells(table, column, values.shape)
        np.testing.assert_allclose(found, values, rtol=0, atol=CLOSE * values.max())
    table, levels = run.table("cnn_filters", f"filters_{weights}"), expected.mean(axis=(2, 3))
    close = {"rtol": 0, "atol": CLOSE * levels.max()}
    np.testing.assert_allclose(table["mean"], levels.mean(axis=0), **close)
    np.testing.assert_allclose(table["std"], levels.std(axis=0), **close)
    zeros = 100 * (expected == 0).mean(axis=(0, 2, 3))
    np.testing.assert_allclose(table["zeros"], zeros, rtol=0, atol=0.1)
    silent = (expected == 0).all(axis=(0, 2, 3))
    assert (table["state"] == "silent").tolist() == silent.tolist()
    assert run.metric("cnn_filters", f"silent_{weights}") == silent.sum()


@pytest.mark.parametrize("weights", FILES)
def test_the_correlation_of_filters_and_how_many_are_independent(run, maps, weights):
    expected = maps[weights]
    varies = expected.std(axis=(0, 2, 3)) > 0
    rows = np.moveaxis(expected, 1, -1).reshape(-1, 32)[:, varies]
    r = np.full((32, 32), np.nan)
    r[np.ix_(varies, varies)] = np.corrcoef(rows.T)
    table = run.table("cnn_filters", f"correlation_{weights}")
    found = np.ma.filled(table["r"], np.nan)
    np.testing.assert_allclose(found, r[table["first"], table["second"]], rtol=0, atol=1e-3)
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(rows.T))
    independent = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    found = run.metric("cnn_filters", f"independent_{weights}")
    assert found == pytest.approx(independent, rel=1e-3)

"""Many images are shown to a network in several threads and on Dask: the same bytes."""

import pickle

import h5py
import numpy as np
import pytest
from dask_clusters import two_workers
from scanning import IMAGES, SIZE, digest, section_on_network, write_network

from reportgen.build.image_tasks import LEAF, MANY, scan_features
from reportgen.reduce.dask_executor import Dask

COUNT = MANY + LEAF + 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    write_network(folder)
    with h5py.File(folder / IMAGES, "w") as file:
        images = np.random.default_rng(8).normal(size=(COUNT, *SIZE)).astype(np.float32)
        images[5, 3, 3] = np.nan
        file["images"] = images
    return folder


def test_values_have_the_same_bytes_in_threads_and_on_dask(folder):
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    told = []
    with two_workers() as address:
        dask = Dask(address, 60.0, None, dict, say=lambda *done: told.append(done))
        found = []
        for how in ({}, {"threads": 3}, {"dask": dask}):
            work = section_on_network(folder, (COUNT, *SIZE, 1), first=2, count=COUNT - 2)
            values = pickle.loads(scan_features(*work, **how)["filters"].values)  # noqa: S301
            found.append(digest(values))
    assert len(set(found)) == 1
    assert told[0] == (0, COUNT)
    assert told[-1] == (COUNT, COUNT)

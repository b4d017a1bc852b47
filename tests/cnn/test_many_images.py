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


def digests(folder, count, *ways):
    """Return the digest of what statistics of some images are, by each way to run the tasks."""
    found = []
    for way in ways:
        work = section_on_network(folder, (COUNT, *SIZE, 1), first=2, count=count)
        values = pickle.loads(scan_features(*work, **way)["filters"].values)  # noqa: S301
        found.append(digest(values))
    return set(found)


def test_values_have_the_same_bytes_in_threads_in_processes_and_on_dask(folder):
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    assert len(digests(folder, 3 * LEAF + 5, {}, {"threads": 3})) == 1
    told = []
    with two_workers() as address:
        dask = Dask(address, 60.0, None, dict, say=lambda *done: told.append(done))
        assert len(digests(folder, COUNT - 2, {}, {"threads": 2}, {"dask": dask})) == 1
    assert told[0] == (0, COUNT)
    assert told[-1] == (COUNT, COUNT)

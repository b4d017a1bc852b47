"""Maps that are kept: of batches of images that were shown before, none is computed again."""

import os
import shutil

import h5py
import numpy as np
import pytest
from scanning import IMAGES, MODEL, SIZE, WEIGHTS, digest, pass_over, scan, write_network

from reportgen import features
from reportgen.cnn.extractor import Extractor
from reportgen.cnn.kept_maps import KeptMaps
from reportgen.cnn.litert import LiteRTError
from reportgen.store import Store


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    write_network(folder)
    scan(folder)  # the networks are exported
    return folder


@pytest.fixture
def shown(monkeypatch):
    """Give how many images were shown to each network, in the order of their first ones."""
    counts = {}
    show = Extractor.maps

    def watched(self, images):
        counts[id(self)] = counts.get(id(self), 0) + len(images)
        return show(self, images)

    monkeypatch.setattr(Extractor, "maps", watched)

    def give():
        found = list(counts.values())
        counts.clear()
        return found

    return give


def test_only_new_images_are_shown_and_the_numbers_are_those_of_a_fresh_pass(
    folder, shown, monkeypatch
):
    monkeypatch.setattr(features, "BATCH", 3)
    assert digest(scan(folder, 3, caching=True)) == digest(scan(folder, 3))
    shown()
    grown = scan(folder, 5, caching=True)
    assert shown() == [2, 2]
    assert digest(grown) == digest(scan(folder, 5))


def test_no_network_is_read_when_all_images_were_shown_before(folder, shown, monkeypatch):
    fresh = scan(folder, 4)
    scan(folder, 4, caching=True)
    shown()
    monkeypatch.setattr(features, "read_network", None)
    monkeypatch.setattr(features, "choose_extractor", None)
    assert digest(scan(folder, 4, caching=True)) == digest(fresh)
    assert shown() == []


def test_of_other_weights_nothing_is_kept(folder, tmp_path, shown):
    scan(folder, 2, caching=True)
    shutil.copytree(folder, tmp_path / "other")
    with h5py.File(tmp_path / "other" / WEIGHTS, "r+") as file:
        numbers = []
        file.visititems(lambda _, item: numbers.append(item) if hasattr(item, "shape") else None)
        numbers[0][...] += np.float32(1)
    shown()
    scan(tmp_path / "other", 2, caching=True)
    assert shown() == [2], "those of random weights are what they were"


class Doubling:
    """Stands for a network that doubles an image, and has something to say or not."""

    size, shape = SIZE, (1, *SIZE)


def doubling(note=""):
    return Extractor(lambda: lambda image: 2 * image[..., 0], Doubling, note)


def images(n):
    return np.random.default_rng(3).normal(size=(n, *SIZE)).astype(np.float32)


def test_what_a_substitute_computed_is_not_kept(tmp_path):
    store = Store(tmp_path)
    kept = KeptMaps(lambda: doubling("TensorFlow computed the maps."), "network", store)
    assert np.array_equal(kept.maps(images(2)), 2 * images(2)[:, None])
    assert kept.note == "TensorFlow computed the maps."
    assert not list(tmp_path.iterdir())


def test_maps_beyond_the_room_are_computed_each_time(tmp_path, shown):
    room = 2 * images(1).nbytes
    for computed in ([5], [3], [3]):
        kept = KeptMaps(doubling, "network", Store(tmp_path), room)
        each = [kept.maps(images(5)[n : n + 1]) for n in range(5)]
        assert np.array_equal(np.concatenate(each), 2 * images(5)[:, None])
        assert shown() == computed


@pytest.mark.parametrize("name", [MODEL, WEIGHTS, IMAGES])
def test_what_was_computed_while_a_file_changed_is_not_kept(tmp_path, monkeypatch, shown, name):
    """What was read is perhaps not what the digests are of."""
    write_network(tmp_path)
    show = Extractor.maps

    def replacing(self, images):
        os.utime(tmp_path / name, ns=(1, 1))
        return show(self, images)

    with monkeypatch.context() as patch:
        patch.setattr(Extractor, "maps", replacing)
        assert pass_over(tmp_path, 4, caching=True)["filters"].digests == {}
    shown()
    assert pass_over(tmp_path, 4, caching=True)["filters"].digests
    assert shown() == [4, 4]
    scan(tmp_path, 4, caching=True)
    assert shown() == []


@pytest.mark.parametrize("content", [b"", b"nothing of ours", b"float64"])
def test_what_is_no_map_is_computed_again(tmp_path, shown, content):
    store, keys = Store(tmp_path), []
    put = store.put
    store.put = lambda key, given: (keys.append(key), put(key, given))
    KeptMaps(doubling, "network", store).maps(images(1))
    put(keys[0], content)
    shown()
    assert np.array_equal(
        KeptMaps(doubling, "network", store).maps(images(1))[0, 0], 2 * images(1)[0]
    )
    assert shown() == [1]


def test_maps_of_another_network_are_others(tmp_path, shown):
    store = Store(tmp_path)
    KeptMaps(doubling, "network", store).maps(images(1))
    KeptMaps(doubling, "another", store).maps(images(1))
    assert shown() == [1, 1]


def test_an_error_of_the_network_is_that_of_the_maps(tmp_path):
    def refuse():
        raise LiteRTError("no")

    with pytest.raises(LiteRTError):
        KeptMaps(refuse, "network", Store(tmp_path)).maps(images(1))

"""Networks are exported once; LiteRT computes them, the same on the first night as on those after.

What they compute is held layer by layer in test_rebuilt_layers.py, and for weights that were
trained in test_keras_oracle.py.
"""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import h5py
import numpy as np
import pytest
from astropy.table import QTable
from scanning import (
    IMAGES,
    MODEL,
    SIZE,
    WEIGHTS,
    digest,
    in_another_process,
    pass_over,
    scan,
    section_on_network,
    write_network,
)

from reportgen.build.image_tasks import scan_features
from reportgen.cache.sections import Cache
from reportgen.cnn import exporting
from reportgen.cnn.exporting import (
    export_network,
    exporter_versions,
    make_extractor,
    network_key,
)
from reportgen.cnn.extractor import Extractor, LoadError
from reportgen.cnn.network import fit_network, random_network
from reportgen.cnn.weights import read_network
from reportgen.config.sources import CatalogueBlock
from reportgen.data.catalogue import open_catalogues
from reportgen.data.store import Store
from reportgen.errors import SectionError

LAYER = 4
INSTALL = "pip install 'reportgen[cnn]'"


@pytest.fixture
def folder(tmp_path):
    write_network(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    write_network(folder)
    return read_network(folder / MODEL, folder / WEIGHTS, "theano")


@pytest.fixture(scope="module")
def fitted(network):
    return fit_network(network, LAYER, *SIZE)


@pytest.fixture(scope="module")
def model(fitted):
    return export_network(fitted)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


def images(n=5):
    return np.random.default_rng(2).normal(size=(n, *SIZE, 1)).astype(np.float32)


def made(network, store):
    return make_extractor(fit_network(network, LAYER, *SIZE), store)


def forget_tensorflow(monkeypatch):
    """Let TensorFlow not be installed."""

    def refuse():
        raise SectionError("TensorFlow is not installed", INSTALL)

    monkeypatch.setattr(exporting, "import_tensorflow", refuse)
    monkeypatch.setattr(exporting, "exporter_versions", lambda: "")


# The same numbers


@pytest.mark.parametrize("threads", [1, 3])
def test_the_maps_of_an_image_depend_neither_on_others_nor_on_threads(fitted, model, threads):
    extractor = Extractor(model, fitted)
    with ThreadPoolExecutor(threads) as pool:
        first, *others = pool.map(lambda _: extractor.maps(images()), range(threads))
    together = extractor.maps(images())
    assert all(np.array_equal(each, together) for each in (first, *others))
    assert together.shape == (5, *extractor.shape)
    for k in (4, 0, 4):
        assert np.array_equal(extractor.maps(images()[k : k + 1])[0], together[k])
    assert extractor.maps(images(0)).shape == (0, *extractor.shape)
    # Another export may hold other names, as Keras numbers its layers on.
    other = Extractor(export_network(fitted), fitted)
    assert np.array_equal(other.maps(images()), together)


def test_a_night_after_in_another_process_gives_the_same_bytes_without_tensorflow(
    folder, tmp_path_factory
):
    scan(folder)
    found = in_another_process(folder)
    assert "ai_edge_litert" in found["packages"]
    assert not {"tensorflow", "keras"} & set(found["packages"])
    other = tmp_path_factory.mktemp("other")
    write_network(other)
    by_itself = scan(other)  # exports, beside TensorFlow
    assert found["digest"] == digest(by_itself)


def test_responses_are_those_of_maps_computed_one_by_one_and_of_images_of_the_file(folder):
    keys = {"weights": ["late"], "strongest": 1, "components": True, "occluded": 2}
    *sources, store = section_on_network(folder, **keys)
    values = pickle.loads(scan_features(*sources, store)["filters"].values)  # noqa: S301
    with h5py.File(folder / IMAGES) as file:
        stack = file["images"][:]
    network = read_network(folder / MODEL, folder / WEIGHTS, "theano")
    extractor = made(network, store)
    maps = extractor.maps(stack[..., None])
    assert np.array_equal(values["pooled_0"][1], maps.max(axis=(2, 3)))
    shown = {each.image: each.pixels for each in values["cutouts"].found}
    assert sorted(shown) == np.unique(maps.max(axis=(2, 3)).argmax(axis=0)).tolist()
    assert all(np.array_equal(pixels, stack[image]) for image, pixels in shown.items())
    hidden = stack[2].copy()
    side = round(2 * 40 / 12)
    hidden[:side, :side] = np.median(stack[2])
    altered = extractor.maps(hidden[None, ..., None])[0].astype(float)
    change = np.sqrt(((altered - maps[2]) ** 2).sum() / (maps[2].astype(float) ** 2).sum())
    assert values["occluded_0"][0, 0] == pytest.approx(change)


def test_a_catalogue_names_the_images_and_is_among_what_is_read(folder, tmp_path):
    keys = {"weights": ["late"], "components": True}
    keys["classes"] = {"catalogue": "kinds", "column": "kind"}
    *sources, store = section_on_network(folder, **keys)
    cache = Cache(Store(tmp_path / "other"), "report", {"filters": {"made": "of this"}})

    def made_of(kinds):
        (tmp_path / "kinds.ecsv").unlink(missing_ok=True)
        QTable({"kind": kinds}).write(tmp_path / "kinds.ecsv")
        keys = {"file": tmp_path / "kinds.ecsv", "columns": {"kind": {"field": "kind"}}}
        block = CatalogueBlock.model_validate(keys)
        kinds = open_catalogues({"kinds": block}, lambda *_: "x.yaml:1:1: x")["kinds"]
        return scan_features(*sources, store, cache, catalogues={"kinds": kinds})["filters"]

    found = made_of(["a", "b", "a", "b", "c", "d"])
    assert pickle.loads(found.values)["names"].tolist() == ["a", "b", "a", "b", "c"]  # noqa: S301
    other = made_of(["a", "b", "a", "b", "b", "d"])
    changed = {name for name in other.digests if other.digests[name] != found.digests[name]}
    assert changed == {"catalogue kinds: column kind"}
    few = made_of(["a", "b"])
    assert "kinds has 2 rows for 5 images of radio" in few.values.message


# What is kept


def test_what_is_kept_needs_no_tensorflow(network, store, monkeypatch):
    first = made(network, store).maps(images())
    forget_tensorflow(monkeypatch)
    assert np.array_equal(made(network, store).maps(images()), first)
    with pytest.raises(SectionError, match="TensorFlow is not installed"):
        made(random_network(network.architecture, 1), store)


DAMAGE = {
    "no model": lambda model: b"a text, longer than the place of the identifier",
    "truncated": lambda model: model[: len(model) // 2],
    "overwritten": lambda model: model[:100] + b"\xff" * (len(model) - 200) + model[-100:],
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_kept_network_that_is_damaged_is_exported_again(network, fitted, model, store, how):
    key = network_key(fitted, exporter_versions())
    store.put(key, DAMAGE[how](model))
    extractor = made(network, store)
    kept = Extractor(store.get(key), fitted)
    assert np.array_equal(kept.maps(images()), extractor.maps(images()))


def test_a_network_kept_for_images_of_another_size_is_not_used(network, fitted):
    other = export_network(fit_network(network, LAYER, 30, 30))
    with pytest.raises(LoadError, match=r"makes \(1, 6, 5, 6\) of \(1, 30, 30, 1\)"):
        Extractor(other, fitted)


def test_the_key_is_that_of_the_layers_and_numbers_that_are_used(network, monkeypatch):
    def key(network=network, layer=LAYER, size=SIZE, exporter="1"):
        return network_key(fit_network(network, layer, *size), exporter)

    parameters = {index: dict(each) for index, each in network.parameters.items()}
    parameters[0]["bias"] = parameters[0]["bias"] + np.float32(1e-6)
    architecture = network.architecture
    strided = replace(architecture.layers[2], strides=(2, 2))
    changed = (*architecture.layers[:2], strided, *architecture.layers[3:])
    keys = [
        key(),
        key(layer=3),
        key(size=(41, 40)),
        key(exporter="2"),
        key(replace(network, trained_with="tensorflow")),
        key(replace(network, parameters=parameters)),
        key(replace(network, architecture=replace(architecture, layers=changed))),
        *(key(random_network(architecture, seed)) for seed in (1, 2)),
    ]
    assert len(set(keys)) == len(keys)
    assert key(random_network(architecture, 2)) == keys[-1]
    # What comes after the wanted layer does not matter.
    cut = replace(network, architecture=replace(architecture, layers=architecture.layers[:3]))
    assert key(cut, layer=2) == key(layer=2)
    monkeypatch.setattr(exporting, "package_digest", lambda: "another")
    assert key() not in keys


@pytest.mark.parametrize("name", [MODEL, WEIGHTS, IMAGES])
def test_what_was_computed_while_a_file_changed_has_no_digests(folder, monkeypatch, name):
    cache = Cache(Store(folder / "cache"), "stars", {})
    assert pass_over(folder, cache).digests
    show = Extractor.maps

    def replacing(self, images):
        os.utime(folder / name, ns=(1, 1))
        return show(self, images)

    monkeypatch.setattr(Extractor, "maps", replacing)
    assert pass_over(folder, cache).digests == {}


# Where nothing computes


def test_a_network_that_cannot_be_converted_names_the_layer(network, store, monkeypatch, capfd):
    def foreign(modules, _):
        """Return a function of TensorFlow of which LiteRT has no counterpart."""
        tensorflow = modules.tensorflow
        given = [tensorflow.TensorSpec((1, *SIZE, 1), "float32")]
        return tensorflow.function(lambda x: tensorflow.math.igamma(x, x), input_signature=given)

    monkeypatch.setattr(exporting, "rebuild", foreign)
    with pytest.raises(SectionError) as caught:
        made(network, store)
    message = caught.value.message
    assert message.startswith("the maps of layer activation_2 cannot be exported: ")
    assert "tf.Igamma" in message
    assert len(message) < 500
    assert "\n" not in message
    assert ".py" not in message
    assert not store.folder.exists()
    assert capfd.readouterr() == ("", "")

"""Exported networks: LiteRT computes them, the same on the first night as on those after.

That its maps are those of TensorFlow is held layer by layer in test_rebuilt_layers.py, and for
weights that were trained in test_keras_oracle.py.
"""

import sys
from dataclasses import replace

import numpy as np
import pytest
from old_keras import FLATTEN, Style, conv, dense, norm, write
from scanning import MODEL, SIZE, WEIGHTS, digest, in_another_process, scan, write_network

from reportgen.analyses.base import NOTES
from reportgen.cnn import exporting
from reportgen.cnn import extractor as extractor_module
from reportgen.cnn.choosing import choose_extractor
from reportgen.cnn.exporting import ExportError, export_network, exporter_versions, network_key
from reportgen.cnn.extractor import build_extractor
from reportgen.cnn.importing import import_tensorflow
from reportgen.cnn.litert import LiteRTError, import_litert, load_extractor
from reportgen.cnn.network import fit_network, random_network
from reportgen.cnn.weights import read_network
from reportgen.data.store import Store
from reportgen.errors import SectionError

LAYER = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    write_network(folder)
    return folder


@pytest.fixture(scope="module")
def network(folder):
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
    return np.random.default_rng(2).normal(size=(n, *SIZE)).astype(np.float32)


def chosen(network, store=None):
    return choose_extractor(network, LAYER, *SIZE, store)


def forget_tensorflow(monkeypatch):
    """Let TensorFlow not be installed."""

    def refuse():
        raise SectionError("TensorFlow is not installed", "pip install 'reportgen[cnn]'")

    for module in (exporting, extractor_module):
        monkeypatch.setattr(module, "import_tensorflow", refuse)
    monkeypatch.setattr(exporting, "exporter_versions", lambda: "")


def test_an_export_computes_the_same_each_time(fitted, model):
    assert model[4:8] == b"TFL3"
    # It may hold other names, as Keras numbers its layers on.
    other = export_network(fitted)
    first, second = (load_extractor(import_litert(), each, fitted) for each in (model, other))
    assert np.array_equal(first.maps(images()), second.maps(images()))


def test_the_maps_of_an_image_depend_on_no_other_image(network):
    extractor, shown = chosen(network), images()
    together = extractor.maps(shown)
    assert together.shape == (5, *extractor.shape)
    assert len({each.tobytes() for each in together}) == 5
    for k in (4, 0, 4):
        assert np.array_equal(extractor.maps(shown[k : k + 1])[0], together[k])
    assert np.array_equal(chosen(network).maps(shown), together)
    assert extractor.maps(shown[:0]).shape == (0, *extractor.shape)


@pytest.mark.parametrize("threads", [2, 3, 8])
@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_images_shown_at_once_have_the_maps_they_have_one_by_one(fitted, model, n, threads):
    one, several = (load_extractor(import_litert(), model, fitted, count) for count in (1, threads))
    assert np.array_equal(one.maps(images()[:n]), several.maps(images()[:n]))
    assert np.array_equal(one.maps(images(30)), several.maps(images(30)))


def test_a_second_night_in_another_process_gives_the_same_bytes_without_tensorflow(folder):
    first = scan(folder)  # exports, beside TensorFlow
    assert NOTES not in first
    second = in_another_process(folder)
    assert "ai_edge_litert" in second["packages"]
    assert not {"tensorflow", "keras"} & set(second["packages"])
    assert second["digest"] == digest(first)


# What is kept


def test_what_is_kept_needs_no_tensorflow(network, store, monkeypatch):
    first = chosen(network, store).maps(images())
    forget_tensorflow(monkeypatch)
    assert np.array_equal(chosen(network, store).maps(images()), first)
    with pytest.raises(SectionError, match="TensorFlow is not installed"):
        chosen(random_network(network.architecture, 1), store)
    with pytest.raises(SectionError, match="TensorFlow is not installed"):
        chosen(network)


DAMAGE = {
    "empty": lambda model: b"",
    "no model": lambda model: b"a text, longer than the place of the identifier",
    "an identifier only": lambda model: model[:8] + bytes(5000),
    "truncated": lambda model: model[: len(model) // 2],
    "truncated by little": lambda model: model[:-8],
    "overwritten": lambda model: model[:100] + b"\xff" * (len(model) - 200) + model[-100:],
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_kept_network_that_is_damaged_is_exported_again(network, fitted, model, store, how):
    key = network_key(fitted, exporter_versions())
    store.put(key, DAMAGE[how](model))
    extractor = chosen(network, store)
    assert extractor.note == ""
    assert np.array_equal(extractor.maps(images()), chosen(network).maps(images()))
    kept = load_extractor(import_litert(), store.get(key), fitted)
    assert np.array_equal(kept.maps(images()), extractor.maps(images()))


def test_a_network_kept_for_images_of_another_size_is_not_used(network, fitted):
    other = export_network(fit_network(network, LAYER, 30, 30))
    with pytest.raises(LiteRTError, match=r"makes \(1, 6, 5, 6\) of \(1, 30, 30, 1\)"):
        load_extractor(import_litert(), other, fitted)


def test_the_key_is_that_of_the_layers_and_numbers_that_are_used(tmp_path, network, fitted):
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
        key(replace(network, architecture=replace(architecture, channels_first=False))),
        *(key(random_network(architecture, seed)) for seed in (1, 2)),
    ]
    assert len(set(keys)) == len(keys)
    assert key(random_network(architecture, 2)) == keys[-1]
    # What comes after the wanted layer does not matter.
    g = np.random.default_rng(1)
    parts = [conv(g, 2, (3, 3)), norm(g, 2), FLATTEN, dense(g, 220, 3)]
    style = Style("1.0", "theano", channels_first=True)
    found = []
    for number, length in enumerate((2, 4)):
        place = tmp_path / str(number)
        place.mkdir()
        files = write(place, parts[:length], style)
        found.append(key(read_network(*files, trained_with="theano"), 1, (12, 13)))
    assert found[0] == found[1]


def test_the_key_changes_with_the_code(fitted, monkeypatch):
    before = network_key(fitted, "")
    monkeypatch.setattr(exporting, "package_digest", lambda: "another")
    assert network_key(fitted, "") != before


def test_the_versions_of_what_exports_are_known_without_importing_it():
    found = exporter_versions()
    modules = import_tensorflow()
    assert (
        found == f"tensorflow {modules.tensorflow.__version__}, keras {modules.keras.__version__}"
    )


# Where LiteRT does not compute


def test_without_litert_tensorflow_computes_and_says_so(folder, network, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    extractor = chosen(network)
    assert np.array_equal(
        extractor.maps(images()), build_extractor(network, LAYER, *SIZE).maps(images())
    )
    note = (
        "TensorFlow computed the maps, since LiteRT is not installed (pip install "
        "'reportgen[cnn]')."
    )
    assert extractor.note == note
    assert scan(folder)[NOTES] == (note,)  # one, though there are two sets of weights


def foreign(modules, _):
    """Give a function of TensorFlow of which LiteRT has no counterpart."""
    tensorflow = modules.tensorflow
    given = [tensorflow.TensorSpec((1, *SIZE, 1), "float32")]
    return tensorflow.function(lambda x: tensorflow.math.igamma(x, x), input_signature=given)


def test_a_layer_that_cannot_be_converted_is_computed_by_tensorflow(network, store, monkeypatch):
    monkeypatch.setattr(exporting, "rebuild", foreign)
    extractor = chosen(network, store)
    begun = "TensorFlow computed the maps of layer activation_2, since LiteRT cannot: "
    assert extractor.note.startswith(begun)
    assert len(extractor.note) < 500
    assert np.array_equal(
        extractor.maps(images()), build_extractor(network, LAYER, *SIZE).maps(images())
    )
    assert not store.folder.exists()


def test_what_the_converter_refuses_is_said_in_one_line_and_in_silence(fitted, monkeypatch, capfd):
    monkeypatch.setattr(exporting, "rebuild", foreign)
    with pytest.raises(ExportError) as caught:
        export_network(fitted)
    said = str(caught.value)
    assert "tf.Igamma" in said
    assert "\n" not in said
    assert ".py" not in said  # no place in TensorFlow's own code
    assert capfd.readouterr() == ("", "")

"""A pass over images asks for networks that have yet to be exported, and finds them afterwards."""

import pickle
import sys
from functools import partial

import numpy as np
import pytest
from scanning import MODEL, WEIGHTS, digest, in_another_process, pass_over, scan, write_network
from test_litert import foreign

from reportgen.analyses.base import NOTES
from reportgen.cnn import exporting
from reportgen.cnn.importing import import_tensorflow
from reportgen.errors import SectionError
from reportgen.exports import NotExported, export_networks
from reportgen.store import Store

ask = partial(pass_over, may_export=False)


@pytest.fixture
def folder(tmp_path):
    write_network(tmp_path)
    return tmp_path


@pytest.fixture
def other(tmp_path_factory):
    """The same in another place, with a cache of its own."""
    folder = tmp_path_factory.mktemp("other")
    write_network(folder)
    return folder


@pytest.fixture
def store(folder):
    return Store(folder / "cache")


def no_otherwise():
    """Give a pass that must not be made in place of an export."""
    return pickle.dumps((pytest.fail, ("this pass is not for here",)))


def values(found):
    return pickle.loads(found["filters"].values)  # noqa: S301 - pickled by ourselves


def test_a_pass_names_the_networks_it_lacks_and_finds_them_once_they_are_exported(
    folder, store, other
):
    lacking = ask(folder)
    assert isinstance(lacking, NotExported)
    read, drawn = lacking.networks
    assert not np.array_equal(read.network.parameters[0]["kernel"], 0)
    assert read.shapes == drawn.shapes
    assert export_networks(lacking.networks, store, no_otherwise()) is None
    assert digest(values(ask(folder))) == digest(scan(other))


def test_only_what_is_not_there_yet_is_exported(folder, store):
    first, second = ask(folder).networks
    export_networks((second,), store, no_otherwise())
    (lacking,) = ask(folder).networks
    assert np.array_equal(
        lacking.network.parameters[0]["kernel"], first.network.parameters[0]["kernel"]
    )


def test_asking_needs_no_tensorflow(folder):
    found = in_another_process(folder, may_export=False)
    assert found["lacking"] == 2
    assert "tensorflow" not in found["packages"]


def test_what_is_to_be_exported_can_be_sent_to_another_process(folder, store):
    lacking = pickle.loads(pickle.dumps(ask(folder)))  # noqa: S301 - our own
    assert export_networks(lacking.networks, store, no_otherwise()) is None
    assert not isinstance(ask(folder), NotExported)


def test_where_litert_is_not_there_nothing_is_asked_for(folder, monkeypatch):
    import_tensorflow()
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    found = values(ask(folder))
    assert found.pop(NOTES)
    reference = scan(folder)
    reference.pop(NOTES)
    assert digest(found) == digest(reference)


def test_a_network_that_cannot_be_read_is_not_asked_for_and_fails_its_section(folder):
    (folder / WEIGHTS).write_bytes(b"nothing")
    assert len(ask(folder).networks) == 1, "the one whose weights are drawn"
    (folder / MODEL).write_text("{}")
    assert "is JSON but not of a Keras model" in ask(folder)["filters"].values.message


def test_what_tensorflow_refuses_to_export_is_computed_where_tensorflow_is(
    folder, store, monkeypatch
):
    lacking = ask(folder)
    monkeypatch.setattr(exporting, "rebuild", foreign)
    otherwise = pickle.dumps((pass_over, (folder,)))
    found = export_networks(lacking.networks, store, otherwise)
    assert "since LiteRT cannot" in str(values(found))
    assert not store.folder.exists()


def test_without_tensorflow_an_export_says_what_to_install(folder, store, monkeypatch):
    def refuse():
        raise SectionError("TensorFlow is not installed", "pip install 'reportgen[cnn]'")

    lacking = ask(folder)
    monkeypatch.setattr(exporting, "import_tensorflow", refuse)
    with pytest.raises(SectionError, match="TensorFlow is not installed"):
        export_networks(lacking.networks, store, no_otherwise())


def test_where_nothing_can_be_kept_a_pass_exports_what_it_needs_by_itself(
    folder, store, other, monkeypatch
):
    reference = scan(other)
    monkeypatch.setattr(Store, "put", lambda *_: None)
    assert export_networks(ask(folder).networks, store, no_otherwise()) is None
    assert isinstance(ask(folder), NotExported)
    assert digest(values(pass_over(folder))) == digest(reference)

"""Networks are exported before the pass over the images, which then needs no TensorFlow."""

import sys

import pytest
from scanning import (
    MODEL,
    WEIGHTS,
    digest,
    in_another_process,
    pass_over,
    scan,
    section_on_network,
    write_network,
)
from test_litert import foreign

from reportgen.analyses.base import NOTES
from reportgen.build.image_tasks import export_networks
from reportgen.cnn import choosing, exporting
from reportgen.cnn.importing import import_tensorflow
from reportgen.data.store import Store
from reportgen.errors import SectionError


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
def exported(monkeypatch):
    """The networks that have been exported."""
    made = []

    def export(fitted):
        made.append(fitted)
        return exporting.export_network(fitted)

    monkeypatch.setattr(choosing, "export_network", export)
    return made


def test_what_was_exported_gives_the_same_numbers_as_a_pass_that_exports_by_itself(folder, other):
    export_networks(*section_on_network(folder))
    found = in_another_process(folder)
    assert found["digest"] == digest(scan(other))
    assert "tensorflow" not in found["packages"]


def test_only_what_is_not_there_yet_is_exported(folder, exported):
    *sources, store = section_on_network(folder)
    export_networks(*sources, store)
    export_networks(*sources, store)
    assert len(exported) == 2
    scan(folder)
    assert len(exported) == 2


def test_where_litert_is_not_there_nothing_is_exported(folder, monkeypatch, exported):
    import_tensorflow()
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    export_networks(*section_on_network(folder))
    assert exported == []
    assert scan(folder)[NOTES]


def test_a_network_that_cannot_be_read_is_left_to_the_pass(folder, exported):
    (folder / WEIGHTS).write_bytes(b"nothing")
    export_networks(*section_on_network(folder))
    assert len(exported) == 1, "the one whose weights are drawn"
    (folder / MODEL).write_text("{}")
    export_networks(*section_on_network(folder))
    assert "is JSON but not of a Keras model" in pass_over(folder).values.message


def test_what_tensorflow_refuses_to_export_is_computed_by_tensorflow(folder, monkeypatch):
    monkeypatch.setattr(exporting, "rebuild", foreign)
    *sources, store = section_on_network(folder)
    export_networks(*sources, store)
    assert not store.folder.exists()
    assert "since LiteRT cannot" in str(scan(folder)[NOTES])


def test_without_tensorflow_the_pass_says_what_to_install(folder, monkeypatch):
    def refuse():
        raise SectionError("TensorFlow is not installed", "pip install 'reportgen[cnn]'")

    monkeypatch.setattr(exporting, "import_tensorflow", refuse)
    export_networks(*section_on_network(folder))
    assert pass_over(folder).values.error.hint == "pip install 'reportgen[cnn]'"


def test_where_nothing_can_be_kept_a_pass_exports_what_it_needs(folder, other, monkeypatch):
    reference = scan(other)
    monkeypatch.setattr(Store, "put", lambda *_: None)
    export_networks(*section_on_network(folder))
    assert digest(scan(folder)) == digest(reference)

"""What is read while it changes is perhaps not what its digest is of."""

import os

import pytest
from scanning import IMAGES, MODEL, WEIGHTS, pass_over, write_network

from reportgen.cache.sections import Cache
from reportgen.cnn.extractor import Extractor
from reportgen.data.store import Store


@pytest.mark.parametrize("name", [MODEL, WEIGHTS, IMAGES])
def test_what_was_computed_while_a_file_changed_has_no_digests(tmp_path, monkeypatch, name):
    write_network(tmp_path)
    cache = Cache(Store(tmp_path / "cache"), "stars", {})
    assert pass_over(tmp_path, cache).digests
    show = Extractor.maps

    def replacing(self, images):
        os.utime(tmp_path / name, ns=(1, 1))
        return show(self, images)

    monkeypatch.setattr(Extractor, "maps", replacing)
    assert pass_over(tmp_path, cache).digests == {}

from dataclasses import dataclass, replace

import h5py
import numpy as np
import pytest

from reportgen.config.columns import Column
from reportgen.data.catalogue import Catalogue
from reportgen.data.contents import Contents
from reportgen.data.hdf5 import ColumnPlace
from reportgen.data.images import ImageStack
from reportgen.data.models import ModelFiles
from reportgen.digests import CatalogueDigests, network_digests, rows_text
from reportgen.reduce.base import Source
from reportgen.reduce.counts import Count, Range
from reportgen.reduce.histograms import Histogram
from reportgen.reduce.maps import CountImages, MapsOf
from reportgen.store import Store

SOURCE = Source(100)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


def write(path, **columns):
    with h5py.File(path, "a") as file:
        for name, values in columns.items():
            if name in file:
                del file[name]
            file[name] = values


@pytest.fixture
def catalogue(tmp_path):
    path = tmp_path / "stars.h5"
    write(path, flux=np.arange(100.0), size=np.ones(100))
    names = ("flux", "size")
    places = {name: ColumnPlace(path, name) for name in names}
    return Catalogue("stars", 100, {name: Column(name) for name in names}, places)


def scanned(catalogue, store, passes=1, meanwhile=lambda: None, columns=("flux", "size")):
    """Read some columns a few times, as a scan does; gives their digests."""
    digests = CatalogueDigests(catalogue, store)
    for number in range(passes):
        if number:
            meanwhile()
        list(digests.chunks(frozenset(columns)))
    digests.remember()
    return digests


def test_a_section_has_the_digests_of_what_it_reads_and_no_other(catalogue, store):
    found = scanned(catalogue, store)
    assert found.of([Count("flux")], SOURCE).keys() == {"rows", "column flux"}
    both = found.of([Count("flux"), Range("size")], SOURCE)
    assert both.keys() == {"rows", "column flux", "column size"}


def test_other_values_have_another_digest_and_the_other_columns_stay(catalogue, store):
    before = scanned(catalogue, store).of([Count("flux"), Count("size")], SOURCE)
    write(catalogue.places["flux"].file, flux=np.zeros(100))
    after = scanned(catalogue, store).of([Count("flux"), Count("size")], SOURCE)
    assert {name for name in before if before[name] != after[name]} == {"column flux"}


def test_without_a_cache_nothing_is_known_not_even_by_the_number_of_rows(catalogue):
    assert scanned(catalogue, None).of([Count("flux")], SOURCE) == {}
    assert scanned(catalogue, None).of([], SOURCE) == {}


def test_a_section_that_reads_something_unseen_has_no_digests(catalogue, store):
    assert scanned(catalogue, store, columns=["size"]).of([Count("flux")], SOURCE) == {}


def test_without_rows_there_is_nothing_to_see(catalogue, store, tmp_path):
    write(tmp_path / "stars.h5", flux=np.empty(0), size=np.empty(0))
    empty = replace(catalogue, rows=0)
    assert scanned(empty, store).of([Count("flux")], Source(0)) == {"rows": "0"}


@dataclass(frozen=True)
class NeedsSize(Count):
    """As a plugin may have one: what it needs beforehand is of another column."""

    def needs(self, source):
        return {"limits": Range("size")}


class Broken(Count):
    def needs(self, source):
        raise ZeroDivisionError


def test_what_must_be_known_beforehand_counts_as_read(catalogue, store):
    found = scanned(catalogue, store).of([NeedsSize("flux")], SOURCE)
    assert found.keys() == {"rows", "column flux", "column size"}
    liked = Histogram("flux", 5, like=("size",))
    assert "column size" in scanned(catalogue, store).of([liked], SOURCE)


def test_an_error_of_a_plugin_is_no_digest(catalogue, store):
    assert scanned(catalogue, store).of([Broken("flux")], SOURCE) == {}


def test_a_file_that_changed_between_two_passes_has_no_digests(catalogue, store, tmp_path):
    def change():
        write(tmp_path / "stars.h5", flux=np.zeros(100))

    assert scanned(catalogue, store, 2).of([Count("flux")], SOURCE)
    assert scanned(catalogue, store, 2, change).of([Count("flux")], SOURCE) == {}


def test_a_linked_file_that_changed_between_two_passes_has_no_digests(catalogue, store, tmp_path):
    other = tmp_path / "other.h5"
    write(other, flux=np.arange(100.0))
    write(tmp_path / "stars.h5", flux=h5py.ExternalLink("other.h5", "flux"))
    linked = replace(catalogue, linked=frozenset({"flux"}))
    found = scanned(linked, store, 2, lambda: write(other, flux=np.zeros(100)))
    assert found.of([Count("flux")], SOURCE) == {}
    assert found.of([Count("size")], SOURCE), "it was not in that file"
    assert scanned(linked, store, 2).of([Count("flux")], SOURCE)


def test_how_rows_are_split_counts_where_they_are(catalogue):
    assert rows_text(catalogue) == "100"
    many = replace(catalogue, rows=10**7)
    wide = replace(many, columns={f"c{n}": Column(f"c{n}") for n in range(64)})
    assert len({rows_text(many), rows_text(wide), rows_text(replace(many, rows=10**7 + 1))}) == 3


@pytest.fixture
def stack(tmp_path):
    write(tmp_path / "cutouts.h5", images=np.arange(10 * 4 * 4.0).reshape(10, 4, 4))
    return ImageStack("radio", tmp_path / "cutouts.h5", "images", (10, 4, 4))


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model.json").write_text("{}")
    (tmp_path / "late.h5").write_bytes(b"late")
    weights = {"late": tmp_path / "late.h5"}
    return ModelFiles("cnn", tmp_path / "model.json", weights, "theano", "", {"late": ""})


REDUCTIONS = (CountImages(MapsOf("late"), 0, 4), CountImages(MapsOf("random"), 2, 3))


def of_network(stack, model, store, reductions=REDUCTIONS):
    return network_digests(stack, model, reductions, Contents(store, settled=0))


def test_a_section_on_a_network_reads_its_files_and_some_images(stack, model, store):
    assert of_network(stack, model, store).keys() == {
        "shape of images",
        "trained_with",
        "architecture",
        "weights late",
        "images 0 4",
        "images 2 5",
    }
    drawn = of_network(stack, model, store, REDUCTIONS[1:])
    assert "weights late" not in drawn


def changed(before, after):
    return {name for name in before if before[name] != after[name]}


def test_each_change_is_seen_in_what_it_is_a_change_of(stack, model, store, tmp_path):
    before = of_network(stack, model, store)
    assert of_network(stack, model, store) == before
    assert changed(before, of_network(stack, replace(model, trained_with=None), store)) == {
        "trained_with"
    }
    (tmp_path / "late.h5").write_bytes(b"other")
    assert changed(before, of_network(stack, model, store)) == {"weights late"}
    (tmp_path / "model.json").write_text("{ }")
    (tmp_path / "late.h5").write_bytes(b"late")
    assert changed(before, of_network(stack, model, store)) == {"architecture"}
    images = np.arange(10 * 4 * 4.0).reshape(10, 4, 4)
    images[4] = 0
    write(tmp_path / "cutouts.h5", images=images)
    assert "images 2 5" in changed(before, of_network(stack, model, store))
    assert "images 0 4" not in changed(before, of_network(stack, model, store))


def test_images_in_another_file_are_looked_at_each_time(stack, model, store, tmp_path):
    linked = replace(stack, file=tmp_path / "main.h5", whole=False)
    write(tmp_path / "main.h5", images=h5py.ExternalLink("cutouts.h5", "images"))
    before = of_network(linked, model, store)
    write(tmp_path / "cutouts.h5", images=np.zeros((10, 4, 4)))
    assert changed(before, of_network(linked, model, store)) == {"images 0 4", "images 2 5"}

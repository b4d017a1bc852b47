from dataclasses import dataclass, replace

import h5py
import numpy as np
import pytest

from reportgen.cache.digests import CatalogueDigests, image_digests, read_columns_of
from reportgen.config.columns import Column
from reportgen.data.catalogue import Catalogue
from reportgen.data.dataset import ColumnPlace
from reportgen.data.file_digests import FileDigests
from reportgen.data.images import ImageStack
from reportgen.data.models import ModelFiles
from reportgen.data.store import Store
from reportgen.reduce.counts import CountValues, Range
from reportgen.reduce.histograms import Histogram
from reportgen.reduce.maps import CountImages, MapsOf
from reportgen.reduce.scan import columns_read, scan


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


class Changing:
    """A catalogue that changes before it is read for the second time."""

    def __init__(self, catalogue, change):
        self.catalogue, self.rows, self.waiting = catalogue, catalogue.rows, [change, lambda: None]

    def reading(self, columns):
        self.waiting.pop()()
        return self.catalogue.reading(columns)


def digests_of(catalogue, store, *wanted, exact_rows=10**6, change=None):
    """Scan a catalogue; gives the digest of each thing that it reads."""
    digests = CatalogueDigests(catalogue, store)
    exact = catalogue.rows <= exact_rows
    of_columns = digests.reductions(columns_read(wanted, exact))
    source = catalogue if change is None else Changing(catalogue, change)
    digests.remember(scan([*wanted, *of_columns], source, exact_rows))
    return digests.of(columns_read(wanted, exact))


@pytest.mark.parametrize("rows", [0, 1, 65536, 200_000])
def test_a_digest_depends_on_neither_the_other_columns_nor_how_it_is_read(store, tmp_path, rows):
    path = tmp_path / "stars.h5"
    table = np.random.default_rng(rows).normal(size=(rows, 2))
    write(path, table=table, alone=table[:, 1].copy())
    packed = {"chunks": (1000, 1), "compression": "gzip"} if rows >= 1000 else {}
    with h5py.File(path, "a") as file:
        file.create_dataset("packed", data=table, **packed)
    places = [ColumnPlace(path, "table", 1), ColumnPlace(path, "packed", 1)]
    places += [ColumnPlace(path, "alone")]
    found = set()
    for place in places:
        for exact_rows, others in ((0, {}), (10**6, {"size": ColumnPlace(path, "table", 0)})):
            there = {"flux": place, **others}
            catalogue = Catalogue("stars", rows, {name: Column(name) for name in there}, there)
            wanted = [Histogram(name) for name in there]
            found.add(digests_of(catalogue, store, *wanted, exact_rows=exact_rows)["column flux"])
            found.add(read_columns_of(catalogue, ["column flux"])["column flux"])
    assert len(found) == 1


def test_a_digest_tells_values_their_order_and_their_number_apart(store, tmp_path):
    found = set()
    columns = [[1, 2, 3], [3, 2, 1], [1, 2], [np.nan], [np.inf], [-np.inf], [0.0], [-0.0]]
    for number, values in enumerate(columns):
        write(tmp_path / "a.h5", **{f"c{number}": np.array(values, dtype=float)})
        place = ColumnPlace(tmp_path / "a.h5", f"c{number}")
        catalogue = Catalogue("a", len(values), {"c": Column("c")}, {"c": place})
        found.add(digests_of(catalogue, store, CountValues("c"))["column c"])
    assert len(found) == len(columns)


@dataclass(frozen=True)
class NeedsSize(CountValues):
    """As a plugin may have one: what it needs beforehand is of another column."""

    def needs(self):
        return {"limits": Range("size")}

    def start(self, limits):
        return super().start()


def test_what_must_be_known_beforehand_counts_as_read(catalogue, store):
    for wanted in (NeedsSize("flux"), Histogram("flux", 5, like=("size",))):
        found = digests_of(catalogue, store, wanted)
        assert found.keys() == {"rows", "column flux", "column size"}


def test_a_file_that_changed_while_it_was_read_has_no_digests(catalogue, store, tmp_path):
    def change():
        write(tmp_path / "stars.h5", flux=np.zeros(100))

    wanted = Histogram("flux")
    assert digests_of(catalogue, store, wanted, exact_rows=0)
    assert digests_of(catalogue, store, wanted, exact_rows=0, change=change) == {}


def test_a_linked_file_that_changed_between_two_passes_has_no_digests(catalogue, store, tmp_path):
    other = tmp_path / "other.h5"
    write(other, flux=np.arange(100.0))
    write(tmp_path / "stars.h5", flux=h5py.ExternalLink("other.h5", "flux"))
    linked = replace(catalogue, linked=frozenset({"flux"}))

    def change():
        write(other, flux=np.zeros(100))

    flux, size = Histogram("flux"), Histogram("size")
    assert digests_of(linked, store, flux, exact_rows=0)
    assert digests_of(linked, store, flux, exact_rows=0, change=change) == {}
    assert digests_of(linked, store, size, exact_rows=0, change=change), "it is not in that file"


@pytest.fixture
def stack(tmp_path):
    write(tmp_path / "cutouts.h5", images=np.arange(10 * 4 * 4.0).reshape(10, 4, 4))
    return ImageStack("radio", tmp_path / "cutouts.h5", "images", (10, 4, 4, 1))


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model.json").write_text("{}")
    (tmp_path / "late.h5").write_bytes(b"late")
    weights = {"late": tmp_path / "late.h5"}
    return ModelFiles("cnn", tmp_path / "model.json", weights, "theano", "", {"late": ""})


REDUCTIONS = (CountImages(MapsOf("late"), 0, 4), CountImages(MapsOf("random"), 2, 3))


def of_network(stack, model, store, reductions=REDUCTIONS):
    return image_digests(stack, model, reductions, FileDigests(store, settled=0))


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

import os
import time

import h5py
import numpy as np
import pytest

from reportgen.data import contents as module
from reportgen.data.contents import (
    DIGEST,
    Contents,
    column_name,
    digest_of,
    image_digest,
    length_name,
    stamp,
)
from reportgen.data.hdf5 import ColumnPlace, is_whole
from reportgen.data.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


@pytest.fixture
def contents(store):
    """What takes a file for settled as soon as it is written."""
    return Contents(store, settled=0)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "stars.h5"
    path.write_bytes(b"abcd")
    return path


def remember(contents, path, **told):
    contents.remember(stamp(path), told)


def age(path, seconds=0):
    """Give a file the modification time that it had before it was changed."""
    os.utime(path, ns=(10**18, 10**18 + seconds * 10**9))


def test_what_is_remembered_is_known_later_and_more_is_added_to_it(contents, store, file):
    remember(contents, file, one="1")
    remember(Contents(store, settled=0), file, two=[2, 3])
    assert Contents(store).of(file) == {"one": "1", "two": [2, 3]}


def replace_with_same_size(path):
    other = path.with_suffix(".new")
    other.write_bytes(b"efgh")
    age(other)
    other.replace(path)


def write_in_place_at_the_same_time(path):
    path.write_bytes(b"efgh")
    age(path)


def append(path):
    with path.open("ab") as opened:
        opened.write(b"e")


@pytest.mark.parametrize(
    "change", [replace_with_same_size, write_in_place_at_the_same_time, append]
)
def test_of_a_changed_file_nothing_is_known(contents, store, file, change):
    age(file)
    remember(contents, file, **{DIGEST: "old"})
    # The clock that stamps files moves in steps of some milliseconds.
    before = file.stat().st_ctime_ns
    while file.stat().st_ctime_ns == before:
        change(file)
    assert contents.of(file) == {}
    assert Contents(store).of(file) == {}


def test_a_file_that_was_touched_must_be_read_again(contents, store, file):
    remember(contents, file, **{DIGEST: "old"})
    age(file)
    assert Contents(store).of(file) == {}


def test_nothing_is_remembered_of_a_file_that_changes_while_it_is_read(contents, store, file):
    before = stamp(file)
    append(file)
    contents.remember(before, {DIGEST: "of the new, perhaps"})
    assert store.get(before.key) is None


def test_nothing_is_remembered_of_a_file_that_was_just_written(store, file):
    """It could be written again, to the same size, before the clock of the disk moves on."""
    remember(Contents(store, settled=1000), file, one="1")
    assert Contents(store).of(file) == {}


def test_nothing_is_remembered_of_a_file_from_the_future(store, file, monkeypatch):
    contents = Contents(store, settled=0)
    monkeypatch.setattr(time, "time", lambda: file.stat().st_ctime - 10)
    remember(contents, file, one="1")
    assert Contents(store).of(file) == {}


def test_without_a_store_or_a_file_nothing_is_known(contents, file, tmp_path):
    remember(Contents(settled=0), file, one="1")
    assert Contents().of(file) == {}
    assert stamp(tmp_path / "none") is None
    assert contents.of(tmp_path / "none") == {}
    remember(contents, tmp_path / "none", one="1")
    assert contents.of(tmp_path / "none") == {}


def test_what_another_version_of_reportgen_remembered_is_not_known(contents, file, monkeypatch):
    remember(contents, file, one="1")
    monkeypatch.setattr(module, "package_digest", lambda: "other")
    assert Contents(contents.store).of(file) == {}


@pytest.mark.parametrize("content", [b"", b"[1, 2]", b"not JSON", b"\xff"])
def test_what_the_store_has_and_is_not_ours_is_no_knowledge(contents, store, file, content):
    store.put(stamp(file).key, content)
    assert Contents(store).of(file) == {}
    remember(contents, file, one="1")
    assert Contents(store).of(file) == {"one": "1"}


def test_a_link_to_another_file_is_another_file(contents, file, tmp_path):
    link, other = tmp_path / "link.h5", tmp_path / "other.h5"
    other.write_bytes(b"abcd")
    link.symlink_to(file)
    remember(contents, link, one="1")
    link.unlink()
    link.symlink_to(other)
    assert contents.of(link) == {}


def test_columns_of_a_file_are_told_apart_by_their_place_and_missing_marks(file):
    places = [
        ColumnPlace(file, "a"),
        ColumnPlace(file, "b"),
        ColumnPlace(file, "a", index=0),
        ColumnPlace(file, "a", field="0"),
        ColumnPlace(file, "a", missing=(-99.0,)),
        ColumnPlace(file, "a", missing=(-99.9, -99.0)),
    ]
    assert len({column_name(place) for place in places}) == len(places)
    assert len({length_name(place) for place in places}) == 4  # marks leave the length as it is


def test_a_digest_of_images_is_that_of_their_pixels_and_shape():
    images = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    assert image_digest([images]) == image_digest([images.copy()])
    assert image_digest([images]) != image_digest([images.reshape(2, 4, 3)])
    assert image_digest([images]) != image_digest([images[:1]])
    assert image_digest([images]) != image_digest([images[::-1]])


def test_a_digest_does_not_depend_on_the_order_of_keys():
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1}) != digest_of({"a": 1})


def test_a_dataset_is_whole_when_nothing_of_it_is_in_another_file(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["there/a"] = [1.0, 2.0]
    np.array([1.0, 2.0]).tofile(tmp_path / "raw.bin")
    layout = h5py.VirtualLayout((2,), float)
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "there/a", (2,))
    with h5py.File(tmp_path / "main.h5", "w") as file:
        file["own"] = [1.0, 2.0]
        file["soft"] = h5py.SoftLink("/own")
        file["linked"] = h5py.ExternalLink("other.h5", "/there/a")
        file["group"] = h5py.ExternalLink("other.h5", "/there")
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset(
            "external", (2,), float, external=[(str(tmp_path / "raw.bin"), 0, h5py.h5f.UNLIMITED)]
        )
    with h5py.File(tmp_path / "main.h5") as file:
        names = ["own", "soft", "linked", "group/a", "virtual", "external"]
        whole = {name: is_whole(file, file[name]) for name in names}
        assert all(list(file[name]) == [1.0, 2.0] for name in names)
    assert whole == dict.fromkeys(names, False) | {"own": True, "soft": True}

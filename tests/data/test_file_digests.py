import os
from pathlib import Path

import numpy as np
import pytest

from reportgen.data.dataset import ColumnPlace
from reportgen.data.file_digests import (
    DIGEST,
    FileDigests,
    column_name,
    image_digest,
    stamp,
)
from reportgen.data.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


@pytest.fixture
def contents(store):
    """What takes a file for settled as soon as it is written."""
    return FileDigests(store, settled=0)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "stars.h5"
    path.write_bytes(b"abcd")
    return path


def remember(contents, path, **told):
    contents.remember(path, stamp(path), told)


def age(path):
    """Give a file the modification time that it had before it was changed."""
    os.utime(path, ns=(10**18, 10**18))


def test_what_is_remembered_is_known_later_and_more_is_added_to_it(contents, store, file):
    remember(contents, file, one="1")
    remember(FileDigests(store, settled=0), file, two=[2, 3])
    assert FileDigests(store).of(file) == {"one": "1", "two": [2, 3]}


def replace_with_same_size(path):
    path.with_suffix(".new").write_bytes(b"efgh")
    path.with_suffix(".new").replace(path)


def write_in_place_at_the_same_time(path):
    path.write_bytes(b"efgh")
    age(path)


@pytest.mark.parametrize(
    "change", [replace_with_same_size, write_in_place_at_the_same_time, Path.touch]
)
def test_of_a_changed_file_nothing_is_known(contents, store, file, change):
    age(file)
    remember(contents, file, **{DIGEST: "old"})
    # The clock that stamps files moves in steps of some milliseconds.
    before = file.stat().st_ctime_ns
    while file.stat().st_ctime_ns == before:
        change(file)
    assert contents.of(file) == {}
    assert FileDigests(store).of(file) == {}


def test_nothing_is_remembered_of_a_file_that_changes_while_it_is_read(contents, store, file):
    before = stamp(file)
    file.write_bytes(b"abcde")
    contents.remember(file, before, {DIGEST: "of the new, perhaps"})
    assert store.get(before.key) is None


def test_nothing_is_remembered_of_a_file_that_was_just_written(store, file):
    """It could be written again, to the same size, before the clock of the disk moves on."""
    remember(FileDigests(store, settled=1000), file, one="1")
    assert FileDigests(store).of(file) == {}


def test_without_a_store_or_a_file_nothing_is_known(contents, file, tmp_path):
    remember(FileDigests(settled=0), file, one="1")
    assert FileDigests().of(file) == {}
    assert stamp(tmp_path / "none") is None
    assert contents.of(tmp_path / "none") == {}
    remember(contents, tmp_path / "none", one="1")
    assert contents.of(tmp_path / "none") == {}


def test_columns_of_a_file_are_told_apart_by_their_place_and_missing_marks(file):
    places = [
        ColumnPlace(file, "a"),
        ColumnPlace(file, "b"),
        ColumnPlace(file, "a", index=0),
        ColumnPlace(file, "a", field="0"),
        ColumnPlace(file, "a", missing=(-99.0,)),
        ColumnPlace(file, "a", missing=(-99.9, -99.0)),
        ColumnPlace(file, "a", mask="m"),
    ]
    assert len({column_name(place) for place in places}) == len(places)


def test_a_digest_of_images_is_that_of_their_pixels_and_shape():
    images = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    assert image_digest([images]) == image_digest([images.copy()])
    assert image_digest([images]) != image_digest([images.reshape(2, 4, 3)])
    assert image_digest([images]) != image_digest([images[:1]])
    assert image_digest([images]) != image_digest([images[::-1]])

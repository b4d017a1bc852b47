import os
import re

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.data import hdf5
from reportgen.data.hdf5 import (
    ColumnPlace,
    OpenDatasets,
    as_numbers,
    column_type,
    open_dataset,
    open_file,
    read_columns,
)
from reportgen.errors import ExitCode, SourceError

WHERE = "cdfs.yaml:9:7: catalogues.swire.columns.flux"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "swire.h5"


@pytest.fixture
def write(path):
    def write(**datasets):
        with h5py.File(path, "w") as file:
            for name, data in datasets.items():
                file[name] = data
        return path

    return write


def read(path, dataset="data", start=0, stop=None, most=10**9, **place):
    """Check and read one column, at most so many rows."""
    column = ColumnPlace(path, dataset, where=WHERE, **place)
    with open_file(path, WHERE) as file:
        found = open_dataset(file, dataset, WHERE)
        column_type(found, column)
        stop = min(found.shape[0], most) if stop is None else stop
    with OpenDatasets() as stack:
        (values,) = read_columns([column], start, stop, stack)
    assert values.dtype == np.float64
    return values


def refusal(action, *arguments, **keywords):
    """Give the message and the hint of a SourceError that names the place in the YAML."""
    with pytest.raises(SourceError) as caught:
        action(*arguments, **keywords)
    assert caught.value.exit_code == ExitCode.SOURCE == 5
    assert caught.value.message.startswith(f"{WHERE}: ")
    return caught.value.message.removeprefix(f"{WHERE}: "), caught.value.hint


LAYOUTS = {
    "contiguous": {},
    "chunked": {"chunks": (7, 2)},
    "gzip": {"chunks": (10, 4), "compression": "gzip", "shuffle": True},
    "lzf": {"chunks": (64, 1), "compression": "lzf"},
    "checksum": {"chunks": (5, 4), "fletcher32": True},
    "growing": {"maxshape": (None, 4)},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read(path, layout):
    data = np.random.default_rng(1).normal(size=(64, 4))
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=data, **LAYOUTS[layout])
    for index in range(4):
        assert read(path, index=index).tolist() == data[:, index].tolist()
    assert read(path, index=2, start=9, stop=33).tolist() == data[9:33, 2].tolist()


TYPES = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "?"]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", TYPES)
def test_every_numeric_type_is_read(write, kind, order):
    dtype = np.dtype(kind).newbyteorder(order)
    data = np.array([0, 1, 1, 0], dtype=dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        data = np.array([limits.min, limits.max, 0, 7], dtype=dtype)
    if dtype.kind == "f":
        data = np.array([-1.5, np.nan, np.inf, 0.1], dtype=dtype)
    path = write(data=data, table=np.stack([data, data], axis=1))
    expected = data.astype(np.float64)
    np.testing.assert_array_equal(read(path), expected)
    np.testing.assert_array_equal(read(path, "table", index=1), expected)


def test_a_long_double_is_read_and_may_be_beyond_float64(write):
    data = np.array([1.5, 2], dtype=np.longdouble)
    data[1] = data[1] ** 5000 if np.finfo(np.longdouble).maxexp > 5000 else np.inf
    assert read(write(data=data)).tolist() == [1.5, np.inf]


def test_a_field_of_a_compound_dataset_is_read(write):
    data = np.array([(1.5, 2, "a"), (3.5, 4, "b")], dtype=[("x", "f4"), ("n", ">i2"), ("s", "S3")])
    path = write(data=data)
    assert read(path, field="x").tolist() == [1.5, 3.5]
    assert read(path, field="n", start=1, stop=2).tolist() == [4]
    places = [ColumnPlace(path, "data", field=name) for name in ("n", "x", "n")]
    with OpenDatasets() as stack:
        found = read_columns(places, 0, 2, stack)
    assert [values.tolist() for values in found] == [[2, 4], [1.5, 3.5], [2, 4]]


def test_no_rows_are_read_as_no_rows(write):
    path = write(data=np.empty(0), table=np.empty((0, 3)))
    assert read(path).tolist() == []
    assert read(path, "table", index=2).tolist() == []


def test_columns_come_in_the_order_asked_for_whatever_they_are_read_with(write, tmp_path):
    table = np.arange(40.0).reshape(4, 10)
    path = write(table=table, labels=np.array([True, False, True, True]))
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["table"] = -table
    places = [
        ColumnPlace(path, "table", index=7),
        ColumnPlace(path, "labels"),
        ColumnPlace(other, "table", index=7),
        ColumnPlace(path, "table", index=0),
        ColumnPlace(path, "table", index=7, missing=(17.0,)),
        ColumnPlace(path, "labels"),
    ]
    with OpenDatasets() as stack:
        found = read_columns(places, 1, 4, stack)
    assert found[0].tolist() == [17, 27, 37]
    assert found[1].tolist() == [0, 1, 1]
    assert found[2].tolist() == [-17, -27, -37]
    assert found[3].tolist() == [10, 20, 30]
    assert np.isnan(found[4]).tolist() == [True, False, False]
    assert found[5].tolist() == [0, 1, 1]


class Watched:
    """A dataset that remembers what was read of it."""

    def __init__(self, data, chunks=None):
        self.data, self.shape, self.chunks, self.reads = data, data.shape, chunks, []

    def __getitem__(self, key):
        self.reads.append(key[1] if isinstance(key, tuple) else key)
        return self.data[key]


@pytest.mark.parametrize(
    ("indices", "reads"),
    [
        ([3], [(3, 4)]),
        ([2, 3, 4], [(2, 5)]),
        ([4, 2], [(2, 5)]),
        ([0, 1 + hdf5.MAX_GAP], [(0, 2 + hdf5.MAX_GAP)]),
        ([0, 2 + hdf5.MAX_GAP], [(0, 1), (2 + hdf5.MAX_GAP, 3 + hdf5.MAX_GAP)]),
        ([0, 29, 1, 28], [(0, 2), (28, 30)]),
    ],
)
def test_adjacent_columns_are_read_at_once_and_no_others(tmp_path, indices, reads):
    data = np.arange(150).reshape(5, 30)
    watched = Watched(data)

    class Stack:
        def dataset(self, file, name, where):
            return watched

    places = [ColumnPlace(tmp_path, "x", index=index) for index in indices]
    found = read_columns(places, 0, 5, Stack())
    assert [(cut.start, cut.stop) for cut in watched.reads] == reads
    for index, values in zip(indices, found, strict=True):
        assert values.tolist() == data[:, index].tolist()


@pytest.mark.parametrize(
    ("width", "chunks", "read"),
    [
        (hdf5.MAX_GAP + 2, None, slice(0, 5)),
        (hdf5.MAX_GAP + 3, None, slice(1, 3)),
        (hdf5.MAX_GAP + 2, (5, 1), slice(1, 3)),
    ],
)
def test_whole_rows_are_read_where_few_other_columns_lie_beside_in_the_file(
    tmp_path, width, chunks, read
):
    data = np.arange(5 * width).reshape(5, width)
    watched = Watched(data, chunks)

    class Stack:
        def dataset(self, file, name, where):
            return watched

    places = [ColumnPlace(tmp_path, "x", index=index) for index in (2, 1)]
    found = read_columns(places, 0, 5, Stack())
    assert watched.reads == [read]
    assert [values.tolist() for values in found] == [data[:, 2].tolist(), data[:, 1].tolist()]


def test_marks_become_missing_and_infinities_stay():
    found = as_numbers(np.array([-99.0, 0, 1, np.nan, np.inf, -np.inf]), (-99.0, 0.0))
    assert np.isnan(found).tolist() == [True, True, False, True, False, False]
    assert found[4:].tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize("dtype", ["f2", "<f4", ">f4", "f8", "longdouble"])
def test_a_mark_is_compared_in_the_type_on_disk(dtype):
    raw = np.array([-99.9, -99.8, 99.9], dtype=dtype)
    assert np.isnan(as_numbers(raw, (-99.9,))).tolist() == [True, False, False]


def test_a_mark_that_the_type_cannot_hold_matches_nothing():
    raw = np.array([np.inf, -np.inf, 0, 1], dtype="f4")
    assert not np.isnan(as_numbers(raw, (1e300, -1e300, 1e-300))).any()
    raw = np.array([np.inf, 0, 65504], dtype="f2")
    assert not np.isnan(as_numbers(raw, (99999.0, 1e-30))).any()
    raw = np.array([0, 255, 1], dtype="u1")
    assert not np.isnan(as_numbers(raw, (-1.0, 256.0, 0.5, 1e300))).any()


def test_a_mark_among_integers_beyond_2_to_the_53_is_itself_only():
    raw = np.array([2**53, 2**53 + 1, -(2**63)], dtype="i8")
    assert np.isnan(as_numbers(raw, (2.0**53,))).tolist() == [True, False, False]
    assert np.isnan(as_numbers(raw, (-(2.0**63),))).tolist() == [False, False, True]
    raw = np.array([2**64 - 1, 5], dtype="u8")  # 18446744073709551615 in the YAML
    assert np.isnan(as_numbers(raw, (float(2**64 - 1),))).tolist() == [True, False]


def test_a_flag_can_have_a_mark():
    assert np.isnan(as_numbers(np.array([True, False]), (0.0,))).tolist() == [False, True]


@given(
    st.lists(st.floats(width=32), max_size=20),
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=3),
)
def test_marks_of_any_value_are_found_in_float32(values, marks):
    raw = np.array([*values, *marks], dtype="f4")
    found = as_numbers(raw, tuple(float(mark) for mark in marks))
    expected = [np.isnan(value) or value in marks for value in raw.tolist()]
    assert np.isnan(found).tolist() == expected
    assert (found[~np.isnan(found)] == raw[~np.isnan(found)]).all()


def test_a_signalling_nan_gives_no_warning():
    raw = np.array([0x7F800001, 0x3F800000], dtype="u4").view("f4")
    assert np.isnan(as_numbers(raw, (-99.0,))).tolist() == [True, False]


# What can be wrong with a file


def test_a_missing_file_lists_the_hdf5_files_beside_it(write, tmp_path):
    write(data=[1.0])
    message, hint = refusal(read, tmp_path / "swrie.h5")
    assert message == f"{tmp_path / 'swrie.h5'}: there is no such file"
    assert hint == f"HDF5 files in {tmp_path}: swire.h5"
    assert refusal(read, tmp_path / "no" / "x.h5")[1] == "check the path"


def test_a_folder_is_said_to_be_one(tmp_path):
    message, hint = refusal(read, tmp_path)
    assert message == f"{tmp_path}: is a folder, not an HDF5 file"
    assert hint == "name the file in it"


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path, name):
    message, _ = refusal(read, tmp_path / name)
    assert "cannot be read: " in message


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"SIMPLE  = T", "is not an HDF5 file"), (b"\x89HDF", "is not an HDF5")],
)
def test_a_file_of_another_kind_is_said_not_to_be_hdf5(path, content, said):
    path.write_bytes(content)
    message, hint = refusal(read, path)
    assert message.startswith(f"{path}: {said}")
    assert hint


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_said_to_be_truncated(write, share):
    path = write(data=np.arange(5000.0))
    os.truncate(path, max(9, int(share * path.stat().st_size)))
    message, hint = refusal(read, path)
    assert message == (f"{path}: is truncated: it holds fewer bytes than its header promises")
    assert hint == "copy or download it again"


def test_a_header_that_makes_no_sense_is_said_so(write):
    path = write(data=np.arange(50.0))
    os.truncate(path, 8)
    message, hint = refusal(read, path)
    assert message.startswith(f"{path}: cannot be opened as HDF5: ")
    assert "damaged" in hint


def test_an_unreadable_file_is_said_to_be_so(write):
    path = write(data=[1.0])
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user (root) may read every file")
    assert refusal(read, path)[0] == f"{path}: cannot be read: Permission denied"


def test_a_file_in_an_unreadable_folder_is_said_to_be_so(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "x.h5").touch()
    folder.chmod(0)
    try:
        if os.access(folder, os.X_OK):
            pytest.skip("this user (root) may enter every folder")
        message, _ = refusal(read, folder / "x.h5")
        assert message.endswith("cannot be read: Permission denied")
    finally:
        folder.chmod(0o700)


def test_a_lock_is_said_to_be_one(write, monkeypatch):
    path = write(data=[1.0])

    def locked(*arguments, **options):
        raise BlockingIOError(11, "Unable to synchronously open file (unable to lock file, errno)")

    monkeypatch.setattr(h5py, "File", locked)
    message, hint = refusal(read, path)
    assert message == f"{path}: is open for writing in another program"
    assert "wait" in hint


# What can be wrong with a dataset


def test_a_missing_dataset_lists_what_is_there(write, path):
    write(**{"swire/cdfs/catalogue": np.ones((2, 2)), "atlas/positions": [1.0]})
    message, _ = refusal(read, path, "/swire/cdfs/catalog")
    assert message == (
        f"{path}: unknown dataset '/swire/cdfs/catalog'; did you mean '/swire/cdfs/catalogue'? "
        "(known: /atlas/positions, /swire/cdfs/catalogue)"
    )
    assert "unknown dataset '/atlas/positions/x'" in refusal(read, path, "atlas/positions/x")[0]


def test_a_file_without_datasets_says_so(write, path):
    write()
    assert refusal(read, path)[0].endswith("unknown dataset '/data' (known: none)")


def test_a_group_is_said_to_be_one(write, path):
    write(**{"swire/cdfs": [1.0]})
    for name in ("swire", "/swire", "/"):
        message, hint = refusal(read, path, name)
        assert message == f"{path}: {name} is a group, not a dataset"
        assert hint == "datasets in the file: /swire/cdfs"


def test_links_that_lead_nowhere_are_said_to_be_links(write, path):
    write(data=[1.0])
    with h5py.File(path, "r+") as file:
        file["soft"] = h5py.SoftLink("/gone")
        file["external"] = h5py.ExternalLink("gone.h5", "/x")
        file["alias"] = h5py.SoftLink("/data")
    assert refusal(read, path, "soft")[0].endswith("soft is a link to /gone, which is not there")
    message, _ = refusal(read, path, "external")
    assert message.endswith("a link to /x in the file gone.h5, which cannot be opened")
    assert read(path, "alias").tolist() == [1]


def test_a_type_stored_in_the_file_is_no_dataset(write, path):
    write(kind=np.dtype("f8"))
    assert refusal(read, path, "kind")[0] == f"{path}: kind is a type, not a dataset"


@pytest.mark.parametrize(
    ("data", "place", "said", "hint"),
    [
        (
            np.ones((4, 3)),
            {"index": 3},
            "/data has 3 columns, so there is no column index 3",
            "the last one is 2",
        ),
        (np.ones((4, 0)), {"index": 0}, "/data has 0 columns", "the dataset is empty"),
        (np.ones((4, 3)), {}, "/data has shape (4, 3), which is not a column", "with index"),
        (np.ones(4), {"index": 0}, "/data has shape (4,), which is not a column", "leave out"),
        (np.ones((2, 3, 4)), {"index": 0}, "/data has shape (2, 3, 4)", "1-D, or 2-D + index"),
        (5.0, {}, "/data has shape (), which is not a column", ""),
        (h5py.Empty("f8"), {}, "/data is empty", ""),
        (["a", "b"], {}, "/data holds text, not numbers", "numeric or boolean"),
        (np.array([b"a", b"b"]), {}, "/data holds text, not numbers", ""),
        (np.array([["a", "b"]], dtype="S1"), {"index": 1}, "/data holds text, not numbers", ""),
        (np.array([1j]), {}, "/data holds complex numbers, not numbers", ""),
        (np.array([b"\x00"], dtype="V1"), {}, "/data holds |V1, not numbers", ""),
        (np.ones(3), {"field": "x"}, "is not a compound dataset, so it has no field 'x'", "float6"),
        (np.zeros(2, [("x", "f8"), ("y", "f8")]), {}, "is a compound dataset", "field: x, y"),
        (
            np.zeros(2, [("flux", "f8")]),
            {"field": "flx"},
            "/data: unknown field 'flx'; did you mean 'flux'?",
            "",
        ),
        (np.zeros(2, [("x", "S3")]), {"field": "x"}, "/data holds text", ""),
        (np.zeros(2, [("x", "f8", 3)]), {"field": "x"}, "('<f8', (3,)), not numbers", ""),
        (np.zeros((2, 2), [("x", "f8")]), {"field": "x"}, "has shape (2, 2)", ""),
    ],
)
def test_what_is_not_a_column_of_numbers_is_named(write, data, place, said, hint):
    path = write(data=data)
    message, advice = refusal(read, path, **place)
    assert message.startswith(f"{path}: /data")
    assert said in message
    assert hint in advice


def test_lists_and_references_are_no_numbers(write, path):
    write(data=[1.0])
    with h5py.File(path, "r+") as file:
        file.create_dataset("lists", (3,), dtype=h5py.vlen_dtype(np.int32))
        file.create_dataset("references", (3,), dtype=h5py.ref_dtype)
    for name in ("lists", "references"):
        assert refusal(read, path, name)[0].endswith("holds lists or references, not numbers")


def test_a_type_that_numpy_does_not_have_is_named(write, path):
    write(data=[1.0])
    with h5py.File(path, "r+") as file:
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(file.id, b"times", h5py.h5t.UNIX_D32LE, space)
    assert "/times has a type that cannot be read" in refusal(read, path, "times")[0]


# What can go wrong while reading


def damage_chunk(path, dataset, number):
    """Overwrite a compressed chunk."""
    with h5py.File(path) as file:
        chunk = file[dataset].id.get_chunk_info(number)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write((bytes(range(256)) * 4)[: chunk.size])


@pytest.mark.parametrize("layout", [{"compression": "gzip"}, {"fletcher32": True}])
def test_a_damaged_chunk_names_the_file_the_dataset_and_the_rows(path, layout):
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=np.arange(1000.0), chunks=(100,), **layout)
    damage_chunk(path, "data", 5)
    assert read(path, stop=500).tolist() == list(range(500))
    message, hint = refusal(read, path, start=400, stop=600)
    assert re.fullmatch(rf"{path}: data: rows 400 to 600 cannot be read: .+", message)
    assert "synchronously" not in message
    assert hint == "the file is damaged; copy or download it again"


def test_rows_that_vanish_while_they_are_read_are_missed(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=np.arange(10.0), maxshape=(None,))
    message, _ = refusal(read, path, start=5, stop=20)
    assert message.endswith("rows 5 to 20 cannot be read: there are only 10 rows left of 20")


def test_a_compression_that_is_not_installed_is_no_damage(path):
    with h5py.File(path, "w") as file:
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_chunk((10,))
        # 32001 is Blosc; optional, so that it can be written without the plugin.
        created.set_filter(32001, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((10,))
        dataset = h5py.h5d.create(file.id, b"data", h5py.h5t.IEEE_F64LE, space, dcpl=created)
        dataset.write_direct_chunk((0,), b"\x02\x01" * 40)
    message, hint = refusal(read, path)
    assert message == (
        f"{path}: /data is compressed by the HDF5 filter 32001, which is not installed"
    )
    assert "HDF5_PLUGIN_PATH" in hint


@given(data=st.data())
def test_any_damage_is_a_source_error_or_goes_unnoticed(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("group/data", data=np.arange(300.0), chunks=(100,), compression="gzip")
        file["other"] = np.zeros((5, 2))
    size = path.stat().st_size
    with path.open("r+b") as raw:
        for _ in range(data.draw(st.integers(1, 4))):
            raw.seek(data.draw(st.integers(0, size - 1)))
            raw.write(data.draw(st.binary(min_size=1, max_size=4)))
    for name, place in (("group/data", {}), ("other", {"index": 1}), ("nothing", {})):
        try:
            values = read(path, name, most=1000, **place)  # the damage may promise many more
        except SourceError as error:
            said = error.message
        else:
            said = f"{WHERE}: {path}: {len(values)} rows"
        assert said.startswith(f"{WHERE}: {path}")


def test_open_files_are_closed_after_an_error(path):
    with h5py.File(path, "w") as file:
        file["data"] = np.arange(10.0)
    with pytest.raises(SourceError):
        read(path, start=5, stop=20)
    with h5py.File(path, "w") as file:  # HDF5 refuses to write to a file that is still open
        file["data"] = [1.0]
    assert read(path).tolist() == [1]

import os
import re

import h5py
import numpy as np
import pytest

from reportgen.config.sources import CatalogueBlock
from reportgen.data.catalogue import open_catalogues
from reportgen.data.dataset import ColumnPlace
from reportgen.data.format import FileTable, Wanted
from reportgen.data.hdf5_table import MAX_GAP, Hdf5Table
from reportgen.data.opening import describe_here, open_places
from reportgen.errors import ExitCode, SourceError

WHERE = "cdfs.yaml:9:7: catalogues.swire"


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


def read_all(places, start, stop):
    with open_places(places) as read:
        return read(start, stop)


def read(path, dataset="data", start=0, stop=None, **place):
    """Look at a column and read it."""
    keys = {"file": path, "dataset": dataset, "columns": {"x": place}}
    block = CatalogueBlock.model_validate({**keys, "others": False})
    catalogue = open_catalogues({"swire": block}, lambda *_: WHERE)["swire"]
    if isinstance(catalogue, SourceError):
        raise catalogue
    with catalogue.reading(["x"]) as rows:
        values = rows(range(start, catalogue.rows if stop is None else stop))["x"]
    assert values.dtype == np.float64
    return values


def refusal(action, *arguments, **keywords):
    """Return the message and the hint of a SourceError that names the place in the YAML."""
    with pytest.raises(SourceError) as caught:
        action(*arguments, **keywords)
    assert caught.value.exit_code == ExitCode.SOURCE == 5
    assert caught.value.message.startswith(f"{WHERE}: ")
    return caught.value.message.removeprefix(f"{WHERE}: "), caught.value.hint


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"chunks": (10, 4), "compression": "gzip", "shuffle": True},
        {"chunks": (64, 1), "compression": "lzf"},
        {"chunks": (5, 4), "fletcher32": True},
        {"maxshape": (None, 30)},
    ],
)
def test_any_columns_of_any_layout_are_read(path, layout):
    """Columns that lie close together are read at once, whole rows where that is quicker."""
    data = np.random.default_rng(1).normal(size=(64, 30))
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=data, **layout)
    for indices in ([3], [4, 2], [0, 29, 1, 28], [0, 1 + MAX_GAP], [0, 2 + MAX_GAP], range(30)):
        places = [ColumnPlace(path, "data", index=index) for index in indices]
        found = read_all(places, 9, 33)
        assert [values.tolist() for values in found] == [data[9:33, i].tolist() for i in indices]


TYPES = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "longdouble", "?"]


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
    for found in (read(path), read(path, "table", index=1)):
        if kind in {"i8", "u8"}:  # of which float64 takes the last digits
            assert [int(a) + int(b) for a, b in found.T] == data.tolist()
        np.testing.assert_array_equal(np.atleast_2d(found)[0], expected)


def test_columns_come_in_the_order_asked_for_whatever_they_are_read_with(write, tmp_path):
    table = np.arange(40.0).reshape(4, 10)
    pairs = np.array([(1.5, 2, "a")] * 4, dtype=[("x", "f4"), ("n", ">i2"), ("s", "S3")])
    path = write(table=table, labels=np.array([True, False, True, True]), pairs=pairs)
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["table"] = -table
    places = {
        ColumnPlace(path, "table", index=7): [17, 27, 37],
        ColumnPlace(path, "labels"): [0, 1, 1],
        ColumnPlace(path, "pairs", field="n"): [2, 2, 2],
        ColumnPlace(other, "table", index=7): [-17, -27, -37],
        ColumnPlace(path, "table", index=0): [10, 20, 30],
        ColumnPlace(path, "table", index=7, missing=(17.0,)): [np.nan, 27, 37],
        ColumnPlace(path, "pairs", field="x"): [1.5, 1.5, 1.5],
    }
    np.testing.assert_array_equal(read_all(list(places), 1, 4), list(places.values()))


# What can be wrong with a file


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path, name):
    assert "cannot be read: " in refusal(read, tmp_path / name)[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is a folder that is no table"),
        (b"", "is empty"),
        (b"PK\x03\x04", "is not an HDF5 file"),
        (b"\x89HDF\r\n\x1a\n", "cannot be opened as HDF5: "),
    ],
)
def test_a_file_of_another_kind_is_said_not_to_be_hdf5(path, content, said):
    path.mkdir() if content is None else path.write_bytes(content)
    message, hint = refusal(read, path)
    assert message.startswith(f"{path}: {said}")
    assert hint


@pytest.mark.parametrize("share", [0.01, 0.3, 0.999])
def test_a_truncated_file_is_said_to_be_truncated(write, share):
    path = write(data=np.arange(5000.0))
    os.truncate(path, max(9, int(share * path.stat().st_size)))
    message, hint = refusal(read, path)
    assert message == (f"{path}: is truncated: it holds fewer bytes than its header promises")
    assert hint == "copy or download it again"


def test_an_unreadable_file_is_said_to_be_so(write):
    path = write(data=[1.0])
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user (root) may read every file")
    assert refusal(read, path)[0] == f"{path}: cannot be read: Permission denied"


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
    write()
    assert refusal(read, path)[0].endswith("unknown dataset '/data' (known: none)")


def test_groups_types_and_links_are_said_to_be_such(write, path):
    write(**{"swire/cdfs": np.ones((1, 1)), "kind": np.dtype("f8")})
    with h5py.File(path, "r+") as file:
        file["soft"] = h5py.SoftLink("/gone")
        file["external"] = h5py.ExternalLink("gone.h5", "/x")
        file["alias"] = h5py.SoftLink("/swire/cdfs")
    inside_root = ["/alias", "/external", "/kind", "/soft", "/swire"]
    for name, inside in (("swire", ["/swire/cdfs"]), ("/", inside_root)):
        message, hint = refusal(read, path, name)
        assert message == f"{path}: {name} is a group without a table, not a dataset"
        assert hint == "name a dataset in it: " + ", ".join(inside)
    assert refusal(read, path, "kind")[0] == f"{path}: kind is a type, not a dataset"
    assert refusal(read, path, "soft")[0].endswith("soft is a link to /gone, which is not there")
    message, hint = refusal(read, path, "external")
    assert message.endswith("a link to /x in the file gone.h5, which cannot be opened")
    assert hint == "copy that file too"
    assert read(path, "alias").tolist() == [1]


@pytest.mark.parametrize(
    ("data", "place", "said", "hint"),
    [
        (np.ones((4, 3)), {"index": 3}, "has 3 values in each row, counted from 0, so", ""),
        (np.ones((4, 3)), {}, "data has 3 values in each row: name one with index", ""),
        (np.ones(4), {"index": 0}, "data has one value in each row: leave out index", ""),
        (np.ones((2, 3, 4)), {"index": 0}, "data has values of shape (3, 4) in each row", ""),
        (h5py.Empty("f8"), {}, "data is empty", ""),
        (np.array([1j]), {}, "data holds complex numbers, not numbers", ""),
        (np.ones(3), {"field": "x"}, "no table with named columns, so it has no field", "<f8"),
        (np.zeros(2, [("y", "f8"), ("z", "f8")]), {}, "data has no column 'x'", "field: y, z"),
        (np.zeros(2, [("flux", "f8")]), {"field": "flx"}, "data: unknown field 'flx'; did", ""),
        (np.zeros(2, [("x", "f8", 3)]), {"field": "x"}, "x has 3 values in each row: name", ""),
        (np.zeros(2, [("x", [("y", "f8")])]), {"field": "x"}, "unknown field 'x' (known: x/y)", ""),
    ],
)
def test_what_is_not_a_column_of_numbers_is_named(write, data, place, said, hint):
    path = write(data=data)
    message, advice = refusal(read, path, **place)
    assert message.startswith(f"{path}: data")
    assert said in message
    assert hint in advice


def test_types_that_numpy_does_not_have_are_named(write, path):
    write(data=[1.0])
    with h5py.File(path, "r+") as file:
        file.create_dataset("lists", (3,), dtype=h5py.vlen_dtype(np.int32))
        h5py.h5d.create(file.id, b"times", h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((4,)))
    assert refusal(read, path, "lists")[0].endswith("holds lists or references, not numbers")
    assert "times has a type that cannot be read" in refusal(read, path, "times")[0]


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


def test_rows_that_vanish_are_missed_and_files_are_closed_after_an_error(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=np.arange(10.0), maxshape=(None,))
    message, _ = refusal(read, path, start=5, stop=20)
    assert message.endswith("rows 5 to 20 cannot be read: there are only 10 rows left of 20")
    with h5py.File(path, "w") as file:  # HDF5 refuses to write to a file that is still open
        file["data"] = [1.0]
    assert read(path).tolist() == [1]


def test_a_compression_that_is_not_installed_is_no_damage(path):
    with h5py.File(path, "w") as file:
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_chunk((10,))
        # 32001 is Blosc; optional, so that it can be written without the plugin.
        created.set_filter(32001, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((10,))
        dataset = h5py.h5d.create(file.id, b"data", h5py.h5t.IEEE_F64LE, space, dcpl=created)
        dataset.write_direct_chunk((0,), b"\x02\x01" * 40)
    message, _ = refusal(read, path)
    assert message == (
        f"{path}: data is compressed by the HDF5 filter 32001, which is not installed: "
        "pip install hdf5plugin, or set HDF5_PLUGIN_PATH to the folder of its plugin"
    )


# How programs lay tables out


def columns_of(path, dataset=""):
    """Return each column that can be read, by its name, in its type on disk."""
    table = describe_here((path, dataset))
    assert isinstance(table, FileTable), table
    names = [c.name for c in table.columns if c.is_number and not c.unreadable and c.shape == ()]
    with Hdf5Table().open(path, dataset, [Wanted(name) for name in names]) as rows:
        return dict(zip(names, rows(0, table.rows), strict=True))


def test_masks_beside_fields_and_datasets_make_values_missing(write):
    """As astropy writes masked columns: NAME.mask beside NAME."""
    fields = np.array([(1.5, True), (2.5, False)], [("mag", "f8"), ("mag.mask", "?")])
    path = write(**{"cat": fields, "g/mag": [1.5, 2.5], "g/mag.mask": [True, False]})
    for name in ("cat", "g"):
        (found,) = columns_of(path, name).values()
        assert found.tolist() == [None, 2.5]
        np.testing.assert_array_equal(read(path, name, field="mag"), [np.nan, 2.5])


def test_a_mask_may_be_named(write):
    fields = np.array([(1.5, 1), (2.5, 0)], [("x", "f8"), ("bad", "i2")])
    np.testing.assert_array_equal(read(write(data=fields), mask="bad"), [np.nan, 2.5])
    message, _ = refusal(read, write(data=fields), mask="worse")
    assert message.endswith("data: unknown field 'worse' (known: bad, x)")
    assert "holds no truth values" in refusal(read, write(data=fields), field="bad", mask="x")[0]


def test_nested_fields_and_fields_of_several_values_are_read(write):
    kind = [
        ("id", "i8"),
        ("pos", [("x", "f4"), ("y", ">f4")]),
        ("m", "f8", (3,)),
        ("z", "f8", 1),
    ]
    rows = np.zeros(4, kind)
    rows["id"], rows["pos"]["y"], rows["m"][:, 2], rows["z"] = 2**62 + 1, 5, 7, 9
    path = write(data=rows)
    assert read(path, field="pos/y").tolist() == [5] * 4
    assert read(path, field="m", index=2).tolist() == [7] * 4
    assert read(path, field="z").tolist() == [9] * 4
    found = columns_of(path)
    assert list(found) == ["id", "pos/x", "pos/y"]
    assert found["id"].tolist() == [2**62 + 1] * 4


def test_only_the_types_of_the_fields_asked_for_matter(path):
    kind = h5py.h5t.create(h5py.h5t.COMPOUND, 16)
    kind.insert(b"when", 0, h5py.h5t.UNIX_D64LE)  # PyTables writes such times; numpy has none
    kind.insert(b"x", 8, h5py.h5t.IEEE_F64LE)
    with h5py.File(path, "w") as file:
        h5py.h5d.create(file.id, b"data", kind, h5py.h5s.create_simple((4,)))
    assert read(path).tolist() == [0] * 4
    assert "has a type that cannot be read" in refusal(read, path, field="when")[0]


@pytest.mark.parametrize("kind", ["frame", "frame_table"])
def test_frames_of_pandas_are_read_by_the_names_of_their_columns(path, kind):
    values = np.arange(6.0).reshape(3, 2)
    with h5py.File(path, "w") as file:
        group = file.create_group("cat")
        group.attrs["pandas_type"] = kind
        if kind == "frame":
            group["block0_items"], group["block0_values"] = [b"ra", b"dec"], values
        else:
            rows = np.zeros(3, [("index", "i8"), ("values_block_0", "f8", (2,))])
            rows["values_block_0"] = values
            table = group.create_dataset("table", data=rows)
            # As PyTables pickles a list; it is never unpickled.
            table.attrs["values_block_0_kind"] = np.bytes_(b"(lp0\nVra\np1\naVdec\np2\na.")
    found = columns_of(path)
    assert {name: found[name].tolist() for name in ("ra", "dec")} == {
        "ra": [0, 2, 4],
        "dec": [1, 3, 5],
    }


def test_tables_of_vaex_are_read_with_units_and_masks(path):
    with h5py.File(path, "w") as file:
        table = file.create_group("table")
        table.attrs["type"] = "table"
        flux = table.create_group("columns/flux")
        flux["data"], flux["mask"] = [1.0, 2.0, 3.0], [False, True, False]
        flux.attrs["unit"] = "uJy"
        id_ = table.create_group("columns/id")
        id_["data"], id_["null_bitmap"] = np.arange(3), np.array([0b101], dtype="u1")
    table = describe_here((path, ""))
    assert [(c.name, c.unit) for c in table.columns] == [("flux", "uJy"), ("id", "")]
    found = columns_of(path)
    assert {name: values.tolist() for name, values in found.items()} == {
        "flux": [1, None, 3],
        "id": [0, None, 2],
    }
    with Hdf5Table().open(path, "", [Wanted("id")]) as rows:
        assert rows(1, 3)[0].tolist() == [None, 2]


def test_units_and_descriptions_are_those_that_astropy_wrote(path):
    from astropy.table import QTable
    from astropy.units import Unit

    table = QTable({"flux": [1.0, 2.0] * Unit("mJy"), "n": [2**60 + 1, 4]})
    table["flux"].info.description = "Flux density"
    table.write(path, path="cat", serialize_meta=True)
    found = describe_here((path, ""))
    assert [(c.name, c.unit, c.label) for c in found.columns] == [
        ("flux", "mJy", "Flux density"),
        ("n", "", ""),
    ]


def test_several_tables_are_listed_and_one_is_found(write):
    rows = np.zeros(2, [("x", "f8")])
    path = write(**{"a/b": rows, "c/x": [1.0, 2.0], "c/y": [1, 2], "image": np.ones((3, 4))})
    error = describe_here((path, ""))
    assert (error.message, error.hint) == (
        f"{path}: holds 2 tables",
        "name one of them as dataset: /a/b, /c",
    )
    assert [c.name for c in describe_here((write(**{"c/x": [1.0]}), "")).columns] == ["x"]
    error = describe_here((write(image=np.ones((3, 4))), ""))
    assert error.message.endswith("holds no table whose columns have names")
    assert error.hint.endswith("its datasets: /image")


# Other files


def test_files_that_a_dataset_is_in_besides_lie_beside_it_and_are_there(tmp_path):
    inside, secret = tmp_path / "data", tmp_path / "secret.bin"
    inside.mkdir()
    np.arange(4.0).tofile(secret)
    np.arange(4.0).tofile(inside / "raw.bin")
    (inside / "link.bin").symlink_to(secret)
    path = inside / "main.h5"
    layout = h5py.VirtualLayout((4,), float)
    layout[:] = h5py.VirtualSource("gone.h5", "x", (4,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("virtual", layout)
        for name in (secret, inside / "raw.bin", inside / "link.bin"):
            file.create_dataset(name.stem, (4,), float, external=[(str(name), 0, 32)])
    assert read(path, "raw").tolist() == [0, 1, 2, 3]
    for name in ("secret", "link"):
        said = f"{name}.bin, which lies outside the folder of its file"
        assert refusal(read, path, name)[0].endswith(said)
    assert refusal(read, path, "virtual")[0].endswith("in gone.h5, which is not there")

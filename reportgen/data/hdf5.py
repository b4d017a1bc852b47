"""HDF5: columns of datasets in chunks of rows, any numeric or boolean type, any layout."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.suggest import known_names, unknown
from reportgen.data.dataset import ColumnPlace, Columns, DatasetHeader, as_numbers
from reportgen.errors import SourceError

if TYPE_CHECKING:
    import h5py

# Two wanted columns with at most this many unwanted ones between them are read in one go: in a
# row-major dataset the bytes between come from the disk anyway.
MAX_GAP = 8
# Bytes of unpacked HDF5 chunks kept for the next rows; one that is larger than the cache, which is
# 1 MB by default, would be unpacked anew for every few rows.
CHUNK_CACHE = 64 * 1024**2
# What h5py raises where the bytes of a file make no sense.
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)

_AGAIN = "copy or download it again"
_DAMAGED = f"the file is damaged; {_AGAIN}"


@contextmanager
def open_file(path: Path, where: str = "") -> Iterator["h5py.File"]:
    """Open an HDF5 file for reading; SourceError says what is wrong with it."""
    import h5py

    named = f"{where}: {path}" if where else f"{path}"
    try:
        path.stat()
    except FileNotFoundError:
        near = ", ".join(sorted(p.name for p in path.parent.glob("*.h5"))[:10])
        hint = f"HDF5 files in {path.parent}: {near}" if near else "check the path"
        raise SourceError(f"{named}: there is no such file", hint) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise SourceError(f"{named}: cannot be read: {why}", "check the path") from None
    with ExitStack() as stack:
        try:
            file = stack.enter_context(h5py.File(path, "r", rdcc_nbytes=CHUNK_CACHE))
            _ = file.attrs  # the root group, without which nothing in the file can be found
        except DAMAGE as error:
            what, hint = _why_not_open(path, error)
            raise SourceError(f"{named}: {what}", hint) from None
        yield file


def _why_not_open(path: Path, error: Exception) -> tuple[str, str]:
    """Return what is wrong with a file that HDF5 does not open, and what to do."""
    if path.is_dir():
        return "is a folder, not an HDF5 file", "name the file in it"
    try:
        with path.open("rb") as raw:
            start = raw.read(8)
    except OSError as denied:
        return f"cannot be read: {denied.strerror}", "check its permissions"
    if not start:
        return "is empty", _AGAIN
    if start != b"\x89HDF\r\n\x1a\n":
        return "is not an HDF5 file", "check the path, or convert the file"
    what, hint = f"cannot be opened as HDF5: {_reason(error)}", _DAMAGED
    if "truncated" in str(error):
        what, hint = "is truncated: it holds fewer bytes than its header promises", _AGAIN
    if "unable to lock" in str(error):
        what = "is open for writing in another program"
        hint = "wait until it is written, or set HDF5_USE_FILE_LOCKING=FALSE"
    return what, hint


def _reason(error: Exception) -> str:
    """Return what HDF5 says, without the call that said it."""
    found = re.search(r"\((.+)\)", str(error))
    return found[1] if found else str(error).strip("'\"")


def open_dataset(file: "h5py.File", name: str, where: str = "") -> "h5py.Dataset":
    """Return a dataset; SourceError lists what is there when it is not."""
    import h5py

    named = f"{where}: {file.filename}" if where else file.filename
    found: object = None
    try:
        if name in file:
            found = file[name]
    except DAMAGE as error:
        what, hint = _why_not_there(file, name, error)
        raise SourceError(f"{named}: {name} {what}", hint) from None
    if isinstance(found, h5py.Dataset):
        return found
    there = _datasets(file)
    if found is not None:
        kind = "a group" if isinstance(found, h5py.Group) else "a type"
        hint = f"datasets in the file: {known_names(there)}"
        raise SourceError(f"{named}: {name} is {kind}, not a dataset", hint)
    wanted = name if name.startswith("/") else f"/{name}"
    raise SourceError(f"{named}: {unknown('dataset', wanted, there)}")


def _why_not_there(file: "h5py.File", name: str, error: Exception) -> tuple[str, str]:
    """Return why a dataset whose name is there cannot be had, and what to do."""
    import h5py

    with suppress(*DAMAGE):
        match file.get(name, getlink=True):
            case h5py.ExternalLink(path=path, filename=other):
                said = f"is a link to {path} in the file {other}, which cannot be opened"
                return said, "copy that file too"
            case h5py.SoftLink(path=path):
                return f"is a link to {path}, which is not there", ""
    return f"cannot be read: {_reason(error)}", _DAMAGED


def _datasets(file: "h5py.File") -> list[str]:
    """Return the names of the datasets of a file; as far as they can be read."""
    import h5py

    there: list[str] = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            there.append(f"/{name}")

    with suppress(*DAMAGE):
        file.visititems(visit)
    return there


def read_header(file: "h5py.File", dataset: "h5py.Dataset") -> DatasetHeader:
    """Return what is known of a dataset without reading it."""
    linked = dataset.is_virtual or dataset.external or dataset.file.filename != file.filename
    shape = tuple(int(length) for length in dataset.shape)
    return DatasetHeader(shape, synthetic_mark(file.attrs), whole=not linked)


def synthetic_mark(attributes: Mapping[str, object]) -> str:
    """Return what a file says of being synthetic; empty when it does not."""
    try:
        mark = attributes.get("synthetic", "")
    except DAMAGE:
        return ""
    if isinstance(mark, np.ndarray):  # of one text, as some programs write it
        mark = mark.ravel()[0] if mark.size else ""
    if isinstance(mark, bytes):
        mark = mark.decode("utf-8", "replace")
    if isinstance(mark, str):
        return str(mark)
    return "The file is marked as synthetic." if mark else ""


def type_on_disk(dataset: "h5py.Dataset", named: str) -> np.dtype[Any]:
    """Return the type of a dataset; SourceError for one that numpy does not have."""
    try:
        dtype: np.dtype[Any] = np.dtype(dataset.dtype)
    except DAMAGE as error:
        raise SourceError(f"{named} has a type that cannot be read: {error}") from None
    return dtype


def check_filters(dataset: "h5py.Dataset", named: str) -> None:
    """Raise SourceError for a dataset that is compressed in a way that HDF5 cannot undo here."""
    import h5py

    made = dataset.id.get_create_plist()
    for number in range(made.get_nfilters()):
        code, _, _, name = made.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            called = f"{name.decode(errors='replace')} " if name else ""
            raise SourceError(
                f"{named} is compressed by the HDF5 filter {called}{code}, which is not installed",
                "set HDF5_PLUGIN_PATH to the folder of its plugin, or have it written with gzip",
            )


def check_column(dataset: "h5py.Dataset", place: ColumnPlace) -> None:
    """Raise SourceError for a column that is not there or not numeric."""
    named = f"{place.where}: {place.file}: {dataset.name}"
    dtype = whole = type_on_disk(dataset, named)
    if place.field is not None:
        if whole.fields is None:
            raise SourceError(
                f"{named} is not a compound dataset, so it has no field {place.field!r}",
                f"its type is {whole} and its shape {dataset.shape}",
            )
        if place.field not in whole.fields:
            raise SourceError(f"{named}: {unknown('field', place.field, whole.fields)}")
        dtype = np.dtype(whole.fields[place.field][0])
    elif whole.fields is not None:
        hint = f"name a field: {known_names(whole.fields)}"
        raise SourceError(f"{named} is a compound dataset", hint)
    _check_shape(dataset.shape, place.index, named)
    if dtype.kind not in "biuf":
        hint = "a column must be numeric or boolean"
        raise SourceError(f"{named} holds {_kind(dtype)}, not numbers", hint)
    check_filters(dataset, named)


def _check_shape(shape: tuple[int, ...] | None, index: int | None, named: str) -> None:
    if shape is None:
        raise SourceError(f"{named} is empty: it has no rows and no shape")
    if len(shape) != (1 if index is None else 2):
        hint = "name a column with index" if len(shape) == 2 else "a column is 1-D, or 2-D + index"
        if len(shape) == 1:
            hint = "leave out index: the dataset is one column"
        raise SourceError(f"{named} has shape {shape}, which is not a column", hint)
    if index is not None and index >= shape[1]:
        raise SourceError(
            f"{named} has {shape[1]} columns, so there is no column index {index}",
            f"the last one is {shape[1] - 1}" if shape[1] else "the dataset is empty",
        )


def _kind(dtype: np.dtype[Any]) -> str:
    import h5py

    if dtype.kind in "SU" or h5py.check_string_dtype(dtype) is not None:
        return "text"
    return {"O": "lists or references", "c": "complex numbers"}.get(dtype.kind, str(dtype))


def describe_column(place: ColumnPlace, file_key: str, dataset_key: str) -> DatasetHeader:
    """Check that a column is there and numeric; return what is known of its dataset.

    file_key, dataset_key: places of these keys in the configuration, put before messages.
    """
    with open_file(place.file, file_key) as file:
        dataset = open_dataset(file, place.dataset, dataset_key)
        check_column(dataset, place)
        return read_header(file, dataset)


@contextmanager
def open_columns(places: Sequence[ColumnPlace]) -> Iterator[Callable[[int, int], Columns]]:
    """Open the files of some columns; gives a function that reads their rows start to stop.

    It returns one float64 array a column, in the order of the places; missing-value marks become
    NaN, infinities stay. Columns of one dataset are read together. Raises SourceError.
    """
    files: dict[Path, h5py.File] = {}
    groups: dict[tuple[Path, str], list[ColumnPlace]] = {}
    for place in places:
        groups.setdefault((place.file, place.dataset), []).append(place)
    with ExitStack() as stack:
        datasets: dict[tuple[Path, str], h5py.Dataset] = {}
        for (path, name), (first, *_) in groups.items():
            if path not in files:
                files[path] = stack.enter_context(open_file(path, first.where))
            datasets[path, name] = open_dataset(files[path], name, first.where)

        def read(start: int, stop: int) -> Columns:
            values: dict[ColumnPlace, NDArray[np.float64]] = {}
            for (path, name), group in groups.items():
                with reading(path, name, f"rows {start} to {stop}", group[0].where):
                    found = read_dataset(datasets[path, name], group, start, stop)
                    rows = min(map(len, found.values()))
                    if rows != stop - start:
                        raise ValueError(f"there are only {start + rows} rows left of {stop}")
                values |= {each: as_numbers(raw, each.missing) for each, raw in found.items()}
            return [values[place] for place in places]

        yield read


@contextmanager
def reading(file: Path, dataset: str, what: str, where: str = "") -> Iterator[None]:
    """Turn what h5py raises while it reads some rows into a SourceError."""
    try:
        yield
    except DAMAGE as error:
        said = f"{file}: {dataset}: {what} cannot be read: {_reason(error)}"
        raise SourceError(f"{where}: {said}" if where else said, _DAMAGED) from None


def read_dataset(
    dataset: "h5py.Dataset", places: Sequence[ColumnPlace], start: int, stop: int
) -> dict[ColumnPlace, NDArray[Any]]:
    """Return rows start to stop of some columns of a dataset, in its type on disk."""
    fields = sorted({place.field for place in places if place.field is not None})
    if fields:
        block = dataset.fields(fields)[start:stop]
        return {place: block[place.field] for place in places}
    wanted = np.unique([place.index for place in places if place.index is not None])
    if not len(wanted):
        return dict.fromkeys(places, dataset[start:stop])
    columns: dict[int | None, NDArray[Any]] = {}
    for run in np.split(wanted, np.flatnonzero(np.diff(wanted) > MAX_GAP + 1) + 1):
        first, last = int(run[0]), int(run[-1])
        if first + dataset.shape[1] - 1 - last <= MAX_GAP and dataset.chunks is None:
            # Whole rows lie together in the file: HDF5 reads them several times as fast as parts.
            block, first = dataset[start:stop], 0
        else:
            block = dataset[start:stop, first : last + 1]
        columns |= {index: block[:, index - first] for index in run.tolist()}
    return {place: columns[place.index] for place in places}

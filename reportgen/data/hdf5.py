"""HDF5: columns of datasets in chunks of rows, any numeric or boolean type, any layout."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.suggest import unknown
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


@dataclass(frozen=True)
class ColumnPlace:
    """Where a column's numbers are.

    index: column of a 2-D dataset; field: field of a compound one; neither: a 1-D dataset.
    where: ``file:line:column: key`` of the configuration, put before messages.
    """

    file: Path
    dataset: str
    index: int | None = None
    field: str | None = None
    missing: tuple[float, ...] = ()
    where: str = ""


@contextmanager
def open_file(path: Path, where: str = "") -> Iterator["h5py.File"]:
    """Open an HDF5 file for reading; SourceError says what is wrong with it."""
    import h5py

    prefix = f"{where}: " if where else ""
    try:
        path.stat()
    except FileNotFoundError:
        near = ", ".join(sorted(p.name for p in path.parent.glob("*.h5"))[:10])
        hint = f"HDF5 files in {path.parent}: {near}" if near else "check the path"
        raise SourceError(f"{prefix}{path}: there is no such file", hint) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise SourceError(f"{prefix}{path}: cannot be read: {why}", "check the path") from None
    with ExitStack() as stack:
        try:
            file = stack.enter_context(h5py.File(path, "r", rdcc_nbytes=CHUNK_CACHE))
            _ = file.attrs  # the root group, without which nothing in the file can be found
        except DAMAGE as error:
            what, hint = _why_not_open(path, error)
            raise SourceError(f"{prefix}{path}: {what}", hint) from None
        yield file


def _why_not_open(path: Path, error: Exception) -> tuple[str, str]:
    """Give what is wrong with a file that HDF5 does not open, and what to do."""
    if problem := _why_not_hdf5(path):
        return problem
    text = str(error)
    if "truncated" in text:
        return "is truncated: it holds fewer bytes than its header promises", _AGAIN
    if "unable to lock" in text:
        return (
            "is open for writing in another program",
            "wait until it is written, or set HDF5_USE_FILE_LOCKING=FALSE",
        )
    return f"cannot be opened as HDF5: {_reason(error)}", _DAMAGED


def _why_not_hdf5(path: Path) -> tuple[str, str] | None:
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
    return None


_AGAIN = "copy or download it again"
_DAMAGED = f"the file is damaged; {_AGAIN}"


def _reason(error: Exception) -> str:
    """Give what HDF5 says, without the call that said it."""
    found = re.search(r"\((.+)\)", str(error))
    return found[1] if found else str(error).strip("'\"")


def open_dataset(file: "h5py.File", name: str, where: str = "") -> "h5py.Dataset":
    """Give a dataset; SourceError lists what is there when it is not."""
    import h5py

    named = f"{where}: {file.filename}" if where else file.filename
    found: object = None
    try:
        if name in file:
            found = file[name]
    except DAMAGE as error:
        raise _not_there(file, name, named, error) from None
    if isinstance(found, h5py.Dataset):
        return found
    there = _datasets(file)
    if found is not None:
        kind = "a group" if isinstance(found, h5py.Group) else "a type"
        raise SourceError(
            f"{named}: {name} is {kind}, not a dataset", f"datasets in the file: {_listed(there)}"
        )
    wanted = name if name.startswith("/") else f"/{name}"
    raise SourceError(f"{named}: {unknown('dataset', wanted, there)}")


def is_whole(file: "h5py.File", dataset: "h5py.Dataset") -> bool:
    """Whether all of a dataset is in the file, none of it in another that it links to."""
    return not (dataset.is_virtual or dataset.external or dataset.file.filename != file.filename)


def _not_there(file: "h5py.File", name: str, named: str, error: Exception) -> SourceError:
    """Say why a dataset whose name is there cannot be had."""
    import h5py

    link = None
    with suppress(*DAMAGE):
        link = file.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        there = f"{link.path} in the file {link.filename}"
        return SourceError(
            f"{named}: {name} is a link to {there}, which cannot be opened", "copy that file too"
        )
    if isinstance(link, h5py.SoftLink):
        return SourceError(f"{named}: {name} is a link to {link.path}, which is not there")
    return SourceError(f"{named}: {name} cannot be read: {_reason(error)}", _DAMAGED)


def _datasets(file: "h5py.File") -> list[str]:
    """List the datasets of a file; as far as they can be read."""
    import h5py

    there: list[str] = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            there.append(f"/{name}")

    with suppress(*DAMAGE):
        file.visititems(visit)
    return sorted(there)


def _listed(names: Sequence[str], most: int = 30) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more


def type_on_disk(dataset: "h5py.Dataset", named: str) -> np.dtype[Any]:
    """Give the type of a dataset; SourceError for one that numpy does not have."""
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


def column_type(dataset: "h5py.Dataset", place: ColumnPlace) -> np.dtype[Any]:
    """Check that a column is there and numeric; give its type on disk."""
    said = f"{place.where}: " if place.where else ""
    named = f"{said}{place.file}: {dataset.name}"
    whole = type_on_disk(dataset, named)
    dtype: np.dtype[Any] = whole
    dimensions = 1 if place.index is None else 2
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
        raise SourceError(
            f"{named} is a compound dataset", f"name a field: {_listed(sorted(whole.fields))}"
        )
    _check_shape(dataset.shape, place, dimensions, named)
    if dtype.kind not in "biuf":
        raise SourceError(
            f"{named} holds {_kind(dtype)}, not numbers", "a column must be numeric or boolean"
        )
    check_filters(dataset, named)
    return dtype


def _check_shape(
    shape: tuple[int, ...] | None, place: ColumnPlace, dimensions: int, named: str
) -> None:
    if shape is None:
        raise SourceError(f"{named} is empty: it has no rows and no shape")
    if len(shape) != dimensions:
        hint = "name a column with index" if len(shape) == 2 else "a column is 1-D, or 2-D + index"
        if place.index is not None and len(shape) == 1:
            hint = "leave out index: the dataset is one column"
        raise SourceError(f"{named} has shape {shape}, which is not a column", hint)
    if place.index is not None and place.index >= shape[1]:
        raise SourceError(
            f"{named} has {shape[1]} columns, so there is no column index {place.index}",
            f"the last one is {shape[1] - 1}" if shape[1] else "the dataset is empty",
        )


def _kind(dtype: np.dtype[Any]) -> str:
    import h5py

    if dtype.kind in "SU" or h5py.check_string_dtype(dtype) is not None:
        return "text"
    if dtype.kind == "O":
        return "lists or references"
    return "complex numbers" if dtype.kind == "c" else str(dtype)


def read_columns(
    places: Sequence[ColumnPlace], start: int, stop: int, stack: "OpenDatasets"
) -> list[NDArray[np.float64]]:
    """Read rows start to stop of some columns.

    Returns one float64 array a column, in the order asked for; missing-value marks become NaN,
    infinities stay. Columns of one dataset are read together.
    """
    result: list[NDArray[np.float64] | None] = [None] * len(places)
    groups: dict[tuple[Path, str], list[int]] = {}
    for number, place in enumerate(places):
        groups.setdefault((place.file, place.dataset), []).append(number)
    for (file, name), members in groups.items():
        where = places[members[0]].where
        dataset = stack.dataset(file, name, where)
        with reading(file, name, f"rows {start} to {stop}", where):
            found = list(_read_group(dataset, [(n, places[n]) for n in members], start, stop))
            rows = min(len(raw) for _, raw in found)
            if rows != stop - start:
                raise ValueError(f"there are only {start + rows} rows left of {stop}")
        for number, raw in found:
            result[number] = as_numbers(raw, places[number].missing)
    return [values for values in result if values is not None]


@contextmanager
def reading(file: Path, dataset: str, what: str, where: str = "") -> Iterator[None]:
    """Turn what h5py raises while it reads some rows into a SourceError."""
    try:
        yield
    except DAMAGE as error:
        named = f"{where}: {file}" if where else f"{file}"
        raise SourceError(
            f"{named}: {dataset}: {what} cannot be read: {_reason(error)}", _DAMAGED
        ) from None


def _read_group(
    dataset: "h5py.Dataset", wanted: Sequence[tuple[int, ColumnPlace]], start: int, stop: int
) -> Iterator[tuple[int, NDArray[Any]]]:
    fields = [place.field for _, place in wanted if place.field is not None]
    if fields:
        block = dataset.fields(sorted(set(fields)))[start:stop]
        for number, place in wanted:
            yield number, block[place.field]
        return
    plain = [number for number, place in wanted if place.index is None]
    if plain:
        values = dataset[start:stop]
        for number in plain:
            yield number, values
    indexed = sorted((place.index, number) for number, place in wanted if place.index is not None)
    for run in _runs(indexed):
        first, last = run[0][0], run[-1][0]
        if first + dataset.shape[1] - 1 - last <= MAX_GAP and dataset.chunks is None:
            # Whole rows lie together in the file: HDF5 reads them several times as fast as parts.
            block, first = dataset[start:stop], 0
        else:
            block = dataset[start:stop, first : last + 1]
        for index, number in run:
            yield number, block[:, index - first]


def _runs(indexed: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Group column indices that are close enough to be read at once."""
    run: list[tuple[int, int]] = []
    for item in indexed:
        if run and item[0] - run[-1][0] > MAX_GAP + 1:
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def as_numbers(raw: NDArray[Any], missing: Sequence[float]) -> NDArray[np.float64]:
    """Convert a column to float64 with its missing-value marks as NaN.

    A mark is compared in the type on disk: -99.9 in a float32 column is not -99.9 in float64.
    Integers beyond 2**53 are rounded to the nearest float64.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.array(raw, dtype=np.float64)
        # The copy is contiguous, and the same numbers where float64 is the type on disk.
        compared = values if raw.dtype == values.dtype else raw
        for mark in missing:
            values[_is(compared, mark)] = np.nan
    return values


def _is(raw: NDArray[Any], mark: float) -> NDArray[np.bool_]:
    """Say where a column holds a mark."""
    if raw.dtype.kind == "f":
        on_disk = raw.dtype.type(mark)
        # A mark that the type cannot hold would become an infinity, or 0.
        held = np.isfinite(on_disk) and (on_disk == 0) == (mark == 0)
        return np.asarray(raw == on_disk) if held else np.zeros(raw.shape, dtype=bool)
    if raw.dtype.kind in "iu" and mark.is_integer():
        limits = np.iinfo(raw.dtype)
        if limits.min <= int(mark) <= limits.max:
            # Beyond 2**53 several integers are one float64.
            return np.asarray(raw == int(mark))
    return np.asarray(raw.astype(np.float64) == mark)


class OpenDatasets:
    """Files and datasets held open for one scan; a context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._files: dict[Path, h5py.File] = {}
        self._datasets: dict[tuple[Path, str], h5py.Dataset] = {}

    def __enter__(self) -> "OpenDatasets":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def dataset(self, file: Path, name: str, where: str = "") -> "h5py.Dataset":
        """Return a dataset of a file, opened once."""
        if (file, name) not in self._datasets:
            if file not in self._files:
                self._files[file] = self._stack.enter_context(open_file(file, where))
            self._datasets[file, name] = open_dataset(self._files[file], name, where)
        return self._datasets[file, name]

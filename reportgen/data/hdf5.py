"""HDF5: columns of datasets in chunks of rows, any numeric or boolean type, any layout."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
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
    if not path.exists():
        near = ", ".join(sorted(p.name for p in path.parent.glob("*.h5"))[:10])
        hint = f"HDF5 files in {path.parent}: {near}" if near else "check the path"
        raise SourceError(f"{prefix}{path}: there is no such file", hint)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise SourceError(*_why_not_open(path, prefix, error)) from None
    with file:
        yield file


def _why_not_open(path: Path, prefix: str, error: OSError) -> tuple[str, str]:
    if path.is_dir():
        return f"{prefix}{path}: is a folder, not an HDF5 file", "name the file in it"
    try:
        with path.open("rb") as raw:
            start = raw.read(8)
    except OSError as denied:
        return f"{prefix}{path}: cannot be read: {denied.strerror}", "check its permissions"
    if start != b"\x89HDF\r\n\x1a\n":
        return f"{prefix}{path}: is not an HDF5 file", "check the path, or convert the file"
    text = str(error)
    if "truncated" in text:
        return (
            f"{prefix}{path}: is truncated: it holds fewer bytes than its header promises",
            "copy or download it again",
        )
    return f"{prefix}{path}: cannot be opened as HDF5: {text}", "copy or download it again"


def open_dataset(file: "h5py.File", name: str, where: str = "") -> "h5py.Dataset":
    """Give a dataset; SourceError lists what is there when it is not."""
    import h5py

    prefix = f"{where}: " if where else ""
    try:
        found = file.get(name)
    except (KeyError, OSError, RuntimeError) as error:
        raise SourceError(f"{prefix}{file.filename}: {name} cannot be read: {error}") from None
    if isinstance(found, h5py.Dataset):
        return found
    there: list[str] = []
    file.visititems(
        lambda key, item: there.append(f"/{key}") if isinstance(item, h5py.Dataset) else None
    )
    if isinstance(found, h5py.Group):
        raise SourceError(
            f"{prefix}{file.filename}: {name} is a group, not a dataset",
            f"datasets in the file: {', '.join(sorted(there)) or 'none'}",
        )
    wanted = name if name.startswith("/") else f"/{name}"
    raise SourceError(f"{prefix}{file.filename}: {unknown('dataset', wanted, there)}")


def column_type(dataset: "h5py.Dataset", place: ColumnPlace) -> np.dtype[Any]:
    """Check that a column is there and numeric; give its type on disk."""
    said = f"{place.where}: " if place.where else ""
    named = f"{said}{place.file}: {dataset.name}"
    fields = dataset.dtype.fields
    if place.field is not None:
        if fields is None:
            raise SourceError(
                f"{named} is not a compound dataset, so it has no field {place.field!r}",
                f"its type is {dataset.dtype} and its shape {dataset.shape}",
            )
        if place.field not in fields:
            raise SourceError(f"{named}: {unknown('field', place.field, fields)}")
        dtype = fields[place.field][0]
        dimensions = 1
    else:
        if fields is not None:
            raise SourceError(
                f"{named} is a compound dataset", f"name a field: {', '.join(sorted(fields))}"
            )
        dtype = dataset.dtype
        dimensions = 1 if place.index is None else 2
    if dataset.ndim != dimensions:
        hint = (
            "name a column with index" if dataset.ndim == 2 else "a column is 1-D, or 2-D + index"
        )
        if place.index is not None and dataset.ndim == 1:
            hint = "leave out index: the dataset is one column"
        raise SourceError(f"{named} has shape {dataset.shape}, which is not a column", hint)
    if place.index is not None and place.index >= dataset.shape[1]:
        raise SourceError(
            f"{named} has {dataset.shape[1]} columns, so there is no column index {place.index}",
            f"the last one is {dataset.shape[1] - 1}",
        )
    if dtype.kind not in "biuf":
        kind = "text" if dtype.kind in "SUO" else str(dtype)
        raise SourceError(
            f"{named} holds {kind}, not numbers", "a column must be numeric or boolean"
        )
    return dtype


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
        dataset = stack.dataset(file, name, places[members[0]].where)
        try:
            for number, raw in _read_group(dataset, [(n, places[n]) for n in members], start, stop):
                result[number] = as_numbers(raw, places[number].missing)
        except OSError as error:
            raise SourceError(
                f"{file}: {name}: rows {start} to {stop} cannot be read: {error}",
                "the file is damaged; copy or download it again",
            ) from None
    return [values for values in result if values is not None]


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
        block = dataset[start:stop, first : last + 1]
        for index, number in run:
            yield number, block[:, index - first]


def _runs(indexed: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Group column indices that are close enough to be read at once."""
    run: list[tuple[int, int]] = []
    for item in indexed:
        if run and item[0] - run[-1][0] > MAX_GAP:
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def as_numbers(raw: NDArray[Any], missing: Sequence[float]) -> NDArray[np.float64]:
    """Convert a column to float64 with its missing-value marks as NaN.

    A mark is compared in the type on disk: -99.9 in a float32 column is not -99.9 in float64.
    """
    values = np.array(raw, dtype=np.float64)
    for mark in missing:
        if raw.dtype.kind == "f":
            with np.errstate(over="ignore"):
                values[raw == raw.dtype.type(mark)] = np.nan
        else:
            values[np.asarray(raw, dtype=np.float64) == mark] = np.nan
    return values


class OpenDatasets:
    """Files and datasets held open for one scan; a context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._files: dict[Path, h5py.File] = {}

    def __enter__(self) -> "OpenDatasets":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def dataset(self, file: Path, name: str, where: str = "") -> "h5py.Dataset":
        """Give a dataset of a file, opened once."""
        if file not in self._files:
            self._files[file] = self._stack.enter_context(open_file(file, where))
        return open_dataset(self._files[file], name, where)

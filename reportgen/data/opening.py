"""Tables in files of any format: which format it is, what a table holds, its rows.

Files come from outside, and libraries that read them may loop or crash on damaged ones. What is in
a file is therefore looked up in a worker process, which may take a while and no longer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from functools import cache, lru_cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.types import listed_paths
from reportgen.data.dataset import ColumnPlace, Columns, as_values
from reportgen.data.file_digests import FileDigests, Stamp, stamp
from reportgen.data.format import (
    FileColumn,
    FileTable,
    Format,
    ReadValues,
    RowGroup,
    TableError,
    Wanted,
)
from reportgen.data.joined import (
    describe_joined,
    describe_stack,
    is_many,
    is_several,
    members,
    open_joined,
)
from reportgen.data.regular_file import require_regular
from reportgen.data.units import known_unit
from reportgen.errors import SourceError
from reportgen.remote.address import RemoteFile
from reportgen.wording import listed
from reportgen.workers.failures import Ended
from reportgen.workers.pool import default_workers, worker_pool

GROUP = "reportgen.formats"
LONGEST_LOOK = 30.0
"""Seconds after which a file that is looked at is given up, however small it is."""
SLOWEST = 50e6
"""Bytes in a second at which formats are looked at that must be read for it, such as CSV."""
_MOST_PLANES = 2**31  # of an image in a file of its own: all there are
SLOWEST_SERVER, LONGEST_TRIES = 1e6, 300.0
"""Bytes in a second that a server gives, and seconds more: each request has its own limit."""
_START = 4096  # bytes of a file that tell its format

TableKey = tuple[Path, str]
"""A file and a table in it; empty for the only one."""
Found = FileTable | SourceError


@cache
def formats() -> tuple[Format, ...]:
    """Return all formats that are installed, by their names.

    Raises SourceError when one that a plugin announces cannot be imported.
    """
    found: list[Format] = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        try:
            found.append(point.load()())
        except Exception as error:  # a plugin's, of any kind
            said = f"the format {point.name} of {point.value} cannot be loaded: {error}"
            raise SourceError(said, "update or uninstall the package that it is from") from error
    return tuple(found)


def format_of(path: Path) -> Format:
    """Return the format of a file, told by its content; SourceError when it is none of ours."""
    start, is_folder = b"", False
    with suppress(ValueError):  # of a name that no file can have
        is_folder = path.is_dir()
    if not is_folder:
        require_regular(path, str(path), "a table file", f"*{path.suffix or ''}")
        try:
            with path.open("rb") as file:
                start = file.read(_START)
        except OSError as error:
            raise SourceError(
                f"{path}: cannot be read: {error.strerror}", "check its permissions"
            ) from None
        if not start:
            raise SourceError(f"{path}: is empty", "copy or download it again")
    for each in formats():
        if each.recognises(path, start):
            return each
    known = ", ".join(each.name.split(maxsplit=1)[1] for each in formats())
    looks = "an HTML page" if b"<html" in start.lower() else "no table of a format that is known"
    looks = "is a folder that is no table" if is_folder else f"is {looks}"
    raise SourceError(f"{path}: {looks}", f"what is read: {known}")


def describe_here(key: TableKey, *, images: bool = False) -> Found:
    """Return what a table holds, looked up in this process, or what is wrong with it.

    The message of an error begins with the path. images: whether they are wanted, not a table.
    """
    path, dataset = key
    try:
        return _describe(path, dataset, images=images)
    except SourceError as error:
        return error


def _describe(path: Path, dataset: str, *, images: bool = False) -> FileTable:
    """Return what a table holds; the message of a SourceError begins with the path."""
    describe = partial(_describe, dataset=dataset, images=images)
    with _naming(path):
        if images and is_many(path):
            return describe_stack(path, describe)
        if is_several(path):
            return describe_joined(path, describe)
        kind = format_of(path)
        reads = kind.images if images else kind
        return _with_units(replace(reads.describe(path, dataset), format=kind.name))


@contextmanager
def _naming(path: Path, where: str = "") -> Iterator[None]:
    """Put the file before the message of an error unless it stands there, and where before that.

    path: of several files one may be named already. where: the place in the configuration.
    """
    try:
        yield
    except SourceError as error:
        said, named = error.message, members(path) if is_many(path) else [path]
        if not said.startswith(tuple(f"{file}: " for file in named)):
            files = listed([*map(str, listed_paths(path))], 3)
            said = f"{files}: {said.removeprefix(f'{path}: ')}"
        raise type(error)(f"{where}: {said}" if where else said, error.hint) from None


@lru_cache(maxsize=256)
def _rows(path: Path, dataset: str, _as_it_is: Stamp | None) -> int:
    return _describe(path, dataset).rows


def _open(path: Path, dataset: str, wanted: Sequence[Wanted]) -> AbstractContextManager[ReadValues]:
    """Open a table of a file, or of all files of a pattern."""
    if not is_several(path):
        return format_of(path).open(path, dataset, wanted)
    return open_joined(
        [
            (partial(_open_member, file, dataset, wanted), _rows(file, dataset, stamp(file)))
            for file in members(path)
        ]
    )


@contextmanager
def _open_member(path: Path, dataset: str, wanted: Sequence[Wanted]) -> Iterator[ReadValues]:
    """Open one of several files, which errors name."""
    with ExitStack() as stack:
        with _naming(path):
            read = stack.enter_context(_open(path, dataset, wanted))

        def read_naming(start: int, stop: int) -> list[NDArray[Any]]:
            with _naming(path):
                return read(start, stop)

        yield read_naming


def _with_units(table: FileTable) -> FileTable:
    columns = []
    for column in table.columns:
        unit, is_known = known_unit(column.unit)
        columns.append(replace(column, unit=unit, unit_is_known=is_known))
    return replace(table, columns=tuple(columns))


def _describe_all(keys: Sequence[TableKey], images: bool) -> list[Found]:
    return [describe_here(key, images=images) for key in keys]


def describe_tables(
    keys: Sequence[TableKey], contents: FileDigests, *, images: bool = False
) -> dict[TableKey, Found]:
    """Return what each of some tables holds, or what is wrong with it.

    contents: what is known of files, which are not opened for that. images: whether they are
    wanted, not tables.
    """
    found: dict[TableKey, Found] = {}
    for key in keys:
        if known := contents.of(key[0]).get(_name(key, images)):
            columns = tuple(
                FileColumn(**{**column, "shape": tuple(column["shape"])})
                for column in known["columns"]
            )
            notes = tuple(known["notes"])
            found[key] = FileTable(**{**known, "columns": columns, "notes": notes})
    files = {key: (key[0], stamp(key[0]), images) for key in keys}
    found |= {key: _unreadable[file] for key, file in files.items() if file in _unreadable}
    if unknown := [key for key in dict.fromkeys(keys) if key not in found]:
        found |= _looked_up(unknown, images)
        for key in unknown:
            error = found[key]
            if isinstance(error, SourceError) and not isinstance(error, TableError):
                _unreadable[files[key]] = error
    return found


_unreadable: dict[tuple[Path, Stamp | None, bool], SourceError] = {}
"""Files that could not be read in this process, which may have taken long to find out."""


def remember_tables(
    tables: Mapping[TableKey, Found],
    stamps: Mapping[Path, Stamp | None],
    contents: FileDigests,
    *,
    images: bool = False,
) -> None:
    """Remember what tables hold. stamps: of their files, taken before they were looked at."""
    for key, table in tables.items():
        if isinstance(table, SourceError) or not table.whole:
            continue
        if _name(key, images) not in contents.of(key[0]):
            contents.remember(key[0], stamps[key[0]], {_name(key, images): asdict(table)})


def _name(key: TableKey, images: bool) -> str:
    """Return the name of a table among what is known of its file."""
    return f"{'stack' if images else 'table'} {key[1]}"


def longest_look(paths: Iterable[Path]) -> float:
    """Return the seconds after which files that are looked at are given up."""
    limit = LONGEST_LOOK
    for path in paths:
        is_remote = any(isinstance(each, RemoteFile) for each in listed_paths(path))
        size = 0 if (found := stamp(path)) is None else found.bytes
        limit += LONGEST_TRIES + size / SLOWEST_SERVER if is_remote else size / SLOWEST
    return limit


def _looked_up(keys: Sequence[TableKey], images: bool) -> dict[TableKey, Found]:
    """Return what is in tables, looked up in workers, one a file."""
    files: dict[Path, list[TableKey]] = {}
    for key in keys:
        files.setdefault(key[0], []).append(key)
    found: dict[TableKey, Found] = {}
    limits: dict[Path, float] = {}

    def ended(path: Path, end: Ended) -> None:
        if end.failed is None:
            found.update(zip(files[path], end.value, strict=True))
            return
        why = {
            "timeout": f"reading its header was given up after {limits[path]:.0f} s",
            "died": f"reading its header went wrong: {end.failed.message}",
        }.get(end.failed.kind, f"its header cannot be read: {end.failed.message}")
        hint = "the file is damaged; copy or download it again"
        found.update(dict.fromkeys(files[path], SourceError(f"{path}: {why}", hint)))

    with worker_pool(default_workers()) as pool:
        pool.preload()  # for what follows: sections, once their files are others
        for path, of_file in files.items():
            then = partial(ended, path)
            limits[path] = longest_look([path])
            arguments = (_describe_all, of_file, images)
            pool.start(*arguments, then=then, timeout=limits[path], name=path.name)
        pool.finish()
    return found


@contextmanager
def open_places(places: Sequence[ColumnPlace]) -> Iterator[Callable[[int, int], Columns]]:
    """Open the files of some columns; gives a function that reads their rows start to stop.

    It returns one array a column, as ``as_values`` makes them, in the order of the places. Columns
    of one table are read together. Raises SourceError.
    """
    groups: dict[TableKey, list[ColumnPlace]] = {}
    for place in places:
        groups.setdefault((place.file, place.dataset), []).append(place)
    with ExitStack() as stack:
        readers = []
        for (path, dataset), group in groups.items():
            wanted: dict[Wanted, int] = {}
            for place in group:
                for each in _wanted(place):
                    wanted.setdefault(each, len(wanted))
            with _naming(group[0].file, group[0].where):
                opened = _open(path, dataset, list(wanted))
                readers.append((group, wanted, stack.enter_context(opened)))

        def read(start: int, stop: int) -> Columns:
            values = {}
            for group, wanted, read_values in readers:
                with _naming(group[0].file, group[0].where):
                    found = read_values(start, stop)
                    if any(len(each) != stop - start for each in found):
                        rows = min(map(len, found))
                        said = f"there are only {start + rows} rows left of {stop}"
                        raise SourceError(said, "it was changed meanwhile; build again")
                for place in group:
                    raw, *mask = (found[wanted[each]] for each in _wanted(place))
                    lost = np.asarray(mask[0]) if mask else None
                    values[place] = as_values(raw, place.missing, lost)
            return [values[place] for place in places]

        yield read


def row_groups(places: Sequence[ColumnPlace]) -> list[RowGroup]:
    """Return what a file, or several of the same columns, say of their row groups.

    places: columns of one table. None where one of the files says nothing. Raises SourceError.
    """
    path, dataset = places[0].file, places[0].dataset
    wanted = [Wanted(place.field or "", place.index) for place in places]
    found: list[RowGroup] = []
    with _naming(path, places[0].where):
        for file in members(path) if is_several(path) else [path]:
            with _naming(file):
                groups = format_of(file).row_groups(file, dataset, wanted)
                if not groups and _rows(file, dataset, stamp(file)):
                    return []
            found += groups
    return found


@contextmanager
def open_stack(place: ColumnPlace) -> Iterator[Callable[[int, int], NDArray[Any]]]:
    """Open a stack of images; gives a function that reads those from start to stop.

    It returns (images, …), in the type on disk. Of several files each holds one image, and is
    opened when that is read. Raises SourceError.
    """
    path = place.file
    with ExitStack() as stack:
        if is_many(path):
            files = members(path)

            def read_files(start: int, stop: int) -> NDArray[Any]:
                found: list[NDArray[Any]] = []
                for file in files[start:stop]:
                    with _naming(file, place.where), _images_of(file, place) as read:
                        pixels = read(0, _MOST_PLANES)[0]
                        found.append(pixels[0] if len(pixels) == 1 else pixels)
                        if found[-1].shape != found[0].shape:
                            said = "is of another shape than those before"
                            raise SourceError(said, "it was changed meanwhile; build again")
                return np.array(found)

            yield read_files
            return
        with _naming(path, place.where):
            read_one = stack.enter_context(_images_of(path, place))

        def read(start: int, stop: int) -> NDArray[Any]:
            with _naming(path, place.where):
                return read_one(start, stop)[0]

        yield read


def _images_of(file: Path, place: ColumnPlace) -> AbstractContextManager[ReadValues]:
    return format_of(file).images.open(file, place.dataset, ())


def _wanted(place: ColumnPlace) -> list[Wanted]:
    """Return a column as its format knows it, and the one with its mask if there is one."""
    column = Wanted(place.field or "", place.index)
    return [column] if place.mask is None else [column, Wanted(place.mask)]

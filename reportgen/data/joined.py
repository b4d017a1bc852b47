"""Several files of the same columns, listed or named by a pattern such as night_*.fits, as a table.

Their rows follow each other in the order of the list, and of their paths where a pattern is given.
"""

import glob
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config.suggest import known_names
from reportgen.config.types import listed_paths
from reportgen.data.format import (
    FileColumn,
    FileTable,
    ReadValues,
    TableError,
    one_after_another,
)
from reportgen.errors import SourceError
from reportgen.remote.address import RemoteFile

_HINT = "name files of the same columns"

_FITS = re.compile(r"\.(fits?|fts)(\.\w+)?$", re.IGNORECASE)


def is_several(path: Path) -> bool:
    """Return whether a path stands for a list of files, or for all that match; no file is so."""
    if isinstance(path, RemoteFile):
        return False
    return len(listed_paths(path)) > 1 or (glob.has_magic(str(path)) and not path.exists())


def is_many(path: Path) -> bool:
    """Return whether a path stands for several files of images: a pattern, or a folder."""
    return is_several(path) or path.is_dir()


def members(path: Path) -> list[Path]:
    """Return the files of a list or that a pattern matches, by their paths; hidden ones left out.

    A pattern that matches nothing stays in a list, as the file that is not there. Of a folder,
    those that are called as FITS files are.
    """
    listed = listed_paths(path)
    if len(listed) > 1:
        inside = (members(each) if is_several(each) else [each] for each in listed)
        return [
            file for each, found in zip(listed, inside, strict=True) for file in found or [each]
        ]
    if path.is_dir():
        found = (each for each in path.iterdir() if not each.name.startswith("."))
        return sorted(each for each in found if _FITS.search(each.name))
    anchor = Path(path.anchor)
    return sorted(anchor.glob(str(path.relative_to(anchor))))


def _existing_members(path: Path) -> list[Path]:
    files = members(path)
    if not files and path.is_dir():
        raise SourceError("holds no FITS file", "name the folder with the images")
    if not files:
        beside = known_names(each.name for each in path.parent.glob("*"))
        raise SourceError("no file matches", f"there are: {beside}")
    return files


def describe_joined(path: Path, describe: Callable[[Path], FileTable]) -> FileTable:
    """Return what several files hold together.

    Raises SourceError where there are none, or where one has other columns than the first.
    """
    files = _existing_members(path)
    first, *others = tables = [describe(file) for file in files]
    for file, table in zip(files[1:], others, strict=True):
        for ours, theirs in zip(first.columns, table.columns, strict=False):
            if (ours.name, ours.shape, ours.unit) != (theirs.name, theirs.shape, theirs.unit):
                said = f"{theirs.name} [{theirs.unit}] where {files[0].name} has {ours.name}"
                raise TableError(f"{file.name} has {said} [{ours.unit}]", _HINT)
            if _kind(ours.dtype) != _kind(theirs.dtype):
                said = f"{_kind(theirs.dtype)} in {theirs.name} where {files[0].name} has"
                raise TableError(f"{file.name} has {said} {_kind(ours.dtype)}", _HINT)
        if len(table.columns) != len(first.columns):
            names = [{column.name for column in each.columns} for each in (first, table)]
            differing = known_names(names[0] ^ names[1])
            said = f"{file.name} and {files[0].name} differ in {differing}"
            raise TableError(said, _HINT)
    columns = [
        replace(column, dtype=_common(table.columns[place].dtype for table in tables))
        for place, column in enumerate(first.columns)
    ]
    return replace(
        first,
        rows=sum(table.rows for table in tables),
        columns=tuple(columns),
        whole=all(table.whole for table in tables),
        in_order=any(table.in_order for table in tables),
        synthetic=next((table.synthetic for table in tables if table.synthetic), ""),
        notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)),
    )


def describe_stack(path: Path, describe: Callable[[Path], FileTable]) -> FileTable:
    """Return what files of a pattern or a folder hold together, of which each holds one image.

    Planes of one file are the channels of its image. Raises SourceError where there are no files,
    or where one has an image of another shape or unit than the first.
    """
    files = _existing_members(path)
    first = _as_image(describe(files[0]))
    ours = first.columns[0]
    for file in files[1:]:
        pixels = _as_image(describe(file)).columns[0]
        if (pixels.shape, pixels.unit) != (ours.shape, ours.unit):
            said = f"has {_size(pixels)}, and {files[0].name} {_size(ours)}"
            raise TableError(f"{file}: {said}", "name images of one shape and unit alone")
    return replace(first, rows=len(files))


def _as_image(table: FileTable) -> FileTable:
    """Return what a file holds as one image; what is no stack stays as it is."""
    first = table.columns[0]
    if table.rows > 1:
        first = replace(first, shape=(table.rows, *first.shape))
    return replace(table, rows=1, columns=(first, *table.columns[1:]))


def _size(pixels: FileColumn) -> str:
    size = " × ".join(map(str, reversed(pixels.shape)))
    return f"{size} pixels" + (f" [{pixels.unit}]" if pixels.unit else "")


def _kind(dtype: str) -> str:
    """Return what values of a type are, in words."""
    return {"str": "texts", "time": "times", "O": "objects"}.get(dtype.lstrip("|"), "numbers")


def _common(types: Iterator[str]) -> str:
    """Return the type that holds the values of all, which are of one kind."""
    found = list(dict.fromkeys(types))
    return found[0] if _kind(found[0]) != "numbers" else np.result_type(*found).str


@contextmanager
def open_joined(
    tables: Sequence[tuple[Callable[[], AbstractContextManager[ReadValues]], int]],
) -> Iterator[ReadValues]:
    """Give a function that reads rows of several tables; one of them is open at a time.

    tables: what opens each, and its number of rows.
    """
    ends = list(accumulate(rows for _, rows in tables))
    with ExitStack() as stack:
        opened: dict[int, ReadValues] = {}

        def reader(number: int) -> ReadValues:
            if number not in opened:
                stack.close()
                opened.clear()
                opened[number] = stack.enter_context(tables[number][0]())
            return opened[number]

        def read(start: int, stop: int) -> list[NDArray[Any]]:
            pieces: list[list[NDArray[Any]]] = []
            for number, end in enumerate(ends):
                begin = end - tables[number][1]
                first, last = max(start, begin), min(stop, end)
                if first < last:
                    pieces.append(reader(number)(first - begin, last - begin))
            pieces = pieces or [reader(0)(0, 0)]
            return [one_after_another(each) for each in zip(*pieces, strict=True)]

        yield read

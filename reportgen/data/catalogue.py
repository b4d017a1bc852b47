"""A catalogue: a row-aligned virtual table whose columns may come from several files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.config.columns import Column
from reportgen.config.loader import Report
from reportgen.data.contents import SYNTHETIC, Contents, length_name, stamp
from reportgen.data.hdf5 import (
    DAMAGE,
    ColumnPlace,
    OpenDatasets,
    column_type,
    is_whole,
    open_dataset,
    open_file,
    read_columns,
)
from reportgen.errors import SourceError

ReadRows = Callable[[range], dict[str, NDArray[np.float64]]]


@dataclass(frozen=True)
class Catalogue:
    """Named columns of equal length, not yet read.

    synthetic: what the files say when they do not hold observations; empty otherwise.
    broken: columns that cannot be read, and why; the others can. linked: columns that are in files
    to which theirs only link, so that these say nothing of whether they are still the same.
    """

    name: str
    rows: int
    columns: Mapping[str, Column]
    places: Mapping[str, ColumnPlace] = field(repr=False)
    synthetic: str = ""
    broken: Mapping[str, SourceError] = field(default_factory=dict, repr=False)
    linked: frozenset[str] = frozenset()

    @property
    def files(self) -> list[tuple[Path, str]]:
        """Each file and dataset it reads, once."""
        return list(dict.fromkeys((place.file, place.dataset) for place in self.places.values()))

    @contextmanager
    def reading(self, columns: Iterable[str]) -> Iterator[ReadRows]:
        """Open the files of some columns; gives a function that returns some of their rows.

        It maps a column's name to a float64 array; missing values are NaN, infinities stay. Raises
        SourceError when a file cannot be read.
        """
        names = sorted(columns)
        places = [self.places[name] for name in names]
        with OpenDatasets() as opened:

            def read(rows: range) -> dict[str, NDArray[np.float64]]:
                values = read_columns(places, rows.start, rows.stop, opened)
                return dict(zip(names, values, strict=True))

            yield read


def open_catalogue(
    report: Report, name: str, *, partial: bool = False, contents: Contents | None = None
) -> Catalogue:
    """Check that every column of a catalogue is there, numeric and of one length.

    partial: accept that some columns, not all, cannot be read; ``broken`` says why.
    contents: what is known of files, which are not opened for that.
    Raises SourceError that lists everything that is wrong, a line each.
    """
    block = report.catalogues[name]
    places: dict[str, ColumnPlace] = {}
    broken: dict[str, SourceError] = {}
    lengths: dict[tuple[Path, str], int] = {}
    synthetic = ""
    linked: set[str] = set()
    contents = contents or Contents()
    for key in block.columns:
        place = _place(report, name, key)
        try:
            rows, mark, whole = _length(report, name, key, place, contents)
            synthetic = synthetic or mark
            linked |= set() if whole else {key}
            lengths[(place.file, place.dataset)] = rows
        except SourceError as error:
            broken[key] = error
        else:
            places[key] = place
    if broken and not (partial and places):
        raise all_problems(broken.values())
    if len(set(lengths.values())) > 1:
        listed = "; ".join(
            f"{file}: {data} has {rows} rows" for (file, data), rows in lengths.items()
        )
        raise SourceError(
            f"{report.place('catalogues', name)}: its columns have different lengths: {listed}",
            "columns of one catalogue are row-aligned; put the others in a catalogue of their own",
        )
    rows = next(iter(lengths.values()))
    described = block.described()
    return Catalogue(name, rows, described, places, synthetic, broken, frozenset(linked))


def _length(
    report: Report, name: str, key: str, place: ColumnPlace, contents: Contents
) -> tuple[int, str, bool]:
    """Return the length of a column, what its file says of being synthetic, and if it is whole."""
    known = contents.of(place.file)
    if length_name(place) in known and SYNTHETIC in known:
        return int(known[length_name(place)]), str(known[SYNTHETIC]), True
    before = stamp(place.file)
    with open_file(place.file, _where(report, name, key, "file")) as file:
        mark = synthetic_mark(file.attrs)
        dataset = open_dataset(file, place.dataset, _where(report, name, key, "dataset"))
        column_type(dataset, place)
        rows = int(dataset.shape[0])
        whole = is_whole(file, dataset)
    if whole:
        contents.remember(before, {length_name(place): rows, SYNTHETIC: mark})
    return rows, mark, whole


def _place(report: Report, catalogue: str, key: str) -> ColumnPlace:
    block = report.catalogues[catalogue]
    column = block.columns[key]
    file, dataset = column.file or block.file, column.dataset or block.dataset
    assert file is not None  # noqa: S101 - the schema has checked both
    assert dataset is not None  # noqa: S101
    marks = block.missing if column.missing is None else column.missing
    where = report.place("catalogues", catalogue, "columns", key)
    return ColumnPlace(file, dataset, column.index, column.field, marks, where)


def _where(report: Report, catalogue: str, column: str, key: str) -> str:
    """Return the place of a key that a column has itself or from its catalogue."""
    own = getattr(report.catalogues[catalogue].columns[column], key)
    inner = () if own is None else ("columns", column)
    return report.place("catalogues", catalogue, *inner, key)


def all_problems(errors: Iterable[SourceError]) -> SourceError:
    """Put errors of several columns into one; what is wrong with a file is said once."""
    said: dict[str, SourceError] = {}
    for error in errors:
        # The same file gives the same words after the place in the configuration.
        said.setdefault(error.message.partition(": ")[2].partition(": ")[2], error)
    if len(said) == 1:
        return next(iter(said.values()))
    return SourceError("\n".join(str(error) for error in said.values()))


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

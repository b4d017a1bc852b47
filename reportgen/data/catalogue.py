"""A catalogue: a row-aligned virtual table whose columns may come from several files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.config.columns import Column
from reportgen.config.loader import Report
from reportgen.data.dataset import ColumnPlace, DatasetHeader
from reportgen.data.file_digests import FileDigests, length_name
from reportgen.data.hdf5 import describe_column, open_columns
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
        with open_columns([self.places[name] for name in names]) as read:
            yield lambda rows: dict(zip(names, read(rows.start, rows.stop), strict=True))


def open_catalogue(report: Report, name: str, contents: FileDigests | None = None) -> Catalogue:
    """Look whether every column of a catalogue is there, numeric and of one length.

    contents: what is known of files, which are not opened for that.
    Of columns that cannot be read ``broken`` says why. When none can, or their lengths differ,
    raises SourceError that lists everything that is wrong, a line each.
    """
    block = report.catalogues[name]
    contents = contents or FileDigests()
    places: dict[str, ColumnPlace] = {}
    headers: dict[str, DatasetHeader] = {}
    broken: dict[str, SourceError] = {}
    for key in block.columns:
        place = _place(report, name, key)
        try:
            headers[key] = _header(report, name, key, place, contents)
            places[key] = place
        except SourceError as error:
            broken[key] = error
    if not places:
        raise all_problems(broken.values())
    lengths = {(places[key].file, places[key].dataset): headers[key].shape[0] for key in places}
    if len(set(lengths.values())) > 1:
        listed = "; ".join(
            f"{file}: {data} has {rows} rows" for (file, data), rows in lengths.items()
        )
        raise SourceError(
            f"{report.place('catalogues', name)}: its columns have different lengths: {listed}",
            "columns of one catalogue are row-aligned; put the others in a catalogue of their own",
        )
    rows = next(iter(lengths.values()))
    synthetic = next((each.synthetic for each in headers.values() if each.synthetic), "")
    linked = frozenset(key for key, header in headers.items() if not header.whole)
    return Catalogue(name, rows, block.described(), places, synthetic, broken, linked)


def _header(
    report: Report, name: str, key: str, place: ColumnPlace, contents: FileDigests
) -> DatasetHeader:
    keys = [_where(report, name, key, part) for part in ("file", "dataset")]
    return contents.header(place.file, length_name(place), lambda: describe_column(place, *keys))


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

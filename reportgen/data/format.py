"""A file format: how a table in a file is told, described and read; one module a format.

Formats are found through the entry points of the group ``reportgen.formats``, those of a plugin
like those that come with reportgen.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import SourceError


class TableError(SourceError):
    """The file is fine, but has no such table, or nothing that can be read as one."""


ReadValues = Callable[[int, int], list[NDArray[Any]]]
"""Returns rows start to stop of each wanted column."""


@dataclass(frozen=True)
class FileColumn:
    """A column as its file describes it.

    dtype: type of its values as numpy writes it: ``<f4``, ``|b1``; ``str`` for text, ``time`` for
    what is read as datetime64. shape: of the value in one row; () for a single one. unit: as the
    file has it. label: its description. ucd: its UCD (a word of the Virtual Observatory that says
    what it is, such as pos.eq.ra). unreadable: why its values cannot be read; empty when they can.
    unit_is_known: whether astropy reads the unit; a format need not say it.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    unit: str = ""
    label: str = ""
    ucd: str = ""
    unreadable: str = ""
    unit_is_known: bool = True

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers or truth values."""
        return self.dtype not in ("str", "time") and np.dtype(self.dtype).kind in "biuf"

    def completed(self, other: "FileColumn | None") -> "FileColumn":
        """Return it with the unit, label and UCD of another description where it has none."""
        if other is None:
            return self
        unit, label, ucd = (getattr(self, n) or getattr(other, n) for n in ("unit", "label", "ucd"))
        return replace(self, unit=unit, label=label, ucd=ucd)


@dataclass(frozen=True)
class FileTable:
    """A table as its file describes it, not yet read.

    columns: in the order of the file, those included that cannot be read. synthetic: what the file
    says when it does not hold observations. whole: whether all of it is in the file, none of it in
    another that the file links to. ra, dec: names of the columns of its positions, where the format
    says so itself. notes: sentences to be shown with it, such as that a server cut it off.
    format: name of the format; a format need not say it itself. header: of images, the cards of
    FITS that say where on the sky they are, and with which beam. in_order: whether rows are reached
    only by reading those before them.
    """

    rows: int
    columns: tuple[FileColumn, ...]
    synthetic: str = ""
    whole: bool = True
    ra: str = ""
    dec: str = ""
    notes: tuple[str, ...] = ()
    format: str = ""
    header: str = ""
    in_order: bool = False


@dataclass(frozen=True)
class Wanted:
    """A column to read. index: which of the values in one row, of a column that has several."""

    column: str
    index: int | None = None


@dataclass(frozen=True)
class RowGroup:
    """Some rows of a file of which it says something itself.

    ends: the smallest and the largest value of each wanted column, as it is read, (2,); (0,) where
    all values are missing, None where nothing is known. Values that are not a number do not count.
    """

    rows: int
    ends: tuple[NDArray[Any] | None, ...]


class Format(ABC):
    """A file format that holds tables.

    Whatever is wrong with a file is a SourceError, and with a table in it a TableError. Its message
    begins with what is wrong, such as ``is truncated: …``, and its hint says what to do; the caller
    puts the place in the configuration and the path before it. No library may print or warn on the
    way. A path may be a RemoteFile, which path.open alone opens.
    """

    name: str
    """What messages call such a file, with its article: ``a FITS file``."""
    pattern: str
    """Of the names of such files, for hints: ``*.fits``."""

    @property
    def images(self) -> "Format":
        """What reads images of such files: as a table of one column, of which a row is an image.

        It is opened with nothing wanted, and returns (images, …), all of these rows.
        """
        return self

    def datasets(self, path: Path) -> list[str]:
        """Return the names of the images in a file whose format lists them; none of others."""
        return []

    def row_groups(self, path: Path, dataset: str, wanted: Sequence[Wanted]) -> list[RowGroup]:
        """Return the row groups of a table in their order; none where the format knows none.

        Rows of which they say that no selection takes them are not read. It is called in a process
        of its own, the end of which only means that all rows are read.
        """
        return []

    @abstractmethod
    def recognises(self, path: Path, start: bytes) -> bool:
        """Return whether a file is of this format.

        start: its first 4096 bytes; empty for a folder. Only what needs more opens the file.
        """

    @abstractmethod
    def describe(self, path: Path, dataset: str) -> FileTable:
        """Return what a table holds, reading as little as possible.

        dataset: which table of the file; empty for the only one. SourceError lists those that are
        there when it is not, or when there are several and none is named.
        """

    @abstractmethod
    def open(
        self, path: Path, dataset: str, wanted: Sequence[Wanted]
    ) -> AbstractContextManager[ReadValues]:
        """Open a table; gives a function that returns rows start to stop of the wanted columns.

        It returns (rows,) arrays in the order that they are wanted, in the type on disk: integers
        stay integers. Where the file itself says that values are missing, a masked array; texts are
        arrays of str (dtype object, None where missing), times datetime64 (NaT where missing).
        It is called with rows in rising order, mostly, and memory does not grow with the rows of
        the file where the format allows for that. Several threads open the same file at once.
        """


def one_after_another(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return arrays as one, which is nobody else's memory; masked where one of them is."""
    is_masked = any(isinstance(each, np.ma.MaskedArray) for each in arrays)
    joined: NDArray[Any] = (np.ma.concatenate if is_masked else np.concatenate)(arrays)
    return joined

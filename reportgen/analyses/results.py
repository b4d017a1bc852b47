"""The plain data that analyses return: sections, figures, tables and metrics."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

    Axes: TypeAlias = matplotlib.axes.Axes
    Drawing: TypeAlias = matplotlib.figure.Figure
else:  # annotations alone name them: matplotlib is imported where something is drawn
    Axes = Drawing = Any

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
MOST_DIGITS = 340  # decimals of the smallest floats

Digits = int | tuple[int | None, ...] | None
"""Decimals of the numbers of a column: of all, or of each row."""


def check_id(identifier: str) -> str:
    """Refuse an id that could not be a file name."""
    if not (isinstance(identifier, str) and _ID.fullmatch(identifier)):
        raise ValueError(
            "an id has up to 100 lower-case letters, digits, - and _, and starts with a letter "
            f"or digit, not {identifier!r}"
        )
    return identifier


def check_digits(digits: int | None) -> None:
    """Refuse a number of decimals that cannot be shown."""
    if digits is not None and not (isinstance(digits, int) and abs(digits) <= MOST_DIGITS):
        raise ValueError(f"digits is a whole number up to {MOST_DIGITS}, not {digits!r}")


def check_texts(what: str, **texts: object) -> None:
    """Refuse texts that are empty or no texts."""
    for name, text in texts.items():
        if not (isinstance(text, str) and text.strip()):
            raise ValueError(f"{what} needs a text for {name}, not {text!r}")


@dataclass(frozen=True)
class TableColumn:
    """One column of a table: numbers or texts, one for each row.

    unit: as astropy reads it. digits: decimals to show, of all rows or of each; None lets the
    numbers decide, to four significant digits. NaN and masked values are missing. An array of
    objects that are all numbers keeps the digits of integers that float64 would round. title: what
    the report calls it; its name, which files have, when empty. shown: whether the report has it.
    """

    name: str
    values: NDArray[Any]
    unit: str = ""
    description: str = ""
    digits: Digits = None
    title: str = ""
    shown: bool = True

    def __post_init__(self) -> None:
        check_texts("a column of a table", name=self.name)
        if np.ndim(self.values) != 1:
            raise ValueError(f"column {self.name!r} has {np.ndim(self.values)} dimensions, not one")
        of_rows = self.digits if isinstance(self.digits, tuple) else (self.digits,)
        for digits in of_rows:
            check_digits(digits)
        if isinstance(self.digits, tuple) and len(of_rows) != len(self.values):
            raise ValueError(f"column {self.name!r} has digits for {len(of_rows)} rows, not all")

    @property
    def is_numeric(self) -> bool:
        """Whether it holds numbers."""
        kind = self.values.dtype.kind
        return kind in "iuf" or (kind == "O" and all(isinstance(v, Real) for v in self.values))

    @classmethod
    def of(
        cls,
        name: str,
        values: ArrayLike,
        unit: str = "",
        description: str = "",
        digits: Digits = None,
        *,
        title: str = "",
        shown: bool = True,
    ) -> "TableColumn":
        """Return a column of anything numpy understands."""
        array: NDArray[Any] = np.asanyarray(values)  # a masked array stays masked
        return cls(name, array, unit, description, digits, title, shown)


def edge_columns(
    edges: NDArray[Any], unit: str, names: tuple[str, str] = ("low", "high")
) -> list[TableColumn]:
    """Return the columns of both edges of each bin. edges: (bins + 1,)."""
    ends = zip(names, (edges[:-1], edges[1:]), strict=True)
    return [TableColumn.of(name, values, unit) for name, values in ends]


@dataclass(frozen=True)
class Table:
    """Columns of equal length.

    shown: whether the report shows it; a figure's numbers are in files only. position: names of the
    columns of right ascension and declination (ICRS, degrees), where its rows are places on the
    sky; these are then in a DS9 region file, too.
    """

    id: str
    title: str
    columns: Sequence[TableColumn]
    shown: bool = True
    position: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        check_id(self.id)
        check_texts(f"table {self.id!r}", title=self.title)
        if not self.columns:
            raise ValueError(f"table {self.id!r} has no column")
        lengths = {column.name: len(column.values) for column in self.columns}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of table {self.id!r} differ in length: {lengths}")
        if len(lengths) < len(self.columns):
            raise ValueError(f"table {self.id!r} has two columns of one name")
        numeric = {column.name for column in self.columns if column.is_numeric}
        if self.position is not None and not numeric.issuperset(self.position):
            said = " and ".join(self.position)
            raise ValueError(f"table {self.id!r} has no columns of numbers {said} for positions")


@dataclass(frozen=True)
class Figure:
    """A drawing with the words and the numbers that belong to it.

    alt: what the figure shows, made from its numbers, for those who do not see it.
    width: ``column`` (84 mm) or ``full`` (174 mm). data: the numbers it draws.
    """

    id: str
    drawing: Drawing
    title: str
    alt: str
    caption: str
    data: Table
    width: Literal["column", "full"] = "column"

    @classmethod
    def of(
        cls,
        id: str,
        drawing: Drawing,
        title: str,
        columns: Sequence[TableColumn],
        *,
        alt: str,
        caption: str,
        about: str = "",
        position: tuple[str, str] | None = None,
        width: Literal["column", "full"] = "column",
    ) -> "Figure":
        """Return a figure of the columns that it draws, which are in files alone.

        about: title of their table; that of the figure when empty. position: as of a Table.
        """
        data = Table(id, about or title, columns, shown=False, position=position)
        return cls(id, drawing, title, alt, caption, data, width)

    def __post_init__(self) -> None:
        check_id(self.id)
        check_texts(f"figure {self.id!r}", title=self.title, alt=self.alt, caption=self.caption)
        if self.width not in {"column", "full"}:
            raise ValueError(f"figure {self.id!r}: width is column or full, not {self.width!r}")


@dataclass(frozen=True)
class Metric:
    """One number of a section that can be followed and checked.

    value: NaN when it could not be computed. digits: decimals to show. shown: whether the report
    lists it above the figures; the others are in the files.
    """

    value: float
    label: str
    unit: str = ""
    digits: int | None = None
    shown: bool = True

    def __post_init__(self) -> None:
        check_texts("a metric", label=self.label)
        check_digits(self.digits)
        if not isinstance(self.value, Real):
            raise ValueError(f"metric {self.label!r} is {self.value!r}, not a number")


@dataclass(frozen=True)
class Section:
    """What an analysis found.

    findings: computed sentences, the one that matters most first. rows: rows used, or images, as
    entries says. notes: quiet remarks, such as an approximation that was used.
    """

    findings: Sequence[str]
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    rows: int | None = None
    notes: Sequence[str] = ()
    entries: Literal["rows", "images"] = "rows"

    def __post_init__(self) -> None:
        if isinstance(self.findings, str) or isinstance(self.notes, str):
            raise ValueError("findings and notes are lists of sentences, not one text")
        if not self.findings:
            raise ValueError("a section needs at least one finding")
        for sentence in (*self.findings, *self.notes):
            check_texts("a section", **{"a finding or note": sentence})
        for name in self.metrics:
            if not name.isidentifier():
                raise ValueError(f"metric name {name!r} must be letters, digits and _")
        for things in (self.figures, self.tables):
            ids = [thing.id for thing in things]
            if len(set(ids)) < len(ids):
                raise ValueError(f"two of one id among {', '.join(ids)}")

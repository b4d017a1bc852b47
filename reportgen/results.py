"""The plain data that analyses return: sections, figures, tables and metrics."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_ID = re.compile(r"^[a-z0-9][a-z0-9_-]*$")


def check_id(identifier: str) -> str:
    """Refuse an id that could not be a file name."""
    if not _ID.match(identifier):
        raise ValueError(f"an id has lower-case letters, digits, - and _ only, not {identifier!r}")
    return identifier


@dataclass(frozen=True)
class TableColumn:
    """One column of a table: numbers or texts, one for each row.

    unit: as astropy reads it. digits: decimals to show; None lets the numbers decide, to four
    significant digits. NaN and masked values are missing.
    """

    name: str
    values: NDArray[Any]
    unit: str = ""
    description: str = ""
    digits: int | None = None

    @classmethod
    def of(
        cls,
        name: str,
        values: ArrayLike,
        unit: str = "",
        description: str = "",
        digits: int | None = None,
    ) -> "TableColumn":
        """Make a column of anything numpy understands."""
        return cls(name, np.asarray(values), unit, description, digits)


@dataclass(frozen=True)
class Table:
    """Columns of equal length.

    shown: whether the report shows it; a figure's numbers are in files only.
    """

    id: str
    title: str
    columns: Sequence[TableColumn]
    shown: bool = True

    def __post_init__(self) -> None:
        check_id(self.id)
        lengths = {column.name: len(column.values) for column in self.columns}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of table {self.id!r} differ in length: {lengths}")
        if len(lengths) < len(self.columns):
            raise ValueError(f"table {self.id!r} has two columns of one name")


@dataclass(frozen=True)
class Figure:
    """A drawing with the words and the numbers that belong to it.

    alt: what the figure shows, made from its numbers, for those who do not see it.
    width: ``column`` (84 mm) or ``full`` (174 mm). data: the numbers it draws.
    """

    id: str
    drawing: "Drawing"
    title: str
    alt: str
    caption: str
    data: Table
    width: Literal["column", "full"] = "column"

    def __post_init__(self) -> None:
        check_id(self.id)
        for name in ("title", "alt", "caption"):
            if not getattr(self, name).strip():
                raise ValueError(f"figure {self.id!r} needs a text for {name}")


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


@dataclass(frozen=True)
class Section:
    """What an analysis found.

    findings: computed sentences, the one that matters most first. rows: rows used.
    notes: quiet remarks, such as an approximation that was used.
    """

    findings: Sequence[str]
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    rows: int | None = None
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.findings or not all(finding.strip() for finding in self.findings):
            raise ValueError("a section needs at least one finding")
        for name in self.metrics:
            if not name.isidentifier():
                raise ValueError(f"metric name {name!r} must be letters, digits and _")
        for things in (self.figures, self.tables):
            ids = [thing.id for thing in things]
            if len(set(ids)) < len(ids):
                raise ValueError(f"two of one id among {', '.join(ids)}")

"""Tables as text: sensible digits, decimals aligned, missing values as an em dash."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.config.columns import unit_symbol
from reportgen.numbers import MISSING, count, number
from reportgen.summary import ColumnRecord, TableRecord

FIGURE_SPACE, POINT_SPACE = "\u2007", "\u2008"  # as wide as a digit, and as a point


@dataclass(frozen=True)
class Cell:
    """A cell: the text to show and the value to sort by."""

    text: str
    value: str


@dataclass(frozen=True)
class Head:
    """The head of a column."""

    name: str
    unit: str
    description: str
    numeric: bool


@dataclass(frozen=True)
class TableView:
    """A table to show: at most so many of its rows."""

    id: str
    title: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    files: dict[str, str]

    @property
    def capped(self) -> bool:
        """Whether rows are left out."""
        return len(self.rows) < self.total


def table_view(run: Path, record: TableRecord, most: int) -> TableView:
    """Read a table of a run folder and format its first rows."""
    from astropy.table import Table

    path = run / record.files["ecsv"]
    table = Table.read(path, format="ascii.ecsv", encoding="utf-8")[:most]
    columns = [
        _cells(np.ma.asarray(table[column.name]), column) if len(table) else []
        for column in record.columns
    ]
    return TableView(
        record.id,
        record.title,
        tuple(Head(c.name, unit_symbol(c.unit), c.description, c.numeric) for c in record.columns),
        tuple(zip(*columns, strict=True)),
        record.rows,
        dict(record.files),
    )


def _cells(values: Any, column: ColumnRecord) -> list[Cell]:
    missing = np.ma.getmaskarray(values)
    pairs = list(zip(values.data, missing, strict=True))
    if not column.numeric:
        return [Cell(MISSING if m else str(v), "" if m else str(v)) for v, m in pairs]
    whole = values.dtype.kind in "iu"
    texts = [
        MISSING if m else count(v) if whole else number(float(v), column.digits) for v, m in pairs
    ]
    return [
        Cell(text, "" if m else repr(v.item()))
        for text, (v, m) in zip(aligned(texts), pairs, strict=True)
    ]


def aligned(texts: list[str]) -> list[str]:
    """Pad numbers on the right so that their decimal points stand below each other."""
    decimals = [len(text.partition(".")[2]) if "." in text else -1 for text in texts]
    widest = max(decimals, default=-1)
    if any("×" in text for text in texts):
        return texts
    return [
        text
        if text == MISSING
        else text
        + (POINT_SPACE if places < 0 <= widest else "")
        + FIGURE_SPACE * (widest - max(places, 0) if widest > 0 else 0)
        for text, places in zip(texts, decimals, strict=True)
    ]

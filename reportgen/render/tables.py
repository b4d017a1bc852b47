"""Tables as text: sensible digits, decimals aligned, missing values as an em dash."""

from csv import reader
from dataclasses import dataclass, replace
from itertools import compress, islice, repeat
from pathlib import Path

from reportgen.config.columns import unit_symbol
from reportgen.record import ColumnRecord, TableRecord, own_file
from reportgen.render.table_files import unguarded
from reportgen.wording import MISSING, count, counted, number

FIGURE_SPACE, POINT_SPACE = "\u2007", "\u2008"  # as wide as a digit, and as a point
LEAST_WIDTH = 0.02  # degrees; of the view of a single position

_ALADIN = "https://aladin.cds.unistra.fr/AladinLite/"


@dataclass(frozen=True)
class CellView:
    """A cell: the text to show and the value to sort by."""

    text: str
    value: str
    link: str = ""
    """Address of the place that it is the right ascension of."""


@dataclass(frozen=True)
class HeadView:
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
    heads: tuple[HeadView, ...]
    rows: tuple[tuple[CellView, ...], ...]
    total: int
    files: dict[str, str]

    @property
    def capped(self) -> bool:
        """Whether rows are left out."""
        return len(self.rows) < self.total

    @property
    def size(self) -> str:
        """How many rows it has, with those that are left out."""
        return counted(self.total, "rows")


def table_view(run: Path, record: TableRecord, most: int) -> TableView:
    """Read a table of a run folder and format its first rows."""
    with own_file(run, record.files["csv"]).open(encoding="utf-8", newline="") as file:
        rows = list(islice(reader(file), 1, most + 1))
    columns = [
        _cells([row[place] for row in rows], column) for place, column in enumerate(record.columns)
    ]
    if record.position is not None:
        ra, dec = ([c.name for c in record.columns].index(name) for name in record.position)
        columns[ra] = list(map(_linked, columns[ra], columns[dec]))
    shown = [column.shown for column in record.columns]
    return TableView(
        record.id,
        record.title,
        tuple(map(_head, compress(record.columns, shown))),
        tuple(zip(*compress(columns, shown), strict=True)),
        record.rows,
        dict(record.files),
    )


def _head(column: ColumnRecord) -> HeadView:
    described = column.description
    if column.title and described in {"", column.title}:
        described = column.name
    return HeadView(
        column.title or column.name, unit_symbol(column.unit), described, column.numeric
    )


def _linked(ra: CellView, dec: CellView) -> CellView:
    if not (ra.value and dec.value):
        return ra
    return replace(ra, link=aladin_link(float(ra.value), float(dec.value)))


def aladin_link(ra: float, dec: float, width: float = LEAST_WIDTH) -> str:
    """Return the address that shows a place, all in degrees, in Aladin Lite.

    It is followed by a reader who chooses to; a report fetches nothing.
    """
    return f"{_ALADIN}?target={ra:.6f}%20{dec:.6f}&fov={width:g}"


def _cells(texts: list[str], column: ColumnRecord) -> list[CellView]:
    """Return the cells of a column. texts: numbers with all their digits, empty where missing."""
    if not column.numeric:
        return [CellView(text or MISSING, text) for text in map(unguarded, texts)]
    of_rows = column.digits if isinstance(column.digits, tuple) else repeat(column.digits)
    said = [_said(text, digits) for text, digits in zip(texts, of_rows, strict=False)]
    return [CellView(shown, text) for shown, text in zip(aligned(said), texts, strict=True)]


def _said(text: str, digits: int | None) -> str:
    if not text:
        return MISSING
    try:
        return count(int(text))
    except ValueError:
        return number(float(text), digits)


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

"""Tables on paper: what is wider than the page comes in blocks, each led by the first column."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from reportgen.render.tables import TableView
from reportgen.style import FONT_FILES, SANS, font_path

PAGE = 174 * 72 / 25.4  # points, as print.css has it
MANY = 8  # columns; a table of more is in smaller type
SIZES = {False: (8.0, 9.0), True: (7.0, 4.25)}  # points of type, and of the gap; small or not
EM = 100  # pixels, to measure with


def in_blocks(table: TableView) -> list[TableView]:
    """Return a table in blocks of columns that fit the page, each with the first column."""
    size, gap = SIZES[len(table.heads) > MANY]
    widths = [size * _ems(table, place) + gap for place in range(len(table.heads))]
    if sum(widths) <= PAGE:
        return [table]
    return [_block(table, places) for places in _fitting(widths)]


def _fitting(widths: Sequence[float]) -> Iterator[list[int]]:
    """Yield the columns of each block, the first one aside."""
    places: list[int] = []
    for place in range(1, len(widths)):
        if places and widths[0] + sum(widths[p] for p in [*places, place]) > PAGE:
            yield places
            places = []
        places.append(place)
    yield places


def _block(table: TableView, places: Sequence[int]) -> TableView:
    said = f"columns {places[0] + 1} to {places[-1] + 1} of {len(table.heads)}"
    return replace(
        table,
        title=f"{table.title}: {said}",
        heads=tuple(table.heads[place] for place in (0, *places)),
        rows=tuple(tuple(row[place] for place in (0, *places)) for row in table.rows),
    )


def _ems(table: TableView, place: int) -> float:
    """Return the width of the longest word of a column, in units of the type size."""
    head = table.heads[place]
    words = [(word, 600) for word in (*head.name.split(" "), f"[{head.unit}]" * bool(head.unit))]
    words += [(word, 400) for row in table.rows for word in row[place].text.split(" ")]
    return float(max(_face(weight).getlength(word) for word, weight in words)) / EM


@cache
def _face(weight: int) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(font_path(FONT_FILES[SANS, "normal", weight]), EM)

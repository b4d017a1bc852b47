"""Tables on paper: what is wider than the page comes in blocks, each led by the first column."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from reportgen.render.tables import TableView
from reportgen.style import FONT_FILES, SANS, font_path

PAGE, COLUMN, NARROW = (mm * 72 / 25.4 for mm in (174, 84, 82))  # points, as print.css has it
MANY = 8  # columns; a table of more is in smaller type
SIZES = {False: (8.0, 7.0), True: (7.0, 4.25)}  # points of type, and of the gap; small or not
SHORT = 30  # rows; a table of more is not kept on one page
LONGEST = 32  # characters of a word, then it may be broken
BREAK = "\u200b"  # where a line may end, without a width
EM = 100  # pixels, to measure with

_LONG = re.compile(rf"[^ \t\n]{{{LONGEST + 1},}}")


def in_blocks(table: TableView) -> list[TableView]:
    """Return a table in blocks of columns that fit the page, each with the first column.

    Words that no line could hold may be broken.
    """
    table = _breakable(table)
    widths = _widths(table)
    if sum(widths) <= PAGE:
        return [table]
    # As many as are needed, of like widths.
    few = len(list(_fitting(widths, PAGE)))
    ways = (list(_fitting(widths, PAGE * part / 20)) for part in range(10, 21))
    return [_block(table, places) for places in next(way for way in ways if len(way) == few)]


def table_width(table: TableView) -> float:
    """Return how wide a table is whose rows take a line each, in points."""
    return sum(_widths(table, whole=True))


def is_narrow(table: TableView) -> bool:
    """Return whether two such tables fit beside each other, and on one page."""
    size, gap = SIZES[len(table.heads) > MANY]
    heads = (f"{head.name} [{head.unit}]" if head.unit else head.name for head in table.heads)
    width = sum(text_width(head, size, 600) + gap for head in heads)
    return len(table.rows) <= SHORT and max(width, table_width(table)) <= NARROW


def text_width(text: str, size: float, weight: int = 400) -> float:
    """Return how wide a line of text is, in points. size: of the type."""
    return size * float(_face(weight).getlength(text)) / EM


def _widths(table: TableView, *, whole: bool = False) -> list[float]:
    """Return the widths of columns: of their longest words, or of their longest texts if whole."""
    size, gap = SIZES[len(table.heads) > MANY]
    widths = []
    for place, head in enumerate(table.heads):
        heads = [*_words(head.name), *([f"[{head.unit}]"] if head.unit else [])]
        texts = [row[place].text for row in table.rows]
        words = texts if whole else [word for text in texts for word in _words(text)]
        widest = [text_width(word, size, 600) for word in heads]
        widest += [text_width(word, size) for word in words]
        widths.append(max(widest) + gap)
    return widths


def _fitting(widths: Sequence[float], room: float) -> Iterator[list[int]]:
    """Yield the columns of each block, the first one aside."""
    places: list[int] = []
    for place in range(1, len(widths)):
        if places and widths[0] + sum(widths[p] for p in [*places, place]) > room:
            yield places
            places = []
        places.append(place)
    yield places


def _breakable(table: TableView) -> TableView:
    return replace(
        table,
        heads=tuple(replace(head, name=_broken(head.name)) for head in table.heads),
        rows=tuple(
            tuple(replace(cell, text=_broken(cell.text)) for cell in row) for row in table.rows
        ),
    )


def _broken(text: str) -> str:
    return _LONG.sub(lambda word: BREAK.join(_pieces(word[0])), text)


def _pieces(word: str) -> list[str]:
    return [word[start : start + LONGEST] for start in range(0, len(word), LONGEST)]


def _block(table: TableView, places: Sequence[int]) -> TableView:
    first, last = places[0] + 1, places[-1] + 1
    named = f"column {first}" if first == last else f"columns {first} to {last}"
    said = f"{named} of {len(table.heads)}"
    return replace(
        table,
        title=f"{table.title}: {said}",
        heads=tuple(table.heads[place] for place in (0, *places)),
        rows=tuple(tuple(row[place] for place in (0, *places)) for row in table.rows),
    )


def _words(text: str) -> list[str]:
    return re.split(f"[ \t\n{BREAK}]", text)  # blanks of other kinds hold a word together


@cache
def _face(weight: int) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(font_path(FONT_FILES[SANS, "normal", weight]), EM)

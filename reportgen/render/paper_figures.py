"""Figures on paper: narrow ones in pairs, and beside one that is left over what fits there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from reportgen.render.paper_tables import COLUMN, table_width, text_width
from reportgen.render.tables import TableView
from reportgen.render.view import FigureView, MetricView, SectionView

TALL = 95.0  # mm of a narrow figure with its caption, at most about
PER_LINE, PER_ROW, PER_CHECK, HEAD = 9.0, 4.3, 13.0, 9.0  # mm: of metrics, of a table, …
PER_NOTE = 8.0  # mm
NAME, VALUE, SPARK, GAP = 8.1, 11.5, 57.0, 20.0  # points: sizes of type, and widths; as print.css


@dataclass(frozen=True)
class FigureRow:
    """Figures side by side, with what stands beside a narrow one that is alone in its row.

    foot: notes and facts on the section. saved: how much of the page needs nothing more, in mm.
    """

    figures: tuple[FigureView, ...]
    metrics: bool = False
    table: TableView | None = None
    checks: bool = False
    foot: bool = False
    saved: float = 0.0


def figure_rows(section: SectionView) -> list[FigureRow]:
    """Return the figures of a section row by row: two narrow ones or a wide one.

    Beside a narrow one that is alone are the metrics, where it is in the first row, and in the last
    row the first table, the checks and the notes, in the order in which they would follow. Of an
    odd number of narrow ones the first or the last is alone, whichever has more beside it.
    """
    narrow = list(takewhile(lambda one: one.record.width == "column", section.figures))
    ways = [list(_rows(section, list(_pairs(section.figures))))]
    if len(narrow) > 1 and len(narrow) % 2:
        first, *others = section.figures
        ways.append(list(_rows(section, [(first,), *_pairs(others)])))
    return max(ways, key=lambda rows: sum(row.saved for row in rows))


def _pairs(figures: Sequence[FigureView]) -> Iterator[tuple[FigureView, ...]]:
    left: list[FigureView] = []
    for figure in figures:
        if left and figure.record.width == "column":
            yield left.pop(), figure
        elif figure.record.width == "column":
            left.append(figure)
        else:
            yield from ((one,) for one in left)
            left.clear()
            yield (figure,)
    yield from ((one,) for one in left)


def _rows(section: SectionView, rows: Sequence[tuple[FigureView, ...]]) -> Iterator[FigureRow]:
    for place, figures in enumerate(rows):
        if len(figures) > 1 or figures[0].record.width != "column":
            yield FigureRow(figures)
        else:
            yield _with_more(figures, section, first=place == 0, last=place == len(rows) - 1)


def _with_more(
    figures: tuple[FigureView, ...], section: SectionView, *, first: bool, last: bool
) -> FigureRow:
    room, table, tables = TALL, None, section.tables
    needed = PER_LINE * _lines(section.metrics)
    metrics = first and 0 < needed <= room
    if metrics:
        room -= needed
    if last and tables and table_width(tables[0]) <= COLUMN:
        needed = HEAD + PER_ROW * len(tables[0].rows)
        if needed <= room:
            table, room, tables = tables[0], room - needed, tables[1:]
    needed = (HEAD + PER_CHECK * len(section.checks)) if section.checks else 0.0
    checks = last and not tables and 0 < needed <= room
    if checks:
        room -= needed
    needed = PER_NOTE * (1 + len(section.record.notes))
    foot = last and not tables and checks == bool(section.checks) and needed <= room
    if foot:
        room -= needed
    return FigureRow(figures, metrics, table, checks, foot, TALL - room)


def _lines(metrics: Sequence[MetricView]) -> int:
    """Return how many lines metrics take in a column."""
    lines, left = 0, 0.0
    for metric in metrics:
        value = text_width(f"{metric.value}{metric.unit}", VALUE) + (SPARK if metric.spark else 0)
        width = max(text_width(metric.label, NAME), value)
        if width > left:
            lines, left = lines + 1, COLUMN
        left -= width + GAP
    return lines

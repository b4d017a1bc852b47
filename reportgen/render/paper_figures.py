"""Figures on paper: narrow ones in pairs, and beside one that is left over what fits there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reportgen.render.paper_tables import table_width
from reportgen.render.tables import TableView
from reportgen.render.view import FigureView, SectionView

COLUMN = 84 * 72 / 25.4  # points beside a narrow figure, as print.css has it
TALL = 95.0  # mm of a narrow figure with its caption, at most about
PER_METRICS, PER_ROW, PER_CHECK, HEAD = 9.0, 4.3, 13.0, 9.0  # mm: two metrics, a row of a table, …


@dataclass(frozen=True)
class FigureRow:
    """Figures side by side, with what stands beside a narrow one that is alone in its row."""

    figures: tuple[FigureView, ...]
    metrics: bool = False
    table: TableView | None = None
    checks: bool = False

    @property
    def is_shared(self) -> bool:
        """Whether anything stands beside its figure."""
        return self.metrics or self.table is not None or self.checks


def figure_rows(section: SectionView) -> list[FigureRow]:
    """Return the figures of a section row by row: two narrow ones or a wide one.

    Beside a narrow one that is alone are the metrics, where it is in the first row, and in the last
    row the first table and the checks, in the order in which they would follow.
    """
    rows = list(_pairs(section.figures))
    return [
        _with_more(row, section, first=place == 0, last=place == len(rows) - 1)
        for place, row in enumerate(rows)
    ]


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


def _with_more(
    figures: tuple[FigureView, ...], section: SectionView, *, first: bool, last: bool
) -> FigureRow:
    if len(figures) > 1 or figures[0].record.width != "column":
        return FigureRow(figures)
    room, table, checks = TALL, None, False
    metrics = first and bool(section.metrics)
    if metrics:
        room -= PER_METRICS * -(-len(section.metrics) // 2)
    tables = section.tables
    if last and tables and table_width(tables[0]) <= COLUMN:
        needed = HEAD + PER_ROW * len(tables[0].rows)
        if needed <= room:
            table, room, tables = tables[0], room - needed, tables[1:]
    if last and not tables and section.checks:
        checks = HEAD + PER_CHECK * len(section.checks) <= room
    return FigureRow(figures, metrics, table, checks)

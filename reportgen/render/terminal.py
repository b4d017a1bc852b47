"""A metric over the nights, plotted with characters."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from reportgen.render.series import Series, SeriesPoint
from reportgen.wording import number

HEIGHT = 9  # lines of characters
_LEAST_WIDTH = 12
# Dots of a Braille character (Unicode 16.0, section 21.1), by column and row.
_BRAILLE = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


@dataclass(frozen=True)
class Signs:
    """The characters of a plot. dots: of a character, across and down; 1 and 1 without Braille."""

    value: str
    trouble: str
    none: str
    side: str
    corner: str
    floor: str
    line: str = ""

    @property
    def dots(self) -> tuple[int, int]:
        """Dots of a character, across and down."""
        return (1, 1) if self.line else (2, 4)


UNICODE = Signs("●", "◆", "×", "│", "└", "─")
ASCII = Signs("o", "!", "x", "|", "+", "-", line=".")


def signs_for(encoding: str | None) -> Signs:
    """Return the characters that can be written in an encoding."""
    try:
        "●◆×│└─⣿".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def plot_lines(series: Series, width: int, signs: Signs = UNICODE) -> list[str]:
    """Return the lines of a plot, none wider than a width; none when there is no value."""
    if not series.values:
        return []
    low, high = min(series.values), max(series.values)
    labels = [""] * HEIGHT
    labels[HEIGHT // 2 if low == high else 0] = number(high, series.digits)
    if low != high:
        labels[-1] = number(low, series.digits)
    margin = max(map(len, labels))
    columns = max(_LEAST_WIDTH, width - margin - 3)
    canvas = _Canvas(series, columns, signs)
    canvas.draw()
    floor = [signs.floor] * columns
    for point in series.points:
        if point.value is None:
            floor[canvas.column(point)] = signs.none
    first, last = (f"{point.night}" for point in (series.points[0], series.points[-1]))
    ends = first if first == last else f"{first}{last:>{columns - len(first)}}"
    pad = " " * margin
    return [
        series.title,
        *(
            f"{label:>{margin}} {signs.side}{row}".rstrip()
            for label, row in zip(labels, canvas.rows(), strict=True)
        ),
        f"{pad} {signs.corner}{''.join(floor)}",
        f"{pad}  {ends}",
        *(f"{pad}  {line}" for line in _legend_lines(canvas, signs, columns)),
    ]


def _legend_lines(canvas: "_Canvas", signs: Signs, columns: int) -> list[str]:
    entries = list(_legend(canvas, signs))
    line = "   ".join(entries)
    return entries if len(line) > columns else [line] if line else []


def _legend(canvas: "_Canvas", signs: Signs) -> Iterator[str]:
    if signs.value in canvas.marks.values():
        yield f"{signs.value} value"
    if signs.trouble in canvas.marks.values():
        yield f"{signs.trouble} a check does not hold"
    if any(point.value is None for point in canvas.series.points):
        yield f"{signs.none} no value"


class _Canvas:
    """Dots, and signs over them."""

    def __init__(self, series: Series, columns: int, signs: Signs) -> None:
        self.series = series
        self.signs = signs
        self.columns = columns
        across, down = signs.dots
        self.width, self.height = columns * across, HEIGHT * down
        self.cells = [[0] * columns for _ in range(HEIGHT)]
        self.marks: dict[tuple[int, int], str] = {}
        self.first = series.points[0].night
        self.days = (series.points[-1].night - self.first).days
        self.low, self.high = min(series.values), max(series.values)

    def column(self, point: SeriesPoint) -> int:
        """Return the character below which a night is."""
        return self._x(point) // self.signs.dots[0]

    def rows(self) -> Iterator[str]:
        """Return the lines of characters, uppermost first."""
        for y, row in enumerate(self.cells):
            yield "".join(self.marks.get((x, y)) or self._sign(dots) for x, dots in enumerate(row))

    def draw(self) -> None:
        """Draw lines, and signs on the values unless they would hide the lines."""
        sparse = 2 * len(self.series.points) <= self.columns
        for line in self.series.lines():
            for one, other in pairwise([*line[:1], *line]):
                self._join((self._x(one), self._y(one)), (self._x(other), self._y(other)))
            for point in line:
                if not point.fine:
                    self._mark(point, self.signs.trouble)
                elif sparse or len(line) == 1 or self.signs.line:
                    self._mark(point, self.signs.value)

    def _mark(self, point: SeriesPoint, sign: str) -> None:
        place = self.column(point), self._y(point) // self.signs.dots[1]
        if self.marks.get(place) != self.signs.trouble:
            self.marks[place] = sign

    def _join(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        across, down = self.signs.dots
        for x, y in _between(start, end):
            self.cells[y // down][x // across] |= _BRAILLE[x % across][y % down]

    def _sign(self, dots: int) -> str:
        if not dots:
            return " "
        return self.signs.line or chr(0x2800 + dots)

    def _x(self, point: SeriesPoint) -> int:
        if not self.days:
            return self.width // 2
        return round((point.night - self.first).days / self.days * (self.width - 1))

    def _y(self, point: SeriesPoint) -> int:
        if self.high == self.low or point.value is None:
            return self.height // 2
        # Halved, so that the distance of the largest floats stays finite.
        part = (point.value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return round((1 - part) * (self.height - 1))


def _between(start: tuple[int, int], end: tuple[int, int]) -> Iterable[tuple[int, int]]:
    """Return the dots of a straight line."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    for step in range(steps + 1):
        yield (
            round(start[0] + (end[0] - start[0]) * step / steps),
            round(start[1] + (end[1] - start[1]) * step / steps),
        )

"""A metric over the nights, plotted with characters."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from reportgen.render.series import Series, SeriesPoint
from reportgen.wording import number

HEIGHT = 9  # lines of characters
_LEAST_WIDTH = 12
# Dots of a Braille character (Unicode 16.0, section 21.1), down and across.
_BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


@dataclass(frozen=True)
class Signs:
    """The characters of a plot. line: of lines; empty to draw them with Braille dots."""

    value: str
    trouble: str
    none: str
    side: str
    corner: str
    floor: str
    line: str = ""


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
    down, across = (1, 1) if signs.line else _BRAILLE.shape
    place = _placing(series, HEIGHT * down, columns * across)
    rows = _drawn_lines(series, place, columns, signs)
    floor = [signs.floor] * columns
    # A sign on each of many values would hide the lines that join them.
    sparse = 2 * len(series.points) <= columns or bool(signs.line)
    alone = [line[0] for line in series.lines() if len(line) == 1]
    for point in sorted(series.points, key=lambda point: not point.fine):
        y, x = place(point)
        if point.value is None:
            floor[x // across] = signs.none
        elif not point.fine:
            rows[y // down][x // across] = signs.trouble
        elif sparse or point in alone:
            rows[y // down][x // across] = signs.value
    first, last = (f"{point.night}" for point in (series.points[0], series.points[-1]))
    ends = first if first == last else f"{first}{last:>{columns - len(first)}}"
    pad = " " * margin
    drawn = {sign for row in (*rows, floor) for sign in row}
    words = {
        signs.value: "value",
        signs.trouble: "a check does not hold",
        signs.none: "no value",
    }
    legend = [f"{sign} {text}" for sign, text in words.items() if sign in drawn]
    together = "   ".join(legend)
    return [
        series.title,
        *(
            f"{label:>{margin}} {signs.side}{''.join(row)}".rstrip()
            for label, row in zip(labels, rows, strict=True)
        ),
        f"{pad} {signs.corner}{''.join(floor)}",
        f"{pad}  {ends}",
        *(f"{pad}  {line}" for line in ([together] if len(together) <= columns else legend)),
    ]


def _placing(series: Series, height: int, width: int) -> Callable[[SeriesPoint], tuple[int, int]]:
    """Return what gives the row and the column of a point among so many of them."""
    first, last = series.points[0].night, series.points[-1].night
    # Halved, so that the distance of the largest floats stays finite.
    low, high = min(series.values) / 2, max(series.values) / 2

    def place(point: SeriesPoint) -> tuple[int, int]:
        y, x = height // 2, width // 2
        if point.value is not None and low < high:
            y = round((high - point.value / 2) / (high - low) * (height - 1))
        if first < last:
            x = round((point.night - first) / (last - first) * (width - 1))
        return y, x

    return place


def _drawn_lines(
    series: Series, place: Callable[[SeriesPoint], tuple[int, int]], columns: int, signs: Signs
) -> list[list[str]]:
    bits = _BRAILLE[:1, :1] if signs.line else _BRAILLE
    down, across = bits.shape
    dots: NDArray[np.bool_] = np.zeros((HEIGHT * down, columns * across), dtype=bool)
    for line in series.lines():
        places = [place(point) for point in line]
        for start, end in pairwise([places[0], *places]):
            steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
            y, x = np.rint(np.linspace(start, end, steps + 1)).astype(int).T
            dots[y, x] = True
    codes = np.einsum("rdca,da->rc", dots.reshape(HEIGHT, down, columns, across), bits)
    return [[(signs.line or chr(0x2800 + code)) if code else " " for code in row] for row in codes]

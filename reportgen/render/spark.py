"""A metric's last nights as a line of the height of its number."""

from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.wording import number

WIDTH, HEIGHT, EDGE = 72.0, 18.0, 2.0


@dataclass(frozen=True)
class Spark:
    """lines: points of a polyline for each run of nights with a value. x, y: of tonight."""

    lines: tuple[str, ...]
    x: str
    y: str
    text: str


def spark(values: Sequence[float | None], digits: int | None, unit: str) -> Spark | None:
    """Lay out a line of values, tonight last; None where there are fewer than two.

    A night without a value parts the line. unit: its symbol.
    """
    found = [value for value in values if value is not None]
    if len(found) < 2:
        return None
    low, high = min(found), max(found)
    span = high - low
    step = (WIDTH - 2 * EDGE) / (len(values) - 1)

    def place(k: int, value: float) -> tuple[str, str]:
        up = (value - low) / span if span else 0.5
        return f"{EDGE + k * step:.1f}", f"{HEIGHT - EDGE - up * (HEIGHT - 2 * EDGE):.1f}"

    lines: list[list[str]] = [[]]
    for k, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(",".join(place(k, value)))
    last = values[-1]
    x, y = ("", "") if last is None else place(len(values) - 1, last)
    ends = " to ".join(f"{number(v, digits)}{f' {unit}' if unit else ''}" for v in (low, high))
    return Spark(
        tuple(" ".join(line) for line in lines if len(line) > 1),
        x,
        y,
        f"{len(found)} nights: {ends}",
    )

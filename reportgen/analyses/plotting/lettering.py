"""Text in figures: as written, and never wider than its place."""

from functools import lru_cache
from typing import Any

from reportgen.analyses.results import Axes
from reportgen.style import LABEL_SIZE, SANS, SIGNS, TEXT_SIZE, register_type


def plain(text: str) -> str:
    """Return text as matplotlib shows it: a ``$`` is a dollar, not the start of a formula."""
    return text.replace("$", r"\$")


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = TEXT_SIZE) -> float:
    """Return how wide text is in the type of the figures, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    register_type()
    width, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(family=[SANS, SIGNS], size=size), ismath=False
    )
    return float(width)


def fitted(text: str, room: float, size: float = TEXT_SIZE) -> str:
    """Return text that is at most so many points wide, cut with an ellipsis where it must be."""
    if text_width(text, size) <= room:
        return text
    shorter = (f"{text[:length].rstrip()}…" for length in range(len(text) - 1, 0, -1))
    return next((cut for cut in shorter if text_width(cut, size) <= room), "…")


def wrapped(text: str, room: float, rows: int = 2, size: float = TEXT_SIZE) -> str:
    """Return text in at most so many rows of so many points, the last one cut where it must be.

    A unit in brackets at the end is never cut off.
    """
    if text_width(text, size) <= room:
        return text
    title, bracket, unit = text.rpartition(" [")
    ending = f"\u00a0[{unit}" if bracket and unit.endswith("]") else ""
    words = (title if ending else text).split(" ")
    lines = [words[0]]
    for word in words[1:]:
        if text_width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if len(lines) > rows:
        lines = [*lines[: rows - 1], " ".join(lines[rows - 1 :])]
    lines = [fitted(line, room, size) for line in lines]
    if ending and text_width(lines[-1] + ending, size) > room:
        if len(lines) < rows:
            lines.append(ending.lstrip("\u00a0"))
            return "\n".join(lines)
        lines[-1] = fitted(lines[-1], room - text_width(ending, size), size)
    return "\n".join([*lines[:-1], lines[-1] + ending])


def label_axes(axes: Axes, xlabel: str, ylabel: str) -> None:
    """Write what the axes show, in two rows where one is too short."""
    figure: Any = axes.figure
    width, height = (72 * side for side in figure.get_size_inches())
    axes.set_xlabel(plain(wrapped(xlabel, 0.78 * width, size=LABEL_SIZE)))
    axes.set_ylabel(plain(wrapped(ylabel, 0.74 * height, size=LABEL_SIZE)))

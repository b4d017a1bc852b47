"""Figures that several analyses draw; each returns a matplotlib Figure without pyplot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.config.columns import Column
from reportgen.style import MUTED, WIDTHS, series_colour, series_dashes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A named curve or outline with its place in the palette."""

    label: str
    order: int
    x: Values
    y: NDArray[Any]


def new_figure(height: float, width: Literal["column", "full"] = "column") -> "tuple[Figure, Axes]":
    """Give a figure of a journal's width and a height in millimetres, with one pair of axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTHS[width], height / 25.4))
    return figure, figure.add_subplot()


def short_titles(columns: Sequence[Column]) -> dict[str, str]:
    """Give each column, by name, the part of its title that tells it from the others of its unit.

    ``3.6 μm flux density`` and ``24 μm flux density`` give ``3.6 μm`` and ``24 μm``; a title that
    shares no ending with another stays as it is.
    """
    shorts = {column.name: column.title for column in columns}
    for unit in {column.unit for column in columns}:
        group = [column for column in columns if column.unit == unit]
        ending = _shared_ending([column.title for column in group])
        for column in group if ending else ():
            shorts[column.name] = column.title.removesuffix(ending).rstrip()
    return shorts


def _shared_ending(titles: Sequence[str]) -> str:
    """Give the words that all titles end in, when each has more before them; else nothing."""
    words = [title.split() for title in titles]
    if len(titles) < 2:
        return ""
    shared = 0
    while all(len(w) > shared + 1 and w[-1 - shared] == words[0][-1 - shared] for w in words):
        shared += 1
    # The unit of a band belongs to its number: what is left must not end in a bare number.
    while shared and any(w[-1 - shared][-1].isdigit() for w in words):
        shared -= 1
    return " ".join(words[0][len(words[0]) - shared :])


def common_axis(columns: Sequence[Column]) -> str:
    """Give the axis label of several columns: what they share, and the unit if it is one."""
    if len(columns) == 1:
        return columns[0].axis
    ending = _shared_ending([column.title for column in columns])
    title = ending[0].upper() + ending[1:] if ending else "Value"
    symbols = {column.symbol for column in columns}
    symbol = symbols.pop() if len(symbols) == 1 else "each in its unit"
    return f"{title} [{symbol}]" if symbol else title


def outlines(
    lines: Sequence[Line],
    edges: Values,
    xlabel: str,
    ylabel: str,
    *,
    log: bool = False,
    log_counts: bool = False,
) -> "Figure":
    """Draw histograms as outlines.

    Each line's y: counts, (bins,); edges: (bins + 1,). log, log_counts: logarithmic axes.
    """
    figure, axes = new_figure(50)
    widest = max((line.y.max(initial=0) for line in lines), default=0)
    for line in lines:
        counts = np.where(line.y > 0, line.y, np.nan) if log_counts else line.y
        axes.stairs(
            counts,
            edges,
            baseline=None if log_counts else 0,
            color=series_colour(line.order),
            linewidth=1.2 if len(edges) < 120 else 0.7,
            label=line.label,
            fill=False,
        )
        if len(lines) == 1:
            axes.stairs(counts, edges, color=series_colour(line.order), alpha=0.15, fill=True)
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(edges[0], edges[-1]))
    if log:
        axes.set_xscale("log")
    if log_counts and widest > 0:
        axes.set_yscale("log")
        axes.set_ylim(0.7, widest * 1.5)  # a bin of one object stands clear of the axis
    else:
        axes.set_ylim(0, max(1, widest) * 1.06)
        plain_counts(axes)
    if len(lines) > 1:
        key_above(axes)
    return figure


def curves(
    lines: Sequence[Line],
    xlabel: str,
    ylabel: str,
    *,
    log: bool = False,
) -> "Figure":
    """Draw curves of values against their rank."""
    figure, axes = new_figure(50)
    for line in lines:
        y = np.where(line.y > 0, line.y, np.nan) if log else line.y
        axes.plot(
            line.x,
            y,
            color=series_colour(line.order),
            linestyle=series_dashes(line.order) if len(lines) > 1 else "-",
            label=line.label,
        )
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_xlim(left=0)
    if log:
        axes.set_yscale("log")
    axes.grid(visible=True, axis="y")
    thousands(axes.xaxis)
    if len(lines) > 1:
        key_above(axes)
    return figure


def key_above(axes: "Axes") -> None:
    """Name the lines above the axes, where they cannot cover data."""
    handles, labels = axes.get_legend_handles_labels()
    longest = max(map(len, labels), default=0)
    columns = 5 if longest < 8 else 3 if longest < 14 else 2
    axes.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=columns,
        borderaxespad=0.2,
        columnspacing=1.1,
        handlelength=1.5,
        handletextpad=0.5,
        labelspacing=0.3,
    )


def thousands(axis: "object") -> None:
    """Write an axis's numbers with grouped digits."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))  # type: ignore[attr-defined]


def plain_counts(axes: "Axes") -> None:
    """Give a count axis whole numbers with grouped digits."""
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    thousands(axes.yaxis)


def note_inside(axes: "Axes", text: str) -> None:
    """Say in an empty plot why it is empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED)

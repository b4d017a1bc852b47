"""Figures that several analyses draw; each returns a matplotlib Figure without pyplot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.config.columns import Column, unit_symbol
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
    y: Values


def new_figure(
    height: float, width: Literal["column", "full"] = "column"
) -> "tuple[Figure, Axes]":
    """Give a figure of a journal's width and a height in millimetres, with one pair of axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTHS[width], height / 25.4))
    return figure, figure.add_subplot()


def short_titles(columns: Sequence[Column]) -> tuple[list[str], str]:
    """Split titles into what differs and what is common.

    ``3.6 μm flux density`` and ``24 μm flux density`` give ``3.6 μm``, ``24 μm`` and
    ``Flux density``. A single column gives its title twice.
    """
    titles = [column.title.split() for column in columns]
    if len(titles) == 1:
        return [columns[0].title], columns[0].title
    shared = 0
    while all(len(t) > shared + 1 and t[-1 - shared] == titles[0][-1 - shared] for t in titles):
        shared += 1
    # A unit or symbol that ends what differs belongs to it: keep "μm" with "3.6".
    while shared and not titles[0][len(titles[0]) - shared][0].isalpha():
        shared -= 1
    while shared and titles[0][len(titles[0]) - shared] in {"μm", "µm", "nm", "GHz", "MHz", "band"}:
        shared -= 1
    if not shared:
        return [column.title for column in columns], ""
    common = " ".join(titles[0][-shared:])
    return [" ".join(t[:-shared]) for t in titles], common[0].upper() + common[1:]


def common_axis(columns: Sequence[Column]) -> str:
    """Give the axis label of several columns: what they share, and the unit if it is one."""
    if len(columns) == 1:
        return columns[0].axis
    _, common = short_titles(columns)
    symbols = {unit_symbol(column.unit) for column in columns}
    symbol = symbols.pop() if len(symbols) == 1 else "each in its unit"
    title = common or "Value"
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
    """Draw histograms as outlines. Each line's y: counts, (bins,)."""
    figure, axes = new_figure(58)
    widest = max((line.y.max(initial=0) for line in lines), default=0)
    for line in lines:
        counts = np.where(line.y > 0, line.y, np.nan) if log_counts else line.y
        axes.stairs(
            counts,
            edges,
            baseline=None if log_counts else 0,
            color=series_colour(line.order),
            linestyle=series_dashes(line.order) if len(lines) > 1 else "-",
            linewidth=1.2 if len(edges) < 120 else 0.8,
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
        axes.set_ylim(0.7, widest * 1.5)
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
    figure, axes = new_figure(58)
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
    rows = 3 if max(map(len, labels), default=0) < 12 else 2
    axes.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=rows,
        borderaxespad=0.2,
        columnspacing=1.4,
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

"""Figures with one pair of axes, without pyplot: histograms, curves, and what goes with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.plotting.lettering import fitted, label_axes, plain, text_width
from reportgen.analyses.plotting.ticks import Values, set_around, set_linear, set_log
from reportgen.analyses.results import Axes, Drawing
from reportgen.config.columns import Column
from reportgen.style import MUTED, TEXT_SIZE, WIDTHS, series_colour, series_dashes
from reportgen.wording import exact, listed

SMALLEST = 1e-280  # values of a linear axis below it are nothing to matplotlib
LARGEST = 1e300  # its margins would be infinite
ROW = 1.63  # height of a row of the key with the space below it, in units of the type size
DASHED: dict[str, Any] = {"color": MUTED, "linewidth": 0.8, "linestyle": (0, (4, 2))}  # a limit
DOTTED: dict[str, Any] = {"color": MUTED, "linewidth": 0.8, "linestyle": ":"}  # what is expected
SINGLE_BIN = 0.7  # lower end of a logarithmic count axis: a bin of one object stands clear of it


@dataclass(frozen=True)
class Line:
    """A named curve or histogram with its place in the palette.

    x, y: (n,) each; of a histogram only the counts, y, are drawn.
    """

    label: str
    order: int
    x: Values
    y: NDArray[Any]


def new_figure(
    height: float,
    width: Literal["column", "full"] = "column",
    labels: tuple[str, str] | None = None,
) -> tuple[Drawing, Axes]:
    """Return a figure of a journal's width and a height in millimetres, with one pair of axes.

    labels: what these show, across and up.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTHS[width], height / 25.4), layout="constrained")
    axes = figure.add_subplot()
    if labels is not None:
        label_axes(axes, *labels)
    return figure, axes


def draw_histograms(
    lines: Sequence[Line],
    edges: Values,
    xlabel: str,
    ylabel: str,
    *,
    log: bool = False,
    log_counts: bool = False,
    whole: bool = False,
) -> Drawing:
    """Draw histograms as outlines; those that have nothing in the bins are left out.

    Each line's y: counts, (bins,); edges: (bins + 1,). log, log_counts: logarithmic axes.
    whole: whether the bins are of whole numbers.
    """
    figure, axes = new_figure(50, labels=(xlabel, ylabel))
    drawn = [line for line in lines if line.y.any()]
    if is_left_empty(axes, edges if drawn else (), "no values in this range", log=log):
        return figure
    widest = float(max(line.y.max() for line in drawn))
    set_around(axes.xaxis, edges, 0.02, log=log, **({} if log else {"whole": whole}))
    # Before anything is drawn: matplotlib would work out ends of its own, at times beyond float64.
    if log_counts:
        set_log(axes.yaxis, SINGLE_BIN, max(2, widest) * 1.5)
    else:
        # Percentages may have fractions; numbers of objects may not.
        counted = all(np.array_equal(line.y, np.rint(line.y)) for line in drawn)
        set_linear(axes.yaxis, 0, widest * 1.06, most=5, whole=counted)
    for line in drawn:
        # A gap, where there is nothing, lets the outline of a logarithmic count end at the axis.
        counts = np.where(line.y > 0, line.y, np.nan) if log_counts else line.y
        style: dict[str, Any] = {
            "baseline": SINGLE_BIN if log_counts else 0,
            "color": series_colour(line.order),
        }
        if len(lines) == 1:
            axes.stairs(counts, edges, alpha=0.15, fill=True, linewidth=0, **style)
        axes.stairs(
            counts,
            edges,
            linewidth=1.2 if len(edges) < 120 else 0.7,
            linestyle=series_dashes(line.order) if len(lines) > 1 else "-",
            label=line.label,
            **style,
        )
    if len(lines) > 1:
        key_above(figure, [line.label for line in drawn], axes.patches)
    return figure


def draw_curves(lines: Sequence[Line], xlabel: str, ylabel: str, *, log: bool = False) -> Drawing:
    """Draw curves of values against their rank; log: a logarithmic value axis, above 0."""
    figure, axes = new_figure(50, labels=(xlabel, ylabel))
    shown = [np.where(line.y > 0, line.y, np.nan) if log else line.y for line in lines]
    values = np.concatenate([*shown, np.empty(0)])
    values = values[np.isfinite(values)]
    if is_left_empty(axes, values, log=log):
        return figure
    set_linear(axes.xaxis, 0, 1.03 * max(float(line.x[-1]) for line in lines))
    set_around(axes.yaxis, values, log=log)
    for line, y in zip(lines, shown, strict=True):
        if np.isfinite(y).any():
            axes.plot(
                line.x,
                y,
                color=series_colour(line.order),
                linestyle=series_dashes(line.order) if len(lines) > 1 else "-",
                marker="." if np.isfinite(y).sum() < 3 else "",
                label=line.label,
            )
    axes.grid(visible=True, axis="y")
    if len(lines) > 1:
        key_above(figure, [str(line.get_label()) for line in axes.lines], axes.lines)
    return figure


def key_above(figure: Drawing, labels: Sequence[str], handles: Sequence[Any]) -> None:
    """Name lines above the axes, where that cannot cover data, in as few rows as they need.

    The figure grows by what more than one row takes, so that the axes do not shrink.
    """
    if not labels:
        return
    room = 72 * figure.get_figwidth() - 1.5 * TEXT_SIZE
    handle, pad, gap = 1.3, 0.4, 0.7  # in units of the type size
    labels = [fitted(label, room - (handle + pad + 0.5) * TEXT_SIZE) for label in labels]
    # A column is as wide as its widest label; the most columns that still fit beside each other.
    widths = [text_width(label) + (handle + pad + gap) * TEXT_SIZE for label in labels]
    columns = next(
        n
        for n in range(len(labels), 0, -1)
        if n == 1 or sum(max(widths[k::n]) for k in range(n)) - gap * TEXT_SIZE <= room
    )
    rows = -(-len(labels) // columns)
    figure.set_figheight(figure.get_figheight() + (rows - 1) * ROW * TEXT_SIZE / 72)
    # Matplotlib fills columns; people read rows.
    order = [k for column in range(columns) for k in range(column, len(labels), columns)]
    figure.legend(
        [handles[k] for k in order],
        [plain(labels[k]) for k in order],
        loc="outside upper left",
        ncols=columns,
        borderaxespad=0.1,
        borderpad=0.2,
        columnspacing=gap,
        handlelength=handle,
        handletextpad=pad,
        labelspacing=0.3,
    )


def draw_limits(
    axes: Axes,
    limits: Sequence[float],
    column: Column,
    along: Literal["x", "y"] = "x",
    of: str = " of the checks",
) -> str:
    """Draw the limits that lie within the axes, and return what the caption says of them.

    column: what the axis shows. of: whose limits they are.
    """
    low, high = sorted(axes.get_xlim() if along == "x" else axes.get_ylim())
    shown = [limit for limit in limits if low <= limit <= high]
    for limit in shown:
        line = axes.axvline if along == "x" else axes.axhline
        line(limit, **DASHED, zorder=1.5)
    return say_limits([column.quantity(exact(limit)) for limit in shown], of)


def say_limits(limits: list[str], of: str = " of the checks") -> str:
    """Return what a caption says of limits that are drawn, as they are written; of: whose."""
    which = "the limit" if len(limits) == 1 else "limits"
    return f" Dashed: {which}{of}, {listed(limits)}." if limits else ""


def colour_bar(axes: Axes, mesh: Any, label: str, **place: Any) -> Any:
    """Add a colour bar to a map, with the quantity and its unit; place: as matplotlib takes it."""
    beside = {"ax": axes, "pad": 0.02, "aspect": 30}
    bar = axes.figure.colorbar(mesh, **(place if "cax" in place else {**beside, **place}))
    bar.set_label(plain(label))
    bar.outline.set_linewidth(0.4)
    return bar


def is_left_empty(
    axes: Axes,
    values: Values | Sequence[float],
    why: str = "no values to draw",
    *,
    log: bool = False,
) -> bool:
    """Return whether there is nothing that can be drawn; the plot then says why.

    Its axes have no numbers, as there is nothing to read off.
    """
    if len(values):
        size = float(np.abs(values).max())
        if size <= LARGEST and (log or not 0 < size < SMALLEST):
            return False
        why = f"values too {'large' if size > LARGEST else 'small'} to be drawn"
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=MUTED)
    return True

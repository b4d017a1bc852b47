"""Small multiples: the same figure of each of a few groups, with the same axes."""

from collections.abc import Mapping, Sequence

import numpy as np

from reportgen.analyses.plotting.axes import DASHED, Line, key_above
from reportgen.analyses.plotting.lettering import fitted, plain, wrapped
from reportgen.analyses.plotting.ticks import padded, set_linear, set_log
from reportgen.analyses.results import Drawing
from reportgen.style import INK, LABEL_SIZE, MUTED, TEXT_SIZE, WIDTHS, series_colour, series_dashes

COLUMNS = 3
ROW, FOOT = 38.0, 14.0  # mm: height of a row of panels, and of what is below


def draw_panels(
    panels: Mapping[str, Sequence[Line]],
    whole: Sequence[Line],
    labels: tuple[str, str],
    *,
    log: tuple[bool, bool] = (False, False),
    limits: Sequence[float] = (),
) -> Drawing | None:
    """Draw lines of groups, a panel each by its name; None where nothing can be drawn.

    Lines whose x are one more than their y are histograms. whole: of all rows, grey in each panel;
    labels: of the axes; limits: dashed, across.
    """
    from matplotlib.figure import Figure

    every = [*whole, *(line for lines in panels.values() for line in lines)]
    ends = []
    for values, is_log in zip(
        (np.concatenate([line.x for line in every]), np.concatenate([line.y for line in every])),
        log,
        strict=True,
    ):
        shown = values[np.isfinite(values) & ((values > 0) | (not is_log))]
        if not len(shown) or not np.ptp(shown) < np.inf:
            return None
        ends.append((float(shown.min()), float(shown.max())))
    across, up = ends
    up = min(up[0], *limits, up[1]), max(up[1], *limits, up[0])
    columns = 2 if len(panels) in (2, 4) else COLUMNS
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(WIDTHS["full"], (rows * ROW + FOOT) / 25.4), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    room = 72 * WIDTHS["full"] / columns
    for place, (name, lines) in enumerate(panels.items()):
        axes = grid.flat[place]
        for axis, (low, high), share, is_log in zip(
            (axes.xaxis, axes.yaxis), (across, up), (0.02, 0.06), log, strict=True
        ):
            if is_log:
                set_log(axis, *padded(low, high, share, log=True))
            else:
                set_linear(axis, *padded(low, high, share), most=4)
        for line in (*whole, *lines):
            of_all = any(line is each for each in whole)
            style = {
                "color": MUTED if of_all else series_colour(line.order),
                "linewidth": 0.8 if of_all else 1.2,
                "alpha": 0.5 if of_all else 1.0,
                "linestyle": series_dashes(line.order) if len(lines) > 1 else "-",
            }
            if len(line.x) > len(line.y):
                axes.stairs(line.y, line.x, baseline=None, **style)
            else:
                axes.plot(
                    line.x, line.y, marker="." if np.isfinite(line.y).sum() < 3 else "", **style
                )
        for limit in limits:
            axes.axhline(limit, **DASHED)
        title = plain(fitted(name, 0.8 * room))
        axes.set_title(title, fontsize=TEXT_SIZE, color=INK, loc="left")
        # Of the lowest in each column, numbers are written.
        axes.tick_params(labelbottom=place + columns >= len(panels), labelleft=place % columns == 0)
    width, height = (72 * side for side in figure.get_size_inches())
    figure.supxlabel(plain(wrapped(labels[0], 0.8 * width)), fontsize=LABEL_SIZE)
    figure.supylabel(plain(wrapped(labels[1], 0.8 * height)), fontsize=LABEL_SIZE)
    first = next(iter(panels.values()))
    if len(first) > 1:
        handles = [*grid.flat[0].patches, *grid.flat[0].lines][len(whole) : len(whole) + len(first)]
        key_above(figure, [line.label for line in first], handles)
    return figure

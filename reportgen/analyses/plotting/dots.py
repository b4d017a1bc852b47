"""A median with its scatter for each of many groups."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reportgen.analyses.plotting.axes import DASHED, is_left_empty, new_figure
from reportgen.analyses.plotting.lettering import fitted, label_axes, plain
from reportgen.analyses.plotting.ticks import Values, set_around, set_linear
from reportgen.analyses.results import Drawing
from reportgen.style import INK, TEXT_SIZE, series_colour

MOST_NAMED = 40  # groups, each with a row of its own
ROW, FOOT = 4.2, 16.0  # mm: height of a row, and of the axis below


def draw_groups(
    names: Sequence[str],
    spreads: tuple[Values, Values],
    labels: tuple[str, str],
    order: int,
    lines: Sequence[float],
) -> Drawing:
    """Draw the medians ± the scatters of groups; labels: of the value and of the groups.

    Up to MOST_NAMED groups have a row each with its name, from the top; more are beside each other
    in their order. lines: to compare with, dashed.
    """
    medians, scatters = spreads
    named = len(names) <= MOST_NAMED
    figure, axes = new_figure(FOOT + ROW * max(3, len(names)) if named else 55, "column")
    ends = np.concatenate([medians - scatters, medians + scatters, lines])
    ends = ends[np.isfinite(ends)]
    label_axes(axes, *(labels if named else labels[::-1]))
    if is_left_empty(axes, ends):
        return figure
    values, groups = (axes.xaxis, axes.yaxis) if named else (axes.yaxis, axes.xaxis)
    set_around(values, ends, 0.06)
    place = np.arange(1.0, len(names) + 1)
    style: dict[str, Any] = {
        "fmt": "o",
        "markersize": 3.5 if named else 2.2,
        "color": series_colour(order),
        "elinewidth": 1 if named else 0.6,
    }
    if named:
        for at in lines:
            axes.axvline(at, **DASHED)
        axes.errorbar(medians, place, xerr=scatters, **style)
        axes.set_ylim(len(names) + 0.6, 0.4)
        shown = [plain(fitted(name, 90)) for name in names]
        groups.set_ticks(place.tolist(), shown, color=INK, fontsize=TEXT_SIZE)
        axes.tick_params(axis="y", length=0)
        return figure
    for at in lines:
        axes.axhline(at, **DASHED)
    axes.errorbar(place, medians, yerr=scatters, **style)
    set_linear(groups, 0, len(names) + 1.0, whole=True)
    return figure

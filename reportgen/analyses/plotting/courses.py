"""The course of a value along another, in bins with a band."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.analyses.plotting.axes import draw_limits, is_left_empty, new_figure
from reportgen.analyses.plotting.ticks import Values, middles, set_around
from reportgen.analyses.results import Drawing
from reportgen.config.columns import Column
from reportgen.reduce.base import Integers
from reportgen.reduce.chunk import Truth
from reportgen.style import LINE, MUTED, series_colour


@dataclass(frozen=True)
class Course:
    """Rows, a value and the ends of its band in bins, (bins,) each; NaN in empty ones.

    edges: (bins + 1,). judged: which bins have rows enough.
    """

    edges: Values
    n: Integers
    middle: Values
    low: Values
    high: Values
    judged: Truth

    @property
    def centres(self) -> Values:
        """Middle of each bin."""
        return middles(self.edges)


def draw_courses(
    course: Course, columns: tuple[Column, Column], limits: Sequence[float]
) -> tuple[Drawing, str]:
    """Draw a course; columns: of the axes. Returns what the caption says of limits, too."""
    figure, axes = new_figure(52, labels=(columns[0].axis, columns[1].axis))
    ends = np.concatenate([course.low, course.high, course.middle])
    ends = ends[np.isfinite(ends)]
    if is_left_empty(axes, ends):
        return figure, ""
    set_around(axes.xaxis, course.edges, 0.02)
    set_around(axes.yaxis, np.concatenate([ends, limits]), 0.06, most=5)
    x = course.centres
    for which, colour in (
        (course.judged, series_colour(columns[1].order)),
        (~course.judged & (course.n > 0), MUTED),
    ):
        errors = np.abs([course.middle - course.low, course.high - course.middle])[:, which]
        axes.errorbar(
            x[which],
            course.middle[which],
            yerr=errors,
            fmt="o",
            markersize=3.2,
            color=colour,
            ecolor=colour,
            elinewidth=0.9,
            alpha=1.0 if colour != MUTED else 0.6,
        )
    axes.grid(visible=True, axis="y", color=LINE)
    return figure, draw_limits(axes, limits, columns[1], "y", of="")

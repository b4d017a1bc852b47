"""Figures of a ratio against another quantity, with its running median, and on the sky."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.analyses.plotting.axes import DASHED, colour_bar, new_figure
from reportgen.analyses.plotting.cloud import draw_points
from reportgen.analyses.plotting.ticks import Values, set_around, set_linear
from reportgen.analyses.results import Drawing
from reportgen.reduce.base import Integers
from reportgen.style import INK, MUTED

BINS, FEWEST = 12, 5  # of the running median, and values in each
SHOWN = (0.005, 0.995)  # fractions of the values between which the axis ends


@dataclass(frozen=True)
class Course:
    """Quantiles of y in bins of x of about equal number, (bins,) each. middle: median of x."""

    low: Values
    high: Values
    middle: Values
    median: Values
    p16: Values
    p84: Values
    n: Integers

    @staticmethod
    def of(x: Values, y: Values) -> "Course":
        """Return them for finite values, at least one."""
        order = np.argsort(x, kind="stable")
        parts = np.array_split(order, max(1, min(BINS, len(x) // FEWEST)))
        median, p16, p84 = np.array([np.quantile(y[part], (0.5, 0.16, 0.84)) for part in parts]).T
        low, middle, high = np.array([np.quantile(x[part], (0, 0.5, 1)) for part in parts]).T
        n = np.array([len(part) for part in parts])
        return Course(low, high, middle, median, p16, p84, n)


def draw_ratios(
    pairs: tuple[Values, Values],
    course: Course,
    labels: tuple[str, str],
    limits: Sequence[float],
    order: int,
    *,
    log: tuple[bool, bool],
) -> Drawing:
    """Draw pairs (x, y), their running median with a band, and limits. labels, log: of the axes."""
    (x, y), (log_x, log_y) = pairs, log
    figure, axes = new_figure(55, labels=labels)
    set_around(axes.xaxis, x, log=log_x)
    set_around(axes.yaxis, np.array([*np.quantile(y, SHOWN), *limits]), 0.08, log=log_y)
    draw_points(axes, x, y, order)
    middle = course.middle
    axes.fill_between(middle, course.p16, course.p84, color=MUTED, alpha=0.25, linewidth=0)
    axes.plot(middle, course.median, color=INK, marker="." if len(middle) < 3 else "")
    for limit in limits:
        axes.axhline(limit, **DASHED)
    return figure


def draw_ratio_map(ra: Values, dec: Values, values: Values, label: str) -> Drawing:
    """Draw values of cells on the sky."""
    figure, axes = new_figure(62, labels=("Right ascension [°]", "Declination [°]"))
    for axis, each in ((axes.xaxis, ra), (axes.yaxis, dec)):
        set_around(axis, each, 0.1)
    axes.invert_xaxis()
    axes.set_aspect(1 / max(float(np.cos(np.radians(np.median(dec)))), 0.02))
    low, high = float(values.min()), float(values.max())
    drawn = axes.scatter(ra, dec, c=values, s=60, marker="s", linewidth=0)
    if low < high:
        bar = colour_bar(axes, drawn, label)
        set_linear(bar.ax.yaxis, low, high, most=5)
    return figure

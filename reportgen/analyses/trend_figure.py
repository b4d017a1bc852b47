"""The figure of a metric over the nights."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.analyses.drawing import TOO_SMALL, leave_empty, new_figure, too_small
from reportgen.analyses.lettering import label_axes
from reportgen.analyses.ticks import padded, set_linear
from reportgen.style import MUTED, series_colour

if TYPE_CHECKING:
    from reportgen.analyses.trend import MetricHistory

MOST_DATES = 4  # with a number, beside each other
FAR = 3.0  # times the range of the values: a limit beyond is not drawn, but told in the caption


def trend_drawing(each: "MetricHistory", outliers: Sequence[int]) -> Any:
    """Draw a metric by night; nights without a value, or without a run, part the line."""
    figure, axes = new_figure(46)
    label = f"{each.label[:1].upper()}{each.label[1:]}"
    label_axes(axes, "Night", f"{label} [{each.symbol}]" if each.symbol else label)
    days, values = _with_gaps(each)
    found = values[np.isfinite(values)]
    if not len(found) or too_small(found):
        leave_empty(axes, TOO_SMALL if len(found) else "no values to draw")
        return figure
    low, high = float(found.min()), float(found.max())
    limits = near_limits(each)
    set_linear(axes.yaxis, *padded(min([low, *limits]), max([high, *limits]), 0.08), most=5)
    _set_dates(axes, each.nights[0], each.nights[-1])
    for limit in limits:
        axes.axhline(limit, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    colour = series_colour(0)
    axes.plot(days, values, color=colour, linewidth=1.0, marker=".", markersize=3.5)
    marked = [k for k in outliers if each.values[k] is not None]
    axes.plot(
        [each.nights[k].toordinal() for k in marked],
        [each.values[k] or 0.0 for k in marked],
        linestyle="",
        marker="o",
        markersize=7,
        markerfacecolor="none",
        markeredgecolor=series_colour(4),
    )
    return figure


def near_limits(each: "MetricHistory") -> list[float]:
    """Give the limits that are near enough to the values to be drawn with them."""
    found = [value for value in each.values if value is not None]
    if not found:
        return []
    low, high = min(found), max(found)
    reach = FAR * ((high - low) or abs(high) or 1.0)
    return [
        limit
        for limit in (each.low, each.high)
        if limit is not None and low - reach <= limit <= high + reach
    ]


def _with_gaps(each: "MetricHistory") -> tuple[Any, Any]:
    """Give days and values, NaN on days between that have no run."""
    days = [night.toordinal() for night in each.nights]
    values = [np.nan if value is None else value for value in each.values]
    steps = np.diff(days)
    usual = float(np.median(steps)) if len(steps) else 1.0
    after = [k + 1 for k in np.flatnonzero(steps >= 2 * usual)]
    places = [(days[k - 1] + days[k]) / 2 for k in after]
    return np.insert(np.array(days, dtype=float), after, places), np.insert(
        np.array(values, dtype=float), after, np.nan
    )


def _set_dates(axes: Any, first: date, last: date) -> None:
    """Number an axis of days with dates."""
    span = (last - first).days
    low, high = first.toordinal() - 0.5, last.toordinal() + 0.5
    slack = 0.03 * (high - low)
    axes.set_xlim(low - slack, high + slack)
    step = max(1, -(-span // (MOST_DATES - 1)))
    ticks = [last - timedelta(days=k) for k in range(0, span + 1, step)][::-1]
    years = first.year != last.year
    labels = [f"{tick.day} {tick:%b %Y}" if years else f"{tick.day} {tick:%b}" for tick in ticks]
    axes.set_xticks([tick.toordinal() for tick in ticks], labels)

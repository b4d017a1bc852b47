"""Figures and tables of the filters of a network."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reportgen.analyses.drawing import Line, colour_bar, curves, new_figure
from reportgen.analyses.filters import Filters
from reportgen.analyses.lettering import label_axes
from reportgen.analyses.mosaic import Scale, draw_mosaic
from reportgen.analyses.network_words import map_table, of_filters
from reportgen.analyses.results import Figure, Table, TableColumn
from reportgen.analyses.ticks import set_linear
from reportgen.analyses.words import correlated, counted
from reportgen.numbers import listed, number, percent
from reportgen.style import DIVERGING_MAP

MOST_NAMED = 3  # pairs that the alternative text names


def zeros_figure(sets: Sequence[Filters]) -> Figure:
    """Draw the share of zero activations of the filters of each set, in order of size."""
    lines = []
    for order, each in enumerate(sets):
        shares = 100 * np.sort(each.found.zeros)
        lines.append(Line(each.label, order, np.arange(1.0, len(shares) + 1), shares))
    said = [
        f"{each.label}: half of the filters are 0 in {percent(float(np.median(each.found.zeros)))} "
        f"of their activations or more, {len(each.silent)} always"
        for each in sets
    ]
    n = sets[0].found.n
    return Figure(
        "zeros",
        curves(lines, "Filters, in order", "Zero activations [%]"),
        "How often filters are silent",
        alt=f"Share of zero activations of each filter, in order of size. {'; '.join(said)}.",
        caption=f"Share of activations that are 0, over {counted(n, 'image')}, filters in order of "
        "that share.",
        data=Table(
            "zeros",
            "Share of zero activations",
            [
                TableColumn.of("weights", [each.label for each in sets for _ in each.state]),
                TableColumn.of("filter", [k for each in sets for k in range(len(each.state))]),
                TableColumn.of(
                    "zeros",
                    100 * np.concatenate([each.found.zeros for each in sets]),
                    "%",
                    digits=2,
                ),
            ],
            shown=False,
        ),
    )


def map_figures(name: str, of: Filters, scale: Scale) -> list[Figure]:
    """Draw the mean and the standard deviation of each filter's maps over the images."""
    found = of.found
    images = counted(found.n, "image")
    data = map_table(f"maps_{name}", of.label, mean=found.mean, std=found.std)
    still = np.flatnonzero((found.std == 0).all(axis=(1, 2))).tolist()
    return [
        Figure(
            f"{kind}_{name}",
            draw_mosaic(maps, of.silent, quantity, scale),
            f"{title} of the maps, {of.label}",
            alt=f"{title} of {counted(len(maps), 'feature map')} of {maps.shape[2]} × "
            f"{maps.shape[1]} cells over {images}, {of.label}. {_which(few, len(maps), what)} The "
            f"highest value, {number(float(maps.max()))}, is that of filter "
            f"{int(np.argmax(maps.max(axis=(1, 2))))}.",
            caption=f"{title} of the activation over {images}; "
            + ("a scale of its own for each map" if scale == "each" else "one scale for all maps")
            + ("; silent filters are crossed out." if of.silent else "."),
            data=data,
            width="full",
        )
        for kind, title, quantity, maps, few, what in (
            ("mean", "Mean", "Mean activation", found.mean, of.silent, "silent"),
            (
                "std",
                "Standard deviation",
                "Standard deviation",
                found.std,
                still,
                "without scatter",
            ),
        )
    ]


def _which(filters: Sequence[int], total: int, what: str) -> str:
    """Say how many filters are something, and name them."""
    named = f" ({listed([str(k) for k in filters], 40)})" if filters else ""
    said = f"{of_filters(len(filters), total)} {what}{named}."
    return said[0].upper() + said[1:]


def correlation_figure(name: str, of: Filters) -> Figure:
    """Draw the correlation of each pair of filters."""
    r = of.found.correlation
    first, second = np.triu_indices(len(r), 1)
    values = r[first, second]
    order = [int(k) for k in np.argsort(-np.nan_to_num(values, nan=-2))[:MOST_NAMED]]
    pairs = [
        f"{first[k]} and {second[k]} ({correlated(float(values[k]))})"
        for k in order
        if np.isfinite(values[k])
    ]
    compared = int(np.isfinite(np.diag(r)).sum())
    strongest = f"Most alike are filters {listed(pairs)}." if pairs else "No two can be compared."
    blank = "" if compared == len(r) else " Filters that never change are left blank."
    return Figure(
        f"correlation_{name}",
        _matrix(r),
        f"Correlation of the filters, {of.label}",
        alt=f"Matrix of the correlation of {compared} filters that vary, of {len(r)}, {of.label}. "
        f"{strongest}",
        caption=f"Pearson's r of the activations of two filters at the same place of the same "
        f"image, over {counted(of.found.n, 'image')}.{blank}",
        data=Table(
            f"correlation_{name}",
            f"Correlation of each pair of filters, {of.label}",
            [
                TableColumn.of("first", first),
                TableColumn.of("second", second),
                TableColumn.of("r", values, digits=4),
            ],
            shown=False,
        ),
    )


def _matrix(r: Any) -> Any:
    drawing, axes = new_figure(72)
    picture = axes.imshow(r, cmap=DIVERGING_MAP, vmin=-1, vmax=1, interpolation="none")
    label_axes(axes, "Filter", "Filter")
    ends = (-0.5, len(r) - 0.5)
    set_linear(axes.xaxis, *ends, most=8, whole=True)
    set_linear(axes.yaxis, *ends, most=8, whole=True)
    axes.invert_yaxis()
    axes.spines[:].set_visible(True)
    bar = colour_bar(axes, picture, "Pearson's r (no unit)")
    set_linear(bar.ax.yaxis, -1, 1, most=4)
    return drawing


def filter_table(name: str, of: Filters) -> Table:
    """Give what is known of each filter, a row each."""
    found = of.found
    nearest = [of.nearest(k) for k in range(len(of.state))]
    return Table(
        f"filters_{name}",
        f"Filters, {of.label}",
        [
            TableColumn.of("filter", np.arange(len(of.state))),
            TableColumn.of("mean", found.level, description="mean activation over all images"),
            TableColumn.of(
                "std", found.spread, description="scatter of an image's mean activation"
            ),
            TableColumn.of("zeros", 100 * found.zeros, "%", "zero activations", digits=1),
            TableColumn.of("images", found.awake, description="images in which it is not silent"),
            TableColumn.of("state", [state or "awake" for state in of.state]),
            TableColumn.of(
                "most_similar",
                np.ma.masked_less([-1 if each is None else each[0] for each in nearest], 0),
            ),
            TableColumn.of(
                "r", [np.nan if each is None else each[1] for each in nearest], digits=3
            ),
        ],
    )

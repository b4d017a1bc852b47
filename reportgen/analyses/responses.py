"""What filters respond to: the images that excite them most, what varies, and hidden places."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.filters import Integers, OfSet, Values
from reportgen.analyses.plotting.axes import new_figure
from reportgen.analyses.plotting.cloud import draw_points, name_points
from reportgen.analyses.plotting.image import draw_image, norm_of, position_title
from reportgen.analyses.plotting.lettering import label_axes
from reportgen.analyses.plotting.sheet import draw_sheet
from reportgen.analyses.plotting.ticks import set_around
from reportgen.analyses.results import Drawing, Figure, TableColumn
from reportgen.config.columns import Images, unit_symbol
from reportgen.reduce.cutouts import Cutouts
from reportgen.reduce.responses import Squares, principal
from reportgen.style import HALO, INK, MUTED
from reportgen.wording import count, counted, exact, listed, percent

MOST_IMAGES = 24
MARKERS = "o^sDv"  # of classes, those of most images
LEAST_SHARE = 1e-12  # of the variance, below which rounding alone makes it
LEVELS = 0.25, 0.5, 0.75  # of the largest change, at which lines are drawn


@dataclass(frozen=True)
class Strongest:
    """The images that excite filters most, (filter, rank): their places in the stack.

    filters: those with any activation above 0. highest: (filter, rank), highest activations.
    """

    filters: Integers
    images: Integers
    highest: Values

    @staticmethod
    def of(highest: Values, places: Integers, n: int) -> "Strongest":
        """Return the n images of each filter; of those that excite it alike the first.

        highest: (image, filter), highest activations; places: of these images in the stack.
        """
        awake = np.flatnonzero((highest > 0).any(axis=0))
        order = np.argsort(-highest[:, awake], axis=0, kind="stable")[:n]
        found = np.take_along_axis(highest[:, awake], order, axis=0)
        return Strongest(awake, places[order].T, found.T)

    @property
    def shown(self) -> list[tuple[int, int]]:
        """The images, each with how many filters it excites, those with most of them first."""
        images, times = np.unique(self.images[self.highest > 0], return_counts=True)
        order = np.argsort(-times, kind="stable")[:MOST_IMAGES]
        return list(zip(images[order].tolist(), times[order].tolist(), strict=True))


def strongest_figure(of: OfSet, found: Strongest, cutouts: Cutouts) -> Figure | None:
    """Draw the images that excite filters most, each once; None where all are silent."""
    if not len(found.filters):
        return None
    tiles, column = {each.image: each.pixels for each in cutouts.found}, TableColumn.of
    n, ranks = len(found.filters), found.images.shape[1]
    named = [f"image {count(image)}" for image, _ in found.shown]
    times = [counted(times, "filters") for _, times in found.shown]
    what = f"the {count(ranks)} images that excite each filter most"
    what = what if ranks > 1 else "the image that excites each filter most"
    said = f"{named[0][0].upper()}{named[0][1:]} is among them for {times[0]} of {count(n)}"
    columns = [
        column("filter", found.filters.repeat(ranks)),
        column("rank", np.tile(np.arange(1, ranks + 1), n)),
        column("image", found.images.ravel(), "", "counted from 0"),
        column("highest", found.highest.ravel(), "", "activation in the image"),
    ]
    name = f"strongest_{of.name}"
    each = [f"{image} ({filters})" for image, filters in zip(named, times, strict=True)]
    left = len(np.unique(found.images[found.highest > 0])) - len(named)
    return Figure.of(
        name,
        draw_sheet([tiles[image] for image, _ in found.shown], named, times, "asinh"),
        f"Images that excite filters most, {of.label}",
        columns,
        alt=f"Contact sheet of {what}, by highest activation, {of.label}: {listed(each, 8)}.",
        caption=f"{what[0].upper()}{what[1:]}, by highest activation, and how many filters each "
        f"excites. {said} that any image excites. Each has a scale of its own (asinh)."
        + (f" Not shown: {counted(left, 'images')}." if left else ""),
        width="full",
    )


def components_figure(
    of: OfSet,
    mean: Values,
    places: Integers,
    classes: tuple[str, NDArray[Any]] | None = None,
) -> Figure | None:
    """Draw the images along the first two principal components of their pooled maps.

    mean: (image, filter), mean activations, which are divided by the sum of their sizes so that
    bright images do not decide alone. classes: what they are called, and that of each image. None
    where these vary in fewer than two directions.
    """
    total = np.abs(mean).sum(axis=1)
    shown = total > 0
    mean, places = mean[shown] / total[shown, np.newaxis], places[shown]
    if len(mean) < 3 or mean.shape[1] < 2:
        return None
    # What LAPACK leaves in the last digits of float64 differs from one process to the next.
    along, shares = (each.astype(np.float32) for each in principal(mean, 2))
    if not shares[1] > LEAST_SHARE:
        return None
    far = int(np.argmax(np.hypot(*along.T)))
    said = f"These components hold {percent(shares[0])} and {percent(shares[1])} of the variance"
    name, column = f"components_{of.name}", TableColumn.of
    columns = [
        column("image", places, "", "counted from 0"),
        column("first", along[:, 0]),
        column("second", along[:, 1]),
    ]
    members, by = np.full(len(mean), ""), ""
    if classes is not None:
        members = np.array([class_name(each) for each in classes[1][shown].tolist()])
        columns.append(column("class", members.tolist()))
        by = f", by {classes[0]}"
    return Figure.of(
        name,
        _draw_components(along.astype(np.float64), shares.astype(np.float64), members),
        f"Images along the components that vary most, {of.label}",
        columns,
        alt=f"{counted(len(mean), 'images')} along the first two principal components of their "
        f"maps, {of.label}. {said}; image {count(int(places[far]))} is the farthest from the mean.",
        caption="Each point is an image, by the share of each filter in the sum of its mean "
        f"activations{by}. {said}.",
        about=f"Images along principal components, {of.label}",
    )


def class_name(value: object) -> str:
    """Return what a class is called in a key; that of a missing one, too."""
    if isinstance(value, float):
        return "no class" if np.isnan(value) else exact(value)
    return str(value)


def _draw_components(along: Values, shares: Values, members: NDArray[np.str_]) -> Drawing:
    """Draw places along two components. members: class of each; all are one without any."""
    figure, axes = new_figure(66)
    titles = [
        f"Component {n}, {percent(float(share))} of the variance"
        for n, share in enumerate(shares, start=1)
    ]
    label_axes(axes, *titles)
    names, times = np.unique(members, return_counts=True)
    kept = names[np.sort(np.argsort(-times, kind="stable")[: len(MARKERS)])].tolist()
    for order, name in enumerate(kept):
        mine, style = members == name, {"marker": MARKERS[order], "markersize": 3.5}
        draw_points(axes, along[mine, 0], along[mine, 1], order, **style)
    others = ~np.isin(members, kept)
    if others.any():
        draw_points(axes, along[others, 0], along[others, 1], 0, color=MUTED, markersize=3.5)
        kept.append("others")
    if names[0]:
        name_points(axes, kept)
    for axis, values in zip((axes.xaxis, axes.yaxis), along.T, strict=True):
        set_around(axis, values, 0.05)
    return figure


def occlusion_figure(
    of: OfSet, change: Values, image: Values, images: Images, place: int
) -> Figure | None:
    """Draw an image, (row, column), with lines of how much hiding a place changes its maps.

    change: (row, column) of the squares that are hidden. place: of the image in the stack. None
    where nothing changes.
    """
    if not np.nanmax(change, initial=0) > 0:
        return None
    squares = Squares.of(image.shape, len(change))
    half = (squares.side - 1) / 2
    rows, columns = (
        np.asarray(first + half, np.float64) for first in (squares.rows, squares.columns)
    )
    top = np.unravel_index(int(np.nanargmax(change)), change.shape)
    largest = float(change[top])
    where = position_title(
        images, image.shape, column=round(columns[top[1]]), row=round(rows[top[0]])
    )
    symbol = unit_symbol(images.unit)
    label = f"Brightness [{symbol}]" if symbol else "Pixel value (no unit)"
    drawing, _ = draw_image(image, images, label, norm_of(image, "asinh"))
    _draw_lines(drawing.axes[0], image.shape, rows, columns, change)
    levels = listed([percent(level * largest) for level in LEVELS])
    said = f"Hiding a square of {squares.side} pixels changes the maps most, by {percent(largest)}"
    name, column = f"occlusion_{of.name}", TableColumn.of
    row, across = np.meshgrid(rows, columns, indexing="ij")
    data = [
        column("row", row.ravel(), "", "middle of the hidden square"),
        column("column", across.ravel()),
        column("change", 100 * change.ravel(), "%", digits=2),
    ]
    return Figure.of(
        name,
        drawing,
        f"Where hiding image {place} changes its maps, {of.label}",
        data,
        alt=f"Image {place} with lines of how much hiding a square changes its maps, {of.label}. "
        f"{said}, at {where}.",
        caption=f"{said}, at {where}; lines: {levels}. The change is that of all activations, as a "
        "root of the sum of squares; squares are filled with the median of the image.",
        about=f"Change of the maps of image {place}, {of.label}",
    )


def _draw_lines(
    axes: Any, shape: Sequence[int], rows: Values, columns: Values, change: Values
) -> None:
    """Draw lines of equal change over an image. shape: of that."""
    left, right, bottom, top = axes.images[0].get_extent()
    x = left + (columns + 0.5) / shape[1] * (right - left)
    y = bottom + (rows + 0.5) / shape[0] * (top - bottom)
    levels = [level * float(np.nanmax(change)) for level in LEVELS]
    for colour, extra in ((INK, 1.0), (HALO, 0.0)):
        widths = [0.6 + extra, 0.9 + extra, 1.3 + extra]
        axes.contour(x, y, change, levels, colors=colour, linewidths=widths)

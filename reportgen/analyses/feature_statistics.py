"""What the filters of a network do over many images: which sleep, which say the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from reportgen.analyses import filters
from reportgen.analyses.base import MapReductions, NetworkAnalysis
from reportgen.analyses.filters import OfSet
from reportgen.analyses.matching import OtherCatalogueBlock
from reportgen.analyses.methods import INDEPENDENT, OCCLUSION, PEARSON, RANDOM_WEIGHTS
from reportgen.analyses.phrases import capital, correlated
from reportgen.analyses.plotting.axes import Line, colour_bar, draw_curves, new_figure
from reportgen.analyses.plotting.lettering import label_axes
from reportgen.analyses.plotting.mosaic import Scale, draw_mosaic
from reportgen.analyses.plotting.ticks import set_linear
from reportgen.analyses.responses import (
    Strongest,
    components_figure,
    occlusion_figure,
    strongest_figure,
)
from reportgen.analyses.results import Drawing, Figure, Metric, Section, Table, TableColumn
from reportgen.config.columns import Column
from reportgen.config.types import AnyColumnRef, BlockError, Count, Fraction, Index
from reportgen.errors import SectionError
from reportgen.reduce.cutouts import CutoutsWanted, Spot
from reportgen.reduce.maps import (
    AboutImage,
    CountImages,
    DescribeFilters,
    FilterStatistics,
    FirstMaps,
    ImageCount,
    MapReduction,
)
from reportgen.reduce.responses import OccludeImage, PoolMaps, WholeImages
from reportgen.style import DIVERGING_MAP
from reportgen.wording import count, counted, exact, listed, number, percent

SOURCE = "Bretherton et al. 1999, J. Climate 12, 1990, equation 5"
MOST_NAMED = 3  # pairs that the alternative text names
HELD = 0.999  # share of the variance
MOST_CELLS = 50  # along a side of an image that excites a filter


class ClassesBlock(OtherCatalogueBlock):
    """A catalogue with a row for each image, in the same order."""

    column: AnyColumnRef
    """Its column of classes, texts or whole numbers."""


class FeatureStatistics(NetworkAnalysis, name="feature_statistics"):
    """Mean and scatter of feature maps over many images; silent and near-duplicate filters."""

    count: Count = 100
    """How many images to use."""
    first: Index = 0
    """The first of them, counted from 0."""
    almost_silent: Fraction = Field(default=0.99, validate_default=True)
    """Share of zero activations from which a filter that is not silent is almost so."""
    duplicate: Fraction = Field(default=0.95, validate_default=True)
    """Correlation from which two filters are near-duplicates."""
    scale: Scale = "each"
    """Colours from the lowest to the highest value of each map, or shared by all maps of a set."""

    strongest: Annotated[Index, Field(le=10)] = 0
    """How many of the images that excite each filter most to show."""
    components: bool = False
    """Show the images along the first two principal components of the means of their maps."""
    classes: ClassesBlock | None = None
    """What kinds of images there are, for components: {catalogue, column}."""
    occluded: Index | None = None
    """An image, counted from 0: show how much of its maps changes where a part of it is hidden."""

    @model_validator(mode="after")
    def _classes_are_shown(self) -> "FeatureStatistics":
        if self.classes is not None and not self.components:
            raise BlockError({("classes",): "it needs components: true, where they are shown"})
        return self

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The images, the network, and the catalogue that has the classes."""
        more = () if self.classes is None else (("catalogues", self.classes.catalogue),)
        return *super().sources, *more

    @property
    def named_by(self) -> tuple[str, Column] | None:
        """The class of each image."""
        return None if self.classes is None else (self.classes.catalogue, self.classes.column)

    @property
    def methods(self) -> tuple[str, ...]:
        """What it computes, and what to cite."""
        of_hiding = () if self.occluded is None else (OCCLUSION,)
        of_weights = (RANDOM_WEIGHTS,) if "random" in self.weights else ()
        return (PEARSON, INDEPENDENT, *of_hiding, *of_weights)

    def reductions(self) -> MapReductions:
        """Ask for the statistics of each set of weights, and how many images there are."""
        span, hidden = (self.first, self.count), self.occluded
        found: dict[str, MapReduction[Any, Any]] = {"images": CountImages(None, *span)}
        pooled = self.components or self.strongest > 0
        if pooled:
            found["whole"] = WholeImages(None, *span)
        if hidden is not None:
            found |= {"image": FirstMaps(None, hidden), "about": AboutImage(None, hidden)}
        for n, of in enumerate(filters.maps_of_sets(self).values()):
            found[f"set_{n}"] = DescribeFilters(of, *span)
            if pooled:
                found[f"pooled_{n}"] = PoolMaps(of, *span)
            if hidden is not None:
                found[f"occluded_{n}"] = OccludeImage(of, hidden)
        return found

    def cutouts(self, **values: Any) -> CutoutsWanted | None:
        """Ask for the images that excite filters most."""
        if not self.strongest:
            return None
        found = [each.value.shown for each in self._strongest(values)]
        images = sorted({image for shown in found for image, _ in shown})
        spots = tuple(Spot(0, image=image) for image in images)
        return CutoutsWanted(spots, len(spots), longest=MOST_CELLS)

    def _strongest(self, values: Mapping[str, Any]) -> list[OfSet]:
        return [
            each._replace(value=Strongest.of(each.value[1], values["whole"], self.strongest))
            for each in filters.by_set(self, values, "pooled")
        ]

    def present(self, images: ImageCount, **values: Any) -> Section:
        """Compare the sets of weights, and show the filters of each."""
        used = images.n - images.blank
        if not used:
            raise SectionError(
                f"all {counted(images.n, 'images')} of {self.images.name} have blank pixels",
                "look at the source, or choose others with first: and count:",
            )
        sets = [
            Filters(name, label, found, self.almost_silent, self.duplicate)
            for name, label, found in filters.by_set(self, values)
        ]
        filters.check_finite([each.label for each in sets], [each.found.mean for each in sets])
        figures = [
            zeros_figure(sets),
            *(correlation_figure(each) for each in sets),
            *(figure for each in sets for figure in map_figures(each, self.scale)),
            *self._responses(values),
        ]
        return Section(
            findings=[most_varied(sets), *(describe_set(each) for each in sets)],
            metrics={name: metric for each in sets for name, metric in _metrics(each).items()},
            figures=figures,
            tables=[filter_table(each) for each in sets],
            rows=used,
            entries="images",
            notes=self._notes(images),
        )

    def _responses(self, values: Mapping[str, Any]) -> list[Figure]:
        """Draw what the filters respond to, as far as that is asked for."""
        figures: list[Figure | None] = []
        if self.strongest:
            for each in self._strongest(values):
                figures.append(strongest_figure(each, each.value, values["cutouts"]))
        if self.components:
            for each in filters.by_set(self, values, "pooled"):
                classes = None
                if self.classes is not None:
                    classes = self.classes.column.title, values["names"][values["whole"]]
                mean, whole = each.value[0], values["whole"]
                figures.append(components_figure(each, mean, whole, classes))
        if self.occluded is not None:
            if values["image"] is None:
                raise SectionError(
                    f"image {self.occluded} of {self.images.name} has blank pixels",
                    "choose another with occluded:",
                )
            image = np.asarray(values["image"], dtype=np.float64).mean(axis=0)
            about = values["about"] or self.images
            for each in filters.by_set(self, values, "occluded"):
                figures.append(occlusion_figure(each, each.value, image, about, self.occluded))
        return [figure for figure in figures if figure is not None]

    def _notes(self, images: ImageCount) -> list[str]:
        notes = [
            "The number of independent filters is (Σλ)² / Σλ² of the eigenvalues λ of the "
            f"correlation matrix of the filters that vary ({SOURCE})."
        ]
        if images.n < self.count:
            there = f"there are {count(images.n)}"
            notes.append(f"{counted(self.count, 'images')} were asked for; {there}.")
        if images.blank:
            blank = counted(images.blank, "images")
            notes.append(f"Left out, as they have blank pixels: {blank}.")
        return [*notes, *filters.note_seed(self)]


@dataclass(frozen=True)
class Filters:
    """The filters of a layer with one set of weights. name: of metrics and files.

    almost_silent: share of zeros from which a filter counts as almost silent. duplicate:
    correlation from which two are near-duplicates.
    """

    name: str
    label: str
    found: FilterStatistics
    almost_silent: float
    duplicate: float

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Which filters have not the same activation everywhere."""
        return np.isfinite(np.diag(self.found.correlation))

    @cached_property
    def state(self) -> list[str]:
        """What each filter is: silent, almost silent, constant (not at 0), or awake."""
        zeros = self.found.zeros
        kinds = [zeros == 1, ~self.varies, zeros >= self.almost_silent]
        found = np.select(kinds, ["silent", "constant", "almost silent"], "awake")
        return [str(state) for state in found]

    def places(self, state: str) -> list[int]:
        """Return which filters are in a state."""
        return [k for k, each in enumerate(self.state) if each == state]

    @cached_property
    def others(self) -> filters.Values:
        """Correlation of each filter with each other one, NaN with itself, (filter, filter)."""
        r = self.found.correlation.copy()
        np.fill_diagonal(r, np.nan)
        return r

    @property
    def duplicates(self) -> int:
        """How many filters have a near-duplicate."""
        return int((self.others >= self.duplicate).any(axis=1).sum())

    @property
    def components(self) -> int:
        """Principal components that hold 99.9 % of the variance of activations; 0 without any."""
        held = np.cumsum(np.linalg.eigvalsh(self.found.covariance)[::-1].clip(0))
        return int(np.searchsorted(held, HELD * held[-1])) + 1 if held[-1] > 0 else 0

    def nearest(self, k: int) -> tuple[int, float] | None:
        """Return which other filter correlates most with one, and how much; None if none does."""
        row = self.others[k]
        if np.isnan(row).all():
            return None
        best = int(np.nanargmax(row))
        return best, float(row[best])

    @cached_property
    def independent(self) -> float:
        """Effective number of independent filters: (Σλ)² / Σλ², λ the correlations' eigenvalues.

        Bretherton et al. (1999, J. Climate 12, 1990), equation 5. Of the filters that vary; 0 if
        none does.
        """
        r = self.found.correlation[np.ix_(self.varies, self.varies)]
        # Σλ is the trace, Σλ² the sum of the squares of all elements of a symmetric matrix.
        return float(len(r) ** 2 / (r**2).sum()) if len(r) else 0.0


def most_varied(sets: Sequence[Filters]) -> str:
    """Say which set of weights has the most independent filters; the one there is, what it has."""
    order = sorted(sets, key=lambda each: -each.independent)
    first, total = order[0], count(len(order[0].state))
    said = number(first.independent, 1)
    if len(order) == 1:
        return f"{first.label} has {said} independent filters, of {total}."
    alike = [each.label for each in order if number(each.independent, 1) == said]
    if len(alike) > 1:
        others = [each.label for each in order[len(alike) :]]
        more = f", more than {listed(others)}" if others else ""
        return f"Equally varied are {listed(alike)}: {said} independent filters of {total}{more}."
    others = [f"{number(each.independent, 1)} for {each.label}" for each in order[1:]]
    return (
        f"The most varied set of weights is {first.label}: {said} independent filters of "
        f"{total}, against {listed(others)}."
    )


def describe_set(of: Filters) -> str:
    """Say how many filters of a set are silent, and which say the same."""
    n, images, limit = len(of.state), of.found.n, exact(of.duplicate)
    said = f"{of.label}: {filters.of_filters(len(of.places('silent')), n)} silent in "
    said += f"all {counted(images, 'images')}" if images > 1 else "the one image"
    if almost := of.places("almost silent"):
        said += f", {count(len(almost))} in {percent(of.almost_silent)} of activations or more"
    if np.isnan(of.others).all():
        return f"{said}; no two filters can be compared."
    i, j = np.unravel_index(int(np.nanargmax(of.others)), of.others.shape)
    have = f"{count(of.duplicates)} have" if of.duplicates else "none has"
    r = correlated(float(of.others[i, j]), of.duplicate)
    return (
        f"{said}; {have} a near-duplicate (r of {limit} or more); no two are more alike than "
        f"filters {min(i, j)} and {max(i, j)} ({r})."
    )


def _metrics(of: Filters) -> dict[str, Metric]:
    name, label, level = of.name, of.label, float(of.found.level.mean())
    silent, almost = (len(of.places(state)) for state in ("silent", "almost silent"))
    duplicates = Metric(of.duplicates, f"near-duplicates, {label}", digits=0, shown=False)
    return {
        f"independent_{name}": Metric(of.independent, f"independent filters, {label}", digits=1),
        f"components_{name}": Metric(
            of.components, f"components for 99.9\u00a0% of the variance, {label}", digits=0
        ),
        f"silent_{name}": Metric(silent, f"silent filters, {label}", digits=0),
        f"almost_silent_{name}": Metric(almost, f"almost silent, {label}", digits=0, shown=False),
        f"duplicates_{name}": duplicates,
        f"level_{name}": Metric(level, f"mean activation, {label}", shown=False),
    }


def zeros_figure(sets: Sequence[Filters]) -> Figure:
    """Draw the share of zero activations of the filters of each set, in order of size."""
    lines, said = [], []
    for order, each in enumerate(sets):
        zeros = np.sort(each.found.zeros)
        lines.append(Line(each.label, order, np.arange(1.0, len(zeros) + 1), 100 * zeros))
        half, always = percent(float(np.median(zeros))), len(each.places("silent"))
        said.append(
            f"{each.label}: half of the filters are 0 in {half} of their activations or more, "
            f"{always} always"
        )
    images = counted(sets[0].found.n, "images")
    of = TableColumn.of
    columns = [
        of("weights", [each.label for each in sets for _ in each.state]),
        of("filter", [k for each in sets for k in range(len(each.state))]),
        of("zeros", 100 * np.concatenate([each.found.zeros for each in sets]), "%", digits=2),
    ]
    return Figure.of(
        "zeros",
        draw_curves(lines, "Filters, in order", "Zero activations [%]"),
        "How often filters are silent",
        columns,
        alt=f"Share of zero activations of each filter, in order of size. {'; '.join(said)}.",
        caption=f"Share of activations that are 0, over {images}, filters in order of that share.",
        about="Share of zero activations",
    )


def map_figures(of: Filters, scale: Scale) -> list[Figure]:
    """Draw the mean and the standard deviation of each filter's maps over the images."""
    images, mean, std = counted(of.found.n, "images"), of.found.mean, of.found.std
    data = filters.map_table(f"maps_{of.name}", of.label, mean=mean, std=std)
    silent, still = of.places("silent"), np.flatnonzero((std == 0).all(axis=(1, 2))).tolist()
    figures = []
    for kind, title, quantity, maps, few, what in (
        ("mean", "Mean", "Mean activation", mean, silent, "silent"),
        ("std", "Standard deviation", "Standard deviation", std, still, "without scatter"),
    ):
        said = capital(f"{filters.of_filters(len(few), len(maps))} {what}")
        said += f" ({filters.name_filters(few)})" if few else ""
        scales = "a scale of its own for each map" if scale == "each" else "one scale for all maps"
        figure = Figure(
            f"{kind}_{of.name}",
            draw_mosaic(maps, silent, quantity, scale),
            f"{title} of the maps, {of.label}",
            alt=f"{title} of {filters.size_of(maps)} over {images}, {of.label}. {said}. The "
            f"highest value, {filters.highest(maps)}.",
            caption=f"{title} of the activation over {images}; {scales}"
            + ("; silent filters are crossed out." if silent else "."),
            data=data,
            width="full",
        )
        figures.append(figure)
    return figures


def correlation_figure(of: Filters) -> Figure:
    """Draw the correlation of each pair of filters."""
    r = of.found.correlation
    first, second = np.triu_indices(len(r), 1)
    values = r[first, second]
    order = np.argsort(-np.nan_to_num(values, nan=-2))[:MOST_NAMED]
    pairs = [
        f"{first[k]} and {second[k]} ({correlated(float(values[k]))})"
        for k in order
        if np.isfinite(values[k])
    ]
    compared = int(of.varies.sum())
    strongest = f"Most alike are filters {listed(pairs)}." if pairs else "No two can be compared."
    blank = "" if compared == len(r) else " Filters that never change are left blank."
    name, columns = f"correlation_{of.name}", TableColumn.of
    data = [columns("first", first), columns("second", second), columns("r", values, digits=4)]
    return Figure.of(
        name,
        _draw_matrix(r),
        f"Correlation of the filters, {of.label}",
        data,
        alt=f"Matrix of the correlation of {compared} filters that vary, of {len(r)}, {of.label}. "
        f"{strongest}",
        caption=f"Pearson's r of the activations of two filters at the same place of the same "
        f"image, over {counted(of.found.n, 'images')}.{blank}",
        about=f"Correlation of each pair of filters, {of.label}",
    )


def _draw_matrix(r: filters.Values) -> Drawing:
    drawing, axes = new_figure(72)
    picture = axes.imshow(r, cmap=DIVERGING_MAP, vmin=-1, vmax=1, interpolation="none")
    label_axes(axes, "Filter", "Filter")
    for axis in (axes.xaxis, axes.yaxis):
        set_linear(axis, -0.5, len(r) - 0.5, most=8, whole=True)
    axes.invert_yaxis()
    axes.spines[:].set_visible(True)
    bar = colour_bar(axes, picture, "Pearson's r (no unit)")
    set_linear(bar.ax.yaxis, -1, 1, most=4)
    return drawing


def filter_table(of: Filters) -> Table:
    """Return what is known of each filter, a row each."""
    found, column = of.found, TableColumn.of
    nearest = [of.nearest(k) or (-1, np.nan) for k in range(len(of.state))]
    columns = [
        column("filter", np.arange(len(of.state))),
        column("mean", found.level, description="mean activation over all images"),
        column("std", found.spread, description="scatter of an image's mean activation"),
        column("zeros", 100 * found.zeros, "%", "zero activations", digits=1),
        column("images", found.awake, description="images in which it is not silent"),
        column("state", of.state),
        column("most_similar", np.ma.masked_less([k for k, _ in nearest], 0)),
        column("r", [r for _, r in nearest], digits=3),
    ]
    return Table(f"filters_{of.name}", f"Filters, {of.label}", columns)

"""Two colours against each other: how many objects lie in regions, and how far off a locus."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator

from reportgen.analyses.base import Analysis, Statistics
from reportgen.analyses.methods import SCATTER
from reportgen.analyses.phrases import approximate, no_values, note_rows, small_unit
from reportgen.analyses.plotting.axes import DASHED, key_above, new_figure, say_limits
from reportgen.analyses.plotting.cloud import cloud, cloud_columns, draw_cloud
from reportgen.analyses.results import Figure, Metric, Section, Table, TableColumn
from reportgen.config.columns import Column
from reportgen.config.expressions import Condition, both, parse
from reportgen.config.sources import ColumnName
from reportgen.config.types import Block, BlockError, ColumnRef, Real, Selection, read_condition
from reportgen.reduce.counts import CountInside, CountRows
from reportgen.reduce.histograms import Counts2D, Rows
from reportgen.reduce.quantiles import MedianAndScatter, Robust
from reportgen.style import INK, series_colour, series_dashes
from reportgen.wording import count, counted, exact, listed, number, percent

POINTS = 10_000  # drawn one by one
GRID = 400  # places along each axis at which a condition is tried, for its outline
RESERVED = ("objects", "locus_median", "locus_scatter", "locus_objects")

Polygon = tuple[tuple[float, float], ...]


def _region(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, list | tuple):
        return read_condition(value, info)
    try:
        corners = tuple((float(x), float(y)) for x, y in value)
    except (TypeError, ValueError):
        corners = ()
    if len(corners) < 3 or not all(map(math.isfinite, sum(corners, ()))):
        raise ValueError("should be a condition, or three corners or more, such as [[0, 1], …]")
    return corners


Region = Annotated[
    Condition | Polygon,
    PlainValidator(_region),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array"}]}),
]


class Locus(Block):
    """A straight line on which objects are expected."""

    line: tuple[Real, Real]
    """Slope and intercept: y = slope x + intercept."""
    where: Selection | None = None
    """Which objects are expected on it; all when not given."""


class ColourColour(Analysis, name="colour_colour"):
    """Two colours against each other, with regions and a locus."""

    x: ColumnRef
    """The colour on the horizontal axis; columns may be computed."""
    y: ColumnRef
    """The colour on the vertical axis."""
    regions: dict[ColumnName, Region] = Field(default_factory=dict)
    """Regions by name, whose objects are counted: a condition, such as x > 0.2 and y < 1, or the
    corners of a polygon, such as [[0, 0], [1, 0], [1, 1]]."""
    locus: Locus | None = None
    """A line from which the distances of objects are measured: {line: [slope, intercept]}."""

    @model_validator(mode="after")
    def _can_be_drawn(self) -> "ColourColour":
        if self.x.name == self.y.name:
            raise BlockError({("y",): f"{self.x.name} is on the horizontal axis already"})
        for name in self.regions:
            if name in RESERVED or name.removesuffix("_percent") in self.regions.keys() - {name}:
                raise BlockError({("regions", name): "a metric is called so; choose another name"})
        if self.locus and self.x.is_known and self.y.is_known and self.x.unit != self.y.unit:
            said = f"{self.x.name} and {self.y.name} have different units: distances have none"
            raise BlockError({("locus",): said})
        return self

    @property
    def _valid(self) -> Condition | None:
        return both(self.where, parse(f"valid({self.x.name}) and valid({self.y.name})"))

    @property
    def _distance(self) -> str:
        """Distance from the locus, at right angles to it, above 0 where y is."""
        slope, intercept = self.locus.line if self.locus is not None else (0.0, 0.0)
        return (
            f"({self.y.name} - ({slope!r} * {self.x.name} + {intercept!r}))"
            f" / {math.hypot(1.0, slope)!r}"
        )

    @property
    def methods(self) -> tuple[str, ...]:
        """What it computes, and what to cite."""
        return () if self.locus is None else (SCATTER,)

    def reductions(self) -> Statistics:
        """Ask for what is drawn, the objects in each region, and the distances from the locus."""
        x, y = self.x.name, self.y.name
        found: dict[str, Any] = {
            "rows": CountRows(self.where),
            **cloud(x, y, POINTS, (False, False), self.where),
        }
        for name, region in self.regions.items():
            found[f"in {name}"] = (
                CountRows(both(self._valid, region))
                if isinstance(region, Condition)
                else CountInside(x, y, region, self.where)
            )
        if self.locus is not None:
            where = both(self._valid, self.locus.where)
            found["distance"] = MedianAndScatter(self._distance, where)
        return found

    def present(
        self,
        rows: int,
        points: Rows,
        density: Counts2D,
        distance: Robust | None = None,
        **inside: int,
    ) -> Section:
        """Draw the colours, and count the objects of each region."""
        n = points.n
        if not n:
            raise no_values((self.x, self.y), rows, self.where, in_all=True)
        found = {name: inside[f"in {name}"] for name in self.regions}
        metrics = {"objects": Metric(n, "objects", digits=0)}
        for name, number_in in found.items():
            label = name.replace("_", " ")
            metrics[name] = Metric(number_in, label, digits=0, shown=False)
            metrics[f"{name}_percent"] = Metric(100 * number_in / n, label, "%", digits=1)
        findings = [self._regions_said(found, n)] if found else []
        if distance is not None:
            by, unit = small_unit(self.y.unit)
            metrics["locus_median"] = Metric(by * distance.median, "off the locus", unit, 3)
            metrics["locus_scatter"] = Metric(by * distance.scatter, "about the locus", unit, 3)
            metrics["locus_objects"] = Metric(distance.n, "objects", digits=0, shown=False)
            findings.append(self._locus_said(distance))
        findings = findings or [f"{counted(n, 'objects')} have both colours."]
        notes = []
        if rows > n:
            notes.append(f"Without one of the colours: {counted(rows - n, 'rows')}.")
        if distance is not None and distance.error:
            notes.append(note_rows(f"The median distance is {approximate(distance.error)}"))
        return Section(
            findings=findings,
            metrics=metrics,
            figures=[self._figure(points, density, found, findings)],
            tables=[_table(found, n)] if found else [],
            rows=n,
            notes=notes,
        )

    def _regions_said(self, found: Mapping[str, int], n: int) -> str:
        first, *others = [
            f"{count(inside)} ({percent(inside / n)}) {{}}in {name.replace('_', ' ')}"
            for name, inside in found.items()
        ]
        lie = "lies " if next(iter(found.values())) == 1 else "lie "
        said = [first.format(lie), *(other.format("") for other in others)]
        return f"Of {counted(n, 'objects')} with both colours, {listed(said)}."

    def _locus_said(self, distance: Robust) -> str:
        if not distance.n:
            return "No object that is expected on the locus has both colours."
        by, unit = small_unit(self.y.unit)
        column = Column("distance", unit=unit)
        median, scatter = (
            column.quantity(number(by * each)) for each in (abs(distance.median), distance.scatter)
        )
        side = "above" if distance.median > 0 else "below"
        return (
            f"In the median, objects lie {median} {side} the locus, and scatter about that by "
            f"{scatter} ({counted(distance.n, 'objects')}; at right angles to it)."
        )

    def _figure(
        self, points: Rows, density: Counts2D, found: Mapping[str, int], findings: Sequence[str]
    ) -> Figure:
        drawing, axes = new_figure(66, labels=(self.x.axis, self.y.axis))
        said = "as points" if points.values is not None else "as density"
        limits = ""
        if draw_cloud(axes, points, density, (False, False)):
            outlined = [name for name in self.regions if self._has_outline(name)]
            handles = [
                self._outline(axes, place, self.regions[name])
                for place, name in enumerate(outlined, 1)
            ]
            labels = [f"{name.replace('_', ' ')} ({count(found[name])})" for name in outlined]
            if self.locus is not None:
                handles.append(self._draw_locus(axes))
                labels.append("locus")
                limits = self._draw_limits(axes)
            key_above(drawing, labels, handles)
        title = f"{self.y.title} against {self.x.title}"
        outside = [name.replace("_", " ") for name in found if not self._has_outline(name)]
        other = f" No outline, as other columns decide: {listed(outside)}." if outside else ""
        name = "colours"
        return Figure.of(
            name,
            drawing,
            title,
            cloud_columns(self.x, self.y, points, density),
            alt=f"{title} of {counted(points.n, 'objects')}. {' '.join(findings)}",
            caption=f"{counted(points.n, 'objects')} {said}; lines: the regions.{other}{limits}"
            if self.regions
            else f"{counted(points.n, 'objects')} {said}.{limits}",
        )

    def _has_outline(self, name: str) -> bool:
        """Whether a region is one of these two columns alone."""
        region = self.regions[name]
        return not isinstance(region, Condition) or region.columns <= {self.x.name, self.y.name}

    def _outline(self, axes: Any, place: int, region: Condition | Polygon) -> Any:
        """Draw the edge of a region, and return a line of its colour for the key."""
        colour, dashes = series_colour(place), series_dashes(place)
        (line,) = axes.plot([], [], color=colour, linestyle=dashes)
        if not isinstance(region, Condition):
            axes.plot(*zip(*region, region[0], strict=True), color=colour, linestyle=dashes)
        else:
            ends = (*axes.get_xlim(), *axes.get_ylim())
            x, y = np.linspace(ends[0], ends[1], GRID), np.linspace(ends[2], ends[3], GRID)
            across, up = np.meshgrid(x, y)
            values = {self.x.name: across.ravel(), self.y.name: up.ravel()}
            inside = np.broadcast_to(region.selected(values), across.size).reshape(across.shape)
            if 0 < inside.sum() < inside.size:
                style: dict[str, Any] = {"colors": [colour], "linestyles": [dashes]}
                axes.contour(x, y, inside.astype(float), [0.5], linewidths=1.2, **style)
        return line

    def _draw_locus(self, axes: Any, distance: float = 0.0, **style: Any) -> Any:
        """Draw the locus, or a line at a distance from it."""
        slope, intercept = self.locus.line if self.locus is not None else (0.0, 0.0)
        place = intercept + distance * math.hypot(1.0, slope)
        return axes.axline((0, place), slope=slope, **{"color": INK, "linewidth": 1, **style})

    def _draw_limits(self, axes: Any) -> str:
        by, unit = small_unit(self.y.unit)
        limits = self.check_limits("locus_median", unit=unit)
        for limit in limits:
            self._draw_locus(axes, limit / by, **DASHED)
        said = [Column("", unit=unit).quantity(exact(limit)) for limit in limits]
        return say_limits(said, " of the checks of the median distance")


def _table(found: Mapping[str, int], n: int) -> Table:
    of = TableColumn.of
    columns = [
        of("region", [name.replace("_", " ") for name in found]),
        of("n", list(found.values())),
        of("share", [100 * inside / n for inside in found.values()], "%", digits=1),
    ]
    return Table("regions", "Objects in each region", columns)

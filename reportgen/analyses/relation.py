"""How one column depends on others: points or density, running median, correlation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, model_validator

from reportgen.analyses.base import Analysis
from reportgen.analyses.drawing import new_figure, note_inside, short_titles
from reportgen.config.columns import Column
from reportgen.config.expressions import Condition, both, compare
from reportgen.config.schema import ColumnRef, Count
from reportgen.errors import SectionError
from reportgen.numbers import count, number
from reportgen.reduce.base import Reduction
from reportgen.reduce.histograms import (
    Axis,
    BinnedQuantiles,
    Counts2D,
    FewRows,
    Histogram2D,
    QuantilesInBins,
    Rows,
)
from reportgen.reduce.moments import CorrelationMatrix, Pearson, Spearman
from reportgen.results import Figure, Metric, Section, Table, TableColumn
from reportgen.style import DENSITY_MAP, HALO, SERIES, series_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAND = (0.16, 0.5, 0.84)
# A median of fewer values than this says more about chance than about the objects.
LEAST_IN_BIN = 10


class Relation(Analysis, name="relation"):
    """One column against several others, a panel each, with running median and correlations."""

    column: ColumnRef
    """The column on the vertical axes."""
    against: tuple[ColumnRef, ...] = Field(min_length=1)
    """The columns on the horizontal axes, a panel each."""
    log_x: bool = False
    """Logarithmic horizontal axes; values of 0 and less are not drawn."""
    log_y: bool = False
    """Logarithmic vertical axes; values of 0 and less are not drawn."""
    points: Count = 2000
    """Up to so many objects are drawn as points, more as density."""
    bins: Count = 40
    """Cells along each axis of the density."""
    median_bins: Count = 18
    """Bins of the running median."""

    @model_validator(mode="after")
    def _different(self) -> "Relation":
        if any(other.name == self.column.name for other in self.against):
            raise ValueError(f"against: {self.column.name} is the column itself")
        return self

    def _drawable(self, other: Column) -> Condition | None:
        where = self.where
        if self.log_x:
            where = both(where, compare(other.name, ">", 0))
        if self.log_y:
            where = both(where, compare(self.column.name, ">", 0))
        return where

    def reductions(self) -> Mapping[str, Reduction[Any, Any]]:
        """Ask for points, density, running quantiles and correlations of each panel."""
        result: dict[str, Reduction[Any, Any]] = {}
        y = self.column.name
        for other in self.against:
            x, where = other.name, self._drawable(other)
            axis = Axis(x, self.bins, log=self.log_x)
            result |= {
                f"{x}.points": FewRows((x, y), self.points, where),
                f"{x}.density": Histogram2D(axis, Axis(y, self.bins, log=self.log_y), where),
                f"{x}.running": QuantilesInBins(
                    Axis(x, self.median_bins, log=self.log_x), y, BAND, where
                ),
                f"{x}.pearson": Pearson((x, y), where=self.where),
                f"{x}.spearman": Spearman((x, y), where=self.where),
            }
        return result

    def present(self, **values: Any) -> Section:
        """Draw the panels and list the correlations."""
        pearson = {o.name: values[f"{o.name}.pearson"] for o in self.against}
        spearman = {o.name: values[f"{o.name}.spearman"] for o in self.against}
        if not any(matrix.n[0, 1] for matrix in pearson.values()):
            raise SectionError(
                f"no row has both {self.column.name} and another of the columns",
                "look at the missing-value marks, at where:, and at the source",
            )
        notes = []
        if not all(matrix.exact for matrix in spearman.values()):
            notes.append(
                "Spearman's coefficients are of 512 rank classes: the columns do not fit the "
                "catalogue's memory budget."
            )
        return Section(
            findings=[self._finding(spearman)],
            metrics=self._metrics(pearson, spearman),
            figures=[self._panel(other, values) for other in self.against],
            tables=[self._table(pearson, spearman)],
            rows=max(int(matrix.n.max()) for matrix in pearson.values()),
            notes=notes,
        )

    def _panel(self, other: Column, values: Mapping[str, Any]) -> Figure:
        points: Rows = values[f"{other.name}.points"]
        density: Counts2D = values[f"{other.name}.density"]
        running: BinnedQuantiles = values[f"{other.name}.running"]
        figure, axes = new_figure(54)
        if self.log_x:
            axes.set_xscale("log")
        if self.log_y:
            axes.set_yscale("log")
        axes.set(xlabel=other.axis, ylabel=self.column.axis)
        if points.n == 0:
            note_inside(axes, "no values to draw")
        elif points.values is not None:
            axes.plot(
                *points.values.T,
                linestyle="none",
                marker=".",
                markersize=3.5,
                markeredgewidth=0,
                color=series_colour(other.order),
                alpha=0.6,
                rasterized=len(points.values) > 500,
            )
        else:
            _draw_density(axes, density)
        shown = running.n >= LEAST_IN_BIN
        _draw_running(axes, running, shown, log=self.log_x)
        pearson: CorrelationMatrix = values[f"{other.name}.pearson"]
        spearman: CorrelationMatrix = values[f"{other.name}.spearman"]
        kind = "points" if points.values is not None else "density of objects"
        hidden = int(pearson.n[0, 1]) - points.n
        return Figure(
            f"against_{other.name}".lower(),
            figure,
            f"{self.column.title} against {other.title[0].lower()}{other.title[1:]}",
            alt=f"{self.column.title} against {other.title} as {kind}, {count(points.n)} objects. "
            + self._trend(running, shown, other)
            + f" Spearman's coefficient is {number(float(spearman.r[0, 1]), 2)}.",
            caption=f"{count(points.n)} objects as {kind}"
            + (
                "; line: running median, band: 16–84 % of the objects."
                if shown.any()
                else "; too few in each bin for a running median."
            )
            + (f" {count(hidden)} objects of 0 or less are not on the axes." if hidden else ""),
            data=self._data(other, points, density),
        )

    def _trend(self, running: BinnedQuantiles, shown: Any, other: Column) -> str:
        if not shown.any():
            return "There are too few objects for a running median."
        first, last = np.flatnonzero(shown)[[0, -1]]
        centres = _centres(running.edges, log=self.log_x)
        return (
            f"The running median is {self.column.quantity(number(running.values[1, first], None))} "
            f"near {other.quantity(number(centres[first]))} and "
            f"{self.column.quantity(number(running.values[1, last], None))} "
            f"near {other.quantity(number(centres[last]))}."
        )

    def _data(self, other: Column, points: Rows, density: Counts2D) -> Table:
        name = f"against_{other.name}".lower()
        title = f"{self.column.title} against {other.title}"
        if points.values is not None:
            x, y = points.values.T
            columns = [
                TableColumn.of(other.name, x, other.unit),
                TableColumn.of(self.column.name, y, self.column.unit),
            ]
        else:
            row, column = np.nonzero(density.counts)
            columns = [
                TableColumn.of(f"{other.name}_low", density.x[column], other.unit),
                TableColumn.of(f"{other.name}_high", density.x[column + 1], other.unit),
                TableColumn.of(f"{self.column.name}_low", density.y[row], self.column.unit),
                TableColumn.of(f"{self.column.name}_high", density.y[row + 1], self.column.unit),
                TableColumn.of(
                    "n", density.counts[row, column], description="cells with 0 left out"
                ),
            ]
        return Table(name, title, columns, shown=False)

    def _table(
        self, pearson: Mapping[str, CorrelationMatrix], spearman: Mapping[str, CorrelationMatrix]
    ) -> Table:
        names = [other.name for other in self.against]
        return Table(
            "correlations",
            f"Correlation with {self.column.title}",
            [
                TableColumn.of("column", [other.title for other in self.against]),
                TableColumn.of("n", [int(pearson[n].n[0, 1]) for n in names]),
                TableColumn.of("Pearson r", [pearson[n].r[0, 1] for n in names], digits=3),
                TableColumn.of("Spearman ρ", [spearman[n].r[0, 1] for n in names], digits=3),
            ],
        )

    def _metrics(
        self, pearson: Mapping[str, CorrelationMatrix], spearman: Mapping[str, CorrelationMatrix]
    ) -> dict[str, Metric]:
        metrics = {}
        shorts = short_titles(self.against)
        for o in self.against:
            r, rho = float(pearson[o.name].r[0, 1]), float(spearman[o.name].r[0, 1])
            n = int(pearson[o.name].n[0, 1])
            metrics[f"{o.name}_spearman"] = Metric(rho, f"ρ, {shorts[o.name]}", digits=3)
            metrics[f"{o.name}_pearson"] = Metric(r, f"r, {shorts[o.name]}", digits=3, shown=False)
            metrics[f"{o.name}_n"] = Metric(n, f"objects, {shorts[o.name]}", digits=0, shown=False)
        return metrics

    def _finding(self, spearman: Mapping[str, CorrelationMatrix]) -> str:
        found = {
            o.title: float(spearman[o.name].r[0, 1])
            for o in self.against
            if not np.isnan(spearman[o.name].r[0, 1])
        }
        if not found:
            return "No correlation is defined: too few rows, or a column is constant."
        title, rho = max(found.items(), key=lambda item: abs(item[1]))
        if len(found) == 1:
            return f"Spearman's ρ of {self.column.title} and {title} is {number(rho, 2)}."
        return (
            f"Of {len(found)} columns, {title} is the most closely related to "
            f"{self.column.title}: Spearman's ρ = {number(rho, 2)}."
        )


def _centres(edges: Any, *, log: bool) -> Any:
    return np.sqrt(edges[1:] * edges[:-1]) if log else (edges[1:] + edges[:-1]) / 2


def _draw_density(axes: "Axes", density: Counts2D) -> None:
    from matplotlib.colors import LogNorm

    counts = np.ma.masked_equal(density.counts, 0)
    most = max(2, int(density.counts.max()))
    mesh = axes.pcolormesh(
        density.x,
        density.y,
        counts,
        norm=LogNorm(1, most),
        cmap=DENSITY_MAP,
        rasterized=True,
        linewidth=0,
    )
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02, aspect=30)
    bar.set_label("Objects per cell")
    bar.outline.set_linewidth(0.4)


def _draw_running(axes: "Axes", running: BinnedQuantiles, shown: Any, *, log: bool) -> None:
    from matplotlib.patheffects import Stroke

    if not shown.any():
        return
    x = _centres(running.edges, log=log)
    low, middle, high = np.where(shown, running.values, np.nan)
    halo = [Stroke(linewidth=3, foreground=HALO), Stroke()]
    for bound in (low, high):
        axes.plot(
            x, bound, color=SERIES[4], linewidth=0.8, linestyle=(0, (3, 1.5)), path_effects=halo
        )
    axes.plot(x, middle, color=SERIES[4], linewidth=1.5, path_effects=halo)

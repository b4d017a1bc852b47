"""One panel of a relation: points or density, with the running median and its band."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.analyses.drawing import TOO_SMALL, colour_bar, leave_empty, new_figure, too_small
from reportgen.analyses.lettering import label_axes
from reportgen.analyses.results import Figure, Table, TableColumn
from reportgen.analyses.ticks import Values, padded, set_linear, set_log
from reportgen.analyses.words import coefficient, counted, interval
from reportgen.config.columns import Column
from reportgen.numbers import number
from reportgen.reduce.binned import BinnedQuantiles
from reportgen.reduce.histograms import Counts2D, Rows
from reportgen.reduce.moments import CorrelationMatrix
from reportgen.style import DENSITY_MAP, HALO, INK, series_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAND = (0.16, 0.5, 0.84)
# A median of fewer values than this says more about chance than about the objects.
LEAST_IN_BIN = 10


@dataclass(frozen=True)
class Panel:
    """What one panel shows. log: whether x and y are logarithmic."""

    id: str
    x: Column
    y: Column
    log: tuple[bool, bool]
    points: Rows
    density: Counts2D
    running: BinnedQuantiles
    pearson: CorrelationMatrix
    spearman: CorrelationMatrix

    @property
    def shown(self) -> Any:
        """Which bins have enough objects for a running median."""
        return self.running.n >= LEAST_IN_BIN

    @property
    def centres(self) -> Values:
        """Middle of each bin of the running median, on the axis as it is drawn."""
        low, high = self.running.edges[:-1], self.running.edges[1:]
        return np.sqrt(low) * np.sqrt(high) if self.log[0] else low / 2 + high / 2

    def figure(self) -> Figure:
        """Draw the panel."""
        drawing, axes = new_figure(54)
        label_axes(axes, self.x.axis, self.y.axis)
        if self.points.n == 0:
            leave_empty(axes, "no values to draw")
        else:
            self._draw(axes)
        return Figure(
            self.id,
            drawing,
            f"{self.y.title} against {self.x.title}",
            alt=f"{self.y.title} against {self.x.title}: {self._kind()}. {self._trend()}"
            f"{self._correlation()}",
            caption=f"{self._kind(capital=True)}{self._lines()}.{self._hidden()}"
            f"{self._correlation()}",
            data=self._data(),
        )

    def _draw(self, axes: "Axes") -> None:
        of: tuple[Values, Values] = (self.density.x, self.density.y)
        if self.points.values is not None:
            of = (self.points.values[:, 0], self.points.values[:, 1])
        ends = [(float(v.min()), float(v.max())) for v in of]
        if any(too_small(np.array(e)) and not log for e, log in zip(ends, self.log, strict=True)):
            leave_empty(axes, TOO_SMALL)
            return
        for axis, log, (low, high) in zip((axes.xaxis, axes.yaxis), self.log, ends, strict=True):
            (set_log if log else set_linear)(axis, *padded(low, high, log=log))
        if self.points.values is None:
            _draw_density(axes, self.density)
        else:
            few = self.points.n < 50
            axes.plot(
                *of,
                linestyle="none",
                marker=".",
                markersize=6 if few else 3.5,
                markeredgewidth=0,
                color=series_colour(self.x.order),
                alpha=0.9 if few else 0.6,
                rasterized=self.points.n > 500,
            )
        self._draw_running(axes)

    def _draw_running(self, axes: "Axes") -> None:
        shown = self.shown
        low, middle, high = np.where(shown, self.running.values, np.nan)
        # A bin with no neighbour has no line: it gets a mark.
        beside = np.pad(shown, 1)
        lone = np.flatnonzero(shown & ~beside[:-2] & ~beside[2:])
        x = self.centres
        for bound in (low, high):
            line = {"linewidth": 0.8, "linestyle": (0, (3, 1.5)), "marker": "_"}
            _haloed(axes, x, bound, {**line, "markevery": lone.tolist()})
        _haloed(axes, x, middle, {"linewidth": 1.4, "marker": ".", "markevery": lone.tolist()})

    def _kind(self, *, capital: bool = False) -> str:
        n = counted(self.points.n, "object")
        if self.points.n == 0:
            return ("N" if capital else "n") + "o object can be drawn"
        if self.points.values is not None:
            return f"{n} as points"
        ny, nx = self.density.counts.shape
        return f"{n} as density in {nx} × {ny} cells"

    def _lines(self) -> str:
        if not self.shown.any():
            return "; too few for a running median" if self.points.n else ""
        return (
            "; solid line: running median, dashed: 16 % and 84 % of the objects "
            f"in bins of at least {LEAST_IN_BIN}"
        )

    def _hidden(self) -> str:
        hidden = int(self.pearson.n[0, 1]) - self.points.n
        if not hidden:
            return ""
        axes = " or ".join(
            column.title for column, log in zip((self.x, self.y), self.log, strict=True) if log
        )
        return (
            f" Not drawn: {counted(hidden, 'object')} with {axes} of 0 or less, which a "
            "logarithmic axis cannot show."
        )

    def _trend(self) -> str:
        places = np.flatnonzero(self.shown)
        if not len(places):
            return "There are too few objects for a running median."
        medians = self.running.values[1]
        first, last = (
            f"{self.y.quantity(number(float(medians[i])))} near "
            f"{self.x.quantity(number(float(self.centres[i])))}"
            for i in places[[0, -1]]
        )
        if len(places) == 1:
            return f"The median is {first}, the only bin with objects enough."
        low, high = float(medians[places].min()), float(medians[places].max())
        if low == high:
            return f"The running median is {self.y.quantity(number(low))} in every bin."
        return (
            f"The running median goes from {first} to {last}, and lies between "
            f"{interval(low, high, self.y)}."
        )

    def _correlation(self) -> str:
        r, rho = (float(matrix.r[0, 1]) for matrix in (self.pearson, self.spearman))
        said = [
            f"{name} = {coefficient(value)}"
            for name, value in (("Spearman's ρ", rho), ("Pearson's r", r))
            if not np.isnan(value)
        ]
        return f" {', '.join(said)}." if said else " Their correlation is not defined."

    def _data(self) -> Table:
        name, x, y = self.id, self.x, self.y
        of = TableColumn.of
        if self.points.values is not None:
            xs, ys = self.points.values.T
            columns = [of(x.name, xs, x.unit), of(y.name, ys, y.unit)]
        else:
            density = self.density
            row, column = np.nonzero(density.counts)
            columns = [
                of(f"{x.name}_low", density.x[column], x.unit),
                of(f"{x.name}_high", density.x[column + 1], x.unit),
                of(f"{y.name}_low", density.y[row], y.unit),
                of(f"{y.name}_high", density.y[row + 1], y.unit),
                of("n", density.counts[row, column], description="cells with 0 left out"),
            ]
        return Table(name, f"{y.title} against {x.title}", columns, shown=False)

    def running_table(self) -> Table:
        """Give the running median and its band, bins that are not drawn among them."""
        of, x, y = TableColumn.of, self.x, self.y
        low, middle, high = self.running.values
        return Table(
            f"running_{self.id}",
            f"Running median of {y.title} against {x.title}",
            [
                of("bin_low", self.running.edges[:-1], x.unit),
                of("bin_high", self.running.edges[1:], x.unit),
                of("n", self.running.n, description=f"drawn from {LEAST_IN_BIN} on"),
                of("q16", low, y.unit),
                of("median", middle, y.unit),
                of("q84", high, y.unit),
            ],
            shown=False,
        )


def _haloed(axes: "Axes", x: Values, y: Values, line: dict[str, Any]) -> None:
    """Draw a line that stands out from a map: its ground is drawn below it, without gaps."""
    if np.isfinite(y).any():
        wide = {**line, "linewidth": line["linewidth"] + 1.6, "linestyle": "-"}
        axes.plot(x, y, color=HALO, **wide)
        axes.plot(x, y, color=INK, **line)


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
    bar = colour_bar(axes, mesh, "Objects per cell")
    set_log(bar.ax.yaxis, 1, most)

"""One panel of a relation: points or density, with the running median and its band."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.phrases import absence, capital, coefficient, digits_among, interval
from reportgen.analyses.plotting.axes import new_figure
from reportgen.analyses.plotting.cloud import cloud_columns, draw_cloud, draw_haloed
from reportgen.analyses.plotting.ticks import Values, middles
from reportgen.analyses.results import Axes, Figure, Table, TableColumn, edge_columns
from reportgen.config.columns import Column
from reportgen.reduce.binned import BinnedQuantiles
from reportgen.reduce.histograms import Counts2D, Rows
from reportgen.reduce.moments import CorrelationMatrix
from reportgen.wording import counted, listed, number

BAND = (0.16, 0.5, 0.84)
# A median of fewer values than this says more about chance than about the objects.
LEAST_IN_BIN = 10


@dataclass(frozen=True)
class Panel:
    """What one panel shows. short: of x. log: whether x and y are logarithmic."""

    id: str
    x: Column
    y: Column
    short: str
    log: tuple[bool, bool]
    points: Rows
    density: Counts2D
    running: BinnedQuantiles
    pearson: CorrelationMatrix
    spearman: CorrelationMatrix

    @property
    def n(self) -> int:
        """Number of objects with values of both."""
        return int(self.pearson.n[0, 1])

    @property
    def r(self) -> float:
        """Pearson's coefficient."""
        return float(self.pearson.r[0, 1])

    @property
    def rho(self) -> float:
        """Spearman's coefficient."""
        return float(self.spearman.r[0, 1])

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Which bins have enough objects for a running median."""
        return self.running.n >= LEAST_IN_BIN

    @property
    def centres(self) -> Values:
        """Middle of each bin of the running median, on the axis as it is drawn."""
        return middles(self.running.edges, log=self.log[0])

    def figure(self) -> Figure:
        """Draw the panel."""
        drawing, axes = new_figure(54, labels=(self.x.axis, self.y.axis))
        self._draw(axes)
        title = f"{self.y.title} against {self.x.title}"
        n, kind = counted(self.points.n, "objects"), " as points"
        if self.points.n == 0:
            n, kind = "no object", " can be drawn"
        elif self.points.values is None:
            ny, nx = self.density.counts.shape
            kind = f" as density in {nx} × {ny} cells"
        said = [
            f"{name} = {coefficient(value)}"
            for name, value in (("Spearman's ρ", self.rho), ("Pearson's r", self.r))
            if not np.isnan(value)
        ]
        correlation = (
            f"{', '.join(said)}." if said else f"Their correlation is not {absence(self.spearman)}."
        )
        columns = cloud_columns(self.x, self.y, self.points, self.density)
        return Figure.of(
            self.id,
            drawing,
            title,
            columns,
            alt=f"{title}: {n}{kind}. {self._trend()} {correlation}",
            caption=f"{capital(n)}{kind}{self._lines()}.{self._hidden()} {correlation}",
        )

    def _draw(self, axes: Axes) -> None:
        if draw_cloud(axes, self.points, self.density, self.log, self.x.order):
            self._draw_running(axes)

    def _draw_running(self, axes: Axes) -> None:
        shown = self.shown
        low, middle, high = np.where(shown, self.running.values, np.nan)
        # A bin with no neighbour has no line: it gets a mark.
        beside = np.pad(shown, 1)
        lone = np.flatnonzero(shown & ~beside[:-2] & ~beside[2:]).tolist()
        dashed = {"linewidth": 0.8, "linestyle": (0, (3, 1.5)), "marker": "_", "markevery": lone}
        for bound in (low, high):
            draw_haloed(axes, self.centres, bound, **dashed)
        solid = {"linewidth": 1.4, "marker": ".", "markevery": lone}
        draw_haloed(axes, self.centres, middle, **solid)

    def _lines(self) -> str:
        if not self.shown.any():
            return "; too few for a running median" if self.points.n else ""
        return (
            "; solid line: running median, dashed: 16 % and 84 % of the objects "
            f"in bins of at least {LEAST_IN_BIN}"
        )

    def _hidden(self) -> str:
        if self.n == self.points.n:
            return ""
        columns = zip((self.x, self.y), self.log, strict=True)
        axes = " or ".join(column.title for column, log in columns if log)
        return (
            f" Not drawn: {counted(self.n - self.points.n, 'objects')} with {axes} of 0 or less, "
            "which a logarithmic axis cannot show."
        )

    def _trend(self) -> str:
        places = np.flatnonzero(self.shown)
        if not len(places):
            return "There are too few objects for a running median."
        medians = self.running.values[1]
        low, high = float(medians[places].min()), float(medians[places].max())
        x_digits = digits_among(float(self.centres[0]), float(self.centres[-1]))
        first, last = (
            f"{self.y.quantity(number(float(medians[i]), digits_among(low, high)))} near "
            f"{self.x.quantity(number(float(self.centres[i]), x_digits))}"
            for i in places[[0, -1]]
        )
        if len(places) == 1:
            return f"The median is {first}, the only bin with objects enough."
        if low == high:
            median = self.y.quantity(number(low))
            return f"The running median is {median} in every bin with objects enough."
        return (
            f"The running median goes from {first} to {last}, and lies between "
            f"{interval(low, high, self.y)}."
        )

    @property
    def turns(self) -> bool:
        """Whether the running median goes back by more than a tenth of its range."""
        medians = self.running.values[1][self.shown]
        if len(medians) < 3:
            return False
        medians = medians / (np.abs(medians).max() or 1)  # so that no difference overflows
        fallen = (np.maximum.accumulate(medians) - medians).max()
        risen = (medians - np.minimum.accumulate(medians)).max()
        return bool(min(fallen, risen) > 0.1 * np.ptp(medians) > 0)

    def course(self) -> str:
        """Say where the running median begins and ends, as a sentence and a blank.

        Empty where there are too few bins for it.
        """
        places = np.flatnonzero(self.shown)
        if len(places) < 2:
            return ""
        medians = self.running.values[1]
        digits = digits_among(float(medians[places].min()), float(medians[places].max()))
        lowest, highest = places[np.argmin(medians[places])], places[np.argmax(medians[places])]
        x_digits = digits_among(float(self.centres[0]), float(self.centres[-1]))
        at = {
            place: f"{self.y.quantity(number(float(medians[place]), digits))} near "
            f"{self.x.quantity(number(float(f'{self.centres[place]:.2g}'), x_digits))}"
            for place in (places[0], places[-1], lowest, highest)
        }
        ends = {int(places[0]), int(places[-1])}
        named = sorted(ends | ({int(lowest), int(highest)} if self.turns else set()))
        said = listed([at[place] for place in named])
        return f"Against {self.short} the median {self.y.title} is {said}. "

    def running_table(self) -> Table:
        """Return the running median and its band, bins that are not drawn among them."""
        of, x, y = TableColumn.of, self.x, self.y
        low, middle, high = self.running.values
        columns = [
            *edge_columns(self.running.edges, x.unit, ("bin_low", "bin_high")),
            of("n", self.running.n, description=f"drawn from {LEAST_IN_BIN} on"),
            of("q16", low, y.unit),
            of("median", middle, y.unit),
            of("q84", high, y.unit),
        ]
        title = f"Running median of {y.title} against {x.title}"
        return Table(f"running_{self.id}", title, columns, shown=False)

"""How well repeated measurements of the same objects agree."""

from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from reportgen.analyses.base import Analysis, Statistics
from reportgen.analyses.methods import REPEATABILITY
from reportgen.analyses.phrases import no_values, small_unit
from reportgen.analyses.plotting.axes import DOTTED, draw_limits, new_figure
from reportgen.analyses.plotting.cloud import (
    cloud_columns,
    cloud_of,
    draw_cloud,
    draw_haloed,
    running_median,
)
from reportgen.analyses.plotting.ticks import Values
from reportgen.analyses.results import Figure, Metric, Section, Table, TableColumn
from reportgen.config.columns import Column
from reportgen.config.types import AnyColumnRef, AnyQuantity, BlockError, ColumnRef, Several
from reportgen.reduce.counts import CountRows
from reportgen.reduce.objects import MomentsOfObjects, Objects
from reportgen.wording import count, counted, exact, number, percent

POINTS, BINS, LEAST_IN_BIN = 10_000, 18, 10
WORST = 10  # objects that a table names


class Repeatability(Analysis, name="repeatability", methods=(REPEATABILITY,)):
    """Scatter of repeated measurements: the standard deviation of the visits of each object."""

    object: AnyColumnRef
    """What tells objects apart: an id, an integer or a text."""
    value: ColumnRef
    """What was measured, such as a magnitude."""
    visits_at_least: Annotated[Several, Field()] = 3
    """Fewest visits of an object that is used."""
    against: ColumnRef | None = None
    """Horizontal axis: the mean of this column over the visits; that of value when not given."""
    log_x: bool = False
    """Logarithmic horizontal axis; objects with 0 and less are not drawn."""
    outlier: AnyQuantity | None = None
    """Standard deviation above which an object is an outlier, such as 15 mmag."""

    @model_validator(mode="after")
    def _unit_fits(self) -> "Repeatability":
        try:
            _ = self._outlier
        except ValueError as error:
            raise BlockError({("outlier",): str(error)}) from None
        return self

    @property
    def _outlier(self) -> float | None:
        """The limit in the unit in which scatter is given."""
        if self.outlier is None or not self.value.is_known:
            return None if self.outlier is None else self.outlier.value
        by, _ = small_unit(self.value.unit)
        return by * self.outlier.to(self.value.unit)

    @property
    def _x(self) -> Column:
        return self.against or self.value

    def reductions(self) -> Statistics:
        """Ask for the mean and the scatter of each object."""
        names = self.object.name, self.value.name, self._x.name
        return {"rows": CountRows(self.where), "objects": MomentsOfObjects(*names, self.where)}

    def present(self, rows: int, objects: Objects) -> Section:
        """Draw the scatter of each object, and give its median."""
        if not len(objects.sums.n):
            columns = (self.object, self.value, *([self.against] if self.against else []))
            raise no_values(columns, rows, self.where, in_all=True)
        by, unit = small_unit(self.value.unit)
        used = objects.sums.n >= self.visits_at_least
        visits, std = objects.sums.n[used], by * objects.std[used]
        n, limit = len(std), self._outlier
        outliers = np.nan if limit is None or not n else 100 * float((std > limit).mean())
        median, middle = (float(np.median(each)) if n else np.nan for each in (std, visits))
        metrics = {
            "repeatability": Metric(median, "median standard deviation", unit),
            "outliers_percent": Metric(outliers, "outliers", "%", digits=2),
            "objects": Metric(n, "objects", digits=0),
            "visits_median": Metric(middle, "visits in the median", digits=1),
        }
        shown = Column(self.value.name, f"Standard deviation of {self.value.title}", unit)
        findings = self._findings(shown, n, median, middle, outliers)
        return Section(
            findings=findings,
            metrics=metrics,
            figures=[self._figure(shown, objects.sums.other[used], std, findings)] if n else [],
            tables=[self._worst(objects, used, by, unit)] if n else [],
            rows=rows,
            notes=self._notes(objects, n, middle),
        )

    def _findings(
        self, shown: Column, n: int, median: float, visits: float, outliers: float
    ) -> list[str]:
        least = counted(self.visits_at_least, "visits")
        if not n:
            return [f"No object has {least} or more."]
        said = (
            f"Repeated measurements of {self.value.title} scatter by "
            f"{shown.quantity(number(median))} in the median of {counted(n, 'objects')} with "
            f"{least} or more ({number(visits)} in the median)."
        )
        if self._outlier is None:
            return [said]
        limit = shown.quantity(exact(self._outlier))
        return [said, f"{percent(outliers / 100)} of them scatter by more than {limit}."]

    def _notes(self, objects: Objects, n: int, visits: float) -> list[str]:
        from scipy.special import gammaincinv

        notes = []
        if n:
            # The square of a standard deviation has a χ² distribution.
            free = round(visits) - 1
            bias = float(np.sqrt(2 * gammaincinv(free / 2, 0.5) / free))
            notes.append(
                f"Of {counted(free + 1, 'visits')} with normal errors, the median standard "
                f"deviation is {number(bias, 3)} times the true one."
            )
        if few := len(objects.sums.n) - n:
            notes.append(f"With fewer visits, so not used: {counted(few, 'objects')}.")
        if objects.missing:
            notes.append(f"Without an object or a value: {counted(objects.missing, 'rows')}.")
        if objects.halved:
            notes.append(
                f"One of {count(2**objects.halved)} objects is used, as there are so many: those "
                "that a hash of the id chooses, with all their visits."
            )
        return notes

    def _figure(self, shown: Column, x: Values, std: Values, findings: list[str]) -> Figure:
        log = (self.log_x, True)
        points, density, drawn = cloud_of(x, std, POINTS, log)
        drawing, axes = new_figure(62, labels=(f"Mean {self._x.axis}", shown.axis))
        said = "as points" if points.values is not None else "as density"
        if draw_cloud(axes, points, density, log, self.value.order):
            line = running_median(x[drawn], std[drawn], BINS, log=self.log_x, least=LEAST_IN_BIN)
            draw_haloed(axes, *line, linewidth=1.4)
            said += "; line: running median"
            if self._outlier is not None:
                axes.axhline(self._outlier, **DOTTED)
                said += f". Dotted: {shown.quantity(exact(self._outlier))}, above it are outliers"
            limits = draw_limits(
                axes, self.check_limits("repeatability", unit=shown.unit), shown, along="y"
            )
            said += f".{limits}"
        hidden = len(x) - int(drawn.sum())
        not_shown = f" Not drawn, as logarithms have no 0: {counted(hidden, 'objects')}."
        title, name = f"{shown.title} against its mean", "repeatability"
        if self.against is not None:
            title = f"{shown.title} against {self.against.title}"
        column = Column(f"mean_{self._x.name}", self._x.title, self._x.unit)
        y = Column("std", shown.title, shown.unit)
        return Figure.of(
            name,
            drawing,
            title,
            cloud_columns(column, y, points, density),
            alt=f"{title} for {counted(points.n, 'objects')}. {' '.join(findings)}",
            caption=f"{counted(points.n, 'objects')} {said.rstrip('.')}."
            + (not_shown if hidden else ""),
        )

    def _worst(self, objects: Objects, used: Any, by: float, unit: str) -> Table:
        """Return the objects that scatter most."""
        std = np.where(used, objects.std, -1.0)
        order = np.argsort(-std, kind="stable")[: min(WORST, int(used.sum()))]
        ids, of = objects.ids, TableColumn.of
        texts = [str(ids[place]).removesuffix(".0") for place in order]
        columns = [
            of(self.object.name, texts),
            of("visits", objects.sums.n[order]),
            of(f"mean {self.value.name}", objects.sums.mean[order], self.value.unit),
            of("standard deviation", by * objects.std[order], unit),
        ]
        return Table("worst", "Objects that scatter most", columns)

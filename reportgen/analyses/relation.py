"""How one column depends on others: points or density, running median, correlation."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator, model_validator

from reportgen.analyses.base import Analysis, BinCount, no_repeats
from reportgen.analyses.relation_panel import BAND, Panel
from reportgen.analyses.results import Metric, Section, Table, TableColumn
from reportgen.analyses.words import alike, coefficient, counted, file_ids, no_values, short_titles
from reportgen.config.columns import Column
from reportgen.config.expressions import Condition, both, compare
from reportgen.config.types import ColumnRef, Count
from reportgen.errors import SectionError
from reportgen.numbers import listed, number
from reportgen.reduce.base import Statistic
from reportgen.reduce.binned import QuantilesInBins
from reportgen.reduce.counts import CountRows
from reportgen.reduce.histograms import Axis, FewRows, Histogram2D
from reportgen.reduce.moments import CorrelationMatrix, Pearson
from reportgen.reduce.ranks import Spearman


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
    points: Annotated[Count, Field(le=100_000)] = 2000
    """Up to so many objects are drawn as points, more as density."""
    bins: Annotated[Count, Field(le=1000)] = 40
    """Cells along each axis of the density."""
    median_bins: BinCount = 18
    """Bins of the running median."""

    _once = field_validator("against")(no_repeats)

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

    def reductions(self) -> Mapping[str, Statistic[Any]]:
        """Ask for points, density, running quantiles and correlations of each panel."""
        result: dict[str, Statistic[Any]] = {"rows": CountRows(where=self.where)}
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
            rows = values["rows"]
            if rows:
                others = listed([o.name for o in self.against])
                raise SectionError(
                    f"none of {counted(rows, 'row')} has values of both {self.column.name} and "
                    f"{others}",
                    "look at the missing-value marks, at where:, and at the source",
                )
            raise no_values(self.against, rows, self.where)
        panels = [
            Panel(
                id=file_id,
                x=other,
                y=self.column,
                log=(self.log_x, self.log_y),
                points=values[f"{other.name}.points"],
                density=values[f"{other.name}.density"],
                running=values[f"{other.name}.running"],
                pearson=pearson[other.name],
                spearman=spearman[other.name],
            )
            for other, file_id in zip(
                self.against, file_ids(self.against, "against").values(), strict=True
            )
        ]
        return Section(
            findings=[self._finding(spearman)],
            metrics=self._metrics(pearson, spearman),
            figures=[panel.figure() for panel in panels],
            tables=[self._table(pearson, spearman), *(panel.running_table() for panel in panels)],
            rows=max(int(matrix.n[0, 1]) for matrix in pearson.values()),
            notes=self._notes(panels),
        )

    def _notes(self, panels: list[Panel]) -> list[str]:
        notes = []
        if classes := max(panel.spearman.classes for panel in panels):
            notes.append(
                f"Spearman's coefficients are of {classes} rank classes at most: the "
                "catalogue has more rows than its exact_rows."
            )
        if error := max(panel.running.error for panel in panels):
            notes.append(
                f"Running medians and bands are approximate (to {number(error)} of the value): "
                "the catalogue has more rows than its exact_rows."
            )
        return notes

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
        shorts = short_titles(self.against)
        found = {
            o.name: float(spearman[o.name].r[0, 1])
            for o in self.against
            if not np.isnan(spearman[o.name].r[0, 1])
        }
        if not found:
            return (
                f"No correlation with {self.column.title} is defined: there are too few rows, or "
                "the values are all the same."
            )
        undefined = [shorts[o.name] for o in self.against if o.name not in found]
        without = f" With {listed(undefined)} it is not defined." if undefined else ""
        if len(self.against) == 1:
            other = self.against[0]
            return (
                f"Spearman's ρ of {self.column.title} and {other.title} is "
                f"{coefficient(found[other.name])} "
                f"({counted(int(spearman[other.name].n[0, 1]), 'object')})."
            )
        most = max(map(abs, found.values()))
        if alike(most, 0):
            return f"Spearman's ρ with {self.column.title} is 0 in every panel.{without}"
        strongest = [
            f"{shorts[name]} ({coefficient(rho)})"
            for name, rho in found.items()
            if alike(rho, most)
        ]
        return (
            f"Spearman's ρ with {self.column.title} is largest, by absolute value, for "
            f"{listed(strongest)}.{without}"
        )

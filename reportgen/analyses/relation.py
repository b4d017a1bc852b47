"""How one column depends on others: points or density, running median, correlation."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator, model_validator

from reportgen.analyses.base import Analysis, BinCount, Statistics, no_repeats
from reportgen.analyses.methods import PEARSON, QUANTILES, SPEARMAN
from reportgen.analyses.phrases import (
    absence,
    alike,
    approximate,
    coefficient,
    file_ids,
    no_values,
    note_ranks,
    note_rows,
    short_titles,
)
from reportgen.analyses.relation_panel import BAND, Panel
from reportgen.analyses.results import Metric, Section, Table, TableColumn
from reportgen.config.columns import Column
from reportgen.config.expressions import Condition, both, compare
from reportgen.config.types import ColumnRef, Count
from reportgen.errors import SectionError
from reportgen.reduce.base import Statistic
from reportgen.reduce.binned import QuantilesInBins
from reportgen.reduce.counts import CountRows
from reportgen.reduce.histograms import Axis, FewRows, Histogram2D
from reportgen.reduce.moments import Pearson
from reportgen.reduce.ranks import Spearman
from reportgen.wording import count, counted, listed

CELLS, MEDIAN_BINS = 40, 18
COMPUTED = ("points", "density", "running", "pearson", "spearman")  # of each panel


class Relation(Analysis, name="relation", methods=(QUANTILES, PEARSON, SPEARMAN)):
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
    bins: Annotated[Count, Field(le=1000)] | None = None
    """Cells along each axis of the density; 40 when not given, or as whole widths give."""
    median_bins: BinCount | None = None
    """Bins of the running median; 18 when not given, or as many as whole widths give."""

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

    def reductions(self) -> Statistics:
        """Ask for points, density, running quantiles and correlations of each panel."""
        result: dict[str, Statistic[Any]] = {"rows": CountRows(where=self.where)}
        y = self.column.name
        for other in self.against:
            x, where = other.name, self._drawable(other)
            of_x, of_y = (
                Axis(column, self.bins or CELLS, log=log, whole=self.bins is None)
                for column, log in ((x, self.log_x), (y, self.log_y))
            )
            of_median = replace(
                of_x, bins=self.median_bins or MEDIAN_BINS, whole=self.median_bins is None
            )
            needed: tuple[Statistic[Any], ...] = (
                FewRows((x, y), self.points, where),
                Histogram2D(of_x, of_y, where),
                QuantilesInBins(of_median, y, BAND, where),
                Pearson((x, y), where=self.where),
                Spearman((x, y), where=self.where),
            )
            result |= {f"{x}.{name}": each for name, each in zip(COMPUTED, needed, strict=True)}
        return result

    def present(self, rows: int, **values: Any) -> Section:
        """Draw the panels and list the correlations."""
        shorts, ids = short_titles(self.against), file_ids(self.against, "against")
        panels = [
            Panel(
                id=ids[x.name],
                x=x,
                y=self.column,
                short=shorts[x.name],
                log=(self.log_x, self.log_y),
                **{name: values[f"{x.name}.{name}"] for name in COMPUTED},
            )
            for x in self.against
        ]
        if not any(panel.n for panel in panels):
            if not rows:
                raise no_values(self.against, rows, self.where)
            others = listed([other.name for other in self.against])
            raise SectionError(
                f"none of {counted(rows, 'rows')} has values of both {self.column.name} and "
                f"{others}",
                "look at the missing-value marks, at where:, and at the source",
            )
        metrics = {}
        for panel in panels:
            name, short, n = panel.x.name, panel.short, panel.n
            metrics[f"{name}_spearman"] = Metric(panel.rho, f"ρ, {short}", digits=3)
            metrics[f"{name}_pearson"] = Metric(panel.r, f"r, {short}", digits=3, shown=False)
            metrics[f"{name}_n"] = Metric(n, f"objects, {short}", digits=0, shown=False)
        of = TableColumn.of
        columns = [
            of("column", [panel.x.title for panel in panels]),
            of("n", [panel.n for panel in panels]),
            of("Pearson r", [panel.r for panel in panels], digits=3),
            of("Spearman ρ", [panel.rho for panel in panels], digits=3),
        ]
        return Section(
            findings=[self._finding(panels)],
            metrics=metrics,
            figures=[panel.figure() for panel in panels],
            tables=[
                Table("correlations", f"Correlation with {self.column.title}", columns),
                *(panel.running_table() for panel in panels),
            ],
            rows=max(panel.n for panel in panels),
            notes=self._notes(panels),
        )

    def _finding(self, panels: Sequence[Panel]) -> str:
        title = self.column.title
        found = [panel for panel in panels if not np.isnan(panel.rho)]
        absent = absence(*(panel.spearman for panel in panels))
        if not found:
            why = "there are too few rows, or the values are all the same"
            why += ", or the ranks of so many rows too uncertain" if absent == "known" else ""
            return f"No correlation with {title} is {absent}: {why}."
        undefined = [panel.short for panel in panels if np.isnan(panel.rho)]
        without = f" With {listed(undefined)} it is not {absent}." if undefined else ""
        most = max(abs(panel.rho) for panel in found)
        if len(panels) > 1 and alike(most, 0):
            where = "in every panel" if not undefined else f"where it is {absent}"
            return f"Spearman's ρ with {title} is 0 {where}.{without}"
        error = max(panel.spearman.error for panel in found)
        strongest = [p for p in found if alike(p.rho, most, error)]
        said = listed(
            [
                f"{panel.short} (ρ = {coefficient(panel.rho)}, n = {count(panel.n)})"
                for panel in strongest
            ]
        )
        if len(panels) == 1:
            of = f"Spearman's ρ of {title} and {found[0].x.title}"
            said = f"{of} is {coefficient(found[0].rho)} (n = {count(found[0].n)})"
        else:
            said = f"Of {len(panels)} columns, {title} goes most with {said}"
        turns = ", and the running median does not rise or fall throughout"
        course = strongest[0].course()
        return f"{course}{said}{turns if strongest[0].turns else ''}.{without}"

    def _notes(self, panels: Sequence[Panel]) -> list[str]:
        shorts = short_titles([self.column, *self.against])
        notes = note_ranks([panel.spearman for panel in panels], shorts)
        if error := max(panel.running.error for panel in panels):
            notes.append(note_rows(f"Running medians and bands are {approximate(error)}"))
        return notes

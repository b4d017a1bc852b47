"""What is in a catalogue: rows, columns, units, missing values and ranges."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import ValidationInfo, field_validator

from reportgen.analyses.base import Analysis, no_repeats
from reportgen.analyses.drawing import new_figure
from reportgen.analyses.lettering import plain, wrapped
from reportgen.analyses.results import Figure, Metric, Section, Table, TableColumn
from reportgen.analyses.ticks import set_linear
from reportgen.analyses.words import counted
from reportgen.config.types import ColumnRef
from reportgen.numbers import count, listed, number, percent
from reportgen.reduce.base import Statistic
from reportgen.reduce.counts import Count, CountRows, Counts, Range
from reportgen.reduce.moments import MeanStd
from reportgen.reduce.quantiles import Quantiles
from reportgen.style import MUTED, SERIES, TEXT_SIZE, WIDTHS

FRACTIONS = (0.05, 0.5, 0.95)


class Overview(Analysis, name="overview"):
    """What is there: rows, columns, units, missing fractions and ranges."""

    columns: tuple[ColumnRef, ...] = ()
    """Columns to describe; all of the catalogue when not given."""

    @field_validator("columns", mode="before")
    @classmethod
    def _all_columns(cls, value: object, info: ValidationInfo) -> object:
        known = (info.context or {}).get("columns")
        return tuple(known.values()) if value in ((), []) and known else value

    _once = field_validator("columns")(no_repeats)

    def reductions(self) -> Mapping[str, Statistic[Any]]:
        """Ask for counts, range, quantiles and moments of each column."""
        result: dict[str, Statistic[Any]] = {"rows": CountRows(where=self.where)}
        for column in self.columns:
            name = column.name
            result |= {
                f"{name}.count": Count(name, self.where),
                f"{name}.range": Range(name, self.where),
                f"{name}.quantiles": Quantiles(name, FRACTIONS, self.where),
                f"{name}.moments": MeanStd(name, self.where),
            }
        return result

    def present(self, **values: Any) -> Section:
        """Make the table of columns and the chart of missing fractions."""
        rows: int = values["rows"]
        counts: dict[str, Counts] = {c.name: values[f"{c.name}.count"] for c in self.columns}
        metrics = {
            "rows": Metric(rows, "rows", digits=0),
            "columns": Metric(len(self.columns), "columns", digits=0),
        } | {
            f"{name}_missing": Metric(
                100 * n.missing_fraction, f"{name} missing", "%", digits=2, shown=False
            )
            for name, n in counts.items()
        }
        return Section(
            findings=self._findings(rows, counts),
            metrics=metrics,
            figures=[self._missing_figure(counts)] if rows else [],
            tables=[self._table(values, counts)],
            rows=rows,
            notes=self._notes(rows, values),
        )

    def _notes(self, rows: int, values: Mapping[str, Any]) -> list[str]:
        if not rows:
            return ["There is no figure because there are no rows."]
        if error := max(values[f"{c.name}.quantiles"].error for c in self.columns):
            return [
                f"Quantiles are approximate (to {number(error)} of the value): the catalogue has "
                "more rows than its exact_rows."
            ]
        return []

    def _table(self, values: Mapping[str, Any], counts: Mapping[str, Counts]) -> Table:
        names = [column.name for column in self.columns]
        ranges = [values[f"{name}.range"] or (np.nan, np.nan) for name in names]
        quantiles = np.array([values[f"{name}.quantiles"].values for name in names])
        moments = [values[f"{name}.moments"] for name in names]
        infinite = [counts[name].infinite for name in names]
        of = TableColumn.of
        columns = [
            of("column", names, description="name in the configuration"),
            of("quantity", [column.title for column in self.columns]),
            of("unit", [column.symbol or "–" for column in self.columns]),
            of("n", [counts[name].valid for name in names], description="valid values"),
            of("missing", [counts[name].missing for name in names]),
            *([of("infinite", infinite)] if any(infinite) else []),
            of("min", [limits[0] for limits in ranges]),
            of("5 %", quantiles[:, 0]),
            of("median", quantiles[:, 1]),
            of("95 %", quantiles[:, 2]),
            of("max", [limits[1] for limits in ranges]),
            of("mean", [m.mean for m in moments]),
            of("std", [m.std for m in moments], description="population standard deviation"),
        ]
        return Table("columns", "Columns, each in its own unit", columns)

    def _missing_figure(self, counts: Mapping[str, Counts]) -> Figure:
        names = [column.name for column in self.columns]
        fractions = np.array([counts[name].missing_fraction for name in names])
        room = 0.42 * 72 * WIDTHS["column"]
        titles = [wrapped(column.title, room) for column in self.columns]
        # A title in two rows takes more room than one in a single row.
        rooms = np.array([1.7 if "\n" in title else 1.0 for title in titles])
        places = np.cumsum(rooms) - rooms / 2
        figure, axes = new_figure(14 + 5.2 * rooms.sum())
        axes.barh(places, 100 * fractions, height=0.62, color=SERIES[1])
        for place, fraction in zip(places, fractions, strict=True):
            axes.annotate(
                percent(fraction),
                (100 * fraction, place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                color=MUTED,
                fontsize=TEXT_SIZE,
            )
        axes.set_yticks(places, [plain(title) for title in titles])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(rooms.sum() + 0.1, -0.1)
        # The number beside the longest bar is within the figure.
        set_linear(axes.xaxis, 0, min(100, max(10, 110 * fractions.max(initial=0))))
        axes.set_xlabel("Rows without a value [%]")
        worst = sorted(zip(fractions, self.columns, strict=True), key=lambda pair: -pair[0])
        missing = [f"{c.title} {percent(f)}" for f, c in worst if f > 0]
        said = f"{listed(missing)}." if missing else "every value is there."
        if 0 < len(missing) < len(names):
            said = f"{said.removesuffix('.')}; the others have none."
        table = Table(
            "missing",
            "Rows without a value",
            [
                TableColumn.of("column", names),
                TableColumn.of("rows", [counts[name].rows for name in names]),
                TableColumn.of("missing", [counts[name].missing for name in names]),
                TableColumn.of("infinite", [counts[name].infinite for name in names]),
                TableColumn.of("fraction", 100 * fractions, "%"),
            ],
            shown=False,
        )
        return Figure(
            "missing",
            figure,
            "Rows without a value",
            alt=f"Bar chart of the rows without a value in {counted(len(names), 'column')}: {said}",
            caption="Fraction of the rows in which a column has no usable value: "
            "a missing-value mark, NaN or infinity.",
            data=table,
        )

    def _findings(self, rows: int, counts: Mapping[str, Counts]) -> list[str]:
        if not rows:
            return [
                "There are no rows."
                if self.where is None
                else f"No row is left by where: {self.where}."
            ]
        size = f"{counted(rows, 'row')} of {counted(len(counts), 'column')}"
        incomplete = [n for n in counts.values() if n.valid < rows]
        if not incomplete:
            return [f"{size}, with every value there."]
        worst = percent(max(n.missing_fraction for n in incomplete))
        some = (
            f"one lacks values, in {worst} of the rows"
            if len(incomplete) == 1
            else f"{len(incomplete)} of the columns lack values, in up to {worst} of the rows"
        )
        findings = [f"{size}; {some}."]
        titles = {column.name: column.title for column in self.columns}
        if empty := [titles[name] for name, n in counts.items() if not n.valid]:
            findings.append(f"Without a single value: {listed(empty)}.")
        if infinite := {titles[name]: n.infinite for name, n in counts.items() if n.infinite}:
            said = listed([f"{title} ({count(n)})" for title, n in infinite.items()])
            findings.append(f"Infinite values, left out of all statistics: {said}.")
        return findings

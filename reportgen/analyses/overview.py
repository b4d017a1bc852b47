"""What is in a catalogue: rows, columns, units, missing values and ranges."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import ValidationInfo, field_validator

from reportgen.analyses.base import Analysis
from reportgen.analyses.drawing import new_figure
from reportgen.config.schema import ColumnRef
from reportgen.numbers import count, listed, percent
from reportgen.reduce.base import Reduction
from reportgen.reduce.counts import Count, CountRows, Counts, Range
from reportgen.reduce.moments import MeanStd
from reportgen.reduce.quantiles import Quantiles
from reportgen.results import Figure, Metric, Section, Table, TableColumn
from reportgen.style import MUTED, SERIES

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

    def reductions(self) -> Mapping[str, Reduction[Any, Any]]:
        """Ask for counts, range, quantiles and moments of each column."""
        result: dict[str, Reduction[Any, Any]] = {"rows": CountRows(where=self.where)}
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
        incomplete = [c for c in self.columns if counts[c.name].valid < rows]
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
            findings=_findings(rows, len(self.columns), [c.title for c in incomplete], counts),
            metrics=metrics,
            figures=[self._missing_figure(counts)] if rows else [],
            tables=[self._table(values, counts)],
            rows=rows,
            notes=[] if rows else ["There is no figure because there are no rows."],
        )

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
        figure, axes = new_figure(14 + 5.2 * len(names))
        places = np.arange(len(names))
        axes.barh(places, 100 * fractions, height=0.62, color=SERIES[1])
        for place, fraction in zip(places, fractions, strict=True):
            axes.annotate(
                percent(fraction),
                (100 * fraction, place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                color=MUTED,
                fontsize=8,
            )
        axes.set_yticks(places, [column.title for column in self.columns])
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        widest = 100 * fractions.max(initial=0)
        axes.set_xlim(0, min(125, max(10, 1.3 * widest)))
        axes.set_xticks([tick for tick in axes.get_xticks() if tick <= 100])
        axes.set_xlabel("Rows without a value [%]")
        worst = sorted(zip(fractions, self.columns, strict=True), key=lambda pair: -pair[0])
        said = listed([f"{c.title} {percent(f)}" for f, c in worst if f > 0])
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
            alt=f"Bar chart of the rows without a value in {len(names)} columns: "
            + (f"{said}; the others have none." if said else "every value is there."),
            caption="Fraction of the rows in which a column has no usable value: "
            "a missing-value mark, NaN or infinity.",
            data=table,
        )


def _findings(
    rows: int, columns: int, incomplete: list[str], counts: Mapping[str, Counts]
) -> list[str]:
    if not rows:
        return ["There are no rows."]
    size = f"{count(rows)} {'row' if rows == 1 else 'rows'} of {columns} columns"
    if not incomplete:
        return [f"{size}, with every value there."]
    worst = max(counts.values(), key=lambda n: n.missing_fraction)
    findings = [
        f"{size}; {len(incomplete)} of the columns have missing values, "
        f"at most in {percent(worst.missing_fraction)} of the rows."
    ]
    empty = [name for name, n in counts.items() if not n.valid]
    if empty:
        findings.append(f"Without a single value: {listed(empty)}.")
    infinite = {name: n.infinite for name, n in counts.items() if n.infinite}
    if infinite:
        said = listed([f"{name} ({count(n)})" for name, n in infinite.items()])
        findings.append(f"Infinite values, left out of all statistics: {said}.")
    return findings

"""The correlation of every pair of some columns."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from reportgen.analyses.base import Analysis
from reportgen.analyses.drawing import short_titles
from reportgen.config.schema import ColumnRef, Fraction
from reportgen.errors import SectionError
from reportgen.numbers import count, listed, number
from reportgen.reduce.base import Reduction
from reportgen.reduce.moments import CorrelationMatrix, Pearson, Spearman
from reportgen.results import Figure, Metric, Section, Table, TableColumn
from reportgen.style import DIVERGING_MAP, WIDTHS

METHODS = {"pearson": "Pearson's r", "spearman": "Spearman's ρ"}


class Correlation(Analysis, name="correlation"):
    """Matrix of the correlations of all pairs of columns, over all valid rows."""

    columns: tuple[ColumnRef, ...] = Field(min_length=2)
    """The columns of the matrix."""
    method: Literal["pearson", "spearman"] = "pearson"
    """Pearson's coefficient, or Spearman's of the ranks."""
    rows: Literal["pairwise", "complete"] = "pairwise"
    """Rows for a pair: those valid in both, or only those valid in all columns."""
    with_column: ColumnRef | None = None
    """Say whether any other column correlates with this one above the limit."""
    limit: Fraction = 0.5
    """Absolute coefficient that counts as correlated."""

    @model_validator(mode="after")
    def _distinct(self) -> "Correlation":
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise ValueError(f"columns: one stands twice in {', '.join(names)}")
        if self.with_column is not None and self.with_column.name not in names:
            raise ValueError(f"with_column: {self.with_column.name} is not among the columns")
        return self

    def reductions(self) -> Mapping[str, Reduction[Any, Any]]:
        """Ask for the matrix."""
        names = tuple(column.name for column in self.columns)
        kind = Pearson if self.method == "pearson" else Spearman
        return {"matrix": kind(names, self.rows, self.where)}

    def present(self, **values: Any) -> Section:
        """Draw the matrix, and name the strongest pair."""
        matrix: CorrelationMatrix = values["matrix"]
        if not np.diag(matrix.n).any():
            raise SectionError(
                f"no valid value in {listed([c.name for c in self.columns])}",
                "look at the missing-value marks, at where:, and at the source",
            )
        shorts = list(short_titles(self.columns).values())
        pairs = sorted(
            (
                (float(matrix.r[i, j]), i, j)
                for i, j in combinations(range(len(self.columns)), 2)
                if not np.isnan(matrix.r[i, j])
            ),
            key=lambda pair: -abs(pair[0]),
        )
        notes = []
        if not matrix.exact:
            notes.append(
                "Spearman's coefficients are of 512 rank classes: the columns do not fit the "
                "catalogue's memory budget."
            )
        return Section(
            findings=self._findings(pairs, shorts),
            metrics=self._metrics(matrix, pairs),
            figures=[self._figure(matrix, pairs, shorts)],
            tables=self._tables(matrix, shorts),
            rows=int(matrix.n.max()),
            notes=notes,
        )

    def _findings(self, pairs: list[tuple[float, int, int]], shorts: list[str]) -> list[str]:
        name = METHODS[self.method]
        if not pairs:
            return ["No correlation is defined: too few rows, or the columns are constant."]
        r, i, j = pairs[0]
        findings = [
            f"The strongest pair is {shorts[i]} and {shorts[j]}: {name} = {coefficient(r)}."
        ]
        if self.with_column is None:
            return findings
        chosen = [column.name for column in self.columns].index(self.with_column.name)
        with_it = [(r, i + j - chosen) for r, i, j in pairs if chosen in (i, j)]
        above = [f"{shorts[k]} ({coefficient(r)})" for r, k in with_it if abs(r) > self.limit]
        title = self.with_column.title
        if not with_it:
            findings.insert(0, f"No correlation with {title} is defined.")
        elif above:
            findings.insert(
                0, f"{title} correlates above {number(self.limit)} with {listed(above)}."
            )
        else:
            r, k = with_it[0]
            findings.insert(
                0,
                f"Nothing correlates with {title} above {number(self.limit)}; "
                f"the closest is {shorts[k]} with {name} = {coefficient(r)}.",
            )
        return findings

    def _metrics(
        self, matrix: CorrelationMatrix, pairs: list[tuple[float, int, int]]
    ) -> dict[str, Metric]:
        metrics = {
            "strongest": Metric(
                pairs[0][0] if pairs else float("nan"), "strongest coefficient", digits=3
            )
        }
        names = [column.name for column in self.columns]
        if self.with_column is not None:
            chosen = names.index(self.with_column.name)
            others = np.abs(np.delete(matrix.r[chosen], chosen))
            most = float(np.nanmax(others)) if not np.isnan(others).all() else float("nan")
            metrics["closest"] = Metric(
                most, f"closest to {self.with_column.title} (absolute)", digits=3
            )
        for i, j in combinations(range(len(names)), 2):
            metrics[f"r_{names[i]}_{names[j]}"] = Metric(
                float(matrix.r[i, j]), f"{names[i]} and {names[j]}", digits=3, shown=False
            )
        return metrics

    def _tables(self, matrix: CorrelationMatrix, shorts: list[str]) -> list[Table]:
        titles = [column.title for column in self.columns]
        names = [column.name for column in self.columns]
        return [
            Table(
                "matrix",
                METHODS[self.method],
                [
                    TableColumn.of("column", titles),
                    *(
                        TableColumn.of(name, matrix.r[:, j], description=shorts[j], digits=3)
                        for j, name in enumerate(names)
                    ),
                ],
            ),
            Table(
                "rows",
                "Rows of each pair",
                [
                    TableColumn.of("column", titles),
                    *(
                        TableColumn.of(name, matrix.n[:, j], description=shorts[j])
                        for j, name in enumerate(names)
                    ),
                ],
            ),
        ]

    def _figure(
        self, matrix: CorrelationMatrix, pairs: list[tuple[float, int, int]], shorts: list[str]
    ) -> Figure:
        from matplotlib.figure import Figure as Drawing

        k = len(self.columns)
        width = "column" if k <= 8 else "full"
        side = WIDTHS[width]
        drawing = Drawing(figsize=(side, side * 0.86))
        axes = drawing.add_subplot()
        mesh = axes.pcolormesh(
            matrix.r, cmap=DIVERGING_MAP, vmin=-1, vmax=1, edgecolors="none", linewidth=0
        )
        for i in range(k):
            for j in range(k):
                r = matrix.r[i, j]
                # Black and white are not among the colours that dark mode turns: cells keep theirs.
                colour = "#ffffff" if abs(r) > 0.65 else "#000000"
                text = coefficient(float(r))
                axes.text(
                    j + 0.5, i + 0.5, text, ha="center", va="center", color=colour, fontsize=7.5
                )
        axes.set_xticks(
            np.arange(k) + 0.5,
            shorts,
            rotation=45 if k > 4 else 0,
            ha="right" if k > 4 else "center",
        )
        axes.set_yticks(np.arange(k) + 0.5, shorts)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.invert_yaxis()
        axes.set_aspect("equal")
        bar = drawing.colorbar(mesh, ax=axes, pad=0.03, aspect=30, shrink=0.9)
        bar.set_label(f"{METHODS[self.method]} (no unit)")
        bar.outline.set_linewidth(0.4)
        said = [f"{shorts[i]} and {shorts[j]} {coefficient(r)}" for r, i, j in pairs[:5]]
        rows = (
            "rows valid in both" if self.rows == "pairwise" else "rows valid in all of the columns"
        )
        names = [column.name for column in self.columns]
        first, second = zip(*combinations(range(k), 2), strict=True)
        data = Table(
            "pairs",
            f"{METHODS[self.method]} of each pair",
            [
                TableColumn.of("first", [names[i] for i in first]),
                TableColumn.of("second", [names[j] for j in second]),
                TableColumn.of("coefficient", matrix.r[first, second], digits=4),
                TableColumn.of("n", matrix.n[first, second]),
            ],
            shown=False,
        )
        return Figure(
            "matrix",
            drawing,
            f"{METHODS[self.method]} of {k} columns",
            alt=f"Matrix of {METHODS[self.method]} for {k} columns. Strongest: {listed(said)}.",
            caption=f"{METHODS[self.method]} over {rows} (up to {count(int(matrix.n.max()))}); "
            "a dash where it is not defined.",
            data=data,
            width=width,  # type: ignore[arg-type]
        )


def coefficient(r: float) -> str:
    """Give a coefficient with two decimals; with three where two would round it to 1."""
    return number(r, 3 if 0.995 <= abs(r) < 0.9995 else 2)

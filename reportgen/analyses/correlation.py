"""The correlation of every pair of some columns."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from reportgen.analyses.base import Analysis, no_repeats
from reportgen.analyses.correlation_matrix import METHODS, Pair, matrix_figure, most_rows
from reportgen.analyses.results import Metric, Section, Table, TableColumn
from reportgen.analyses.words import alike, coefficient, no_values, short_titles
from reportgen.config.types import ColumnRef, Fraction
from reportgen.numbers import listed, number
from reportgen.reduce.base import Statistic
from reportgen.reduce.counts import CountRows
from reportgen.reduce.moments import CorrelationMatrix, Pearson
from reportgen.reduce.ranks import Spearman


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

    _once = field_validator("columns")(no_repeats)

    @model_validator(mode="after")
    def _among_them(self) -> "Correlation":
        names = [column.name for column in self.columns]
        if self.with_column is not None and self.with_column.name not in names:
            raise ValueError(f"with_column: {self.with_column.name} is not among the columns")
        return self

    def reductions(self) -> Mapping[str, Statistic[Any]]:
        """Ask for the matrix."""
        names = tuple(column.name for column in self.columns)
        kind = Pearson if self.method == "pearson" else Spearman
        return {
            "matrix": kind(names, self.rows, self.where),
            "rows": CountRows(where=self.where),
        }

    def present(self, **values: Any) -> Section:
        """Draw the matrix, and name the strongest pair."""
        matrix: CorrelationMatrix = values["matrix"]
        if not matrix.n.any():
            raise no_values(
                self.columns, values["rows"], self.where, together=self.rows == "complete"
            )
        shorts = list(short_titles(self.columns).values())
        pairs = sorted(
            (
                Pair(float(matrix.r[i, j]), i, j)
                for i, j in combinations(range(len(self.columns)), 2)
                if not np.isnan(matrix.r[i, j])
            ),
            key=lambda pair: -abs(pair.r),
        )
        notes = []
        if not matrix.exact:
            notes.append(
                f"Spearman's coefficients are of {matrix.classes} rank classes at most: the "
                "catalogue has more rows than its exact_rows."
            )
        return Section(
            findings=self._findings(pairs, shorts),
            metrics=self._metrics(matrix, pairs),
            figures=[matrix_figure(self.columns, matrix, pairs, self.method, self.rows)],
            tables=self._tables(matrix, shorts),
            rows=most_rows(matrix),
            notes=notes,
        )

    def _findings(self, pairs: list[Pair], shorts: list[str]) -> list[str]:
        if not pairs:
            return ["No correlation is defined: there are too few rows, or columns are constant."]
        strongest = self._strongest(pairs, shorts)
        if self.with_column is None or len(self.columns) == 2:
            return [strongest]
        return [self._with_it(pairs, shorts), strongest]

    def _strongest(self, pairs: list[Pair], shorts: list[str]) -> str:
        name, r = METHODS[self.method], pairs[0].r
        if len(self.columns) == 2:
            return f"{name} of {shorts[0]} and {shorts[1]} is {coefficient(r)}."
        if alike(r, 0):
            return f"{name} is 0 for every pair for which it is defined."
        strongest = [pair for pair in pairs if alike(pair.r, r)]
        if len(strongest) == 1:
            first, second = shorts[pairs[0].i], shorts[pairs[0].j]
            return f"The strongest pair is {first} and {second}: {name} = {coefficient(r)}."
        said = [f"{shorts[p.i]} with {shorts[p.j]} ({coefficient(p.r)})" for p in strongest]
        return f"The strongest pairs by {name} are {listed(said)}."

    def _with_it(self, pairs: list[Pair], shorts: list[str]) -> str:
        """Say what correlates with the chosen column."""
        assert self.with_column is not None  # noqa: S101
        name, title = METHODS[self.method], self.with_column.title
        chosen = [column.name for column in self.columns].index(self.with_column.name)
        with_it = {pair.i + pair.j - chosen: pair.r for pair in pairs if chosen in (pair.i, pair.j)}
        if not with_it:
            return f"No correlation with {title} is defined."
        left = [s for k, s in enumerate(shorts) if k != chosen and k not in with_it]
        undefined = f" With {listed(left)} it is not defined." if left else ""
        limit = number(self.limit)
        above = [
            f"{shorts[k]} ({coefficient(r, self.limit)})"
            for k, r in with_it.items()
            if abs(r) > self.limit
        ]
        if above:
            return f"{title} correlates above {limit}, by absolute value, with {listed(above)}." + (
                undefined
            )
        k, r = next(iter(with_it.items()))
        return (
            f"Nothing correlates with {title} above {limit}, by absolute value; the largest "
            f"{name} is {coefficient(r, self.limit)}, with {shorts[k]}.{undefined}"
        )

    def _metrics(self, matrix: CorrelationMatrix, pairs: list[Pair]) -> dict[str, Metric]:
        metrics = {
            "strongest": Metric(
                pairs[0].r if pairs else float("nan"), "strongest coefficient", digits=3
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
            key = f"r_{names[i]}_{names[j]}"
            if key in metrics:  # columns a, b_c and a_b, c
                key = f"r_{names[i]}__{names[j]}"
            metrics[key] = Metric(
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

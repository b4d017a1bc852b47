"""How the values of one or more columns are distributed: histograms, sorted curves, cuts."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from reportgen.analyses.base import Analysis, no_repeats
from reportgen.analyses.distribution_views import CurveView, Drawn, HistogramView
from reportgen.analyses.results import Metric, Section, Table, TableColumn
from reportgen.analyses.words import (
    counted,
    digits_among,
    interval,
    no_values,
    short_titles,
    together,
)
from reportgen.config.columns import Column
from reportgen.config.expressions import both, compare
from reportgen.config.types import ColumnRef, Fraction, Real
from reportgen.numbers import count, listed, number, percent
from reportgen.reduce.base import Statistic
from reportgen.reduce.counts import Count as CountValues
from reportgen.reduce.counts import CountBelow, Counts
from reportgen.reduce.histograms import HistogramCounts
from reportgen.reduce.moments import MeanStd
from reportgen.reduce.quantiles import Quantiles, SortedCurve

# What is said of every column beside the quantiles that the section lists.
SAID = (0.0, 0.5, 1.0)


class Distribution(Analysis, name="distribution"):
    """Histograms over one or more ranges, sorted-value curves, and what cuts would lose."""

    columns: tuple[ColumnRef, ...] = Field(min_length=1)
    """Columns to show together; they should share a unit."""
    histograms: tuple[HistogramView, ...] = (HistogramView(),)
    """The histograms, one figure each."""
    curves: tuple[CurveView, ...] = ()
    """The figures of sorted values."""
    cuts: tuple[Real, ...] = ()
    """Values below which objects are counted."""
    quantiles: tuple[Fraction, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)
    """Quantiles to list, as fractions."""

    _once = field_validator("columns", "cuts", "quantiles")(no_repeats)

    def reductions(self) -> Mapping[str, Statistic[Any]]:
        """Ask for each histogram, curve, cut and quantile of each column."""
        names = [column.name for column in self.columns]
        result: dict[str, Statistic[Any]] = {}
        for name in names:
            result[f"{name}.count"] = CountValues(name, self.where)
            result[f"{name}.moments"] = MeanStd(name, self.where)
            result[f"{name}.quantiles"] = Quantiles(name, (*self.quantiles, *SAID), self.where)
            if self.cuts:
                result[f"{name}.cuts"] = CountBelow(name, self.cuts, self.where)
            if self._any_log():
                not_above_zero = both(self.where, compare(name, "<=", 0))
                result[f"{name}.not_above_zero"] = CountValues(name, not_above_zero)
            for i, view in enumerate(self.histograms):
                result[f"{name}.histogram{i}"] = view.reduction(name, names, self.where)
            for i, curve in enumerate(self.curves):
                result[f"{name}.curve{i}"] = SortedCurve(
                    name, curve.points, curve.below, self.where
                )
        return result

    def _any_log(self) -> bool:
        histograms = any(view.log or view.log_axis for view in self.histograms)
        return histograms or any(view.log for view in self.curves)

    def present(self, **values: Any) -> Section:
        """Draw the histograms and curves and list quantiles and cuts."""
        counts: dict[str, Counts] = {c.name: values[f"{c.name}.count"] for c in self.columns}
        valid = [c for c in self.columns if counts[c.name].valid]
        rows = max(n.rows for n in counts.values())
        if not valid:
            raise no_values(self.columns, rows, self.where)
        not_above_zero = (
            {c.name: values[f"{c.name}.not_above_zero"].valid for c in valid}
            if self._any_log()
            else {}
        )
        drawn = Drawn(self.columns, valid, not_above_zero, {c.name: self._limits(c) for c in valid})
        figures = [
            view.figure(i + 1, drawn, {c.name: values[f"{c.name}.histogram{i}"] for c in valid})
            for i, view in enumerate(self.histograms)
        ]
        figures += [
            view.figure(i + 1, drawn, {c.name: values[f"{c.name}.curve{i}"] for c in valid})
            for i, view in enumerate(self.curves)
        ]
        return Section(
            findings=self._findings(valid, values),
            metrics=self._metrics(values),
            figures=figures,
            tables=[self._quantile_table(values), *self._cut_tables(values)],
            rows=rows,
            notes=self._notes(counts, values),
        )

    def _limits(self, column: Column) -> list[float]:
        """Give the limits that checks set for where the middle of a column is."""
        wanted = {f"{column.name}_median", f"{column.name}_mean"}
        checks = [check for check in self.checks if check.metric in wanted]
        ends = [end for check in checks for end in (check.min, check.max, check.equals)]
        return sorted({end for end in ends if end is not None})

    def _notes(self, counts: Mapping[str, Counts], values: Mapping[str, Any]) -> list[str]:
        notes = []
        if empty := [c.title for c in self.columns if not counts[c.name].valid]:
            notes.append(f"Without a valid value, so not drawn: {listed(empty)}.")
        if infinite := {c.title: counts[c.name].infinite for c in self.columns}:
            said = listed([f"{title} {count(n)}" for title, n in infinite.items() if n])
            notes += [f"Infinite values, left out of everything here: {said}."] if said else []
        if error := max(values[f"{c.name}.quantiles"].error for c in self.columns):
            notes.append(
                f"Quantiles and curves are approximate (to {number(error)} of the value): the "
                "catalogue has more rows than its exact_rows."
            )
        return notes

    def _quantile_table(self, values: Mapping[str, Any]) -> Table:
        found = [values[f"{c.name}.quantiles"] for c in self.columns]
        of, shared = TableColumn.of, together(self.columns)
        digits = digits_among(
            min(q.values[-3] for q in found if q.n), max(q.values[-1] for q in found if q.n)
        )
        return Table(
            "quantiles",
            "Quantiles",
            [
                of("column", [c.title for c in self.columns]),
                *self._units(self.columns),
                of("n", [q.n for q in found], description="valid values"),
                *(
                    of(
                        f"{100 * fraction:.12g} %",
                        [q.values[k] for q in found],
                        shared.unit,
                        digits=digits,
                    )
                    for k, fraction in enumerate(self.quantiles)
                ),
            ],
        )

    def _units(self, columns: list[Column] | tuple[Column, ...]) -> list[TableColumn]:
        """Give a column of units for a table whose rows have different ones."""
        if len({c.unit for c in self.columns}) == 1:
            return []
        return [TableColumn.of("unit", [c.symbol or "–" for c in columns])]

    def _cut_tables(self, values: Mapping[str, Any]) -> list[Table]:
        if not self.cuts:
            return []
        of = TableColumn.of
        rows = [(c, k, values[f"{c.name}.count"].valid) for c in self.columns for k in self._places]
        below = [int(values[f"{c.name}.cuts"][k]) for c, k, _ in rows]
        totals = [total for *_, total in rows]
        lost = [total - kept for total, kept in zip(totals, below, strict=True)]
        shares = [100 * n / t if t else float("nan") for n, t in zip(lost, totals, strict=True)]
        columns = [
            of("column", [c.title for c, *_ in rows]),
            *self._units([c for c, *_ in rows]),
            of("cut", [self.cuts[k] for _, k, _ in rows], together(self.columns).unit),
            of("total", totals, description="valid values"),
            of("below", below, description="strictly below the cut"),
            of("lost", lost),
            of("lost fraction", shares, "%", digits=2),
        ]
        return [Table("cuts", "What a cut would keep and lose", columns)]

    @property
    def _places(self) -> range:
        return range(len(self.cuts))

    def _metrics(self, values: Mapping[str, Any]) -> dict[str, Metric]:
        labels = short_titles(self.columns)
        single = len(self.columns) == 1
        metrics: dict[str, Metric] = {}
        for c in self.columns:
            n, moments = values[f"{c.name}.count"].valid, values[f"{c.name}.moments"]
            prefix = "" if single else f"{labels[c.name]} "
            low, median, high = (float(v) for v in values[f"{c.name}.quantiles"].values[-3:])
            digits = digits_among(low, high)
            metrics[f"{c.name}_n"] = Metric(n, f"{prefix}valid", digits=0, shown=single)
            metrics[f"{c.name}_median"] = Metric(median, f"{prefix}median", c.unit, digits)
            metrics[f"{c.name}_mean"] = Metric(
                moments.mean, f"{prefix}mean", c.unit, digits, shown=single
            )
            metrics[f"{c.name}_std"] = Metric(
                moments.std, f"{prefix}standard deviation", c.unit, shown=False
            )
            for k, cut in enumerate(self.cuts):
                metrics[f"{c.name}_below_{_in_name(cut)}"] = Metric(
                    int(values[f"{c.name}.cuts"][k]),
                    f"{prefix}below {c.quantity(number(cut))}",
                    digits=0,
                    shown=c is self.columns[0],
                )
        return metrics

    def _findings(self, valid: list[Column], values: Mapping[str, Any]) -> list[str]:
        findings = []
        if self.cuts:
            first = valid[0]
            n = values[f"{first.name}.count"].valid
            kept = [
                f"{count(below)} below {first.quantity(number(cut))} ({percent(below / n)})"
                for cut, below in zip(self.cuts, values[f"{first.name}.cuts"].tolist(), strict=True)
            ]
            findings.append(f"{first.title}: of {counted(n, 'object')}, {listed(kept)}.")
        if len(self.columns) == 1:
            return [*findings, self._middle(values)]
        labels, shared = short_titles(self.columns), together(self.columns)
        medians = []
        for c in valid:
            median = number(float(values[f"{c.name}.quantiles"].values[-2]))
            said = median if shared.symbol else c.quantity(median)
            medians.append(f"{labels[c.name]} {said}")
        unit = f" in {shared.symbol}" if shared.symbol else ""
        return [*findings, f"Medians{unit}: {listed(medians)}."]

    def _middle(self, values: Mapping[str, Any]) -> str:
        """Say where the values of the only column lie."""
        column = self.columns[0]
        n = values[f"{column.name}.count"].valid
        low, median, high = (float(v) for v in values[f"{column.name}.quantiles"].values[-3:])
        said = column.quantity(number(median, digits_among(low, high)))
        if low == high:
            return f"The only value is {said}." if n == 1 else f"All {count(n)} values are {said}."
        found: HistogramCounts | None = values.get(f"{column.name}.histogram0")
        if found is None or not found.n:
            return f"The median of {count(n)} values is {said}."
        most = int(found.counts.max())
        share = f"{count(most)} of them ({percent(most / n)})"
        if (found.counts == most).sum() > 1:
            return f"The median of {count(n)} values is {said}; no bin holds more than {share}."
        peak = interval(found.peak[0], found.peak[1], column, "to")
        return f"The median of {count(n)} values is {said}; the fullest bin, {peak}, holds {share}."


def _in_name(cut: float) -> str:
    text = f"{cut:g}" if float(f"{cut:g}") == cut else repr(cut)
    return text.replace("-", "minus_").replace(".", "_").replace("+", "")

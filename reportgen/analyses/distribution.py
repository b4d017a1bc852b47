"""How the values of one or more columns are distributed: histograms, sorted curves, cuts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field, field_validator

from reportgen.analyses.base import Analysis, Statistics, no_repeats
from reportgen.analyses.distribution_figures import ColumnValues, CurveView, HistogramView
from reportgen.analyses.grouping import (
    Grouping,
    GroupsShown,
    show_groups,
    small_multiples,
    with_groups,
)
from reportgen.analyses.methods import QUANTILES, SCATTER
from reportgen.analyses.phrases import (
    approximate,
    between_edges,
    digits_among,
    no_values,
    note_integers,
    note_rows,
    short_titles,
    together,
)
from reportgen.analyses.plotting.axes import Line
from reportgen.analyses.results import Metric, Section, Table, TableColumn
from reportgen.config.columns import Column
from reportgen.config.expressions import both, compare
from reportgen.config.types import ColumnRef, Fraction, Real
from reportgen.reduce.base import Statistic
from reportgen.reduce.by_group import OfGroups, median_and_scatter
from reportgen.reduce.counts import CountBelow, CountValues, Range
from reportgen.reduce.histograms import HistogramCounts
from reportgen.reduce.moments import MeanStd
from reportgen.reduce.quantiles import Quantiles, SortedCurve
from reportgen.wording import count, exact, listed, number, percent, significant


class Distribution(Analysis, Grouping, name="distribution"):
    """Histograms over one or more ranges, sorted-value curves, and what cuts would lose."""

    columns: tuple[ColumnRef, ...] = Field(min_length=1)
    """Columns to show together; they share a unit."""
    histograms: tuple[HistogramView, ...] = (HistogramView(),)
    """The histograms, one figure each."""
    curves: tuple[CurveView, ...] = ()
    """The figures of sorted values."""
    cuts: tuple[Real, ...] = ()
    """Values below which objects are counted."""
    quantiles: tuple[Fraction, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)
    """Quantiles to list, as fractions."""

    _once = field_validator("columns", "cuts", "quantiles")(no_repeats)

    @field_validator("columns")
    @classmethod
    def _of_one_unit(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        first, *others = columns
        for other in others:
            if other.unit != first.unit:
                one, another = (f"{c.name} is in {c.unit or 'no unit'}" for c in (first, other))
                raise ValueError(
                    f"{one} and {another}: one axis cannot show both, "
                    "give each unit a section of its own"
                )
        return columns

    @property
    def methods(self) -> tuple[str, ...]:
        """What it computes, and what to cite."""
        return (QUANTILES,) if self.by is None else (QUANTILES, SCATTER)

    def reductions(self) -> Statistics:
        """Ask for each histogram, curve, cut and quantile of each column."""
        names = [column.name for column in self.columns]
        result: dict[str, Statistic[Any]] = {}
        for column in self.columns:
            name = column.name
            result[f"{name}.count"] = CountValues(name, self.where)
            result[f"{name}.range"] = Range(name, self.where)
            result[f"{name}.moments"] = MeanStd(name, self.where)
            result[f"{name}.quantiles"] = Quantiles(name, (*self.quantiles, 0.5), self.where)
            if self.cuts:
                result[f"{name}.cuts"] = CountBelow(name, self.cuts, self.where)
            if any(view.is_log for view in self.histograms) or any(v.log for v in self.curves):
                not_above_zero = both(self.where, compare(name, "<=", 0))
                result[f"{name}.not_above_zero"] = CountValues(name, not_above_zero)
            if self.by is not None:
                middle = median_and_scatter(name, self.where)
                result[f"{name}.groups"] = OfGroups(self.by.name, middle)
                if self.histograms:
                    first = self.histograms[0].reduction(column, names, self.where)
                    result[f"{name}.histograms"] = OfGroups(self.by.name, first)
            for i, view in enumerate(self.histograms):
                result[f"{name}.histogram{i}"] = view.reduction(column, names, self.where)
            for i, curve in enumerate(self.curves):
                result[f"{name}.curve{i}"] = SortedCurve(
                    name, curve.points, curve.below, self.where
                )
        return result

    def present(self, **values: Any) -> Section:
        """Draw the histograms and curves and list quantiles and cuts."""
        every = self._by_column(values)
        valid = [each for each in every if each.count.valid]
        rows = max(each.count.rows for each in every)
        if not valid:
            raise no_values(self.columns, rows, self.where)
        shared = together(self.columns)
        section = Section(
            findings=self._findings(valid, shared),
            metrics=self._metrics(every),
            figures=[
                *(view.figure(i, shared, valid) for i, view in enumerate(self.histograms)),
                *(view.figure(i, shared, valid) for i, view in enumerate(self.curves)),
            ],
            tables=[
                self._quantile_table(every, shared),
                *([self._cut_table(every, shared)] if self.cuts else []),
            ],
            rows=rows,
            notes=_notes(every),
        )
        if self.by is None:
            return section
        return with_groups(
            section, [shown for each in every for shown in self._groups(each, values)]
        )

    def _groups(self, each: ColumnValues, values: Mapping[str, Any]) -> list[GroupsShown]:
        name = each.column.name
        median = replace(each.column, name=f"{name}_median")
        shown = [show_groups(self, values[f"{name}.groups"], median)]
        if not self.histograms:
            return shown
        first, of_groups = self.histograms[0], values[f"{name}.histograms"].values
        panels = {
            group: [_in_percent(each, found)] for group, found in of_groups.items() if found.n
        }
        y = Column(f"{name}_histogram", f"{each.column.title}, objects of each", "%")
        log = (first.is_log, False)
        whole = [_in_percent(each, each.histograms[0])]
        return shown + small_multiples(self, panels, (each.column, y), whole, log=log)

    def _by_column(self, values: Mapping[str, Any]) -> list[ColumnValues]:
        labels = short_titles(self.columns)
        return [
            ColumnValues(
                column=column,
                label=labels[name],
                order=column.order,
                limits=self.check_limits(f"{name}_median", f"{name}_mean", unit=column.unit),
                count=values[f"{name}.count"],
                ends=values[f"{name}.range"],
                moments=values[f"{name}.moments"],
                quantiles=values[f"{name}.quantiles"],
                not_above_zero=getattr(values.get(f"{name}.not_above_zero"), "valid", 0),
                cuts=[int(n) for n in values.get(f"{name}.cuts", ())],
                histograms=[values[f"{name}.histogram{i}"] for i in range(len(self.histograms))],
                curves=[values[f"{name}.curve{i}"] for i in range(len(self.curves))],
            )
            for column, name in ((column, column.name) for column in self.columns)
        ]

    def _quantile_table(self, every: Sequence[ColumnValues], shared: Column) -> Table:
        of, found = TableColumn.of, [each.quantiles.values for each in every]
        ranges = [each.range for each in every if each.count.valid]
        digits = digits_among(min(low for low, *_ in ranges), max(high for *_, high in ranges))
        quantiles = [
            of(
                f"{significant(100 * fraction, 12)} %",
                [q[k] for q in found],
                shared.unit,
                digits=digits,
            )
            for k, fraction in enumerate(self.quantiles)
        ]
        n = of("n", [each.count.valid for each in every], description="valid values")
        return Table("quantiles", "Quantiles", [_titles(every), n, *quantiles])

    def _cut_table(self, every: Sequence[ColumnValues], shared: Column) -> Table:
        of, rows = TableColumn.of, [each for each in every for _ in self.cuts]
        totals = [each.count.valid for each in rows]
        below = [n for each in every for n in each.cuts]
        lost = [total - n for total, n in zip(totals, below, strict=True)]
        shares = [100 * n / t if t else float("nan") for n, t in zip(lost, totals, strict=True)]
        columns = [
            _titles(rows),
            of("cut", self.cuts * len(every), shared.unit),
            of("total", totals, description="valid values"),
            of("below", below, description="strictly below the cut"),
            of("lost", lost),
            of("lost fraction", shares, "%", digits=2),
        ]
        return Table("cuts", "What a cut would keep and lose", columns)

    def _metrics(self, every: Sequence[ColumnValues]) -> dict[str, Metric]:
        single = len(every) == 1
        metrics: dict[str, Metric] = {}
        for each in every:
            name, unit = each.column.name, each.column.unit
            prefix = "" if single else f"{each.label} "
            low, median, high = each.range
            mean, std, digits = each.moments.mean, each.moments.std, digits_among(low, high)
            metrics |= {
                f"{name}_n": Metric(each.count.valid, f"{prefix}valid", digits=0, shown=single),
                f"{name}_median": Metric(median, f"{prefix}median", unit, digits),
                f"{name}_mean": Metric(mean, f"{prefix}mean", unit, digits, shown=single),
                f"{name}_std": Metric(std, f"{prefix}standard deviation", unit, shown=False),
            }
            for cut, below in zip(self.cuts, each.cuts, strict=True):
                label = f"{prefix}below {each.column.quantity(exact(cut))}"
                metrics[f"{name}_below_{_in_name(cut)}"] = Metric(
                    below, label, digits=0, shown=each is every[0]
                )
        return metrics

    def _findings(self, valid: Sequence[ColumnValues], shared: Column) -> list[str]:
        findings = []
        for place, cut in enumerate(self.cuts):
            shares = [
                f"{percent(each.cuts[place] / each.count.valid)} at {each.label}"
                if len(self.columns) > 1
                else f"{percent(each.cuts[place] / each.count.valid)}"
                for each in valid
            ]
            below = shared.quantity(exact(cut))
            findings.append(f"Of the objects, {listed(shares, 8)} are below {below}.")
        if len(self.columns) == 1:
            return [*findings, _middle(valid[0])]
        medians = []
        for each in valid:
            low, value, high = each.range
            medians.append(f"{each.label} {number(value, digits_among(low, high))}")
        unit = f" in {shared.symbol}" if shared.symbol else ""
        return [*findings, f"Medians{unit}: {listed(medians)}."]


def _in_percent(each: ColumnValues, found: HistogramCounts) -> Line:
    return Line(each.label, each.order, found.edges, 100 * found.counts / max(found.n, 1))


def _titles(rows: Sequence[ColumnValues]) -> TableColumn:
    return TableColumn.of("column", [each.column.title for each in rows])


def _middle(each: ColumnValues) -> str:
    """Say where the values of the only column lie."""
    n, (low, median, high) = each.count.valid, each.range
    # The median of equal integers may be rounded.
    middle = low if low == high else median
    said = each.column.quantity(number(middle, digits_among(low, high)))
    if low == high:
        return f"The only value is {said}." if n == 1 else f"All {count(n)} values are {said}."
    said = f"{each.column.title}: median {said}"
    if each.is_rounded or not (each.histograms and each.histograms[0].n):
        return f"{said}."
    first, last, most = each.histograms[0].peak
    share = percent(most / n)
    if (each.histograms[0].counts == most).sum() > 1:
        return f"{said}; no bin holds more than {share} of the objects."
    if first == last:
        return f"{said}; {share} of the objects have {each.column.quantity(number(first))}."
    edges = between_edges(first, last, each.column)
    return f"{said}; {share} of the objects lie between {edges}."


def _notes(every: Sequence[ColumnValues]) -> list[str]:
    notes = note_integers((each.column, each.ends) for each in every)
    if empty := [each.column.title for each in every if not each.count.valid]:
        notes.append(f"Without a valid value, so not drawn: {listed(empty)}.")
    infinite = [(each.column.title, each.count.infinite) for each in every if each.count.infinite]
    if said := listed([f"{title} {count(n)}" for title, n in infinite]):
        notes.append(f"Infinite values, left out of everything here: {said}.")
    if error := max(each.quantiles.error for each in every):
        notes.append(note_rows(f"Quantiles and curves are {approximate(error)}"))
    return notes


def _in_name(cut: float) -> str:
    text = f"{cut:g}" if float(f"{cut:g}") == cut else repr(cut)
    return text.replace("-", "minus_").replace(".", "_").replace("+", "")

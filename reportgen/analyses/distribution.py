"""How the values of one or more columns are distributed: histograms, sorted curves, cuts."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from reportgen.analyses.base import Analysis
from reportgen.analyses.drawing import Line, common_axis, curves, outlines, short_titles
from reportgen.config.columns import Column
from reportgen.config.schema import Block, ColumnRef, Count, Fraction, Real
from reportgen.errors import SectionError
from reportgen.numbers import count, listed, number, percent
from reportgen.reduce.base import Reduction
from reportgen.reduce.counts import Count as CountValues
from reportgen.reduce.counts import CountBelow
from reportgen.reduce.histograms import Histogram, HistogramCounts
from reportgen.reduce.moments import MeanStd
from reportgen.reduce.quantiles import Curve, Quantiles, SortedCurve
from reportgen.results import Figure, Metric, Section, Table, TableColumn

Points = Annotated[int, Field(strict=True, ge=2, le=20_000)]


class HistogramView(Block):
    """One histogram of the section."""

    bins: Count = 50
    """Number of equal bins."""
    above: Real | None = None
    """First edge; the smallest value when not given."""
    below: Real | None = None
    """Last edge, itself left out; the largest value when not given."""
    log: bool = False
    """Logarithmic axis and bins equal in the logarithm."""
    log_axis: bool = False
    """Logarithmic axis with bins equal in the value."""
    log_counts: bool = False
    """Logarithmic count axis."""

    @model_validator(mode="after")
    def _in_order(self) -> "HistogramView":
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(f"above ({self.above:g}) must be less than below ({self.below:g})")
        ends = [end for end in (self.above, self.below) if end is not None]
        if (self.log or self.log_axis) and any(end <= 0 for end in ends):
            raise ValueError("a logarithmic histogram needs above and below larger than 0")
        if self.log and self.log_axis:
            raise ValueError("log already makes the axis logarithmic; leave out log_axis")
        return self

    def histogram(self, column: str, columns: Sequence[str], where: Any) -> Histogram:
        """Give the reduction for one of the columns that share the bins."""
        limits = (self.above, self.below)
        return Histogram(
            column, self.bins, limits, self.log, tuple(columns), half_open=True, where=where
        )


class CurveView(Block):
    """One figure of sorted values."""

    below: Real | None = None
    """Leave out values from here on."""
    log: bool = False
    """Logarithmic value axis."""
    points: Points = 1000
    """Number of points drawn; the curve is thinned evenly in rank."""


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

    def reductions(self) -> Mapping[str, Reduction[Any, Any]]:
        """Ask for each histogram, curve, cut and quantile of each column."""
        names = [column.name for column in self.columns]
        result: dict[str, Reduction[Any, Any]] = {}
        for name in names:
            result[f"{name}.count"] = CountValues(name, self.where)
            result[f"{name}.moments"] = MeanStd(name, self.where)
            result[f"{name}.quantiles"] = Quantiles(name, (*self.quantiles, 0.5), self.where)
            if self.cuts:
                result[f"{name}.cuts"] = CountBelow(name, self.cuts, self.where)
            for i, view in enumerate(self.histograms):
                result[f"{name}.histogram{i}"] = view.histogram(name, names, self.where)
            for i, curve in enumerate(self.curves):
                result[f"{name}.curve{i}"] = SortedCurve(
                    name, curve.points, curve.below, self.where
                )
        return result

    def present(self, **values: Any) -> Section:
        """Draw the histograms and curves and list quantiles and cuts."""
        counts = {c.name: values[f"{c.name}.count"] for c in self.columns}
        if not any(n.valid for n in counts.values()):
            rows = max(n.rows for n in counts.values())
            raise SectionError(
                f"no valid value in {listed([c.name for c in self.columns])} "
                f"({count(rows)} rows were read)",
                "look at the missing-value marks, at where:, and at the source",
            )
        empty = [c.title for c in self.columns if not counts[c.name].valid]
        error = max(values[f"{c.name}.quantiles"].error for c in self.columns)
        notes = [f"Without a valid value, so not drawn: {listed(empty)}."] if empty else []
        if error:
            notes.append(
                f"Quantiles and curves are approximate (to {error:.1g} of the value): the column "
                "does not fit the catalogue's memory budget."
            )
        figures = [self._histogram(i, values) for i in range(len(self.histograms))]
        figures += [self._curve(i, values) for i in range(len(self.curves))]
        tables = [self._quantile_table(values)]
        if self.cuts:
            tables.append(self._cut_table(values))
        return Section(
            findings=self._findings(values),
            metrics=self._metrics(values),
            figures=figures,
            tables=tables,
            rows=max(n.rows for n in counts.values()),
            notes=notes,
        )

    def _labels(self) -> dict[str, str]:
        return short_titles(self.columns)

    def _drawn(self, values: Mapping[str, Any]) -> list[Column]:
        return [c for c in self.columns if values[f"{c.name}.count"].valid]

    def _histogram(self, i: int, values: Mapping[str, Any]) -> Figure:
        view, labels = self.histograms[i], self._labels()
        drawn = self._drawn(values)
        found: dict[str, HistogramCounts] = {
            c.name: values[f"{c.name}.histogram{i}"] for c in drawn
        }
        edges = next(iter(found.values())).edges
        lines = [
            Line(labels[c.name], c.order, edges, found[c.name].counts.astype(float)) for c in drawn
        ]
        axis = common_axis(self.columns)
        drawing = outlines(
            lines,
            edges,
            axis,
            "Objects per bin",
            log=view.log or view.log_axis,
            log_counts=view.log_counts,
        )
        outside = {labels[name]: h.below + h.above for name, h in found.items()}
        unit = self.columns[0]
        spans = f"{number(float(edges[0]))} to {unit.quantity(number(float(edges[-1])))}"
        table = Table(
            f"histogram_{i + 1}",
            f"Histogram, {spans}",
            [
                TableColumn.of("bin_low", edges[:-1], unit.unit),
                TableColumn.of("bin_high", edges[1:], unit.unit),
                *(TableColumn.of(f"n_{c.name}", found[c.name].counts) for c in drawn),
            ],
            shown=False,
        )
        return Figure(
            f"histogram_{i + 1}",
            drawing,
            f"Histogram, {spans}",
            alt=f"Histogram in {view.bins} {'logarithmic ' if view.log else ''}bins from {spans}. "
            + " ".join(_peak(labels[c.name], c, found[c.name]) for c in drawn),
            caption=_histogram_caption(view, outside),
            data=table,
        )

    def _curve(self, i: int, values: Mapping[str, Any]) -> Figure:
        view, labels = self.curves[i], self._labels()
        found: dict[str, Curve] = {
            c.name: values[f"{c.name}.curve{i}"]
            for c in self._drawn(values)
            if values[f"{c.name}.curve{i}"].n
        }
        drawn = [c for c in self.columns if c.name in found]
        lines = [
            Line(labels[c.name], c.order, found[c.name].rank + 1.0, found[c.name].value)
            for c in drawn
        ]
        axis = common_axis(self.columns)
        drawing = curves(lines, "Objects in order of value", axis, log=view.log)
        unit = self.columns[0]
        cut = "" if view.below is None else f" below {unit.quantity(number(view.below))}"
        hidden = sum(int((line.y <= 0).sum()) for line in lines) if view.log else 0
        not_drawn = " Values of 0 and less are not on the logarithmic axis." if hidden else ""
        table = Table(
            f"sorted_{i + 1}",
            f"Sorted values{cut}",
            [
                TableColumn.of(
                    "column", np.repeat(list(found), [len(c.rank) for c in found.values()])
                ),
                TableColumn.of("rank", _joined([c.rank + 1 for c in found.values()])),
                TableColumn.of("value", _joined([c.value for c in found.values()]), unit.unit),
            ],
            shown=False,
        )
        said = " ".join(_course(labels[c.name], c, found[c.name]) for c in drawn)
        return Figure(
            f"sorted_{i + 1}",
            drawing,
            f"Sorted values{cut}",
            alt=f"Values{cut} in rising order against their rank. {said}",
            caption=f"Valid values{cut} in rising order; the flatter the curve, the more objects "
            f"share a value.{not_drawn}",
            data=table,
        )

    def _quantile_table(self, values: Mapping[str, Any]) -> Table:
        found = [values[f"{c.name}.quantiles"] for c in self.columns]
        unit = self.columns[0].unit if len({c.unit for c in self.columns}) == 1 else ""
        return Table(
            "quantiles",
            "Quantiles",
            [
                TableColumn.of("column", [c.title for c in self.columns]),
                TableColumn.of("n", [q.n for q in found], description="valid values"),
                *(
                    TableColumn.of(f"{100 * fraction:g} %", [q.values[k] for q in found], unit)
                    for k, fraction in enumerate(self.quantiles)
                ),
            ],
        )

    def _cut_table(self, values: Mapping[str, Any]) -> Table:
        of = TableColumn.of
        rows = [
            (c, cut, values[f"{c.name}.count"].valid, int(values[f"{c.name}.cuts"][k]))
            for c in self.columns
            for k, cut in enumerate(self.cuts)
        ]
        unit = self.columns[0].unit
        return Table(
            "cuts",
            "What a cut would keep and lose",
            [
                of("column", [c.title for c, *_ in rows]),
                of("cut", [cut for _, cut, *_ in rows], unit),
                of("total", [total for *_, total, _ in rows], description="valid values"),
                of("below", [below for *_, below in rows], description="strictly below the cut"),
                of("lost", [total - below for *_, total, below in rows]),
                of(
                    "lost fraction",
                    [100 * (t - b) / t if t else np.nan for *_, t, b in rows],
                    "%",
                    digits=2,
                ),
            ],
        )

    def _metrics(self, values: Mapping[str, Any]) -> dict[str, Metric]:
        labels = self._labels()
        single = len(self.columns) == 1
        metrics: dict[str, Metric] = {}
        for c in self.columns:
            n, moments = values[f"{c.name}.count"].valid, values[f"{c.name}.moments"]
            prefix = "" if single else f"{labels[c.name]} "
            median = float(values[f"{c.name}.quantiles"].values[-1])
            metrics[f"{c.name}_n"] = Metric(n, f"{prefix}valid", digits=0, shown=single)
            metrics[f"{c.name}_median"] = Metric(median, f"{prefix}median", c.unit)
            metrics[f"{c.name}_mean"] = Metric(moments.mean, f"{prefix}mean", c.unit, shown=single)
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

    def _findings(self, values: Mapping[str, Any]) -> list[str]:
        labels = self._labels()
        first = self._drawn(values)[0]
        n = values[f"{first.name}.count"].valid
        findings = []
        if self.cuts:
            kept = [
                f"{count(int(values[f'{first.name}.cuts'][k]))} below "
                f"{first.quantity(number(cut))} "
                f"({percent(int(values[f'{first.name}.cuts'][k]) / n)})"
                for k, cut in enumerate(self.cuts)
            ]
            findings.append(f"{first.title}: of {count(n)} objects, {listed(kept)}.")
        if len(self.columns) == 1:
            found: HistogramCounts | None = values.get(f"{first.name}.histogram0")
            median = first.quantity(number(float(values[f"{first.name}.quantiles"].values[-1])))
            if found is not None and found.n:
                low, high, most = found.peak
                findings.append(
                    f"The median of {count(n)} values is {median}; the fullest bin, "
                    f"{number(low)}–{number(high)}, holds {count(most)} of them "
                    f"({percent(most / n)})."
                )
            else:
                findings.append(f"The median of {count(n)} values is {median}.")
        else:
            medians = [
                f"{labels[c.name]} {number(float(values[f'{c.name}.quantiles'].values[-1]))}"
                for c in self._drawn(values)
            ]
            symbol = first.symbol
            findings.append(f"Medians{f' in {symbol}' if symbol else ''}: {listed(medians)}.")
        return findings


def _joined(parts: Sequence[Any]) -> Any:
    return np.concatenate(parts) if parts else np.empty(0)


def _in_name(cut: float) -> str:
    return f"{cut:g}".replace("-", "minus_").replace(".", "_").replace("+", "")


def _course(label: str, column: Column, curve: Curve) -> str:
    """Say in words how a curve runs."""
    middle = float(np.interp((curve.n - 1) / 2, curve.rank, curve.value))
    return (
        f"{label}: {count(curve.n)} values from {number(float(curve.value[0]))} to "
        f"{column.quantity(number(float(curve.value[-1])))}, half of them below {number(middle)}."
    )


def _peak(label: str, column: Column, histogram: HistogramCounts) -> str:
    if not histogram.n:
        return f"{label}: no values here."
    low, high, most = histogram.peak
    return (
        f"{label}: {count(histogram.n)} values, most ({count(most)}) between {number(low)} and "
        f"{column.quantity(number(high))}."
    )


def _histogram_caption(view: HistogramView, outside: Mapping[str, int]) -> str:
    beyond = {label: n for label, n in outside.items() if n}
    kind = f"{view.bins} {'logarithmic ' if view.log else ''}bins"
    if not beyond:
        return f"Objects in {kind}; every valid value is inside."
    said = listed([f"{label} {count(n)}" for label, n in beyond.items()])
    return f"Objects in {kind}. Valid values outside the range: {said}."

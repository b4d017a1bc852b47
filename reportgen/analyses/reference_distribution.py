"""A distribution against one that is expected, such as the redshifts of a class of targets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import model_validator

from reportgen.analyses.base import Analysis, Statistics
from reportgen.analyses.grouping import MOST_DRAWN, Grouping
from reportgen.analyses.matching import OtherCatalogueBlock
from reportgen.analyses.methods import IN_BINS, STABILITY
from reportgen.analyses.phrases import file_ids, interval
from reportgen.analyses.plotting.axes import key_above, new_figure
from reportgen.analyses.plotting.ticks import padded, set_linear
from reportgen.analyses.results import (
    Drawing,
    Figure,
    Metric,
    Section,
    Table,
    TableColumn,
    edge_columns,
)
from reportgen.config.columns import Column
from reportgen.config.types import AnyColumnRef, CatalogueName, ColumnRef, Count, Selection
from reportgen.reduce.base import OfCatalogue, Statistic, Values
from reportgen.reduce.binned_counts import BinCounts, CountsInBinsOf
from reportgen.reduce.by_group import ByGroup, Group, OfGroups, as_group
from reportgen.reduce.counts import CountRows
from reportgen.reduce.match import RowsOf
from reportgen.style import MUTED, series_colour
from reportgen.wording import count, counted, listed, number, percent

FEWEST = 5  # values that a bin holds, or should hold, to count
MOST_TOLD = 5
LEAST_SHARE = 1e-4  # of an empty bin, in the population stability index


class ReferenceBlock(OtherCatalogueBlock):
    """The distribution that is expected: a catalogue with a row for each bin."""

    catalogue: CatalogueName
    """The catalogue. The table of a histogram of an earlier run is one, too: its file is
    RUN/sections/SECTION/tables/histogram_1.ecsv; low: bin_low, high: bin_high, mean: n_COLUMN."""
    low: ColumnRef
    """Its column of the lower edge of each bin."""
    high: ColumnRef
    """Its column of the upper edge."""
    mean: ColumnRef
    """Its column of what is expected in each bin, a number or a share; it is scaled to ours."""
    scatter: ColumnRef | None = None
    """Its column of the scatter of that; Poisson's alone when not given."""
    by: AnyColumnRef | None = None
    """Its column of the group that a row is of, where each group has its own."""
    where: Selection | None = None
    """Which of its rows to use."""


@dataclass(frozen=True)
class Compared:
    """A distribution beside the one that is expected, in bins.

    edges: (bins + 1,); counts, expected, error: (bins,). error: what counts may differ by.
    """

    edges: Values
    counts: Values
    expected: Values
    error: Values
    outside: int

    @property
    def n(self) -> int:
        """Values in the bins."""
        return int(self.counts.sum())

    @property
    def pulls(self) -> Values:
        """Difference in units of its error."""
        return np.asarray((self.counts - self.expected) / self.error)

    def metrics(self, column: Column) -> dict[str, Metric]:
        """Return how far both are apart; NaN where there is nothing to compare."""
        ks = distance = stability = chi2 = float("nan")
        if self.n and self.expected.sum() > 0:
            ours, theirs = (each / each.sum() for each in (self.counts, self.expected))
            gap = np.abs(np.cumsum(ours) - np.cumsum(theirs))
            ks = float(gap.max())
            # Within a bin both are taken for uniform: their distributions differ linearly there.
            ends = np.concatenate([[0.0], np.cumsum(ours) - np.cumsum(theirs)])
            distance = float(np.sum(_mean_size(ends[:-1], ends[1:]) * np.diff(self.edges)))
            p, q = (np.maximum(each, LEAST_SHARE) for each in (ours, theirs))
            stability = float(np.sum((p - q) * np.log(p / q)))
            known = self.pulls[np.maximum(self.counts, self.expected) >= FEWEST]
            chi2 = float(np.mean(known**2)) if len(known) else float("nan")
        return {
            "n": Metric(self.n, "values in the bins", digits=0),
            "chi2_per_bin": Metric(chi2, f"χ² per bin of {FEWEST} or more", digits=2),
            "ks_distance": Metric(ks, "Kolmogorov–Smirnov distance, of the bins", digits=3),
            "wasserstein": Metric(distance, "Wasserstein distance", column.unit),
            "stability_index": Metric(stability, "population stability index", digits=3),
        }


def _mean_size(first: Values, last: Values) -> Values:
    """Return the mean size of what goes linearly from one value to another."""
    crosses = first * last < 0
    with np.errstate(divide="ignore", invalid="ignore"):
        across = (first**2 + last**2) / (2 * np.abs(last - first))
    return np.where(crosses, across, np.abs(first + last) / 2)


class ReferenceDistribution(
    Analysis, Grouping, name="reference_distribution", methods=(IN_BINS, STABILITY)
):
    """The distribution of a column, of all rows or of each group, against one that is expected."""

    column: ColumnRef
    """The column whose distribution is compared."""
    reference: ReferenceBlock
    """What is expected: {catalogue, low, high, mean, scatter, by, where}."""
    at_least: Count = 20
    """A group of fewer values is not compared."""

    @model_validator(mode="after")
    def _groups_on_both_sides(self) -> "ReferenceDistribution":
        if (self.by is None) != (self.reference.by is None):
            raise ValueError("by: is needed in the section and in reference:, or in neither")
        if self.reference.catalogue == self.catalogue:
            raise ValueError("the reference is the section's own catalogue")
        return self

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The catalogue and the one that has the reference."""
        return ("catalogues", self.catalogue), ("catalogues", self.reference.catalogue)

    def reductions(self) -> Statistics:
        """Ask for counts in the bins of the reference, and for that."""
        of = self.reference
        edges = of.low.name, of.high.name
        columns = [of.mean, *(each for each in (of.scatter, of.by) if each is not None)]
        names = tuple(dict.fromkeys((*edges, *(column.name for column in columns))))
        rows = OfCatalogue(of.catalogue, RowsOf(names, (*edges, of.mean.name), of.where))
        counts: Statistic[Any] = CountsInBinsOf(self.column.name, rows, self.where)
        found: dict[str, Statistic[Any]] = {
            "rows": CountRows(where=self.where),
            "expected": rows,
            "counts": counts,
        }
        if self.by is not None:
            found["groups"] = OfGroups(self.by.name, counts)
        return found

    def present(
        self,
        rows: int,
        expected: dict[str, Values],
        counts: BinCounts,
        groups: ByGroup | None = None,
    ) -> Section:
        """Draw each distribution with its reference, and say how far they are apart."""
        compared: dict[Group, Compared]
        if groups is None:
            compared = {"": self._compared(counts, expected, None)}
            absent, few = [], []
        else:
            known = {as_group(group) for group in self._groups_of(expected)}
            absent = [group for group in groups.values if group not in known]
            few = [
                group
                for group, found in groups.values.items()
                if group in known and found.n < self.at_least
            ]
            compared = {
                group: self._compared(found, expected, group)
                for group, found in groups.values.items()
                if group in known and found.n >= self.at_least
            }
        metrics = self._metrics(compared)
        return Section(
            findings=self._findings(compared, absent),
            metrics=metrics,
            figures=self._figures(compared),
            tables=[] if groups is None or not compared else [self._table(compared)],
            rows=rows,
            notes=self._notes(counts, few, groups),
        )

    def _groups_of(self, expected: dict[str, Values]) -> list[Any]:
        by = self.reference.by
        assert by is not None  # noqa: S101 - validated
        return list(expected[by.name].tolist())

    def _compared(
        self, found: BinCounts, expected: dict[str, Values], group: Group | None
    ) -> Compared:
        """Return the counts beside the reference of a group, which is scaled to their number."""
        of, edges = self.reference, found.edges
        chosen = np.ones(len(expected[of.low.name]), dtype=bool)
        if group is not None:
            chosen = np.array([as_group(each) == group for each in self._groups_of(expected)])
        place = np.searchsorted(edges, expected[of.low.name][chosen])
        mean, scatter = np.zeros(len(found.counts)), np.zeros(len(found.counts))
        mean[place] = expected[of.mean.name][chosen]
        if of.scatter is not None:
            scatter[place] = np.nan_to_num(expected[of.scatter.name][chosen])
        total = mean.sum()
        scale = found.n / total if total > 0 else 0.0
        mean, scatter = mean * scale, scatter * scale
        # Poisson's besides that of the reference; of what is hardly expected, that of one.
        error = np.sqrt(scatter**2 + np.maximum(mean, 1.0))
        return Compared(edges, found.counts.astype(np.float64), mean, error, found.outside)

    def _metrics(self, compared: dict[Any, Compared]) -> dict[str, Metric]:
        if self.by is None:
            return next(iter(compared.values())).metrics(self.column)
        each = {group: found.metrics(self.column) for group, found in compared.items()}
        metrics = {"groups": Metric(len(each), "groups compared", digits=0)}
        for name in ("chi2_per_bin", "ks_distance", "wasserstein", "stability_index"):
            values = {group: found[name].value for group, found in each.items()}
            known = {group: value for group, value in values.items() if np.isfinite(value)}
            worst = max(known, key=lambda group: known[group], default=None)
            none = np.zeros(1)
            blank = Compared(np.zeros(2), none, none, none + 1, 0).metrics(self.column)[name]
            model = blank if worst is None else each[worst][name]
            label = f"largest {model.label}" + ("" if worst is None else f": {worst}")
            value = float("nan") if worst is None else known[worst]
            metrics[f"worst_{name}"] = Metric(value, label, model.unit, model.digits)
        return metrics

    def _findings(self, compared: dict[Any, Compared], absent: list[Group]) -> list[str]:
        said = []
        if not compared:
            said.append("Nothing can be compared with the reference.")
        elif self.by is None:
            said.append(self._sentence(next(iter(compared.values())), ""))
        else:
            apart = {
                group: each.metrics(self.column)["ks_distance"].value
                for group, each in compared.items()
            }
            worst = max(apart, key=lambda group: np.nan_to_num(apart[group], nan=-1))
            if len(compared) > 1:
                said.append(
                    f"Of {counted(len(compared), 'groups')}, {self.by.title} {worst} is the "
                    "farthest from its reference."
                )
            said.append(self._sentence(compared[worst], f" of {worst}"))
        if absent:
            names = listed([str(group) for group in absent], MOST_TOLD)
            said.append(f"Without a reference: {names}.")
        there = {str(group) for group in compared} | {str(group) for group in absent}
        if lost := [str(group) for group in self.expect if str(as_group(group)) not in there]:
            said.append(f"Without a value though expected: {listed(lost, MOST_TOLD)}.")
        return said

    def _sentence(self, found: Compared, which: str) -> str:
        values = f"{self.column.title}{which}, {counted(found.n, 'values')}"
        metrics = found.metrics(self.column)
        if not found.n or np.isnan(metrics["ks_distance"].value):
            return f"{values}: there is nothing to compare."
        ks = number(metrics["ks_distance"].value, 3)
        at = int(np.argmax(np.abs(found.pulls)))
        ends = interval(float(found.edges[at]), float(found.edges[at + 1]), self.column)
        there = (
            f"{count(int(found.counts[at]))} against {number(float(found.expected[at]))} expected"
        )
        return (
            f"{values}: the largest distance from the reference is {ks}; the bin farthest off, "
            f"between {ends}, holds {there}."
        )

    def _notes(self, counts: BinCounts, few: list[Group], groups: ByGroup | None) -> list[str]:
        notes = []
        if counts.outside:
            share = percent(counts.outside / (counts.n + counts.outside))
            notes.append(
                f"Outside the bins of the reference: {counted(counts.outside, 'values')} ({share})."
            )
        if few:
            names = listed([str(group) for group in few], MOST_TOLD)
            notes.append(f"With fewer than {count(self.at_least)} values, not compared: {names}.")
        if groups is not None and groups.missing:
            notes.append(f"In no group: {counted(groups.missing, 'rows')}.")
        return notes

    def _table(self, compared: dict[Any, Compared]) -> Table:
        found = [each.metrics(self.column) for each in compared.values()]
        assert self.by is not None  # noqa: S101 - there are groups
        columns = [TableColumn.of(self.by.name, [str(group) for group in compared])]
        for name, metric in found[0].items():
            values = [each[name].value for each in found]
            columns.append(TableColumn.of(name, values, metric.unit, metric.label, metric.digits))
        return Table("groups", f"{self.column.title} against the reference", columns)

    def _figures(self, compared: dict[Any, Compared]) -> list[Figure]:
        shown = dict(list(compared.items())[:MOST_DRAWN])
        ids = file_ids([Column(str(group)) for group in shown], "bins")
        return [
            self._figure(ids[str(group)] if str(group) else "bins", found, group)
            for group, found in shown.items()
        ]

    def _figure(self, figure_id: str, found: Compared, group: Any) -> Figure:
        of, unit = TableColumn.of, self.column.unit
        columns = [
            *edge_columns(found.edges, unit),
            of("n", found.counts.astype(np.int64)),
            of("expected", found.expected, description="reference, scaled to our number"),
            of("error", found.error, description="of the reference and of the count"),
            of("pull", found.pulls, digits=2),
        ]
        which, of_group = (f", {group}", f" of {group}") if str(group) else ("", "")
        title = f"{self.column.title} and its reference{which}"
        return Figure.of(
            figure_id,
            draw_compared(found, self.column),
            title,
            columns,
            alt=f"Histogram beside what is expected. {self._sentence(found, of_group)}",
            caption="Outline: ours; band: what is expected of as many values, ± one standard "
            "deviation of the reference and of counting.",
        )


def draw_compared(found: Compared, column: Column) -> Drawing:
    """Draw counts as an outline over the band of what is expected."""
    figure, axes = new_figure(52, labels=(column.axis, "Values per bin"))
    ends = padded(float(found.edges[0]), float(found.edges[-1]), 0.02)
    set_linear(axes.xaxis, *ends)
    top = max(1.0, float((found.expected + found.error).max()), float(found.counts.max()))
    set_linear(axes.yaxis, 0, 1.06 * top, most=5)
    low = np.maximum(found.expected - found.error, 0)
    axes.stairs(
        found.expected + found.error,
        found.edges,
        baseline=low,
        fill=True,
        color=MUTED,
        alpha=0.3,
        linewidth=0,
        label="Reference",
    )
    colour = series_colour(column.order)
    axes.stairs(found.counts, found.edges, color=colour, linewidth=1.2, label="Ours")
    key_above(figure, ["Reference", "Ours"], axes.patches)
    return figure

"""A distribution against one that is expected, such as the redshifts of a class of targets."""

from dataclasses import dataclass
from functools import cached_property
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
DISTANCES: dict[str, tuple[str, int | None]] = {  # what they are called, and their decimals
    "chi2_per_bin": (f"χ² per bin of {FEWEST} or more", 2),
    "ks_distance": ("Kolmogorov–Smirnov distance, of the bins", 3),
    "wasserstein": ("Wasserstein distance", None),
    "stability_index": ("population stability index", 3),
}


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

    @cached_property
    def distances(self) -> dict[str, float]:
        """How far both are apart, as DISTANCES names it; NaN where there is nothing to compare."""
        if not (self.n and self.expected.sum() > 0):
            return dict.fromkeys(DISTANCES, np.nan)
        ours, theirs = (each / each.sum() for each in (self.counts, self.expected))
        # Within a bin both are taken for uniform: their distributions differ linearly there.
        ends = np.concatenate([[0.0], np.cumsum(ours) - np.cumsum(theirs)])
        p, q = (np.maximum(each, LEAST_SHARE) for each in (ours, theirs))
        known = self.pulls[np.maximum(self.counts, self.expected) >= FEWEST]
        return {
            "chi2_per_bin": float(np.mean(known**2)) if len(known) else np.nan,
            "ks_distance": float(np.abs(ends).max()),
            "wasserstein": float(np.sum(_mean_size(ends[:-1], ends[1:]) * np.diff(self.edges))),
            "stability_index": float(np.sum((p - q) * np.log(p / q))),
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
        absent, few, compared = [], [], {}
        if groups is None:
            compared[""] = self._compared(counts, expected, None)
        else:
            known = {as_group(group) for group in self._groups_of(expected)}
            for group, found in groups.values.items():
                if group not in known:
                    absent.append(str(group))
                elif found.n < self.at_least:
                    few.append(str(group))
                else:
                    compared[str(group)] = self._compared(found, expected, group)
        return Section(
            findings=self._findings(compared, absent),
            metrics=self._metrics(compared),
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

    def _distance(self, name: str, value: float, prefix: str = "", suffix: str = "") -> Metric:
        label, digits = DISTANCES[name]
        unit = self.column.unit if name == "wasserstein" else ""
        return Metric(value, f"{prefix}{label}{suffix}", unit, digits)

    def _metrics(self, compared: dict[str, Compared]) -> dict[str, Metric]:
        if self.by is None:
            (found,) = compared.values()
            n = {"n": Metric(found.n, "values in the bins", digits=0)}
            return n | {name: self._distance(name, far) for name, far in found.distances.items()}
        metrics = {"groups": Metric(len(compared), "groups compared", digits=0)}
        for name in DISTANCES:
            far = {group: found.distances[name] for group, found in compared.items()}
            known = [group for group in far if np.isfinite(far[group])]
            worst = max(known, key=lambda group: far[group], default="")
            whose, value = (f": {worst}", far[worst]) if known else ("", np.nan)
            metrics[f"worst_{name}"] = self._distance(name, value, "largest ", whose)
        return metrics

    def _findings(self, compared: dict[str, Compared], absent: list[str]) -> list[str]:
        said = ["Nothing can be compared with the reference."]
        if compared:
            far = {group: found.distances["ks_distance"] for group, found in compared.items()}
            worst = max(far, key=lambda group: np.nan_to_num(far[group], nan=-1))
            said = [self._sentence(compared[worst], f" of {worst}" if worst else "")]
            if self.by is not None and len(compared) > 1:
                said.insert(
                    0,
                    f"Of {counted(len(compared), 'groups')}, {self.by.title} {worst} is the "
                    "farthest from its reference.",
                )
        if absent:
            said.append(f"Without a reference: {listed(absent, MOST_TOLD)}.")
        there = {*compared, *absent}
        if lost := [str(group) for group in self.expect if str(as_group(group)) not in there]:
            said.append(f"Without a value though expected: {listed(lost, MOST_TOLD)}.")
        return said

    def _sentence(self, found: Compared, which: str) -> str:
        values = f"{self.column.title}{which}, {counted(found.n, 'values')}"
        ks = found.distances["ks_distance"]
        if np.isnan(ks):
            return f"{values}: there is nothing to compare."
        at = int(np.argmax(np.abs(found.pulls)))
        ends = interval(float(found.edges[at]), float(found.edges[at + 1]), self.column)
        there = (
            f"{count(int(found.counts[at]))} against {number(float(found.expected[at]))} expected"
        )
        return (
            f"{values}: the largest distance from the reference is {number(ks, 3)}; the bin "
            f"farthest off, between {ends}, holds {there}."
        )

    def _notes(self, counts: BinCounts, few: list[str], groups: ByGroup | None) -> list[str]:
        notes = []
        if counts.outside:
            share = percent(counts.outside / (counts.n + counts.outside))
            notes.append(
                f"Outside the bins of the reference: {counted(counts.outside, 'values')} ({share})."
            )
        if few:
            names = listed(few, MOST_TOLD)
            notes.append(f"With fewer than {count(self.at_least)} values, not compared: {names}.")
        if groups is not None and groups.missing:
            notes.append(f"In no group: {counted(groups.missing, 'rows')}.")
        return notes

    def _table(self, compared: dict[str, Compared]) -> Table:
        assert self.by is not None  # noqa: S101 - there are groups
        of, found = TableColumn.of, list(compared.values())
        columns = [
            of(self.by.name, list(compared)),
            of("n", [each.n for each in found], "", "values in the bins", 0),
        ]
        for name in DISTANCES:
            metric = self._distance(name, np.nan)
            values = [each.distances[name] for each in found]
            columns.append(of(name, values, metric.unit, metric.label, metric.digits))
        return Table("groups", f"{self.column.title} against the reference", columns)

    def _figures(self, compared: dict[str, Compared]) -> list[Figure]:
        shown = dict(list(compared.items())[:MOST_DRAWN])
        ids = file_ids([Column(group) for group in shown], "bins")
        return [
            self._figure(ids[group] if group else "bins", found, group)
            for group, found in shown.items()
        ]

    def _figure(self, figure_id: str, found: Compared, group: str) -> Figure:
        of, unit = TableColumn.of, self.column.unit
        columns = [
            *edge_columns(found.edges, unit),
            of("n", found.counts.astype(np.int64)),
            of("expected", found.expected, description="reference, scaled to our number"),
            of("error", found.error, description="of the reference and of the count"),
            of("pull", found.pulls, digits=2),
        ]
        which, of_group = (f", {group}", f" of {group}") if group else ("", "")
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

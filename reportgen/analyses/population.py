"""A flagged subset against all objects in one column."""

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from reportgen.analyses.base import Analysis, BinCount
from reportgen.analyses.population_views import Groups
from reportgen.analyses.results import Metric, Section
from reportgen.analyses.words import counted, no_values
from reportgen.config.expressions import both
from reportgen.config.types import ColumnRef, Real, Selection, Text
from reportgen.numbers import count, number, percent
from reportgen.reduce.base import Statistic
from reportgen.reduce.counts import Count, CountBelow
from reportgen.reduce.histograms import Histogram
from reportgen.reduce.quantiles import Comparison, SubsetComparison


class Population(Analysis, name="population"):
    """A subset against the whole: both distributions, their ratio, and how far they differ."""

    column: ColumnRef
    """The column to compare."""
    subset: Selection
    """Which rows belong to the subset, such as: is_host."""
    subset_label: Text = "Subset"
    """What the subset is called."""
    label: Text = "All objects"
    """What the whole is called."""
    bins: BinCount = 10
    """Number of equal bins."""
    above: Real | None = None
    """First edge; the smallest value when not given."""
    below: Real | None = None
    """Last edge; the largest value when not given."""
    cut: Real | None = None
    """Give the fraction of values of at least this."""

    @model_validator(mode="after")
    def _in_order(self) -> "Population":
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(f"above ({self.above:g}) must be less than below ({self.below:g})")
        return self

    def reductions(self) -> Mapping[str, Statistic[Any]]:
        """Ask for both histograms in the same bins, and for the comparison."""
        name, limits = self.column.name, (self.above, self.below)
        result: dict[str, Statistic[Any]] = {
            "count": Count(name, self.where),
            "subset": Histogram(name, self.bins, limits, subset=self.subset, where=self.where),
            "whole": Histogram(name, self.bins, limits, where=self.where),
            "comparison": SubsetComparison(name, self.subset, self.where),
        }
        if self.cut is not None:
            result |= {
                "subset_below": CountBelow(name, (self.cut,), both(self.where, self.subset)),
                "whole_below": CountBelow(name, (self.cut,), self.where),
            }
        return result

    def present(self, **values: Any) -> Section:
        """Draw both distributions and their ratio."""
        compared: Comparison = values["comparison"]
        if not compared.n_all:
            raise no_values((self.column,), values["count"].rows, self.where)
        groups = Groups(
            column=self.column,
            labels=(self.subset_label, self.label),
            subset=values["subset"],
            whole=values["whole"],
            n_subset=compared.n_subset,
            n_all=compared.n_all,
        )
        notes = []
        if infinite := values["count"].infinite:
            notes.append(f"Left out: {counted(infinite, 'infinite value')}.")
        if compared.error:
            notes.append(
                f"Medians and distances are approximate (values to {number(compared.error)}): the "
                "catalogue has more rows than its exact_rows."
            )
        return Section(
            findings=[self._finding(compared)],
            metrics=self._metrics(compared, values),
            figures=[groups.histograms(), groups.ratio()],
            tables=[groups.table("bins", shown=True)],
            rows=compared.n_all,
            notes=notes,
        )

    def _finding(self, compared: Comparison) -> str:
        if not compared.n_subset:
            return f"{self.subset_label}: none of {counted(compared.n_all, 'object')}."
        if compared.n_subset == compared.n_all:
            return (
                f"{self.subset_label}: all of {counted(compared.n_all, 'object')}, so there is "
                "nothing to compare."
            )
        share = percent(compared.n_subset / compared.n_all)
        median = "their median" if compared.n_subset > 1 else "its"
        return (
            f"{self.subset_label}: {count(compared.n_subset)} of "
            f"{counted(compared.n_all, 'object')} ({share}); {median} {self.column.title} is "
            f"{number(compared.median_subset)} against a median of "
            f"{self.column.quantity(number(compared.median_all))} of all, and the largest distance "
            f"between the two distributions is {number(compared.ks, 3)}."
        )

    def _metrics(self, compared: Comparison, values: Mapping[str, Any]) -> dict[str, Metric]:
        unit = self.column.unit
        subset, whole = self.subset_label, self.label
        metrics = {
            "n_subset": Metric(compared.n_subset, subset, digits=0),
            "n_all": Metric(compared.n_all, whole, digits=0),
            "median_subset": Metric(compared.median_subset, f"median, {subset}", unit),
            "median_all": Metric(compared.median_all, f"median, {whole}", unit),
            "ks_distance": Metric(compared.ks, "Kolmogorov–Smirnov distance to all", digits=3),
            "ks_distance_rest": Metric(
                compared.ks_rest, "Kolmogorov–Smirnov distance to the rest", digits=3, shown=False
            ),
            "ks_p_value": Metric(
                compared.p_value, "p-value of the distance to the rest", shown=False
            ),
        }
        if self.cut is not None:
            for name, label, n in (
                ("subset", subset, compared.n_subset),
                ("all", whole, compared.n_all),
            ):
                below = int(values[f"{'whole' if name == 'all' else name}_below"][0])
                metrics[f"above_cut_{name}"] = Metric(
                    100 * (n - below) / n if n else float("nan"),
                    f"{label}: at least {self.column.quantity(number(self.cut))}",
                    "%",
                    digits=1,
                )
        return metrics

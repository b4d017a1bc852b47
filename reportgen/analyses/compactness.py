"""Which sources are resolved: their total beside their peak flux density."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import model_validator

from reportgen.analyses.base import Analysis, Statistics, in_unit
from reportgen.analyses.grouping import (
    SHARE,
    Grouping,
    GroupsShown,
    show_groups,
    small_multiples,
    with_groups,
)
from reportgen.analyses.methods import RESOLVED, SCATTER
from reportgen.analyses.phrases import approximate, no_values, note_rows
from reportgen.analyses.plotting.axes import Line, draw_limits, new_figure
from reportgen.analyses.plotting.cloud import (
    cloud,
    cloud_columns,
    draw_cloud,
    draw_haloed,
    draw_points,
    name_points,
)
from reportgen.analyses.plotting.ticks import middles
from reportgen.analyses.results import Axes, Figure, Metric, Section, TableColumn
from reportgen.config.columns import Column
from reportgen.config.expressions import Condition, both, parse
from reportgen.config.types import ColumnRef, Positive
from reportgen.errors import SectionError
from reportgen.reduce.base import Statistic
from reportgen.reduce.binned import BinnedQuantiles, QuantilesInBins
from reportgen.reduce.by_group import ByGroup, OfGroups, median_and_scatter, share_of
from reportgen.reduce.counts import CountRows
from reportgen.reduce.histograms import Axis, FewRows, Rows
from reportgen.reduce.quantiles import MedianAndScatter, Robust
from reportgen.style import MUTED
from reportgen.wording import count, counted, exact, number, percent

BRIGHT = 100  # signal-to-noise ratio above which noise plays no part in the ratio
POINTS = 10_000  # drawn one by one
BINS, LEAST_IN_BIN = 18, 10
RATIO = Column("ratio", "Total / peak flux density")


class Compactness(Analysis, Grouping, name="compactness"):
    """Which sources are resolved: total beside peak flux density, and the errors of both."""

    total: ColumnRef
    """Total (integrated) flux density."""
    total_error: ColumnRef
    """Its standard error; 0 or less stands for none."""
    peak: ColumnRef
    """Peak flux density, per beam."""
    peak_error: ColumnRef
    """Its standard error; 0 or less stands for none."""
    rms: ColumnRef | None = None
    """Noise at each source, which gives the signal-to-noise ratio; peak_error when not given."""
    sigma: Positive = 2.0
    """How many standard errors ln(total / peak) must be above 0 for a resolved source."""
    against: ColumnRef | None = None
    """Horizontal axis, values above 0; the signal-to-noise ratio when not given."""

    @model_validator(mode="after")
    def _units_fit(self) -> "Compactness":
        _ = self._texts
        return self

    @cached_property
    def _texts(self) -> dict[str, str]:
        """What is computed, as expressions by name; total and peak in the unit of the latter."""
        unit = self.peak.unit if self.peak.is_known else self.total.unit
        total, total_error, peak, peak_error, noise = (
            in_unit(column, unit)
            for column in (
                self.total,
                self.total_error,
                self.peak,
                self.peak_error,
                self.rms or self.peak_error,
            )
        )
        snr = f"{peak} / {noise}"
        known = f"valid({self.total.name}) and valid({self.peak.name})"
        positive = f"{known} and {total} > 0 and {peak} > 0"
        error = f"sqrt(({total_error} / {total})**2 + ({peak_error} / {peak})**2)"
        return {
            "ratio": f"{total} / {peak}",
            "error": error,
            "snr": snr,
            "x": snr if self.against is None else self.against.name,
            "positive": positive,
            "judged": f"{positive} and {total_error} > 0 and {peak_error} > 0",
            "resolved": f"log({total} / {peak}) > {self.sigma!r} * {error}",
        }

    def _where(self, *texts: str) -> Condition | None:
        """Return a condition on all of some texts, which may be named."""
        where = self.where
        for text in texts:
            where = both(where, parse(self._texts.get(text, text)))
        return where

    @property
    def _x(self) -> Column:
        return self.against or Column("snr", "Signal-to-noise ratio")

    @property
    def methods(self) -> tuple[str, ...]:
        """What it computes, and what to cite."""
        return (RESOLVED,) if self.by is None else (RESOLVED, SCATTER)

    def reductions(self) -> Statistics:
        """Ask for the numbers of sources, the median ratios, and what the figure shows."""
        of = self._texts
        above_zero, axis = f"{of['x']} > 0", Axis(of["x"], BINS, log=True)
        drawn, judged = (self._where(name, above_zero) for name in ("positive", "judged"))
        bright = self._where("positive", f"{of['snr']} > {BRIGHT}")
        chosen = CountRows(self._where("judged", "resolved"))
        found: dict[str, Statistic[Any]] = {
            "rows": CountRows(self.where),
            "positive": CountRows(self._where("positive")),
            "judged": CountRows(self._where("judged")),
            "resolved": chosen,
            "below_one": CountRows(self._where("positive", f"{of['ratio']} < 1")),
            "bright": MedianAndScatter(of["ratio"], bright),
            **cloud(of["x"], of["ratio"], POINTS, (True, True), drawn),
            "marked": FewRows(
                (of["x"], of["ratio"]), POINTS, self._where("judged", above_zero, "resolved")
            ),
            "envelope": QuantilesInBins(axis, of["error"], (0.5,), judged),
        }
        if self.by is not None:
            by, course = self.by.name, QuantilesInBins(axis, of["ratio"], (0.5,), drawn)
            found |= {
                "judged_groups": OfGroups(by, CountRows(self._where("judged"))),
                "resolved_groups": OfGroups(by, chosen),
                "bright_groups": OfGroups(by, median_and_scatter(of["ratio"], bright)),
                "course": course,
                "course_groups": OfGroups(by, course),
            }
        return found

    def present(
        self,
        *,
        rows: int,
        positive: int,
        judged: int,
        resolved: int,
        below_one: int,
        bright: Robust,
        **values: Any,
    ) -> Section:
        """Count the resolved sources and draw the ratio of all."""
        if not rows:
            raise no_values((self.total, self.peak), rows, self.where)
        if not positive:
            said = f"no row has both {self.total.name} and {self.peak.name} above 0"
            where = "" if self.where is None else f" where {self.where}"
            raise SectionError(
                f"{said} ({counted(rows, 'rows')}{where})",
                "look at the missing-value marks and at the source",
            )
        share = resolved / judged if judged else np.nan
        metrics = {
            "resolved": Metric(resolved if judged else np.nan, "resolved", digits=0),
            "resolved_percent": Metric(100 * share, "resolved", "%", digits=1),
            "ratio_median_bright": Metric(
                bright.median, f"median ratio, S/N above {BRIGHT}", digits=3
            ),
            "below_one_percent": Metric(
                100 * below_one / positive, "total below peak", "%", digits=1
            ),
            "errors_missing": Metric(positive - judged, "without errors", digits=0),
        }
        finding = self._finding(judged, resolved, bright)
        section = Section(
            findings=finding,
            metrics=metrics,
            figures=[self._figure(finding[0], values)],
            rows=positive,
            notes=self._notes(rows, positive, judged, bright),
        )
        return section if self.by is None else with_groups(section, self._groups(values))

    def _groups(self, values: Mapping[str, Any]) -> list[GroupsShown]:
        """Return the share of each group that is resolved, and the ratio of its sources."""
        resolved, judged = values["resolved_groups"].values, values["judged_groups"]
        shares = {group: share_of(resolved.get(group, 0), n) for group, n in judged.values.items()}
        share = Column("resolved_percent", "Resolved sources", "%")
        ratio = Column("ratio_median_bright", f"{RATIO.title}, S/N above {BRIGHT}")
        lines = {group: _median(each) for group, each in values["course_groups"].values.items()}
        panels = {group: [line] for group, line in lines.items() if np.isfinite(line.y).any()}
        up = Column("ratio", f"Median {RATIO.title[0].lower()}{RATIO.title[1:]}")
        limits, whole = self.check_limits("ratio_median_bright"), [_median(values["course"])]
        return [
            *small_multiples(self, panels, (self._x, up), whole, log=(True, True), limits=limits),
            show_groups(self, ByGroup(shares, judged.missing), share, SHARE),
            # A group without bright sources is not absent.
            show_groups(self.model_copy(update={"expect": ()}), values["bright_groups"], ratio),
        ]

    def _finding(self, judged: int, resolved: int, bright: Robust) -> list[str]:
        if not judged:
            return ["No source has errors of both flux densities, so that none can be judged."]
        from scipy.special import ndtr

        by_chance = percent(float(ndtr(-self.sigma)))
        said = [
            f"{count(resolved)} of {counted(judged, 'sources')} "
            f"({percent(resolved / judged)}) {'is' if resolved == 1 else 'are'} resolved at "
            f"{exact(self.sigma)} σ; noise alone would make {by_chance} of point sources seem so."
        ]
        if bright.n:
            said.append(
                f"Where the signal-to-noise ratio is above {BRIGHT}, total / peak is "
                f"{number(bright.median, 3)} in the median ({counted(bright.n, 'sources')})."
            )
        return said

    def _notes(self, rows: int, positive: int, judged: int, bright: Robust) -> list[str]:
        notes = []
        if positive > judged:
            notes.append(
                f"Without errors above 0, so not judged: {counted(positive - judged, 'sources')}."
            )
        if rows > positive:
            left = counted(rows - positive, "rows")
            notes.append(f"Left out, as a flux density is missing or not above 0: {left}.")
        if bright.error:
            notes.append(note_rows(f"Medians are {approximate(bright.error)}"))
        return notes

    def _figure(self, finding: str, values: Mapping[str, Any]) -> Figure:
        points, density, marked = values["points"], values["density"], values["marked"]
        drawing, axes = new_figure(62, labels=(self._x.axis, RATIO.axis))
        limits = ""
        if draw_cloud(axes, points, density, (True, True)):
            self._draw_resolved(axes, points, marked, values["envelope"])
            axes.axhline(1, color=MUTED, linewidth=0.6, linestyle=":", zorder=1)
            limits = draw_limits(axes, self.check_limits("ratio_median_bright"), RATIO, along="y")
        kind = "as points" if points.values is not None else "as density"
        against = "signal-to-noise ratio" if self.against is None else self.against.title
        title = f"{RATIO.title} against {against}"
        name, of = "compactness", TableColumn.of
        columns = cloud_columns(self._x, RATIO, points, density)
        if points.values is not None and marked.values is not None:
            found = {tuple(each) for each in marked.values.tolist()}
            is_resolved = [int(tuple(each) in found) for each in points.values.tolist()]
            columns.append(of("resolved", is_resolved))
        return Figure.of(
            name,
            drawing,
            title,
            columns,
            alt=f"{title}, both axes logarithmic, of {counted(points.n, 'sources')}. {finding}",
            caption=f"{counted(points.n, 'sources')} {kind}. Solid: above it a source of usual "
            f"errors is resolved at {exact(self.sigma)} σ; each is judged by its own errors. "
            f"Dotted: point sources.{limits}",
        )

    def _draw_resolved(
        self, axes: Axes, points: Rows, marked: Rows, envelope: BinnedQuantiles
    ) -> None:
        if points.values is not None and marked.values is not None and marked.n:
            draw_points(axes, marked.values[:, 0], marked.values[:, 1], 2, alpha=0.9)
            name_points(axes, ["not resolved or not judged", "resolved"])
        with np.errstate(over="ignore"):
            limit = np.exp(self.sigma * envelope.values[0])
        shown = np.where((envelope.n >= LEAST_IN_BIN) & np.isfinite(limit), limit, np.nan)
        draw_haloed(axes, middles(envelope.edges, log=True), shown, linewidth=1.2)


def _median(found: BinnedQuantiles) -> Line:
    """Return the median of each bin that holds enough."""
    enough = np.where(found.n >= LEAST_IN_BIN, found.values[0], np.nan)
    return Line("median", 0, middles(found.edges, log=True), enough)

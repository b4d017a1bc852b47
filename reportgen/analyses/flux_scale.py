"""Flux densities or magnitudes against those of another catalogue."""

from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from reportgen.analyses.base import Statistics, scale_to
from reportgen.analyses.brightness import Brightness
from reportgen.analyses.grouping import GroupsShown, small_multiples, with_groups
from reportgen.analyses.matching import MatchBlock, PairAnalysis, no_pairs, robust
from reportgen.analyses.methods import MEDIAN_ERROR, SCATTER
from reportgen.analyses.phrases import capital
from reportgen.analyses.plotting.axes import Line, say_limits
from reportgen.analyses.plotting.offsets import CellMedians
from reportgen.analyses.plotting.ratios import Course, draw_ratio_map, draw_ratios
from reportgen.analyses.results import Figure, Metric, Section, TableColumn
from reportgen.config.columns import Column
from reportgen.config.problems import KeyPath
from reportgen.config.types import BlockError, ColumnRef, Frequency, NotNegative, Real
from reportgen.config.unit_arithmetic import factor
from reportgen.reduce.base import Values
from reportgen.reduce.chunk import Truth
from reportgen.reduce.match import PairColumns, angle, unit_vectors
from reportgen.wording import counted, exact, number, percent

FrequencyOrColumn = Annotated[Frequency | ColumnRef, Field(union_mode="left_to_right")]
OUTLYING = 5.0  # times the scatter from the median
WIDE = 4.0  # largest over smallest ratio, beyond which the axis is logarithmic
FEWEST = 10  # pairs for a slope, or a cell of the map


class FluxBlock(Brightness):
    """Brightness of the counterpart, and its frequency."""

    frequency: FrequencyOrColumn | None = None
    """Its frequency, such as 1.4 GHz, or the column that has it."""


class FluxMatchBlock(FluxBlock, MatchBlock):
    """Another catalogue, which of its objects are the same as ours, and how bright these are."""


class FluxScale(PairAnalysis, Brightness, name="flux_scale", methods=(SCATTER, MEDIAN_ERROR)):
    """Flux densities or magnitudes against those of another catalogue."""

    match: FluxMatchBlock | None = None
    """Another catalogue: {catalogue, radius, rule, flux or magnitude, frequency}."""
    matched: FluxBlock | None = None
    """Columns of a table that is matched already, in place of match: {flux or magnitude,
    frequency}."""
    frequency: FrequencyOrColumn | None = None
    """Our frequency, such as 887.5 MHz, or the column that has it."""
    spectral_index: Real | None = None
    """α of S ∝ ν^α, by which ours are brought to the frequency of theirs."""
    snr: ColumnRef | None = None
    """Our signal-to-noise ratio."""
    snr_min: NotNegative = 10.0
    """Metrics use pairs whose signal-to-noise ratio is above it; all are drawn."""
    against: tuple[Literal["distance"] | ColumnRef, ...] = ()
    """Columns against which the ratio is drawn, too; distance is that from the field's centre."""

    @model_validator(mode="after")
    def _brightness_fits(self) -> "FluxScale":
        name, key = "match" if self.match else "matched", "flux" if self.is_flux else "magnitude"
        if self.is_flux != self._there.is_flux:
            raise BlockError({(name,): f"ours is a {key}, so theirs must be one: {key}:"})
        problems: dict[KeyPath, str] = {}
        wanted: list[tuple[KeyPath, object, str]] = [
            (("frequency",), self.frequency, "MHz"),
            ((name, "frequency"), self._there.frequency, "MHz"),
        ]
        if self.is_flux and self.brightness.is_known:
            wanted.append(((name, "flux"), self._there.brightness, self.brightness.unit))
        for path, column, unit in wanted:
            try:
                _ = scale_to(column, unit) if isinstance(column, Column) else 1.0
            except ValueError as error:
                problems[path] = str(error)
        if self.spectral_index is not None and None in (self.frequency, self._there.frequency):
            problems["spectral_index",] = "needs frequency: of both catalogues"
        if problems:
            raise BlockError(problems)
        return self

    @property
    def _there(self) -> FluxBlock:
        found = self.match or self.matched
        assert found is not None  # noqa: S101 - validated
        return found

    @property
    def _shown(self) -> Column:
        """What is compared: a ratio, or a difference in mmag; its name is that of the metric."""
        ours = self.brightness
        if self.is_flux:
            return Column("ratio", f"{ours.title}, ours over theirs", order=ours.order)
        return Column("difference", f"{ours.title}, ours minus theirs", "mmag", ours.order)

    def reductions(self) -> Statistics:
        """Ask for what both say of each pair."""
        own = [self.brightness, self.snr, self.frequency, *self.against]
        other = [self._there.brightness, self._there.frequency]
        of = [[each for each in side if isinstance(each, Column)] for side in (own, other)]
        return {"found": self.pairs(*of)}

    def present(self, found: PairColumns) -> Section:
        """Say how the scales compare, and draw it."""
        ratio = self._ratio(found)
        snr = None if self.snr is None else found.own[self.snr.name]
        known = np.isfinite(ratio)
        used = known if snr is None else known & (snr > self.snr_min)
        notes = []
        if lost := int((~known).sum()):
            notes.append(f"Left out, as one of the values is missing or not above 0: {lost} pairs.")
        if self.spectral_index is not None:
            alpha = number(self.spectral_index, 2)
            notes.append(f"Ours are scaled to the frequency of theirs by S ∝ ν^α with α = {alpha}.")
        section = Section(
            findings=[self._finding(found, ratio[used])],
            metrics=self._metrics(found, ratio, used, snr),
            figures=self._figures(found, ratio) if known.any() else [],
            rows=found.pairs.rows,
            notes=notes,
        )
        of_used = self._linear(np.where(used, ratio, np.nan))
        groups = self.groups(found, (self._shown, of_used)) + self._of_each(found, ratio)
        return with_groups(section, groups)

    def _of_each(self, found: PairColumns, ratio: Values) -> list[GroupsShown]:
        """Return the running median of each group."""
        x, at_x, log = self._sides(found)[0]
        good = np.isfinite(ratio) & np.isfinite(at_x) & ((at_x > 0) | (not log))

        def line(at: Any) -> Line:
            course = Course.of(at_x[at], self._linear(ratio[at]))
            return Line(x.name, self._shown.order, course.middle, course.median)

        chosen = {group: at[good[at]] for group, at in self.of_each(found).items()}
        panels = {group: [line(at)] for group, at in chosen.items() if len(at)}
        whole = [line(good)] if good.any() else []
        columns, limits = (x, replace(self._shown, name="median")), self._limits
        return small_multiples(self, panels, columns, whole, log=(log, False), limits=limits)

    @property
    def _limits(self) -> list[float]:
        return self.check_limits(self._shown.name, unit=self._shown.unit)

    def _ratio(self, found: PairColumns) -> Values:
        """Return ln(ours / theirs), or ours minus theirs in mmag; NaN where it is not defined."""
        ours, theirs = self.brightness, self._there.brightness
        own, other = found.own[ours.name], found.other[theirs.name]
        if not self.is_flux:
            return 1000 * (own - other)
        by = scale_to(ours, theirs.unit)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(np.where(own > 0, own * by, np.nan) / np.where(other > 0, other, np.nan))
            if self.spectral_index is not None:
                ratio = ratio - self.spectral_index * self._frequency_ratio(found)
        return np.where(np.isfinite(ratio), ratio, np.nan)

    def _frequency_ratio(self, found: PairColumns) -> Values:
        """Return ln(our frequency / theirs) of each pair."""
        sides = (self.frequency, found.own), (self._there.frequency, found.other)
        ours, theirs = (_frequency(of, columns) for of, columns in sides)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(ours / theirs) * np.ones(found.pairs.n)

    def _metrics(
        self, found: PairColumns, ratio: Values, used: Truth, snr: Values | None
    ) -> dict[str, Metric]:
        chosen = ratio[used]
        median, scatter, error = robust(chosen)
        n = len(chosen)
        outlying = float("nan")
        if n and scatter > 0:
            outlying = 100 * float(np.mean(np.abs(chosen - median) > OUTLYING * scatter))
        slope = float("nan")
        if snr is not None and n >= FEWEST and np.ptp(snr[used]):
            slope = float(np.polyfit(np.log10(snr[used]), chosen, 1)[0])
        metrics = {"pairs": Metric(n, "pairs compared", digits=0)}
        if self.is_flux:
            middle = float(np.exp(median))
            metrics |= {
                "ratio": Metric(middle, "median ratio, ours over theirs", digits=4),
                "ratio_error": Metric(error * middle, "error of the median ratio", digits=4),
                "ratio_scatter": Metric(scatter, "scatter of ln(ratio)", digits=4),
            }
        else:
            metrics |= {
                "difference": Metric(median, "median difference, ours minus theirs", "mmag", 1),
                "difference_error": Metric(error, "error of the median difference", "mmag", 1),
                "difference_scatter": Metric(scatter, "scatter of the difference", "mmag", 1),
            }
        if self.snr is not None:
            label = f"slope per factor of ten in {self.snr.title}"
            metrics["slope_snr"] = Metric(slope, label, self._shown.unit, 3)
        label = f"pairs over {number(OUTLYING)} times the scatter from the median"
        metrics["outliers_percent"] = Metric(outlying, label, "%", digits=2)
        if self.is_flux and self.frequency is not None and self._there.frequency is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                over = self._frequency_ratio(found)
                plain = ratio + (self.spectral_index or 0.0) * over
                alpha = np.where(over != 0, plain / over, np.nan)[used]
            middle, spread, _ = robust(alpha)
            metrics["spectral_index_median"] = Metric(middle, "median spectral index", digits=3)
            metrics["spectral_index_scatter"] = Metric(
                spread, "scatter of the spectral index", digits=3, shown=False
            )
        return metrics

    def _finding(self, found: PairColumns, chosen: Values) -> str:
        there = self.match.catalogue if self.match else "its counterparts"
        if not found.pairs.n:
            return f"{capital(no_pairs(found, there))}: there is nothing to compare."
        n = len(chosen)
        if not n:
            return f"None of {counted(found.pairs.n, 'pairs')} can be compared."
        median, scatter, error = robust(chosen)
        said = f"Of {counted(n, 'pairs')}" if n > 1 else "Of one pair"
        if not self.is_flux:
            digits = 1 if error < 10 else 0
            return (
                f"{said}, ours minus theirs is {number(median, digits)} ± {number(error, digits)} "
                f"mmag (median and its error), with a scatter of {number(scatter, digits)} mmag."
            )
        middle = float(np.exp(median))
        wide = max(error * middle, 1e-5)
        digits = int(np.clip(1 - np.floor(np.log10(wide)), 2, 5))
        return (
            f"{said}, the median ratio of ours to theirs is {number(middle, digits)} ± "
            f"{number(error * middle, digits)}, with a scatter of {percent(scatter)}."
        )

    def _sides(self, found: PairColumns) -> list[tuple[Column, Values, bool]]:
        """Return what ratios are drawn against: a column, its values, whether logarithmic."""
        sides = [(self.brightness, found.own[self.brightness.name], self.is_flux)]
        if self.snr is not None:
            sides = [(replace(self.snr, name="snr"), found.own[self.snr.name], True)]
        for each in self.against:
            if not isinstance(each, Column):
                column = Column("distance", "Distance from the centre of the field", "deg")
                sides.append((column, self._distance(found), False))
            elif self.snr is None or each.name != self.snr.name:  # that is drawn already
                sides.append((each, found.own[each.name], False))
        return sides

    def _figures(self, found: PairColumns, ratio: Values) -> list[Figure]:
        figures = [
            self._against(f"against_{place}", *side, ratio)
            for place, side in enumerate(self._sides(found), 1)
        ]
        return [each for each in figures if each is not None] + self._map(found, ratio)

    def _distance(self, found: PairColumns) -> Values:
        """Return how far each pair is from the middle of all, in degrees."""
        at = unit_vectors(found.own[self.ra.name], found.own[self.dec.name])
        middle = at.mean(axis=0)
        middle /= np.linalg.norm(middle) or 1.0
        return angle(np.linalg.norm(at - middle, axis=1)) / 3600

    def _linear(self, ratio: Values) -> Values:
        return np.exp(ratio) if self.is_flux else ratio

    def _against(
        self, figure_id: str, column: Column, x: Values, log: bool, ratio: Values
    ) -> Figure | None:
        good = np.isfinite(ratio) & np.isfinite(x) & ((x > 0) | (not log))
        if not good.any():
            return None
        x, y, unit = x[good], self._linear(ratio[good]), self._shown.unit
        course, of, title = Course.of(x, y), TableColumn.of, column.title
        log_y = self.is_flux and float(y.max()) > WIDE * float(y.min())
        columns = [
            of("low", course.low, column.unit),
            of("high", course.high, column.unit),
            of("median", course.median, unit),
            of("p16", course.p16, unit, "16 % are below"),
            of("p84", course.p84, unit, "84 % are below"),
            of("n", course.n),
        ]
        first, last = (number(float(end), 3) for end in (course.median[0], course.median[-1]))
        axes = column.axis, self._shown.axis
        drawing = draw_ratios(
            (x, y), course, axes, self._limits, self._shown.order, log=(log, log_y)
        )
        return Figure.of(
            figure_id,
            drawing,
            f"Against {title[:1].lower()}{title[1:]}"
            if column.name == "distance"
            else f"Against {title}",
            columns,
            alt=f"{counted(len(x), 'pairs')} against {title}: the running median goes from "
            f"{first} to {last}.",
            caption="Line: median in bins of equal number; band: the middle 68 % of each."
            + say_limits([exact(limit) for limit in self._limits], " of a check"),
            about=f"Running median against {title}",
        )

    def _map(self, found: PairColumns, ratio: Values) -> list[Figure]:
        """Return the map of cell medians, if there are at least two cells."""
        good = np.isfinite(ratio)
        ra, dec = (found.own[column.name][good] for column in (self.ra, self.dec))
        cells = CellMedians.of(ra, dec, ratio[good], ratio[good], fewest=FEWEST)
        if len(cells.n) < 2:
            return []
        values, of = self._linear(cells.east), TableColumn.of
        low, high = (number(float(end), 3) for end in (values.min(), values.max()))
        columns = [*cells.places(), of("median", values, self._shown.unit)]
        figure = Figure.of(
            "map",
            draw_ratio_map(cells.ra, cells.dec, values, self._shown.axis),
            "On the sky",
            [*columns, of("n", cells.n, description="pairs")],
            alt=f"Map of the median in {counted(len(values), 'cells')} on the sky, from {low} to "
            f"{high}.",
            caption=f"Medians of cells with {FEWEST} pairs or more.",
            about="Medians on the sky",
        )
        return [figure]


def _frequency(frequency: object, columns: dict[str, Values]) -> Values | float:
    """Return a frequency in MHz, of all or of each pair."""
    if isinstance(frequency, Column):
        return columns[frequency.name] * factor(frequency.unit, "MHz")
    return frequency.to("MHz")  # type: ignore[attr-defined,no-any-return]

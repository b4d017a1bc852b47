"""Flux densities or magnitudes against those of another catalogue."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from reportgen.analyses.base import Statistics
from reportgen.analyses.grouping import GroupsShown, small_multiples, with_groups
from reportgen.analyses.matching import MatchBlock, PairAnalysis, no_pairs, robust
from reportgen.analyses.methods import MEDIAN_ERROR, SCATTER
from reportgen.analyses.phrases import capital
from reportgen.analyses.plotting.axes import Line
from reportgen.analyses.plotting.ratios import Course, draw_ratio_map, draw_ratios
from reportgen.analyses.results import Figure, Metric, Section, Table, TableColumn
from reportgen.config.columns import Column
from reportgen.config.types import Block, BlockError, ColumnRef, Frequency, NotNegative, Real
from reportgen.config.unit_arithmetic import factor
from reportgen.reduce.base import Values
from reportgen.reduce.chunk import Truth
from reportgen.reduce.match import PairColumns, angle, unit_vectors
from reportgen.wording import counted, exact, listed, number, percent

FrequencyOrColumn = Annotated[Frequency | ColumnRef, Field(union_mode="left_to_right")]
OUTLYING = 5.0  # times the scatter from the median
WIDE = 4.0  # largest over smallest ratio, beyond which the axis is logarithmic
FEWEST = 10  # pairs for a slope, or a cell of the map


class FluxBlock(Block):
    """Brightness of the counterpart, and its frequency."""

    flux: ColumnRef | None = None
    """Its flux density."""
    magnitude: ColumnRef | None = None
    """Its magnitude, in place of flux."""
    frequency: FrequencyOrColumn | None = None
    """Its frequency, such as 1.4 GHz, or the column that has it."""


class FluxMatchBlock(FluxBlock, MatchBlock):
    """Another catalogue, which of its objects are the same as ours, and how bright these are."""


class FluxScale(PairAnalysis, name="flux_scale"):
    """Flux densities or magnitudes against those of another catalogue."""

    match: FluxMatchBlock | None = None
    """Another catalogue: {catalogue, radius, rule, flux or magnitude, frequency}."""
    matched: FluxBlock | None = None
    """Columns of a table that is matched already, in place of match: {flux or magnitude,
    frequency}."""
    flux: ColumnRef | None = None
    """Our flux density."""
    magnitude: ColumnRef | None = None
    """Our magnitude, in place of flux."""
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
        theirs, name = (self.match, "match") if self.match else (self.matched, "matched")
        assert theirs is not None  # noqa: S101 - validated before
        problems: dict[tuple[str | int, ...], str] = {}
        key = "magnitude" if self.flux is None else "flux"
        blocks: list[tuple[tuple[str, ...], Any]] = [((), self), ((name,), theirs)]
        for path, block in blocks:
            if (block.flux is None) == (block.magnitude is None):
                problems[(*path, "flux")] = "give flux: or magnitude:, one of them"
            elif getattr(block, key) is None:
                problems[path or (key,)] = f"ours is a {key}, so theirs must be one: {key}:"
        ours, other = getattr(self, key), getattr(theirs, key)
        if ours is not None and other is not None:
            problems |= _wrong_unit((name, key), other, ours, key)
        for path, frequency in (
            (("frequency",), self.frequency),
            ((name, "frequency"), theirs.frequency),
        ):
            if isinstance(frequency, Column):
                problems |= _wrong_unit(path, frequency, Column("MHz", unit="MHz"), "frequency")
        if self.spectral_index is not None and None in (self.frequency, theirs.frequency):
            problems["spectral_index",] = "needs frequency: of both catalogues"
        if problems:
            raise BlockError(problems)
        return self

    @property
    def _is_flux(self) -> bool:
        return self.flux is not None

    @property
    def _ours(self) -> Column:
        """Column of our flux density or magnitude."""
        found = self.flux or self.magnitude
        assert found is not None  # noqa: S101 - validated
        return found

    @property
    def _there(self) -> FluxBlock:
        found = self.match or self.matched
        assert found is not None  # noqa: S101 - validated
        return found

    @property
    def _theirs(self) -> Column:
        found = self._there.flux or self._there.magnitude
        assert found is not None  # noqa: S101 - validated
        return found

    @property
    def methods(self) -> tuple[str, ...]:
        """What it computes, and what to cite."""
        return (SCATTER, MEDIAN_ERROR)

    def reductions(self) -> Statistics:
        """Ask for what both say of each pair."""
        own = [self._ours, self.snr, self.frequency, *self.against]
        other = [self._theirs, self._there.frequency]
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
        name, unit = ("ratio", "") if self._is_flux else ("difference", "mmag")
        shown = Column(name, self._axis.partition(" [")[0], unit, self._ours.order)
        values = self._shown(np.where(used, ratio, np.nan))
        return with_groups(
            section, self.groups(found, (shown, values)) + self._of_each(found, ratio)
        )

    def _of_each(self, found: PairColumns, ratio: Values) -> list[GroupsShown]:
        """Return the running median of each group."""
        name, label, x, unit, log = self._sides(found)[0]
        good = np.isfinite(ratio) & np.isfinite(x) & ((x > 0) | (not log))
        chosen = {group: at[good[at]] for group, at in self.of_each(found).items()}

        def line(at: Any) -> Line:
            course = Course.of(x[at], self._shown(ratio[at]))
            return Line(name, self._ours.order, course.middle, course.median)

        panels = {group: [line(at)] for group, at in chosen.items() if len(at)}
        unit_y = "" if self._is_flux else "mmag"
        limits = self.check_limits("ratio" if self._is_flux else "difference", unit=unit_y)
        title = self._axis.partition(" [")[0]
        columns = Column(name, label.partition(" [")[0], unit), Column("median", title, unit_y)
        whole = [line(good)] if good.any() else []
        return small_multiples(self, panels, columns, whole, log=(log, False), limits=limits)

    def _ratio(self, found: PairColumns) -> Values:
        """Return ln(ours / theirs), or ours minus theirs in mmag; NaN where it is not defined."""
        ours, theirs = found.own[self._ours.name], found.other[self._theirs.name]
        if not self._is_flux:
            return 1000 * (ours - theirs)
        by = (
            1.0
            if self._theirs.unit == self._ours.unit
            else factor(self._ours.unit, self._theirs.unit)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(
                np.where(ours > 0, ours * by, np.nan) / np.where(theirs > 0, theirs, np.nan)
            )
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
        if self._is_flux:
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
        unit = "" if self._is_flux else "mmag"
        if self.snr is not None:
            label = f"slope per factor of ten in {self.snr.title}"
            metrics["slope_snr"] = Metric(slope, label, unit, 3)
        label = f"pairs over {number(OUTLYING)} times the scatter from the median"
        metrics["outliers_percent"] = Metric(outlying, label, "%", digits=2)
        if self._is_flux and self.frequency is not None and self._there.frequency is not None:
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
        if not self._is_flux:
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

    @property
    def _axis(self) -> str:
        if self._is_flux:
            return f"{self._ours.title}, ours over theirs"
        return f"{self._ours.title}, ours minus theirs [mmag]"

    def _sides(self, found: PairColumns) -> list[tuple[str, str, Values, str, bool]]:
        """Return what ratios are drawn against: name, axis, values, unit, whether logarithmic."""
        sides: list[tuple[str, str, Values, str, bool]] = []
        if self.snr is not None:
            sides.append(("snr", self.snr.axis, found.own[self.snr.name], self.snr.unit, True))
        else:
            own = found.own[self._ours.name]
            sides.append((self._ours.name, self._ours.axis, own, self._ours.unit, self._is_flux))
        for each in self.against:
            if isinstance(each, Column) and self.snr is not None and each.name == self.snr.name:
                continue  # it is drawn already
            if isinstance(each, Column):
                sides.append((each.name, each.axis, found.own[each.name], each.unit, False))
            else:
                label = "Distance from the centre of the field [°]"
                sides.append(("distance", label, self._distance(found), "deg", False))
        return sides

    def _figures(self, found: PairColumns, ratio: Values) -> list[Figure]:
        figures = [
            self._against(f"against_{place}", side, ratio)
            for place, side in enumerate(self._sides(found), 1)
        ]
        return [each for each in figures if each is not None] + self._map(found, ratio)

    def _distance(self, found: PairColumns) -> Values:
        """Return how far each pair is from the middle of all, in degrees."""
        at = unit_vectors(found.own[self.ra.name], found.own[self.dec.name])
        middle = at.mean(axis=0)
        middle /= np.linalg.norm(middle) or 1.0
        return angle(np.linalg.norm(at - middle, axis=1)) / 3600

    def _shown(self, ratio: Values) -> Values:
        return np.exp(ratio) if self._is_flux else ratio

    def _against(
        self, figure_id: str, side: tuple[str, str, Values, str, bool], ratio: Values
    ) -> Figure | None:
        name, label, x, unit, log = side
        good = np.isfinite(ratio) & np.isfinite(x) & ((x > 0) | (not log))
        if not good.any():
            return None
        x, y = x[good], self._shown(ratio[good])
        course = Course.of(x, y)
        log_y = self._is_flux and float(y.max()) > WIDE * float(y.min())
        of, of_y = TableColumn.of, "" if self._is_flux else "mmag"
        limits = self.check_limits("ratio" if self._is_flux else "difference", unit=of_y)
        columns = [
            of("low", course.low, unit),
            of("high", course.high, unit),
            of("median", course.median, of_y),
            of("p16", course.p16, of_y, "16 % are below"),
            of("p84", course.p84, of_y, "84 % are below"),
            of("n", course.n),
        ]
        named = listed([exact(limit) for limit in limits])
        which = "the limit" if len(limits) == 1 else "limits"
        drawn = f" Dashed: {which} of a check, {named}." if limits else ""
        ends = (number(float(end), 3) for end in (course.median[0], course.median[-1]))
        short = label.partition(" [")[0]
        return Figure(
            figure_id,
            draw_ratios(
                (x, y),
                course,
                (label, self._axis),
                limits,
                self._ours.order,
                log=(log, log_y),
            ),
            f"Against {short[:1].lower()}{short[1:]}" if name == "distance" else f"Against {short}",
            alt=f"{counted(len(x), 'pairs')} against {short}: the running median goes from "
            f"{next(ends)} to {next(ends)}.",
            caption="Line: median in bins of equal number; band: the middle 68 % of each." + drawn,
            data=Table(figure_id, f"Running median against {short}", columns, shown=False),
        )

    def _map(self, found: PairColumns, ratio: Values) -> list[Figure]:
        """Return the map of cell medians, if there are at least two cells."""
        good = np.isfinite(ratio)
        ra, dec = (found.own[column.name][good] for column in (self.ra, self.dec))
        if not len(ra):
            return []
        from reportgen.analyses.plotting.offsets import CellMedians

        cells = CellMedians.of(ra, dec, ratio[good], ratio[good], fewest=FEWEST)
        if len(cells.n) < 2:
            return []
        values, of = self._shown(cells.east), TableColumn.of
        columns = [
            of("ra", cells.ra % 360, "deg", "middle of the cell"),
            of("dec", cells.dec, "deg", "middle of the cell"),
            of("median", values, "" if self._is_flux else "mmag"),
            of("n", cells.n, description="pairs"),
        ]
        low, high = (number(float(end), 3) for end in (values.min(), values.max()))
        figure = Figure(
            "map",
            draw_ratio_map(cells.ra, cells.dec, values, self._axis),
            "On the sky",
            alt=f"Map of the median in {counted(len(values), 'cells')} on the sky, from {low} to "
            f"{high}.",
            caption=f"Medians of cells with {FEWEST} pairs or more.",
            data=Table("map", "Medians on the sky", columns, shown=False),
        )
        return [figure]


def _wrong_unit(
    path: tuple[str | int, ...], column: Column, like: Column, key: str
) -> dict[tuple[str | int, ...], str]:
    """Return what is wrong with the unit of a column that is compared with another, by its key."""
    if not (column.is_known and like.is_known) or key == "magnitude":
        return {}
    try:
        factor(column.unit, like.unit)
    except (ValueError, TypeError):
        units = [
            f"has the unit {each.symbol}" if each.unit else "has no unit" for each in (column, like)
        ]
        beside = (
            f"and {like.name} {units[1]}" if key == "flux" else f"where {like.symbol} is needed"
        )
        said = f"columns: {{{column.name}: {{unit: …}}}} of the catalogue sets it"
        return {path: f"{column.name} {units[0]}, {beside}; {said}"}
    return {}


def _frequency(frequency: object, columns: dict[str, Values]) -> Values | float:
    """Return a frequency in MHz, of all or of each pair."""
    if isinstance(frequency, Column):
        return columns[frequency.name] * factor(frequency.unit, "MHz")
    return frequency.to("MHz")  # type: ignore[attr-defined,no-any-return]

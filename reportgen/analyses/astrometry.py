"""Positions against those of another catalogue: offsets, their scatter, and what chance matches."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydantic import Field

from reportgen.analyses.base import Statistics
from reportgen.analyses.grouping import GroupsShown, small_multiples, with_groups
from reportgen.analyses.matching import PairAnalysis, PositionBlock, no_pairs, robust
from reportgen.analyses.methods import MEDIAN_ERROR, SCATTER
from reportgen.analyses.phrases import capital
from reportgen.analyses.plotting.axes import Line, draw_limits
from reportgen.analyses.plotting.offsets import (
    CellMedians,
    Plane,
    draw_arrows,
    draw_offsets,
    draw_separations,
)
from reportgen.analyses.results import Figure, Metric, Section, TableColumn, edge_columns
from reportgen.config.columns import Column
from reportgen.config.types import ColumnRef
from reportgen.config.unit_arithmetic import factor
from reportgen.reduce.base import Values
from reportgen.reduce.match import PairColumns, Pairs, offsets
from reportgen.wording import counted, exact, listed, number, percent

FEWEST_IN_CELL = 5
MOST_POINTS = 3000  # that are drawn, and listed, one by one
BINS = 30  # of separations
FEWEST_FOR_SLOPE = 10
UNIT = "arcsec"
ARCSEC = Column("", unit=UNIT)


class Astrometry(PairAnalysis, name="astrometry", methods=(SCATTER, MEDIAN_ERROR)):
    """Offsets of positions from those of another catalogue, ours minus theirs."""

    matched: PositionBlock | None = None
    """Columns of the counterpart in a table that is matched already, in place of match:
    {ra, dec}."""
    errors: tuple[ColumnRef, ...] = Field(default=(), max_length=2)
    """Columns of our errors in right ascension (times cos δ) and declination, for pulls."""

    def reductions(self) -> Statistics:
        """Ask for the pairs, and for those that chance makes."""
        return {"found": self.pairs(self.errors, ()), **self.chance()}

    def present(self, found: PairColumns, **chance: Pairs) -> Section:
        """Say how far positions are off, and draw it."""
        pairs, inside = found.pairs, found.pairs.rows - found.pairs.outside
        own = found.own[self.ra.name], found.own[self.dec.name]
        assert self.there is not None  # noqa: S101 - both ways to match have positions
        other = found.other[self.there[0].name], found.other[self.there[1].name]
        offset = Offsets(other, *offsets(own, other), pairs.separation)
        by_chance = float("nan")
        if chance and inside:
            by_chance = 100 * float(np.mean([each.n / inside for each in chance.values()]))
        notes = [*_steps(own, "Our"), *_steps(other, "Their")]
        if pairs.outside:
            said = f"Outside of what {self._counterparts} covers: "
            notes.insert(0, f"{said}{counted(pairs.outside, 'objects')}.")
        metrics = self._counts(pairs, by_chance) | _metrics(offset)
        section = Section(
            findings=self._findings(found, offset, by_chance),
            metrics=metrics | self._pulls(found, offset),
            figures=self._figures(offset, by_chance * inside / 100) if pairs.n else [],
            rows=pairs.rows,
            notes=notes,
        )
        axes = ("ra", "east", offset.east), ("dec", "north", offset.north)
        groups = self.groups(
            found,
            *(
                (Column(f"offset_{name}", f"Offset to the {side}", UNIT), values)
                for name, side, values in axes
            ),
        )
        return with_groups(section, groups + self._of_each(found, offset))

    @property
    def _counterparts(self) -> str:
        return self.match.catalogue if self.match else "its counterparts"

    def _of_each(self, found: PairColumns, offset: "Offsets") -> list[GroupsShown]:
        """Return histograms of the offsets of each group."""
        if not found.pairs.n:
            return []
        half = Plane.of(offset.east, offset.north, []).half
        edges = np.linspace(-half, half, BINS + 1)
        sides = ("to the east", 0, offset.east), ("to the north", 1, offset.north)
        panels = {
            group: [
                Line(side, order, edges, 100 * np.histogram(values[at], edges)[0] / len(at))
                for side, order, values in sides
            ]
            for group, at in self.of_each(found).items()
        }
        across = Column("offset", "Offset, ours minus theirs", UNIT)
        return small_multiples(self, panels, (across, Column("offsets", "Pairs of each", "%")))

    def _counts(self, pairs: Pairs, by_chance: float) -> dict[str, Metric]:
        inside = pairs.rows - pairs.outside
        share, unmatched, ambiguous = (
            (100 * pairs.n / inside, inside - pairs.n, pairs.ambiguous) if inside else (np.nan,) * 3
        )
        found = {
            "matched": Metric(pairs.n, "matched", digits=0),
            "matched_percent": Metric(share, "matched", "%", digits=1),
            "unmatched": Metric(unmatched, "without a counterpart", digits=0),
        }
        if self.match is not None:
            several = "with more than one object within the radius"
            found["ambiguous"] = Metric(ambiguous, several, digits=0)
            found["chance_percent"] = Metric(by_chance, "matched by chance", "%", digits=2)
        return found

    def _pulls(self, found: PairColumns, offset: "Offsets") -> dict[str, Metric]:
        pulls: dict[str, Metric] = {}
        sides = zip(("ra", "dec"), (offset.east, offset.north), self.errors, strict=False)
        for name, values, column in sides:
            errors = found.own[column.name] * factor(column.unit or UNIT, UNIT)
            with np.errstate(divide="ignore", invalid="ignore"):
                pull = np.where(errors > 0, values / errors, np.nan)
            label = f"scatter in units of {column.title}"
            pulls[f"pull_{name}"] = Metric(robust(pull)[1], label, digits=3)
        return pulls

    def _findings(self, found: PairColumns, offset: "Offsets", by_chance: float) -> list[str]:
        if not found.pairs.n:
            nothing = capital(no_pairs(found, self._counterparts))
            return [f"{nothing}: there is nothing to compare."]
        (east, wide, _), (north, high, _), digits = offset.ra, offset.dec, offset.digits
        towards = " and ".join(
            f"{number(abs(value), digits)}″ "
            + (f"to the {names[value < 0]}" if round(value, digits) else f"in {along}")
            for value, names, along in (
                (east, ("east", "west"), "right ascension"),
                (north, ("north", "south"), "declination"),
            )
        )
        said = [
            f"{capital(self.how_paired(found))}; their median offset is {towards}, with a scatter "
            f"of {number(wide, digits)}″ and {number(high, digits)}″."
        ]
        if np.isfinite(by_chance):
            share = percent(by_chance / 100)
            said.append(f"With positions shifted by over ten radii, chance alone matches {share}.")
        return said

    def _figures(self, offset: "Offsets", by_chance: float) -> list[Figure]:
        cells = CellMedians.of(*offset.other, offset.east, offset.north, fewest=FEWEST_IN_CELL)
        figures = [self._plane(offset), self._separations(offset, by_chance)]
        return figures if len(cells.n) < 2 else [*figures, self._arrows(cells)]

    def _plane(self, offset: "Offsets") -> Figure:
        east, north, of = offset.east, offset.north, TableColumn.of
        limits = [limit for limit in self.check_limits("offset", unit=UNIT) if limit > 0]
        sides = [self.check_limits(name, unit=UNIT) for name in ("offset_ra", "offset_dec")]
        plane = Plane.of(east, north, [*limits, *np.abs(np.concatenate(sides))])
        medians = offset.ra[0], offset.dec[0]
        there = f"{number(medians[0], 3)}″ to the east and {number(medians[1], 3)}″ to the north"
        few = len(east) <= MOST_POINTS
        if few:
            columns = [
                of("ra", offset.other[0], "deg", "of the counterpart"),
                of("dec", offset.other[1], "deg", "of the counterpart"),
                of("east", east, UNIT, "ours minus theirs"),
                of("north", north, UNIT, "ours minus theirs"),
                of("separation", offset.separation, UNIT),
            ]
        else:
            edges, counts = plane.counts.x, plane.counts.counts
            row, column = np.nonzero(counts)
            columns = [
                of("east_low", edges[column], UNIT),
                of("east_high", edges[column + 1], UNIT),
                of("north_low", edges[row], UNIT),
                of("north_high", edges[row + 1], UNIT),
                of("n", counts[row, column], description="cells with 0 left out"),
            ]
        caption = "Ours minus theirs, east to the left; cross: medians."
        if limits:
            named = listed([f"{exact(limit)}″" for limit in limits])
            caption += f" Dashed: the limit of a check, {named}."
        drawing = draw_offsets(
            plane, (east, north) if few else None, medians, limits, self.ra.order
        )
        for along, ends, side in zip(("x", "y"), sides, ("east", "north"), strict=True):
            of_side = f" of the checks to the {side}"
            caption += draw_limits(drawing.axes[0], ends, ARCSEC, along, of=of_side)  # type: ignore[arg-type]
        if plane.outside:
            caption += f" Outside the frame: {counted(plane.outside, 'pairs')}."
        return Figure.of(
            "offsets",
            drawing,
            "Offsets",
            columns,
            alt=f"Offsets of {counted(len(east), 'pairs')} in a square of ±{number(plane.half)}″. "
            f"Their median is at {there}.",
            caption=caption,
            about="Offsets, ours minus theirs",
            position=("ra", "dec") if few else None,
        )

    def _separations(self, offset: "Offsets", by_chance: float) -> Figure:
        separation = offset.separation
        radius = float(separation.max()) or 1.0
        if self.match is not None:
            radius = self.match.radius.to(UNIT)
        # Far fewer are in the outer part of a wide radius than would be seen.
        most = min(radius, 2 * float(np.quantile(separation, 0.95)) or radius)
        edges = np.linspace(0.0, most, BINS + 1)
        counts = np.histogram(separation, edges)[0]
        # About the medians, offsets of normal errors have Rayleigh's distribution.
        sigma = float(np.hypot(offset.ra[1], offset.dec[1])) / np.sqrt(2)
        curves, of = [], TableColumn.of
        columns = [*edge_columns(edges, UNIT), of("n", counts)]
        fine = np.linspace(0.0, most, 200)
        if sigma > 0:
            expected = len(separation) * np.diff(-np.exp(-((edges / sigma) ** 2) / 2))
            smooth = (
                len(separation) * edges[1] * fine / sigma**2 * np.exp(-((fine / sigma) ** 2) / 2)
            )
            curves.append(Line("Rayleigh", 0, fine, smooth))
            columns.append(of("rayleigh", expected, description="of normal errors alone"))
        if np.isfinite(by_chance):
            expected = by_chance * np.diff(edges**2) / radius**2
            curves.append(Line("By chance", 1, fine, 2 * by_chance * edges[1] * fine / radius**2))
            columns.append(of("chance", expected, description="as where positions are moved"))
        half, high = (float(q) for q in np.quantile(separation, (0.5, 0.95)))
        said = (
            f"Half of them are closer than {number(half, 3)}″ and 95 % closer than "
            f"{number(high, 3)}″."
        )
        beyond = len(separation) - int(counts.sum())
        drawing = draw_separations(edges, counts, curves, self.ra.order)
        limits = self.check_limits("separation_median", "separation_95", unit=UNIT)
        limit = draw_limits(drawing.axes[0], limits, ARCSEC)
        about = "Rayleigh: normal errors with the scatter of the offsets and no offset."
        shifted = "By chance: pairs that are found with positions shifted."
        notes = [
            about if sigma > 0 else "",
            "" if self.match is None else shifted,
            f"Beyond the figure: {counted(beyond, 'pairs')}." if beyond else "",
            limit.strip(),
        ]
        return Figure.of(
            "separations",
            drawing,
            "Separations",
            columns,
            alt=f"Histogram of the separations of {counted(len(separation), 'pairs')} up to "
            f"{number(most)}″. {said}",
            caption=" ".join(each for each in notes if each) or said,
            about="Separations of pairs",
        )

    def _arrows(self, cells: CellMedians) -> Figure:
        of, place = TableColumn.of, int(np.argmax(cells.size))
        columns = [
            *cells.places(),
            of("east", cells.east, UNIT, "median"),
            of("north", cells.north, UNIT, "median"),
            of("n", cells.n, description="pairs"),
        ]
        largest = number(float(cells.size[place]), 3)
        return Figure.of(
            "arrows",
            draw_arrows(cells, self.ra.order),
            "Offsets on the sky",
            columns,
            alt=f"Arrows of the median offset in {counted(len(cells.n), 'cells')}; the longest is "
            f"{largest}″ near RA {number(float(cells.ra[place] % 360), 2)}°, "
            f"Dec {number(float(cells.dec[place]), 2)}°.",
            caption=f"Medians of cells with {FEWEST_IN_CELL} pairs or more; the longest arrow "
            f"stands for {largest}″.",
            about="Median offsets on the sky",
            position=("ra", "dec"),
        )


@dataclass(frozen=True)
class Offsets:
    """Offsets of pairs in arcseconds, (n,) each. other: positions of the counterparts, degrees."""

    other: tuple[Values, Values]
    east: Values
    north: Values
    separation: Values

    @cached_property
    def ra(self) -> tuple[float, float, float]:
        """Median to the east, scatter, and error of the median."""
        return robust(self.east)

    @cached_property
    def dec(self) -> tuple[float, float, float]:
        """Median to the north, scatter, and error of the median."""
        return robust(self.north)

    @property
    def digits(self) -> int:
        """Decimals that the errors of the medians leave."""
        error = max(self.ra[2], self.dec[2])
        return 2 if not error > 0 else int(np.clip(1 - np.floor(np.log10(error)), 0, 6))


def _metrics(offset: Offsets) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    digits, dec, separation = offset.digits, offset.other[1], offset.separation
    sides = ("ra", "right ascension", offset.ra), ("dec", "declination", offset.dec)
    for name, along, (median, scatter, error) in sides:
        of_error = f"error of the median in {along}"
        found |= {
            f"offset_{name}": Metric(median, f"median offset in {along}", UNIT, digits),
            f"scatter_{name}": Metric(scatter, f"scatter in {along}", UNIT, digits),
            f"offset_{name}_error": Metric(error, of_error, UNIT, digits, shown=False),
        }
    size = float(np.hypot(offset.ra[0], offset.dec[0]))
    half, most = np.quantile(separation, (0.5, 0.95)) if len(dec) else (np.nan, np.nan)
    slope = float("nan")
    if len(dec) >= FEWEST_FOR_SLOPE and np.ptp(dec):
        slope = float(np.polyfit(dec - dec.mean(), offset.north, 1)[0])
    label = "change of the offset in declination per degree of declination"
    return found | {
        "offset": Metric(size, "size of the median offset", UNIT, digits),
        "separation_median": Metric(float(half), "median separation", UNIT, digits),
        "separation_95": Metric(float(most), "95 % of separations are below", UNIT, digits),
        "gradient_dec": Metric(slope, label, "arcsec / deg", shown=False),
    }


def _steps(position: tuple[Values, ...], whose: str) -> list[str]:
    """Say how coarse right ascensions are that were stored as float32."""
    if not position or len(position[0]) < FEWEST_FOR_SLOPE:
        return []
    ra = position[0]
    is_single = (ra.astype(np.float32) == ra).all() and (ra * 1024 % 1 != 0).any()
    if not is_single:
        return []
    step = 3600 * float(np.spacing(np.float32(np.abs(ra).max())))
    return [f"{whose} right ascensions have 32 bits each, in steps of up to {number(step, 3)}″."]

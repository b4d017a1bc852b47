"""Images of the rows that stand out most, as a contact sheet."""

import warnings
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from reportgen.analyses.base import CutoutAnalysis, Statistics
from reportgen.analyses.matching import MatchBlock, match_problems, matching
from reportgen.analyses.methods import ASINH, WORLD_COORDINATES
from reportgen.analyses.plotting.image import Stretch
from reportgen.analyses.plotting.sheet import draw_sheet
from reportgen.analyses.results import Figure, Metric, Section, Table, TableColumn
from reportgen.config.columns import Column
from reportgen.config.expressions import both, parse
from reportgen.config.problems import shortened
from reportgen.config.types import (
    CATALOGUES_OWN,
    Angle,
    AnyColumnRef,
    BlockError,
    ColumnRef,
    Count,
    DecIfAny,
    Index,
    RaIfAny,
)
from reportgen.reduce.counts import CountRows
from reportgen.reduce.cutouts import Cutouts, CutoutsWanted, Spot
from reportgen.reduce.match import MatchedColumns, PairColumns
from reportgen.reduce.scores import Extreme, ExtremeRows
from reportgen.wording import count, counted, exact, listed, number

CANDIDATES = 20  # rows that are looked at for each that is shown, as some may have no image
MOST_NAMED = 12  # rows in the alternative text
LARGE = 120  # arcseconds, from which a width is told in arcminutes


class Gallery(CutoutAnalysis, name="gallery"):
    """Cut-outs of images of the rows in which a number is largest, or farthest from a match."""

    rank: ColumnRef | None = None
    """Number by which rows are chosen, such as a residual or the score of a wrong class (the rows
    of the other class are a matter of where)."""
    match: MatchBlock | None = None
    """Another catalogue, in place of rank: the pairs that are farthest apart are shown. As in
    astrometry: {catalogue, radius, ra, dec, where, rule}."""
    order: Literal["size", "largest", "smallest"] = "size"
    """Which rows come first: those of the largest rank, whatever its sign, or by value."""
    shown: Annotated[Count, Field(le=60)] = 12
    """How many rows to show."""
    image: ColumnRef | None = None
    """Column with the number of each row's image, counted from 0. When not given, images are cut
    at the positions of rows by their WCS; a stack without one has an image for each row."""
    size: Angle | None = None
    """Side of a cut-out, such as 30 arcsec; the whole image when not given."""
    ra: RaIfAny = CATALOGUES_OWN
    """Right ascension in degrees; the catalogue's when not given."""
    dec: DecIfAny = CATALOGUES_OWN
    """Declination in degrees; the catalogue's when not given."""
    label: AnyColumnRef | None = None
    """Column that names rows, such as an identifier; their numbers when not given."""
    channel: Index = 0
    """Which channel of images in colour, counted from 0."""
    stretch: Stretch = "asinh"
    """How brightness becomes colour."""

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> "Gallery":
        if (self.rank is None) == (self.match is None):
            raise ValueError("give rank: (a column) or match: (another catalogue), one of them")
        problems = match_problems(self, "match")
        for name, column in (("ra", self.ra), ("dec", self.dec)):
            if self.match is not None and column is None:
                problems[name,] = "which column it is, is not known: name it"
        if problems:
            raise BlockError(problems)
        return self

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The catalogue, the one it is matched with, and the images."""
        own, images = super().sources
        return (own, *([("catalogues", self.match.catalogue)] if self.match else []), images)

    @property
    def quantity(self) -> Column:
        """What rows are chosen by."""
        if self.rank is not None:
            return self.rank
        assert self.match is not None  # noqa: S101 - one of them is given
        return Column("separation", f"Separation from {self.match.catalogue}", "arcsec")

    @property
    def methods(self) -> tuple[str, ...]:
        """What it computes, and what to cite."""
        return (ASINH, WORLD_COORDINATES) if self.stretch == "asinh" else (WORLD_COORDINATES,)

    def reductions(self) -> Statistics:
        """Ask for the rows that stand out, with their positions and images."""
        given = (self.ra, self.dec, self.image, self.label)
        columns = tuple(dict.fromkeys(column.name for column in given if column is not None))
        if self.match is not None and self.ra is not None and self.dec is not None:
            there = self.match.ra.name, self.match.dec.name
            pairs = matching(self.ra, self.dec, self.match, self.where)
            return {"found": MatchedColumns(pairs, columns, there)}
        name, condition = self.quantity.name, parse(f"valid({self.quantity.name})")
        if self.image is not None:
            condition = parse(f"{condition} and valid({self.image.name})")
        where = both(self.where, condition)
        by = f"abs({name})" if self.order == "size" else name
        rows, columns = CANDIDATES * self.shown, tuple(dict.fromkeys((name, *columns)))
        most = ExtremeRows(by, rows, self.order != "smallest", where, columns)
        return {"rows": CountRows(where), "found": most}

    def chosen(self, found: Extreme | PairColumns) -> Extreme:
        """Return the rows that stand out, those that do most first, by what they are chosen by."""
        if isinstance(found, Extreme):
            return Extreme(found.rows, found.others[self.quantity.name], found.others)
        separation = found.pairs.separation
        first = np.argsort(separation if self.order == "smallest" else -separation, kind="stable")[
            : CANDIDATES * self.shown
        ]
        own = {name: values[first] for name, values in found.own.items()}
        return Extreme(found.pairs.row[first], separation[first], own)

    def cutouts(self, found: Extreme | PairColumns, **_: Any) -> CutoutsWanted:
        """Return where the rows that stand out are in the images."""
        rows, n = self.chosen(found), len(self.chosen(found).rows)
        ra, dec, image = (
            np.full(n, np.nan) if column is None else rows.others[column.name]
            for column in (self.ra, self.dec, self.image)
        )
        numbers = [None] * n if self.image is None else _numbers(image)
        spots = zip(rows.rows.tolist(), ra.tolist(), dec.tolist(), numbers, strict=True)
        marks: list[tuple[float, float]] = []
        if isinstance(found, PairColumns) and self.match is not None:
            place = np.searchsorted(found.pairs.row, rows.rows)
            there = (found.other[each.name][place] for each in (self.match.ra, self.match.dec))
            marks = list(zip(*(each.tolist() for each in there), strict=True))
        size = None if self.size is None else self.size.to("arcsec")
        found_at = tuple(Spot(*spot) for spot in spots)
        return CutoutsWanted(found_at, self.shown, size, self.channel, marks=tuple(marks))

    def present(
        self, found: Extreme | PairColumns, cutouts: Cutouts, rows: int | None = None
    ) -> Section:
        """Show the images of the rows that stand out."""
        chosen, quantity = self.chosen(found), self.quantity
        if isinstance(found, PairColumns):
            rows = found.pairs.n
        assert rows is not None  # noqa: S101 - counted, if they are not pairs
        of = "pairs" if self.match is not None else "rows"
        place = np.array([each.spot for each in cutouts.found], dtype=int)
        numbers, values = chosen.rows[place], chosen.values[place]
        metrics = {
            "extreme": Metric(
                float(values[0]) if len(values) else np.nan,
                f"{quantity.title} of the row that stands out most",
                quantity.unit,
            ),
            "shown": Metric(len(values), "images shown", digits=0, shown=False),
            "without_image": Metric(cutouts.without, "passed over without an image", digits=0),
        }
        notes = []
        if cutouts.without:
            notes.append(f"Passed over, as no image shows them: {counted(cutouts.without, of)}.")
        where = "" if self.where is None else f" where {shortened(str(self.where), 60)}"
        if not len(values):
            nothing = f"None of {counted(len(chosen.rows), of)} that stand out has an image"
            if not rows:
                nothing = f"There are no {of}{where}"
            return Section(
                [f"{nothing}: there is nothing to show."], metrics, rows=rows, notes=notes
            )
        said = [quantity.quantity(number(value)) for value in values.tolist()]
        kind = self.order if self.order != "size" else "largest"
        by = " by size" if self.order == "size" and values.min() < 0 else ""
        finding = (
            f"{quantity.title}: the {kind}{by} of {counted(rows, of)}{where} is {said[0]}, in row "
            f"{count(int(numbers[0]))}"
        )
        if len(values) > 1:
            finding += f"; the last of the {count(len(values))} that are shown has {said[-1]}"
        figure = self._figure(cutouts, chosen, place, said)
        return Section([f"{finding}."], metrics, [figure], rows=rows, notes=notes)

    def _figure(
        self, cutouts: Cutouts, chosen: Extreme, place: NDArray[np.intp], said: Sequence[str]
    ) -> Figure:
        found, numbers, quantity = cutouts.found, chosen.rows[place], self.quantity
        names = [f"row {count(row)}" for row in numbers.tolist()]
        titles, titled = [count(row) for row in numbers.tolist()], "row"
        if self.label is not None:
            labels = list(map(_text, chosen.others[self.label.name][place].tolist()))
            names = [label or name for label, name in zip(labels, names, strict=True)]
            titles, titled = names, self.label.title
        places = [each.at for each in found] if self.image is None else []
        marks = [each.mark for each in found]
        tiles = [each.pixels for each in found]
        what = f"{counted(len(found), 'images')}, {cutouts.images.title}{_width(found[0].arcsec)}"
        each = [f"{name} ({value})" for name, value in zip(names, said, strict=True)]
        caption = (
            f"{what}. Above each: {titled} · {quantity.axis}. Each has a scale of its own "
            f"({self.stretch}); blank pixels have none."
        )
        if places:
            caption += " Lines point at the position in the catalogue."
        if any(np.isfinite(mark).all() for mark in marks):
            caption += f" Rings: counterparts in {self.match.catalogue if self.match else ''}."
        return Figure(
            "gallery",
            draw_sheet(
                tiles,
                titles,
                list(map(number, chosen.values[place].tolist())),
                self.stretch,
                places=places,
                marks=marks,
            ),
            f"Images by {quantity.title}",
            alt=f"Contact sheet of {what}, by {quantity.title}: {listed(each, MOST_NAMED)}.",
            caption=caption,
            data=self._table(cutouts, chosen, place),
            width="full",
        )

    def _table(self, cutouts: Cutouts, chosen: Extreme, place: NDArray[np.intp]) -> Table:
        of, unit, tiles = TableColumn.of, cutouts.images.unit, cutouts.found
        columns = [of("row", chosen.rows[place], "", "counted from 0")]
        if self.label is not None:
            labels = chosen.others[self.label.name][place]
            is_text = self.label.kind == "text"
            columns.append(of(self.label.name, list(map(_text, labels)) if is_text else labels))
        quantity = self.quantity
        columns.append(of(quantity.name, chosen.values[place], quantity.unit, title=quantity.title))
        for column in (self.ra, self.dec):
            if column is not None:
                values = chosen.others[column.name][place]
                columns.append(of(column.name, values, column.unit, digits=5))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a cut-out that is blank
            low, high = ([float(f(each.pixels)) for each in tiles] for f in (np.nanmin, np.nanmax))
        columns += [
            of("image", [each.image for each in tiles], "", "counted from 0"),
            of("lowest", low, unit, "value in the cut-out"),
            of("highest", high, unit, "value in the cut-out"),
        ]
        ra, dec = self.ra, self.dec
        return Table(
            "gallery",
            f"Rows that are shown, by {self.quantity.title}",
            columns,
            position=(ra.name, dec.name) if ra is not None and dec is not None else None,
        )


def _width(arcsec: float) -> str:
    if not arcsec > 0:
        return ""
    wide = f"{number(arcsec / 60)}′" if arcsec >= LARGE else f"{number(arcsec)}″"
    return f", each {wide} wide"


def _numbers(values: NDArray[Any]) -> list[int | None]:
    """Return numbers of images; -1, which no image has, for what is no whole number."""
    return [int(each) if each == int(each) else -1 for each in values.tolist()]


def _text(label: object) -> str:
    """Return a label as text, empty where it is missing."""
    if isinstance(label, str):
        return label.strip()
    if isinstance(label, float):
        return "" if np.isnan(label) else exact(label)
    return str(label)

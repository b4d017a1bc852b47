"""The sources of a report: ``catalogues:``, ``images:`` and ``models:`` of the YAML."""

import re
from collections.abc import Iterable
from dataclasses import replace
from keyword import iskeyword
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from reportgen.config.columns import RANDOM, Column, Images, Model, unit_problem
from reportgen.config.problems import KeyPath
from reportgen.config.types import (
    Block,
    BlockError,
    Count,
    FilePath,
    FilePaths,
    Formula,
    Index,
    Mark,
    Name,
    Positive,
    Size,
    Text,
)


def _unit(text: str) -> str:
    if problem := unit_problem(text):
        raise ValueError(problem)
    return text


def _column_name(name: str) -> str:
    if not name.isidentifier():
        said = f"the column name {name!r} must be letters, digits and _ (selections use it)"
        raise ValueError(said)
    if iskeyword(name):
        said = f"a column cannot be called {name!r}, which selections could not use"
        raise ValueError(f"{said}; call it {name.lower()}_")
    return name


Unit = Annotated[str, AfterValidator(_unit)]
ColumnName = Annotated[str, AfterValidator(_column_name)]


Frame = Literal["icrs", "fk5", "fk4", "galactic", "ecliptic", "supergalactic"]

PLACES = ("file", "dataset", "index", "field")
"""Keys that say where a column is."""


class ColumnBlock(Block):
    """One column: where its numbers are and what they mean."""

    file: FilePaths | None = None
    """File of the column, or a list of files; the catalogue's when not given."""
    dataset: Text | None = None
    """Table within the file; the catalogue's when not given."""
    index: Index | None = None
    """Which value, counted from 0, where a row has several: column of a 2-D dataset."""
    field: Text | None = None
    """What the file calls the column; its name here when not given."""
    unit: Unit | None = None
    """Unit as astropy reads it, such as uJy, deg or mag, in place of the file's; empty for a
    dimensionless quantity."""
    label: Text | None = None
    """What axes and sentences call it, in place of the file's description or name."""
    missing: tuple[Mark, ...] | None = None
    """Numbers that stand for a missing value; the catalogue's when not given."""
    mask: Text | None = None
    """Column of the same table that is true where the value is missing, besides what the file
    itself says."""
    expression: Formula | None = None
    """What it is computed by, in place of a file: int_flux / peak_flux, mag(flux_36). The unit is
    that of the result; one that is given must measure the same."""

    @model_validator(mode="after")
    def _is_read_or_computed(self) -> "ColumnBlock":
        keys = [key for key in (*PLACES, "missing", "mask") if getattr(self, key) is not None]
        if self.expression is not None and keys:
            said = "a computed column is read from no file: leave out this key, or expression"
            raise BlockError({(key,): said for key in keys})
        return self

    @property
    def says_where(self) -> bool:
        """Whether it names its place, and does not just add to what a file says."""
        return any(getattr(self, key) is not None for key in PLACES)


class CatalogueBlock(Block):
    """A row-aligned table, whose columns may come from several files."""

    title: Text | None = None
    """What the catalogue holds, in words."""
    file: FilePaths | None = None
    """File of the columns that name none: a table in any format that reportgen reads, by its path
    or its address (https, s3). A list of files, or a pattern such as night_*.fits, stands for one
    table of the rows of all."""
    dataset: Text | None = None
    """Table within the file, of the columns that name none: HDF5 dataset or group, FITS extension,
    VOTable; the only one when not given."""
    missing: tuple[Mark, ...] = ()
    """Numbers that stand for a missing value in every column that names none."""
    exact_rows: Count = 1_000_000
    """Number of rows up to which everything is exact. Beyond it quantiles, curves and ranks are
    approximate, to the fraction that the section says, and memory does not grow with the rows."""
    memory: Size | None = None
    """Without effect: exact_rows, which takes its place, says what is exact."""
    columns: dict[ColumnName, ColumnBlock] = Field(default_factory=dict)
    """The columns, by the names that sections use; when not given, every column that the table
    has. Where none of them says where it is, they change or add to those of the table."""
    others: bool | None = None
    """Whether columns of the table that are not listed are there too; when not given, they are
    unless a listed one says where it is (file, dataset, field or index)."""
    ra: ColumnName | None = None
    """Right ascension, or the longitude of another frame; found by UCD or name when not given."""
    dec: ColumnName | None = None
    """Declination, or the latitude of another frame; found by UCD or name when not given."""
    frame: Frame | None = None
    """Of the positions: fk5 is of J2000, fk4 of B1950, ecliptic the mean one of J2000. When not
    given, what UCDs or names of the columns say, else icrs."""

    @model_validator(mode="after")
    def _every_column_has_a_file(self) -> "CatalogueBlock":
        if self.file is not None:
            return self
        if not self.columns:
            raise ValueError("the catalogue has no file and no columns")
        problems: dict[KeyPath, str] = {
            ("columns", name): "the column has no file, nor has the catalogue"
            for name, column in self.columns.items()
            if column.file is None and column.expression is None
        }
        if all(column.expression is not None for column in self.columns.values()):
            raise ValueError("the catalogue has no file, and no column that is in one")
        if problems:
            raise BlockError(problems)
        return self

    @property
    def in_files(self) -> dict[str, ColumnBlock]:
        """The listed columns that are not computed."""
        return {n: column for n, column in self.columns.items() if column.expression is None}

    @property
    def takes_others(self) -> bool:
        """Whether columns of the table that are not listed are there too."""
        listed = any(column.says_where for column in self.columns.values())
        return self.file is not None and (not listed if self.others is None else self.others)

    def described(self) -> dict[str, Column] | None:
        """Return columns as analyses see them, by the YAML alone; None when there may be others."""
        if self.takes_others:
            return None
        return numbered(
            Column(name, block.label or name, block.unit or "", is_known=block.unit is not None)
            for name, block in self.columns.items()
        )


BANDS = {
    band: place
    for bands in ("u g r i z y", "J H K", "J H Ks", "W1 W2 W3 W4", "3.6 4.5 5.8 8.0 24 70")
    for place, band in enumerate(bands.split())
}
"""Filters, and wavelengths in micrometres, with the place that gives each its colour."""


def numbered(
    columns: Iterable[Column], known: dict[tuple[str, bool, str], int] | None = None
) -> dict[str, Column]:
    """Return columns by name, each with its place among those of the same unit; texts aside.

    A band has the place of its name in BANDS, in every report, where no other has taken it.
    known: places by title in the catalogues before this one, which the same titles have here, too;
    those of this one are added.
    """
    known = {} if known is None else known
    columns = list(columns)
    keys = {each.name: (each.unit, each.kind == "text", each.title) for each in columns}
    found: dict[str, Column] = {}
    taken: set[tuple[str, bool, int]] = set()
    bands = {each.name: _band_place(each.title) for each in columns}
    # First those whose place is known, so that no other takes it.
    for column in sorted(columns, key=lambda c: (keys[c.name] not in known, bands[c.name] is None)):
        unit, is_text, title = keys[column.name]
        place = known.get((unit, is_text, title), bands[column.name] or 0)
        while (unit, is_text, place) in taken:
            place += 1
        taken.add((unit, is_text, place))
        known.setdefault((unit, is_text, title), place)
        found[column.name] = replace(column, order=place)
    return {each.name: found[each.name] for each in columns}


def _band_place(title: str) -> int | None:
    words = re.findall(r"[\w.]+", title)
    return next((BANDS[word] for word in words if word in BANDS), None)


class ImagesBlock(Block):
    """A stack of images of one size."""

    title: Text | None = None
    """What the images show, in words."""
    file: FilePath
    """HDF5 or FITS file; or a folder, or a pattern such as cutouts/*.fits, of FITS files with one
    image each, which are taken in the order of their names."""
    dataset: Text | None = None
    """HDU of a FITS file by name or number, or dataset of HDF5; the only one with images when not
    given. Its shape is (n, height, width); in colour (n, height, width, channels), or channels
    before height; that of one image (height, width)."""
    unit: Unit | None = None
    """Unit of a pixel, such as Jy/beam (write Jy / beam), in place of the file's (BUNIT)."""
    pixel_scale: Positive | None = None
    """Size of a pixel in arcseconds, where no WCS says it, or in its place."""

    def described(self, name: str) -> Images:
        """Return the images as analyses see them, by the YAML alone."""
        return Images(name, self.title or name, self.unit or "", self.pixel_scale)


class WeightsBlock(Block):
    """A set of weights: what a network learnt."""

    file: FilePath
    """HDF5 file."""
    label: Text | None = None
    """What figures and sentences call it; its name when not given."""


def _weights(value: object) -> object:
    """Take a path alone for the file."""
    return {"file": value} if isinstance(value, str) else value


Weights = Annotated[
    WeightsBlock, BeforeValidator(_weights, json_schema_input_type=str | WeightsBlock)
]


class ModelBlock(Block):
    """A trained network: its architecture and one or more sets of weights."""

    architecture: FilePath
    """JSON file of the layers, as Keras 0.3 to 2 wrote it."""
    weights: Annotated[dict[Name, Weights], Field(min_length=1)]
    """HDF5 weight files, by the names that sections use."""
    trained_with: Literal["theano", "tensorflow"] | None = None
    """Backend that trained it: theano flips kernels, tensorflow does not."""

    @model_validator(mode="after")
    def _random_is_taken(self) -> "ModelBlock":
        if RANDOM in self.weights:
            said = f"{RANDOM!r} stands for weights that are drawn, not read; choose another name"
            raise BlockError({("weights", RANDOM): said})
        return self

    def described(self, name: str) -> Model:
        """Return the network as analyses see it."""
        labels = {key: block.label or key for key, block in self.weights.items()}
        return Model(name, {**labels, RANDOM: f"{RANDOM} weights"})

"""The sources of a report: ``catalogues:``, ``images:`` and ``models:`` of the YAML."""

from collections import Counter
from keyword import iskeyword
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, model_validator

from reportgen.config.columns import RANDOM, Column, Images, Model, unit_problem
from reportgen.config.problems import KeyPath
from reportgen.config.types import (
    Block,
    BlockError,
    Count,
    FilePath,
    Index,
    Mark,
    Name,
    Positive,
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


class ColumnBlock(Block):
    """One column: where its numbers are and what they mean."""

    file: FilePath | None = None
    """HDF5 file; the catalogue's file when not given."""
    dataset: Text | None = None
    """Dataset within the file; the catalogue's dataset when not given."""
    index: Index | None = None
    """Column of a 2-D dataset, counted from 0."""
    field: Text | None = None
    """Field of a compound dataset."""
    unit: Unit = ""
    """Unit as astropy reads it, such as uJy, deg or mag; empty for a dimensionless quantity."""
    label: Text | None = None
    """What axes and sentences call it; the column's name when not given."""
    missing: tuple[Mark, ...] | None = None
    """Numbers that stand for a missing value; the catalogue's when not given."""

    @model_validator(mode="after")
    def _one_place(self) -> "ColumnBlock":
        if self.index is not None and self.field is not None:
            raise ValueError("give index (of a 2-D dataset) or field (of a compound one), not both")
        return self


class CatalogueBlock(Block):
    """A row-aligned table whose columns may come from several files."""

    title: Text | None = None
    """What the catalogue holds, in words."""
    file: FilePath | None = None
    """HDF5 file of the columns that name none."""
    dataset: Text | None = None
    """Dataset of the columns that name none."""
    missing: tuple[Mark, ...] = ()
    """Numbers that stand for a missing value in every column that names none."""
    exact_rows: Count = 1_000_000
    """Number of rows up to which everything is exact. Beyond it quantiles, curves and ranks are
    approximate, to the fraction that the section says, and memory does not grow with the rows."""
    memory: ByteSize | None = None
    """Without effect: exact_rows, which takes its place, says what is exact."""
    columns: Annotated[dict[ColumnName, ColumnBlock], Field(min_length=1)]
    """The columns, by the names that sections use."""

    @model_validator(mode="after")
    def _every_column_has_a_place(self) -> "CatalogueBlock":
        needed = [key for key in ("file", "dataset") if getattr(self, key) is None]
        problems: dict[KeyPath, str] = {}
        for name, column in self.columns.items():
            if lacking := [key for key in needed if getattr(column, key) is None]:
                keys = " and no ".join(lacking)
                problems["columns", name] = f"the column has no {keys}, nor has the catalogue"
        if problems:
            raise BlockError(problems)
        return self

    def described(self) -> dict[str, Column]:
        """Return each column as analyses see it."""
        seen: Counter[str] = Counter()
        columns = {}
        for name, block in self.columns.items():
            columns[name] = Column(name, block.label or name, block.unit, seen[block.unit])
            seen[block.unit] += 1
        return columns


class ImagesBlock(Block):
    """A stack of images of one size."""

    title: Text | None = None
    """What the images show, in words."""
    file: FilePath
    """HDF5 file."""
    dataset: Text
    """Dataset of shape (n, height, width)."""
    unit: Unit = ""
    """Unit of a pixel, such as Jy/beam (write Jy / beam)."""
    pixel_scale: Positive | None = None
    """Size of a pixel in arcseconds."""

    def described(self, name: str) -> Images:
        """Return the images as analyses see them."""
        return Images(name, self.title or name, self.unit, self.pixel_scale)


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

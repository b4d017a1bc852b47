"""The shape of the YAML: one frozen model a block, a description for each key."""

import re
from collections.abc import Mapping
from keyword import iskeyword
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from reportgen.config.blocks import (
    SLUG,
    Block,
    BlockError,
    ColumnRef,
    Count,
    FilePath,
    Fraction,
    Index,
    Name,
    Positive,
    Real,
    Text,
)
from reportgen.config.budgets import ReportBudgets, SectionBudgets, Size
from reportgen.config.checks import CheckBlock, RunReference, checks_without_catalogue
from reportgen.config.columns import Column, unit_problem
from reportgen.config.deliver import DeliverBlock
from reportgen.config.expressions import Condition, ExpressionError, parse
from reportgen.config.matrix import MATRIX_SCHEMA
from reportgen.config.networks import RANDOM, Images, Model
from reportgen.config.suggest import unknown

# What analyses and plugins take from here.
__all__ = [
    "SLUG",
    "Block",
    "BlockError",
    "ColumnRef",
    "Count",
    "FilePath",
    "Fraction",
    "Index",
    "Name",
    "Positive",
    "Real",
    "Text",
]


def _unit(text: str) -> str:
    if problem := unit_problem(text):
        raise ValueError(problem)
    return text


def _column_name(name: str) -> str:
    if not name.isidentifier():
        raise ValueError(
            f"the column name {name!r} must be letters, digits and _ (selections use it)"
        )
    if iskeyword(name):
        raise ValueError(
            f"a column cannot be called {name!r}, which selections could not use; "
            f"call it {name.lower()}_"
        )
    return name


Unit = Annotated[str, AfterValidator(_unit)]
ColumnName = Annotated[str, AfterValidator(_column_name)]


class ReportBlock(Block):
    """What the report is about."""

    id: Name
    """Short name, used for folders and links."""
    title: Text
    """Title on the first page."""
    field: Text | None = None
    """Name of the field or survey, shown with the verdict."""
    description: Text | None = None
    """A paragraph below the title."""
    authors: tuple[Text, ...] = ()
    """Who answers for the report."""
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")] = "en"
    """Language of the titles and texts, as an IETF tag; screen readers need it."""


class KeepBlock(Block):
    """Which old runs stay; the newest and the references always do."""

    nights: Count
    """How many of the last nights to keep."""
    monthly: Index = 0
    """For how many months to keep one run of each besides."""


def _database(text: object) -> object:
    """Refuse what is no URL, without repeating it: it may hold a password."""
    if not (isinstance(text, str) and re.match(r"[a-z][a-z0-9_]*(\+[a-z0-9_]+)?://", text)):
        raise ValueError(
            "should be a URL as SQLAlchemy reads it, such as postgresql://host/reports or "
            "sqlite:////data/history.sqlite"
        )
    return text


class OutputBlock(Block):
    """Where the report goes and in what forms."""

    folder: FilePath = Field(default="build", validate_default=True)
    """Folder of all runs of this report."""
    formats: Annotated[tuple[Literal["html", "pdf"], ...], Field(min_length=1)] = ("html", "pdf")
    """Which documents to make."""
    templates: FilePath | None = None
    """Folder whose files replace single templates and styles of reportgen."""
    paper: Literal["a4", "letter"] = "a4"
    """Paper size of the PDF."""
    keep: KeepBlock | None = None
    """Which old runs to keep: {nights, monthly}; all when not given."""
    history: Annotated[str, BeforeValidator(_database)] | None = None
    """Database of all nights, as a SQLAlchemy URL; a file in the output folder when not given."""


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
    missing: tuple[Real, ...] | None = None
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
    missing: tuple[Real, ...] = ()
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
        problems: dict[tuple[str | int, ...], str] = {}
        for name, column in self.columns.items():
            lacking = [
                key
                for key in ("file", "dataset")
                if getattr(column, key) is None and getattr(self, key) is None
            ]
            if lacking:
                keys = " and no ".join(lacking)
                problems["columns", name] = f"the column has no {keys}, nor has the catalogue"
        if problems:
            raise BlockError(problems)
        return self

    def described(self) -> dict[str, Column]:
        """Give each column as analyses see it."""
        seen: dict[str, int] = {}
        columns = {}
        for name, block in self.columns.items():
            order = seen.get(block.unit, 0)
            seen[block.unit] = order + 1
            columns[name] = Column(name, block.label or name, block.unit, order)
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
        """Give the images as analyses see them."""
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
        """Give the network as analyses see it."""
        labels = {key: block.label or key for key, block in self.weights.items()}
        return Model(name, {**labels, RANDOM: f"{RANDOM} weights"})


def _condition(value: object, info: ValidationInfo) -> object:
    if isinstance(value, Condition):
        return value
    if not isinstance(value, str):
        raise ValueError("should be a selection, such as: flux_36 > 0 and stellarity < 0.9")
    known: dict[str, Column] | None = (info.context or {}).get("columns")
    try:
        return parse(value, None if known is None else frozenset(known))
    except ExpressionError as error:
        raise ValueError(str(error)) from None


def _reference(kind: type[Images] | type[Model], key: str) -> BeforeValidator:
    """Resolve the name of an image stack or a network; key: where the context has them."""

    def resolve(value: object, info: ValidationInfo) -> object:
        if isinstance(value, kind):
            return value
        if not isinstance(value, str):
            raise ValueError(f"should be a name of {key}:")
        known: Mapping[str, object] | None = (info.context or {}).get(key)
        if known is None:  # the block of all of them is wrong: that is reported, not this
            return kind(value)
        if value not in known:
            raise ValueError(unknown(kind.noun, value, known))
        return known[value]

    return BeforeValidator(resolve)


ImagesRef = Annotated[
    Images,
    _reference(Images, "images"),
    WithJsonSchema({"type": "string", "description": "Name of a stack of images."}),
]
ModelRef = Annotated[
    Model,
    _reference(Model, "models"),
    WithJsonSchema({"type": "string", "description": "Name of a trained network."}),
]
Selection = Annotated[
    Condition,
    BeforeValidator(_condition),
    WithJsonSchema(
        {"type": "string", "examples": ["flux_36 > 0 and stellarity < 0.9", "valid(flux_24)"]}
    ),
]


class SectionBlock(Block):
    """The keys that every section has; an analysis adds its own."""

    analysis: str
    """Which analysis makes the section; `reportgen sections` lists them."""
    title: Text
    """Title of the section."""
    text: Text | None = None
    """Prose below the finding; may use {{ metrics.NAME }} of this section."""
    timeout: Positive = 600.0
    """Seconds after which the section is stopped and shown as an error."""
    memory_limit: Size | None = None
    """Memory, such as 2 GB, beyond which the section is stopped and shown as an error; looked at
    ten times a second, on Linux only."""
    budgets: SectionBudgets | None = None
    """What the section may take: {seconds, memory, severity, reason, owner}."""
    checks: tuple[CheckBlock, ...] = ()
    """What must hold: each checks one metric, one cell of a table, or the whole section."""

    @model_validator(mode="after")
    def _checks_can_be_made(self) -> "SectionBlock":
        problems = checks_without_catalogue(self.checks)
        if problems and "catalogue" not in type(self).model_fields:
            raise BlockError(problems)
        return self

    @model_validator(mode="after")
    def _budgets_can_be_exceeded(self) -> "SectionBlock":
        seconds = None if self.budgets is None else self.budgets.seconds
        if seconds is not None and seconds >= self.timeout:
            said = f"seconds ({seconds:g}) is not less than the timeout ({self.timeout:g})"
            raise BlockError({("budgets", "seconds"): f"{said}: it could never be exceeded"})
        return self


class CatalogueSection(SectionBlock):
    """The keys of a section on a catalogue."""

    catalogue: str
    """Which catalogue it reads."""
    where: Selection | None = None
    """Which rows to use, such as: flux_36 > 0 and stellarity < 0.9."""


class NetworkSection(SectionBlock):
    """The keys of a section on what a network makes of images."""

    images: ImagesRef
    """Which images the network is shown."""
    model: ModelRef
    """Which network."""
    weights: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Which sets of its weights; random stands for weights that are drawn, not trained."""
    layer: Index | Text | None = None
    """Index or name of the layer; the last convolution with its activation when not given."""
    seed: Index = 2016
    """Seed of the random weights."""

    @model_validator(mode="after")
    def _known_weights(self) -> "NetworkSection":
        problems: dict[tuple[str | int, ...], str] = {}
        for place, name in enumerate(self.weights):
            if self.model.labels and name not in self.model.labels:
                problems["weights", place] = unknown("weights", name, self.model.labels)
            elif name in self.weights[:place]:
                problems["weights", place] = f"{name} stands here twice"
        if problems:
            raise BlockError(problems)
        return self


class Settings(Block):
    """The whole YAML but for the sections, which each analysis validates by itself."""

    report: ReportBlock
    """What the report is about."""
    matrix: Annotated[dict[str, Any], WithJsonSchema(MATRIX_SCHEMA)] | None = None
    """Lists of values to combine: one report for each combination."""
    output: OutputBlock = Field(default_factory=dict, validate_default=True)
    """Where the report goes and in what forms."""
    catalogues: dict[Name, CatalogueBlock] = Field(default_factory=dict)
    """Tables of objects, by the names that sections use."""
    images: dict[Name, ImagesBlock] = Field(default_factory=dict)
    """Stacks of images, by the names that sections use."""
    models: dict[Name, ModelBlock] = Field(default_factory=dict)
    """Trained networks, by the names that sections use."""
    references: dict[Name, RunReference] = Field(default_factory=dict)
    """Runs to compare with, by the names that checks use: the id of a run, or a run folder."""
    budgets: ReportBudgets | None = None
    """What the report may take: {html, pdf, seconds, memory, severity, reason, owner}."""
    deliver: DeliverBlock = DeliverBlock()
    """Who is told of a run: mail and webhook."""
    sections: dict[Name, Any] = Field(default_factory=dict)
    """The sections of the report, in order."""

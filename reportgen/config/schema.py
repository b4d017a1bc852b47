"""The shape of the YAML: one frozen model a block, a description for each key."""

import os
from collections.abc import Mapping
from keyword import iskeyword
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from reportgen.config.columns import Column, unit_problem
from reportgen.config.expressions import Condition, ExpressionError, parse
from reportgen.config.suggest import unknown

SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"

Name = Annotated[str, StringConstraints(pattern=SLUG, max_length=80)]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]


class BlockError(ValueError):
    """What is wrong with single keys, found by a validator of the block that holds them.

    problems: messages by the path of the key within the block.
    """

    def __init__(self, problems: Mapping[tuple[str | int, ...], str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


def _number(value: object) -> object:
    """Read a quoted number: inside { } YAML wants ${NAME} in quotes, which makes it a text."""
    if isinstance(value, str):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return value


_Number = BeforeValidator(_number)
Count = Annotated[int, Field(strict=True, gt=0), _Number]
Index = Annotated[int, Field(strict=True, ge=0), _Number]
Real = Annotated[float, Field(strict=True, allow_inf_nan=False), _Number]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False), _Number]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False), _Number]


def _unit(text: str) -> str:
    if problem := unit_problem(text):
        raise ValueError(problem)
    return text


def _path(text: object, info: ValidationInfo) -> object:
    """Make a path relative to the folder of the YAML file."""
    if isinstance(text, str):
        if not text.strip():
            raise ValueError("the path is empty")
        base = (info.context or {}).get("folder", Path())
        # Normalised but not resolved: messages name the path as the user knows it.
        try:
            return Path(os.path.normpath(Path(base, Path(text).expanduser())))
        except RuntimeError:
            raise ValueError(f"{text!r} starts with the home of a user who is not known") from None
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
FilePath = Annotated[Path, BeforeValidator(_path), WithJsonSchema({"type": "string"})]


class Block(BaseModel):
    """Any block of the YAML: frozen, and no key beyond those it lists."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )


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
    memory: ByteSize = ByteSize(256 * 1024**2)
    """Memory for values that exact quantiles and ranks may keep; beyond it they are approximate."""
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


class ModelBlock(Block):
    """A trained network: its architecture and one or more sets of weights."""

    architecture: FilePath
    """JSON file of the layers."""
    weights: Annotated[dict[Name, FilePath], Field(min_length=1)]
    """HDF5 weight files, by the names that sections use."""
    trained_with: Literal["theano", "tensorflow"] | None = None
    """Backend that trained it: theano flips kernels, tensorflow does not."""


def _column(value: object, info: ValidationInfo) -> object:
    if isinstance(value, Column):
        return value
    if not isinstance(value, str):
        raise ValueError("should be the name of a column")
    known: dict[str, Column] | None = (info.context or {}).get("columns")
    if known is None:  # the catalogue itself is wrong: that error is reported, not this one
        return Column(value)
    if value not in known:
        raise ValueError(unknown("column", value, known))
    return known[value]


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


ColumnRef = Annotated[
    Column,
    BeforeValidator(_column),
    WithJsonSchema({"type": "string", "description": "Name of a column of the catalogue."}),
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
    catalogue: str
    """Which catalogue it reads."""
    title: Text
    """Title of the section."""
    text: Text | None = None
    """Prose below the finding; may use {{ metrics.NAME }} of this section."""
    where: Selection | None = None
    """Which rows to use, such as: flux_36 > 0 and stellarity < 0.9."""
    timeout: Positive = 600.0
    """Seconds after which the section is stopped and shown as an error."""


class Settings(Block):
    """The whole YAML but for the sections, which each analysis validates by itself."""

    report: ReportBlock
    """What the report is about."""
    output: OutputBlock = Field(default_factory=dict, validate_default=True)
    """Where the report goes and in what forms."""
    catalogues: dict[Name, CatalogueBlock] = {}
    """Tables of objects, by the names that sections use."""
    images: dict[Name, ImagesBlock] = {}
    """Stacks of images, by the names that sections use."""
    models: dict[Name, ModelBlock] = {}
    """Trained networks, by the names that sections use."""
    sections: dict[Name, Any] = {}
    """The sections of the report, in order."""

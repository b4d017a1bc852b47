"""The shape of the YAML: one frozen model a block, a description for each key."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from reportgen.config.budgets import ReportBudgets, SectionBudgets
from reportgen.config.checks import CheckBlock, RunReference
from reportgen.config.deliver import DeliverBlock
from reportgen.config.engine import EngineBlock
from reportgen.config.limits import PACKAGES, LimitsName
from reportgen.config.matrix import MatrixBlock
from reportgen.config.problems import KeyPath
from reportgen.config.sources import CatalogueBlock, ImagesBlock, ModelBlock
from reportgen.config.suggest import unknown
from reportgen.config.templates import check_template
from reportgen.config.types import (
    Block,
    BlockError,
    CatalogueName,
    Count,
    FilePath,
    ImagesRef,
    Index,
    ModelRef,
    Name,
    Positive,
    Selection,
    Size,
    Text,
)
from reportgen.record import PdfStandard
from reportgen.wording import exact


def _prose(text: str) -> str:
    return check_template(text, {"metrics": ()})


Prose = Annotated[Text, AfterValidator(_prose)]


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
    shared_limits: LimitsName | None = None
    """Package of limits of a survey for all sections that name none themselves."""


class KeepBlock(Block):
    """Which old runs stay; the newest and the references always do."""

    nights: Count
    """How many of the last nights to keep."""
    monthly: Index = 0
    """For how many months to keep one run of each besides."""


def _database(text: object) -> object:
    """Refuse what is no URL, without repeating it: it may hold a password."""
    if not (isinstance(text, str) and re.match(r"[a-z][a-z0-9_]*(\+[a-z0-9_]+)?://", text)):
        examples = "postgresql://host/reports or sqlite:////data/history.sqlite"
        raise ValueError(f"should be a URL as SQLAlchemy reads it, such as {examples}")
    return text


class PdfBlock(Block):
    """What the PDF is."""

    standard: PdfStandard = "ua-1"
    """ua-1, for every reader; or a-3a, for archives, with summary.json and the tables attached."""


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
    pdf: PdfBlock = PdfBlock()
    """What the PDF is: {standard}."""
    keep: KeepBlock | None = None
    """Which old runs to keep: {nights, monthly}; all when not given."""
    history: Annotated[str, BeforeValidator(_database)] | None = None
    """Database of all nights, as a SQLAlchemy URL; a file in the output folder when not given."""


class SectionBlock(Block):
    """The keys that every section has; an analysis adds its own."""

    analysis: str
    """Which analysis makes the section; `reportgen sections` lists them."""
    title: Text
    """Title of the section."""
    text: Prose | None = None
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
    shared_limits: LimitsName | None = None
    """Package of limits of a survey, such as askap-continuum, whose checks are added."""

    @model_validator(mode="before")
    @classmethod
    def _checks_of_the_package(cls, value: Any) -> Any:
        """Add the checks of a package of limits to those of the section."""
        package = PACKAGES.get(str(value.get("shared_limits"))) if isinstance(value, dict) else None
        if package is None:
            return value
        return {**value, "checks": [*(value.get("checks") or ()), *package.checks(value)]}

    @model_validator(mode="after")
    def _checks_and_budgets_make_sense(self) -> "SectionBlock":
        problems: dict[KeyPath, str] = {}
        for i, check in enumerate(self.checks):
            if check.missing_at_most is not None and "catalogue" not in type(self).model_fields:
                said = "missing_at_most needs a section on a catalogue"
                problems["checks", i, "missing_at_most"] = said
        seconds = None if self.budgets is None else self.budgets.seconds
        if seconds is not None and seconds >= self.timeout:
            said = (
                f"seconds ({exact(seconds)}) is not less than the timeout ({exact(self.timeout)})"
            )
            problems["budgets", "seconds"] = f"{said}: it could never be exceeded"
        if problems:
            raise BlockError(problems)
        return self


class CatalogueSection(SectionBlock):
    """The keys of a section on a catalogue."""

    catalogue: CatalogueName
    """Which catalogue it reads."""
    where: Selection | None = None
    """Which rows to use, such as: flux_36 > 0 and stellarity < 0.9."""


class ImagesSection(SectionBlock):
    """The keys of a section on images."""

    images: ImagesRef
    """Which images it shows."""


class NetworkSection(ImagesSection):
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
        problems: dict[KeyPath, str] = {}
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
    matrix: MatrixBlock | None = None
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
    engine: EngineBlock = EngineBlock()
    """Where large catalogues are read: {dask: {scheduler} or {cluster, options}}; here when not
    given."""
    sections: dict[Name, Any] = Field(default_factory=dict)
    """The sections of the report, in order."""

"""A YAML file to a validated report: all errors at once, each with file, line and column."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reportgen.config.budgets import ReportBudgets
from reportgen.config.columns import Column, Images, Model
from reportgen.config.deliver import DeliverBlock
from reportgen.config.document import Document, Source
from reportgen.config.matrix import MATRIX, Cell
from reportgen.config.problems import KeyPath, Problem, dotted, problems_error
from reportgen.config.schema import (
    CatalogueSection,
    OutputBlock,
    ReportBlock,
    SectionBlock,
    Settings,
)
from reportgen.config.sources import CatalogueBlock, ImagesBlock, ModelBlock
from reportgen.config.suggest import unknown
from reportgen.config.types import LONGEST_NAME
from reportgen.config.validation import Validator, shown, value_at
from reportgen.errors import ConfigError

AnalysisTypes = Mapping[str, type[SectionBlock]]

_ID: KeyPath = ("report", "id")
_FOLDER: KeyPath = ("output", "folder")


@dataclass(frozen=True)
class Report:
    """A report as its YAML file describes it, validated; knows where each key stands.

    cell: its combination of the values of the matrix; None when there is no matrix.
    """

    document: Document
    overrides: tuple[str, ...]
    report: ReportBlock
    output: OutputBlock
    catalogues: Mapping[str, CatalogueBlock]
    images: Mapping[str, ImagesBlock]
    models: Mapping[str, ModelBlock]
    references: Mapping[str, str | Path]
    deliver: DeliverBlock
    sections: Mapping[str, SectionBlock]
    cell: Cell | None
    budgets: ReportBudgets | None

    @property
    def path(self) -> Path:
        """The YAML file."""
        return self.document.path

    def place(self, *path: str | int) -> str:
        """Return ``file:line:column: key.path`` of a key, for messages."""
        return f"{self.document.place(path)}: {dotted(path)}"

    @property
    def notes(self) -> list[str]:
        """What the file says that has no effect any more."""
        return [
            f"{self.place('catalogues', name, 'memory')}: has no effect any more; exact_rows says "
            "up to how many rows everything is exact"
            for name, block in self.catalogues.items()
            if block.memory is not None
        ]

    def columns(self, catalogue: str) -> dict[str, Column]:
        """Return the columns of a catalogue as analyses see them."""
        return self.catalogues[catalogue].described()


def load_report(
    path: Path | Source,
    analyses: AnalysisTypes,
    overrides: Iterable[str] = (),
    environment: Mapping[str, str] = os.environ,
    cell: Cell | None = None,
) -> Report:
    """Read and validate a YAML file, or one that has been read already.

    analyses: the analyses there are, by name. overrides: ``key.path=value`` texts. cell: which
    combination of its matrix, if it has one.
    Raises ConfigError that lists every problem, a line each.
    """
    overrides = tuple(overrides)
    source = path if isinstance(path, Source) else Source.read(path)
    document = source.document(overrides, environment, {} if cell is None else cell.values)
    if cell is None and MATRIX in document.values:
        raise ConfigError(
            f"{document.place([MATRIX])}: {MATRIX}: the file describes several reports",
            "choose one with --cell name=value, where the command has it",
        )
    validator = Validator(document, {"folder": source.path.parent})
    settings = validator.check(Settings, document.values, ())
    sections = _sections(validator, analyses)
    validator.refuse()
    blocks = {name: block for name, block in settings or () if name not in {MATRIX, "sections"}}
    report = Report(document=document, overrides=overrides, sections=sections, cell=cell, **blocks)
    return _with_own_place(report)


def _with_own_place(report: Report) -> Report:
    """Return a report with an id and a folder that no other of its matrix has."""
    block, output, cell = report.report, report.output, report.cell
    of_matrix = {path for path in (_ID, _FOLDER) if path in report.document.from_matrix}
    if "folder" not in output.model_fields_set:
        name = report.path.stem if _ID in of_matrix else block.id
        output = output.model_copy(update={"folder": report.path.parent / "build" / name})
    if cell is not None and _ID not in of_matrix:
        name = f"{block.id}-{cell.slug}"
        if len(name) > LONGEST_NAME:
            said = f"{name} has over {LONGEST_NAME} characters; use ${{{{ matrix.NAME }}}} in it"
            raise problems_error([Problem(report.document.place(_ID), _ID, said)])
        block = block.model_copy(update={"id": name})
    if cell is not None and _FOLDER not in of_matrix:
        output = output.model_copy(update={"folder": output.folder / cell.slug})
    return replace(report, report=block, output=output)


def _sections(validator: Validator, analyses: AnalysisTypes) -> dict[str, SectionBlock]:
    """Return the sections, each validated by its own analysis, without those that are wrong."""
    values = validator.document.values
    raw = values.get("sections", {})
    if raw == {}:
        validator.add(("sections",), "there are no sections")
    if not isinstance(raw, dict):
        return {}
    columns = _described(
        validator, "catalogues", CatalogueBlock, lambda _, raw: _named_columns(raw)
    )
    references = values.get("references", {})
    validator.context |= {
        "catalogues": columns,
        "images": _described(validator, "images", ImagesBlock, lambda name, _: Images(name)),
        "models": _described(validator, "models", ModelBlock, lambda name, _: Model(name)),
        "references": references if isinstance(references, dict) else None,
    }
    sections: dict[str, SectionBlock] = {}
    for name, keys in raw.items():
        known = value_at(columns, (str(value_at(keys, ("catalogue",))),))
        section = _section(validator, ("sections", name), keys, analyses, known)
        if section is not None:
            sections[name] = section
    return sections


def _section(
    validator: Validator,
    path: KeyPath,
    raw: object,
    analyses: AnalysisTypes,
    columns: object,
) -> SectionBlock | None:
    if not isinstance(raw, dict):
        if not validator.is_unreadable(path, raw):
            validator.add(path, f"should be keys and values, not {shown(raw)}")
        return None
    name = raw.get("analysis")
    if isinstance(name, str) and name in analyses:
        return validator.check(analyses[name], raw, path, columns=columns)
    key = (*path, "analysis")
    if isinstance(name, str):
        validator.add(key, unknown("analysis", name, analyses))
    elif not validator.is_unreadable(key, name):
        what = "the key is missing" if name is None else f"not {shown(name)}"
        known = ", ".join(sorted(analyses)) or "none"
        validator.add(key, f"{what}: which analysis makes this section? (known: {known})")
    # What every section has can be checked all the same.
    kind = CatalogueSection if "catalogue" in raw else SectionBlock
    common = {key: value for key, value in raw.items() if key in kind.model_fields}
    validator.check(kind, {**common, "analysis": ""}, path, columns=columns)
    return None


def _described(
    validator: Validator,
    key: str,
    kind: type[CatalogueBlock] | type[ImagesBlock] | type[ModelBlock],
    name_only: Callable[[str, object], Any],
) -> dict[str, Any] | None:
    """Return what analyses know of each source of a kind; None where the whole block is wrong.

    name_only: describes a source that is wrong, whose name can be used all the same.
    """
    raw = validator.document.values.get(key, {})
    if not isinstance(raw, dict):
        return None
    described = {}
    for name, each in raw.items():
        try:
            block = kind.model_validate(each, context=validator.context)
            described[name] = (
                block.described() if isinstance(block, CatalogueBlock) else block.described(name)
            )
        except ValidationError:
            described[name] = name_only(name, each)
    return described


def _named_columns(catalogue: object) -> dict[str, Column] | None:
    """Return the columns of a catalogue that is wrong: their names can be checked all the same."""
    columns = value_at(catalogue, ("columns",))
    if not isinstance(columns, dict):
        return None
    units = {name: value_at(column, ("unit",)) for name, column in columns.items()}
    return {
        name: Column(name, unit=unit if isinstance(unit, str) else "")
        for name, unit in units.items()
    }

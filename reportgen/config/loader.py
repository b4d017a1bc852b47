"""A YAML file to a validated report: all errors at once, each with file, line and column."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from reportgen.config.budgets import ReportBudgets
from reportgen.config.columns import Column, Images, Model
from reportgen.config.deliver import DeliverBlock
from reportgen.config.document import Document, Source
from reportgen.config.engine import EngineBlock
from reportgen.config.limits import PACKAGES
from reportgen.config.matrix import MATRIX, Cell
from reportgen.config.problems import KeyPath, dotted
from reportgen.config.schema import (
    CatalogueSection,
    OutputBlock,
    ReportBlock,
    SectionBlock,
    Settings,
)
from reportgen.config.sources import PLACES, CatalogueBlock, ImagesBlock, ModelBlock, numbered
from reportgen.config.suggest import unknown
from reportgen.config.types import LONGEST_NAME
from reportgen.config.validation import Validator, shown, value_at
from reportgen.errors import ConfigError, ReportgenError
from reportgen.remote.address import RemoteFile

Kind = TypeVar("Kind", CatalogueBlock, ImagesBlock, ModelBlock)
AnalysisTypes = Mapping[str, type[SectionBlock]]


class Opened(Protocol):
    """A catalogue whose files have been looked at."""

    @property
    def columns(self) -> Mapping[str, Column]:
        """Its columns as analyses see them."""

    @property
    def mistakes(self) -> Mapping[KeyPath, str]:
        """What is wrong with its keys, such as with the expression of a computed column."""


OpenCatalogues = Callable[
    [Mapping[str, CatalogueBlock], Callable[..., str], Path | None],
    Mapping[str, Opened | ReportgenError],
]
"""Looks what is in the files of catalogues.

Is given the catalogues, what returns ``file:line:column: key.path`` of a key, and the output folder
if it is known.
"""

_ID: KeyPath = ("report", "id")
_FOLDER: KeyPath = ("output", "folder")


@dataclass(frozen=True)
class Report:
    """A report as its YAML file describes it, validated; knows where each key stands.

    cell: its combination of the values of the matrix; None when there is no matrix. opened: what
    was found in its catalogues when it was loaded; without those that nobody looked at. most_rows:
    of a catalogue, of which a draft takes some only; None for all.
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
    engine: EngineBlock
    sections: Mapping[str, SectionBlock]
    cell: Cell | None
    budgets: ReportBudgets | None
    opened: Mapping[str, "Opened | ReportgenError"] = field(default_factory=dict)
    most_rows: int | None = None

    @property
    def path(self) -> Path:
        """The YAML file."""
        return self.document.path

    def place(self, *path: str | int) -> str:
        """Return ``file:line:column: key.path`` of a key, for messages."""
        return _place(self.document, *path)

    def draft(self, most_rows: int) -> "Report":
        """Return the same report of some rows only, with runs and a history of its own."""
        folder = self.output.folder / f"draft-{most_rows}"
        output = self.output.model_copy(update={"folder": folder})
        return replace(self, output=output, most_rows=most_rows)

    @property
    def notes(self) -> list[str]:
        """What the file says that has no effect any more."""
        return [
            f"{self.place('catalogues', name, 'memory')}: has no effect any more; exact_rows says "
            "up to how many rows everything is exact"
            for name, block in self.catalogues.items()
            if block.memory is not None
        ]


def load_report(
    path: Path | Source,
    analyses: AnalysisTypes,
    overrides: Iterable[str] = (),
    environment: Mapping[str, str] = os.environ,
    cell: Cell | None = None,
    *,
    output: Path | None = None,
    open_catalogues: OpenCatalogues | None = None,
) -> Report:
    """Read and validate a YAML file, or one that has been read already.

    analyses: the analyses there are, by name. overrides: ``key.path=value`` texts. cell: which
    combination of its matrix, if it has one. output: folder of the runs, in place of the YAML's.
    open_catalogues: without it no file is looked at, and columns are those that the YAML lists.
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
    own = None if settings is None else _own_place(validator, settings, cell, output)
    folder = None if own is None else own["output"].folder
    catalogues = _without_secrets(validator, overrides)
    opened: Mapping[str, Opened | ReportgenError] = {}
    if open_catalogues is not None:
        opened = open_catalogues(catalogues, lambda *key: _place(document, *key), folder)
        for name, found in opened.items():
            for key, said in () if isinstance(found, ReportgenError) else found.mistakes.items():
                validator.add(("catalogues", name, *key), said)
    sections = _sections(validator, analyses, catalogues, opened)
    validator.refuse()
    blocks = {name: block for name, block in settings or () if name not in {MATRIX, "sections"}}
    return Report(
        document=document,
        overrides=overrides,
        sections=sections,
        cell=cell,
        opened=opened,
        **(blocks | (own or {})),
    )


def _place(document: Document, *path: str | int) -> str:
    return f"{document.place(path)}: {dotted(path)}"


def _own_place(
    validator: Validator, settings: Settings, cell: Cell | None, output: Path | None
) -> dict[str, Any]:
    """Return the blocks of a report with an id and a folder that no other of its matrix has.

    output: folder of the runs, in place of the YAML's.
    """
    block, where, document = settings.report, settings.output, validator.document
    of_matrix = {path for path in (_ID, _FOLDER) if path in document.from_matrix}
    folder = where.folder
    if "folder" not in where.model_fields_set:
        name = document.path.stem if _ID in of_matrix else block.id
        folder = document.path.parent / "build" / name
    if cell is not None and _ID not in of_matrix:
        name = f"{block.id}-{cell.slug}"
        if len(name) > LONGEST_NAME:
            said = f"{name} has over {LONGEST_NAME} characters; use ${{{{ matrix.NAME }}}} in it"
            validator.add(_ID, said)
        block = block.model_copy(update={"id": name})
    if output is not None or (cell is not None and _FOLDER not in of_matrix):
        folder = (output or folder) / ("" if cell is None else cell.slug)
    return {"report": block, "output": where.model_copy(update={"folder": folder})}


def _blocks(validator: Validator, key: str, kind: type[Kind]) -> dict[str, Kind | None] | None:
    """Return the sources of a kind, by name; None for one that is wrong, which is noted elsewhere.

    None for all where the whole block is wrong.
    """
    raw = validator.document.values.get(key, {})
    if not isinstance(raw, dict):
        return None
    found: dict[str, Kind | None] = dict.fromkeys(raw)
    for name, each in raw.items():
        with suppress(ValidationError):
            found[name] = kind.model_validate(each, context=validator.context)
    return found


def _without_secrets(validator: Validator, overrides: Iterable[str]) -> dict[str, CatalogueBlock]:
    """Return the catalogues but for those that are wrong, or have a secret in what a run keeps."""
    catalogues = _blocks(validator, "catalogues", CatalogueBlock) or {}
    found = {name: block for name, block in catalogues.items() if block is not None}
    kept = "\n".join([validator.document.text, *overrides]).replace("/", "%2F")
    for name, block in list(found.items()):
        files = {(): block.file} | {("columns", k): c.file for k, c in block.columns.items()}
        for key, file in files.items():
            if isinstance(file, RemoteFile) and any(each in kept for each in file.secrets):
                said = "the address has a secret in it, and a run keeps its configuration: set an"
                said = f"{said} environment variable to the address, and write ${{NAME}} here"
                validator.add(("catalogues", name, *key, "file"), said)
                found.pop(name, None)
    return found


def _sections(
    validator: Validator,
    analyses: AnalysisTypes,
    catalogues: Mapping[str, CatalogueBlock],
    opened: Mapping[str, Opened | ReportgenError],
) -> dict[str, SectionBlock]:
    """Return the sections, each validated by its own analysis, without those that are wrong."""
    values = validator.document.values
    raw = values.get("sections", {})
    if raw == {}:
        validator.add(("sections",), "there are no sections")
    if not isinstance(raw, dict):
        return {}
    columns = _columns(values.get("catalogues", {}), catalogues, opened)
    references = values.get("references", {})
    validator.context |= {
        "catalogues": columns,
        "images": _described(_blocks(validator, "images", ImagesBlock), Images),
        "models": _described(_blocks(validator, "models", ModelBlock), Model),
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
    shared = value_at(validator.document.values, ("report", "shared_limits"))
    if shared in PACKAGES:
        raw = {"shared_limits": shared, **raw}
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
    blocks: Mapping[str, Any] | None, name_only: Callable[[str], Any]
) -> dict[str, Any] | None:
    """Return what analyses know of sources. name_only: gives one that is wrong, by its name."""
    if blocks is None:
        return None
    return {
        name: each.described(name) if each else name_only(name) for name, each in blocks.items()
    }


def _columns(
    raw: object,
    catalogues: Mapping[str, CatalogueBlock],
    opened: Mapping[str, Opened | ReportgenError],
) -> dict[str, Mapping[str, Column] | None] | None:
    """Return the columns of each catalogue; None where nobody knows which there are."""
    if not isinstance(raw, dict):
        return None
    columns: dict[str, Mapping[str, Column] | None] = {}
    for name, each in raw.items():
        found = opened.get(name)
        if isinstance(found, ReportgenError):
            columns[name] = None  # that is reported, not what is not found in it
        elif found is not None:
            columns[name] = found.columns
        elif name in catalogues:
            columns[name] = catalogues[name].described()
        else:
            columns[name] = _named_columns(each)
    # What is called the same has the same colour, whichever catalogue it is in.
    known: dict[tuple[str, bool, str], int] = {}
    return {
        name: None if found is None else numbered(found.values(), known)
        for name, found in columns.items()
    }


def _named_columns(catalogue: object) -> dict[str, Column] | None:
    """Return the columns of a catalogue that is wrong: their names can be checked all the same.

    None where its file may have others.
    """
    columns = value_at(catalogue, ("columns",))
    if not isinstance(columns, dict):
        return None
    places = [value_at(column, (key,)) for column in columns.values() for key in PLACES]
    if value_at(catalogue, ("file",)) is not None and not any(p is not None for p in places):
        return None
    units = {name: value_at(column, ("unit",)) for name, column in columns.items()}
    return {
        name: Column(name, unit=unit if isinstance(unit, str) else "", is_known=unit is not None)
        for name, unit in units.items()
    }

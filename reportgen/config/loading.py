"""YAML file to a validated report: all errors at once, each with file, line and column."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from reportgen.config.columns import Column
from reportgen.config.schema import (
    CatalogueBlock,
    ImagesBlock,
    ModelBlock,
    OutputBlock,
    ReportBlock,
    SectionBlock,
    Settings,
)
from reportgen.config.suggest import unknown
from reportgen.config.text import Document, KeyPath, Problem, dotted, problems_error, read_document

Model = TypeVar("Model", bound=BaseModel)
AnalysisTypes = Mapping[str, type[SectionBlock]]


@dataclass(frozen=True)
class Report:
    """A report as its YAML file describes it, validated; knows where each key stands."""

    document: Document
    overrides: tuple[str, ...]
    report: ReportBlock
    output: OutputBlock
    catalogues: Mapping[str, CatalogueBlock]
    images: Mapping[str, ImagesBlock]
    models: Mapping[str, ModelBlock]
    sections: Mapping[str, SectionBlock]

    @property
    def path(self) -> Path:
        """The YAML file."""
        return self.document.path

    def place(self, *path: str | int) -> str:
        """Give ``file:line:column: key.path`` of a key, for messages."""
        return f"{self.document.place(path)}: {dotted(path)}"

    def columns(self, catalogue: str) -> dict[str, Column]:
        """Give the columns of a catalogue as analyses see them."""
        return self.catalogues[catalogue].described()


def load_report(
    path: Path,
    analyses: AnalysisTypes,
    overrides: Iterable[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> Report:
    """Read and validate a YAML file.

    analyses: the analyses there are, by name. overrides: ``key.path=value`` texts.
    Raises ConfigError that lists every problem, a line each.
    """
    overrides = tuple(overrides)
    document = read_document(path, overrides, environment)
    context = {"folder": path.parent}
    values = document.values
    settings, problems = _validate(Settings, values, (), context, document)
    catalogues = values.get("catalogues")
    described = _described(catalogues if isinstance(catalogues, dict) else {}, context)
    sections: dict[str, SectionBlock] = {}
    raw_sections = values.get("sections")
    for name, raw in raw_sections.items() if isinstance(raw_sections, dict) else ():
        section, found = _section(name, raw, analyses, described, context, document)
        problems += found
        if section is not None:
            sections[name] = section
    if not problems and not sections:
        problems = [Problem(document.place(("sections",)), ("sections",), "there are no sections")]
    if problems or settings is None:
        raise problems_error(sorted(problems, key=_reading_order))
    output = settings.output
    if "folder" not in output.model_fields_set:
        output = output.model_copy(update={"folder": path.parent / "build" / settings.report.id})
    return Report(
        document=document,
        overrides=overrides,
        report=settings.report,
        output=output,
        catalogues=settings.catalogues,
        images=settings.images,
        models=settings.models,
        sections=sections,
    )


def _described(
    catalogues: Mapping[str, object], context: Mapping[str, object]
) -> dict[str, dict[str, Column] | None]:
    """Give the columns of each catalogue; None for one that is wrong itself."""
    described: dict[str, dict[str, Column] | None] = {}
    for name, raw in catalogues.items():
        try:
            described[name] = CatalogueBlock.model_validate(raw, context=dict(context)).described()
        except ValidationError:
            described[name] = None
    return described


def _section(
    name: str,
    raw: object,
    analyses: AnalysisTypes,
    described: Mapping[str, dict[str, Column] | None],
    context: Mapping[str, object],
    document: Document,
) -> tuple[SectionBlock | None, list[Problem]]:
    path: KeyPath = ("sections", name)
    if not isinstance(raw, dict):
        return None, [
            Problem(document.place(path), path, "a section needs keys, at least analysis:")
        ]
    problems = []
    analysis = raw.get("analysis")
    if not isinstance(analysis, str) or analysis not in analyses:
        message = (
            "the key is missing: which analysis makes this section? "
            f"(known: {', '.join(sorted(analyses))})"
            if analysis is None
            else unknown("analysis", str(analysis), analyses)
        )
        key = (*path, "analysis")
        return None, [Problem(document.place(key), key, message)]
    catalogue = raw.get("catalogue")
    if isinstance(catalogue, str) and catalogue not in described:
        key = (*path, "catalogue")
        problems.append(
            Problem(document.place(key), key, unknown("catalogue", catalogue, described))
        )
    columns = described.get(catalogue) if isinstance(catalogue, str) else None
    section, found = _validate(
        analyses[analysis], raw, path, {**context, "columns": columns}, document
    )
    return section, problems + found


def _validate(
    model: type[Model],
    raw: object,
    path: KeyPath,
    context: Mapping[str, object],
    document: Document,
) -> tuple[Model | None, list[Problem]]:
    try:
        return model.model_validate(raw, context=dict(context)), []
    except ValidationError as error:
        return None, list(_problems(error, model, path, document))


def _problems(
    error: ValidationError, model: type[BaseModel], path: KeyPath, document: Document
) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        full = (*path, *detail["loc"])
        place_path = document.known_path(full)
        key: KeyPath = place_path
        match detail["type"]:
            case "extra_forbidden":
                message = unknown("key", str(detail["loc"][-1]), _keys(model, detail["loc"][:-1]))
            case "missing":
                key = (*place_path, str(detail["loc"][-1]))
                message = "the key is missing"
            case "value_error":
                message = str(detail["ctx"]["error"])
            case _:
                message = f"{_lowered(detail['msg'])}, not {_shown(detail['input'])}"
        yield Problem(document.place(place_path), key, message)


def _lowered(message: str) -> str:
    return message.replace("Input should be", "should be", 1)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _keys(model: type[BaseModel], path: Iterable[str | int]) -> list[str]:
    """Give the keys that the block at a path may have."""
    block: Any = model
    for part in path:
        fields = getattr(block, "model_fields", {})
        if part in fields:
            block = _block(fields[part].annotation)
    return sorted(getattr(block, "model_fields", {}))


def _block(annotation: Any) -> Any:
    """Give the model inside an annotation such as dict[str, Model] or Model | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        if (found := _block(inner)) is not None:
            return found
    return None


def _reading_order(problem: Problem) -> tuple[str, int, int]:
    file, _, position = problem.place.partition(".yaml:")
    line, _, column = position.partition(":")
    return (file, int(line), int(column)) if column.isdigit() else (problem.place, 0, 0)

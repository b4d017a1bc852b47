"""YAML file to a validated report: all errors at once, each with file, line and column."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from reportgen.config.blocks import LONGEST_NAME
from reportgen.config.budgets import ReportBudgets
from reportgen.config.columns import Column
from reportgen.config.deliver import DeliverBlock
from reportgen.config.matrix import MATRIX, Cell
from reportgen.config.networks import Images, Model
from reportgen.config.schema import (
    SLUG,
    BlockError,
    CatalogueBlock,
    CatalogueSection,
    ImagesBlock,
    ModelBlock,
    OutputBlock,
    ReportBlock,
    SectionBlock,
    Settings,
)
from reportgen.config.suggest import unknown
from reportgen.config.text import Document, KeyPath, Problem, Source, dotted, problems_error
from reportgen.errors import ConfigError

Checked = TypeVar("Checked", bound=BaseModel)
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
    cell: Cell | None = None
    budgets: ReportBudgets | None = None

    @property
    def path(self) -> Path:
        """The YAML file."""
        return self.document.path

    def place(self, *path: str | int) -> str:
        """Give ``file:line:column: key.path`` of a key, for messages."""
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
        """Give the columns of a catalogue as analyses see them."""
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
    folder = source.path.parent
    document = source.document(overrides, environment, {} if cell is None else cell.values)
    if cell is None and MATRIX in document.values:
        raise ConfigError(
            f"{document.place([MATRIX])}: {MATRIX}: the file describes several reports",
            "choose one with --cell name=value, where the command has it",
        )
    checker = _Checker(document, analyses, {"folder": folder})
    settings = checker.check(Settings, document.values, ())
    sections = checker.sections(document.values)
    if checker.problems or settings is None:
        raise problems_error(sorted(checker.problems, key=_reading_order))
    report = Report(
        document=document,
        overrides=overrides,
        report=settings.report,
        output=settings.output,
        catalogues=settings.catalogues,
        images=settings.images,
        models=settings.models,
        references=settings.references,
        deliver=settings.deliver,
        sections=sections,
        cell=cell,
        budgets=settings.budgets,
    )
    return _with_own_place(report)


def _with_own_place(report: Report) -> Report:
    """Give a report an id and a folder that no other of its matrix has."""
    block, output, cell = report.report, report.output, report.cell
    of_matrix = {path for path in (_ID, _FOLDER) if path in report.document.from_matrix}
    if "folder" not in output.model_fields_set:
        name = report.path.stem if _ID in of_matrix else block.id
        output = output.model_copy(update={"folder": report.path.parent / "build" / name})
    if cell is not None and _ID not in of_matrix:
        name = f"{block.id}-{cell.slug}"
        if len(name) > LONGEST_NAME:
            said = (
                f"{name} has over {LONGEST_NAME} characters; use ${{{{ matrix.NAME }}}} in the id"
            )
            raise problems_error([Problem(report.document.place(_ID), _ID, said)])
        block = block.model_copy(update={"id": name})
    if cell is not None and _FOLDER not in of_matrix:
        output = output.model_copy(update={"folder": output.folder / cell.slug})
    return replace(report, report=block, output=output)


class _Checker:
    """Validates blocks of a document and gathers what is wrong with them."""

    def __init__(
        self, document: Document, analyses: AnalysisTypes, context: Mapping[str, object]
    ) -> None:
        self.document = document
        self.analyses = analyses
        self.context = dict(context)
        self.problems = list(document.problems)
        # A key that stands twice has a value all the same.
        paths = {problem.path for problem in document.problems}
        self.unread = {path for path in paths if _at(document.values, path) is None}

    def check(
        self, model: type[Checked], raw: object, path: KeyPath, **context: object
    ) -> Checked | None:
        """Validate the block at a path; None when it is wrong."""
        try:
            return model.model_validate(raw, context={**self.context, **context})
        except ValidationError as error:
            for block, problem, value in _problems(error, model, path, self.document):
                if not self._said(problem.path, value) and not self._incomplete(block):
                    self.problems.append(problem)
            return None

    def _said(self, path: KeyPath, value: object) -> bool:
        """Whether a value is wrong only because it could not be read, which is reported."""
        return value is None and path in self.unread

    def _incomplete(self, block: KeyPath | None) -> bool:
        """Whether a block lacks a value that could not be read: no wonder that it is wrong."""
        return block is not None and any(path[: len(block)] == block for path in self.unread)

    def sections(self, values: Mapping[str, object]) -> dict[str, SectionBlock]:
        """Validate each section by its own analysis."""
        raw_sections = values.get("sections", {})
        if raw_sections == {}:
            self._problem(("sections",), "there are no sections")
        if not isinstance(raw_sections, dict):
            return {}
        described = self._described(values.get("catalogues", {}))
        self.context["images"] = self._known(ImagesBlock, values.get("images", {}), Images)
        self.context["models"] = self._known(ModelBlock, values.get("models", {}), Model)
        references = values.get("references", {})
        if isinstance(references, dict):
            self.context["references"] = frozenset(references)
        found: dict[str, SectionBlock] = {}
        for name, raw in raw_sections.items():
            section = self._section(("sections", name), raw, described)
            if section is not None:
                found[name] = section
        return found

    def _described(self, catalogues: object) -> dict[str, dict[str, Column] | None] | None:
        """Give the columns of each catalogue; None for what is not known because it is wrong."""
        if not isinstance(catalogues, dict):
            return None
        described: dict[str, dict[str, Column] | None] = {}
        for name, raw in catalogues.items():
            try:
                block = CatalogueBlock.model_validate(raw, context=self.context)
                described[name] = block.described()
            except ValidationError:
                described[name] = _named_columns(raw)
        return described

    def _known(
        self,
        block: type[ImagesBlock] | type[ModelBlock],
        raw: object,
        plain: Callable[[str], Images | Model],
    ) -> dict[str, Images | Model] | None:
        """Give the image stacks or networks by name; those that are wrong have a name at least."""
        if not isinstance(raw, dict):
            return None
        known: dict[str, Images | Model] = {}
        for name, each in raw.items():
            try:
                known[name] = block.model_validate(each, context=self.context).described(name)
            except ValidationError:
                known[name] = plain(name)
        return known

    def _section(
        self,
        path: KeyPath,
        raw: object,
        described: Mapping[str, dict[str, Column] | None] | None,
    ) -> SectionBlock | None:
        if not isinstance(raw, dict):
            if not self._said(path, raw):
                self._problem(path, f"should be keys and values, not {_shown(raw)}")
            return None
        catalogue = raw.get("catalogue")
        columns = None
        if isinstance(catalogue, str) and described is not None:
            if catalogue not in described:
                self._problem((*path, "catalogue"), unknown("catalogue", catalogue, described))
            columns = described.get(catalogue)
        analysis = self._analysis(path, raw.get("analysis"))
        if analysis is None:
            # What every section has can be checked all the same.
            kind = CatalogueSection if "catalogue" in raw else SectionBlock
            raw = {key: value for key, value in raw.items() if key in kind.model_fields}
            self.check(kind, {**raw, "analysis": ""}, path, columns=columns)
            return None
        return self.check(analysis, raw, path, columns=columns)

    def _analysis(self, path: KeyPath, name: object) -> type[SectionBlock] | None:
        key = (*path, "analysis")
        if isinstance(name, str) and name in self.analyses:
            return self.analyses[name]
        if isinstance(name, str):
            self._problem(key, unknown("analysis", name, self.analyses))
        elif not self._said(key, name):
            what = "the key is missing" if name is None else f"not {_shown(name)}"
            known = ", ".join(sorted(self.analyses)) or "none"
            self._problem(key, f"{what}: which analysis makes this section? (known: {known})")
        return None

    def _problem(self, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self.document.place(path), path, message))


def _at(values: object, path: KeyPath) -> object:
    """Give the value at a path; None where there is none."""
    for key in path:
        try:
            values = values[key]  # type: ignore[index]
        except (LookupError, TypeError):
            return None
    return values


def _named_columns(catalogue: object) -> dict[str, Column] | None:
    """Give the columns of a catalogue that is wrong: their names can be checked all the same."""
    columns = _at(catalogue, ("columns",))
    if not isinstance(columns, dict):
        return None
    units = {name: _at(column, ("unit",)) for name, column in columns.items()}
    return {
        name: Column(name, unit=unit if isinstance(unit, str) else "")
        for name, unit in units.items()
    }


def _problems(
    error: ValidationError, model: type[BaseModel], path: KeyPath, document: Document
) -> Iterator[tuple[KeyPath | None, Problem, object]]:
    """Give each problem that a validator found, and the value that has it.

    First comes the path of the block whose keys do not fit together, if that is the problem.
    """
    for detail in error.errors(include_url=False):
        full = (*path, *detail["loc"])
        place_path = document.known_path(full)
        key: KeyPath = place_path
        cause = detail.get("ctx", {}).get("error")
        block = None
        match detail["type"]:
            case "extra_forbidden":
                message = unknown("key", str(detail["loc"][-1]), _keys(model, detail["loc"][:-1]))
            case "missing":
                key = (*place_path, detail["loc"][-1])
                message = "the key is missing" if isinstance(key[-1], str) else "is missing"
            case "value_error" if isinstance(cause, BlockError):
                for below, said in cause.problems.items():
                    deeper = document.known_path((*full, *below))
                    yield place_path, Problem(document.place(deeper), deeper, said), cause
                continue
            case "value_error" | "assertion_error":
                message = str(cause)
                block = place_path if isinstance(detail["input"], dict) else None
            case "too_short" if len(detail["input"]) >= detail["ctx"]["min_length"]:
                continue  # the items that are wrong were not counted, and are reported
            case _:
                message = _said(detail)
        yield block, Problem(document.place(place_path), key, message), detail["input"]


# What pydantic's kinds of error mean to somebody who writes YAML; others keep pydantic's words.
_MEANING = {
    **dict.fromkeys(("string_type", "string_sub_type"), "should be a text"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "should be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), "should be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "should be true or false"),
    **dict.fromkeys(("tuple_type", "list_type", "set_type"), "should be a list"),
    **dict.fromkeys(
        ("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"),
        "should be keys and values",
    ),
    **dict.fromkeys(("byte_size", "byte_size_unit"), "should be a size such as 256 MB"),
    "path_type": "should be a path",
}


def _said(detail: Any) -> str:
    """Give what is wrong with a value in the words of YAML."""
    kind, about, value = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind in {"too_short", "too_long"}:
        most = about.get("max_length")
        limit = f"at least {_items(about['min_length'])}" if most is None else f"at most {most}"
        return f"should have {limit}, not {len(value)}"
    if kind in {"string_too_short", "string_too_long"}:
        most = about.get("max_length")
        if most is not None:
            return f"should have at most {most} characters"
        least = about["min_length"]
        return "should not be empty" if least == 1 else f"should have at least {least} characters"
    if kind == "string_pattern_mismatch" and about["pattern"] == SLUG:
        said = "should be letters, digits, - and _ only, a letter or digit first"
    else:
        plain = str(detail["msg"]).replace("Input should", "should", 1)
        said = _MEANING.get(kind, plain.replace("String should", "should", 1))
    hint = "; put it in quotes" if kind == "string_type" and isinstance(value, int | float) else ""
    return f"{said}, not {_shown(value)}{hint}"


def _items(n: int) -> str:
    return f"{n} item" if n == 1 else f"{n} items"


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "keys and values" if value else "nothing"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


_LONGEST_SHOWN = 60  # characters of a value in a message


def _keys(model: type[BaseModel], path: Iterable[str | int]) -> list[str]:
    """Give the keys that the block at a path may have."""
    blocks: list[Any] = [model]
    for part in path:
        # A part that leads nowhere is a word of the validator's own, such as a union's member.
        blocks = [each for block in blocks for each in _below(block, part)] or blocks
    models = [member for block in blocks for member in _members(block)]
    fields = [field for each in models for field in getattr(each, "model_fields", {}).items()]
    return sorted({field.alias or name for name, field in fields})


def _below(annotation: Any, part: str | int) -> list[Any]:
    """Give the annotations of what a key or an index leads to."""
    found = []
    for member in _members(annotation):
        origin, fields = get_origin(member), getattr(member, "model_fields", {})
        arguments = [each for each in get_args(member) if each is not Ellipsis]
        if part in fields:
            found.append(fields[part].annotation)
        elif not isinstance(origin, type):
            continue
        elif issubclass(origin, Mapping):
            found.append(arguments[1])
        elif isinstance(part, int):
            found.append(arguments[min(part, len(arguments) - 1)])
    return found


def _members(annotation: Any) -> list[Any]:
    """Give the members of a union, or the one type that an annotation stands for."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return [member for each in get_args(annotation) for member in _members(each)]
    return [annotation]


def _reading_order(problem: Problem) -> tuple[bool, int, int]:
    """Order of the lines of the file; what the command line set comes last."""
    found = re.search(r":(\d+):(\d+)$", problem.place)
    return (False, int(found[1]), int(found[2])) if found else (True, 0, 0)

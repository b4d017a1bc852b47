"""What pydantic finds wrong with blocks, in the words of YAML, with the place and key of each."""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from reportgen.config.document import Document
from reportgen.config.problems import KeyPath, Problem, problems_error, shortened
from reportgen.config.suggest import unknown
from reportgen.config.types import SLUG, BlockError

Checked = TypeVar("Checked", bound=BaseModel)


class Validator:
    """Validates blocks of a document and gathers what is wrong with them.

    context: what validators of values know: the folder of the file, names of columns and others.
    """

    def __init__(self, document: Document, context: Mapping[str, object]) -> None:
        self.document = document
        self.context = dict(context)
        self.problems = list(document.problems)
        # A key that stands twice has a value all the same.
        paths = {problem.path for problem in document.problems}
        self._unreadable = {path for path in paths if value_at(document.values, path) is None}

    def check(
        self, model: type[Checked], raw: object, path: KeyPath, **context: object
    ) -> Checked | None:
        """Return the block at a path; None when it is wrong."""
        try:
            return model.model_validate(raw, context={**self.context, **context})
        except ValidationError as error:
            for block, problem, value in _problems(error, model, path, self.document):
                if not self.is_unreadable(problem.path, value) and not self._lacks_unreadable(
                    block
                ):
                    self.problems.append(problem)
            return None

    def add(self, path: KeyPath, message: str) -> None:
        """Note what is wrong with the key at a path."""
        self.problems.append(Problem(self.document.place(path), path, message))

    def is_unreadable(self, path: KeyPath, value: object) -> bool:
        """Return whether a value is wrong only because it could not be read, which is reported."""
        return value is None and path in self._unreadable

    def refuse(self) -> None:
        """Raise ConfigError of all problems, in the order of the file, if there are any."""
        if self.problems:
            raise problems_error(sorted(self.problems, key=_reading_order))

    def _lacks_unreadable(self, block: KeyPath | None) -> bool:
        """Return whether a block lacks a value that could not be read: no wonder it is wrong."""
        return block is not None and any(path[: len(block)] == block for path in self._unreadable)


def value_at(values: object, path: KeyPath) -> object:
    """Return the value at a path; None where there is none."""
    for key in path:
        try:
            values = values[key]  # type: ignore[index]
        except (LookupError, TypeError):
            return None
    return values


def _reading_order(problem: Problem) -> tuple[bool, int, int]:
    """Order of the lines of the file; what the command line set comes last."""
    found = re.search(r":(\d+):(\d+)$", problem.place)
    return (False, int(found[1]), int(found[2])) if found else (True, 0, 0)


def _problems(
    error: ValidationError, model: type[BaseModel], path: KeyPath, document: Document
) -> Iterator[tuple[KeyPath | None, Problem, object]]:
    """Yield each problem that a validator found, and the value that has it.

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
                message = _message(detail)
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


def _message(detail: Any) -> str:
    """Return what is wrong with a value in the words of YAML."""
    kind, about, value = detail["type"], detail.get("ctx", {}), detail["input"]
    least, most = about.get("min_length"), about.get("max_length")
    if kind == "too_short":
        items = "1 item" if least == 1 else f"{least} items"
        return f"should have at least {items}, not {len(value)}"
    if kind == "too_long":
        return f"should have at most {most}, not {len(value)}"
    if kind == "string_too_short":
        return "should not be empty" if least == 1 else f"should have at least {least} characters"
    if kind == "string_too_long":
        return f"should have at most {most} characters"
    if kind == "string_pattern_mismatch" and about["pattern"] == SLUG:
        said = "should be letters, digits, - and _ only, a letter or digit first"
    else:
        said = _MEANING.get(kind) or re.sub("^(Input|String) should", "should", detail["msg"])
    hint = "; put it in quotes" if kind == "string_type" and isinstance(value, int | float) else ""
    return f"{said}, not {shown(value)}{hint}"


def shown(value: object) -> str:
    """Return a value of the YAML as it stands in a message."""
    if isinstance(value, Mapping):
        return "keys and values" if value else "nothing"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else shortened(repr(value))


def _keys(model: type[BaseModel], path: Iterable[str | int]) -> list[str]:
    """Return the keys that the block at a path may have."""
    types = _members(model)
    for part in path:
        # A part that leads nowhere is a word of the validator's own, such as a union's member.
        types = [below for each in types for below in _below(each, part)] or types
    fields = [item for each in types for item in getattr(each, "model_fields", {}).items()]
    return sorted({field.alias or name for name, field in fields})


def _below(kind: Any, part: str | int) -> list[Any]:
    """Return the types that a key or an index of a type leads to."""
    origin, fields = get_origin(kind), getattr(kind, "model_fields", {})
    arguments = [each for each in get_args(kind) if each is not Ellipsis]
    if part in fields:
        return _members(fields[part].annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _members(arguments[1])
    if isinstance(origin, type) and isinstance(part, int):
        return _members(arguments[min(part, len(arguments) - 1)])
    return []


def _members(annotation: Any) -> list[Any]:
    """Return the members of a union, or the one type that an annotation stands for."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return [member for each in get_args(annotation) for member in _members(each)]
    return [annotation]

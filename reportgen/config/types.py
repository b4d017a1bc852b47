"""What the blocks of the YAML are made of: names, texts, numbers, paths, references to columns."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

from reportgen.config.columns import Column
from reportgen.config.suggest import unknown
from reportgen.docstrings import Documented

SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
LONGEST_NAME = 80  # characters

Name = Annotated[str, StringConstraints(pattern=SLUG, max_length=LONGEST_NAME)]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]


class BlockError(ValueError):
    """What is wrong with single keys, found by a validator of the block that holds them.

    problems: messages by the path of the key within the block.
    """

    def __init__(self, problems: Mapping[tuple[str | int, ...], str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


def read_number(value: object) -> object:
    """Read a quoted number: inside { } YAML wants ${NAME} in quotes, which makes it a text."""
    if isinstance(value, str):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return value


Number = BeforeValidator(read_number)
Count = Annotated[int, Field(strict=True, gt=0), Number]
Index = Annotated[int, Field(strict=True, ge=0), Number]
Real = Annotated[float, Field(strict=True, allow_inf_nan=False), Number]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False), Number]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False), Number]


def resolve_path(text: object, info: ValidationInfo) -> object:
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


FilePath = Annotated[Path, BeforeValidator(resolve_path), WithJsonSchema({"type": "string"})]


class Block(Documented):
    """Any block of the YAML: frozen, and no key beyond those it lists."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        validate_default=True,
        defer_build=True,
    )


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


ColumnRef = Annotated[
    Column,
    BeforeValidator(_column),
    WithJsonSchema({"type": "string", "description": "Name of a column of the catalogue."}),
]

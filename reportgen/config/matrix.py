"""``matrix:`` of the YAML: the combinations of its values, each a report of its own."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from typing import Annotated

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from reportgen.config.document import Document
from reportgen.config.problems import KeyPath, shortened
from reportgen.config.suggest import unknown
from reportgen.config.types import LONGEST_FILE_NAME, Block, BlockError
from reportgen.config.validation import Validator, shown
from reportgen.config.variables import Scalar, written
from reportgen.errors import ConfigError

MATRIX = "matrix"
MOST_CELLS = 256  # reports of one file; more are a slip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def slug(text: str) -> str:
    """Return a text as a part of an id: letters, digits, - and _, none of the last two outside."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-_")


def _value(value: object) -> Scalar:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("should be a finite number")
    if not isinstance(value, str | int | float):
        raise ValueError(f"should be a text, a number, or true or false, not {shown(value)}")
    if not slug(written(value)):
        raise ValueError("should have a letter (a to z) or a digit, to name a folder with")
    return value


def _all_differ(values: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    texts = [written(value) for value in values]
    twice = [i for i, text in enumerate(texts) if text in texts[:i]]
    if twice:
        raise BlockError({(i,): f"{shortened(texts[i])} stands here twice" for i in twice})
    return values


Value = Annotated[
    Scalar, PlainValidator(_value), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
Axis = Annotated[
    tuple[Value, ...],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_all_differ),
]
Entry = Annotated[dict[str, Value], Field(min_length=1)]


class MatrixBlock(Block):
    """Lists of values to combine: each combination is a report; ${{ matrix.NAME }} gives one."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"minProperties": 1})
    __pydantic_extra__: dict[str, Axis]

    exclude: tuple[Entry, ...] = ()
    """Combinations to leave out."""
    include: tuple[Entry, ...] = ()
    """Values to add to the combinations that they agree with, else as new."""

    @property
    def axes(self) -> dict[str, tuple[Scalar, ...]]:
        """The lists by name."""
        return self.__pydantic_extra__

    @model_validator(mode="after")
    def _fits_together(self) -> "MatrixBlock":
        if not self.axes and not self.include:
            raise ValueError("is empty: give each key a list, such as field: [cdfs, elais]")
        problems = {
            path: "a name is letters, digits, - and _, a letter first"
            for path in self._names()
            if not _NAME.fullmatch(str(path[-1]))
        }
        for i, entry in enumerate(self.exclude):
            for name, value in entry.items():
                known = [written(each) for each in self.axes.get(name, ())]
                if name not in self.axes:
                    problems["exclude", i, name] = unknown("key of the matrix", name, self.axes)
                elif written(value) not in known:
                    problems["exclude", i, name] = unknown(name, written(value), known)
        if problems:
            raise BlockError(problems)
        return self

    def _names(self) -> Iterable[KeyPath]:
        yield from ((name,) for name in self.axes)
        yield from (("include", i, name) for i, entry in enumerate(self.include) for name in entry)


class Cell:
    """A combination of the values of a matrix, by name.

    name: the values that it is called by, which are those of the lists; what ``include`` adds to
    it is left out. They stand as in the YAML.
    """

    def __init__(self, values: Mapping[str, Scalar], lists: Iterable[str] = ()) -> None:
        self.values = dict(values)
        self.texts = {name: written(value) for name, value in values.items()}
        own = {name: self.texts[name] for name in lists if name in self.texts}
        self.name = own or self.texts

    def __str__(self) -> str:
        return ", ".join(f"{name}={text}" for name, text in self.name.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cell) and self.texts == other.texts

    def __hash__(self) -> int:
        return hash(frozenset(self.texts.items()))

    @property
    def slug(self) -> str:
        """Its name as that of a folder: ``cdfs-2026-11-22``."""
        return "-".join(slug(text) for text in self.name.values())

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the command line calls it: ``--cell field=cdfs --cell night=2026-11-22``."""
        return tuple(
            part for name, text in self.name.items() for part in ("--cell", f"{name}={text}")
        )


def read_cells(document: Document) -> tuple[Cell, ...] | None:
    """Return the combinations of a document, in the order of the YAML; None without a matrix.

    document: read without values of the matrix, which are not known yet.
    Raises ConfigError that lists every problem of the matrix, a line each.
    """
    if MATRIX not in document.values:
        return None
    validator = Validator(document, {})
    validator.problems = [
        replace(each, message="a value of the matrix cannot use the matrix")
        if each.path in document.from_matrix
        else each
        for each in document.problems
        if each.path[:1] == (MATRIX,)
    ]
    block = validator.check(MatrixBlock, document.values[MATRIX], (MATRIX,))
    cells = () if block is None or validator.problems else _combined(block, validator)
    validator.refuse()
    return tuple(cells)


def _combined(block: MatrixBlock, validator: Validator) -> list[Cell]:
    axes = block.axes
    too_many = f"makes more than {MOST_CELLS} reports"
    if prod(map(len, axes.values())) > MOST_CELLS:
        validator.add((MATRIX,), too_many)
        return []
    # Without axes the product is one combination of nothing, which no entry extends.
    made = [
        Cell(dict(zip(axes, values, strict=True))) for values in product(*axes.values()) if axes
    ]
    out = [Cell(entry).texts.items() for entry in block.exclude]
    original = [cell for cell in made if not any(each <= cell.texts.items() for each in out)]
    extended = [dict(cell.values) for cell in original]
    for place, entry in enumerate(block.include):
        own = Cell({name: value for name, value in entry.items() if name in axes}).texts.items()
        fitting = [i for i, cell in enumerate(original) if own <= cell.texts.items()]
        for i in fitting:
            extended[i] |= entry
        if not fitting:
            if Cell(entry) in map(Cell, extended):
                validator.add((MATRIX, "include", place), "this combination is there already")
            extended.append(dict(entry))
    if not extended:
        validator.add((MATRIX, "exclude"), "leaves out every combination: the matrix is empty")
    if len(extended) > MOST_CELLS:
        validator.add((MATRIX,), too_many)
    cells = [Cell(values, axes) for values in extended]
    seen = Counter(str(cell) for cell in cells)
    # Combinations are called by the lists alone where that tells them apart.
    cells = [cell if seen[str(cell)] == 1 else Cell(cell.values) for cell in cells]
    for cell in cells:
        if len(cell.slug) > LONGEST_FILE_NAME:
            validator.add((MATRIX,), f"the values make a name of over {LONGEST_FILE_NAME} bytes")
    return cells


def choose_cells(cells: Sequence[Cell], wanted: Iterable[str]) -> tuple[Cell, ...]:
    """Return the combinations that have the values wanted, as ``name=value``.

    When they are the name of one, it is that one. Raises ConfigError when none has them.
    """
    chosen: dict[str, str] = {}
    for text in wanted:
        name, equals, value = text.partition("=")
        known = {each.texts[name] for each in cells if name in each.texts}
        if not equals:
            problem = "write --cell name=value"
        elif not known:
            problem = unknown(
                "key of the matrix", name, {key for each in cells for key in each.texts}
            )
        elif value not in known:
            problem = unknown(name, value, known)
        elif chosen.setdefault(name, value) != value:
            raise ConfigError(
                f"--cell {name}={value}: {name} is {chosen[name]} already",
                "build the combinations one after the other, or all of them without --cell",
            )
        else:
            continue
        raise ConfigError(f"--cell {shortened(text)}: {problem}")
    fitting = tuple(each for each in cells if chosen.items() <= each.texts.items())
    if not fitting:
        said = ", ".join(f"{name}={value}" for name, value in chosen.items())
        raise ConfigError(f"--cell: no combination has {said}", "see exclude: of the matrix")
    exact = tuple(each for each in fitting if each.name == chosen)
    return exact or fitting

"""``matrix:`` of the YAML: the combinations of its values, each a report of its own."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from types import MappingProxyType
from typing import Any

from reportgen.config.problems import KeyPath, Problem, problems_error
from reportgen.config.scalars import Scalar, shortened, written
from reportgen.config.suggest import unknown
from reportgen.config.text import Document
from reportgen.errors import ConfigError

MATRIX = "matrix"
MOST_CELLS = 256  # reports of one file; more are a slip
_EXCLUDE, _INCLUDE = "exclude", "include"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SHAPE = "give each key a list of values, such as field: [cdfs, elais]"

_VALUE = {"type": ["string", "number", "boolean"]}
_CELLS = {"type": "array", "items": {"type": "object", "additionalProperties": _VALUE}}
MATRIX_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Values to combine: each combination is a report; ${{ matrix.NAME }} gives one.",
    "properties": {
        _EXCLUDE: {**_CELLS, "description": "Combinations to leave out."},
        _INCLUDE: {
            **_CELLS,
            "description": "Values to add to the combinations that they agree with, else as new.",
        },
    },
    "additionalProperties": {"type": "array", "items": _VALUE, "minItems": 1, "uniqueItems": True},
    "minProperties": 1,
}


class Cell:
    """A combination of the values of a matrix, by name.

    name: the values that it is called by, which are those of the lists; what ``include`` adds to
    it is left out. They stand as in the YAML.
    """

    def __init__(self, values: Mapping[str, Scalar], lists: Iterable[str] = ()) -> None:
        self.values = MappingProxyType(dict(values))
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


def slug(text: str) -> str:
    """Give a text as a part of an id: letters, digits, - and _, none of the last two outside."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-_")


def read_cells(document: Document) -> tuple[Cell, ...] | None:
    """Give the combinations of a document, in the order of the YAML; None when it has no matrix.

    document: read without values of the matrix.
    Raises ConfigError that lists every problem of the matrix, a line each.
    """
    if MATRIX not in document.values:
        return None
    reading = _Reading(document)
    cells = reading.cells(document.values[MATRIX])
    if reading.problems:
        raise problems_error(reading.problems)
    return tuple(cells)


def choose_cells(cells: Sequence[Cell], wanted: Iterable[str]) -> tuple[Cell, ...]:
    """Give the combinations that have the values wanted, as ``name=value``.

    When they are the name of one, it is that one. Raises ConfigError when none has them.
    """
    chosen: dict[str, str] = {}
    for text in wanted:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--cell {shortened(text)}: write --cell name=value")
        known = {each.texts[name] for each in cells if name in each.texts}
        if not known:
            names = {key for each in cells for key in each.texts}
            raise ConfigError(
                f"--cell {shortened(text)}: {unknown('key of the matrix', name, names)}"
            )
        if value not in known:
            raise ConfigError(f"--cell {shortened(text)}: {unknown(name, value, known)}")
        if chosen.setdefault(name, value) != value:
            raise ConfigError(
                f"--cell {name}={value}: {name} is {chosen[name]} already",
                "build the combinations one after the other, or all of them without --cell",
            )
    fitting = tuple(each for each in cells if chosen.items() <= each.texts.items())
    if not fitting:
        said = ", ".join(f"{name}={value}" for name, value in chosen.items())
        raise ConfigError(f"--cell: no combination has {said}", "see exclude: of the matrix")
    exact = tuple(each for each in fitting if each.name == chosen)
    return exact or fitting


@dataclass(frozen=True)
class _Added:
    """An entry of include or exclude."""

    path: KeyPath
    values: dict[str, Scalar]


class _Reading:
    """Reads the matrix of a document and gathers what is wrong with it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.problems = [each for each in document.problems if each.path[:1] == (MATRIX,)]
        self._unread = {each.path for each in self.problems}

    def cells(self, raw: object) -> list[Cell]:
        """Give the combinations; nothing of use when there are problems."""
        if not isinstance(raw, dict) or not raw:
            self._problem((MATRIX,), f"is empty: {_SHAPE}" if not raw else f"{_SHAPE}")
            return []
        axes = {
            name: self._axis((MATRIX, name), values)
            for name, values in raw.items()
            if name not in {_EXCLUDE, _INCLUDE}
        }
        excluded = list(self._entries(raw, _EXCLUDE))
        included = list(self._entries(raw, _INCLUDE))
        for entry in excluded:
            self._check_excluded(entry, axes)
        if self.problems:
            return []
        if prod(map(len, axes.values())) > MOST_CELLS:
            self._problem((MATRIX,), f"makes more than {MOST_CELLS} reports")
            return []
        return self._combined(axes, excluded, included)

    def _combined(
        self, axes: Mapping[str, list[Scalar]], excluded: list[_Added], included: list[_Added]
    ) -> list[Cell]:
        made = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
        out = [_texts(entry.values).items() for entry in excluded]
        kept = [cell for cell in made if not any(each <= _texts(cell).items() for each in out)]
        # Without axes the product is one combination of nothing, which no entry extends.
        original = kept if axes else []
        extended = [dict(cell) for cell in original]
        for entry in included:
            own = _texts({key: value for key, value in entry.values.items() if key in axes})
            fitting = [i for i, cell in enumerate(original) if own.items() <= _texts(cell).items()]
            for i in fitting:
                extended[i] |= entry.values
            if not fitting:
                if Cell(entry.values) in map(Cell, extended):
                    self._problem(entry.path, "this combination is there already")
                extended.append(entry.values)
        if not extended:
            self._problem((MATRIX, _EXCLUDE), "leaves out every combination: the matrix is empty")
        if len(extended) > MOST_CELLS:
            self._problem((MATRIX,), f"makes more than {MOST_CELLS} reports")
        return _named(extended, axes)

    def _axis(self, path: KeyPath, raw: object) -> list[Scalar]:
        self._check_name(path)
        if not isinstance(raw, list):
            if path not in self._unread:
                self._problem(path, "should be a list of values, such as [cdfs, elais]")
            return []
        if not raw:
            self._problem(path, "is empty: give at least one value")
        values: list[Scalar] = []
        for i, item in enumerate(raw):
            value = self._value((*path, i), item)
            if value is None:
                continue
            if written(value) in map(written, values):
                self._problem((*path, i), f"{shortened(written(value))} stands here twice")
            values.append(value)
        return values

    def _entries(self, raw: Mapping[str, object], key: str) -> Iterator[_Added]:
        path: KeyPath = (MATRIX, key)
        entries = raw.get(key, [])
        if not isinstance(entries, list):
            self._problem(path, "should be a list, such as [{field: cdfs, night: 2026-11-22}]")
            return
        for i, entry in enumerate(entries):
            below = (*path, i)
            if not isinstance(entry, dict) or not entry:
                self._problem(below, "should be keys and values, such as {field: cdfs}")
                continue
            values: dict[str, Scalar] = {}
            for name, item in entry.items():
                self._check_name((*below, name))
                value = self._value((*below, name), item)
                if value is not None:
                    values[name] = value
            yield _Added(below, values)

    def _check_excluded(self, entry: _Added, axes: Mapping[str, list[Scalar]]) -> None:
        for name, value in entry.values.items():
            path = (*entry.path, name)
            if name not in axes:
                self._problem(path, unknown("key of the matrix", name, axes))
            elif written(value) not in (known := [written(each) for each in axes[name]]):
                self._problem(path, unknown(name, written(value), known))

    def _check_name(self, path: KeyPath) -> None:
        if not _NAME.fullmatch(str(path[-1])):
            self._problem(path, "a name is letters, digits, - and _, a letter first")

    def _value(self, path: KeyPath, raw: object) -> Scalar | None:
        """Give a value that can be in a matrix; None for any other."""
        said = ""
        if path in self._document.from_matrix:
            said = "a value of the matrix cannot use the matrix"
        elif isinstance(raw, float) and not math.isfinite(raw):
            said = "should be a finite number"
        elif isinstance(raw, str | int | float):
            if slug(written(raw)):
                return raw
            said = "should have a letter (a to z) or a digit, to name a folder with"
        elif path not in self._unread:
            kind = "a list" if isinstance(raw, list) else "keys and values" if raw else "nothing"
            said = f"should be a text, a number, or true or false, not {kind}"
        if said:
            self._problem(path, said)
        return None

    def _problem(self, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self._document.place(path), path, message))


def _named(combinations: Iterable[Mapping[str, Scalar]], lists: Iterable[str]) -> list[Cell]:
    """Give combinations, called by the lists alone where that tells them apart."""
    cells = [Cell(values, lists) for values in combinations]
    seen = Counter(str(cell) for cell in cells)
    return [cell if seen[str(cell)] == 1 else Cell(cell.values) for cell in cells]


def _texts(values: Mapping[str, Scalar]) -> dict[str, str]:
    return {name: written(value) for name, value in values.items()}

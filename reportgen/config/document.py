"""A YAML file to plain values, with the place of each, variables and overrides filled in."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from select import select

import yaml

from reportgen.config.nodes import Reader, mark, parser_problem
from reportgen.config.problems import KeyPath, Problem, dotted, shortened
from reportgen.config.variables import Scalar, Variables
from reportgen.errors import ConfigError
from reportgen.record import open_at_once

PIPE_SECONDS = 10.0  # until a pipe that is given for a file has something in it
MAX_BYTES = 1_000_000  # a data file given by mistake must not be read whole

_GIVE = "give the path of a reportgen YAML file"
_BEGIN = "reportgen init FILE begins one for a file with data"
_START = "start with report:, catalogues: and sections:"
_HINTS = {
    r"'\\t'": "indent with spaces; YAML does not allow tabs there",
    "mapping values are not": "put quotes around a text with a colon, or check the indentation",
    "could not find expected ':'": "after a key come a colon and a space",
    "expected <block end>": "check the indentation of this line and of those above",
    "undefined alias": "put quotes around a text that starts with *",
    "cannot start any token": "put quotes around a text that starts with @, ` or %",
}


@dataclass(frozen=True)
class Document:
    """A YAML document: its text, its values, and where each value stands.

    problems: what is wrong with single values, which are None, and with overrides; a validator
    reports them together with its own. from_matrix: keys whose values use the matrix. unset: names
    of variables that are not set, by the keys where their defaults stand in.
    """

    path: Path
    text: str
    values: dict[str, object]
    places: dict[KeyPath, str] = field(repr=False)
    problems: tuple[Problem, ...] = ()
    from_matrix: frozenset[KeyPath] = frozenset()
    unset: Mapping[KeyPath, tuple[str, ...]] = field(default_factory=dict)

    def place(self, path: Iterable[str | int]) -> str:
        """Return ``file:line:column`` of a key, or of the nearest key above it."""
        keys = tuple(path)
        while keys not in self.places and keys:
            keys = keys[:-1]
        return self.places.get(keys, f"{self.path}:1:1")

    def known_path(self, path: Iterable[str | int]) -> KeyPath:
        """Return the part of a validator's path that is in the document.

        A validator puts words of its own between the keys, such as the member of a union.
        """
        keys: KeyPath = ()
        for part in path:
            if (*keys, part) in self.places:
                keys = (*keys, part)
        return keys


@dataclass(frozen=True)
class Source:
    """A YAML file that has been read once, from which documents are made."""

    path: Path
    text: str
    root: yaml.MappingNode = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "Source":
        """Read a YAML file.

        Raises ConfigError naming file, line and column where the text is not YAML at all.
        """
        return cls.of(path, _read_text(path))

    @classmethod
    def of(cls, path: Path, text: str) -> "Source":
        """Return the source of a text that is known already; raises as ``read`` does."""
        return cls(path, text, _compose(path, text))

    def document(
        self,
        overrides: Iterable[str] = (),
        environment: Mapping[str, str] = os.environ,
        matrix: Mapping[str, Scalar] | None = None,
    ) -> Document:
        """Return the values of the file.

        overrides: ``key.path=value`` texts that replace or add keys. matrix: values of
        ``${{ matrix.NAME }}``.
        Raises ConfigError for nodes that are nested too deeply or repeated too often.
        """
        reader = Reader(self.path, Variables(environment, matrix or {}))
        values = reader.mapping(self.root)
        for override in overrides:
            _set_key(values, reader, override)
        found = tuple(reader.problems), frozenset(reader.from_matrix), reader.unset
        return Document(self.path, self.text, values, reader.places, *found)


def _read_text(path: Path) -> str:
    try:
        with open(path, "rb", opener=open_at_once) as file:
            if not select([file], [], [], PIPE_SECONDS)[0]:
                raise ConfigError(f"{path}: nothing comes through this pipe", _GIVE)
            os.set_blocking(file.fileno(), True)
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file", _GIVE) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        said = f"the file is larger than {MAX_BYTES // 10**6} MB, too large to be a report's"
        raise ConfigError(f"{path}: {said}", f"{_GIVE}; {_BEGIN}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = raw.rfind(b"\n", 0, error.start) + 1
        line = raw.count(b"\n", 0, error.start) + 1
        column = len(raw[start : error.start].decode("utf-8-sig")) + 1
        said = f"the file is not UTF-8 text (byte 0x{raw[error.start]:02x})"
        hint = f"save it as UTF-8, if it is YAML; {_BEGIN}"
        raise ConfigError(f"{path}:{line}:{column}: {said}", hint) from None


def _compose(path: Path, text: str) -> yaml.MappingNode:
    try:
        # libyaml would read it faster, but ends the program where nodes are nested too deeply.
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise _not_yaml(path, text, error) from None
    except RecursionError:
        raise ConfigError(f"{path}:1:1: the YAML is nested too deeply to read") from None
    if not documents:
        raise ConfigError(f"{path}:1:1: the file is empty", _START)
    if len(documents) > 1:
        said = f"{path}:{mark(documents[1])}: a second document starts here (---)"
        raise ConfigError(said, "keep one report in a file")
    root = documents[0]
    if not isinstance(root, yaml.MappingNode):
        kind = "list" if isinstance(root, yaml.SequenceNode) else "single value"
        said = f"the file must hold keys and values, not a {kind}"
        raise ConfigError(f"{path}:{mark(root)}: {said}", _START)
    return root


def _not_yaml(path: Path, text: str, error: yaml.YAMLError) -> ConfigError:
    problem, line, column = parser_problem(error, text)
    hint = next((advice for sign, advice in _HINTS.items() if re.search(sign, problem)), "")
    if "${" in "".join(text.split("\n")[line - 1 : line]):
        hint = 'inside { } or [ ] put quotes around "${NAME}"'
    return ConfigError(f"{path}:{line}:{column}: not YAML: {problem}", hint)


def _set_key(values: dict[str, object], reader: Reader, text: str) -> None:
    """Set one key, ``key.path=value``, in what a reader has read; it notes what is wrong."""
    place = f"--set {shortened(text)}"
    key, equals, raw = text.partition("=")
    parts = re.sub(r"\[(\d+)\]", r".\1", key.strip()).split(".")
    try:
        if not equals or not all(parts):
            raise ValueError("write --set key.path=value, such as output.paper=letter")
        node = yaml.compose(raw, Loader=yaml.SafeLoader)
        path, target = _target(values, parts)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        said = str(error)
        if isinstance(error, yaml.YAMLError):
            said = f"the value is not YAML: {parser_problem(error, raw)[0]}"
        elif isinstance(error, RecursionError):
            said = "the value is nested too deeply to read"
        reader.problems.append(Problem(place, (), said))
        return
    reader.forget(path)
    for depth in range(1, len(path) + 1):
        reader.places.setdefault(path[:depth], place)
    reader.fixed_place = place
    target[path[-1]] = "" if node is None else reader.value(node, path)  # type: ignore[index]


def _target(
    values: dict[str, object], parts: Iterable[str]
) -> tuple[KeyPath, dict[str, object] | list[object]]:
    """Return the path that some words spell, and the mapping or list that its last key is in.

    Mappings that are not there are made. Raises ValueError for a place that a list does not have.
    """
    path: KeyPath = ()
    target: dict[str, object] | list[object] = values
    below: object = values
    for part in parts:
        if isinstance(below, list):
            if part not in map(str, range(len(below))):
                most = f"a number from 0 to {len(below) - 1}" if below else "no number: it is empty"
                raise ValueError(f"{dotted(path)} is a list; after it comes {most}")
            target, path = below, (*path, int(part))
            below = below[int(part)]
            continue
        if not isinstance(below, dict):
            below = {}
            target[path[-1]] = below  # type: ignore[index]
        target, path = below, (*path, part)
        below = below.get(part)
    return path, target

"""YAML text to plain values, with the place of each: line and column, duplicate keys refused."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from reportgen.errors import ConfigError

KeyPath = tuple[str | int, ...]

# An alias repeats a node; nine lines of aliases can stand for a thousand million nodes.
MAX_NODES = 100_000

# ${NAME} and ${NAME:-default}; $${ stands for ${, and ${{ … }} is left to the matrix.
_VARIABLE = re.compile(r"\$\$\{|\$\{(?!\{)([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{(?!\{)")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where in the text, under which key, and what."""

    place: str
    path: KeyPath
    message: str

    def __str__(self) -> str:
        key = dotted(self.path)
        return f"{self.place}: {key}: {self.message}" if key else f"{self.place}: {self.message}"


@dataclass(frozen=True)
class Document:
    """A YAML document: its text, its values, and where each value stands."""

    path: Path
    text: str
    values: dict[str, object]
    places: dict[KeyPath, str] = field(repr=False)

    def place(self, path: Iterable[str | int]) -> str:
        """Give ``file:line:column`` of a key, or of the nearest key above it."""
        keys = tuple(path)
        while keys not in self.places and keys:
            keys = keys[:-1]
        return self.places.get(keys, f"{self.path}:1:1")

    def known_path(self, path: Iterable[str | int]) -> KeyPath:
        """Give the part of a validator's path that is in the document (or just below it)."""
        keys: KeyPath = ()
        for part in path:
            if (*keys, part) in self.places:
                keys = (*keys, part)
        return keys


def dotted(path: Iterable[str | int]) -> str:
    """Give a path as text: ``sections.flux.columns[2]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_document(
    path: Path, overrides: Iterable[str] = (), environment: Mapping[str, str] = os.environ
) -> Document:
    """Read a YAML file.

    overrides: ``key.path=value`` texts that replace or add keys.
    Raises ConfigError naming file, line and column of everything that is wrong.
    """
    text = _read_text(path)
    reader = _Reader(path, environment)
    root = _compose(path, text)
    values = reader.value(root, ())
    if reader.problems:
        raise problems_error(reader.problems)
    if not isinstance(values, dict):
        raise ConfigError(
            f"{path}:{_mark(root)}: the file must hold keys and values, not a "
            f"{'list' if isinstance(values, list) else 'single value'}",
            "start with report:, catalogues: and sections:",
        )
    for override in overrides:
        _override(values, reader.places, override, environment)
    return Document(path, text, values, reader.places)


def problems_error(problems: Iterable[Problem]) -> ConfigError:
    """Put all problems into one error, a line each."""
    return ConfigError("\n".join(str(problem) for problem in problems))


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file", "give the path of a reportgen YAML file"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        raise ConfigError(
            f"{path}:{line}:{column}: the file is not UTF-8 text (byte 0x{raw[error.start]:02x})",
            "save it as UTF-8",
        ) from None


def _compose(path: Path, text: str) -> yaml.Node:
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        said = "; ".join(filter(None, (error.context, error.problem)))
        line = text.splitlines()[mark.line : mark.line + 1] if mark else []
        hint = 'inside { } or [ ] put quotes around "${NAME}"' if "${" in "".join(line) else ""
        raise ConfigError(f"{path}:{place}: not YAML: {said}", hint) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}:1:1: not YAML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}:1:1: the YAML is nested too deeply to read") from None
    if not documents:
        raise ConfigError(f"{path}:1:1: the file is empty", "start with report: and sections:")
    if len(documents) > 1:
        raise ConfigError(
            f"{path}:{_mark(documents[1])}: a second document starts here (---)",
            "keep one report in a file",
        )
    return documents[0]


def _mark(node: yaml.Node) -> str:
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}"


class _Reader:
    """Walks the nodes once: values, places and problems come out."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        self.environment = environment
        self.places: dict[KeyPath, str] = {}
        self.problems: list[Problem] = []
        self.nodes = 0
        self.open: set[int] = set()

    def value(self, node: yaml.Node, path: KeyPath) -> object:
        place = f"{self.path}:{_mark(node)}"
        self.places.setdefault(path, place)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise ConfigError(f"{place}: anchors and aliases expand to over {MAX_NODES} values")
        if id(node) in self.open:
            raise ConfigError(f"{place}: an alias that contains itself")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
            return self._scalar(node, path, place)
        finally:
            self.open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        own: dict[str, object] = {}
        merged: dict[str, object] = {}
        for key_node, value_node in node.value:
            place = f"{self.path}:{_mark(key_node)}"
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged = {**self._merged(value_node, path, place), **merged}
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(place, path, "a key must be a word, not a list"))
                continue
            key = key_node.value
            if key in own:
                first = self.places[(*path, key)].removeprefix(f"{self.path}:")
                self.problems.append(
                    Problem(place, (*path, key), f"the key stands twice (first at {first})")
                )
                continue
            self.places[(*path, key)] = place
            own[key] = self.value(value_node, (*path, key))
        return {**merged, **own}

    def _merged(self, node: yaml.Node, path: KeyPath, place: str) -> dict[str, object]:
        """Give the keys that ``<<`` brings in; earlier mappings of a list win."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        result: dict[str, object] = {}
        for part in parts:
            value = self.value(part, path) if isinstance(part, yaml.MappingNode) else None
            if value is None:
                self.problems.append(Problem(place, path, "<< needs a mapping, or a list of them"))
            elif isinstance(value, dict):
                result = {**value, **result}
        return result

    def _scalar(self, node: yaml.Node, path: KeyPath, place: str) -> object:
        try:
            return scalar(node, self.environment)
        except ValueError as error:
            self.problems.append(Problem(place, path, str(error)))
            return None


def scalar(node: yaml.Node, environment: Mapping[str, str]) -> object:
    """Give the value of a YAML scalar, environment variables filled in.

    A plain ``${BINS:-20}`` is a number, a quoted one a text, as if it had been typed so.
    Dates stay text. Raises ValueError.
    """
    tag, text = node.tag, node.value
    if "${" in text:
        text = _VARIABLE.sub(lambda match: _variable(match, environment), text)
        if node.style is None:
            tag = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))
    if tag == "tag:yaml.org,2002:timestamp":
        return str(text)
    if not tag.startswith("tag:yaml.org,2002:"):
        raise ValueError(f"the tag {tag} is not allowed; write a plain value")
    try:
        return yaml.SafeLoader("").construct_object(yaml.ScalarNode(tag, text), deep=True)
    except (yaml.YAMLError, ValueError) as error:
        kind = tag.rsplit(":", 1)[1]
        raise ValueError(f"{text!r} cannot be read as {kind}: {error}") from None


def _variable(match: re.Match[str], environment: Mapping[str, str]) -> str:
    if match[0] == "$${":
        return "${"
    name, default = match[1], match[2]
    if name is None:
        raise ValueError("after ${ comes a name: ${NAME} or ${NAME:-default}; write $${ for ${")
    # As in a shell, :- also covers a variable that is set but empty.
    if value := environment.get(name):
        return value
    if default is not None:
        return default
    if name in environment:
        return ""
    raise ValueError(f"the environment variable {name} is not set; set it or write ${{{name}:-…}}")


def _override(
    values: dict[str, object],
    places: dict[KeyPath, str],
    text: str,
    environment: Mapping[str, str],
) -> None:
    place = f"--set {text}"
    key, equals, raw = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"{place}: write --set key.path=value, such as output.paper=letter")
    try:
        node = yaml.compose(raw or "''", Loader=yaml.SafeLoader)
        reader = _Reader(Path(place), environment)
        value = reader.value(node, ())
    except yaml.YAMLError as error:
        raise ConfigError(f"{place}: the value is not YAML: {error}") from None
    if reader.problems:
        raise ConfigError(f"{place}: {reader.problems[0].message}")
    target: object = values
    path: KeyPath = ()
    for depth, part in enumerate(parts):
        step = _step(target, part, place, dotted(path))
        path = (*path, step)
        if depth == len(parts) - 1:
            target[step] = value  # type: ignore[index]
        elif isinstance(target, list):
            target = target[int(step)]
        elif isinstance(target, dict):
            if not isinstance(target.get(step), dict | list):
                target[str(step)] = {}
            target = target[step]
        places.setdefault(path, place)
    for known in [known for known in places if known[: len(path)] == path]:
        del places[known]
    places[path] = place
    for below in reader.places:
        places[(*path, *below)] = place


def _step(target: object, part: str, place: str, above: str) -> str | int:
    if isinstance(target, dict):
        return part
    if isinstance(target, list) and part.isdigit() and int(part) < len(target):
        return int(part)
    raise ConfigError(f"{place}: {above} is a list of {len(target)}; give a number from 0")  # type: ignore[arg-type]

"""YAML text to plain values, with the place of each: line and column, duplicate keys refused."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from yaml.constructor import SafeConstructor
from yaml.reader import ReaderError
from yaml.resolver import Resolver

from reportgen.errors import ConfigError

KeyPath = tuple[str | int, ...]

MAX_BYTES = 10_000_000  # a data file given by mistake must not be read whole
# An alias repeats a node; nine lines of aliases can stand for a thousand million nodes.
MAX_NODES = 100_000
MAX_DEPTH = 60

# ${NAME} and ${NAME:-default}; $${ stands for ${, and ${{ … }} is left to the matrix.
_VARIABLE = re.compile(r"\$\$\{|\$\{(?!\{)([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{(?!\{)")
# What neither YAML nor HTML can hold, though an escape such as "\0" can bring it in.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

_TAG = "tag:yaml.org,2002:"
_TEXT = {f"{_TAG}{kind}" for kind in ("str", "timestamp", "value", "merge")}
_NUMBERS = {f"{_TAG}int", f"{_TAG}float"}
_PLAIN = _TEXT | _NUMBERS | {f"{_TAG}null", f"{_TAG}bool"}

_START = "start with report:, catalogues: and sections:"
_HINTS = (
    (r"'\\t'", "indent with spaces; YAML does not allow tabs there"),
    (
        "mapping values are not allowed",
        "put quotes around a text with a colon in it, or check the indentation",
    ),
    ("could not find expected ':'", "after a key come a colon and a space"),
    ("expected <block end>", "check the indentation of this line and of those above"),
    ("undefined alias", "put quotes around a text that starts with *"),
    ("cannot start any token", "put quotes around a text that starts with @, ` or %"),
)


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
    """A YAML document: its text, its values, and where each value stands.

    problems: what is wrong with single values, which are None, and with overrides; a validator
    reports them together with its own.
    """

    path: Path
    text: str
    values: dict[str, object]
    places: dict[KeyPath, str] = field(repr=False)
    problems: tuple[Problem, ...] = ()

    def place(self, path: Iterable[str | int]) -> str:
        """Give ``file:line:column`` of a key, or of the nearest key above it."""
        keys = tuple(path)
        while keys not in self.places and keys:
            keys = keys[:-1]
        return self.places.get(keys, f"{self.path}:1:1")

    def known_path(self, path: Iterable[str | int]) -> KeyPath:
        """Give the part of a validator's path that is in the document.

        A validator puts words of its own between the keys, such as the member of a union.
        """
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
    Raises ConfigError naming file, line and column where the text is not YAML at all.
    """
    text = _read_text(path)
    root = _compose(path, text)
    if not isinstance(root, yaml.MappingNode):
        kind = "list" if isinstance(root, yaml.SequenceNode) else "single value"
        raise ConfigError(
            f"{path}:{_mark(root)}: the file must hold keys and values, not a {kind}", _START
        )
    reader = _Reader(path, environment)
    values = reader.mapping(root, ())
    problems = reader.problems
    for override in overrides:
        problems += _override(values, reader.places, override, environment)
    return Document(path, text, values, reader.places, tuple(problems))


def problems_error(problems: Iterable[Problem]) -> ConfigError:
    """Put all problems into one error, a line each."""
    return ConfigError("\n".join(dict.fromkeys(str(problem) for problem in problems)))


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file", "give the path of a reportgen YAML file"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(
            f"{path}: the file is larger than {MAX_BYTES // 10**6} MB, too large to be a report's",
            "give the path of a reportgen YAML file",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = raw.rfind(b"\n", 0, error.start) + 1
        line = raw.count(b"\n", 0, error.start) + 1
        column = len(raw[start : error.start].decode("utf-8-sig")) + 1
        raise ConfigError(
            f"{path}:{line}:{column}: the file is not UTF-8 text (byte 0x{raw[error.start]:02x})",
            "save it as UTF-8; give data files under catalogues:, not on the command line",
        ) from None


def _compose(path: Path, text: str) -> yaml.Node:
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise _not_yaml(path, text, error) from None
    except RecursionError:
        raise ConfigError(f"{path}:1:1: the YAML is nested too deeply to read") from None
    if not documents:
        raise ConfigError(f"{path}:1:1: the file is empty", _START)
    if len(documents) > 1:
        raise ConfigError(
            f"{path}:{_mark(documents[1])}: a second document starts here (---)",
            "keep one report in a file",
        )
    return documents[0]


def _not_yaml(path: Path, text: str, error: yaml.YAMLError) -> ConfigError:
    said, line, column = _said(error, text)
    lines = text.split("\n")[line - 1 : line]
    hint = next((advice for sign, advice in _HINTS if re.search(sign, said)), "")
    if "${" in "".join(lines):
        hint = 'inside { } or [ ] put quotes around "${NAME}"'
    return ConfigError(f"{path}:{line}:{column}: not YAML: {said}", hint)


def _said(error: yaml.YAMLError, text: str) -> tuple[str, int, int]:
    """Give what the parser says, and the line and column of it."""
    if isinstance(error, ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1
        return f"the character U+{ord(text[error.position]):04X} is not allowed", line, column
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        said = "; ".join(filter(None, (error.context, error.problem)))
        return (said, mark.line + 1, mark.column + 1) if mark else (said, 1, 1)
    return str(error), 1, 1


def _mark(node: yaml.Node) -> str:
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}"


class _Reader:
    """Walks the nodes once: values, places and problems come out.

    place: stands for every place, where the text is not that of the file.
    """

    def __init__(self, path: Path, environment: Mapping[str, str], place: str = "") -> None:
        self.path = path
        self.environment = environment
        self.fixed_place = place
        self.places: dict[KeyPath, str] = {}
        self.problems: list[Problem] = []
        self.nodes = 0
        self.open: set[int] = set()

    def place(self, node: yaml.Node) -> str:
        return self.fixed_place or f"{self.path}:{_mark(node)}"

    def value(self, node: yaml.Node, path: KeyPath) -> object:
        place = self.place(node)
        self.places.setdefault(path, place)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise ConfigError(f"{place}: anchors and aliases expand to over {MAX_NODES} values")
        if id(node) in self.open:
            raise ConfigError(f"{place}: an alias that contains itself")
        if len(self.open) >= MAX_DEPTH:
            raise ConfigError(f"{place}: nested deeper than {MAX_DEPTH} levels")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                self._check_tag(node, "seq", path)
                return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self.open.discard(id(node))

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        self._check_tag(node, "map", path)
        merged: dict[str, object] = {}
        pairs: list[tuple[yaml.ScalarNode, yaml.Node]] = []
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                merged = {**self._merged(value_node, path), **merged}
            elif isinstance(key_node, yaml.ScalarNode):
                pairs.append((key_node, value_node))
            else:
                kind = "a list" if isinstance(key_node, yaml.SequenceNode) else "keys and values"
                self._problem(
                    key_node,
                    path,
                    f"a key must be a word, not {kind}; put quotes around a text with {{ or [",
                )
        own: dict[str, object] = {}
        for key_node, value_node in pairs:
            key = str(key_node.value)
            below = (*path, key)
            if problem := _key_problem(key_node):
                self._problem(key_node, path, problem)
            elif key in own:
                _, given, first = self.places[below].partition(f"{self.path}:")
                also = f" (first at {first})" if given else ""
                self._problem(key_node, below, f"the key stands twice{also}")
            else:
                if key in merged:
                    self._forget(below)
                self.places[below] = self.place(key_node)
                own[key] = self.value(value_node, below)
        return {**merged, **own}

    def _merged(self, node: yaml.Node, path: KeyPath) -> dict[str, object]:
        """Give the keys that ``<<`` brings in; earlier mappings of a list win."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        result: dict[str, object] = {}
        for part in reversed(parts):
            value = self.value(part, path) if isinstance(part, yaml.MappingNode) else None
            if isinstance(value, dict):
                result |= value
            else:
                self._problem(part, path, "<< needs keys and values, or a list of such")
        return result

    def _scalar(self, node: yaml.Node, path: KeyPath) -> object:
        try:
            return scalar(node, self.environment)
        except ValueError as error:
            self._problem(node, path, str(error))
            return None

    def _check_tag(self, node: yaml.Node, kind: str, path: KeyPath) -> None:
        if node.tag != f"{_TAG}{kind}":
            self._problem(node, path, _tag_problem(node.tag))

    def _problem(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self.place(node), path, message))

    def _forget(self, path: KeyPath) -> None:
        """Leave out the places below a key that stands in for a merged one."""
        for known in [known for known in self.places if known[: len(path)] == path]:
            del self.places[known]


def _key_problem(node: yaml.ScalarNode) -> str:
    if node.tag not in _PLAIN:
        return _tag_problem(node.tag)
    if not node.value.strip():
        return "a key is missing before the colon"
    return "a key holds a control character" if _UNPRINTABLE.search(node.value) else ""


def _tag_problem(tag: str) -> str:
    return f"the tag {tag.replace(_TAG, '!!')} is not allowed; write a plain value"


def scalar(node: yaml.Node, environment: Mapping[str, str]) -> object:
    """Give the value of a YAML scalar, environment variables filled in.

    A plain ``${BINS:-20}`` is a number, a quoted one a text, as if it had been typed so.
    Dates and times stay text: YAML would read 03:32:28 as a number to the base of 60. Zeros before
    a number mean nothing: YAML would read -0077 as octal. Raises ValueError.
    """
    tag, text = str(node.tag), str(node.value)
    if tag not in _PLAIN:
        raise ValueError(_tag_problem(tag))
    if "${" in text:
        text = _VARIABLE.sub(lambda match: _variable(match, environment), text)
        if tag == f"{_TAG}str" and getattr(node, "style", None) is None:
            tag = Resolver().resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    if _UNPRINTABLE.search(text):
        raise ValueError("the text holds a control character")
    if tag in _TEXT or (tag in _NUMBERS and ":" in text):
        return text
    try:
        if tag == f"{_TAG}int" and re.fullmatch(r"[-+]?0[0-9_]+", text):
            return int(text.replace("_", ""))
        return SafeConstructor().construct_object(yaml.ScalarNode(tag, text), deep=True)
    except (yaml.YAMLError, ValueError, LookupError):
        # LookupError: PyYAML's own, for an empty text or a word it has no truth for.
        raise ValueError(
            f"{_shortened(text)!r} cannot be read as {tag.removeprefix(_TAG)}"
        ) from None


def _shortened(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


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
        return str(default)
    if name in environment:
        return ""
    raise ValueError(f"the environment variable {name} is not set; set it or write ${{{name}:-…}}")


def _override(
    values: dict[str, object],
    places: dict[KeyPath, str],
    text: str,
    environment: Mapping[str, str],
) -> list[Problem]:
    """Set one key in the values; give what is wrong with the text."""
    place = f"--set {_shortened(text)}"
    key, equals, raw = text.partition("=")
    parts = re.sub(r"\[(\d+)\]", r".\1", key.strip()).split(".")
    if not equals or not all(parts):
        return [Problem(place, (), "write --set key.path=value, such as output.paper=letter")]
    try:
        node = yaml.compose(raw, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        return [Problem(place, (), f"the value is not YAML: {_said(error, raw)[0]}")]
    except RecursionError:
        return [Problem(place, (), "the value is nested too deeply to read")]
    try:
        path, target = _target(values, parts)
    except ValueError as error:
        return [Problem(place, (), str(error))]
    reader = _Reader(Path(), environment, place)
    value = "" if node is None else reader.value(node, path)
    target[path[-1]] = value  # type: ignore[index]
    for known in [known for known in places if known[: len(path)] == path]:
        del places[known]
    for depth in range(1, len(path)):
        places.setdefault(path[:depth], place)
    places.update(reader.places)
    places[path] = place
    return reader.problems


def _target(
    values: dict[str, object], parts: Iterable[str]
) -> tuple[KeyPath, dict[str, object] | list[object]]:
    """Give the path that some words spell, and the mapping or list that its last key is in.

    Mappings that are not there are made. Raises ValueError for a place that a list does not have.
    """
    path: KeyPath = ()
    target: dict[str, object] | list[object] = values
    below: object = values
    for part in parts:
        if isinstance(below, list):
            if not (part.isdecimal() and int(part) < len(below)):
                most = f"a number from 0 to {len(below) - 1}" if below else "no number: it is empty"
                raise ValueError(f"{dotted(path)} is a list; after it comes {most}")
            target, step = below, int(part)
            below = below[step]
            path = (*path, step)
            continue
        if not isinstance(below, dict):
            below = {}
            target[path[-1]] = below  # type: ignore[index]
        target, path = below, (*path, part)
        below = below.get(part)
    return path, target

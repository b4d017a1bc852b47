"""YAML nodes to plain values, with the place of each; duplicate keys and tags are refused."""

import re
from pathlib import Path

import yaml
from yaml.constructor import SafeConstructor
from yaml.reader import ReaderError
from yaml.resolver import Resolver

from reportgen.config.problems import KeyPath, Problem, shortened
from reportgen.config.variables import EXPRESSION, Variables, uses_matrix
from reportgen.errors import ConfigError
from reportgen.wording import UNPRINTABLE

# An alias repeats a node; nine lines of aliases can stand for a thousand million nodes.
MAX_NODES = 100_000
MAX_DEPTH = 60
MAX_BITS = 1024  # of an integer, as large as a number of a column can be

_TAG = "tag:yaml.org,2002:"
_TEXT = {f"{_TAG}{kind}" for kind in ("str", "timestamp", "value", "merge")}
_NUMBERS = {f"{_TAG}int", f"{_TAG}float"}
_PLAIN = _TEXT | _NUMBERS | {f"{_TAG}null", f"{_TAG}bool"}


def mark(node: yaml.Node) -> str:
    """Return ``line:column`` of a node."""
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def parser_problem(error: yaml.YAMLError, text: str) -> tuple[str, int, int]:
    """Return what the parser says of a text, and the line and column of it."""
    if isinstance(error, ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - before.rfind("\n")
        return f"the character U+{ord(text[error.position]):04X} is not allowed", line, column
    if isinstance(error, yaml.MarkedYAMLError):
        place = error.problem_mark or error.context_mark
        problem = "; ".join(filter(None, (error.context, error.problem)))
        return (problem, place.line + 1, place.column + 1) if place else (problem, 1, 1)
    return str(error), 1, 1


class Reader:
    """Walks the nodes once: values, places and problems come out.

    fixed_place: stands for every place while nodes are not of the file.
    """

    def __init__(self, path: Path, variables: Variables) -> None:
        self.path = path
        self.variables = variables
        self.fixed_place = ""
        self.places: dict[KeyPath, str] = {}
        self.problems: list[Problem] = []
        self.from_matrix: set[KeyPath] = set()
        self.unset: dict[KeyPath, tuple[str, ...]] = {}
        self._nodes = 0
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: KeyPath = ()) -> object:
        """Return the value of a node; ConfigError when it is too deep or repeats itself."""
        place = self._place(node)
        self.places.setdefault(path, place)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise ConfigError(f"{place}: anchors and aliases expand to over {MAX_NODES} values")
        if id(node) in self._open:
            raise ConfigError(f"{place}: an alias that contains itself")
        if len(self._open) >= MAX_DEPTH:
            raise ConfigError(f"{place}: nested deeper than {MAX_DEPTH} levels")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                self._check_tag(node, "seq", path)
                return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self._open.discard(id(node))

    def mapping(self, node: yaml.MappingNode, path: KeyPath = ()) -> dict[str, object]:
        """Return the keys and values of a node."""
        self._check_tag(node, "map", path)
        merged: dict[str, object] = {}
        pairs: list[tuple[yaml.Node, yaml.Node]] = []
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                merged = {**self._merged(value_node, path), **merged}
            else:
                pairs.append((key_node, value_node))
        own: dict[str, object] = {}
        for key_node, value_node in pairs:
            if problem := _key_problem(key_node):
                self._problem(key_node, path, problem)
                continue
            key = str(key_node.value)
            below = (*path, key)
            if key in own:
                _, given, first = self.places[below].partition(f"{self.path}:")
                also = f" (first at {first})" if given else ""
                self._problem(key_node, below, f"the key stands twice{also}")
                continue
            if key in merged:
                self.forget(below)
            self.places[below] = self._place(key_node)
            own[key] = self.value(value_node, below)
        return {**merged, **own}

    def forget(self, path: KeyPath) -> None:
        """Leave out what is known below a key whose value is replaced."""
        for known in [known for known in self.places if known[: len(path)] == path]:
            del self.places[known]
            self.from_matrix.discard(known)
            self.unset.pop(known, None)

    def _merged(self, node: yaml.Node, path: KeyPath) -> dict[str, object]:
        """Return the keys that ``<<`` brings in; earlier mappings of a list win."""
        result: dict[str, object] = {}
        for part in reversed(node.value if isinstance(node, yaml.SequenceNode) else [node]):
            value = self.value(part, path) if isinstance(part, yaml.MappingNode) else None
            if isinstance(value, dict):
                result |= value
            else:
                self._problem(part, path, "<< needs keys and values, or a list of such")
        return result

    def _scalar(self, node: yaml.Node, path: KeyPath) -> object:
        if uses_matrix(node.value):
            self.from_matrix.add(path)
        try:
            value = scalar(node, self.variables)
        except ValueError as error:
            self._problem(node, path, str(error))
            return None
        if unset := self.variables.unset(node.value):
            self.unset[path] = unset
        return value

    def _check_tag(self, node: yaml.Node, kind: str, path: KeyPath) -> None:
        if node.tag != f"{_TAG}{kind}":
            self._problem(node, path, _tag_problem(node.tag))

    def _place(self, node: yaml.Node) -> str:
        return self.fixed_place or f"{self.path}:{mark(node)}"

    def _problem(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self._place(node), path, message))


def scalar(node: yaml.Node, variables: Variables) -> object:
    """Return the value of a YAML scalar, variables filled in.

    A plain ``${BINS:-20}`` is a number, a quoted one a text, as if it had been typed so. A plain
    ``${{ matrix.n }}`` is what the matrix holds; a quoted one, or one with anything beside it, is
    a text. Dates and times stay text: YAML would read 03:32:28 as a number to the base of 60. Zeros
    before a number mean nothing: YAML would read -0077 as octal. Raises ValueError.
    """
    tag, text = str(node.tag), str(node.value)
    if tag not in _PLAIN:
        raise ValueError(_tag_problem(tag))
    if "${" in text:
        plain = tag == f"{_TAG}str" and not getattr(node, "style", None)
        if plain and re.fullmatch(EXPRESSION, text):
            return variables.value(text)
        plain = plain and not uses_matrix(text)
        text = variables.fill(text)
        if plain:
            tag = Resolver().resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    if UNPRINTABLE.search(text):
        raise ValueError("the text holds a control character")
    if tag in _TEXT or (tag in _NUMBERS and ":" in text):
        return text
    try:
        if tag == f"{_TAG}int" and re.fullmatch(r"[-+]?0[0-9_]+", text):
            value = int(text.replace("_", ""))
        else:
            value = SafeConstructor().construct_object(yaml.ScalarNode(tag, text), deep=True)
    except (yaml.YAMLError, ValueError, LookupError):
        # LookupError: PyYAML's own, for an empty text or a word it has no truth for.
        raise ValueError(
            f"{shortened(text)!r} cannot be read as {tag.removeprefix(_TAG)}"
        ) from None
    if isinstance(value, int):
        check_integer(value)
    return value


def check_integer(value: int) -> None:
    """Raise ValueError for an integer that is too large to be a number of a column."""
    if value.bit_length() > MAX_BITS:
        raise ValueError(f"{shortened(hex(value))} is larger than any number of a column")


def _key_problem(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "keys and values"
        return f"a key must be a word, not {kind}; put quotes around a text with {{ or ["
    if node.tag not in _PLAIN:
        return _tag_problem(node.tag)
    if uses_matrix(node.value):
        return "${{ … }} can stand in a value, not in a key"
    if not node.value.strip():
        return "a key is missing before the colon"
    return "" if node.value.isprintable() else "a key holds a control character"


def _tag_problem(tag: str) -> str:
    return f"the tag {tag.replace(_TAG, '!!')} is not allowed; write a plain value"

"""YAML nodes to plain values, with the place of each; duplicate keys are refused."""

from pathlib import Path

import yaml
from yaml.reader import ReaderError

from reportgen.config.problems import KeyPath, Problem
from reportgen.config.scalars import (
    PLAIN,
    TAG,
    UNPRINTABLE,
    Variables,
    scalar,
    tag_problem,
    uses_matrix,
)
from reportgen.errors import ConfigError

# An alias repeats a node; nine lines of aliases can stand for a thousand million nodes.
MAX_NODES = 100_000
MAX_DEPTH = 60


def mark(node: yaml.Node) -> str:
    """Give ``line:column`` of a node."""
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def parser_said(error: yaml.YAMLError, text: str) -> tuple[str, int, int]:
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


class Reader:
    """Walks the nodes once: values, places and problems come out.

    place: stands for every place, where the text is not that of the file.
    """

    def __init__(self, path: Path, variables: Variables, place: str = "") -> None:
        self.path = path
        self.variables = variables
        self.fixed_place = place
        self.places: dict[KeyPath, str] = {}
        self.problems: list[Problem] = []
        self.from_matrix: set[KeyPath] = set()
        self.nodes = 0
        self.open: set[int] = set()

    def place(self, node: yaml.Node) -> str:
        """Give ``file:line:column`` of a node."""
        return self.fixed_place or f"{self.path}:{mark(node)}"

    def value(self, node: yaml.Node, path: KeyPath) -> object:
        """Give the value of a node; ConfigError when it is too deep or repeats itself."""
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
        """Give the keys and values of a node."""
        self._check_tag(node, "map", path)
        merged: dict[str, object] = {}
        pairs: list[tuple[yaml.ScalarNode, yaml.Node]] = []
        for key_node, value_node in node.value:
            if key_node.tag == f"{TAG}merge":
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
                    self.forget(below)
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
        if uses_matrix(node.value):
            self.from_matrix.add(path)
        try:
            return scalar(node, self.variables)
        except ValueError as error:
            self._problem(node, path, str(error))
            return None

    def _check_tag(self, node: yaml.Node, kind: str, path: KeyPath) -> None:
        if node.tag != f"{TAG}{kind}":
            self._problem(node, path, tag_problem(node.tag))

    def _problem(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self.place(node), path, message))

    def forget(self, path: KeyPath) -> None:
        """Leave out what is known below a key whose value is replaced."""
        for known in [known for known in self.places if known[: len(path)] == path]:
            del self.places[known]
        self.from_matrix -= {known for known in self.from_matrix if known[: len(path)] == path}


def _key_problem(node: yaml.ScalarNode) -> str:
    if node.tag not in PLAIN:
        return tag_problem(node.tag)
    if uses_matrix(node.value):
        return "${{ … }} can stand in a value, not in a key"
    if not node.value.strip():
        return "a key is missing before the colon"
    return "a key holds a control character" if UNPRINTABLE.search(node.value) else ""

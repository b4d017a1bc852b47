"""Keys that the command line sets: ``--set key.path=value``."""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from reportgen.config.nodes import Reader, parser_said
from reportgen.config.problems import KeyPath, Problem, dotted
from reportgen.config.scalars import shortened


def set_key(values: dict[str, object], document: Reader, text: str) -> list[Problem]:
    """Set one key in the values that a reader has read; give what is wrong with the text."""
    place = f"--set {shortened(text)}"
    key, equals, raw = text.partition("=")
    parts = re.sub(r"\[(\d+)\]", r".\1", key.strip()).split(".")
    if not equals or not all(parts):
        return [Problem(place, (), "write --set key.path=value, such as output.paper=letter")]
    try:
        node = yaml.compose(raw, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        return [Problem(place, (), f"the value is not YAML: {parser_said(error, raw)[0]}")]
    except RecursionError:
        return [Problem(place, (), "the value is nested too deeply to read")]
    try:
        path, target = _target(values, parts)
    except ValueError as error:
        return [Problem(place, (), str(error))]
    reader = Reader(Path(), document.variables, place)
    value = "" if node is None else reader.value(node, path)
    target[path[-1]] = value  # type: ignore[index]
    document.forget(path)
    for depth in range(1, len(path)):
        document.places.setdefault(path[:depth], place)
    document.places.update(reader.places)
    document.places[path] = place
    document.from_matrix |= reader.from_matrix
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

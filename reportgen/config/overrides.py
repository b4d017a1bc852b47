"""Keys that the command line sets: ``--set key.path=value``."""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from reportgen.config.nodes import Reader, parser_problem
from reportgen.config.problems import KeyPath, Problem, dotted, shortened


def set_key(values: dict[str, object], document: Reader, text: str) -> list[Problem]:
    """Set one key in the values that a reader has read; return what is wrong with the text."""
    place = f"--set {shortened(text)}"
    key, equals, raw = text.partition("=")
    parts = re.sub(r"\[(\d+)\]", r".\1", key.strip()).split(".")
    try:
        if not equals or not all(parts):
            raise ValueError("write --set key.path=value, such as output.paper=letter")
        node = yaml.compose(raw, Loader=yaml.SafeLoader)
        path, target = _target(values, parts)
    except yaml.YAMLError as error:
        return [Problem(place, (), f"the value is not YAML: {parser_problem(error, raw)[0]}")]
    except RecursionError:
        return [Problem(place, (), "the value is nested too deeply to read")]
    except ValueError as error:
        return [Problem(place, (), str(error))]
    reader = Reader(Path(), document.variables, place)
    target[path[-1]] = "" if node is None else reader.value(node, path)  # type: ignore[index]
    document.forget(path)
    for depth in range(1, len(path)):
        document.places.setdefault(path[:depth], place)
    document.places |= {**reader.places, path: place}
    document.from_matrix |= reader.from_matrix
    return reader.problems


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

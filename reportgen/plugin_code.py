"""The code of plugins, by digest: that of their packages, and of what these import."""

import ast
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from reportgen.versions import installed_version


@cache
def code_of_packages(names: tuple[str, ...]) -> dict[str, str]:
    """Give what tells the code of packages, and of those they import, from other code.

    Of what was installed, and of what is not there, that is the version; of all else the digest of
    its files, and it is asked in turn what it imports. Python's own is left out, and so is ours.
    """
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or name == "reportgen" or name in sys.stdlib_module_names:
            continue
        places = _places(name)
        is_installed = all(_is_installed(place) for place in places)
        said = installed_version(name) if is_installed and name not in names else None
        found[name] = said or digest_of_files(places, *{place.parent for place in places[:1]})
        if not is_installed or name in names:
            waiting += _imported(places)
    return dict(sorted(found.items()))


def _places(name: str) -> list[Path]:
    """Give the folders of a package, or the file of a module; none for one that is not there."""
    spec = find_spec(name)
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(folder) for folder in spec.submodule_search_locations]
    return [Path(spec.origin)] if spec.has_location and spec.origin else []


def _is_installed(place: Path) -> bool:
    return any(place.is_relative_to(sysconfig.get_path(key)) for key in ("purelib", "platlib"))


def _imported(places: Iterable[Path]) -> Iterator[str]:
    """Give the packages that Python files import, as far as their text says."""
    for path in _files(places):
        if path.suffix == ".py":
            with suppress(SyntaxError, ValueError):
                for node in ast.walk(ast.parse(path.read_bytes())):
                    if isinstance(node, ast.Import):
                        yield from (alias.name.partition(".")[0] for alias in node.names)
                    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                        yield node.module.partition(".")[0]


def digest_of_files(places: Iterable[Path], *below: Path) -> str:
    """Give the digest of files, and of all in folders, with their paths below a folder."""
    running = sha256()
    for path in _files(places):
        shown = next((path.relative_to(b) for b in below if path.is_relative_to(b)), path)
        running.update(f"{shown}\n".encode())
        running.update(sha256(path.read_bytes()).digest())
    return running.hexdigest()


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts:
                yield path

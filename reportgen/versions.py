"""What is installed: versions of packages, and digests of their code."""

import re
import sysconfig
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def installed_version(package: str) -> str | None:
    """Return the version of a package; None when it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def required_versions(*packages: str) -> dict[str, str]:
    """Return the versions of packages and of all that they require, as far as it is installed.

    What an extra requires counts for the packages themselves, not for what they require.
    """
    found: dict[str, str] = {}
    waiting = deque((package, True) for package in packages)
    while waiting:
        given, with_extras = waiting.popleft()
        name = re.sub(r"[-_.]+", "-", given).lower()
        if name in found:
            continue
        try:
            metadata = distribution(name).metadata
        except PackageNotFoundError:
            continue
        found[name] = metadata["Version"]
        for requirement in metadata.get_all("Requires-Dist") or ():
            required = _NAME.match(requirement)
            if required and (with_extras or "extra ==" not in requirement):
                waiting.append((required[0], False))
    return dict(sorted(found.items()))


@cache
def package_digest() -> str:
    """Return the digest of all files of reportgen, as it is installed."""
    return _digest(_below(Path(__file__).parent))


@cache
def plugin_digest(package: str, installed: Distribution | None) -> str:
    """Return the digest of the code of a plugin: of its package and of its distribution.

    package: its top-level name; of a module that is not installed in site-packages, what is beside
    it counts too. installed: the distribution; None when that is not known.
    """
    files: dict[str, Path] = {}
    spec = find_spec(package)
    if spec is not None and spec.submodule_search_locations is not None:
        for folder in spec.submodule_search_locations:
            files |= _below(Path(folder))
    elif spec is not None and spec.has_location and spec.origin is not None:
        module = Path(spec.origin)
        files[module.name] = module
        if str(module.parent) not in map(sysconfig.get_path, ("purelib", "platlib")):
            files |= {path.name: path for path in module.parent.glob("*.py")}
    if installed is not None:  # with its other packages, unless it is editable
        files |= {str(file): Path(str(file.locate())) for file in installed.files or ()}
    return _digest(files)


def _below(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}


def _digest(files: Mapping[str, Path]) -> str:
    digest = sha256()
    for name, path in sorted(files.items()):
        with suppress(OSError):  # of a folder, or what an editor has just removed
            if "__pycache__" not in path.parts:
                digest.update(f"{name}\n".encode() + sha256(path.read_bytes()).digest())
    return digest.hexdigest()

"""Sections that were made before, kept by all that decides what they are.

What a section is depends on the code of its analysis, its parameters, the versions of what computes
and draws, and the columns or images that it reads. The first three give its *recipe*; under that is
kept which contents it read, and with the digests of these where the section itself is.
"""

import json
import platform
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import NonNegativeInt, TypeAdapter, ValidationError

from reportgen.analyses.base import AnyAnalysis
from reportgen.data.contents import digest_of
from reportgen.failures import Failed
from reportgen.plugin_code import code_of_packages, digest_of_files
from reportgen.store import Store
from reportgen.summary import OwnFile, SectionRecord
from reportgen.versions import installed_version

_FORMAT = "section/1"
# What takes part in making a section, of our own; a change in others leaves sections as they are.
_ROOMS = (
    "analyses",
    "cnn",
    "config",
    "data",
    "digests.py",
    "errors.py",
    "exports.py",
    "features.py",
    "fonts",
    "kept.py",
    "larder.py",
    "numbers.py",
    "prose.py",
    "reduce",
    "render/drawings.py",
    "render/letters.py",
    "render/png.py",
    "render/saving.py",
    "render/table_files.py",
    "render/twofold.py",
    "results.py",
    "sources.py",
    "style.py",
    "summary.py",
    "work.py",
)
_PACKAGES = (
    "ai-edge-litert",
    "astropy",
    "contourpy",
    "fonttools",
    "h5py",
    "jinja2",
    "keras",
    "kiwisolver",
    "matplotlib",
    "numpy",
    "pillow",
    "pypdfium2",
    "pyparsing",
    "tensorflow",
    "uharfbuzz",
)
# Keys of a section that decide when it counts as fine or as failed, not what is in it.
_NOT_IN_IT = {"budgets", "checks", "memory_limit", "timeout"}

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_NAMES = TypeAdapter(tuple[str, ...])
_SIZES = TypeAdapter(dict[OwnFile, NonNegativeInt])

Parts = dict[str, Any]


@dataclass(frozen=True)
class Caching:
    """Where sections are kept, and the key of the recipe of each; empty for one that is not."""

    store: Store
    recipes: Mapping[str, str]

    def has(self, section_id: str, digests: Mapping[str, str]) -> bool:
        """Whether a section is kept as it is with what it reads; never when that is not known."""
        if not digests or not self.recipes[section_id]:
            return False
        return self.store.peek(section_key(self.recipes[section_id], digests)) is not None


@dataclass(frozen=True)
class Scanned:
    """What a pass over a source gives a section.

    values: pickled by the names it gave them, why there are none, or None where the section is
    kept. digests: of each thing that it reads.
    """

    values: bytes | Failed | None
    digests: Mapping[str, str]


@dataclass(frozen=True)
class Kept:
    """A section as it was made. files: path in the run folder to content."""

    record: SectionRecord
    files: Mapping[str, bytes]

    def written(self) -> bytes:
        """Give it as bytes: a line of JSON, then the files one after the other."""
        sizes = {name: len(content) for name, content in self.files.items()}
        head = json.dumps({"record": self.record.model_dump(mode="json"), "files": sizes})
        return b"\n".join([head.encode(), b"".join(self.files.values())])

    @staticmethod
    def read(content: bytes) -> "Kept":
        """Read what was written; ValueError when that was something else."""
        head, _, rest = content.partition(b"\n")
        told = json.loads(head)
        if not isinstance(told, dict) or told.keys() != {"record", "files"}:
            raise ValueError("this is no section")
        record, sizes = (
            SectionRecord.model_validate(told["record"]),
            _SIZES.validate_python(told["files"]),
        )
        if sum(sizes.values()) != len(rest):
            raise ValueError("its files are not all there")
        files, place = {}, 0
        for name, size in sizes.items():
            files[name] = rest[place : place + size]
            place += size
        return Kept(record, files)


def recipe(section_id: str, analysis: AnyAnalysis, memory: int | None = None) -> Parts:
    """Give all that decides what a section is, but for what it reads.

    memory: bytes in which its statistics stay exact. Raises ValueError when that is not known.
    """
    if not analysis.is_repeatable:
        raise ValueError(f"the analysis {analysis.analysis} gives another section each time")
    keys = [key for key in type(analysis).model_fields if key not in _NOT_IN_IT]
    counted = [check.missing_at_most for check in analysis.checks]
    return {
        "format": _FORMAT,
        "code": _code_of(type(analysis)),
        "versions": _versions(),
        "section": section_id,
        "parameters": {key: _shown(getattr(analysis, key)) for key in keys},
        "counted": sorted({repr(block.column) for block in counted if block is not None}),
        "memory": memory,
    }


def made_by() -> dict[str, Any]:
    """Give what computes and draws, of our own and of others."""
    return {"code": _own_code(), "versions": _versions()}


def recipe_key(parts: Parts) -> str:
    """Give the key under which is kept what a section reads."""
    return digest_of(parts)


def section_key(recipe: str, digests: Mapping[str, str]) -> str:
    """Give the key of a section. recipe: its key. digests: of each thing that it reads."""
    return digest_of([recipe, dict(digests)])


def read_names(store: Store, recipe: str) -> tuple[str, ...] | None:
    """Give the names of what a section reads; None when that is not known."""
    with suppress(ValidationError):  # nothing of ours
        return _NAMES.validate_json(store.get(recipe) or "")
    return None


def keep_names(store: Store, recipe: str, names: tuple[str, ...]) -> None:
    """Keep the names of what a section reads."""
    store.put(recipe, json.dumps(sorted(names)).encode())


def kept_section(store: Store, key: str) -> Kept | None:
    """Give a section that was made before."""
    content = store.get(key)
    with suppress(ValueError):  # of another version, or nothing of ours
        return None if content is None else Kept.read(content)
    return None


def _shown(parameter: object) -> str:
    """Show a parameter with all that tells it from others; ValueError when it does not say that."""
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        text = repr(parameter)
    if _ADDRESS.search(text):
        raise ValueError(f"{text} does not show what is in it")
    return text


def _code_of(analysis: type[AnyAnalysis]) -> str:
    """Give a digest of the code of an analysis: ours, and that of the packages it comes in."""
    packages = {kind.__module__.partition(".")[0] for kind in analysis.__mro__}
    others = packages - {"reportgen", "pydantic", "builtins", "abc", "typing"}
    return digest_of([_own_code(), code_of_packages(tuple(sorted(others)))])


@cache
def _own_code() -> str:
    here = Path(__file__).parent
    return digest_of_files([here / room for room in _ROOMS], here)


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": platform.machine()}
    return found | {package: installed_version(package) or "" for package in _PACKAGES}

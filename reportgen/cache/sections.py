"""Sections of earlier builds, by all that decides what they are.

The key of a section is the digest of the code and the versions that are installed, of its
parameters, and of what it reads. So that it can be looked up before anything is read, what each
section was last made of has an entry of its own, which also tells why it must be made anew.
"""

import json
import pickle
import platform
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, entry_points
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from reportgen.analyses.base import GROUP, Analysis, AnyAnalysis
from reportgen.cache.digests import known_digests
from reportgen.config.loader import Report
from reportgen.data.file_digests import FileDigests, digest_of
from reportgen.data.sources import Sources
from reportgen.data.store import Store
from reportgen.record import OwnFile, SectionRecord
from reportgen.reduce.scan import Failure
from reportgen.versions import package_digest, plugin_digest, required_versions
from reportgen.workers.failures import Failed, failure

# Keys of a section that decide when it counts as fine or as failed, not what is in it.
_NOT_IN_IT = {"budgets", "checks", "memory_limit", "shared_limits", "timeout"}
_OURS = {"reportgen", "pydantic"}  # known by the digest of the one and the version of the other
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class CachedSection(BaseModel):
    """A section as it was made. files: path in the run folder to content."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    record: SectionRecord
    files: Mapping[OwnFile, bytes]


@dataclass(frozen=True)
class Scanned:
    """What a scan of a source gives a section.

    values: pickled by the names it gave them, why there are none, or None where the section is
    cached. digests: of each thing that it reads.
    """

    values: bytes | Failed | None
    digests: Mapping[str, str]

    @staticmethod
    def of(values: Mapping[str, Any], digests: Mapping[str, str]) -> "Scanned":
        """Return what a section gets: its values by name, or why one of them is not there."""
        lost = next((value for value in values.values() if isinstance(value, Failure)), None)
        try:
            return Scanned(pickle.dumps(values) if lost is None else failure(lost.error), digests)
        except Exception as error:  # a plugin's value is its section's
            return Scanned(failure(error), digests)


@dataclass(frozen=True)
class Cache:
    """The cache of the sections of a report; it can be sent to other processes.

    made_of: all that decides what a section is, but for what it reads; sections that must not be
    cached are not in it.
    """

    store: Store
    report: str
    made_of: Mapping[str, Mapping[str, Any]]

    @staticmethod
    def of(store: Store, report: Report, sections: Mapping[str, AnyAnalysis]) -> "Cache":
        """Return the cache for some sections of a report."""
        made_of = {}
        for name, section in sections.items():
            exact_rows = None
            if isinstance(section, Analysis):
                exact_rows = report.catalogues[section.catalogue].exact_rows
            with suppress(Exception):  # a plugin's parameter that does not show what it is
                made_of[name] = what_decides(section, exact_rows)
        return Cache(store, report.report.id, made_of)

    def has(self, section_id: str, digests: Mapping[str, str]) -> bool:
        """Whether there is a section made of what has these digests; see ``get``."""
        key = self._key(section_id, digests)
        return key is not None and self.store.get(key) is not None

    def get(self, section_id: str, digests: Mapping[str, str]) -> CachedSection | None:
        """Return a section that was made of what it reads now; None when there is none.

        digests: of each thing that it reads; none when one of them is not known.
        """
        key = self._key(section_id, digests)
        found = None if key is None else self._read(key)
        if found is not None and self.last(section_id) != self._made(section_id, digests):
            self._remember(section_id, digests)
        return found

    def lookup(
        self, section_id: str, section: AnyAnalysis, sources: Sources, contents: FileDigests
    ) -> CachedSection | None:
        """Return a section as ``get`` does, by what is known of files without reading them."""
        known = self.known(section_id, section, sources, contents) or {}
        digests = {name: digest for name, digest in known.items() if digest is not None}
        key = self._key(section_id, digests)
        return None if key is None or len(digests) < len(known) else self._read(key)

    def known(
        self, section_id: str, section: AnyAnalysis, sources: Sources, contents: FileDigests
    ) -> dict[str, str | None] | None:
        """Return the digest of each thing that a section reads, None where it must be read for it.

        None as a whole when what it reads is not known, as it was last made of something else.
        """
        last = self.last(section_id)
        if section_id not in self.made_of or last["made_of"] != self.made_of[section_id]:
            return None
        return known_digests(last["digests"], section, sources, contents)

    def put(self, section_id: str, digests: Mapping[str, str], section: CachedSection) -> None:
        """Write a section that was made now; digests as in ``get``."""
        key = self._key(section_id, digests)
        if key is not None:
            self.store.put(key, section.model_dump_json().encode())
            self._remember(section_id, digests)

    def last(self, section_id: str) -> dict[str, dict[str, Any]]:
        """Return what a section was last made of: ``made_of`` and ``digests``, empty if unknown."""
        with suppress(ValueError):
            found = json.loads(self.store.get(self._last_key(section_id)) or b"{}")
            if isinstance(found, dict) and found.keys() == {"made_of", "digests"}:
                return found
        return {"made_of": {}, "digests": {}}

    def _remember(self, section_id: str, digests: Mapping[str, str]) -> None:
        content = json.dumps(self._made(section_id, digests)).encode()
        self.store.put(self._last_key(section_id), content)

    def _made(self, section_id: str, digests: Mapping[str, str]) -> dict[str, Any]:
        return {"made_of": self.made_of[section_id], "digests": dict(digests)}

    def _last_key(self, section_id: str) -> str:
        return digest_of(["last", self.report, section_id])

    def _key(self, section_id: str, digests: Mapping[str, str]) -> str | None:
        if section_id not in self.made_of or not digests:
            return None
        return digest_of(["section", section_id, self.made_of[section_id], dict(digests)])

    def _read(self, key: str) -> CachedSection | None:
        content = self.store.get(key)
        with suppress(ValueError):  # nothing of ours
            return None if content is None else CachedSection.model_validate_json(content)
        return None


def what_decides(section: AnyAnalysis, exact_rows: int | None) -> dict[str, Any]:
    """Return all that decides what a section is, but for what it reads, as JSON can write it.

    exact_rows: of its catalogue. Raises ValueError when its parameters do not say what they are.
    """
    if not section.is_repeatable:
        raise ValueError(f"the analysis {section.analysis} gives another section each time")
    keys = [key for key in type(section).model_fields if key not in _NOT_IN_IT]
    counted = [check.missing_at_most for check in section.checks]
    plugins = _plugins(type(section))
    named = [installed.name for installed in plugins.values() if installed is not None]
    return {
        "code": package_digest(),
        "plugins": {name: plugin_digest(name, installed) for name, installed in plugins.items()},
        "versions": _versions("reportgen", *named),
        "parameters": {key: _shown(getattr(section, key)) for key in keys},
        "counted": sorted({repr(block.column) for block in counted if block is not None}),
        "exact_rows": exact_rows,
        "limits": [  # which figures draw
            [check.metric, check.min, check.max, check.equals, check.unit]
            for check in section.checks
            if check.metric is not None
        ],
    }


@cache
def _versions(*packages: str) -> dict[str, str]:
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    return machine | required_versions(*packages)


@cache
def _plugins(analysis: type[AnyAnalysis]) -> dict[str, Distribution | None]:
    """Return the packages that an analysis comes in but reportgen, each with its distribution."""
    packages = {kind.__module__.partition(".")[0] for kind in analysis.__mro__}
    others = sorted(packages - _OURS - sys.stdlib_module_names)
    if not others:
        return {}
    announced = {point.module.partition(".")[0]: point.dist for point in entry_points(group=GROUP)}
    return {name: announced.get(name) for name in others}


def _shown(parameter: object) -> str:
    """Return the text of a parameter; ValueError when that does not tell it from others."""
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        text = repr(parameter)
    if _ADDRESS.search(text):
        raise ValueError(f"{text} does not show what is in it")
    return text

"""What a build would make anew tonight, and why, without making it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from reportgen.analyses.base import Analysis, AnyAnalysis, HistoryAnalysis
from reportgen.config.loading import Report
from reportgen.data.contents import Contents
from reportgen.digests import COLUMN, IMAGES, WEIGHTS, read_columns_of, read_digest
from reportgen.errors import SourceError
from reportgen.kept import Parts, section_key
from reportgen.larder import Larder
from reportgen.sources import open_sources
from reportgen.store import FOLDER, Store


@dataclass(frozen=True)
class Planned:
    """What would become of a section. is_kept: whether one of an earlier night would serve."""

    section: str
    is_kept: bool
    why: str


def plan_report(report: Report, sections: Mapping[str, AnyAnalysis]) -> list[Planned]:
    """Say for each section whether it would be made anew, and why.

    Files that have changed since they were last read are read; nothing is written.
    """
    store = Store(report.output.folder / FOLDER)
    contents = Contents(store, peeking=True)
    needed = {key for section in sections.values() for key in section.sources}
    sources = open_sources(report, needed, contents)
    larder = Larder(report, sections, sources, store, contents)
    digests = _Digests(larder)
    return [_planned(name, section, larder, digests) for name, section in sections.items()]


class _Digests:
    """Digests of what sections read: known ones, and those of files that must be read for them."""

    def __init__(self, larder: Larder) -> None:
        self._larder = larder
        self._read: dict[tuple[str, str], str] = {}
        for catalogue, columns in self._unknown_columns().items():
            found = read_columns_of(larder.sources.catalogues[catalogue], columns)
            self._read |= {(catalogue, name): digest for name, digest in found.items()}

    def _unknown_columns(self) -> dict[str, set[str]]:
        unknown: dict[str, set[str]] = {}
        for name, section in self._larder.sections.items():
            if isinstance(section, Analysis):
                known = self._larder.known(name) or {}
                missing = {each for each, digest in known.items() if digest is None}
                unknown.setdefault(section.catalogue, set()).update(missing)
        return {catalogue: names for catalogue, names in unknown.items() if names}

    def of(self, section_id: str) -> dict[str, str] | None:
        """Give the digests of all that a section reads; None when it was never made."""
        known = self._larder.known(section_id)
        if known is None:
            return None
        return {
            name: self._of(section_id, name) if digest is None else digest
            for name, digest in known.items()
        }

    def _of(self, section_id: str, name: str) -> str:
        section = self._larder.sections[section_id]
        if isinstance(section, Analysis):
            return self._read.get((section.catalogue, name), "")
        return read_digest(name, section, self._larder.sources, self._larder.contents)


def _planned(section_id: str, section: AnyAnalysis, larder: Larder, digests: _Digests) -> Planned:
    if wrong := _wrong(section_id, section, larder):
        return Planned(section_id, False, f"it cannot be made: {wrong}")
    if isinstance(section, HistoryAnalysis):
        return Planned(section_id, False, "it is about the nights, of which there is a new one")
    if not larder.recipes[section_id]:
        return Planned(section_id, False, "nothing says whether it would be the same")
    try:
        found = digests.of(section_id)
    except (SourceError, OSError) as error:
        return Planned(section_id, False, f"what it reads cannot be read: {error}")
    if found is not None:
        key = section_key(larder.recipes[section_id], found)
        if larder.store.peek(key) is not None:
            return Planned(section_id, True, "nothing has changed of which it is made")
    reasons = list(_reasons(_last(larder, section_id), larder.parts(section_id), found))
    return Planned(section_id, False, "; ".join(reasons))


def _wrong(section_id: str, section: AnyAnalysis, larder: Larder) -> str:
    """Say why a source of a section, or a column of it, cannot be read; empty if all can."""
    errors = larder.sources.errors
    wrong = [errors[key] for key in section.sources if key in errors]
    if not wrong and isinstance(section, Analysis):
        broken = larder.sources.catalogues[section.catalogue].broken
        names = larder.known(section_id) or {}
        wrong = [broken[column] for column in sorted(broken) if f"{COLUMN}{column}" in names]
    return wrong[0].message if wrong else ""


def _last(larder: Larder, section_id: str) -> dict[str, Any]:
    """Give what a section was last made of; empty when that is not known."""
    with suppress(ValueError):
        told = json.loads(larder.store.peek(larder.last_key(section_id)) or b"{}")
        if isinstance(told, dict):
            return told
    return {}


def _reasons(last: Mapping[str, Any], parts: Parts, found: dict[str, str] | None) -> Iterator[str]:
    before = last.get("parts")
    if not isinstance(before, dict):
        yield "it was never made here"
        return
    now = json.loads(json.dumps(parts))
    if before != now:
        yield from _changed_parts(before, now)
        return
    changed = _changed(last.get("digests", {}), found or {})
    yield from map(_words, changed)
    if not changed:
        yield "what was kept of it is not there any more"


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]


def _changed_parts(before: Parts, now: Parts) -> Iterator[str]:
    if before.get("code") != now["code"]:
        yield "the code of its analysis has changed"
    versions = before.get("versions", {})
    for package in _changed(versions, now["versions"]):
        was, is_now = versions.get(package) or "not there", now["versions"].get(package)
        yield f"{package} was {was} and is {is_now or 'not there'}"
    parameters = _changed(before.get("parameters", {}), now["parameters"])
    if parameters:
        yield f"{_listed(parameters)} changed in the configuration"
    for name, said in (("counted", "what its checks count"), ("memory", "memory of its catalogue")):
        if before.get(name) != now.get(name):
            yield f"{said} changed in the configuration"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _words(name: str) -> str:
    """Say what is new of something that a section reads."""
    if name.startswith(COLUMN):
        return f"{name} has other values"
    if name.startswith(WEIGHTS):
        return f"{name} are others"
    if name.startswith(IMAGES):
        first, stop = name.removeprefix(IMAGES).split()
        return f"images {first} to {int(stop) - 1} are others"
    return {"rows": "the number of rows is another"}.get(name, f"the {name} is another")

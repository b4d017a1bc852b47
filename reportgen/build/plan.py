"""What a build would make anew tonight, and why, without making it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from reportgen.analyses.base import Analysis, AnyAnalysis, HistoryAnalysis
from reportgen.build.tasks import asked
from reportgen.cache.digests import (
    COLUMN,
    HEADERS,
    IMAGES,
    WEIGHTS,
    catalogue_and_thing,
    is_of_catalogue,
    read_columns_of,
    read_digest,
)
from reportgen.cache.sections import Cache
from reportgen.config.loader import Report
from reportgen.data.file_digests import FileDigests
from reportgen.data.sources import Sources, open_sources
from reportgen.data.store import FOLDER, Store
from reportgen.errors import ReportgenError, SourceError


@dataclass(frozen=True)
class Planned:
    """What would become of a section.

    is_cached: whether one of an earlier night would serve. error: why it cannot be made.
    """

    section: str
    is_cached: bool
    why: str
    error: ReportgenError | None = None


def plan_report(report: Report, sections: Mapping[str, AnyAnalysis]) -> list[Planned]:
    """Say for each section whether it would be made anew, and why.

    Files that have changed since they were last read are read; nothing is written.
    """
    store = Store(report.output.folder / FOLDER, read_only=True)
    contents = FileDigests(store)
    needed = {key for section in sections.values() for key in section.sources}
    sources = open_sources(report, needed, contents)
    plan = _Plan(sections, sources, contents, Cache.of(store, report, sections))
    return [plan.of(name) for name in sections]


class _Plan:
    """Plans sections. known: digests of what each reads; None where they are not known."""

    def __init__(
        self,
        sections: Mapping[str, AnyAnalysis],
        sources: Sources,
        contents: FileDigests,
        cache: Cache,
    ) -> None:
        self._sections = sections
        self._sources = sources
        self._contents = contents
        self._cache = cache
        self._known = {
            name: cache.known(name, section, sources, contents) or {}
            for name, section in sections.items()
            if not sources.errors.keys() & set(section.sources)
        }
        self._columns = {
            name: read_columns_of(catalogue, self._unknown_columns(name))
            for name, catalogue in sources.catalogues.items()
        }

    def _unknown_columns(self, catalogue: str) -> set[str]:
        """Return what sections read of a catalogue and that must be read for its digest."""
        found = set()
        for name, known in self._known.items():
            section = self._sections[name]
            for thing, digest in known.items():
                if digest is None and is_of_catalogue(section, thing):
                    where, column = catalogue_and_thing(thing, section)
                    found |= {column} if where == catalogue else set()
        return found

    def of(self, section_id: str) -> Planned:
        """Say whether a section would be made anew, and why."""
        if wrong := self._wrong(section_id):
            return Planned(section_id, False, "it cannot be made", wrong)
        if isinstance(self._sections[section_id], HistoryAnalysis):
            return Planned(section_id, False, "it is about the nights, of which there is a new one")
        if section_id not in self._cache.made_of:
            return Planned(section_id, False, "nothing says whether it would be the same")
        try:
            digests = self._digests(section_id)
        except (SourceError, OSError) as error:
            return Planned(section_id, False, f"what it reads cannot be read: {error}")
        if self._cache.has(section_id, digests):
            return Planned(section_id, True, "nothing has changed of which it is made")
        made = {"made_of": self._cache.made_of[section_id], "digests": digests}
        return Planned(section_id, False, "; ".join(_reasons(self._cache.last(section_id), made)))

    def _digests(self, section_id: str) -> dict[str, str]:
        return {
            name: self._read(section_id, name) if digest is None else digest
            for name, digest in self._known[section_id].items()
        }

    def _read(self, section_id: str, name: str) -> str:
        section = self._sections[section_id]
        if is_of_catalogue(section, name):
            catalogue, thing = catalogue_and_thing(name, section)
            return self._columns[catalogue].get(thing, "")
        return read_digest(name, section, self._sources, self._contents)

    def _wrong(self, section_id: str) -> SourceError | None:
        """Return why a source of a section, or a column of it, cannot be read; None if all can."""
        section, errors = self._sections[section_id], self._sources.errors
        for key in section.sources:
            if key in errors:
                return errors[key]
        if isinstance(section, Analysis):
            with suppress(Exception):  # a plugin's
                try:
                    asked(section, self._sources.catalogues, exact=True)
                except SourceError as error:
                    return error
        return None


def _reasons(last: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if not last["made_of"]:
        yield "it was never made here"
    elif last["made_of"] != now["made_of"]:
        yield from _changed_parts(last["made_of"], now["made_of"])
    elif changed := _changed(last["digests"], now["digests"]):
        yield from map(_words, changed)
    else:
        yield "what was kept of it is not there any more"


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]


def _changed_parts(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    changed = _changed(before, now)
    if "code" in changed:
        yield "the code of reportgen has changed"
    if "plugins" in changed:
        yield "the code of its analysis has changed"
    versions = before.get("versions", {})
    for package in _changed(versions, now["versions"]):
        was, is_now = versions.get(package) or "not there", now["versions"].get(package)
        yield f"{package} was {was} and is {is_now or 'not there'}"
    if parameters := _changed(before.get("parameters", {}), now["parameters"]):
        yield f"{', '.join(parameters)} changed in the configuration"
    for name, said in (("counted", "what its checks count"), ("exact_rows", "exact_rows")):
        if name in changed:
            yield f"{said} changed in the configuration"


def _words(name: str) -> str:
    if name.startswith(COLUMN):
        return f"{name} has other values"
    if name.startswith(WEIGHTS):
        return f"{name} are others"
    if name.startswith(IMAGES):
        first, stop = name.removeprefix(IMAGES).split()
        return f"images {first} to {int(stop) - 1} are others"
    said = {"rows": "the number of rows is another", HEADERS: f"{HEADERS} are others"}
    return said.get(name, f"the {name} is another")

"""The sections of earlier nights that serve tonight, and why others do not."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from reportgen.analyses.base import Analysis, AnyAnalysis
from reportgen.config.loading import Report
from reportgen.data.contents import Contents, digest_of
from reportgen.digests import SHARING, known_digests, rows_text
from reportgen.kept import (
    Caching,
    Kept,
    Parts,
    keep_names,
    kept_section,
    read_names,
    recipe,
    recipe_key,
    section_key,
)
from reportgen.sources import Sources
from reportgen.store import Store


@dataclass
class Larder:
    """Gives sections that were made before, and says where to keep those that are made now."""

    report: Report
    sections: Mapping[str, AnyAnalysis]
    sources: Sources
    store: Store
    contents: Contents
    _asked: dict[str, Parts] = field(default_factory=dict, repr=False)

    @cached_property
    def recipes(self) -> dict[str, str]:
        """The key of the recipe of each section; empty for one that cannot be kept."""
        return {name: self._recipe(name) for name in self.sections}

    def _recipe(self, section_id: str) -> str:
        try:
            return recipe_key(self.parts(section_id))
        except Exception:  # a plugin's parameter that cannot say what it is, for instance
            return ""

    def parts(self, section_id: str) -> Parts:
        """Give what decides what a section is, but for what it reads."""
        if section_id not in self._asked:
            section, memory = self._section(section_id), None
            if isinstance(section, Analysis):
                memory = int(self.report.catalogues[section.catalogue].memory)
            self._asked[section_id] = recipe(section_id, section, memory)
        return self._asked[section_id]

    def _section(self, section_id: str) -> AnyAnalysis:
        section = self.report.sections[section_id]
        assert isinstance(section, AnyAnalysis)  # noqa: S101 - as loading made it
        return section

    def caching(self, group: Iterable[str]) -> Caching:
        """Give what a worker needs to know to find sections that are kept."""
        return Caching(self.store, {name: self.recipes[name] for name in group})

    def get(self, section_id: str, digests: Mapping[str, str] | None = None) -> Kept | None:
        """Give a section that was made before of what it reads; None when there is none.

        digests: of what it reads; without them, what is known of files that have not changed.
        """
        found = self.digests(section_id) if digests is None else digests
        if not found or not self.recipes[section_id]:
            return None
        recipe = self.recipes[section_id]
        kept = kept_section(self.store, section_key(recipe, found))
        if kept is not None and digests is not None and read_names(self.store, recipe) is None:
            keep_names(self.store, recipe, tuple(digests))  # they were lost
        return kept

    def digests(self, section_id: str) -> dict[str, str] | None:
        """Give the digests of all that a section reads; None when one of them is not known."""
        found = self.known(section_id) or {}
        known = {name: digest for name, digest in found.items() if digest is not None}
        return known if known and len(known) == len(found) else None

    def known(self, section_id: str) -> dict[str, str | None] | None:
        """Give the digest of each thing that a section reads, None where it must be read for it.

        None as a whole when it is not known what the section reads, as it was never made.
        """
        recipe, section = self.recipes[section_id], self.sections[section_id]
        names = read_names(self.store, recipe) if recipe else None
        if names is None or self.sources.errors.keys() & set(section.sources):
            return None
        found = known_digests(names, section, self.sources, self.contents)
        return found | {SHARING: self._sharing(section)} if SHARING in found else found

    def _sharing(self, section: AnyAnalysis) -> str | None:
        """Give how the sections of a catalogue share its memory, if it is known."""
        key = self._sharing_key(section)
        content = self.store.get(key) if key else None
        return None if content is None else content.decode()

    def _sharing_key(self, section: AnyAnalysis) -> str:
        """Give the key of how the sections of a catalogue share its memory; empty if unknown."""
        if not isinstance(section, Analysis) or section.catalogue not in self.sources.catalogues:
            return ""
        recipes = [self._recipe(name) for name in on_catalogue(self.report, section.catalogue)]
        rows = rows_text(self.sources.catalogues[section.catalogue])
        return digest_of([SHARING, sorted(recipes), rows]) if all(recipes) else ""

    def learn(self, section_id: str, digests: Mapping[str, str]) -> None:
        """Keep what a pass over a catalogue told of how its sections share the memory."""
        key = self._sharing_key(self.sections[section_id])
        if SHARING in digests and key and self.store.peek(key) is None:
            self.store.put(key, digests[SHARING].encode())

    def place(self, section_id: str, digests: Mapping[str, str]) -> tuple[Store, str] | None:
        """Give where to keep a section that is being made; None when it cannot be kept."""
        if not digests or not self.recipes[section_id]:
            return None
        keep_names(self.store, self.recipes[section_id], tuple(digests))
        told = {"parts": self.parts(section_id), "digests": dict(digests)}
        self.store.put(self.last_key(section_id), json.dumps(told).encode())
        return self.store, section_key(self.recipes[section_id], digests)

    def last_key(self, section_id: str) -> str:
        """Give the key of what a section was last made of."""
        return digest_of(["last", self.report.report.id, section_id])


def on_catalogue(report: Report, catalogue: str) -> dict[str, Analysis]:
    """Give the sections of a report on a catalogue, those included that are not built now."""
    return {
        name: section
        for name, section in report.sections.items()
        if isinstance(section, Analysis) and section.catalogue == catalogue
    }

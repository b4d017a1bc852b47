"""Makes the sections of a report in worker processes, and says what became of those that fail."""

import pickle
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

from reportgen.analyses.base import (
    Analysis,
    AnyAnalysis,
    HistoryAnalysis,
    ImageAnalysis,
    NetworkAnalysis,
)
from reportgen.analyses.trend import MetricHistory
from reportgen.build.engine import Engine
from reportgen.build.progress import Progress
from reportgen.build.tasks import (
    blank_record,
    compute_section,
    scan_catalogue,
    write_files,
)
from reportgen.cache.digests import images_and_model
from reportgen.cache.sections import Cache, Scanned
from reportgen.config.loader import Report
from reportgen.data.catalogue import Catalogue
from reportgen.data.file_digests import FileDigests, stamp
from reportgen.data.models import ModelFiles
from reportgen.data.sources import Sources
from reportgen.data.store import Store
from reportgen.errors import (
    ConfigError,
    EngineError,
    PublishError,
    ReportgenError,
    with_hints_once,
)
from reportgen.record import ErrorRecord, SectionRecord
from reportgen.reduce.sampling import Sampling
from reportgen.workers.failures import Ended, Failed, error_record
from reportgen.workers.memory import own_peak
from reportgen.workers.pool import Pool

PRELOADED = [
    "reportgen.build.tasks",
    "reportgen.build.image_tasks",
    "reportgen.build.documents",
    "pebble",
    "h5py",
    "astropy.table",
    "astropy.io.misc.yaml",  # what heads of tables in ECSV are written with
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
]
"""Imported once for all tasks of a build that makes any section."""


@dataclass(frozen=True)
class SectionMaker:
    """Makes the sections of a run in worker processes.

    alone: gives the command that builds one section. store: where exported networks are kept; None
    for nowhere. cache: of sections; None to make all. contents: what is known of files. engine:
    where large catalogues are read; None for here. records: those that have ended.
    """

    sections: Mapping[str, AnyAnalysis]
    sources: Sources
    report: Report
    run: Path
    alone: Callable[[str], str]
    pool: Pool
    progress: Progress
    store: Store | None = None
    cache: Cache | None = None
    contents: FileDigests = field(default_factory=FileDigests)
    engine: Engine | None = None
    records: dict[str, SectionRecord] = field(default_factory=dict)

    @property
    def exported(self) -> Store:
        """Where exported networks are, those for this run alone included."""
        return self.store or Store(self.pool.folder / "exported")

    def start(self) -> None:
        """Start to read the sources and make the sections on them."""
        groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
        errors = self.sources.errors
        unread: dict[tuple[str, str], list[str]] = {}
        for section_id, section in self.sections.items():
            wrong = [key for key in section.sources if key in errors]
            if wrong:
                unread.setdefault(wrong[0], []).append(section_id)
            elif not isinstance(section, HistoryAnalysis) and not self._take(section_id):
                # One pass serves all on a catalogue, whatever others they are matched with.
                shared = section.sources[:1] if isinstance(section, Analysis) else section.sources
                groups.setdefault(shared, []).append(section_id)
        self._unread(unread)
        if groups:
            self.pool.preload()
        # Networks first: importing TensorFlow takes longer than all else, and goes on beside it.
        for group in sorted(
            groups.values(), key=lambda group: isinstance(self.sections[group[0]], Analysis)
        ):
            self._read(group)

    def _unread(self, groups: Mapping[tuple[str, str], list[str]]) -> None:
        """Say of each source that cannot be read which sections lack it, and what to do once."""
        errors = [self.sources.errors[key] for key in groups]
        for section_ids, error in zip(groups.values(), errors, strict=True):
            for section_id in section_ids:
                self._keep_failure(section_id, Failed("error", error.message, error=error))
        said = with_hints_once([(error.message, error.hint) for error in errors])
        for section_ids, (message, hint) in zip(groups.values(), said, strict=True):
            self.progress.failed(section_ids, str(ReportgenError(message, hint)))

    def start_on_history(self, histories: Mapping[str, MetricHistory]) -> None:
        """Start to make the sections on the metrics of the others, once these are all there."""
        for section_id, section in self.sections.items():
            if isinstance(section, HistoryAnalysis):
                values = pickle.dumps({"histories": histories})
                digests = {"histories": sha256(values).hexdigest()}
                if not self._take(section_id, digests):
                    self._compute(section_id, values, digests)

    def _take(self, section_id: str, digests: Mapping[str, str] | None = None) -> bool:
        """Take a section from the cache, and say whether it was there.

        digests: of what it reads; without them, what is known of files that have not changed.
        """
        begun = perf_counter()
        if self.cache is None:
            return False
        if digests is None:
            section = self.sections[section_id]
            cached = self.cache.lookup(section_id, section, self.sources, self.contents)
        else:
            cached = self.cache.get(section_id, digests)
        if cached is None:
            return False
        write_files(self.run, cached.files)
        seconds = round(perf_counter() - begun, 3)
        update = {"seconds": seconds, "memory": own_peak(), "kept": True}
        self.records[section_id] = cached.record.model_copy(update=update)
        self.progress.ended(section_id, cached.record.status, None, "unchanged")
        return True

    def _read(self, group: list[str]) -> None:
        """Start to read the source that some sections share."""
        first = self.sections[group[0]]
        if not isinstance(first, NetworkAnalysis):
            self._scan(group)
            return
        from reportgen.build.image_tasks import network_problems

        # What is wrong is said by the pass; but a damaged file may keep who reads it for ever.
        _, model = images_and_model(first, self.sources)
        assert model is not None  # noqa: S101 - of a network
        then, limit = partial(self._network_read, group, model), model.longest_look
        self.pool.start(network_problems, model, then=then, timeout=limit, name=model.name)

    def _network_read(self, group: list[str], model: ModelFiles, end: Ended) -> None:
        if end.failed is not None:
            error = model.unreadable(end.failed.message)
            for section_id in group:
                self._failed(section_id, Failed("error", error.message, error=error))
            return
        self._scan(group)

    def _scan(self, group: list[str], *, anew: bool = False) -> None:
        """Start the one pass over the source that some sections share. anew: whatever is cached."""
        chosen = {section_id: self.sections[section_id] for section_id in group}
        first = chosen[group[0]]
        work: Callable[..., Any]
        source: tuple[Any, ...]
        meanwhile: Callable[[], None] | None = None
        if isinstance(first, ImageAnalysis):
            from reportgen.build.image_tasks import MANY, scan_features

            names = [name for kind, name in first.sources if kind == "catalogues"]
            work = partial(
                scan_features,
                store=self.exported,
                threads=self.pool.workers,
                catalogues={name: self.sources.catalogues[name] for name in names},
            )
            source = stack, model = images_and_model(first, self.sources)
            if self.engine is not None and model is not None and stack.shape[0] > MANY:
                work = partial(work, dask=self.engine.dask({stack.file: stamp(stack.file)}))
        else:
            catalogues = self._catalogues(group)
            work, meanwhile = self._catalogue_scan(*catalogues)
            others = {key for each in chosen.values() for key in each.sources[1:]}
            stacks = {name: self.sources.images[name] for kind, name in others if kind == "images"}
            work = partial(work, stacks=stacks)
            source = (catalogues[0],)
        self.pool.start(
            partial(work, cache=None if anew else self.cache),
            *source,
            chosen,
            timeout=min(section.timeout for section in chosen.values()),
            memory=min((s.memory_limit for s in chosen.values() if s.memory_limit), default=None),
            then=partial(self._scanned, group),
            meanwhile=meanwhile,
            name=f"pass over {self._named_sources(group)}",
        )

    def _catalogues(self, group: list[str]) -> list[Catalogue]:
        """Return the catalogue of some sections, and those of which they need statistics, too."""
        sections = [self.sections[section_id] for section_id in group]
        (_, name), *_ = sections[0].sources
        others = {key for each in sections for key in each.sources[1:]}
        named = sorted(other for kind, other in others if kind == "catalogues")
        return [self.sources.catalogues[each] for each in (name, *named)]

    def _catalogue_scan(
        self, catalogue: Catalogue, *rest: Catalogue
    ) -> tuple[Callable[..., Any], Callable[[], None]]:
        """Return what scans a catalogue, and what says meanwhile how far it is.

        rest: catalogues of which statistics are needed, too.
        """
        name = catalogue.name
        exact_rows = self.report.catalogues[name].exact_rows
        sampling = Sampling.of(catalogue.rows, self.report.most_rows)
        most = max([sampling.rows(catalogue.rows), *(other.rows for other in rest)])
        engine = self.engine if most > exact_rows else None
        stamps = {path: at for each in (catalogue, *rest) for path, at in each.stamps.items()}
        file = self.pool.folder / f"{name}.rows"

        def say_rows() -> None:
            with suppress(OSError, ValueError):  # nothing yet, or half written
                done, rows = map(int, file.read_text().split())
                self.progress.rows(name, done, rows)

        work = partial(
            scan_catalogue,
            others={each.name: each for each in rest},
            exact_rows=exact_rows,
            processes=self.pool.workers,
            sampling=sampling,
            dask=engine.dask(stamps) if engine is not None else None,
            rows_read=file,
        )
        return work, say_rows

    def _named_sources(self, group: list[str]) -> str:
        names = [name for section_id in group for _, name in self.sections[section_id].sources]
        return ", ".join(dict.fromkeys(names))

    def _scanned(self, group: list[str], end: Ended) -> None:
        name = self._named_sources(group)
        self.progress.printed(name, end.printed)
        self.progress.rows(name, 0, 0)
        failed = end.failed
        if failed is not None and isinstance(failed.error, EngineError | ConfigError):
            raise failed.error  # of the engine, and no section's
        if failed is not None and len(group) > 1:
            for section_id in group:  # one of them broke the pass for all: find out which
                self._read([section_id])
            return
        made = dict.fromkeys(group, Scanned(failed, {})) if failed is not None else end.value
        for section_id, found in made.items():
            if isinstance(found.values, Failed):
                self._failed(section_id, found.values, end.printed if failed is not None else "")
            elif found.values is not None:
                self._compute(section_id, found.values, found.digests)
            elif not self._take(section_id, found.digests):
                self._scan([section_id], anew=True)  # it was there a moment ago

    def _compute(self, section_id: str, values: bytes, digests: Mapping[str, str]) -> None:
        """Start to make a section of its values, pickled by name. digests: of what it reads."""
        section = self.sections[section_id]
        notes: tuple[str, ...] = ()
        if isinstance(section, Analysis):
            names = [name for kind, name in section.sources if kind == "catalogues"]
            notes = tuple(note for name in names for note in self.sources.catalogues[name].notes)
        for name in (name for kind, name in section.sources if kind == "images"):
            remarks = self.sources.images[name].remarks
            notes += tuple(f"{remark[0].upper()}{remark[1:]}." for remark in remarks)
        self.pool.start(
            partial(compute_section, cache=self.cache, digests=digests, notes=notes),
            section_id,
            section,
            values,
            self.run,
            timeout=section.timeout,
            memory=section.memory_limit,
            then=partial(self._computed, section_id),
            name=f"section {section_id}",
        )

    def _computed(self, section_id: str, end: Ended) -> None:
        self.progress.printed(section_id, end.printed)
        if end.failed is not None:
            if isinstance(end.failed.error, PublishError):
                raise end.failed.error  # the run folder cannot be written
            self._failed(section_id, end.failed, end.printed)
            return
        self.records[section_id] = end.value
        self.progress.ended(section_id, end.value.status, end.value.seconds)

    def _failed(self, section_id: str, why: Failed, printed: str = "") -> None:
        """Keep why a section could not be computed, and say so."""
        error = self._keep_failure(section_id, why, printed)
        self.progress.ended(section_id, "error", None, error.message)

    def _keep_failure(self, section_id: str, why: Failed, printed: str = "") -> ErrorRecord:
        """Keep why a section could not be computed, and nothing half-made of it."""
        shutil.rmtree(self.run / "sections" / section_id, ignore_errors=True)
        error = error_record(why, printed, self.alone(section_id))
        record = blank_record(section_id, self.sections[section_id])
        self.records[section_id] = record.model_copy(update={"error": error})
        return error

"""Makes the sections of a report in worker processes, and says what became of those that fail."""

import pickle
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from reportgen.analyses.base import Analysis, AnyAnalysis, HistoryAnalysis, NetworkAnalysis
from reportgen.analyses.trend import MetricHistory
from reportgen.config.loading import Report
from reportgen.errors import PublishError
from reportgen.features import scan_features
from reportgen.pool import Ended, Failed, Pool, error_record
from reportgen.progress import Progress
from reportgen.sources import Sources
from reportgen.store import FOLDER
from reportgen.summary import SectionRecord
from reportgen.work import blank_record, compute_section, scan_catalogue


@dataclass(frozen=True)
class SectionMaker:
    """Makes the sections of a run in worker processes.

    alone: gives the command that builds one section. records: those that have ended.
    """

    sections: Mapping[str, AnyAnalysis]
    sources: Sources
    report: Report
    run: Path
    alone: Callable[[str], str]
    pool: Pool
    progress: Progress
    records: dict[str, SectionRecord] = field(default_factory=dict)

    def start(self) -> None:
        """Start to read the sources and make the sections on them."""
        groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
        errors = self.sources.errors
        for section_id, section in self.sections.items():
            wrong = [errors[key] for key in section.sources if key in errors]
            if wrong:
                self.failed(section_id, Failed("error", wrong[0].message, error=wrong[0]))
            elif not isinstance(section, HistoryAnalysis):
                groups.setdefault(section.sources, []).append(section_id)
        # Networks first: importing TensorFlow takes longer than all else, and goes on beside it.
        for group in sorted(groups.values(), key=self.reads_catalogue):
            self.scan(group)

    def start_on_history(self, histories: Mapping[str, MetricHistory]) -> None:
        """Start to make the sections on the metrics of the others, once these are all there."""
        for section_id, section in self.sections.items():
            if isinstance(section, HistoryAnalysis):
                self.compute(section_id, pickle.dumps({"histories": histories}))

    def reads_catalogue(self, group: list[str]) -> bool:
        """Whether sections of one source are on a catalogue."""
        return isinstance(self.sections[group[0]], Analysis)

    def scan(self, group: list[str]) -> None:
        """Start the one pass over the source that some sections share."""
        chosen = {section_id: self.sections[section_id] for section_id in group}
        first = chosen[group[0]]
        work: Callable[..., Any]
        source: tuple[Any, ...]
        if isinstance(first, NetworkAnalysis):
            work = partial(scan_features, cache=self.report.output.folder / FOLDER)
            source = (
                self.sources.images[first.images.name],
                self.sources.models[first.model.name],
            )
        else:
            ((_, name),) = first.sources
            work = scan_catalogue
            source = self.sources.catalogues[name], int(self.report.catalogues[name].memory)
        self.pool.start(
            work,
            *source,
            chosen,
            timeout=min(section.timeout for section in chosen.values()),
            memory=min((s.memory_limit for s in chosen.values() if s.memory_limit), default=None),
            then=partial(self.scanned, group),
        )

    def scanned(self, group: list[str], end: Ended) -> None:
        """Start the sections whose values are there."""
        self.progress.printed(
            ", ".join(name for _, name in self.sections[group[0]].sources), end.printed
        )
        failed = end.failed
        if failed is not None and len(group) > 1:
            for section_id in group:  # one of them broke the pass for all: find out which
                self.scan([section_id])
            return
        for section_id in group:
            values = end.value[section_id] if failed is None else failed
            if isinstance(values, Failed):
                self.failed(section_id, values, end.printed if failed is not None else "")
            else:
                self.compute(section_id, values)

    def compute(self, section_id: str, values: bytes) -> None:
        """Start to make a section of its values, pickled by name."""
        section = self.sections[section_id]
        self.pool.start(
            compute_section,
            section_id,
            section,
            values,
            self.run,
            timeout=section.timeout,
            memory=section.memory_limit,
            then=partial(self.computed, section_id),
        )

    def computed(self, section_id: str, end: Ended) -> None:
        """Keep the record of a section that has ended."""
        self.progress.printed(section_id, end.printed)
        if end.failed is not None:
            if isinstance(end.failed.error, PublishError):
                raise end.failed.error  # the run folder cannot be written
            self.failed(section_id, end.failed, end.printed)
            return
        self.records[section_id] = end.value
        self.progress.ended(section_id, end.value.status, end.value.seconds)

    def failed(self, section_id: str, why: Failed, printed: str = "") -> None:
        """Keep why a section could not be computed, and nothing half-made of it."""
        shutil.rmtree(self.run / "sections" / section_id, ignore_errors=True)
        error = error_record(why, printed, self.alone(section_id))
        record = blank_record(section_id, self.sections[section_id])
        self.records[section_id] = record.model_copy(update={"error": error})
        self.progress.ended(section_id, "error", None, error.message)

"""The conductor: from a configuration to a published run, one stage a call."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from reportgen.analyses.base import Analysis
from reportgen.config.loading import Report
from reportgen.config.suggest import unknown
from reportgen.data.catalogue import Catalogue, open_catalogue
from reportgen.data.images import ImageStack, open_images
from reportgen.errors import ConfigError, ExitCode, ReportgenError, SectionError, SourceError
from reportgen.pool import Failed, Tasks, default_workers, worker_pool
from reportgen.prose import fill_prose
from reportgen.provenance import environment
from reportgen.publish import new_run, started_now
from reportgen.render.documents import DOCUMENTS, render_document
from reportgen.summary import (
    ConfigurationRecord,
    DatasetRecord,
    DocumentRecord,
    ErrorRecord,
    InputRecord,
    ReportRecord,
    RunRecord,
    SectionRecord,
    Status,
    Summary,
    worst,
    write_summary,
)
from reportgen.work import (
    blank_record,
    compute_section,
    error_record,
    failed_record,
    fingerprint,
    scan_catalogue,
)

DOCUMENT_SECONDS = 600.0


class Progress(Protocol):
    """Who is told how a build goes on."""

    def started(self, names: Iterable[str]) -> None:
        """These steps will be made."""

    def ended(self, name: str, status: Status, seconds: float | None, message: str = "") -> None:
        """A step has ended."""


@dataclass(frozen=True)
class Options:
    """How to build. only: sections to build; workers: processes; command: how it was called."""

    only: tuple[str, ...] = ()
    workers: int = field(default_factory=default_workers)
    command: tuple[str, ...] = ("python", "-m", "reportgen")


@dataclass(frozen=True)
class Sources:
    """The sources that could be opened, and what is wrong with the others."""

    catalogues: Mapping[str, Catalogue]
    images: Mapping[str, ImageStack]
    errors: Mapping[str, SourceError]


@dataclass(frozen=True)
class Built:
    """A published run."""

    folder: Path
    summary: Summary
    exit_code: ExitCode


def build(report: Report, options: Options, progress: Progress) -> Built:
    """Build a report and publish it.

    Raises ConfigError for sections that are not there, and PublishError when the run folder
    cannot be written; whatever else goes wrong is shown in the report and in the exit code.
    """
    sections = chosen_sections(report, options.only)
    started, fixed = started_now()
    clock = perf_counter()
    with new_run(report.output.folder, started) as run, worker_pool(options.workers) as tasks:
        progress.started([*sections, *report.output.formats])
        sources = open_sources(report, {section.catalogue for section in sections.values()})
        stage = _Stage(report, options, progress, tasks, run.path.absolute())
        inputs, records = stage.compute(sections, sources)
        seconds = None if fixed else round(perf_counter() - clock, 2)
        summary = summarise(
            report, options, RunTimes(run.id, started, seconds), sources, inputs, records
        )
        if fixed:
            summary = without_times(summary)
        write_summary(run.path, summary)
        summary = stage.render(summary)
        write_summary(run.path, summary)
        folder = run.publish(as_latest=not options.only)
    return Built(folder, summary, exit_code(summary))


def chosen_sections(report: Report, only: Iterable[str]) -> dict[str, Analysis]:
    """Give the sections to build, all of them or those that were asked for."""
    wanted = tuple(only)
    for name in wanted:
        if name not in report.sections:
            raise ConfigError(f"--only {name}: {unknown('section', name, report.sections)}")
    return {
        name: section
        for name, section in report.sections.items()
        if isinstance(section, Analysis) and (not wanted or name in wanted)
    }


def open_sources(report: Report, catalogues: Iterable[str] | None = None) -> Sources:
    """Open the catalogues that are asked for; all sources when None."""
    opened: dict[str, Catalogue] = {}
    stacks: dict[str, ImageStack] = {}
    errors: dict[str, SourceError] = {}
    wanted = report.catalogues if catalogues is None else set(catalogues)
    for name in report.catalogues:
        if name in wanted:
            try:
                opened[name] = open_catalogue(report, name)
            except SourceError as error:
                errors[name] = error
    for name in report.images if catalogues is None else ():
        try:
            stacks[name] = open_images(report, name)
        except SourceError as error:
            errors[name] = error
    return Sources(opened, stacks, errors)


class _Stage:
    """The part of a build that runs in worker processes."""

    def __init__(
        self, report: Report, options: Options, progress: Progress, tasks: Tasks, run: Path
    ) -> None:
        self.report, self.options, self.progress = report, options, progress
        self.tasks, self.run = tasks, run

    def compute(
        self, sections: Mapping[str, Analysis], sources: Sources
    ) -> tuple[dict[Path, Any], dict[str, SectionRecord]]:
        """Fingerprint the files, scan the catalogues and make the sections."""
        records: dict[str, SectionRecord] = {}
        inputs: dict[Path, Any] = {}
        for name, catalogue in sources.catalogues.items():
            group = {i: s for i, s in sections.items() if s.catalogue == name}
            self._scan(catalogue, group)
        for section_id, section in sections.items():
            if section.catalogue in sources.errors:
                error = error_record(sources.errors[section.catalogue])
                self._finish(records, section_id, self._failed(section_id, section, error))
        for path in _files(self.report, sources):
            if path.is_file():
                self.tasks.start(("input", path), fingerprint, path)
        for (kind, what), outcome in self.tasks.ended():
            if kind == "input":
                inputs[what] = outcome
            elif kind == "scan":
                self._scanned(sections, sources, what, outcome, records)
            else:
                section = sections[what]
                self._finish(records, what, self._presented(what, section, outcome))
        return inputs, {name: records[name] for name in sections}

    def _scan(self, catalogue: Catalogue, group: Mapping[str, Analysis]) -> None:
        memory = self.report.catalogues[catalogue.name].memory
        timeout = min(section.timeout for section in group.values())
        key = ("scan", (catalogue.name, tuple(group)))
        self.tasks.start(key, scan_catalogue, catalogue, int(memory), dict(group), timeout=timeout)

    def _scanned(
        self,
        sections: Mapping[str, Analysis],
        sources: Sources,
        what: tuple[str, tuple[str, ...]],
        outcome: Any,
        records: dict[str, SectionRecord],
    ) -> None:
        """Start the sections whose values are there; find out which section broke the scan."""
        name, group = what
        if isinstance(outcome, Failed) and not isinstance(outcome.error, SourceError) and len(group) > 1:
            for section_id in group:
                self._scan(sources.catalogues[name], {section_id: sections[section_id]})
            return
        for section_id in group:
            section = sections[section_id]
            values = _failure(outcome) if isinstance(outcome, Failed) else outcome[section_id]
            if isinstance(values, ErrorRecord):
                self._finish(records, section_id, self._failed(section_id, section, values))
                continue
            self.tasks.start(
                ("section", section_id),
                compute_section,
                section_id,
                section,
                values,
                self.run,
                timeout=section.timeout,
            )

    def _presented(self, section_id: str, section: Analysis, outcome: Any) -> SectionRecord:
        if isinstance(outcome, Failed):
            if isinstance(outcome.error, ReportgenError) and not isinstance(
                outcome.error, SectionError | SourceError
            ):
                raise outcome.error  # the run folder cannot be written
            return self._failed(section_id, section, _failure(outcome))
        record: SectionRecord = outcome
        if record.error is not None:
            return self._failed(section_id, section, record.error)
        if section.text is None:
            return record
        try:
            return record.model_copy(update={"text": fill_prose(section.text, record.metrics)})
        except SectionError as error:
            return self._failed(section_id, section, error_record(error))

    def _failed(self, section_id: str, section: Analysis, error: ErrorRecord) -> SectionRecord:
        base = blank_record(section_id, section)
        return failed_record(base, error.model_copy(update={"command": self._alone(section_id)}))

    def _alone(self, section_id: str) -> str:
        """Give the command that builds one section alone."""
        sets = [part for text in self.report.overrides for part in ("--set", text)]
        return shlex.join(
            [*self.options.command, str(self.report.path), *sets, "--only", section_id]
        )

    def _finish(
        self, records: dict[str, SectionRecord], section_id: str, record: SectionRecord
    ) -> None:
        records[section_id] = record
        message = "" if record.error is None else record.error.message
        self.progress.ended(section_id, record.status, record.seconds, message)

    def render(self, summary: Summary) -> Summary:
        """Make the documents; one that cannot be made is recorded, and HTML shows it."""
        documents: dict[str, DocumentRecord] = {}
        for form in sorted(self.report.output.formats, key=list(DOCUMENTS).index):
            begun = perf_counter()
            current = summary.model_copy(update={"documents": documents})
            self.tasks.start(
                form, render_document, form, self.run, current, timeout=DOCUMENT_SECONDS
            )
            for _, outcome in self.tasks.ended():
                if isinstance(outcome, Failed):
                    if isinstance(outcome.error, ReportgenError):
                        raise outcome.error
                    documents = {**documents, form: DocumentRecord(error=_failure(outcome))}
                else:
                    documents = {**documents, form: outcome}
            error = documents[form].error
            self.progress.ended(
                form,
                "ok" if error is None else "error",
                perf_counter() - begun,
                "" if error is None else error.message,
            )
        status = worst(
            [summary.run.status, *("error" for d in documents.values() if d.error is not None)]
        )
        run = summary.run.model_copy(update={"status": status})
        return summary.model_copy(update={"documents": documents, "run": run})


def _failure(outcome: Failed) -> ErrorRecord:
    if isinstance(outcome.error, ReportgenError):
        return error_record(outcome.error)
    return ErrorRecord(kind=outcome.kind, message=outcome.message, details=outcome.details)


def _files(report: Report, sources: Sources) -> list[Path]:
    """Give each file that the sources read or should have read, once."""
    found = [file for catalogue in sources.catalogues.values() for file, _ in catalogue.files]
    for name in sources.errors:
        if name in report.catalogues:
            block = report.catalogues[name]
            found += [c.file or block.file for c in block.columns.values() if c.file or block.file]  # type: ignore[misc]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class RunTimes:
    """Id, start and duration of a run."""

    id: str
    started: datetime
    seconds: float | None


def summarise(
    report: Report,
    options: Options,
    times: RunTimes,
    sources: Sources,
    inputs: Mapping[Path, Any],
    records: Mapping[str, SectionRecord],
) -> Summary:
    """Put the whole record of a run together."""
    catalogues = sources.catalogues.values()
    synthetic = {c.synthetic: None for c in catalogues if c.synthetic}
    return Summary(
        report=ReportRecord(
            id=report.report.id,
            title=report.report.title,
            field=report.report.field or "",
            description=report.report.description or "",
            authors=report.report.authors,
            language=report.report.language,
        ),
        run=RunRecord(
            id=times.id,
            started=f"{times.started:%Y-%m-%dT%H:%M:%SZ}",
            seconds=times.seconds,
            status=worst([record.status for record in records.values()]),
            only=options.only,
            left_out=tuple(name for name in report.sections if name not in records),
            synthetic=tuple(synthetic),
        ),
        configuration=ConfigurationRecord(
            path=str(report.path),
            text=report.document.text,
            sha256=sha256(report.document.text.encode()).hexdigest(),
            overrides=report.overrides,
            paper=report.output.paper,
            templates="" if report.output.templates is None else str(report.output.templates),
        ),
        environment=environment(report.path.parent),
        inputs=tuple(_input(path, sources, inputs) for path in _files(report, sources)),
        sections=tuple(records.values()),
    )


def _input(path: Path, sources: Sources, inputs: Mapping[Path, Any]) -> InputRecord:
    found = inputs.get(path)
    reading = [c for c in sources.catalogues.values() if path in {file for file, _ in c.files}]
    errors = [
        error.message for error in sources.errors.values() if str(path) in error.message
    ]
    if found is None or isinstance(found, Failed):
        said = found.message if isinstance(found, Failed) else "there is no such file"
        return InputRecord(path=str(path), error=errors[0] if errors else said)
    size, modified, digest = found
    datasets = {
        name: DatasetRecord(name=name, rows=c.rows)
        for c in reading
        for file, name in c.files
        if file == path
    }
    return InputRecord(
        path=str(path),
        datasets=tuple(datasets.values()),
        bytes=size,
        modified=modified,
        sha256=digest,
        synthetic=next((c.synthetic for c in reading if c.synthetic), ""),
        error=errors[0] if errors else "",
    )


def without_times(summary: Summary) -> Summary:
    """Leave out durations, which differ from build to build of the same input."""
    sections = tuple(s.model_copy(update={"seconds": None}) for s in summary.sections)
    return summary.model_copy(update={"sections": sections})


def exit_code(summary: Summary) -> ExitCode:
    """Give the exit code of a run: the first that holds of source, section, check."""
    kinds = {s.error.kind for s in summary.sections if s.error is not None}
    if SourceError.__name__ in kinds:
        return ExitCode.SOURCE
    if summary.run.status == "error":
        return ExitCode.SECTION
    return ExitCode.CHECK_FAILED if summary.run.status == "fail" else ExitCode.OK


def check_models(report: Report) -> list[SourceError]:
    """Say which files of the models are not there."""
    problems = []
    for name, model in report.models.items():
        named = {"architecture": model.architecture}
        named |= {f"weights.{key}": path for key, path in model.weights.items()}
        for key, path in named.items():
            if not path.is_file():
                where = report.place("models", name, *key.split(".", 1))
                problems.append(SourceError(f"{where}: {path}: there is no such file"))
    return problems

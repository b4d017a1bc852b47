"""Computes a run again and compares: the same input should give the same bytes."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from reportgen.analyses.base import AnyAnalysis
from reportgen.build.documents import make_documents
from reportgen.build.progress import Progress
from reportgen.build.provenance import environment
from reportgen.build.sections import SectionMaker
from reportgen.build.summary import start_fingerprints
from reportgen.config.document import Source
from reportgen.config.loader import AnalysisTypes, Report
from reportgen.config.reports import Reports
from reportgen.config.types import path_text
from reportgen.data.file_digests import FileDigests
from reportgen.data.sources import look_at_catalogues, open_sources
from reportgen.data.store import FOLDER, Store
from reportgen.errors import ConfigError
from reportgen.quality.judgement import metric_histories, read_earlier_nights
from reportgen.record import (
    InputRecord,
    MetricRecord,
    SectionRecord,
    Summary,
    computed_files,
    read_summary,
)
from reportgen.run_folder import RUN_ID
from reportgen.wording import MISSING
from reportgen.workers.pool import worker_pool

_COMPUTED = ("rows", "entries", "text", "findings", "notes", "figures", "tables", "counted")
"""What computing a section gives; what it means beside limits and other nights is not compared."""


@dataclass(frozen=True)
class Deviation:
    """Something that is not the same. what: a file of the run, or part of its record."""

    what: str
    said: str


@dataclass(frozen=True)
class Verified:
    """How a run compares with itself computed again.

    files, sections: how many were compared. differences: what is not the same. causes: what
    differs now from when it was made, and so may be why.
    """

    files: int
    sections: int
    differences: tuple[Deviation, ...]
    causes: tuple[str, ...]


def verify_run(run: Path, analyses: AnalysisTypes, workers: int, progress: Progress) -> Verified:
    """Compute all sections and documents of a run again and compare; the run stays as it is.

    The configuration is the one that the run holds, with the environment of today.
    Raises ConfigError for what is no run or has a configuration that cannot be read any more.
    """
    folder, summary = run.resolve(), read_summary(run)
    report = report_of(summary, folder, analyses)
    chosen = {
        name: section
        for name, section in report.sections.items()
        if isinstance(section, AnyAnalysis) and (not summary.run.only or name in summary.run.only)
    }
    progress.started([*chosen, *summary.documents])
    started = summary.run.start
    with worker_pool(workers) as pool:
        scratch = pool.folder / "run"
        scratch.mkdir()
        sources = open_sources(report, {key for s in chosen.values() for key in s.sources})
        exported = Store(report.output.folder / FOLDER)
        maker = SectionMaker(
            chosen, sources, report, scratch, "--only {}".format, pool, progress, exported
        )
        maker.start()
        inputs = start_fingerprints(sources, pool, FileDigests())
        pool.finish()
        earlier = read_earlier_nights(report, started, importing=False)
        maker.start_on_history(metric_histories(report, maker.records, earlier, started))
        pool.finish()
        made = make_documents(
            summary, summary.documents, folder, scratch, pool=pool, progress=progress
        )
        documents = [each.file for each in summary.documents.values() if each.file]
        compared = sorted({*computed_files(summary), *documents})
        differences = (
            *_of_sections(summary, maker.records),
            *_of_files(compared, folder, scratch),
            *(
                Deviation(document.file or form, f"cannot be made: {document.error.message}")
                for form, document in made.documents.items()
                if document.error is not None and not summary.documents[form].error
            ),
        )
    causes = tuple(_causes(summary, report, inputs)) if differences else ()
    return Verified(len(compared), len(summary.sections), differences, causes)


def report_of(summary: Summary, folder: Path, analyses: AnalysisTypes) -> Report:
    """Return the report of a run, by the configuration that the run holds.

    folder: of the run; earlier nights are looked for beside it. Raises ConfigError.
    """
    used = summary.configuration
    # Nothing that is remembered of files: they are looked at again.
    look = partial(look_at_catalogues, cache=False)
    source = Source.of(Path(used.path), used.text)
    reports = Reports(source, analyses, used.overrides, open_catalogues=look)
    found = [
        report
        for report in map(reports.one, reports.cells or (None,))
        if report.report.id == summary.report.id
    ]
    if not found:
        raise ConfigError(
            f"{folder}: its configuration makes no report {summary.report.id} any more",
            "set the variables of the environment that it was built with",
        )
    output = found[0].output
    if RUN_ID.fullmatch(folder.name):
        output = output.model_copy(update={"folder": folder.parent})
    return replace(found[0], output=output, most_rows=summary.run.most_rows)


def _of_files(files: list[str], run: Path, scratch: Path) -> Iterator[Deviation]:
    for file in files:
        before, after = _content(run / file), _content(scratch / file)
        if before is None:
            yield Deviation(file, "is missing from the run")
        elif after is None:
            yield Deviation(file, "was not made this time")
        elif before != after:
            yield Deviation(file, f"has other bytes ({len(before):,} before, {len(after):,} now)")


def _content(path: Path) -> bytes | None:
    with suppress(OSError):
        return path.read_bytes()
    return None


def _of_sections(summary: Summary, records: Mapping[str, SectionRecord]) -> Iterator[Deviation]:
    for before in summary.sections:
        after = records.get(before.id)
        if after is None:
            yield Deviation(f"section {before.id}", "was not made this time")
            continue
        if (before.error is None) != (after.error is None):
            error = after.error or before.error
            said = "now" if after.error else "when the run was made"
            message = error.message if error else ""
            yield Deviation(f"section {before.id}", f"could not be computed {said}: {message}")
            continue
        for key in _COMPUTED:
            if getattr(before, key) != getattr(after, key):
                yield Deviation(f"section {before.id}", f"has other {key}")
        for name in {**before.metrics, **after.metrics}:
            one, other = before.metrics.get(name), after.metrics.get(name)
            was, now = _value(one), _value(other)
            if was != now:
                said = f"was {was} and is {now}"
                yield Deviation(f"metric {before.id}.{name}", said)


def _value(metric: MetricRecord | None) -> str:
    return MISSING if metric is None or metric.value is None else repr(metric.value)


def _causes(summary: Summary, report: Report, inputs: Mapping[Path, InputRecord]) -> Iterator[str]:
    known = {record.path: record for record in summary.inputs}
    for path, found in inputs.items():
        record = known.get(path_text(path))
        if found.error:
            yield f"{path} cannot be read: {found.error}"
        elif record is not None and record.identity != found.identity:
            yield f"{path} has changed since"
    now = environment(report.path, networks=bool(report.models)).versions
    for package, version in summary.environment.versions.items():
        if now.get(package) != version:
            yield f"{package} was {version} and is {now.get(package, 'not installed')}"

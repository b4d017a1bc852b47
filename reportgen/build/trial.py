"""What is wrong with sections that only their results can say, found without a build.

Whether any row is left, and which metrics, tables and columns checks, prose and trends may name,
is known once a section is made. So each is, but for its files: of all rows of a small catalogue, of
the first rows of a large one, and of noise in place of what a network makes of images.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from reportgen.analyses.base import AnyAnalysis, HistoryAnalysis, ImageAnalysis
from reportgen.build.image_tasks import imagine_features
from reportgen.build.prose import fill_prose
from reportgen.build.tasks import present_section, scan_catalogue
from reportgen.cache.digests import images_and_model
from reportgen.cache.sections import Scanned
from reportgen.config.loader import Report
from reportgen.data.sources import Sources
from reportgen.errors import ConfigError, ReportgenError, SectionError
from reportgen.quality.checks.subjects import unknown_subjects
from reportgen.quality.judgement import EarlierNights, metric_histories
from reportgen.record import SectionRecord
from reportgen.run_folder import started_now
from reportgen.workers.failures import Ended, Failed, attempt
from reportgen.workers.pool import worker_pool

MOST_ROWS = 2**16  # of a catalogue; a matter of a second
SECONDS = 60.0
MEMORY = 4 * 10**9  # bytes

Key = tuple[str, str]


@dataclass
class Trial:
    """What is wrong with sections. notes: why nothing can be said of some."""

    problems: list[ReportgenError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def try_sections(
    report: Report,
    sections: Mapping[str, AnyAnalysis],
    sources: Sources,
    usable: Collection[Key],
    earlier: EarlierNights,
) -> Trial:
    """Make all sections of a report, without their files, and say what is wrong with them.

    usable: kinds and names of sources; sections on others are left out. It is done in a process of
    its own, as a plugin may do what it likes.
    """
    tried = {name: each for name, each in sections.items() if set(each.sources) <= set(usable)}
    is_whole, ends = len(tried) == len(sections), list[Ended]()
    with worker_pool(1) as pool:
        pool.preload()
        work = _try, report, tried, sources, earlier, is_whole
        pool.start(*work, then=ends.append, timeout=SECONDS, memory=MEMORY)
        pool.finish()
    failed = ends[0].failed
    if failed is None:
        return ends[0].value  # type: ignore[no-any-return]
    return Trial(notes=[f"the sections were not tried: doing so {failed.message}"])


def _try(
    report: Report,
    sections: Mapping[str, AnyAnalysis],
    sources: Sources,
    earlier: EarlierNights,
    is_whole: bool,
) -> Trial:
    """Make sections. is_whole: whether they are all that the report has."""
    on_history = {k: s for k, s in sections.items() if isinstance(s, HistoryAnalysis)}
    groups: dict[tuple[Key, ...], dict[str, Any]] = {}
    for name, section in sections.items():
        if name not in on_history:
            groups.setdefault(section.sources, {})[name] = section
    trial = Trial()
    records: dict[str, SectionRecord] = {}
    for keys, group in groups.items():
        scanned, is_part = _scanned(report, sources, keys, group)
        for name, found in scanned.items():
            record = _tried(trial, report, name, group[name], found, is_part=is_part)
            records |= {name: record} if record is not None else {}
    if is_whole and len(records) + len(on_history) == len(sections):
        histories = metric_histories(report, records, earlier, started_now()[0])
        scan = Scanned.of({"histories": histories}, {})
        for name, section in on_history.items():
            _tried(trial, report, name, section, scan, is_part=False)
    return trial


def _scanned(
    report: Report, sources: Sources, keys: tuple[Key, ...], group: Mapping[str, Any]
) -> tuple[dict[str, Scanned], bool]:
    """Return the values of sections on one source, and whether of a part of it."""
    names = [name for kind, name in keys if kind == "catalogues"]
    first = next(iter(group.values()))
    if isinstance(first, ImageAnalysis):
        named = sources.catalogues
        return imagine_features(*images_and_model(first, sources), group, named), True
    parts = {
        name: replace(catalogue, rows=min(catalogue.rows, MOST_ROWS))
        for name in names
        for catalogue in [sources.catalogues[name]]
    }
    own, *_ = parts.values()
    exact_rows = report.catalogues[own.name].exact_rows
    is_part = any(part.rows < sources.catalogues[name].rows for name, part in parts.items())
    scan = partial(scan_catalogue, others=parts, stacks=sources.images, imagined=True)
    return scan(own, group, exact_rows), is_part


def _tried(
    trial: Trial,
    report: Report,
    name: str,
    section: AnyAnalysis,
    scanned: Scanned,
    *,
    is_part: bool,
) -> SectionRecord | None:
    """Make a section, and add what is wrong with it; None when it cannot be made."""
    place = partial(report.place, "sections", name)
    record = _made(name, section.model_copy(update={"text": None}), scanned)
    if isinstance(record, Failed):
        # An image, layer or channel that is not there is not there in a build either.
        is_sure = isinstance(section, ImageAnalysis) and isinstance(scanned.values, Failed)
        if is_part and not is_sure:
            said = f"{place()}: was not tried, as it cannot be made of the first rows alone"
            trial.notes.append(f"{said}: {record.message}")
        else:
            error = record.error or SectionError(record.message)
            trial.problems.append(type(error)(f"{place()}: {error.message}", error.hint))
        return None
    night = started_now()[0].date()
    for path, said in unknown_subjects(record, section.checks, night):
        trial.problems.append(ConfigError(f"{place(*path)}: {said}"))
    metrics = record.metrics
    if is_part:  # with other values the prose may go wrong, or not: take some of chance
        metrics = {
            key: metric.model_copy(update={"value": 1.1**number, "digits": None})
            for number, (key, metric) in enumerate(metrics.items(), start=1)
        }
    try:
        fill_prose(section.text or "", metrics)
    except SectionError as error:
        trial.problems.append(SectionError(f"{place()}: {error.message}", error.hint))
    return record


def _made(name: str, section: AnyAnalysis, scanned: Scanned) -> SectionRecord | Failed:
    if not isinstance(scanned.values, bytes):
        return scanned.values or Failed("error", "it has no values")
    present = partial(present_section, with_files=False)
    end = attempt(present, name, section, scanned.values)
    if end.failed is not None:
        return end.failed
    record: SectionRecord = end.value[0]
    return record

"""The conductor: from a configuration to a published run, one stage a call."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter

from reportgen.analyses.base import AnyAnalysis
from reportgen.build.documents import make_documents
from reportgen.build.engine import Engine
from reportgen.build.housekeeping import Housekeeping, do_housekeeping
from reportgen.build.progress import Progress
from reportgen.build.sections import SectionMaker
from reportgen.build.summary import start_fingerprints, summarise
from reportgen.cache.sections import Cache
from reportgen.config.loader import Report
from reportgen.config.suggest import unknown
from reportgen.data.file_digests import FileDigests
from reportgen.data.sources import open_sources
from reportgen.data.store import FOLDER, Store
from reportgen.deliver import promise_delivery
from reportgen.errors import ConfigError, ExitCode, ReportgenError
from reportgen.quality.checks.budgets import settle_budgets
from reportgen.quality.judgement import judge, metric_histories, read_earlier_nights, with_changes
from reportgen.record import Summary, write_summary
from reportgen.render.environment import check_templates
from reportgen.run_folder import check_output_folder, new_run, publishing_errors, started_now
from reportgen.workers.memory import meter_memory
from reportgen.workers.pool import default_workers, worker_pool
from reportgen.workers.timeline import Timeline


@dataclass(frozen=True)
class Options:
    """How to build. only: sections to build, all if empty. command: what builds this report.

    cache: whether sections of earlier nights may serve, and tonight's are kept. timeline: gathers
    where the time goes. told: whether people will be told of the run.
    """

    only: tuple[str, ...] = ()
    workers: int = field(default_factory=default_workers)
    command: tuple[str, ...] = ()
    cache: bool = True
    timeline: Timeline = field(default_factory=Timeline)
    told: bool = False

    def alone(self, section_id: str) -> str:
        """Return the command that builds one section."""
        return shlex.join([*self.command, "--only", section_id])


@dataclass(frozen=True)
class Built:
    """A published run. housekeeping: what followed."""

    folder: Path
    summary: Summary
    exit_code: ExitCode
    housekeeping: Housekeeping


def build(report: Report, options: Options, progress: Progress) -> Built:
    """Build a report and publish it.

    Raises ConfigError for sections or templates that are wrong, and PublishError when the run
    cannot be written; whatever else goes wrong is shown in the report and in the exit code.
    """
    sections = chosen_sections(report, options.only)
    require_buildable(report, as_latest=not options.only)
    has_memory_budget = report.budgets is not None and report.budgets.memory is not None
    with (
        new_run(report.output.folder, as_latest=not options.only, say=progress.notice) as run,
        worker_pool(options.workers) as pool,
        Engine(report, options.workers, progress) as engine,
        meter_memory(wanted=has_memory_budget and not run.fixed) as meter,
    ):
        clock, stage = perf_counter(), options.timeline.stage
        stage("configuration")
        progress.started([*sections, *report.output.formats])
        for note in report.notes:
            progress.notice(f"Note: {note}.")
        store = Store(report.output.folder / FOLDER) if options.cache else None
        contents = FileDigests(store)
        needed = {key for section in sections.values() for key in section.sources}
        sources = open_sources(report, needed, contents)
        cache = Cache.of(store, report, sections) if store is not None else None
        maker = SectionMaker(
            sections,
            sources,
            report,
            run.path,
            options.alone,
            pool,
            progress,
            store,
            cache,
            contents,
            engine,
        )
        maker.start()
        inputs = start_fingerprints(sources, pool, contents)
        stage("sources, and cached sections")
        earlier = read_earlier_nights(report, run.started)
        stage("history read")
        pool.finish()
        maker.start_on_history(metric_histories(report, maker.records, earlier, run.started))
        pool.finish()
        stage("waiting for sections")
        seconds = None if run.fixed else round(perf_counter() - clock, 2)
        summary = summarise(
            report,
            run_id=run.id,
            started=run.started,
            seconds=seconds,
            sources=sources,
            inputs=inputs,
            sections=maker.records,
            only=options.only,
        )
        summary = judge(report, summary, run.path, earlier)
        summary = with_changes(report, summary, earlier)
        stage("checks, and what changed")
        make = partial(make_documents, run=run.path, folder=run.path, pool=pool)
        summary = make(summary, report.output.formats, progress=progress)
        summary, otherwise = settle_budgets(
            summary, report.budgets, run.path, perf_counter() - clock, meter.peak
        )
        if otherwise:
            progress.notice("A budget does not hold: the documents are made again, to say so.")
            summary = with_changes(report, summary, earlier)
            summary = make(summary, report.output.formats, progress=Progress())
        stage("documents")
        with publishing_errors(report.output.folder):
            write_summary(run.path, summary)
        if options.told:
            promise_delivery(report.output.folder, run.id)
        folder = run.publish()
        stage("published")
        housekeeping = do_housekeeping(report, summary, folder)
        if store is not None:
            store.trim()
        stage("history, old runs, page of all nights")
        options.timeline.spans += pool.spans
    return Built(folder, summary, exit_code(summary, housekeeping.troubles), housekeeping)


def require_buildable(report: Report, *, as_latest: bool = True) -> None:
    """Raise the error with which a build would end before it makes anything, if there is one.

    as_latest: whether ``latest`` will point at the run.
    """
    check_templates("" if report.output.templates is None else str(report.output.templates))
    started_now()
    check_output_folder(report.output.folder, as_latest=as_latest)


def chosen_sections(report: Report, only: Iterable[str]) -> dict[str, AnyAnalysis]:
    """Return the sections to build, all of them or those that were asked for."""
    wanted = tuple(only)
    for name in wanted:
        if name not in report.sections:
            raise ConfigError(f"--only {name}: {unknown('section', name, report.sections)}")
    return {
        name: section
        for name, section in report.sections.items()
        if isinstance(section, AnyAnalysis) and (not wanted or name in wanted)
    }


def exit_code(summary: Summary, troubles: Sequence[ReportgenError] = ()) -> ExitCode:
    """Return the exit code of a run: the first that holds of source, section, configuration, check.

    troubles: with the history or the folder of all nights, once the report was there.
    """
    unread = any(s.error is not None and s.error.kind == "source" for s in summary.sections)
    if unread or any(record.error for record in summary.inputs):
        return ExitCode.SOURCE
    if summary.run.status == "error":
        return ExitCode.SECTION
    if summary.mistakes:
        return ExitCode.CONFIG
    if summary.run.status == "fail":
        return ExitCode.CHECK_FAILED
    return ExitCode.DELIVERY if troubles or summary.history.error else ExitCode.OK

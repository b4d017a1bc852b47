"""The commands that read a configuration and its sources: build, check, plan."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reportgen.cli.combinations import Flags, build_combinations, write_index
from reportgen.cli.common import (
    FILE,
    cli,
    complain,
    complain_of_all,
    noted,
    program_name,
    read_reports,
    with_config,
    with_examples,
    with_output,
    with_workers,
)
from reportgen.cli.mail import check_delivery, mail_failure, mail_runs
from reportgen.cli.output import keep_going_unread
from reportgen.errors import ExitCode, PublishError, ReportgenError
from reportgen.wording import count, counted, listed

if TYPE_CHECKING:
    from reportgen.build.pipeline import Built
    from reportgen.build.plan import Planned
    from reportgen.config.loader import Report
    from reportgen.workers.timeline import Timeline


class Rows(click.ParamType[int]):
    """A number of rows, which may be written as 1e6."""

    name = "rows"

    def convert(self, value: object, param: Any, ctx: Any) -> int:
        """Return the number."""
        try:
            number = float(str(value))
            rows = int(number)
        except (ValueError, OverflowError):
            rows = 0
        if rows < 1 or rows != number:
            self.fail(f"{value!r} is not a number of rows, such as 1e6", param, ctx)
        return rows


@cli.command(
    epilog=with_examples(
        "reportgen build my.yaml",
        "reportgen build my.yaml --only fluxes --verbose",
        "reportgen build my.yaml --set 'output.formats=[html]' --output /tmp/try",
        "reportgen build my.yaml --rows 1e6          # a draft",
        "reportgen build my.yaml --mail --quiet      # from cron",
    )
)
@with_config
@click.option("--only", multiple=True, metavar="SECTION", help="Build only this section.")
@with_output
@with_workers
@click.option(
    "--engine",
    metavar="ENGINE",
    help="Where large catalogues are read, in place of the YAML's: local, local-dask or the "
    "address of a Dask scheduler, such as tcp://host:8786.",
)
@click.option(
    "--rows",
    type=Rows(),
    metavar="N",
    help="Make a draft of at most so many rows of each catalogue, such as 1e6.",
)
@click.option("--mail", is_flag=True, help="Then tell people, as deliver: in the YAML says.")
@click.option("--dry-run", is_flag=True, help="With --mail: write the mail to a file only.")
@click.option("--no-cache", is_flag=True, help="Make every section, whatever earlier nights left.")
@click.option("--quiet", "-q", is_flag=True, help="Print errors and failed checks only.")
@click.option(
    "--verbose",
    "-v",
    is_flag=True,
    help="Print what sections print, and tracebacks of failed ones.",
)
@click.option(
    "--profile",
    type=FILE,
    metavar="FILE",
    help="Write to a file where the time went, stage by stage.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print where the run is as JSON, for programs."
)
@click.option("--mail-later", is_flag=True, hidden=True)  # whoever builds all tells of all
@click.option("--no-index", is_flag=True, hidden=True)  # whoever builds all writes the one of all
def build(
    *,
    config: Path,
    overrides: tuple[str, ...],
    cells: tuple[str, ...],
    output: Path | None,
    workers: int | None,
    profile: Path | None,
    no_index: bool,
    **options: Any,
) -> int:
    """Build a report and publish it in its output folder.

    With a matrix, one report for each combination of its values.
    """
    keep_going_unread()
    flags = Flags(**options)
    if flags.dry_run and not flags.mail:
        raise click.UsageError("--dry-run is for --mail: reportgen plan says what a build would do")

    from reportgen.build.matrix import worst_code
    from reportgen.build.sections import PRELOADED
    from reportgen.workers.pool import default_workers, set_preloaded

    given = [str(config), *(p for text in overrides for p in ("--set", text))]
    given += [] if output is None else ["--output", str(output)]
    set_preloaded(PRELOADED)
    reports = read_reports(config, overrides, cells, output, cache=not flags.no_cache)
    workers = workers or default_workers()
    if len(reports.cells) > 1:
        if profile is not None or flags.as_json:
            given_for_one = "--json" if profile is None else "--profile"
            raise click.UsageError(f"{given_for_one} is for one report: choose it with --cell")
        return build_combinations(reports, given, flags, workers)
    cell = next(iter(reports.cells), None)
    is_draft = flags.rows is not None  # which says nothing of the other combinations
    matrix = None if cell is None or no_index or is_draft else reports.all()
    command = [*program_name().split(), *given, *(() if cell is None else cell.arguments)]
    report = reports.one(cell)
    if flags.engine is not None:
        report = replace(report, engine=report.engine.replaced(flags.engine))
    if flags.rows is not None:
        report = report.draft(flags.rows)
    codes = _build_one(report, flags, workers, command, profile)
    if matrix is not None:
        codes.append(write_index(matrix))
    return worst_code(codes)


def _build_one(
    report: "Report", flags: Flags, workers: int, command: list[str], profile: Path | None
) -> list[int]:
    """Build a report and mail it; return the exit codes of that."""
    from reportgen.build.pipeline import Options
    from reportgen.build.pipeline import build as build_report
    from reportgen.build.progress import progress_display
    from reportgen.workers.timeline import Timeline, process_started

    timeline = Timeline(process_started())
    told = (flags.mail and not flags.dry_run) or flags.mail_later
    options = Options(
        flags.only, workers, tuple(command), not flags.no_cache, timeline=timeline, told=told
    )
    if flags.mail:
        check_delivery(report)
    try:
        quiet = flags.quiet or flags.as_json
        with progress_display(quiet=quiet, verbose=flags.verbose) as progress:
            built = build_report(report, options, progress)
    except ReportgenError as error:
        if flags.mail and not flags.dry_run:
            mail_failure(report, error)
        raise
    with noted(f"the report is there: {built.folder}"):
        _print_outcome(built, quiet=quiet, verbose=flags.verbose)
        if flags.as_json:
            said = {"folder": str(built.folder), "status": built.summary.run.status}
            click.echo(json.dumps(said | {"exit_code": built.exit_code}))
        codes = [int(built.exit_code)]
        if profile is not None:
            codes.append(_write_profile(profile, timeline))
        if flags.mail:
            codes.append(int(mail_runs([built.folder], dry_run=flags.dry_run, quiet=flags.quiet)))
    return codes


def _print_outcome(built: "Built", *, quiet: bool, verbose: bool) -> None:
    """Say how a build went, what is wrong although the report is there, and where it is."""
    from reportgen.quality.checks.verdicts import verdict_sentence

    summary = built.summary
    if verbose:
        failed = {each.id: each.error for each in summary.sections}
        failed |= {form: document.error for form, document in summary.documents.items()}
        for name, error in failed.items():
            if error is not None and error.details:
                click.echo(f"\n{name}:\n{error.details}", err=True)
    lost = summary.history.error
    if lost and lost not in [trouble.message for trouble in built.housekeeping.troubles]:
        complain(ReportgenError(lost))
    for trouble in built.housekeeping.troubles:
        complain(trouble)
    for note in built.housekeeping.notes:
        click.echo(f"Note: {note}", err=True)
    for mistake in summary.mistakes:
        complain(ReportgenError(mistake))
    if not quiet:
        click.echo(verdict_sentence(summary))
        for document in summary.documents.values():
            if document.file:
                click.echo(str(built.folder / document.file))
    elif built.exit_code == ExitCode.CHECK_FAILED:  # cron sends a message only of what is printed
        click.echo(f"FAIL {summary.report.id}: {verdict_sentence(summary)}", err=True)
        click.echo(f"  → {built.folder}", err=True)


def _write_profile(file: Path, timeline: "Timeline") -> int:
    """Write where the time went; return the exit code."""
    from reportgen.workers.timeline import timeline_text

    try:
        file.write_text(timeline_text(timeline.spans, timeline.started), encoding="utf-8")
    except OSError as error:  # the report is there all the same
        complain(ReportgenError(f"--profile {file}: cannot be written: {error.strerror}"))
        return int(ExitCode.DELIVERY)
    return int(ExitCode.OK)


@cli.command()
@with_config
def check(config: Path, overrides: tuple[str, ...], cells: tuple[str, ...]) -> int:
    """Check a configuration, its sources, and where it would be written.

    Sections are tried on the first 65,536 rows, for what their checks, text and trends name.
    """
    from reportgen.build.matrix import worst_code
    from reportgen.build.sections import PRELOADED
    from reportgen.workers.pool import set_preloaded

    set_preloaded(PRELOADED)
    reports = read_reports(config, overrides, cells)
    chosen = reports.all().chosen if reports.cells else (reports.one(),)
    codes: list[int] = []
    for report in chosen:
        name = report.cell.slug if report.cell is not None else ""
        try:
            problems = _check(report, f"{name} | " if name else "")
            codes += [int(problem.exit_code) for problem in problems]
        except ReportgenError as error:
            problems = [error]
            codes.append(int(error.exit_code))
        before = f"{name}: " if name else ""
        complain_of_all([(f"{before}{each.message}", each.hint) for each in problems])
    if not codes:
        sections = counted(len(chosen[0].sections), "sections")
        said = counted(len(chosen), "reports") if reports.cells else sections
        click.echo(f"{config}: {said}, all sources are there.")
    return worst_code(codes)


def _check(report: "Report", name: str) -> list[ReportgenError]:
    """Say which sources of a report are there; return what is wrong. name: before each line."""
    from reportgen.build.housekeeping import expected_troubles
    from reportgen.build.network_checks import check_networks
    from reportgen.build.pipeline import chosen_sections, require_buildable
    from reportgen.build.trial import try_sections
    from reportgen.data.missing import with_advice
    from reportgen.data.sources import every_source, open_sources
    from reportgen.quality.checks.facts import read_references
    from reportgen.quality.judgement import read_earlier_nights
    from reportgen.run_folder import started_now

    require_buildable(report)
    for note in report.notes:
        click.echo(f"Note: {note}.", err=True)
    sources = open_sources(report, every_source(report))
    problems: list[ReportgenError] = [*sources.problems]
    for catalogue in sources.catalogues.values():
        there = len(catalogue.columns) - len(catalogue.broken)
        click.echo(
            f"{name}catalogue {catalogue.name}: {count(catalogue.rows)} rows, "
            f"{there} of {len(catalogue.columns)} columns, "
            f"{listed(catalogue.formats)}" + (" (synthetic)" if catalogue.synthetic else "")
        )
        for remark in catalogue.remarks:
            click.echo(f"{name}catalogue {catalogue.name}: {remark}")
    for stack in sources.images.values():
        n, height, width, channels = stack.shape
        colour = f" and {count(channels)} channels" if channels > 1 else ""
        size = f"{count(n)} of {width} × {height} pixels{colour}"
        click.echo(f"{name}images {stack.name}: {size}, {stack.format}")
        for remark in stack.remarks:
            click.echo(f"{name}images {stack.name}: {remark}")
    sections = chosen_sections(report, ())
    usable = {("catalogues", name) for name, each in sources.catalogues.items() if not each.broken}
    usable |= {("images", name) for name in sources.images}
    of_networks = check_networks(sources.models) if sources.models else {}
    for model, found in of_networks.items():
        problems += [with_advice(each, sources.advice) for each in found]
        if not found:
            usable.add(("models", model))
            weights = ", ".join(sources.models[model].weights)
            click.echo(f"{name}model {model}: weights {weights}")
    for reference, run in read_references(report).items():
        if isinstance(run, str):
            click.echo(f"Note: {report.place('references', reference)}: {run}", err=True)
    history = read_earlier_nights(report, started_now()[0], importing=False)
    trial = try_sections(report, sections, sources, usable, history)
    for note in trial.notes:
        click.echo(f"Note: {note}", err=True)
    problems += trial.problems
    problems += [PublishError(history.error)] if history.error else []
    return problems + [each for each in expected_troubles(report) if each.message != history.error]


@cli.command()
@with_config
@with_output
def plan(
    config: Path, overrides: tuple[str, ...], cells: tuple[str, ...], output: Path | None
) -> int:
    """Say which sections a build would make anew tonight, and why.

    Nothing is made or written.
    """
    from reportgen.build.pipeline import chosen_sections
    from reportgen.build.plan import plan_report
    from reportgen.config.limits import PACKAGES

    reports = read_reports(config, overrides, cells, output)
    for cell in reports.cells or (None,):
        report = reports.one(cell)
        before = "" if cell is None else f"{cell.slug} | "
        planned = plan_report(report, chosen_sections(report, ()))
        width = max(len(each.section) for each in planned)
        for each in planned:
            word = "kept" if each.is_cached else "made"
            click.echo(f"{before}{each.section:{width}}  {word}  {each.why}")
        _complain_of_sources(planned, before)
        for name, section in report.sections.items():
            if section.shared_limits is not None:
                source = PACKAGES[section.shared_limits].source
                added = [check for check in section.checks if check.reason == source]
                if said := listed([check.said for check in added]):
                    by = f"{section.shared_limits} ({source})"
                    click.echo(f"{before}{name} is checked by {by}, too: {said}")
        made = sum(not each.is_cached for each in planned)
        documents = " and ".join(form.upper() for form in report.output.formats)
        said = f"{made} of {len(planned)} sections would be made, and {documents} as always."
        click.echo(before + said)
    return 0


def _complain_of_sources(planned: "Iterable[Planned]", before: str) -> None:
    """Say once of each source that cannot be read which sections lack it. before: each line."""
    groups: dict[tuple[str, str], list[str]] = {}
    for each in planned:
        if each.error is not None:
            groups.setdefault((each.error.message, each.error.hint), []).append(each.section)
    complain_of_all(
        [(f"{before}{', '.join(names)}: {said}", hint) for (said, hint), names in groups.items()]
    )

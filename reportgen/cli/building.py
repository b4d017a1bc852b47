"""The commands that make reports: build, check, render."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reportgen.cli.combinations import (
    Manner,
    build_combinations,
    check_combinations,
    read_reports,
    with_cells,
    write_index,
)
from reportgen.cli.common import cli, complain, program_name, with_config
from reportgen.cli.mail import check_delivery, mail_failure, mail_runs
from reportgen.cli.output import keep_going_unread
from reportgen.errors import ExitCode, ReportgenError

if TYPE_CHECKING:
    from reportgen.build.pipeline import Built
    from reportgen.config.loader import Report
    from reportgen.record import Summary
    from reportgen.workers.timeline import Timeline


@cli.command()
@with_config
@with_cells
@click.option("--only", multiple=True, metavar="SECTION", help="Build only this section.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Folder of the runs, in place of the YAML's."
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Worker processes; as many as cores by default."
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
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to a file where the time went, stage by stage.",
)
@click.option("--no-index", is_flag=True, hidden=True)  # whoever builds all writes the one of all
def build(  # noqa: PLR0917 - click names them all
    config: Path,
    overrides: tuple[str, ...],
    cells: tuple[str, ...],
    only: tuple[str, ...],
    output: Path | None,
    workers: int | None,
    mail: bool,
    dry_run: bool,
    no_cache: bool,
    quiet: bool,
    verbose: bool,
    profile: Path | None,
    no_index: bool,
) -> int:
    """Build a report and publish it in its output folder; with a matrix, one a combination."""
    keep_going_unread()
    if dry_run and not mail:
        raise click.UsageError("--dry-run is for --mail: reportgen plan says what a build would do")

    from reportgen.build.matrix import worst_code
    from reportgen.build.pipeline import Options
    from reportgen.build.pipeline import build as build_report
    from reportgen.build.progress import progress_display
    from reportgen.workers.pool import default_workers
    from reportgen.workers.timeline import Timeline, process_started

    given = [str(config), *(p for text in overrides for p in ("--set", text))]
    given += [] if output is None else ["--output", str(output)]
    reports = read_reports(config, overrides, cells, output)
    workers = workers or default_workers()
    if len(reports.cells) > 1:
        if profile is not None:
            raise click.UsageError("--profile is for one report: choose it with --cell")
        how = Manner(only, workers, mail, dry_run, no_cache, quiet, verbose)
        return build_combinations(reports, given, how)
    cell = next(iter(reports.cells), None)
    matrix = None if cell is None or no_index else reports.all()
    report = reports.one(cell)
    command = [*program_name().split(), *given, *(() if cell is None else cell.arguments)]
    timeline = Timeline(process_started())
    options = Options(only, workers, tuple(command), cache=not no_cache, timeline=timeline)
    if mail:
        check_delivery(report)
    try:
        with progress_display(quiet=quiet, verbose=verbose) as progress:
            built = build_report(report, options, progress)
    except ReportgenError as error:
        if mail and not dry_run:
            mail_failure(report, error)
        raise
    _tell(built, quiet=quiet, verbose=verbose)
    codes = [int(built.exit_code)]
    if profile is not None:
        codes.append(_write_profile(profile, timeline))
    if mail:
        codes.append(int(mail_runs([built.folder], dry_run=dry_run, quiet=quiet)))
    if matrix is not None:
        codes.append(write_index(matrix))
    return worst_code(codes)


def _tell(built: "Built", *, quiet: bool, verbose: bool) -> None:
    """Say how a build went and where the report is."""
    from reportgen.quality.checks.verdicts import verdict_sentence

    if verbose:
        _print_details(built.summary)
    _complain_of(built)
    if quiet:
        _complain_of_checks(built)
        return
    made = [built.folder / d.file for d in built.summary.documents.values() if d.file]
    for line in (verdict_sentence(built.summary), *made):
        click.echo(str(line))


def _write_profile(file: Path, timeline: "Timeline") -> int:
    """Write where the time went; give the exit code."""
    from reportgen.workers.timeline import timeline_text

    try:
        file.write_text(timeline_text(timeline.spans, timeline.started), encoding="utf-8")
    except OSError as error:  # the report is there all the same
        complain(ReportgenError(f"--profile {file}: cannot be written: {error.strerror}"))
        return int(ExitCode.DELIVERY)
    return int(ExitCode.OK)


def _complain_of(built: "Built") -> None:
    """Say what is wrong although the report is there."""
    unread = built.summary.history.error
    if unread and unread not in (trouble.message for trouble in built.housekeeping.troubles):
        complain(ReportgenError(unread))
    for trouble in built.housekeeping.troubles:
        complain(trouble)
    for note in built.housekeeping.notes:
        click.echo(f"Note: {note}", err=True)
    for mistake in built.summary.mistakes:
        complain(ReportgenError(mistake))


def _complain_of_checks(built: "Built") -> None:
    """Say that a check failed: cron sends a message only when something was printed."""
    if built.exit_code == ExitCode.CHECK_FAILED:
        from reportgen.quality.checks.verdicts import verdict_sentence

        click.echo(f"FAIL {built.summary.report.id}: {verdict_sentence(built.summary)}", err=True)
        click.echo(f"  → {built.folder}", err=True)


def _print_details(summary: "Summary") -> None:
    failed = {s.id: s.error for s in summary.sections} | {
        form: document.error for form, document in summary.documents.items()
    }
    for name, error in failed.items():
        if error is not None and error.details:
            click.echo(f"\n{name}:\n{error.details}", err=True)


@cli.command()
@with_config
@with_cells
def check(config: Path, overrides: tuple[str, ...], cells: tuple[str, ...]) -> int:
    """Check a configuration and that every source, dataset and column is there."""
    reports = read_reports(config, overrides, cells)
    if not reports.cells:
        report = reports.one()
        problems = _check(report)
        for problem in problems:
            complain(problem)
        if not problems:
            click.echo(f"{config}: {len(report.sections)} sections, all sources are there.")
        return int(ExitCode.SOURCE if problems else ExitCode.OK)
    return check_combinations(reports, _check)


def _check(report: "Report", name: str = "") -> list[ReportgenError]:
    """Say which sources of a report are there; give what is wrong. name: before each line."""
    from reportgen.build.image_tasks import model_problems
    from reportgen.data.sources import every_source, open_sources
    from reportgen.render.environment import check_templates
    from reportgen.wording import count

    if report.output.templates is not None:
        check_templates(str(report.output.templates))
    for note in report.notes:
        click.echo(f"Note: {note}.", err=True)
    sources = open_sources(report, every_source(report))
    of_models = {key: model_problems(model) for key, model in sources.models.items()}
    for catalogue in sources.catalogues.values():
        click.echo(
            f"{name}catalogue {catalogue.name}: {count(catalogue.rows)} rows, "
            f"{len(catalogue.places)} of {len(catalogue.columns)} columns"
            + (" (synthetic)" if catalogue.synthetic else "")
        )
    for stack in sources.images.values():
        n, height, width = stack.shape
        click.echo(f"{name}images {stack.name}: {count(n)} of {height} × {width} pixels")
    for key, model in sources.models.items():
        if not of_models[key]:
            click.echo(f"{name}model {key}: weights {', '.join(model.weights)}")
    return [*sources.problems, *(each for found in of_models.values() for each in found)]


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--templates", type=click.Path(path_type=Path), help="Folder of templates to use.")
def render(run: Path, templates: Path | None) -> int:
    """Make the documents of a RUN folder again; nothing is recomputed."""
    from reportgen.build.rerender import rerender

    made = rerender(run, templates)
    for path in made.paths:
        click.echo(str(path))
    for form, error in made.errors.items():
        complain(ReportgenError(f"{form}: {error.message}", error.hint))
    return int(ExitCode.SECTION if made.errors else ExitCode.OK)

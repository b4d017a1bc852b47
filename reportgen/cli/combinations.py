"""What the commands do with a configuration that has a matrix: several reports at once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reportgen.cli.common import complain
from reportgen.cli.mail import check_delivery, is_digest, mail_digest, run_names
from reportgen.errors import ExitCode, ReportgenError

if TYPE_CHECKING:
    from reportgen.build.matrix import BuildOutcome, Stream
    from reportgen.config.loader import Report
    from reportgen.config.reports import Matrix, Reports


def with_cells(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that chooses among the combinations of a matrix."""
    option = click.option(
        "--cell",
        "cells",
        multiple=True,
        metavar="NAME=VALUE",
        help="Take only the combinations of the matrix that have this value.",
    )
    return option(command)


def read_reports(
    config: Path,
    overrides: tuple[str, ...],
    cells: tuple[str, ...],
    output: Path | None = None,
) -> "Reports":
    """Read a configuration, and its matrix if it has one, with the analyses that are installed."""
    from reportgen.analyses.base import installed_analyses
    from reportgen.config.reports import Reports

    registry = installed_analyses()
    for problem in registry.broken.values():
        click.echo(f"Warning: {problem}", err=True)
    return Reports(config, registry.types, overrides, wanted=cells, output=output)


@dataclass(frozen=True)
class Manner:
    """How combinations are built and told of."""

    only: tuple[str, ...]
    workers: int
    mail: bool = False
    dry_run: bool = False
    no_cache: bool = False
    quiet: bool = False
    verbose: bool = False


def build_combinations(reports: "Reports", arguments: Iterable[str], how: Manner) -> int:
    """Build the combinations that were chosen, and the index above all; give the exit code.

    arguments: of the command line that builds one of them, but for which. Raises ConfigError before
    anything is built when any combination is wrong.
    """
    from reportgen.build.matrix import Job, build_all, outcome_table, worst_code
    from reportgen.build.pipeline import chosen_sections

    matrix = reports.all()
    chosen_sections(matrix.reports[0], how.only)
    chosen = [report for report in matrix.reports if report.cell in reports.cells]
    if how.mail:
        for report in chosen:
            check_delivery(report)
    together = how.mail and is_digest(chosen)
    given = ["build", *arguments, *(p for name in how.only for p in ("--only", name))]
    given += ["--no-cache"] * how.no_cache
    given += ["--quiet"] * how.quiet + ["--verbose"] * how.verbose + ["--no-index"]
    if how.mail and not together:
        given += ["--mail"] + ["--dry-run"] * how.dry_run
    jobs = [Job(cell.slug, (*given, *cell.arguments)) for cell in reports.cells]
    codes: set[int] = set()

    def ended(_: "BuildOutcome") -> None:
        codes.add(write_index(matrix))

    before = {report.output.folder: run_names(report.output.folder) for report in chosen}
    outcomes = build_all(jobs, how.workers, _say, ended)
    if not how.quiet:
        _say("out", "")
        for line in outcome_table(outcomes):
            _say("out", line)
        _say("out", str(matrix.folder / "index.html"))
    if together:
        said = {outcome.name: outcome.said for outcome in outcomes}
        codes.add(int(mail_digest(chosen, before, said, dry_run=how.dry_run, quiet=how.quiet)))
    return worst_code([*(outcome.code for outcome in outcomes), *codes])


def check_combinations(
    reports: "Reports", check: Callable[["Report", str], list[ReportgenError]]
) -> int:
    """Check the combinations that were chosen, one after the other; give the worst exit code.

    check: says what is there, with a name before each line, and gives what is wrong.
    """
    from reportgen.build.matrix import worst_code

    codes: list[int] = []
    matrix = reports.all()
    chosen = [report for report in matrix.reports if report.cell in reports.cells]
    for report in chosen:
        name = report.cell.slug if report.cell is not None else ""
        try:
            problems = check(report, f"{name} | ")
            codes += [int(ExitCode.SOURCE)] * bool(problems)
        except ReportgenError as error:
            problems = [error]
            codes.append(int(error.exit_code))
        for problem in problems:
            complain(ReportgenError(f"{name}: {problem.message}", problem.hint))
    if not codes:
        said = f"{len(chosen)} reports" if len(chosen) > 1 else "1 report"
        click.echo(f"{matrix.path}: {said}, all sources are there.")
    return worst_code(codes)


def write_index(matrix: "Matrix") -> int:
    """Write the index above all combinations; say what is wrong, and give the exit code."""
    from reportgen.build.matrix_index import write_matrix_index

    try:
        write_matrix_index(matrix)
    except ReportgenError as error:
        complain(error)
        return int(ExitCode.DELIVERY)
    return int(ExitCode.OK)


def _say(stream: "Stream", text: str) -> None:
    click.echo(text, err=stream == "err")

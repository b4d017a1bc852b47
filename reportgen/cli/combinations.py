"""What the commands do with a configuration that has a matrix: several reports at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reportgen.cli.common import complain
from reportgen.cli.mail import check_delivery, is_digest, mail_digest
from reportgen.errors import ExitCode, ReportgenError

if TYPE_CHECKING:
    from reportgen.build.matrix import BuildOutcome, Stream
    from reportgen.config.reports import Matrix, Reports


@dataclass(frozen=True)
class Flags:
    """The options of a build that are the same for one report and for each of many."""

    only: tuple[str, ...]
    mail: bool
    dry_run: bool
    no_cache: bool
    quiet: bool
    verbose: bool
    mail_later: bool = False
    engine: str | None = None
    rows: int | None = None
    as_json: bool = False

    def arguments(self, mail: bool) -> Iterator[str]:
        """Yield them as the command line has them; mail: whether to mail at all."""
        for name in self.only:
            yield from ("--only", name)
        if self.engine is not None:
            yield from ("--engine", self.engine)
        if self.rows is not None:
            yield from ("--rows", str(self.rows))
        flags = {
            "--mail": self.mail and mail,
            "--mail-later": self.mail and not (mail or self.dry_run),
            "--dry-run": self.dry_run and mail,
            "--no-cache": self.no_cache,
            "--quiet": self.quiet,
            "--verbose": self.verbose,
        }
        yield from (flag for flag, is_given in flags.items() if is_given)


def build_combinations(
    reports: "Reports", arguments: Iterable[str], flags: Flags, workers: int
) -> int:
    """Build the combinations that were chosen, and the index above all; return the exit code.

    arguments: of the command line that builds one of them, but for which and for the flags. Raises
    ConfigError before anything is built when any combination is wrong.
    """
    from reportgen.build.matrix import Job, build_all, outcome_table, worst_code
    from reportgen.build.pipeline import chosen_sections
    from reportgen.quality.nights import run_names

    matrix = reports.all()
    chosen_sections(matrix.reports[0], flags.only)
    chosen = matrix.chosen
    if flags.rows is not None:
        chosen = tuple(report.draft(flags.rows) for report in chosen)
    if flags.mail:
        for report in chosen:
            check_delivery(report)
    together = flags.mail and is_digest(chosen)
    given = ["build", *arguments, *flags.arguments(mail=not together), "--no-index"]
    jobs = [Job(cell.slug, (*given, *cell.arguments)) for cell in reports.cells]
    codes: set[int] = set()

    def ended(_: "BuildOutcome") -> None:
        if flags.rows is None:
            codes.add(write_index(matrix))

    before = {report.output.folder: run_names(report.output.folder) for report in chosen}
    outcomes = build_all(jobs, workers, _say, ended)
    if not flags.quiet:
        index = [] if flags.rows is not None else [str(matrix.folder / "index.html")]
        for line in ("", *outcome_table(outcomes), *index):
            click.echo(line)
    if together:
        said = {outcome.name: outcome.said for outcome in outcomes}
        options = {"dry_run": flags.dry_run, "quiet": flags.quiet}
        codes.add(int(mail_digest(chosen, before, said, **options)))
    return worst_code([*(outcome.code for outcome in outcomes), *codes])


def write_index(matrix: "Matrix") -> int:
    """Write the index above all combinations; say what is wrong, and return the exit code."""
    from reportgen.build.matrix_index import write_matrix_index

    try:
        write_matrix_index(matrix)
    except ReportgenError as error:
        complain(error)
        return int(ExitCode.DELIVERY)
    return int(ExitCode.OK)


def _say(stream: "Stream", text: str) -> None:
    click.echo(text, err=stream == "err")

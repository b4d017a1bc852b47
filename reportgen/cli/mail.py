"""The command mail, and what build does with --mail."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reportgen.cli.common import cli, complain, with_examples
from reportgen.errors import ConfigError, ExitCode, ReportgenError

if TYPE_CHECKING:
    from reportgen.config.loader import Report
    from reportgen.deliver import Log, Options

SECRETS = """\b
Secrets come from the environment alone, as NAME or, in a file, as NAME_FILE:
  REPORTGEN_SMTP_USER, REPORTGEN_SMTP_PASSWORD   the login
  REPORTGEN_SMTP_TOKEN_COMMAND                   prints a token for xoauth2
  REPORTGEN_WEBHOOK_URL                          where the verdict is posted
"""


@cli.command(
    epilog=with_examples(
        "reportgen mail build/cdfs/latest --dry-run   # look at it first",
        "reportgen mail build/cdfs/latest --again --to me@example.org",
        "reportgen mail --flush build/cdfs            # what waits",
        then=SECRETS,
    )
)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--again", is_flag=True, help="Also what was sent before.")
@click.option("--dry-run", is_flag=True, help="Write the mail to a file; send nothing.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Folder for --dry-run; else beside the run."
)
@click.option("--to", multiple=True, metavar="ADDRESS", help="Mail only there, to have a look.")
@click.option(
    "--flush",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Send what waits in an output folder.",
)
def mail(
    *,
    runs: tuple[str, ...],
    again: bool,
    dry_run: bool,
    output: Path | None,
    to: tuple[str, ...],
    folders: tuple[Path, ...],
) -> int:
    """Mail a RUN once, as its configuration says.

    RUN is a folder such as build/cdfs/latest, or beside the reports latest, an id or a date;
    several make one mail. A run is mailed once, however often this is called. What cannot be sent
    is kept, and sent by the next run or with --flush.
    """
    from reportgen.deliver import Options, deliver_runs, flush_outbox, write_messages
    from reportgen.quality.lookup import find_run

    if not runs and not folders:
        raise click.UsageError("give a run folder, or --flush with an output folder")
    if dry_run and folders:
        raise click.UsageError("--flush sends what was written before: there is no --dry-run of it")
    if output is not None and not dry_run:
        raise click.UsageError("--output is for --dry-run")
    options = Options(again=again, to=tuple(_address(text) for text in to))
    found = [find_run(run, None) for run in runs]
    codes = [show_log(flush_outbox(folder)) for folder in folders]
    if found and dry_run:
        codes.append(show_log(write_messages(found, options, output)))
    elif found:
        with _said_when_stopped(found[0]):
            codes.append(show_log(deliver_runs(found, options)))
    return int(max(codes))


def _address(text: str) -> str:
    from reportgen.config.deliver import read_address

    try:
        return read_address(text)
    except ValueError as error:
        raise ConfigError(f"--to: {error}") from None


def show_log(log: "Log", *, quiet: bool = False) -> ExitCode:
    """Say what was delivered and what was not; return the exit code."""
    for line in log.done if not quiet else ():
        click.echo(line)
    for problem in log.problems:
        complain(problem)
    return ExitCode.DELIVERY if log.problems else ExitCode.OK


@contextmanager
def _said_when_stopped(run: Path) -> Iterator[None]:
    """Let an exception of a signal say what becomes of the mail of a run."""
    try:
        yield
    except BaseException as error:
        from reportgen.deliver.outbox import FOLDER

        output = run.resolve().parent
        if any(output.glob(f"{FOLDER}/waiting/[!.]*")):
            kept = f"the next run sends it, or: reportgen mail --flush {output}"
            error.add_note(f"what was not sent is kept, {kept}")
        else:
            error.add_note(f"if it was not mailed: reportgen mail {run}")
        raise


def check_delivery(report: "Report") -> None:
    """Refuse to build for a mail that nobody would get."""
    if report.deliver.mail is None and report.deliver.webhook is None:
        raise ConfigError(
            f"{report.path}: --mail: the configuration has no deliver.mail and no deliver.webhook",
            "say under deliver: who is told and how, see docs/mail.md",
        )


def mail_runs(
    runs: Sequence[Path], options: "Options | None" = None, *, dry_run: bool, quiet: bool
) -> ExitCode:
    """Mail what has just been built; nothing that goes wrong takes the reports back."""
    from reportgen.deliver import Options, deliver_runs, write_messages

    options = options or Options()
    try:
        with _said_when_stopped(runs[0]):
            log = write_messages(runs, options) if dry_run else deliver_runs(runs, options)
    except ReportgenError as error:
        complain(error)
        return ExitCode.DELIVERY
    return show_log(log, quiet=quiet)


def mail_failure(report: "Report", error: ReportgenError) -> None:
    """Mail that there is no report tonight: silence would look like a good night."""
    from reportgen.deliver import Absent, Options, deliver_notice

    why = f"{error.message} → {error.hint}" if error.hint else error.message
    block = report.report
    options = Options(name=block.id, title=block.title, absent=(Absent(block.id, why),))
    try:
        show_log(deliver_notice(report.deliver, report.output.folder, options))
    except (ReportgenError, OSError) as trouble:
        complain(ReportgenError(f"nor could that be mailed: {trouble}"))


def is_digest(reports: Sequence["Report"]) -> bool:
    """Return whether the reports of a matrix are mailed in one mail: all of them must want it."""
    return all(report.deliver.mail is not None and report.deliver.mail.digest for report in reports)


def mail_digest(
    reports: Sequence["Report"],
    before: Mapping[Path, Collection[str]],
    said: Mapping[str, str],
    *,
    dry_run: bool,
    quiet: bool,
) -> ExitCode:
    """Mail the reports of a matrix that were built, and which were not, in one mail.

    before: the runs that were there before they were built. said: what their builds said, by cell.
    """
    from reportgen.deliver import Absent, Options, deliver_notice
    from reportgen.quality.nights import run_names

    runs, absent = [], []
    for report in reports:
        folder = report.output.folder
        made = [name for name in run_names(folder) if name not in before[folder]]
        slug = report.cell.slug if report.cell is not None else report.report.id
        if made:
            runs.append(folder / made[-1])
        else:
            absent.append(Absent(report.report.id, said.get(slug) or "It was not built."))
    first, outputs = reports[0], tuple(report.output.folder for report in reports)
    name = first.path.stem
    options = Options(name=name, title=name, absent=tuple(absent), outputs=outputs)
    if runs:
        return mail_runs(runs, options, dry_run=dry_run, quiet=quiet)
    if dry_run:
        return ExitCode.OK
    return show_log(deliver_notice(first.deliver, first.output.folder, options), quiet=quiet)

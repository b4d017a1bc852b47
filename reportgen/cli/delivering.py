"""The commands that tell people: mail."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reportgen.cli.common import cli, complain
from reportgen.errors import ConfigError, ExitCode, ReportgenError

if TYPE_CHECKING:
    from reportgen.config.deliver import DeliverBlock
    from reportgen.config.loading import Report
    from reportgen.deliver.posting import Log

SECRETS = """\b
Secrets come from the environment alone, each as NAME or, in a file, as NAME_FILE:
  REPORTGEN_SMTP_USER, REPORTGEN_SMTP_PASSWORD   the login
  REPORTGEN_SMTP_TOKEN_COMMAND                   prints a token for xoauth2
  REPORTGEN_WEBHOOK_URL                          where the verdict is posted
"""


@cli.command(epilog=SECRETS)
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN]...")
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
def mail(  # noqa: PLR0917 - click names them all
    runs: tuple[Path, ...],
    again: bool,
    dry_run: bool,
    output: Path | None,
    to: tuple[str, ...],
    folders: tuple[Path, ...],
) -> int:
    """Mail a RUN folder, as its configuration says, once; several make one mail.

    RUN is a folder such as build/cdfs/latest. A run is mailed once, however often this is called.
    What cannot be sent is kept, and sent by the next run or with --flush.
    """
    from reportgen.deliver.ordering import Wish
    from reportgen.delivery import deliver_runs, flush_outbox, write_messages

    if not runs and not folders:
        raise click.UsageError("give a run folder, or --flush with an output folder")
    if dry_run and folders:
        raise click.UsageError("--flush sends what was written before: there is no --dry-run of it")
    if output is not None and not dry_run:
        raise click.UsageError("--output is for --dry-run")
    codes = [tell(flush_outbox(folder)) for folder in folders]
    wish = Wish(again=again, to=tuple(_address(text) for text in to))
    if runs and dry_run:
        codes.append(tell(write_messages(runs, wish, output)))
    elif runs:
        with _promised_when_stopped(runs[0]):
            codes.append(tell(deliver_runs(runs, wish)))
    return int(max(codes))


def _address(text: str) -> str:
    from reportgen.config.deliver import read_address

    try:
        return read_address(text)
    except ValueError as error:
        raise ConfigError(f"--to: {error}") from None


def tell(log: "Log", *, quiet: bool = False) -> ExitCode:
    """Say what was delivered and what was not; give the exit code."""
    if not quiet:
        for line in log.told:
            click.echo(line)
    for trouble in log.troubles:
        complain(trouble)
    return ExitCode.DELIVERY if log.troubles else ExitCode.OK


@contextmanager
def _promised_when_stopped(run: Path) -> Iterator[None]:
    """Say, when a signal stops the delivery of a run, that what was not sent is kept."""
    try:
        yield
    except Exception:
        raise
    except BaseException:
        from reportgen.deliver.outbox import Outbox

        output = run.resolve().parent
        if Outbox(output).holds_any():
            kept = f"the next run sends it, or: reportgen mail --flush {output}"
            click.echo(f"What was not sent is kept; {kept}", err=True)
        raise


def mail_run(run: Path, *, dry_run: bool, quiet: bool) -> ExitCode:
    """Mail a run that has just been built; nothing that goes wrong takes the report back."""
    from reportgen.deliver.ordering import Wish
    from reportgen.delivery import deliver_runs, write_messages

    try:
        with _promised_when_stopped(run):
            log = write_messages([run], Wish()) if dry_run else deliver_runs([run], Wish())
    except ReportgenError as error:
        complain(error)
        return ExitCode.DELIVERY
    return tell(log, quiet=quiet)


def check_delivery(report: "Report") -> None:
    """Refuse to build for a mail that nobody would get."""
    block = report.deliver
    if block.mail is None and block.webhook is None:
        raise ConfigError(
            f"{report.path}: --mail: the configuration has no deliver.mail and no deliver.webhook",
            "say under deliver: who is told and how, see docs/mail.md",
        )


def mail_failure(
    block: "DeliverBlock", output: Path, name: str, title: str, error: ReportgenError
) -> None:
    """Mail that there is no report tonight: silence would look like a good night."""
    from reportgen.deliver.contents import Absent
    from reportgen.delivery import send_notice

    absent = [Absent(name, f"{error.message} → {error.hint}" if error.hint else error.message)]
    try:
        tell(send_notice(block, output, name, title, absent=absent))
    except (ReportgenError, OSError) as trouble:
        complain(ReportgenError(f"nor could that be mailed: {trouble}"))


def is_told_together(reports: Sequence["Report"]) -> bool:
    """Say whether the reports of a matrix are mailed in one mail: all of them must want it."""
    return all(report.deliver.mail is not None and report.deliver.mail.digest for report in reports)


def run_names(folder: Path) -> frozenset[str]:
    """Give the names of the runs in an output folder."""
    from reportgen.publish import RUN_ID

    if not folder.is_dir():
        return frozenset()
    return frozenset(path.name for path in folder.iterdir() if RUN_ID.fullmatch(path.name))


@dataclass(frozen=True)
class Together:
    """Reports of a matrix that are told of in one mail.

    before: the runs that were there before they were built. said: what their builds said, by cell.
    """

    reports: Sequence["Report"]
    name: str
    before: Mapping[Path, frozenset[str]]
    said: Mapping[str, str]


def tell_together(these: Together, *, dry_run: bool, quiet: bool) -> ExitCode:
    """Mail the reports of a matrix that were built, and which were not."""
    from reportgen.deliver.contents import Absent
    from reportgen.deliver.ordering import Wish
    from reportgen.delivery import deliver_runs, send_notice, write_messages

    runs, absent = [], []
    for report in these.reports:
        folder = report.output.folder
        made = sorted(run_names(folder) - these.before[folder])
        slug = report.cell.slug if report.cell is not None else report.report.id
        if made:
            runs.append(folder / made[-1])
        else:
            absent.append(Absent(report.report.id, these.said.get(slug) or "It was not built."))
    outputs = tuple(report.output.folder for report in these.reports)
    wish = Wish(name=these.name, absent=tuple(absent), outputs=outputs)
    first = these.reports[0]
    try:
        if runs and dry_run:
            log = write_messages(runs, wish)
        elif runs:
            with _promised_when_stopped(runs[0]):
                log = deliver_runs(runs, wish)
        elif dry_run:
            return ExitCode.OK
        else:
            folder = first.output.folder
            log = send_notice(first.deliver, folder, these.name, these.name, absent=absent)
    except ReportgenError as error:
        complain(error)
        return ExitCode.DELIVERY
    return tell(log, quiet=quiet)

"""What the commands share: the group they belong to, reading a configuration, saying errors."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reportgen.errors import ReportgenError, with_hints_once
from reportgen.wording import printable

if TYPE_CHECKING:
    from reportgen.config.reports import Reports

Command = Callable[..., Any]

EXIT_CODES = """\b
Exit codes:
  0  the report is fine (or has warnings only)
  1  a check failed
  2  the configuration or the command line is wrong
  3  a section or a document could not be made
  4  the report could not be written or delivered
  5  a source is missing or unreadable
 70  reportgen itself has a bug
"""
GROUPS = {
    "Make reports": ("init", "check", "plan", "build"),
    "One night": ("summary", "mail", "render", "verify"),
    "Many nights": ("history", "diff", "backtest"),
    "Look things up": ("describe", "sections", "schema", "doctor"),
    "Try and extend": ("sample", "new"),
}
"""The commands as the help lists them."""
SUMMARY = 66  # characters of what a command is for, beside its name in 80
PATH = click.Path(path_type=Path)


class _Source(click.Path):
    """A path, or the address of a file elsewhere."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        from reportgen.remote.address import is_address, remote_file

        if not isinstance(value, str) or not is_address(value):
            return super().convert(value, param, ctx)
        try:
            return remote_file(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


SOURCE = _Source(path_type=Path)
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


class _Commands(click.Group):
    """A first word that is no command is a configuration to build."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {name for option in self.get_params(ctx) for name in option.opts}
        if args and args[0] not in self.commands and args[0] not in own:
            near = get_close_matches(args[0], self.commands, n=1)
            if near and not Path(args[0]).exists():
                ctx.fail(f"No such command {args[0]!r}; did you mean {near[0]!r}?")
            args = ["build", *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.commands))
        for title, names in GROUPS.items():
            with formatter.section(title):
                rows = [
                    (name.ljust(width), self.commands[name].get_short_help_str(SUMMARY))
                    for name in names
                ]
                formatter.write_dl(rows)


def with_examples(*examples: str, then: str = "") -> str:
    """Return what stands below the help of a command. then: comes after the examples."""
    lines = "\n".join(f"  {example}" for example in examples)
    return f"\b\nExamples:\n{lines}\n\n{then}".rstrip()


@click.group(
    cls=_Commands,
    epilog=with_examples(
        "reportgen init my.fits --output my.yaml     # begin",
        "reportgen my.yaml                           # build/my/latest/report.html",
        "reportgen my.yaml --only overview           # one section",
        "reportgen diff latest                       # what changed since last night",
        then=EXIT_CODES,
    ),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="reportgen")
def cli() -> None:
    """Turn a YAML file and survey data into a report: HTML, PDF and the numbers behind them.

    `reportgen CONFIG` is short for `reportgen build CONFIG`.
    """


def program_name() -> str:
    """Return what the user calls us."""
    called = Path(sys.argv[0]).name
    return "python -m reportgen" if called == "__main__.py" else called


def complain(error: ReportgenError) -> None:
    """Say what is wrong and what to do."""
    message, hint = printable(error.message), printable(error.hint)
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {message}", err=True)
    if hint:
        click.echo(f"  → {hint}", err=True)


def complain_of_all(problems: Sequence[tuple[str, str]]) -> None:
    """Say what is wrong, each with what to do; a hint that several have is said after the last."""
    for message, hint in with_hints_once(problems):
        complain(ReportgenError(message, hint))


@contextmanager
def noted(what_there_is: str) -> Iterator[None]:
    """Say what there is should the block be interrupted."""
    try:
        yield
    except BaseException as error:
        error.add_note(what_there_is)
        raise


def with_config(command: Command) -> Command:
    """Add the options with which a command reads a configuration, or some of its matrix."""
    for add in (
        click.option(
            "--cell",
            "cells",
            multiple=True,
            metavar="NAME=VALUE",
            help="Take only the combinations of the matrix that have this value.",
        ),
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY.PATH=VALUE",
            help="Set a key of the YAML.",
        ),
        click.argument("config", type=PATH),
    ):
        command = add(command)
    return command


with_output = click.option(
    "--output", type=PATH, help="Folder of the runs, in place of the YAML's."
)
with_workers = click.option(
    "--workers", type=click.IntRange(1, 256), help="Worker processes; as many as cores by default."
)


def read_reports(
    config: Path,
    overrides: tuple[str, ...],
    cells: tuple[str, ...],
    output: Path | None = None,
    *,
    cache: bool = True,
) -> "Reports":
    """Read a configuration, and its matrix if it has one, with the analyses that are installed.

    cache: whether what is known of files from earlier nights may serve.
    """
    from reportgen.analyses.base import installed_analyses
    from reportgen.config.reports import Reports
    from reportgen.data.sources import look_at_catalogues

    registry = installed_analyses()
    for problem in registry.broken.values():
        click.echo(f"Warning: {problem}", err=True)
    look = partial(look_at_catalogues, cache=cache)
    return Reports(
        config, registry.types, overrides, wanted=cells, output=output, open_catalogues=look
    )

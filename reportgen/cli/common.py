"""What the commands share: the group they belong to, reading a configuration, saying errors."""

import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import Any

import click

from reportgen.errors import ReportgenError

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


@click.group(
    cls=_Commands,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="reportgen")
def cli() -> None:
    """Turn a YAML file and survey data into a report: HTML, PDF and the numbers behind them.

    `reportgen CONFIG` is short for `reportgen build CONFIG`.
    """


def program_name() -> str:
    """Give what the user calls us."""
    called = Path(sys.argv[0]).name
    return "python -m reportgen" if called == "__main__.py" else called


def complain(error: ReportgenError) -> None:
    """Say what is wrong and what to do."""
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {error.message}", err=True)
    if error.hint:
        click.echo(f"  → {error.hint}", err=True)


def with_config(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options with which a command reads a configuration."""

    @click.argument("config", type=click.Path(path_type=Path))
    @click.option(
        "--set", "overrides", multiple=True, metavar="KEY.PATH=VALUE", help="Set a key of the YAML."
    )
    @wraps(command)
    def wrapped(config: Path, overrides: tuple[str, ...], **options: Any) -> Any:
        return command(config=config, overrides=overrides, **options)

    return wrapped

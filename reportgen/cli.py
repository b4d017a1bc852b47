"""The commands: parse, call one function, print, give the exit code."""

import json
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from reportgen.errors import ExitCode, PublishError, ReportgenError

if TYPE_CHECKING:
    from reportgen.config.loading import Report
    from reportgen.summary import Summary

BUG = 70  # EX_SOFTWARE of sysexits.h

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


def main() -> NoReturn:
    """Run the command line and exit."""
    _prepare()
    try:
        code = _run()
    except ReportgenError as error:
        _complain(error)
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _interrupted(signal.SIGINT)
    except _Signalled as error:
        _interrupted(error.number)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.CONFIG)
    except OSError as error:
        _complain(PublishError(f"{error.filename or 'output'}: {error.strerror or error}"))
        sys.exit(ExitCode.DELIVERY)
    except Exception:
        traceback.print_exc()
        click.echo("This is a bug of reportgen, please report it.", err=True)
        sys.exit(BUG)
    sys.exit(code)


def _run() -> int:
    try:
        code = cli.main(prog_name=_name(), standalone_mode=False)
    except SystemExit:
        # Click's way to say that the reader of our output has gone: `reportgen schema | head`.
        return 128 + signal.SIGPIPE
    return code if isinstance(code, int) else ExitCode.OK


class _Signalled(BaseException):
    """A signal that asks to end."""

    def __init__(self, number: int, _frame: object = None) -> None:
        self.number = number


def _prepare() -> None:
    """Unwind on signals as on Ctrl-C, and write any text to any terminal."""

    def unwind(number: int, _frame: object) -> None:
        raise _Signalled(number)

    for wish in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(wish) is signal.SIG_DFL:  # nohup has reasons
            signal.signal(wish, unwind)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _interrupted(number: int) -> NoReturn:
    click.echo("Interrupted; a run that was not finished has been removed.", err=True)
    sys.exit(128 + number)  # as shells count


def _name() -> str:
    called = Path(sys.argv[0]).name
    return "python -m reportgen" if called == "__main__.py" else called


def _complain(error: ReportgenError) -> None:
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {error.message}", err=True)
    if error.hint:
        click.echo(f"  → {error.hint}", err=True)


def _with_config(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options with which a command reads a configuration."""

    @click.argument("config", type=click.Path(path_type=Path))
    @click.option(
        "--set", "overrides", multiple=True, metavar="KEY.PATH=VALUE", help="Set a key of the YAML."
    )
    @wraps(command)
    def wrapped(config: Path, overrides: tuple[str, ...], **options: Any) -> Any:
        return command(config=config, overrides=overrides, **options)

    return wrapped


def _load(config: Path, overrides: tuple[str, ...]) -> "Report":
    from reportgen.analyses.base import installed_analyses
    from reportgen.config.loading import load_report

    registry = installed_analyses()
    for problem in registry.broken.values():
        click.echo(f"Warning: {problem}", err=True)
    return load_report(config, registry.types, overrides)


@cli.command()
@_with_config
@click.option("--only", multiple=True, metavar="SECTION", help="Build only this section.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Folder of the runs, in place of the YAML's."
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Worker processes; as many as cores by default."
)
@click.option("--quiet", "-q", is_flag=True, help="Print errors only.")
@click.option(
    "--verbose",
    "-v",
    is_flag=True,
    help="Print what sections print, and tracebacks of failed ones.",
)
def build(  # noqa: PLR0917 - click names them all
    config: Path,
    overrides: tuple[str, ...],
    only: tuple[str, ...],
    output: Path | None,
    workers: int | None,
    quiet: bool,
    verbose: bool,
) -> int:
    """Build a report and publish it in its output folder."""
    from reportgen.pool import default_workers
    from reportgen.progress import progress_display
    from reportgen.run import Options
    from reportgen.run import build as build_report

    report = _load(config, overrides)
    command = [*_name().split(), str(config), *(p for text in overrides for p in ("--set", text))]
    if output is not None:
        block = report.output.model_copy(update={"folder": output.absolute()})
        report = replace(report, output=block)
        command += ["--output", str(output)]
    options = Options(only, workers or default_workers(), tuple(command))
    with progress_display(quiet=quiet, verbose=verbose) as progress:
        built = build_report(report, options, progress)
    if verbose:
        _print_details(built.summary)
    if not quiet:
        from reportgen.render.view import verdict_sentence

        made = [built.folder / d.file for d in built.summary.documents.values() if d.file]
        with suppress(OSError):  # the report is there, whether or not anybody reads this
            for line in (verdict_sentence(built.summary), *made):
                click.echo(str(line))
    return int(built.exit_code)


def _print_details(summary: "Summary") -> None:
    failed = {s.id: s.error for s in summary.sections} | {
        form: document.error for form, document in summary.documents.items()
    }
    for name, error in failed.items():
        if error is not None and error.details:
            click.echo(f"\n{name}:\n{error.details}", err=True)


@cli.command()
@_with_config
def check(config: Path, overrides: tuple[str, ...]) -> int:
    """Check a configuration and that every source, dataset and column is there."""
    from reportgen.features import model_problems
    from reportgen.numbers import count
    from reportgen.render.environment import check_templates
    from reportgen.sources import every_source, open_sources

    report = _load(config, overrides)
    if report.output.templates is not None:
        check_templates(str(report.output.templates))
    sources = open_sources(report, every_source(report))
    of_models = {name: model_problems(model) for name, model in sources.models.items()}
    problems = [*sources.problems, *(each for found in of_models.values() for each in found)]
    for problem in problems:
        _complain(problem)
    for catalogue in sources.catalogues.values():
        click.echo(
            f"catalogue {catalogue.name}: {count(catalogue.rows)} rows, "
            f"{len(catalogue.places)} of {len(catalogue.columns)} columns"
            + (" (synthetic)" if catalogue.synthetic else "")
        )
    for stack in sources.images.values():
        n, height, width = stack.shape
        click.echo(f"images {stack.name}: {count(n)} of {height} × {width} pixels")
    for name, model in sources.models.items():
        if not of_models[name]:
            click.echo(f"model {name}: weights {', '.join(model.weights)}")
    if problems:
        return int(ExitCode.SOURCE)
    click.echo(f"{config}: {len(report.sections)} sections, all sources are there.")
    return int(ExitCode.OK)


@cli.command()
@click.argument("name", required=False)
def sections(name: str | None) -> int:
    """List the analyses that sections may use, or document the keys of one."""
    from reportgen.analyses.base import installed_analyses
    from reportgen.documentation import describe_analysis, first_line

    registry = installed_analyses()
    if name is not None:
        click.echo(describe_analysis(registry.get(name)))
        return 0
    width = max(map(len, registry.types), default=0)
    for key, analysis in sorted(registry.types.items()):
        click.echo(f"{key:{width}}  {first_line(analysis)}")
    for problem in registry.broken.values():
        click.echo(f"Warning: {problem}", err=True)
    return 0


@cli.command()
@click.option("--summary", is_flag=True, help="The schema of summary.json instead.")
def schema(summary: bool) -> int:
    """Print the JSON Schema of the configuration, for editors."""
    from reportgen.analyses.base import installed_analyses
    from reportgen.documentation import configuration_schema
    from reportgen.summary import summary_schema

    found = summary_schema() if summary else configuration_schema(installed_analyses().types)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    return 0


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=2016, show_default=True, help="Same seed, same bytes.")
@click.option("--rows", default=30_853, show_default=True, help="Rows of the catalogue.")
@click.option("--images", default=200, show_default=True, help="Radio cut-outs.")
def sample(folder: Path, seed: int, rows: int, images: int) -> int:
    """Write a synthetic survey in the layout of the CDFS data into FOLDER, with a trained CNN."""
    from reportgen.data.sample import write_sample

    for path in write_sample(folder, seed=seed, rows=rows, images=images):
        click.echo(str(path))
    return 0


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--templates", type=click.Path(path_type=Path), help="Folder of templates to use.")
def render(run: Path, templates: Path | None) -> int:
    """Make the documents of a RUN folder again; nothing is recomputed."""
    from reportgen.rerender import rerender

    made = rerender(run, templates)
    for path in made.paths:
        click.echo(str(path))
    for form, error in made.errors.items():
        _complain(ReportgenError(f"{form}: {error.message}", error.hint))
    return int(ExitCode.SECTION if made.errors else ExitCode.OK)


@cli.command()
def doctor() -> int:
    """Say what PDF, fonts and optional parts need, and how to get what is missing."""
    from reportgen.doctor import examine

    findings = examine()
    for finding in findings:
        mark = "ok     " if finding.fine else "missing" if finding.needed else "absent "
        click.echo(f"{mark}  {finding.what}: {finding.said}")
        if finding.remedy:
            click.echo(f"         → {finding.remedy}")
    return int(ExitCode.OK if all(f.fine or not f.needed for f in findings) else ExitCode.CONFIG)

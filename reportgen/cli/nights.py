"""The commands that look back: history, diff, backtest."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reportgen.cli.common import (
    FILE,
    FOLDER,
    Command,
    cli,
    complain,
    read_reports,
    with_config,
    with_examples,
)
from reportgen.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from reportgen.quality.overview import SeriesRecord

READING = """\b
Exit codes:
  0  done
  2  there is no such history, report, metric or run
  4  the history could not be read or written
"""
COMPARING = """\b
Exit codes:
  0  nothing moved beyond its tolerance, or became worse
  1  something did
  2  a run cannot be read, or there is no such run
  4  FILE could not be written
"""
_OUTPUT = "Output folder, such as build/cdfs; the only one if not given."
with_database = click.option(
    "--database", metavar="FILE-or-URL", help="SQLite file or SQLAlchemy URL of the history."
)


def with_places(command: Command) -> Command:
    """Add the options that say which history is meant."""
    return with_database(click.option("--output", type=FOLDER, help=_OUTPUT)(command))


@cli.command(
    epilog=with_examples(
        "reportgen history                            # reports, nights and metrics",
        "reportgen history fluxes.flux_36_median --nights 90",
        "reportgen history flux_36_median --csv --output build/cdfs",
        "reportgen history import build/cdfs",
        then=READING,
    )
)
@click.argument("words", nargs=-1, metavar="[METRIC | import RUN...]")
@with_places
@click.option("--report", metavar="ID", help="Report, where the history has several.")
@click.option("--nights", type=click.IntRange(1), help="How many nights; 30 of a metric, else 7.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the nights of a METRIC as CSV.")
@click.option("--png", type=FILE, metavar="FILE", help="Write a plot of a METRIC as PNG.")
@click.option("--svg", type=FILE, metavar="FILE", help="Write a plot of a METRIC as SVG.")
def history(
    *,
    words: tuple[str, ...],
    database: str | None,
    output: Path | None,
    report: str | None,
    nights: int | None,
    as_json: bool,
    as_csv: bool,
    png: Path | None,
    svg: Path | None,
) -> int:
    """Show a METRIC over the nights, or what a history has.

    METRIC is section.metric, or the name of the metric alone where that leaves no doubt. Without
    it, the reports of the history are listed with their nights and metrics.

    `import` adds runs to the history from their summary.json: run folders, run ids, latest, dates,
    or an output folder for all of its runs.
    """
    of_metric = bool(as_csv or png or svg)
    if words[:1] == ("import",):
        if of_metric or report or nights:
            raise click.UsageError("import takes --database, --output and --json only.")
        return _import(words[1:], database, output, as_json)
    _check_words(words, of_metric, as_json and as_csv)
    from reportgen.cli import tables
    from reportgen.quality.history import open_history
    from reportgen.quality.lookup import find_history
    from reportgen.quality.overview import read_overview, read_series

    place = find_history(database, output)
    with open_history(place) as opened:
        if not words:
            overview = read_overview(opened, report, nights or 7)
            click.echo(_json(overview) if as_json else tables.overview_text(overview))
            return ExitCode.OK
        series = read_series(opened, words[0], report, nights or 30)
    files = {"png": png, "svg": svg}
    for form, file in files.items():
        if file is not None:
            from reportgen.run_folder import replace_file

            replace_file(file, _figure(series, form))
    if as_json:
        click.echo(_json(series))
    elif as_csv:
        click.echo(tables.series_csv(series), nl=False)
    else:
        click.echo(tables.series_text(series))
    for file in filter(None, files.values()):
        click.echo(f"{file}", err=as_json or as_csv)
    return ExitCode.OK


def _figure(series: "SeriesRecord", form: str) -> bytes:
    """Return a metric over the nights as a trend section draws it; rings: a check does not hold."""
    from reportgen.analyses.trend import MetricHistory, draw_trend
    from reportgen.cli.tables import plotted
    from reportgen.render.saving import saved
    from reportgen.style import house_style

    shown = plotted(series)
    nights, values = zip(*((point.night, point.value) for point in shown.points), strict=True)
    metric = MetricHistory(
        series.key, "", shown.label, series.unit, shown.unit, series.digits, nights, values
    )
    troubled = [n for n, point in enumerate(shown.points) if not point.fine and point.value]
    with house_style():
        return saved(draw_trend(metric, troubled), form, shown.title)


def _check_words(words: tuple[str, ...], of_metric: bool, in_two_forms: bool) -> None:
    if len(words) > 1:
        raise click.UsageError(f"One METRIC at a time, not {len(words)}.")
    if not words and of_metric:
        raise click.UsageError("--csv, --png and --svg need a METRIC.")
    if in_two_forms:
        raise click.UsageError("--json or --csv, not both.")


def _import(runs: tuple[str, ...], database: str | None, output: Path | None, as_json: bool) -> int:
    from reportgen.cli.tables import import_text
    from reportgen.quality.history import FILE
    from reportgen.quality.history.importing import Imported, ImportedRun, add_runs
    from reportgen.quality.history.records import HistoryError
    from reportgen.quality.lookup import VARIABLE, find_runs

    if not runs:
        raise click.UsageError("Which RUN should be added? Give a run or an output folder.")
    folders: list[Path] = []
    wrong: list[ConfigError] = []
    for text in runs:
        try:
            folders += find_runs(text, output)
        except ConfigError as error:
            wrong.append(error)
    given = database or (output and output / FILE) or os.environ.get(VARIABLE)
    added: list[ImportedRun] = []
    trouble = None
    try:
        for run in add_runs(folders, lambda run: given or run.resolve().parent / FILE):
            added.append(run)
    except HistoryError as error:
        trouble = error
    if as_json:
        click.echo(_json(Imported(runs=tuple(added))))
    elif added:
        click.echo(import_text(added))
    wrong += [ConfigError(run.message) for run in added if run.message]
    for problem in wrong:
        complain(problem)
    if trouble is None:
        return ExitCode.CONFIG if wrong else ExitCode.OK
    complain(trouble)
    if len(folders) - len(added) > 1:
        click.echo(f"{len(folders) - len(added)} runs were not added.", err=True)
    return ExitCode.DELIVERY


@cli.command(
    epilog=with_examples(
        "reportgen diff latest",
        "reportgen diff 2026-11-01 latest --html changes.html",
        "reportgen diff 20261101T020000Z latest --output build/cdfs --tolerance 1e-3",
        then=COMPARING,
    )
)
@click.argument("run_a")
@click.argument("run_b", required=False)
@with_places
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    metavar="X",
    help="Relative difference of numbers that count as the same; 1e-9 if not given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", type=FILE, metavar="FILE", help="Write a page as well.")
def diff(
    *,
    run_a: str,
    run_b: str | None,
    database: str | None,
    output: Path | None,
    tolerance: float | None,
    as_json: bool,
    html: Path | None,
) -> int:
    """Say what changed from RUN_A to RUN_B, or since the night before.

    With one run, what changed from the night before it. A run is the path of its folder; or, in an
    output folder, its id, latest, or a date such as 2026-11-23 for the run that stands for that
    night. What counts as a move is told by the scatter on the nights before, where there is a
    history; without one every difference counts.
    """
    from reportgen.quality.diff.compare import TOLERANCE
    from reportgen.quality.diff.runs import compare_runs
    from reportgen.quality.lookup import find_run, history_beside, night_before

    after = find_run(run_b or run_a, output)
    before = find_run(run_a, output) if run_b else night_before(after)
    found = compare_runs(
        before,
        after,
        database or history_beside(after),
        tolerance=TOLERANCE if tolerance is None else tolerance,
    )
    result = found.difference
    if html is not None:
        from reportgen.render.diff import render_diff
        from reportgen.run_folder import replace_file

        said = (result.changes, result.sentences, result.noise.said)
        replace_file(html, render_diff(found.before, found.after, *said, folders=(before, after)))
    if found.trouble is not None:
        click.echo(f"Warning: {found.trouble}", err=True)
    if as_json:
        click.echo(_json(result))
    else:
        from reportgen.cli.tables import diff_text, fold, terminal_width

        click.echo(diff_text(result.changes, terminal_width()))
        click.echo(fold(result.noise.said))
    if html is not None:
        click.echo(f"{html}", err=as_json)
    return ExitCode.CHECK_FAILED if result.moved else ExitCode.OK


@cli.command(
    epilog=with_examples(
        "reportgen backtest my.yaml",
        "reportgen backtest my.yaml --set sections.fluxes.checks.0.max=50 --nights 30",
        then=READING,
    )
)
@with_config
@with_database
@click.option("--nights", type=click.IntRange(1), help="How many nights, the last ones; else all.")
@click.option("--undated", is_flag=True, help="As if checks had no from and until.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def backtest(
    *,
    config: Path,
    overrides: tuple[str, ...],
    cells: tuple[str, ...],
    database: str | None,
    nights: int | None,
    undated: bool,
    as_json: bool,
) -> int:
    """Say on which past nights today's checks would have fired."""
    from reportgen.cli.tables import backtest_text
    from reportgen.quality.backtest import Backtests, replay_checks
    from reportgen.quality.lookup import history_place

    reports = read_reports(config, overrides, cells)
    replayed = (
        replay_checks(report, database or history_place(report), most=nights, dated=not undated)
        for report in [reports.one(cell) for cell in reports.cells or (None,)]
    )
    found = Backtests(reports=tuple(replayed))
    said = "\n\n\n".join(map(backtest_text, found.reports))
    click.echo(_json(found) if as_json else said)
    return ExitCode.OK


def _json(record: Any) -> str:
    return str(record.model_dump_json(indent=2))

"""What the commands that look back print: tables of nights, readable at 80 columns."""

import csv
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from io import StringIO
from textwrap import wrap

from reportgen.config.columns import unit_symbol
from reportgen.quality.backtest import Backtest, FiredRecord, ReplayRecord
from reportgen.quality.diff.records import Changes
from reportgen.quality.diff.sentences import sentences
from reportgen.quality.history.importing import ImportedRun
from reportgen.quality.overview import (
    HistoryReport,
    LastRecord,
    Overview,
    PointRecord,
    SeriesRecord,
)
from reportgen.render.series import Series, SeriesPoint, usual_step
from reportgen.render.series_text import plot_lines, signs_for
from reportgen.wording import count, counted, listed, number

_LEAST_WIDTH = 40
_LEAST_TEXT = 20  # columns
_MOST_MESSAGES = 10  # of a check that fired on many nights; the others are named by their dates
_Row = Sequence[str]


def terminal_width() -> int:
    """Return the columns of the terminal; 80 without one."""
    return max(_LEAST_WIDTH, shutil.get_terminal_size().columns)


def fold(text: str, first: str = "", rest: str | None = None, width: int | None = None) -> str:
    """Break a text into lines; no-break spaces keep numbers with their units.

    first: before the first line. rest: before the others; the same if not given. width: columns;
    those of the terminal if not given.
    """
    lines = wrap(
        text,
        max(width or terminal_width(), len(first) + _LEAST_TEXT),
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace("\u00a0", " ")


def plotted(series: SeriesRecord) -> Series:
    """Return a metric as it is plotted: only values in the newest unit."""
    return Series(
        label=series.label,
        unit=unit_symbol(series.unit),
        digits=series.digits,
        points=tuple(
            SeriesPoint(
                point.night,
                point.value if point.unit == series.unit else None,
                point.verdict in {None, "ok"},
            )
            for point in series.nights
        ),
    )


def series_text(series: SeriesRecord) -> str:
    """Return a metric as a table of nights, and a plot."""
    verb = "has" if series.known_nights == 1 else "have"
    known = f"{counted(series.known_nights, 'nights')} {verb} this metric"
    parts = [
        fold(f"{series.label}: {series.key} of report {series.report}"),
        f"{series.history}",
        f"{counted(len(series.nights), 'nights')} shown; {known}",
        "",
        *_table(list(_night_rows(series)), "lrlll"),
    ]
    lines = plot_lines(plotted(series), terminal_width(), signs_for(sys.stdout.encoding))
    parts += ["", *(lines or ["No night has a value to plot."])]
    others = sum(p.value is not None and p.unit != series.unit for p in series.nights)
    if others:
        unit = unit_symbol(series.unit) or "none"
        said = f"{counted(others, 'nights')} with another unit than {unit}"
        parts.append(fold(f"{said} {'is' if others == 1 else 'are'} not in the plot."))
    return "\n".join(parts).replace("\u00a0", " ")


def _night_rows(series: SeriesRecord) -> Iterator[_Row]:
    yield "night", "value", "", "verdict", "run"
    usual = usual_step([point.night for point in series.nights])
    former: date | None = None
    for point in series.nights:
        if former is not None and usual == 1 and (point.night - former).days > 1:
            yield _no_run(former, point.night)
        value = "no value" if point.value is None else number(point.value, series.digits)
        yield f"{point.night}", value, unit_symbol(point.unit), _verdict(point), point.run
        former = point.night


def _no_run(former: date, night: date) -> _Row:
    """Say that there was no run between two nights."""
    missing = (night - former).days - 1
    first, last = former + timedelta(days=1), night - timedelta(days=1)
    until = "" if missing == 1 else f"until {last}"
    return f"{first}", "", "", "no complete run", until


def _verdict(point: PointRecord) -> str:
    if point.status is None:
        return "no section"
    if point.status == "error":
        return "section in error"
    return point.verdict or "not judged"


def series_csv(series: SeriesRecord) -> str:
    """Return a metric as CSV, a line for each night; an empty value is none."""
    text = StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["night", "run", "value", "unit", "status", "verdict", "folder"])
    for point in series.nights:
        value = "" if point.value is None else repr(point.value)
        cells = [point.unit, point.status or "", point.verdict or "", point.folder]
        lines.writerow([f"{point.night}", point.run, value, *cells])
    return text.getvalue()


def overview_text(overview: Overview) -> str:
    """Return the reports of a history with their nights and metrics."""
    parts = [overview.history]
    for report in overview.reports:
        parts += ["", *_report_lines(report)]
    return "\n".join(parts).replace("\u00a0", " ")


def _report_lines(report: HistoryReport) -> Iterator[str]:
    span = f", {report.first} to {report.last}" if report.first else ""
    nights = counted(report.known_nights, "nights")
    yield f"{report.report}: {nights} in {counted(report.runs, 'runs')}{span}"
    rows: list[_Row] = [("night", "status", "seconds", "run")]
    for night in report.nights:
        seconds = "" if night.seconds is None else number(night.seconds, 1)
        rows.append((f"{night.night}", night.status, seconds, night.run))
    yield from (f"  {line}" for line in _table(rows, "llrl"))
    earlier = report.known_nights - len(report.nights)
    if earlier:
        yield f"  and {counted(earlier, 'nights')} before; --nights N lists more"
    if not report.metrics:
        yield "  no metrics"
        return
    yield ""
    metrics: list[_Row] = [("metric", "last value", "", "verdict", "nights", "last on")]
    metrics += [_metric_row(metric, report.last) for metric in report.metrics]
    yield from (f"  {line}" for line in _table(metrics, "lrllrl"))


def _metric_row(metric: LastRecord, last: date | None) -> _Row:
    value = "no value" if metric.value is None else number(metric.value, metric.digits)
    when = "" if metric.last == last else f"{metric.last}"
    return (
        metric.key,
        value,
        unit_symbol(metric.unit),
        metric.verdict or "",
        f"{metric.nights}",
        when,
    )


def diff_text(changes: Changes, width: int) -> str:
    """Return what changed between two runs, with the beginning of the configuration's diff."""
    runs = [
        f"{run.report} {run.run} ({'partial, ' if run.partial else ''}{run.status})"
        for run in (changes.before, changes.after)
    ]
    lines = [" → ".join(runs), ""]
    if changes.is_empty:
        lines.append("  Nothing changed.")
    for sentence in sentences(changes):
        first, rest = f"  {sentence.status or '·':<5}  ", " " * 9
        for line in sentence.text.splitlines():
            lines.append(fold(line, first, rest, width))
            first = rest
    configuration = changes.configuration
    if configuration and configuration.diff:
        lines += ["", *(f"  {line}".rstrip() for line in configuration.diff)]
        lines += [f"  … {count(configuration.more)} more"] if configuration.more else []
    return "\n".join(lines).replace("\u00a0", " ") + "\n"


def import_text(runs: Sequence[ImportedRun]) -> str:
    """Return what became of the runs that should be added, history by history."""
    lines = []
    for place in dict.fromkeys(run.history for run in runs if run.history):
        ours = [run for run in runs if run.history == place]
        lines += [f"{run.outcome:<5}  {run.report}  {run.run}" for run in ours]
        new = sum(run.outcome == "new" for run in ours)
        known = len(ours) - new
        lines.append(
            f"{new} {'run is' if new == 1 else 'runs are'} new in {place}, "
            f"{known} {'was' if known == 1 else 'were'} there before."
        )
    return "\n".join(lines)


def backtest_text(found: Backtest) -> str:
    """Return what became of each check, and a sum at the end."""
    span = f", {found.first} to {found.last}" if found.first else ""
    parts = [
        fold(f"Today's checks of {found.report} over {counted(found.nights, 'nights')}{span}"),
        found.history,
    ]
    for check in found.checks:
        parts += ["", *_replay_lines(check, found.nights)]
    return "\n".join([*parts, "", fold(_summed(found))]).replace("\u00a0", " ")


def _summed(found: Backtest) -> str:
    if not found.checks:
        return "The configuration has no checks."
    if not found.nights:
        return f"The history has no night of {found.report}, so nothing can be replayed."
    fired = sum(bool(check.fired) for check in found.checks)
    impossible = sum(bool(check.impossible) for check in found.checks)
    idle = sum(not (c.fired or c.impossible or c.nights) for c in found.checks)
    quiet = len(found.checks) - fired - impossible - idle
    parts = [
        (fired, "would have fired"),
        (quiet, "would not have fired"),
        (idle, "had no night to be replayed on"),
        (impossible, "cannot be replayed"),
    ]
    said = listed([f"{n} {words}" for n, words in parts if n])
    return f"{counted(len(found.checks), 'checks')}: {said}."


def _replay_lines(check: ReplayRecord, nights: int) -> Iterator[str]:
    yield fold(f"{check.title} · {check.label} [{check.severity}]")
    if check.impossible:
        yield fold(f"cannot be replayed: {check.impossible}", "  ")
        return
    waived = sum(fired.waived for fired in check.fired)
    said = f"fired on {len(check.fired)} of" if check.fired else "never fired on"
    said += f" {counted(check.nights, 'nights')}{f', {waived} of them waived' if waived else ''}"
    if not check.nights:
        said = "was replayed on no night"
    yield fold(f"{said}{''.join(_left_out(check, nights))}", "  ")
    early, late = check.fired[:-_MOST_MESSAGES], check.fired[-_MOST_MESSAGES:]
    if early:
        yield fold(f"{', '.join(_ranges([fired.night for fired in early]))}", "    ")
    yield from (_fired_line(fired) for fired in late)


def _left_out(check: ReplayRecord, nights: int) -> Iterator[str]:
    """Say on how many nights a check could not be replayed, and why."""
    left_out = check.not_computed, check.not_judged, check.not_known
    idle = nights - check.nights - sum(map(len, left_out))
    if check.not_computed:
        yield f"; the section was in error on {_some(check.not_computed)}"
    if check.not_judged:
        yield f"; could not be judged on {_some(check.not_judged)}"
    if check.not_known:
        yield f"; the history does not have the number on {_some(check.not_known)}"
    if idle:
        yield f"; not in force on {counted(idle, 'nights')}"


def _some(nights: Sequence[date]) -> str:
    if len(nights) == 1:
        return f"{nights[0]}"
    return f"{counted(len(nights), 'nights')} ({listed(list(_ranges(nights)), most=4)})"


def _fired_line(fired: FiredRecord) -> str:
    marks = [fired.status, *(["waived"] if fired.waived else [])]
    if fired.recorded is not None and fired.recorded != fired.status:
        marks.append(f"was {fired.recorded} then")
    return fold(f"{fired.night}  {', '.join(marks)}: {fired.message}", "    ", "      ")


def _ranges(nights: Sequence[date]) -> Iterator[str]:
    """Return dates, those that follow each other as one."""
    start = former = nights[0]
    for night in [*nights[1:], None]:
        if night is not None and (night - former).days == 1:
            former = night
            continue
        yield f"{start}" if start == former else f"{start} to {former}"
        if night is not None:
            start = former = night


def _table(rows: Sequence[_Row], sides: str) -> list[str]:
    """Return rows as lines, without columns that are empty; sides: l or r for each column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    forms = [
        (place, f"{'>' if side == 'r' else '<'}{width}")
        for place, (side, width) in enumerate(zip(sides, widths, strict=True))
        if width
    ]
    return ["  ".join(f"{row[place]:{form}}" for place, form in forms).rstrip() for row in rows]

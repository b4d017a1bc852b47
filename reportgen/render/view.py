"""What the templates see: the record of a run, put into words and numbers for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from reportgen.config.columns import unit_symbol
from reportgen.quality.checks.verdicts import (
    short_title,
    troubled_checks,
    verdict_sentence,
    waived_checks,
)
from reportgen.record import (
    ChangeRecord,
    CheckRecord,
    DatasetRecord,
    FigureRecord,
    InputRecord,
    SectionRecord,
    SinceRecord,
    Status,
    Summary,
)
from reportgen.render.neighbours import night_links
from reportgen.render.spark import Spark, spark
from reportgen.render.statuses import WORDS
from reportgen.render.tables import TableView, table_view
from reportgen.wording import MISSING, bytes_text, counted, listed, number

MOST_CHANGES = 6  # sentences on what changed that stand open
SHORT_ROWS = 15  # a table up to here stands open on a screen


@dataclass(frozen=True)
class MetricView:
    """A number above the figures."""

    label: str
    value: str
    unit: str
    verdict: Status | None
    word: str
    """What the verdict is called; empty when there is none."""
    spark: Spark | None


@dataclass(frozen=True)
class CheckView:
    """A check and how it ended. kind: how it is marked; None where nothing was tested."""

    record: CheckRecord
    kind: Status | None
    word: str
    quiet: str
    """Reason, owner and dates, in one line."""


@dataclass(frozen=True)
class FigureView:
    """A figure with what is below it."""

    record: FigureRecord
    data: dict[str, str]
    """Files of the table of its numbers."""


@dataclass(frozen=True)
class SectionView:
    """A section as it is shown."""

    record: SectionRecord
    status_word: str
    finding: str
    more_findings: tuple[str, ...]
    paragraphs: tuple[str, ...]
    metrics: tuple[MetricView, ...]
    figures: tuple[FigureView, ...]
    tables: tuple[TableView, ...]
    checks: tuple[CheckView, ...]
    facts: tuple[str, ...]
    effort: tuple[str, ...]
    """What it took to compute it tonight."""
    like: SectionRecord | None = None
    """A section above that could not be computed for the same reason."""

    @property
    def is_brief(self) -> bool:
        """Whether it is text alone, so that on paper it needs no page of its own."""
        return not (self.figures or self.tables)

    @property
    def heading(self) -> str:
        """Title, and status where that is none to be glad of."""
        status = self.record.status
        return self.record.title if status == "ok" else f"{self.record.title} {self.status_word}"


@dataclass(frozen=True)
class Attention:
    """A line of what needs attention. target: id to link to."""

    status: Status
    title: str
    text: str
    target: str


@dataclass(frozen=True)
class SinceView:
    """What changed since another run. first: the sentences that matter most; rest: the others."""

    title: str
    target: str
    """The other run's page, relative to this one; empty when it is elsewhere."""
    first: tuple[ChangeRecord, ...]
    rest: tuple[ChangeRecord, ...]
    error: str


@dataclass(frozen=True)
class InputView:
    """A file that was read, in words."""

    record: InputRecord
    datasets: str
    size: str


@dataclass(frozen=True)
class ReportView:
    """The whole report as it is shown."""

    summary: Summary
    night: str
    started: str
    duration: str
    status_word: str
    verdict: str
    attention: tuple[Attention, ...]
    waived: tuple[Attention, ...]
    since: tuple[SinceView, ...]
    links: Mapping[str, str]
    sections: tuple[SectionView, ...]
    inputs: tuple[InputView, ...]
    checks: tuple[CheckView, ...]
    """Of the whole report."""


def report_view(run: Path, summary: Summary, most_rows: int | None = None) -> ReportView:
    """Put a run into words.

    most_rows: longest table to show; None to leave out figures and tables, whose files are then
    neither read nor needed.
    """
    started = summary.run.start
    return ReportView(
        summary=summary,
        night=f"{started.day} {started:%B %Y}",
        started=f"{started:%Y-%m-%d %H:%M} UTC",
        duration="" if summary.run.seconds is None else f"{summary.run.seconds:.0f} s",
        status_word=WORDS[summary.run.status],
        verdict=verdict_sentence(summary),
        attention=tuple(_attention(summary)),
        waived=tuple(_of_check("ok", *placed) for placed in waived_checks(summary)),
        since=tuple(_since(record) for record in summary.since),
        links=night_links(started.date()),
        sections=tuple(_section_views(run, summary, most_rows)),
        inputs=tuple(_input(record) for record in summary.inputs),
        checks=tuple(_check(check) for check in summary.checks),
    )


def _section_views(run: Path, summary: Summary, most_rows: int | None) -> Iterator[SectionView]:
    first: dict[tuple[str, str, str], SectionRecord] = {}
    for section in summary.sections:
        view = section_view(run, section, most_rows)
        if section.error is not None:
            reason = section.error.message, section.error.hint, section.error.details
            before = first.setdefault(reason, section)
            view = replace(view, like=None if before is section else before)
        yield view


def _attention(summary: Summary) -> list[Attention]:
    broken = [(section, section.error.message) for section in summary.sections if section.error]
    lines: list[Attention] = []
    unread = [record for record in summary.inputs if record.error]
    for record in unread:
        hit = [section for section, message in broken if record.path in message]
        text = f"{record.error} ({_titles(hit)})" if hit else record.error
        target = f"section-{hit[0].id}" if hit else "provenance"
        lines.append(Attention("error", Path(record.path).name, text, target))
    alike: dict[str, list[SectionRecord]] = {}
    for section, message in broken:
        troubles = [line for line in message.splitlines() if not line.lstrip().startswith("→")]
        if not all(any(record.path in line for record in unread) for line in troubles):
            alike.setdefault(message, []).append(section)
    for message, group in alike.items():
        target = f"section-{group[0].id}"
        lines.append(Attention("error", _titles(group), _first_line(message), target))
    lines += [
        _of_check(check.verdict, section, check) for section, check in troubled_checks(summary)
    ]
    lines += [Attention("error", "Configuration", said, "provenance") for said in summary.mistakes]
    if summary.history.error:
        lines.append(
            Attention("error", "History", _first_line(summary.history.error), "provenance")
        )
    lines += [
        Attention("error", form.upper(), _first_line(document.error.message), "provenance")
        for form, document in summary.documents.items()
        if document.error is not None
    ]
    lines += [
        Attention("warn", form.upper(), notice, "provenance")
        for form, document in summary.documents.items()
        for notice in document.notices
    ]
    return lines


def _titles(sections: Sequence[SectionRecord]) -> str:
    return listed([short_title(section.title) for section in sections], 3)


def _of_check(status: Status, section: SectionRecord | None, check: CheckRecord) -> Attention:
    if section is None:
        return Attention(status, "Budgets", check.message, "budgets")
    return Attention(status, short_title(section.title), check.message, f"section-{section.id}")


def _first_line(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"{first} …" if rest else first


def section_view(run: Path, section: SectionRecord, most_rows: int | None) -> SectionView:
    """Put a section into words. most_rows: as for `report_view`."""
    figures: list[FigureView] = []
    tables: list[TableView] = []
    if most_rows is not None:
        files = {table.id: dict(table.files) for table in section.tables}
        figures = [FigureView(figure, files[figure.table]) for figure in section.figures]
        tables = [table_view(run, t, most_rows) for t in section.tables if t.shown]
    findings = section.findings
    return SectionView(
        record=section,
        status_word=WORDS[section.status],
        finding=findings[0] if findings else "This section could not be computed.",
        more_findings=tuple(findings[1:]),
        paragraphs=tuple(p.strip() for p in section.text.split("\n\n") if p.strip()),
        metrics=tuple(
            MetricView(
                metric.label,
                MISSING if metric.value is None else number(metric.value, metric.digits),
                unit_symbol(metric.unit),
                metric.verdict,
                "" if metric.verdict is None else WORDS[metric.verdict],
                spark(
                    [*(night.value for night in metric.past), metric.value],
                    metric.digits,
                    unit_symbol(metric.unit),
                )
                if metric.past
                else None,
            )
            for metric in section.metrics.values()
            if metric.shown or metric.verdict is not None
        ),
        figures=tuple(figures),
        tables=tuple(tables),
        checks=tuple(_check(check) for check in section.checks),
        facts=tuple(_facts(section)),
        effort=tuple(_effort(section)),
    )


def _check(check: CheckRecord) -> CheckView:
    quiet = [check.reason, check.owner]
    quiet += [f"from {check.since}"] if check.since else []
    quiet += [f"until {check.until}"] if check.until else []
    kind: Status | None = check.status
    word = WORDS[check.status]
    if not check.in_force:
        kind, word = None, "Not in force"
    elif not check.judged:
        kind, word = None, "Not judged yet"
    elif check.waived:
        kind, word = "warn", "Waived"
    return CheckView(check, kind, word, " · ".join(part for part in quiet if part))


def _since(record: SinceRecord) -> SinceView:
    name = f"the reference {record.name}" if record.name else "the last night"
    when = ""
    if record.night:
        night = date.fromisoformat(record.night)
        when = f", {night.day} {night:%B %Y}"
    target = "" if record.name or not record.run else f"../{record.run}/report.html"
    return SinceView(
        f"Since {name}{when}",
        target,
        record.changes[:MOST_CHANGES],
        record.changes[MOST_CHANGES:],
        record.error,
    )


def _facts(section: SectionRecord) -> list[str]:
    facts = [f"Analysis {section.analysis}", f"source {section.source}"]
    if section.where:
        facts.append(f"rows where {section.where}")
    if section.rows is not None:
        facts.append(counted(section.rows, section.entries))
    return facts


def _effort(section: SectionRecord) -> Iterator[str]:
    if section.kept:
        yield "nothing has changed since it was computed"
        return
    if section.seconds is not None:
        yield f"{section.seconds:.1f} s"
    if section.memory is not None:
        yield f"{bytes_text(section.memory)} of memory at most"


def _input(record: InputRecord) -> InputView:
    return InputView(
        record,
        listed([_dataset_text(d) for d in record.datasets], most=20),
        "" if record.bytes is None else bytes_text(record.bytes),
    )


def _dataset_text(dataset: DatasetRecord) -> str:
    """Return the name of a table and its rows; of the only one of a file, its rows."""
    size = counted(dataset.rows, dataset.entries)
    return f"{dataset.name} ({size})" if dataset.name else size

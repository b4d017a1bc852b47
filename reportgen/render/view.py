"""What the templates see: the record of a run, put into words and numbers for people."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from reportgen.config.columns import unit_symbol, with_unit
from reportgen.quality.checks.verdicts import (
    full_label,
    short_title,
    troubled_checks,
    verdict_sentence,
    waived_checks,
)
from reportgen.quality.quantities import before_and_after, quantity, signed_change
from reportgen.record import (
    ChangeRecord,
    CheckRecord,
    DatasetRecord,
    FigureRecord,
    InputRecord,
    MetricRecord,
    SectionRecord,
    SinceRecord,
    Status,
    Summary,
    TableRecord,
)
from reportgen.render.citations import cited_methods, cited_software
from reportgen.render.neighbours import night_link, night_links
from reportgen.render.spark import Spark, spark
from reportgen.render.statuses import WORDS
from reportgen.render.tables import TableView, aladin_link, table_view
from reportgen.wording import MISSING, bytes_text, counted, listed, number

MOST_CHANGES = 6  # sentences on what changed that stand open
SHORT_ROWS = 15  # a table up to here stands open on a screen


@dataclass(frozen=True)
class MetricView:
    """A number above the figures. unit: with the blank that parts it from the number, if any."""

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
    """A figure with what is below it. label: its number in the report, such as ``3.2``."""

    record: FigureRecord
    label: str
    data: dict[str, str]
    """Files of the table of its numbers."""
    place: str = ""
    """Address of the place on the sky that it is of."""


@dataclass(frozen=True)
class SectionView:
    """A section as it is shown."""

    record: SectionRecord
    number: int
    """Its place in the report, from 1."""
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
    def is_lone(self) -> bool:
        """Whether its metrics stand beside its only figure, a narrow one."""
        return len(self.figures) == 1 and self.figures[0].record.width == "column"


@dataclass(frozen=True)
class Attention:
    """A line of what needs attention. target: id to link to. spark: of the number's last nights."""

    status: Status
    title: str
    text: str
    target: str
    spark: Spark | None = None

    @property
    def word(self) -> str:
        """What the status is called."""
        return WORDS[self.status]


@dataclass(frozen=True)
class SinceView:
    """What changed since another run. first: the sentences that matter most; rest: the others."""

    title: str
    target: str
    """Its place in the list of nights, which outlives its page; empty when it is elsewhere."""
    first: tuple[ChangeRecord, ...]
    rest: tuple[ChangeRecord, ...]
    error: str
    nothing: str
    """What to say where there is no change to tell of."""


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
    methods: tuple[tuple[str, str], ...]
    """How numbers were computed, each with the sections: ``sections 2 and 5``."""
    software: tuple[str, ...]
    """What to cite for the packages that were used."""


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
        since=tuple(_since(record, _named_above(summary)) for record in summary.since),
        links=night_links(started.date(), known=bool(summary.history.nights or summary.since)),
        sections=tuple(_section_views(run, summary, most_rows)),
        inputs=tuple(_input(record) for record in summary.inputs),
        checks=tuple(_check(check) for check in summary.checks),
        methods=tuple(cited_methods(summary)),
        software=tuple(cited_software(summary)),
    )


def _section_views(run: Path, summary: Summary, most_rows: int | None) -> Iterator[SectionView]:
    first: dict[tuple[str, str, str], SectionRecord] = {}
    for place, section in enumerate(summary.sections, 1):
        like = None
        if section.error is not None:
            reason = section.error.message, section.error.hint, section.error.details
            like = first.setdefault(reason, section)
        yield section_view(run, section, most_rows, place, None if like is section else like)


def _attention(summary: Summary) -> Iterator[Attention]:
    broken = [(section, section.error.message) for section in summary.sections if section.error]
    unread = [record for record in summary.inputs if record.error]
    for record in unread:
        hit = [section for section, message in broken if record.path in message]
        text = f"{record.error} ({_titles(hit)})" if hit else record.error
        target = f"section-{hit[0].id}" if hit else "provenance"
        yield Attention("error", Path(record.path).name, text, target)
    alike: dict[str, list[SectionRecord]] = {}
    for section, message in broken:
        troubles = [line for line in message.splitlines() if not line.lstrip().startswith("→")]
        if not all(any(record.path in line for record in unread) for line in troubles):
            alike.setdefault(message, []).append(section)
    for message, group in alike.items():
        yield Attention("error", _titles(group), _first_line(message), f"section-{group[0].id}")
    yield from _of_checks(summary)
    others: list[tuple[Status, str, str]] = [
        ("error", "Configuration", said) for said in summary.mistakes
    ]
    if summary.history.error:
        others.append(("error", "History", _first_line(summary.history.error)))
    documents = [(form.upper(), document) for form, document in summary.documents.items()]
    for form, document in documents:
        if document.error is not None:
            others.append(("error", form, _first_line(document.error.message)))
    others += [("warn", form, said) for form, document in documents for said in document.notices]
    for status, title, said in others:
        yield Attention(status, title, said, "provenance")


def _titles(sections: Sequence[SectionRecord]) -> str:
    return listed([short_title(section.title) for section in sections], 3)


def _of_checks(summary: Summary) -> Iterator[Attention]:
    """Yield a line for each number that does not hold, and for each other check."""
    by_number: dict[tuple[str, str], list[tuple[SectionRecord | None, CheckRecord]]] = {}
    for section, check in troubled_checks(summary):
        about = check.metric if check.brief and check.cell is None else ""
        key = (section.id if section else "", about or f"#{check.id}")
        by_number.setdefault(key, []).append((section, check))
    for (_, name), placed in by_number.items():
        section, first = placed[0]
        metric = section.metrics.get(name) if section else None
        if section is None or metric is None or metric.value is None:
            yield from (_of_check(check.verdict, *(each, check)) for each, check in placed)
            continue
        checks = [check for _, check in placed]
        wrong = ", ".join(check.brief for check in checks)
        owners = listed(list(dict.fromkeys(check.owner for check in checks if check.owner)))
        yield Attention(
            first.verdict,
            _number_and_before(full_label(summary, section, metric), metric, metric.value),
            f"{wrong} · {owners}" if owners else f"{wrong}.",
            f"section-{section.id}",
            _spark(metric),
        )


def _number_and_before(label: str, metric: MetricRecord, value: float) -> str:
    before = metric.past[-1].value if metric.past else None
    if before is None:
        return f"{label} {quantity(value, metric.unit, metric.digits)}"
    if before == value:
        return f"{label} {quantity(value, metric.unit, metric.digits)} (as last night)"
    one, other = before_and_after(before, value, metric.unit, metric.digits)
    change = signed_change(before, value, metric.unit, metric.digits)
    return f"{label} {other} ({one} last night, {change})"


def _named_above(summary: Summary) -> set[tuple[str, str]]:
    """Return the checks, and the metrics, of which a line of what needs attention tells."""
    return {
        (section.id, name)
        for section, check in troubled_checks(summary)
        if section is not None
        for name in (check.id, check.metric)
        if name
    }


def _of_check(status: Status, section: SectionRecord | None, check: CheckRecord) -> Attention:
    if section is None:
        return Attention(status, "Budgets", _with_owner(check), "budgets")
    return Attention(
        status, short_title(section.title), _with_owner(check), f"section-{section.id}"
    )


def _with_owner(check: CheckRecord) -> str:
    return f"{check.message} · {check.owner}" if check.owner else check.message


def _first_line(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"{first} …" if rest else first


def section_view(
    run: Path,
    section: SectionRecord,
    most_rows: int | None,
    place: int = 1,
    like: SectionRecord | None = None,
) -> SectionView:
    """Put a section into words. most_rows: as for `report_view`. place: in the report, from 1."""
    figures: list[FigureView] = []
    tables: list[TableView] = []
    if most_rows is not None:
        data = {table.id: table for table in section.tables}
        figures = [
            _figure(figure, f"{place}.{n}", data[figure.table])
            for n, figure in enumerate(section.figures, 1)
        ]
        tables = [table_view(run, t, most_rows) for t in section.tables if t.shown]
    findings = section.findings
    return SectionView(
        record=section,
        number=place,
        status_word=WORDS[section.status],
        finding=findings[0] if findings else "This section could not be computed.",
        more_findings=tuple(findings[1:]),
        paragraphs=tuple(p.strip() for p in section.text.split("\n\n") if p.strip()),
        metrics=tuple(
            _metric(metric, metric.label)
            for metric in section.metrics.values()
            if metric.shown or metric.verdict is not None
        ),
        figures=tuple(figures),
        tables=tuple(tables),
        checks=tuple(_check(check) for check in section.checks),
        facts=tuple(_facts(section)),
        effort=tuple(_effort(section)),
        like=like,
    )


def _figure(record: FigureRecord, label: str, data: TableRecord) -> FigureView:
    link = aladin_link(*data.place) if data.place else ""
    return FigureView(record, label, dict(data.files), link)


def checked_metrics(summary: Summary) -> tuple[MetricView, ...]:
    """Return the numbers of a run that are checked, those that do not hold first."""
    checked = [
        _metric(metric, full_label(summary, section, metric))
        for section in summary.sections
        for metric in section.metrics.values()
        if metric.verdict is not None
    ]
    return tuple(sorted(checked, key=lambda metric: metric.verdict == "ok"))


def _metric(metric: MetricRecord, label: str) -> MetricView:
    if metric.value is None:
        value, unit = MISSING, ""
    else:
        value = number(metric.value, metric.digits)
        unit = with_unit("", metric.unit)
    return MetricView(
        label,
        value,
        unit,
        metric.verdict,
        "" if metric.verdict is None else WORDS[metric.verdict],
        _spark(metric),
    )


def _spark(metric: MetricRecord) -> Spark | None:
    values = [*(night.value for night in metric.past), metric.value]
    return spark(values, metric.digits, unit_symbol(metric.unit)) if metric.past else None


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


def _since(record: SinceRecord, above: Set[tuple[str, str]]) -> SinceView:
    """Put what changed into words. above: what is said already of sections, with its name."""
    changes = tuple(c for c in record.changes if (c.section, c.name) not in above)
    name = f"the reference {record.name}" if record.name else "the last night"
    when = target = ""
    if record.night:
        night = date.fromisoformat(record.night)
        when = f", {night.day} {night:%B %Y}"
        target = "" if record.name else night_link(night)
    return SinceView(
        f"Since {name}{when}",
        target,
        changes[:MOST_CHANGES],
        changes[MOST_CHANGES:],
        record.error,
        "Nothing else changed." if record.changes else "Nothing changed.",
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

"""What a mail says, as its templates see it: nothing that is not in the run folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reportgen.config.columns import unit_symbol
from reportgen.config.deliver import LinksBlock
from reportgen.deliver.pictures import Picture, choose_pictures
from reportgen.deliver.wording import MARKS, WORDS, Links, full_label, night_of, verdict_words
from reportgen.numbers import MISSING, bytes_text, number
from reportgen.render.view import ReportView, report_view
from reportgen.summary import MetricRecord, Status, Summary

MOST_ROWS = 1  # of the tables of the report, none of which a mail shows


@dataclass(frozen=True)
class NumberRow:
    """A number that is checked. before: what it was on the last night."""

    label: str
    value: str
    before: str
    unit: str
    verdict: Status
    mark: str
    word: str


@dataclass(frozen=True)
class Paper:
    """The PDF of a run: attached under a name, or why not and where it is.

    file: its name in the mail, empty when it is not attached. size: in words. sha256: of the one
    that is not attached. small: whether what is attached is a smaller edition.
    """

    file: str = ""
    size: str = ""
    small: bool = False
    sha256: str = ""
    place: str = ""


@dataclass(frozen=True)
class Absent:
    """A report that could not be made at all, and why."""

    name: str
    said: str


@dataclass(frozen=True)
class Told:
    """A run as a mail tells of it."""

    view: ReportView
    mark: str
    word: str
    verdict: str
    night: str
    links: Links
    numbers: tuple[NumberRow, ...]
    pictures: tuple[Picture, ...]
    not_shown: tuple[str, ...]
    """Figures that were asked for and are not there."""
    paper: Paper

    @property
    def summary(self) -> Summary:
        """The record of the run."""
        return self.view.summary

    def cid(self, picture: Picture) -> str:
        """Give the Content-ID of a figure, without its brackets."""
        name = f"{picture.section}.{picture.record.id}"
        return f"{name}.{self.summary.run.id}.{self.summary.report.id}@reportgen"


def tell(
    run: Path, summary: Summary, links: LinksBlock | None, paper: Paper, wanted: int | Sequence[str]
) -> Told:
    """Put a run into what a mail says.

    paper: what becomes of its PDF. wanted: which figures, or how many.
    """
    pictures, missing = choose_pictures(run, summary, wanted)
    return Told(
        view=report_view(run, _without_tables(summary), MOST_ROWS),
        mark=MARKS[summary.run.status],
        word=WORDS[summary.run.status],
        verdict=verdict_words(summary),
        night=night_of(summary),
        links=Links(links, summary),
        numbers=tuple(_numbers(summary)),
        pictures=tuple(pictures),
        not_shown=tuple(missing),
        paper=paper,
    )


def _without_tables(summary: Summary) -> Summary:
    """Leave out what a mail does not show, so that its files need not be read."""
    sections = tuple(
        section.model_copy(update={"tables": (), "figures": ()}) for section in summary.sections
    )
    return summary.model_copy(update={"sections": sections})


def _numbers(summary: Summary) -> list[NumberRow]:
    """Give the numbers that are checked, those that are not ok first."""
    rows = [
        _number_row(full_label(summary, section, metric), metric, metric.verdict)
        for section in summary.sections
        for metric in section.metrics.values()
        if metric.verdict is not None
    ]
    return sorted(rows, key=lambda row: row.verdict == "ok")


def _number_row(label: str, metric: MetricRecord, verdict: Status) -> NumberRow:
    past = metric.past[-1].value if metric.past else None
    return NumberRow(
        label=label,
        value=MISSING if metric.value is None else number(metric.value, metric.digits),
        before=MISSING if past is None else number(past, metric.digits),
        unit=unit_symbol(metric.unit),
        verdict=verdict,
        mark=MARKS[verdict],
        word=WORDS[verdict],
    )


def size_of(content: bytes) -> str:
    """Give the size of a file in words."""
    return bytes_text(len(content))

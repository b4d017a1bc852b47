"""A run in a few lines: what stands in a job summary, a terminal or a message."""

from dataclasses import dataclass
from pathlib import Path

from reportgen.record import SectionRecord, Status, Summary
from reportgen.render.statuses import WORDS
from reportgen.render.view import Attention, SinceView, report_view


@dataclass(frozen=True)
class Line:
    """One thing to say. status: None where it has none. title: what it is about, or empty."""

    status: Status | None
    title: str
    text: str

    @property
    def word(self) -> str:
        """What the status is called; empty when there is none."""
        return "" if self.status is None else WORDS[self.status]


@dataclass(frozen=True)
class Part:
    """Lines below a heading. open: how many of them matter most, the others can be folded away."""

    heading: str
    lines: tuple[Line, ...]
    open: int | None = None


@dataclass(frozen=True)
class Outline:
    """A run in a few lines.

    about: field, night, start and duration. synthetic: what synthetic sources say of themselves.
    parts: lists, the most important first. sections: one line each. documents: their files.
    """

    status: Status
    title: str
    verdict: str
    about: tuple[str, ...]
    synthetic: str
    parts: tuple[Part, ...]
    sections: Part
    documents: tuple[Path, ...]

    @property
    def word(self) -> str:
        """What the status is called."""
        return WORDS[self.status]


def run_outline(run: Path, summary: Summary) -> Outline:
    """Return a run in a few lines; nothing but its record is looked at."""
    view = report_view(run, summary)
    about = [summary.report.field, view.night, f"started {view.started}", view.duration]
    synthetic, documents = summary.run.synthetic, summary.documents.values()
    parts = [
        Part("What needs attention", tuple(_line(line.status, line) for line in view.attention)),
        Part("Waived", tuple(_line(None, line) for line in view.waived)),
        *map(_since, view.since),
    ]
    return Outline(
        status=summary.run.status,
        title=summary.report.title,
        verdict=view.verdict,
        about=tuple(part for part in about if part),
        synthetic=" ".join(["Synthetic data.", *synthetic]) if synthetic else "",
        parts=tuple(part for part in parts if part.lines),
        sections=Part("Sections", tuple(map(_section, summary.sections))),
        documents=tuple(run / document.file for document in documents if document.file),
    )


def _line(status: Status | None, line: Attention) -> Line:
    return Line(status, line.title, line.text)


def _since(since: SinceView) -> Part:
    heading = f"What changed {since.title[0].lower()}{since.title[1:]}"
    if since.error:
        return Part(heading, (Line(None, "", f"It cannot be compared: {since.error}"),))
    lines = tuple(
        Line(None if change.status == "ok" else change.status, "", change.text)
        for change in (*since.first, *since.rest)
    )
    return Part(heading, lines or (Line(None, "", since.nothing),), len(since.first) or None)


def _section(section: SectionRecord) -> Line:
    if section.error is not None:
        return Line(section.status, section.title, section.error.message)
    return Line(section.status, section.title, "".join(section.findings[:1]))

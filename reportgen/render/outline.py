"""A run in a few lines: what stands in a job summary, a terminal or a message."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reportgen.record import SectionRecord, Status, Summary
from reportgen.render.statuses import WORDS
from reportgen.render.view import Attention, ReportView, SinceView, report_view


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
    view = report_view(run, _without_drawings(summary), 0)
    about = [summary.report.field, view.night, f"started {view.started}", view.duration]
    documents = summary.documents.values()
    return Outline(
        status=summary.run.status,
        title=summary.report.title,
        verdict=view.verdict,
        about=tuple(part for part in about if part),
        synthetic=" ".join(["Synthetic data.", *summary.run.synthetic])
        if summary.run.synthetic
        else "",
        parts=tuple(_parts(view)),
        sections=Part("Sections", tuple(map(_section, summary.sections))),
        documents=tuple(run / document.file for document in documents if document.file),
    )


def _without_drawings(summary: Summary) -> Summary:
    """Leave out figures and tables, so that their files are neither read nor needed."""
    sections = (s.model_copy(update={"figures": (), "tables": ()}) for s in summary.sections)
    return summary.model_copy(update={"sections": tuple(sections)})


def _parts(view: ReportView) -> Iterable[Part]:
    if view.attention:
        yield Part("What needs attention", tuple(map(_attention, view.attention)))
    if view.waived:
        waived = (Line(None, line.title, line.text) for line in view.waived)
        yield Part("Waived", tuple(waived))
    for since in view.since:
        yield _since(since)


def _attention(line: Attention) -> Line:
    return Line(line.status, line.title, line.text)


def _since(since: SinceView) -> Part:
    heading = f"What changed {since.title[0].lower()}{since.title[1:]}"
    if since.error:
        return Part(heading, (Line(None, "", f"It cannot be compared: {since.error}"),))
    lines = tuple(
        Line(None if change.status == "ok" else change.status, "", change.text)
        for change in (*since.first, *since.rest)
    )
    return Part(heading, lines or (Line(None, "", "Nothing changed."),), len(since.first) or None)


def _section(section: SectionRecord) -> Line:
    if section.error is not None:
        return Line(section.status, section.title, section.error.message)
    return Line(section.status, section.title, "".join(section.findings[:1]))

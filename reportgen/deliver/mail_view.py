"""What a mail says of runs: what its templates see, and its plain text and HTML made of them.

Nothing is said that is not in the run folder.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice

from reportgen.config.columns import unit_symbol
from reportgen.config.deliver import LinksBlock
from reportgen.deliver.recipients import Run
from reportgen.deliver.subject import MARKS, WORDS, Links, links_of, night_of
from reportgen.quality.checks.verdicts import full_label, troubled_checks
from reportgen.quality.quantities import before_and_after, quantity
from reportgen.record import (
    FigureRecord,
    MetricRecord,
    SectionRecord,
    Status,
    Summary,
    own_file,
)
from reportgen.render.environment import render_page
from reportgen.render.view import ReportView, report_view
from reportgen.style import PNG_DPI
from reportgen.wording import MISSING

SCREEN_DPI = 110  # at which a column of a journal fills a phone
WIDEST = 600  # pixels of a mail
LARGEST_FIGURE = 2_000_000  # bytes; more is for the report
MOST_HTML = 80_000  # bytes; Gmail cuts a mail off at 102 kB
MOST_LINES = (40, 20, 10, 5, 2, 1)  # of any list in the HTML, tried until it is small enough


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
class MailFigure:
    """A figure in a mail.

    title: of its section. width: at which it is shown, in pixels. is_drawing: whether it has lines
    and letters only, so that its lightness can be turned for the dark; an image's could not.
    """

    section: str
    title: str
    record: FigureRecord
    png: bytes
    width: int
    is_drawing: bool


@dataclass(frozen=True)
class Pdf:
    """The PDF of a run: attached under a name, or why not and where it is.

    name: in the mail, empty when it is not attached. size: in words. small: whether what is
    attached is a smaller edition. sha256: of one that is too large to attach.
    """

    name: str = ""
    content: bytes = field(default=b"", repr=False)
    size: str = ""
    small: bool = False
    sha256: str = ""
    place: str = ""


@dataclass(frozen=True)
class Absent:
    """A report that could not be made at all, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class MailedRun:
    """A run as a mail tells of it.

    missing_figures: asked for by name, and not there. more_figures: how many others the report has,
    where the mail is to show those of what needs attention.
    """

    view: ReportView
    mark: str
    word: str
    night: str
    links: Links
    numbers: Sequence[NumberRow]
    figures: Sequence[MailFigure] = ()
    missing_figures: Sequence[str] = ()
    more_figures: int = 0
    pdf: Pdf = Pdf()

    @property
    def summary(self) -> Summary:
        """The record of the run."""
        return self.view.summary

    def cid(self, figure: MailFigure) -> str:
        """Return the Content-ID of a figure, without its brackets."""
        name = f"{figure.section}.{figure.record.id}"
        return f"{name}.{self.summary.run.id}.{self.summary.report.id}@reportgen"


def run_view(
    run: Run, links: LinksBlock | None, figures: int | Sequence[str] = 0, pdf: Pdf = Pdf()
) -> MailedRun:
    """Put a run into what a mail says. figures: which, or how many. pdf: what becomes of it."""
    summary = run.summary
    chosen, missing = choose_figures(run, figures)
    known = sum(len(section.figures) for section in summary.sections)
    counts = isinstance(figures, int) and figures > 0
    return MailedRun(
        view=report_view(run.folder, summary),
        mark=MARKS[summary.run.status],
        word=WORDS[summary.run.status],
        night=night_of(summary),
        links=links_of(links, summary),
        numbers=_numbers(summary),
        figures=chosen,
        missing_figures=missing,
        more_figures=known - len(chosen) if counts else 0,
        pdf=pdf,
    )


def _numbers(summary: Summary) -> list[NumberRow]:
    rows = [
        _number_row(full_label(summary, section, metric), metric, metric.verdict)
        for section in summary.sections
        for metric in section.metrics.values()
        if metric.verdict is not None
    ]
    return sorted(rows, key=lambda row: row.verdict == "ok")


def _number_row(label: str, metric: MetricRecord, verdict: Status) -> NumberRow:
    last, tonight = metric.past[-1].value if metric.past else None, metric.value
    if last is not None and tonight is not None:
        before, value = before_and_after(last, tonight, "", metric.digits)
    else:
        before, value = (
            MISSING if n is None else quantity(n, "", metric.digits) for n in (last, tonight)
        )
    unit = unit_symbol(metric.unit)
    return NumberRow(label, value, before, unit, verdict, MARKS[verdict], WORDS[verdict])


def choose_figures(run: Run, wanted: int | Sequence[str]) -> tuple[list[MailFigure], list[str]]:
    """Return the figures for a mail, and what of those that were asked for is not there.

    wanted: how many at most, one a section: of what needs attention, then of what moved since the
    last night, and of nothing else; or their names, ``section.figure`` or ``section``.
    """
    if isinstance(wanted, int):
        firsts = (next(_figures(run, section), None) for section in _important(run.summary))
        return list(islice((figure for figure in firsts if figure is not None), wanted)), []
    figures, missing = [], []
    for name in wanted:
        named = (each for section in run.summary.sections for each in _figures(run, section, name))
        found = next(named, None)
        if found is None:
            missing.append(name)
        else:
            figures.append(found)
    return figures, missing


def _important(summary: Summary) -> list[SectionRecord]:
    """Return the sections that need attention or moved, the most important first."""
    known = {section.id: section for section in summary.sections}
    order = [section.id for section, _ in troubled_checks(summary) if section is not None]
    last = [since for since in summary.since if not since.name]
    order += [c.section for since in last for c in since.changes if c.kind == "metric moved"]
    return [known[name] for name in dict.fromkeys(order) if name in known]


def _figures(run: Run, section: SectionRecord, name: str = "") -> Iterator[MailFigure]:
    """Return the figures of a section that a mail can show. name: of one, or of the section."""
    from PIL import Image

    for figure in section.figures:
        if name and name not in {section.id, f"{section.id}.{figure.id}"}:
            continue
        try:
            png, svg = (
                own_file(run.folder, figure.files[form]).read_bytes() for form in ("png", "svg")
            )
            with Image.open(BytesIO(png), formats=["PNG"]) as image:
                shown = min(WIDEST, round(image.width * SCREEN_DPI / PNG_DPI))
        except (OSError, KeyError, SyntaxError, Image.DecompressionBombError):
            continue
        if len(png) <= LARGEST_FIGURE:
            is_drawing = b"<image" not in svg
            yield MailFigure(section.id, section.title, figure, png, shown, is_drawing)


def fill_templates(templates: str, values: Mapping[str, object]) -> tuple[str, str]:
    """Return the plain text, which has everything, and the HTML, which leaves out what is too much.

    templates: folder of the user's own; empty for none. Raises ConfigError when they fail.
    """
    from css_inline import CSSInliner

    # No files, no network: all styles stand in the page.
    inliner = CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)
    words = {"marks": MARKS, "words": WORDS, **values}
    text = render_page("mail.txt.j2", templates, **words)
    page = ""
    for n in MOST_LINES:
        most = {"lines": n, "signs": max(15 * n, 60), "reports": n + 1, "figures": n}
        page = inliner.inline(render_page("mail.html.j2", templates, most=most, **words))
        if len(page.encode()) < MOST_HTML:
            break
    return f"{text.strip()}\n", page

"""report.html: one file, without scripts or network as good as with."""

from pathlib import Path

from markupsafe import Markup

from reportgen.record import FigureRecord, Summary, own_file
from reportgen.render.fonts import render_with_fonts
from reportgen.render.svg import inline_svg, page_styles
from reportgen.render.view import SHORT_ROWS, report_view

MOST_ROWS = 500  # longest table on the page; the file has all of it


def render_html(run: Path, summary: Summary) -> bytes:
    """Return the page of a run folder."""
    styles: dict[str, str] = {}

    def drawing(section_id: str, figure: FigureRecord) -> Markup:
        text = own_file(run, figure.files["svg"]).read_text(encoding="utf-8")
        # The SVG is our own; its alt text is quoted on the way.
        svg = inline_svg(text, f"{section_id}-{figure.id}", figure.alt, styles)
        return Markup(svg)  # noqa: S704

    drawings = {
        (section.id, figure.id): drawing(section.id, figure)
        for section in summary.sections
        for figure in section.figures
    }
    return render_with_fonts(
        "report.html.j2",
        summary.configuration.templates,
        view=report_view(run, summary, MOST_ROWS),
        drawings=drawings,
        short_rows=SHORT_ROWS,
        **page_styles(styles),
    ).encode()

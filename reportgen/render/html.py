"""report.html: one file, without scripts or network as good as with."""

from pathlib import Path

from markupsafe import Markup

from reportgen.render.environment import template_environment
from reportgen.render.fonts import font_faces
from reportgen.render.svg import colour_variables, inline_svg
from reportgen.render.view import SHORT_ROWS, report_view
from reportgen.summary import FigureRecord, Summary

FILE = "report.html"
MOST_ROWS = 500  # longest table on the page; the file has all of it


def render_html(run: Path, summary: Summary) -> str:
    """Write report.html into a run folder; give its name."""
    environment = template_environment(summary)
    view = report_view(run, summary, MOST_ROWS)

    def drawing(section_id: str, figure: FigureRecord) -> Markup:
        text = (run / figure.files["svg"]).read_text(encoding="utf-8")
        # The SVG is our own; its alt text is quoted on the way.
        return Markup(inline_svg(text, f"{section_id}-{figure.id}", figure.alt))  # noqa: S704

    context = {
        "view": view,
        "drawing": drawing,
        "short_rows": SHORT_ROWS,
        "light": Markup(colour_variables(dark=False)),  # noqa: S704 - constants
        "dark": Markup(colour_variables(dark=True)),  # noqa: S704 - constants
    }
    template = environment.get_template("report.html.j2")
    bare = template.render(context, fonts="")
    page = template.render(context, fonts=Markup(font_faces(bare)))  # noqa: S704 - our own fonts
    (run / FILE).write_text(page, encoding="utf-8")
    return FILE

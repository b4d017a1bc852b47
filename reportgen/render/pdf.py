"""report.pdf: from the same templates, tagged and with its fonts inside."""

import logging
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markupsafe import Markup

from reportgen.errors import SectionError
from reportgen.render.environment import template_environment
from reportgen.render.fonts import font_faces
from reportgen.render.view import report_view
from reportgen.summary import Summary

FILE = "report.pdf"
MOST_ROWS = 40  # longest table on paper; a table of 1000 rows would take 5 s


def render_pdf(run: Path, summary: Summary) -> str:
    """Write report.pdf into a run folder; give its name.

    Raises SectionError when the page lacks what a screen reader needs or wants a file that is not
    in the run folder.
    """
    environment = template_environment(summary)
    view = report_view(run, summary, MOST_ROWS)
    template = environment.get_template("report_pdf.html.j2")
    bare = template.render(view=view, fonts="")
    page = template.render(view=view, fonts=Markup(font_faces(bare)))  # noqa: S704 - our own fonts
    print_page(page, run, run / FILE)
    return FILE


def print_page(page: str, run: Path, target: Path) -> None:
    """Print a page as PDF/UA; only data: addresses and files of the run folder are fetched."""
    from weasyprint import HTML

    complaints = _Complaints()
    logger = logging.getLogger("weasyprint")
    logger.addHandler(complaints)
    try:
        document = HTML(string=page, base_url=f"{run.as_uri()}/", url_fetcher=_fetcher(run))
        document.write_pdf(target, pdf_variant="pdf/ua-1")
    finally:
        logger.removeHandler(complaints)
    if complaints.messages:
        target.unlink(missing_ok=True)
        raise SectionError(
            "the page cannot be printed as it should: " + "; ".join(complaints.messages),
            "look at output.templates, or report this as a bug of reportgen",
        )


class _Complaints(logging.Handler):
    """Collects what WeasyPrint only logs: a missing alt, title or language, a file not loaded."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        serious = record.levelno >= logging.ERROR or "PDF/UA" in text or "alt" in text.split()
        if serious and text not in self.messages:
            self.messages.append(text)


def _fetcher(run: Path) -> object:
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    root = run.resolve()

    class RunFolderFetcher(URLFetcher):  # type: ignore[misc, no-any-unimported]
        """Fetches nothing from the network and nothing outside the run folder."""

        def fetch(self, url: str, headers: object = None) -> object:
            parts = urlsplit(url)
            inside = parts.scheme == "file" and Path(unquote(parts.path)).resolve().is_relative_to(
                root
            )
            if not (parts.scheme == "data" or inside):
                raise FatalURLFetchingError(f"{url} is not in the run folder")
            return super().fetch(url, headers)

    return RunFolderFetcher()

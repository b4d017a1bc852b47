"""report.pdf: from the same templates, tagged and with its fonts inside."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from reportgen.errors import SectionError
from reportgen.render.environment import render_page
from reportgen.render.pdf_figures import Figures
from reportgen.render.view import ReportView, report_view
from reportgen.style import FONT_FILES, font_path
from reportgen.summary import Summary

MOST_ROWS = 40  # longest table on paper; a table of 1000 rows would take 5 s
VARIANT = "pdf/ua-1"
APT_LINE = (
    "apt-get install --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
)


@dataclass(frozen=True)
class Attached:
    """A file of the run that the PDF carries."""

    path: Path
    name: str
    description: str


def render_pdf(run: Path, summary: Summary, *, small: bool = False) -> bytes:
    """Give the PDF of a run folder.

    small: for a mail: smaller images, and without the tables that it would carry.
    Raises SectionError when a library is missing, the page lacks what a screen reader needs, or
    it wants a file that is not in the run folder.
    """
    view = report_view(run, summary, MOST_ROWS)
    # The fonts need not be in the page: the printer sees the folder of ours, and no other.
    page = render_page("report_pdf.html.j2", summary.configuration.templates, view=view, fonts="")
    made = datetime.fromisoformat(summary.run.started)
    drawn = (figure.files for section in summary.sections for figure in section.figures)
    figures = Figures(run, drawn, small=small)
    attached = [] if small else _long_tables(view, run)
    return figures.put_into(print_page(page, run, made, attached, figures.stand_ins))


def _long_tables(view: ReportView, run: Path) -> list[Attached]:
    """Give the files of the tables that paper does not show whole."""
    return [
        Attached(
            run / table.files["csv"],
            f"{section.record.id}-{table.id}.csv",
            f"{section.record.title}: {table.title}",
        )
        for section in view.sections
        for table in section.tables
        if table.capped
    ]


def print_page(
    page: str,
    run: Path,
    made: datetime,
    attached: Sequence[Attached] = (),
    images: Mapping[str, Any] = MappingProxyType({}),
) -> bytes:
    """Print a page as PDF/UA; only data: addresses and files of the run folder are fetched.

    images: by address, as WeasyPrint takes them; those are not fetched.
    """
    with _only_our_fonts(), _complaints() as complaints:
        weasyprint = _weasyprint()
        from weasyprint.urls import FatalURLFetchingError

        base = f"{run.as_uri()}/"
        try:
            html = weasyprint.HTML(string=page, base_url=base, url_fetcher=_fetcher(run))
            document = html.render(pdf_variant=VARIANT, cache=dict(images))
            document.metadata.attachments = [
                weasyprint.Attachment(
                    file_obj=file.path.open("rb"),
                    name=file.name,
                    description=file.description,
                    created=made,
                    modified=made,
                    relationship="Data",
                )
                for file in attached
            ]
            content: bytes = document.write_pdf(pdf_variant=VARIANT)
        except FatalURLFetchingError as error:
            complaints.append(str(error))
    if complaints:
        raise SectionError(
            f"the page cannot be printed as it should: {'; '.join(dict.fromkeys(complaints))}",
            "look at output.templates, or report this as a bug of reportgen",
        )
    return content


def _weasyprint() -> Any:
    try:
        import weasyprint
    except ImportError:
        raise SectionError(
            "a PDF needs WeasyPrint, which is not installed", "pip install weasyprint"
        ) from None
    except OSError as error:
        said = str(error).partition("\n")[0]
        raise SectionError(f"a PDF needs a library that is missing: {said}", APT_LINE) from None
    return weasyprint


@contextmanager
def _only_our_fonts() -> Iterator[None]:
    """Hide the machine's fonts: a report looks the same wherever it is made."""
    folders = dict.fromkeys(font_path(name).parent for name in FONT_FILES.values())
    before = os.environ.get("FONTCONFIG_FILE")
    with TemporaryDirectory(prefix="reportgen-") as scratch:
        listed = "".join(f"<dir>{escape(str(folder))}</dir>" for folder in folders)
        settings = Path(scratch) / "fonts.conf"
        settings.write_text(
            f"<fontconfig>{listed}<cachedir>{escape(scratch)}</cachedir></fontconfig>\n",
            encoding="utf-8",
        )
        os.environ["FONTCONFIG_FILE"] = str(settings)
        try:
            yield
        finally:
            del os.environ["FONTCONFIG_FILE"]
            if before is not None:
                os.environ["FONTCONFIG_FILE"] = before


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Gather what WeasyPrint only logs: a missing alt, title or language, a file not loaded."""
    messages: list[str] = []

    class Gathering(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    handler = Gathering(logging.ERROR)
    logger = logging.getLogger("weasyprint")
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)


def _fetcher(run: Path) -> Any:
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    root = run.resolve()

    class RunFolderFetcher(URLFetcher):  # type: ignore[misc]
        """Fetches nothing from the network and nothing outside the run folder."""

        def fetch(self, url: str, headers: object = None) -> object:
            parts = urlsplit(url)
            here = parts.scheme == "file" and parts.netloc in {"", "localhost"}
            path = Path(unquote(parts.path)).resolve()
            if not (parts.scheme == "data" or (here and path.is_relative_to(root))):
                raise FatalURLFetchingError(f"{url} is not in the run folder")
            return super().fetch(url, headers)

    return RunFolderFetcher()

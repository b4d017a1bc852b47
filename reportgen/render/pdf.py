"""report.pdf: one page of HTML, printed by WeasyPrint as tagged PDF/UA with our fonts alone."""

import logging
import os
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote, urlsplit

from markupsafe import escape

from reportgen.errors import SectionError
from reportgen.record import (
    FigureRecord,
    PdfStandard,
    SectionRecord,
    Summary,
    TableRecord,
    own_file,
)
from reportgen.render.environment import render_page
from reportgen.render.glyphs import notices_of_page
from reportgen.render.paper_figures import figure_rows
from reportgen.render.paper_tables import in_blocks, is_narrow
from reportgen.render.view import ReportView, report_view
from reportgen.style import PNG_DPI, font_path
from reportgen.workers.worker import folders

MOST_ROWS = 40  # longest table on paper; a table of 1000 rows would take 5 s
SMALL_DPI, SMALL_QUALITY = 110, 55  # of pictures in a PDF for a mail, and of JPEG
APT_LINE = (
    "apt-get install --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
)


@dataclass(frozen=True)
class Attached:
    """A file of the run that the PDF carries."""

    content: bytes
    name: str
    description: str


def render_pdf(run: Path, summary: Summary, *, small: bool = False) -> bytes:
    """Return the PDF of a run folder.

    small: for a mail: figures as JPEG where that is smaller, and without the tables that it would
    carry.
    Raises SectionError when a library is missing, the page lacks what a screen reader needs, or
    it wants a file that is not in the run folder.
    """
    view = report_view(run, summary, MOST_ROWS)
    page = _page(view, partial(_small_picture, run) if small else _picture)
    standard = "ua-1" if small else summary.configuration.pdf_standard
    attached = {"ua-1": _long_tables, "a-3a": _all_data}[standard](view, run)
    made = datetime.fromisoformat(summary.run.started)
    return print_page(page, run, made, () if small else attached, standard)


def pdf_notices(run: Path, summary: Summary) -> tuple[str, ...]:
    """Return sentences on the characters that the PDF of a run folder has no glyph for."""
    titles = {"provenance": "Inputs and provenance", "configuration": "Configuration as used"}
    titles |= {f"section-{section.id}": section.title for section in summary.sections}
    return notices_of_page(_page(report_view(run, summary, MOST_ROWS), _picture), run, titles)


def _page(view: ReportView, picture: Callable[[FigureRecord], str]) -> str:
    return render_page(
        "report_pdf.html.j2",
        view.summary.configuration.templates,
        view=view,
        picture=picture,
        in_blocks=in_blocks,
        is_narrow=is_narrow,
        figure_rows=figure_rows,
    )


def _picture(figure: FigureRecord) -> str:
    """Return the address of the drawing of a figure."""
    return figure.files["svg"]


def _small_picture(run: Path, figure: FigureRecord) -> str:
    """Return the address of a figure as JPEG, or of its drawing where that is smaller."""
    from PIL import Image

    with Image.open(own_file(run, figure.files["png"])) as opened:
        picture = opened.convert("RGB")
    width, height = (round(side * SMALL_DPI / PNG_DPI) or 1 for side in picture.size)
    picture.thumbnail((width, height))
    jpeg = BytesIO()
    picture.save(jpeg, "JPEG", quality=SMALL_QUALITY, optimize=True)
    if len(zlib.compress(own_file(run, figure.files["svg"]).read_bytes())) < len(jpeg.getvalue()):
        return _picture(figure)
    return f"data:image/jpeg;base64,{b64encode(jpeg.getvalue()).decode()}"


def print_page(
    page: str,
    run: Path,
    made: datetime,
    attached: Iterable[Attached] = (),
    standard: PdfStandard = "ua-1",
) -> bytes:
    """Return a page of HTML as PDF; only data: addresses and files of the run folder are fetched.

    made: for the dates of attached files.
    Raises SectionError when a library is missing, for what a screen reader would miss and for what
    cannot be fetched.
    """
    weasyprint = _weasyprint()
    with _only_our_fonts(), _logged_errors() as errors:
        try:
            html = weasyprint.HTML(
                string=page, base_url=f"{run.as_uri()}/", url_fetcher=_fetcher(run)
            )
            document = html.render(pdf_variant=f"pdf/{standard}")
            document.metadata.attachments = [
                weasyprint.Attachment(
                    string=file.content,
                    name=file.name,
                    description=file.description,
                    created=made,
                    modified=made,
                    relationship="Data",
                )
                for file in attached
            ]
            finisher = _as_archives_ask if standard == "a-3a" else None
            content: bytes = document.write_pdf(pdf_variant=f"pdf/{standard}", finisher=finisher)
        except weasyprint.urls.FatalURLFetchingError as error:
            errors.append(str(error))
    if errors:
        raise SectionError(
            f"the page cannot be printed as it should: {'; '.join(dict.fromkeys(errors))}",
            "look at output.templates, or report this as a bug of reportgen",
        )
    return content


def _as_archives_ask(_document: Any, pdf: Any) -> None:
    """Leave pixels as they are and metadata readable without unpacking, as PDF/A wants it."""
    for one in pdf.objects:
        extra = getattr(one, "extra", {})
        if extra.get("Subtype") == "/Image":
            extra["Interpolate"] = "false"
        if extra.get("Type") == "/Metadata":
            one.compress = False


def _long_tables(view: ReportView, run: Path) -> Iterator[Attached]:
    """Yield the files of the tables that paper does not show whole."""
    for section in view.sections:
        capped = {table.id for table in section.tables if table.capped}
        tables = (table for table in section.record.tables if table.id in capped)
        yield from (_table(run, section.record, table, "csv") for table in tables)


def _all_data(view: ReportView, run: Path) -> Iterator[Attached]:
    """Yield the record of the run and all of its tables, those of figures too."""
    record = view.summary.model_dump_json(indent=2).encode()
    yield Attached(record, "summary.json", "The record of the run")
    for section in view.summary.sections:
        yield from (_table(run, section, table, "ecsv") for table in section.tables)


def _table(run: Path, section: SectionRecord, table: TableRecord, form: str) -> Attached:
    content = own_file(run, table.files[form]).read_bytes()
    name = f"{section.id}-{table.id}.{form}"
    return Attached(content, name, f"{section.title}: {table.title}")


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
    before = os.environ.get("FONTCONFIG_FILE")
    with TemporaryDirectory(prefix="fonts-", dir=next(iter(folders), None)) as scratch:
        settings = Path(scratch) / "fonts.conf"
        settings.write_text(
            f"<fontconfig><dir>{escape(str(font_path('')))}</dir>"
            f"<cachedir>{escape(scratch)}</cachedir></fontconfig>\n",
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
def _logged_errors() -> Iterator[list[str]]:
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

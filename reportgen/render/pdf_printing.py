"""Pages of HTML printed by WeasyPrint: tagged, with our fonts alone, from the run folder alone."""

import importlib
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

from markupsafe import escape

from reportgen.errors import SectionError
from reportgen.style import FONT_FILES, font_path

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


@dataclass(frozen=True)
class Printed:
    """A PDF. pages: how many it has."""

    content: bytes
    pages: int


class Printer:
    """Prints pages; only data: addresses and files of the run folder are fetched.

    made: when the report was started, for the dates of attached files.
    """

    def __init__(self, run: Path, made: datetime) -> None:
        self._weasyprint = _weasyprint()
        from weasyprint.text.fonts import FontConfiguration

        self._run = run
        self._made = made
        self._fetcher = _fetcher(run)
        self._fonts = FontConfiguration()
        self._styles: dict[str, Any] = {}

    def print(
        self,
        page: str,
        style: str = "",
        *,
        attached: Sequence[Attached] = (),
        images: Mapping[str, Any] = MappingProxyType({}),
        tagged: bool = True,
    ) -> Printed:
        """Print a page as PDF/UA, or without tags.

        style: CSS that goes before what the page has. images: by address, as WeasyPrint takes
        them; those are not fetched.
        Raises SectionError for what a screen reader would miss and for what cannot be fetched.
        """
        from weasyprint.urls import FatalURLFetchingError

        variant = VARIANT if tagged else None
        with _complaints() as complaints:
            try:
                html = self._weasyprint.HTML(
                    string=page, base_url=f"{self._run.as_uri()}/", url_fetcher=self._fetcher
                )
                document = html.render(
                    font_config=self._fonts,
                    stylesheets=[self._style(style)] if style else [],
                    pdf_variant=variant,
                    cache=dict(images),
                )
                document.metadata.attachments = [self._attachment(file) for file in attached]
                content: bytes = document.write_pdf(pdf_variant=variant)
            except FatalURLFetchingError as error:
                complaints.append(str(error))
        if complaints:
            raise SectionError(
                f"the page cannot be printed as it should: {'; '.join(dict.fromkeys(complaints))}",
                "look at output.templates, or report this as a bug of reportgen",
            )
        return Printed(content, len(document.pages))

    def _style(self, text: str) -> Any:
        """Give CSS as WeasyPrint takes it, read once for all pages that it is for."""
        if text not in self._styles:
            self._styles[text] = self._weasyprint.CSS(
                string=text, url_fetcher=self._fetcher, font_config=self._fonts
            )
        return self._styles[text]

    def _attachment(self, file: Attached) -> Any:
        return self._weasyprint.Attachment(
            file_obj=file.path.open("rb"),
            name=file.name,
            description=file.description,
            created=self._made,
            modified=self._made,
            relationship="Data",
        )


@contextmanager
def printer(run: Path, made: datetime) -> Iterator[Printer]:
    """Give what prints pages of a run folder.

    Raises SectionError when a library is missing.
    """
    with _only_our_fonts():
        yield Printer(run, made)


def pango_version() -> int:
    """Give the version of the library that lays out text, which Python's packages do not tell."""
    _weasyprint()
    from weasyprint.text.ffi import pango

    return int(pango.pango_version())


def _weasyprint() -> Any:
    try:
        importlib.import_module("reportgen.render.pdf_libraries")
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

"""report.pdf: from the same templates, tagged and with its fonts inside."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from reportgen.render.environment import render_page
from reportgen.render.pdf_cover import Cover, pages_before, remember_pages
from reportgen.render.pdf_figures import Figures
from reportgen.render.pdf_joining import Pages, join, pages_of
from reportgen.render.pdf_parts import (
    Part,
    PartPrinter,
    beside,
    parts_after_the_cover,
    saved,
)
from reportgen.render.pdf_printing import Attached, Printer, printer
from reportgen.render.view import ReportView, report_view
from reportgen.store import Store
from reportgen.summary import Summary

MOST_ROWS = 40  # longest table on paper; a table of 1000 rows would take 5 s


def render_pdf(
    run: Path,
    summary: Summary,
    store: Store | None = None,
    *,
    small: bool = False,
    processes: int = 1,
) -> bytes:
    """Give the PDF of a run folder.

    store: has the parts of earlier nights, and keeps those of tonight. small: for a mail: smaller
    images, and without the tables that it would carry. processes: how many may print at once.
    Raises SectionError when a library is missing, the page lacks what a screen reader needs, or
    it wants a file that is not in the run folder.
    """
    view = report_view(run, summary, MOST_ROWS)
    attached = [] if small else _long_tables(view, run)
    with printer(run, datetime.fromisoformat(summary.run.started)) as printing:
        if summary.configuration.templates:
            return _whole(view, run, printing, attached, small=small)
        with _store_of_parts(store) as parts:
            those = PartPrinter(run, printing, parts, small=small)
            return _in_parts(view, those, printing, attached, processes)


def _in_parts(
    view: ReportView,
    printing: PartPrinter,
    printer: Printer,
    attached: list[Attached],
    processes: int,
) -> bytes:
    """Give the PDF, each part laid out by itself."""
    parts = parts_after_the_cover(view)
    with TemporaryDirectory(prefix="reportgen-") as scratch:
        cover = Cover(view, printer, attached, Store(Path(scratch)))
        _print_all(parts, printing, cover, processes)
        contents = [printing.content(part) for part in parts]
        pages = [pages_of(content) for content in contents]
        remember_pages(printing.store, parts, pages)
        style = render_page("pdf_margins.css.j2", "", view=view)
        # That of most reports has one page.
        with printing.margins_beside(_margins(view, parts, pages, 1), style, processes):
            first = cover.printed(pages)
    margins = printing.margins(_margins(view, parts, pages, first.pages), style)
    names = {name: said for part in parts for name, said in part.headings.items()}
    return join(first.content, contents, margins, names)


def _print_all(
    parts: tuple[Part, ...], printing: PartPrinter, cover: Cover, processes: int
) -> None:
    """Print the parts that are not there yet, and beside them the cover that they may have."""
    is_new = processes > 1 and printing.misses(parts)
    pages = pages_before(printing.store, parts) if is_new else None
    with beside(partial(cover.printed, pages or []), int(pages is not None)):
        printing.print_missing(parts, processes)


def _margins(view: ReportView, parts: Iterable[Part], pages: Iterable[Pages], cover: int) -> str:
    """Give the HTML of the margins of all pages. cover: how many pages it has."""
    headings = [""] * cover
    for part, of_part in zip(parts, pages, strict=True):
        headings += of_part.headings(part.headings)
    return render_page("pdf_margins.html.j2", "", view=view, headings=headings)


def _whole(
    view: ReportView, run: Path, printer: Printer, attached: list[Attached], *, small: bool
) -> bytes:
    """Give the PDF laid out as one, as templates of a user may rely on."""
    import pikepdf

    # The fonts need not be in the page: the printer sees the folder of ours, and no other.
    own = view.summary.configuration.templates
    page = render_page(
        "report_pdf.html.j2", own, view=view, fonts="", pages={}, sections=view.sections
    )
    drawn = (figure.files for section in view.summary.sections for figure in section.figures)
    figures = Figures(run, drawn, small=small)
    printed = printer.print(page, attached=attached, images=figures.stand_ins)
    with pikepdf.open(BytesIO(printed.content)) as pdf:
        figures.put_into(pdf)
        return saved(pdf)


@contextmanager
def _store_of_parts(store: Store | None) -> Iterator[Store]:
    """Give the store, or one for now."""
    if store is not None:
        yield store
        return
    with TemporaryDirectory(prefix="reportgen-") as folder:
        yield Store(Path(folder))


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

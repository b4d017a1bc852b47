"""Parts of report.pdf: each is laid out by itself, and kept by all that decides how it looks.

The cover is laid out each night, for it has the date. The others are what they were as long as
their pages of HTML and their figures are, so that a night prints what has changed. Parts are
printed by several processes at once: who holds the lock of a part prints it.
"""

import fcntl
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

from reportgen.render.environment import render_page
from reportgen.render.pdf_figures import Figures
from reportgen.render.pdf_printing import Printer, pango_version
from reportgen.render.view import ReportView, SectionView
from reportgen.store import Store
from reportgen.style import FONT_FILES, font_path

PARTS_FOR_ONE = 2  # a process of its own is not worth while for fewer
ELSEWHERE = "part:"
"""Scheme of a link to another part; the address is the id that it goes to."""
_FORMAT = "part/1"
_PACKAGES = (
    *("cssselect2", "fonttools", "pikepdf", "pillow", "pydyf"),
    *("tinycss2", "tinyhtml5", "weasyprint"),
)
_LINK, _ID = re.compile(r' href="#([^"]*)"'), re.compile(r' id="([^"]*)"')


@dataclass(frozen=True)
class Part:
    """A part of the PDF. headings: of what is in it, by id. page: HTML. style: CSS.

    figures: the files of each, by form.
    """

    id: str
    headings: Mapping[str, str]
    page: str
    style: str
    figures: tuple[Mapping[str, str], ...] = ()


def parts_after_the_cover(view: ReportView) -> tuple[Part, ...]:
    """Give the parts of a report but for its cover: its sections, and where all comes from."""
    return (
        *(_part_of(sections, view) for sections in _grouped(view.sections)),
        _appendix("provenance", "Inputs and provenance", view),
        _appendix("configuration", "Configuration as used", view),
    )


def _grouped(sections: Iterable[SectionView]) -> list[list[SectionView]]:
    """Put sections that need no page of their own together with what comes before them."""
    groups: list[list[SectionView]] = []
    for section in sections:
        if section.is_brief and groups:
            groups[-1].append(section)
        else:
            groups.append([section])
    return groups


def _part_of(sections: list[SectionView], view: ReportView) -> Part:
    headings = {f"section-{section.record.id}": section.heading for section in sections}
    return Part(
        next(iter(headings)),
        headings,
        part_page("sections", view, sections=sections),
        part_style(view),
        tuple(figure.record.files for section in sections for figure in section.figures),
    )


def _appendix(name: str, heading: str, view: ReportView) -> Part:
    return Part(name, {name: heading}, part_page(name, view), part_style(view))


def part_page(kind: str, view: ReportView, **context: Any) -> str:
    """Give the HTML of a part. kind: as its template is called; context: what it sees besides."""
    page = render_page("pdf_part.html.j2", "", view=view, kind=kind, **context)
    here = set(_ID.findall(page))

    def link(match: re.Match[str]) -> str:
        return match[0] if match[1] in here else f' href="{ELSEWHERE}{match[1]}"'

    return _LINK.sub(link, page)


def part_style(view: ReportView) -> str:
    """Give the CSS of all parts."""
    return render_page("pdf_part.css.j2", "", view=view)


class PartPrinter:
    """Prints parts, and keeps them in a store. small: smaller images, for a mail."""

    def __init__(self, run: Path, printer: Printer, store: Store, *, small: bool) -> None:
        self._run = run
        self._printer = printer
        self.store = store
        self._small = small

    def misses(self, parts: Iterable[Part]) -> bool:
        """Whether any part is not there yet."""
        return any(self.store.get(self._key(part)) is None for part in parts)

    def print_missing(self, parts: Iterable[Part], processes: int = 1) -> None:
        """Print the parts that are not there yet, in at most so many processes at once."""
        keys = {self._key(part): part for part in parts}
        missing = [(key, part) for key, part in keys.items() if self.store.get(key) is None]
        # The largest first, so that all processes end at about the same time.
        missing.sort(key=lambda entry: len(entry[1].page), reverse=True)
        print_all = partial(self._print_those_free, missing)
        with beside(print_all, min(processes, len(missing) // PARTS_FOR_ONE) - 1):
            print_all()

    def _print_those_free(self, missing: Iterable[tuple[str, Part]]) -> None:
        """Print the parts that no other process has printed or is about to print."""
        for key, part in missing:
            with _lock(self.store, key, wait=False) as ours:
                if ours and self.store.get(key) is None:
                    self.store.put(key, self._print(part))

    def content(self, part: Part) -> bytes:
        """Give a part as PDF, as it was kept or printed now."""
        key = self._key(part)
        with _lock(self.store, key, wait=True):
            content = self.store.get(key)
            if content is None:
                content = self._print(part)
                self.store.put(key, content)
        return content

    @contextmanager
    def margins_beside(self, page: str, style: str, processes: int) -> Iterator[None]:
        """Print the margins while something else is done, if that is new and may be."""
        is_new = self.store.get(_margins_key(page, style)) is None
        with beside(partial(self.margins, page, style), int(is_new and processes > 1)):
            yield

    def margins(self, page: str, style: str) -> bytes:
        """Give what stands in the margins of all pages as PDF, as it was kept or printed now."""
        key = _margins_key(page, style)
        content = self.store.get(key)
        if content is None:
            content = self._printer.print(page, style, tagged=False).content
            self.store.put(key, content)
        return content

    def _print(self, part: Part) -> bytes:
        import pikepdf

        figures = Figures(self._run, part.figures, small=self._small)
        printed = self._printer.print(part.page, part.style, images=figures.stand_ins)
        with pikepdf.open(BytesIO(printed.content)) as pdf:
            figures.put_into(pdf)
            _name_table_heads(pdf, part.id)
            return saved(pdf)

    def _key(self, part: Part) -> str:
        digest = sha256(repr((_FORMAT, _printing(), self._small, part.id)).encode())
        digest.update(f"{len(part.style)}\0{part.style}{part.page}".encode())
        for forms in part.figures:
            for form in self._used(forms):
                digest.update(f"\0{form}\0".encode())
                digest.update(sha256((self._run / forms[form]).read_bytes()).digest())
        return digest.hexdigest()

    def _used(self, forms: Mapping[str, str]) -> tuple[str, ...]:
        """Give the forms of a figure that are printed."""
        if "pdf" not in forms:
            return ("svg",)
        return ("pdf", "png") if self._small else ("pdf",)


def _margins_key(page: str, style: str) -> str:
    return sha256(repr((_FORMAT, _printing(), page, style)).encode()).hexdigest()


def saved(pdf: Any) -> bytes:
    """Give an open PDF as bytes, which are the same for the same content."""
    import pikepdf

    buffer = BytesIO()
    pdf.save(buffer, static_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return buffer.getvalue()


def _name_table_heads(pdf: Any, part: str) -> None:
    """Make the ids of table heads, which cells refer to, different from those of other parts."""
    import pikepdf

    for each in pdf.objects:
        if isinstance(each, pikepdf.Dictionary) and each.get("/S") in ("/TH", "/TD"):
            if "/ID" in each:
                each["/ID"] = pikepdf.String(f"{part}-{each['/ID']}")
            if "/A" in each and "/Headers" in each["/A"]:
                heads = [pikepdf.String(f"{part}-{head}") for head in each["/A"]["/Headers"]]
                each["/A"]["/Headers"] = pikepdf.Array(heads)


@contextmanager
def beside(work: Callable[[], object], copies: int) -> Iterator[None]:
    """Do some work in copies of this process, while this one goes on; wait for them at the end.

    What fails in a copy is for this process to do, and to tell.
    """
    numbers = []
    for _ in range(copies):
        with warnings.catch_warnings():
            # From Python 3.12 on. The other thread here waits for the build to end, with no lock.
            warnings.simplefilter("ignore", DeprecationWarning)
            number = os.fork()
        if number == 0:
            try:
                work()
            finally:
                os._exit(0)
        numbers.append(number)
    try:
        yield
    finally:
        for number in numbers:
            os.waitpid(number, 0)


@contextmanager
def _lock(store: Store, key: str, *, wait: bool) -> Iterator[bool]:
    """Keep other processes from printing a part; give whether that could be had.

    The kernel lets go of it when a process ends, however it ends. Where there can be no lock a
    part may be printed twice, which costs time only.
    """
    try:
        store.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = store.folder / f".printing-{key[:2]}"  # few, for they stay
        file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    except OSError:
        yield True
        return
    try:
        yield _locked(file, wait=wait)
    finally:
        os.close(file)


def _locked(file: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


@cache
def _printing() -> tuple[object, ...]:
    """Give what printing depends on besides a page: code, versions and fonts."""
    files = sorted(Path(__file__).parent.glob("pdf*.py"))
    files += [font_path(name) for name in FONT_FILES.values()]
    return (
        tuple(sha256(path.read_bytes()).hexdigest() for path in files),
        tuple((name, version(name)) for name in _PACKAGES),
        pango_version(),
    )

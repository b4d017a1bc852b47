"""The cover of report.pdf, which says on what page each section begins.

It can be printed while the others are, with the pages that they had the last time.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256

from reportgen.render.pdf_joining import Pages, pages_of
from reportgen.render.pdf_parts import Part, part_page, part_style
from reportgen.render.pdf_printing import Attached, Printed, Printer
from reportgen.render.view import ReportView
from reportgen.store import Store

_FORMAT = "pages/1"


class Cover:
    """Prints the cover. attached: the files that it carries. scratch: for what was printed."""

    def __init__(
        self, view: ReportView, printer: Printer, attached: Sequence[Attached], scratch: Store
    ) -> None:
        self._view = view
        self._printer = printer
        self._attached = attached
        self._scratch = scratch

    def printed(self, pages: Sequence[Pages]) -> Printed:
        """Give the cover with the page of each section; how many it has itself moves all of them.

        pages: those of each part. What a copy of this process has printed is not printed again.
        """
        own = 1
        while True:
            starts: dict[str, int] = {}
            before = own
            for of_part in pages:
                starts |= {name: before + 1 + place for name, place in of_part.starts.items()}
                before += of_part.count
            printed = self._print(part_page("cover", self._view, pages=starts))
            if printed.pages <= own:
                return printed
            own = printed.pages

    def _print(self, page: str) -> Printed:
        key = sha256(page.encode()).hexdigest()
        content = self._scratch.get(key)
        if content is not None:
            return Printed(content, pages_of(content).count)
        printed = self._printer.print(page, part_style(self._view), attached=self._attached)
        self._scratch.put(key, printed.content)
        return printed


def pages_before(store: Store, parts: Sequence[Part]) -> list[Pages] | None:
    """Give the pages that some parts had the last time; None when that is not known."""
    content = store.get(_key(parts))
    with suppress(ValueError, TypeError):  # nothing of ours
        return [Pages(count, starts) for count, starts in json.loads(content or b"")]
    return None


def remember_pages(store: Store, parts: Sequence[Part], pages: Sequence[Pages]) -> None:
    """Keep the pages that parts have."""
    content = json.dumps([[each.count, dict(each.starts)] for each in pages]).encode()
    if store.get(_key(parts)) != content:
        store.put(_key(parts), content)


def _key(parts: Sequence[Part]) -> str:
    return sha256(repr((_FORMAT, [part.id for part in parts])).encode()).hexdigest()

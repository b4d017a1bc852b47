"""The documents of a run, by name; each is made from the run folder alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reportgen.render.html import render_html
from reportgen.render.pdf import render_pdf
from reportgen.store import Store
from reportgen.summary import Summary


@dataclass(frozen=True)
class Document:
    """A form of the report: the name of its file and what makes its content from a run folder.

    What makes it is given a store besides, of what need not be made again.
    """

    file: str
    render: Callable[[Path, Summary, Store], bytes]


def _html(run: Path, summary: Summary, _store: Store) -> bytes:
    return render_html(run, summary)


# In the order in which they are made: the HTML links to the PDF, or says why there is none.
DOCUMENTS: Mapping[str, Document] = {
    "pdf": Document("report.pdf", render_pdf),
    "html": Document("report.html", _html),
}

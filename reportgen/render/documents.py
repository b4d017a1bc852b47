"""The documents of a run, by name; each is made from the run folder alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reportgen.render.html import render_html
from reportgen.render.pdf import render_pdf
from reportgen.store import Store
from reportgen.summary import Summary


@dataclass(frozen=True)
class Means:
    """What documents are made with: what is kept of earlier ones, and so many processes at most.

    store: None to keep nothing.
    """

    store: Store | None = None
    processes: int = 1


@dataclass(frozen=True)
class Document:
    """A form of the report: the name of its file and what makes its content from a run folder."""

    file: str
    render: Callable[[Path, Summary, Means], bytes]


def _html(run: Path, summary: Summary, _: Means) -> bytes:
    return render_html(run, summary)


def _pdf(run: Path, summary: Summary, means: Means) -> bytes:
    return render_pdf(run, summary, means.store, processes=means.processes)


# In the order in which they are made: the HTML links to the PDF, or says why there is none.
DOCUMENTS: Mapping[str, Document] = {
    "pdf": Document("report.pdf", _pdf),
    "html": Document("report.html", _html),
}

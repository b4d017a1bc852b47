"""The documents of a run, by name; each is made from the run folder alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reportgen.record import Summary
from reportgen.render.html import render_html
from reportgen.render.pdf import render_pdf


@dataclass(frozen=True)
class Document:
    """A form of the report: the name of its file and what makes its content from a run folder."""

    file: str
    render: Callable[[Path, Summary], bytes]


# In the order in which they are made: the HTML links to the PDF, or says why there is none.
DOCUMENTS: Mapping[str, Document] = {
    "pdf": Document("report.pdf", render_pdf),
    "html": Document("report.html", render_html),
}

"""The documents of a run, by name; each is made from the run folder alone."""

from collections.abc import Callable, Mapping
from pathlib import Path

from reportgen.render.html import render_html
from reportgen.render.pdf import render_pdf
from reportgen.summary import DocumentRecord, Summary

# In the order in which they are made: the HTML links to the PDF, or says why there is none.
DOCUMENTS: Mapping[str, Callable[[Path, Summary], str]] = {"pdf": render_pdf, "html": render_html}


def render_document(form: str, run: Path, summary: Summary) -> DocumentRecord:
    """Make one document in a run folder; give the record with its file's name."""
    return DocumentRecord(file=DOCUMENTS[form](run, summary))

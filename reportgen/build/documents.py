"""Makes the documents of a run, each in a worker process."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter

from reportgen.build.progress import Progress
from reportgen.errors import PublishError
from reportgen.quality.nights import DOCUMENTS
from reportgen.record import DocumentRecord, Summary, with_status
from reportgen.render.html import render_html
from reportgen.render.pdf import pdf_notices, render_pdf
from reportgen.run_folder import publishing_errors
from reportgen.workers.failures import Ended, attempt, error_record
from reportgen.workers.pool import Pool

DOCUMENT_SECONDS = 600.0
# In the order in which they are made: the HTML links to the PDF, or says why there is none.
_RENDERERS: Mapping[str, Callable[[Path, Summary], bytes]] = {
    "pdf": render_pdf,
    "html": render_html,
}


def make_documents(
    summary: Summary,
    forms: Iterable[str],
    run: Path,
    folder: Path,
    *,
    pool: Pool,
    progress: Progress,
) -> Summary:
    """Make documents from a run folder and write them to a folder; return the record with them.

    One that cannot be made is in the record as an error, and the HTML shows it. They are made at
    the same time, each as if the others could be; an HTML that promised too much is made again.
    """
    made: dict[str, tuple[DocumentRecord, float]] = {}

    def start(form: str, summary: Summary) -> None:
        """Start to make a document; a page of our own templates is made here and now."""
        then = partial(end, form, perf_counter())
        arguments = write_document, form, run, summary, folder
        if form == "pdf" or summary.configuration.templates:
            pool.start(*arguments, then=then, timeout=DOCUMENT_SECONDS, name=form)
        else:
            then(attempt(*arguments))

    def end(form: str, begun: float, how: Ended) -> None:
        progress.printed(form, how.printed)
        if how.failed is None:
            document = how.value
        elif isinstance(how.failed.error, PublishError):
            raise how.failed.error
        else:
            document = DocumentRecord(error=error_record(how.failed, how.printed))
        made[form] = document, perf_counter() - begun

    summary = with_status(summary.model_copy(update={"documents": {}}))
    chosen = [form for form in _RENDERERS if form in set(forms)]
    hoped = summary
    for form in chosen:
        start(form, hoped)
        promised = dict(hoped.documents)
        hoped = _with_document(hoped, form, DocumentRecord(file=DOCUMENTS[form]))
    pool.finish()
    for form in chosen:
        if form == "html" and summary.documents != promised:
            start(form, summary)
            pool.finish()
        document, seconds = made[form]
        if form == "html" and document.error is not None and summary.configuration.templates:
            # Whatever happens there is a page, and it says what is wrong with the user's own.
            start(form, with_templates(_with_document(summary, form, document), ""))
            pool.finish()
            document = DocumentRecord(file=made[form][0].file, error=document.error)
        summary = _with_document(summary, form, document)
        error = document.error
        progress.ended(form, "error" if error else "ok", seconds, error.message if error else "")
        for notice in document.notices:
            progress.notice(f"Warning: {notice}")
    return summary


def write_document(form: str, run: Path, summary: Summary, folder: Path) -> DocumentRecord:
    """Make one document from a run folder and write it to a folder; return its record."""
    document = DocumentRecord(file=DOCUMENTS[form])
    if form == "pdf" and (notices := pdf_notices(run, summary)):
        document = document.model_copy(update={"notices": notices})
        summary = _with_document(summary, form, document)  # it says so itself
    content = _RENDERERS[form](run, summary)
    with publishing_errors(folder):
        (folder / document.file).write_bytes(content)
    return document


def _with_document(summary: Summary, form: str, document: DocumentRecord) -> Summary:
    documents = {**summary.documents, form: document}
    return with_status(summary.model_copy(update={"documents": documents}))


def with_templates(summary: Summary, templates: str) -> Summary:
    """Return the record with other templates; with those of reportgen for an empty text."""
    configuration = summary.configuration.model_copy(update={"templates": templates})
    return summary.model_copy(update={"configuration": configuration})

"""Makes the documents of a run, each in a worker process."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from time import perf_counter

from reportgen.build.progress import Progress
from reportgen.errors import PublishError
from reportgen.record import DocumentRecord, Summary, with_status
from reportgen.render.documents import DOCUMENTS
from reportgen.run_folder import publishing_errors
from reportgen.workers.failures import Ended, attempt, error_record
from reportgen.workers.pool import Pool

DOCUMENT_SECONDS = 600.0


def make_documents(
    summary: Summary,
    forms: Iterable[str],
    run: Path,
    folder: Path,
    *,
    pool: Pool,
    progress: Progress,
) -> Summary:
    """Make documents from a run folder and write them to a folder; give the record with them.

    One that cannot be made is in the record as an error, and the HTML shows it. They are made at
    the same time, each as if the others could be; an HTML that promised too much is made again.
    """
    make = _Maker(run, folder, pool, progress)
    summary = with_status(summary.model_copy(update={"documents": {}}))
    chosen = sorted(forms, key=list(DOCUMENTS).index)
    hoped = summary
    for form in chosen:
        make.start(form, hoped)
        hoped = _with_document(hoped, form, DocumentRecord(file=DOCUMENTS[form].file))
    pool.finish()
    for form in chosen:
        document, seconds = make.ended[form]
        if form == "html" and summary.documents != _before(hoped, "html"):
            make.start(form, summary)
            pool.finish()
            document, seconds = make.ended[form]
        if form == "html" and document.error is not None and summary.configuration.templates:
            # Whatever happens there is a page, and it says what is wrong with the user's own.
            make.start(form, with_templates(_with_document(summary, form, document), ""))
            pool.finish()
            document = DocumentRecord(file=make.ended[form][0].file, error=document.error)
        summary = _with_document(summary, form, document)
        if document.error is None:
            progress.ended(form, "ok", seconds)
        else:
            progress.ended(form, "error", seconds, document.error.message)
    return summary


def _before(summary: Summary, form: str) -> dict[str, DocumentRecord]:
    return {name: each for name, each in summary.documents.items() if name != form}


class _Maker:
    """Makes documents of a run. ended: what became of each, and how long it took."""

    def __init__(self, run: Path, folder: Path, pool: Pool, progress: Progress) -> None:
        self._run = run
        self._folder = folder
        self._pool = pool
        self._progress = progress
        self.ended: dict[str, tuple[DocumentRecord, float]] = {}

    def start(self, form: str, summary: Summary) -> None:
        """Start to make a document; a page of our own templates is made here and now."""
        then = partial(self._end, form, perf_counter())
        arguments = write_document, form, self._run, summary, self._folder
        if form == "pdf" or summary.configuration.templates:
            self._pool.start(*arguments, then=then, timeout=DOCUMENT_SECONDS, name=form)
        else:
            then(attempt(*arguments))

    def _end(self, form: str, begun: float, end: Ended) -> None:
        self._progress.printed(form, end.printed)
        if end.failed is None:
            document = DocumentRecord(file=end.value)
        elif isinstance(end.failed.error, PublishError):
            raise end.failed.error
        else:
            document = DocumentRecord(error=error_record(end.failed, end.printed))
        self.ended[form] = document, perf_counter() - begun


def write_document(form: str, run: Path, summary: Summary, folder: Path) -> str:
    """Make one document from a run folder and write it to a folder; give its name."""
    document = DOCUMENTS[form]
    content = document.render(run, summary)
    with publishing_errors(folder):
        (folder / document.file).write_bytes(content)
    return document.file


def _with_document(summary: Summary, form: str, document: DocumentRecord) -> Summary:
    documents = {**summary.documents, form: document}
    return with_status(summary.model_copy(update={"documents": documents}))


def with_templates(summary: Summary, templates: str) -> Summary:
    """Give the record with other templates; with those of reportgen for an empty text."""
    configuration = summary.configuration.model_copy(update={"templates": templates})
    return summary.model_copy(update={"configuration": configuration})

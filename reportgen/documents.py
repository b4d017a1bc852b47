"""Makes the documents of a run, each in a worker process."""

from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter

from reportgen.errors import PublishError
from reportgen.pool import Ended, Pool, error_record
from reportgen.progress import Progress
from reportgen.publish import publishing_errors
from reportgen.render.documents import DOCUMENTS
from reportgen.summary import DocumentRecord, Summary, with_status

DOCUMENT_SECONDS = 600.0

Attempt = Callable[[str, Summary], DocumentRecord]


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

    One that cannot be made is in the record as an error, and the HTML, made last, shows it.
    """
    attempt = _attempts(run, folder, pool, progress)
    summary = with_status(summary.model_copy(update={"documents": {}}))
    for form in sorted(forms, key=list(DOCUMENTS).index):
        begun = perf_counter()
        document = attempt(form, summary)
        if form == "html" and document.error is not None and summary.configuration.templates:
            # Whatever happens there is a page, and it says what is wrong with the user's own.
            spare = with_templates(_with_document(summary, form, document), "")
            document = DocumentRecord(file=attempt(form, spare).file, error=document.error)
        summary = _with_document(summary, form, document)
        seconds = perf_counter() - begun
        if document.error is None:
            progress.ended(form, "ok", seconds)
        else:
            progress.ended(form, "error", seconds, document.error.message)
    return summary


def _attempts(run: Path, folder: Path, pool: Pool, progress: Progress) -> Attempt:
    def attempt(form: str, summary: Summary) -> DocumentRecord:
        made: list[DocumentRecord] = []

        def ended(end: Ended) -> None:
            progress.printed(form, end.printed)
            if end.failed is None:
                made.append(DocumentRecord(file=end.value))
            elif isinstance(end.failed.error, PublishError):
                raise end.failed.error
            else:
                made.append(DocumentRecord(error=error_record(end.failed, end.printed)))

        arguments = (form, run, summary, folder)
        pool.start(write_document, *arguments, timeout=DOCUMENT_SECONDS, then=ended)
        pool.finish()
        return made[0]

    return attempt


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

"""The page above the reports of a matrix, from the newest run of each."""

import os
from pathlib import Path
from urllib.parse import quote

from reportgen.config.loader import Report
from reportgen.config.reports import Matrix
from reportgen.errors import ConfigError
from reportgen.lock import lock_builds, say_nothing
from reportgen.quality.nights import DOCUMENTS
from reportgen.record import read_summary
from reportgen.render.index import INDEX, MARK, refuse_foreign
from reportgen.render.matrix import MatrixEntry, render_matrix
from reportgen.run_folder import LATEST, LOCK_SECONDS, publishing_errors, replace_file

_LOCK = ".index.lock"


def write_matrix_index(matrix: Matrix) -> Path:
    """Write the page above the reports of a matrix, from the newest run of each; return its path.

    Whoever writes it last has read what all others published. Raises PublishError when the folder
    cannot be written or holds a page of another's, and ConfigError for templates that are wrong.
    """
    path = matrix.folder / INDEX
    # A comment ends at the first "-->"; a name must not end it.
    mark = f"<!-- The reports of {quote(matrix.path.name)}, written by reportgen. -->"
    languages = {report.report.language for report in matrix.reports}
    templates = {report.output.templates for report in matrix.reports}
    own = templates.pop() if len(templates) == 1 else None
    left = "the reports were published, the list of them is the former"
    with publishing_errors(matrix.folder, left):
        matrix.folder.mkdir(parents=True, exist_ok=True)
        with lock_builds(matrix.folder, wait=LOCK_SECONDS, say=say_nothing, file=_LOCK):
            page = render_matrix(
                [_entry(report, matrix.folder) for report in matrix.reports],
                matrix.title,
                language=languages.pop() if len(languages) == 1 else "en",
                templates="" if own is None else str(own),
            )
            refuse_foreign(
                path,
                [mark, MARK],
                "is not the index of this matrix",
                "move it away, or give another output.folder,",
            )
            replace_file(path, page + f"{mark}\n".encode())
    return path


def _entry(report: Report, folder: Path) -> MatrixEntry:
    values = {} if report.cell is None else report.cell.name
    own = report.output.folder
    where = os.path.relpath(own, folder)
    summary, trouble = None, ""
    files: list[tuple[str, str]] = []
    try:
        summary = read_summary(own / LATEST)
    except ConfigError as error:
        if (own / LATEST).is_dir():
            trouble = error.message.removeprefix(f"{own / LATEST}/").replace(": :", ":")
            run = (own / LATEST).resolve().name
            files += [(form.upper(), f"{run}/{DOCUMENTS[form]}") for form in sorted(DOCUMENTS)]
    else:
        made = {form: made.file for form, made in summary.documents.items() if made.file}
        files += [(form.upper(), f"{summary.run.id}/{file}") for form, file in sorted(made.items())]
    files.append(("All nights", INDEX))
    links = tuple(
        (what, quote(f"{where}/{file}")) for what, file in files if (own / file).is_file()
    )
    return MatrixEntry(values, report.report.id, summary, trouble, links)

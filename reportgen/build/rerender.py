"""Makes the documents of a run again from its folder."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reportgen.build.documents import make_documents, with_templates
from reportgen.build.progress import Progress
from reportgen.errors import ConfigError
from reportgen.lock import lock_builds, say_nothing
from reportgen.record import (
    ErrorRecord,
    Summary,
    computed_files,
    own_file,
    read_summary,
    write_summary,
)
from reportgen.render.environment import check_templates
from reportgen.run_folder import LOCK_SECONDS, publishing_errors
from reportgen.workers.pool import worker_pool


@dataclass(frozen=True)
class Rerendered:
    """The documents of a run that were made again, and why others were not, by form."""

    paths: tuple[Path, ...]
    errors: Mapping[str, ErrorRecord]


def rerender(run: Path, templates: Path | None = None) -> Rerendered:
    """Make the documents that a run should have again; nothing is recomputed.

    All take the places of their former selves when all are there. templates: folder to use
    instead of the one that the run was made with.
    Raises ConfigError for what is no run, for missing files and for templates that are wrong.
    """
    summary, folder = read_summary(run), run.resolve()
    own = summary.configuration.templates if templates is None else str(templates.absolute())
    check_templates(own)
    _check_files(summary, run)
    with (
        publishing_errors(run),
        lock_builds(folder, wait=LOCK_SECONDS, say=say_nothing, file=".rendering.lock"),
        _scratch_folder(folder) as scratch,
        worker_pool(1) as pool,
    ):
        made = make_documents(
            with_templates(summary, own),
            summary.documents,
            folder,
            scratch,
            pool=pool,
            progress=Progress(),
        )
        for document in made.documents.values():
            if document.error is not None and document.error.kind == "config":
                raise ConfigError(document.error.message, document.error.hint)
        write_summary(scratch, with_templates(made, summary.configuration.templates))
        for path in sorted(scratch.iterdir()):
            path.replace(folder / path.name)
    paths = tuple(run / document.file for document in made.documents.values() if document.file)
    errors = {form: document.error for form, document in made.documents.items() if document.error}
    return Rerendered(paths, errors)


@contextmanager
def _scratch_folder(run: Path) -> Iterator[Path]:
    """Yield a folder beside the documents, one that was left there by a process that was killed."""
    scratch = run / ".rendering"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _check_files(summary: Summary, run: Path) -> None:
    missing = []
    for file in computed_files(summary):
        try:
            own_file(run, file)
        except PermissionError:
            said = f"{run}: {file} is a link that leads out of the run folder"
            raise ConfigError(said, "put a copy of the file there") from None
        except OSError:
            missing.append(file)
    if missing:
        raise ConfigError(
            f"{run}: {len(missing)} files of the run are missing, first {missing[0]}",
            "restore them, or build the report again",
        )

"""Makes the documents of a run again from its folder."""

from pathlib import Path

from reportgen.errors import ConfigError
from reportgen.publish import publishing_errors
from reportgen.render.documents import DOCUMENTS, render_document
from reportgen.summary import Summary, read_summary


def rerender(run: Path, templates: Path | None = None) -> list[Path]:
    """Make the documents that a run has; give their paths.

    Each is written beside its former self and takes its place in one step. templates: folder to
    use instead of the one that the run was made with.
    """
    summary = read_summary(run)
    folder = run.resolve()
    if templates is not None:
        summary = _with_templates(summary, templates)
    missing = [
        file
        for section in summary.sections
        for thing in (*section.figures, *section.tables)
        for file in thing.files.values()
        if not (folder / file).is_file()
    ]
    if missing:
        raise ConfigError(
            f"{run}: {len(missing)} files of the run are missing, first {missing[0]}",
            "restore them, or build the report again",
        )
    paths = []
    with publishing_errors(run):
        for form in DOCUMENTS:
            if form in summary.documents:
                paths.append(run / render_document(form, folder, summary).file)
    return paths


def _with_templates(summary: Summary, templates: Path) -> Summary:
    configuration = summary.configuration.model_copy(update={"templates": str(templates)})
    return summary.model_copy(update={"configuration": configuration})

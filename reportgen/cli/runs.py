"""The commands on the folder of a run: render, verify, summary."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reportgen.cli.common import PATH, cli, complain, with_examples, with_workers
from reportgen.errors import ExitCode, ReportgenError

if TYPE_CHECKING:
    from reportgen.render.outline import Outline

SUMMARY_EXIT_CODES = """\b
Exit codes:
  0  said, whatever the runs found
  2  a run cannot be read, or there is no such run
"""
MOST_SHOWN = 20  # differences


@cli.command(
    epilog=with_examples(
        "reportgen render build/cdfs/latest", "reportgen render build/cdfs/latest --templates mine"
    )
)
@click.argument("run")
@click.option("--templates", type=PATH, help="Folder of templates to use.")
def render(run: str, templates: Path | None) -> int:
    """Make the documents of a RUN again; nothing is recomputed."""
    from reportgen.build.rerender import rerender
    from reportgen.quality.lookup import find_run

    made = rerender(find_run(run, None), templates)
    for path in made.paths:
        click.echo(str(path))
    for form, error in made.errors.items():
        complain(ReportgenError(f"{form}: {error.message}", error.hint))
    return int(ExitCode.SECTION if made.errors else ExitCode.OK)


@cli.command()
@click.argument("run")
@with_workers
@click.option("--quiet", "-q", is_flag=True, help="Print differences only.")
def verify(run: str, workers: int | None, quiet: bool) -> int:
    """Compute a RUN again and compare it byte by byte.

    Nothing in it is changed. Exit code 1 when anything differs; then it is said what, and what has
    changed since.
    """
    from reportgen.analyses.base import installed_analyses
    from reportgen.build.progress import progress_display
    from reportgen.build.verify import verify_run
    from reportgen.quality.lookup import find_run
    from reportgen.wording import count
    from reportgen.workers.pool import default_workers

    analyses, folder = installed_analyses().types, find_run(run, None)
    with progress_display(quiet=quiet) as progress:
        found = verify_run(folder, analyses, workers or default_workers(), progress)
    for difference in found.differences[:MOST_SHOWN]:
        click.echo(f"{difference.what} {difference.said}")
    if len(found.differences) > MOST_SHOWN:
        click.echo(f"… {len(found.differences) - MOST_SHOWN} more")
    for cause in found.causes:
        click.echo(f"Meanwhile: {cause}")
    if not found.differences and not quiet:
        click.echo(
            f"{folder}: {count(found.files)} files of {found.sections} sections are the same."
        )
    return int(ExitCode.CHECK_FAILED if found.differences else ExitCode.OK)


@cli.command(
    epilog=with_examples(
        "reportgen summary latest",
        "reportgen summary build/*/latest --markdown --link https://example.org",
        then=SUMMARY_EXIT_CODES,
    )
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--markdown", is_flag=True, help="Print Markdown, for job summaries and chats.")
@click.option("--link", default="", metavar="URL", help="Where the documents are; for Markdown.")
def summary(runs: tuple[str, ...], markdown: bool, link: str) -> int:
    """Say in a few lines how a RUN went.

    Its verdict, what needs attention, what changed, and its sections. A run is the path of its
    folder; or, beside an output folder, its id, latest, or a date such as 2026-11-23. Of several
    runs Markdown shows the worst first; it stays below the size that job summaries may have, and
    says what it leaves out.
    """
    from reportgen.quality.lookup import find_run
    from reportgen.record import read_summary
    from reportgen.render.outline import run_outline

    if link and not markdown:
        raise click.UsageError("--link is for --markdown only.")
    folders = [find_run(run, None) for run in runs]
    outlines = [run_outline(folder, read_summary(folder)) for folder in folders]
    if markdown:
        from reportgen.render.markdown import render_markdown

        click.echo(render_markdown(outlines, link), nl=False)
    else:
        click.echo("\n\n\n".join("\n".join(_outline_lines(outline)) for outline in outlines))
    return ExitCode.OK


def _outline_lines(outline: "Outline") -> Iterator[str]:
    from reportgen.cli.tables import fold

    yield fold(f"{outline.word}: {outline.title}")
    yield fold(outline.verdict)
    yield fold(" · ".join(outline.about))
    if outline.synthetic:
        yield fold(outline.synthetic)
    for part in (*outline.parts, outline.sections):
        yield f"\n{fold(part.heading)}"
        for line in part.lines:
            said = ": ".join(filter(None, (line.word, line.title, line.text)))
            yield fold(said, "  ", "    ")
    if outline.documents:
        yield ""
        yield from map(str, outline.documents)

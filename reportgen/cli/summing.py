"""The command that says in a few lines how a night went: summary."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from reportgen.cli.common import cli
from reportgen.errors import ExitCode

if TYPE_CHECKING:
    from reportgen.render.outline import Line, Outline

EXITS = """\b
Exit codes:
  0  said, whatever the runs found
  2  a run cannot be read, or there is no such run
"""


@cli.command(epilog=EXITS)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--markdown", is_flag=True, help="Print Markdown, for job summaries and chats.")
@click.option("--link", default="", metavar="URL", help="Where the documents are; for Markdown.")
def summary(runs: tuple[str, ...], markdown: bool, link: str) -> int:
    """Say in a few lines how RUN went: verdict, what needs attention, what changed, sections.

    A run is the path of its folder; or, beside an output folder, its id, latest, or a date such
    as 2026-11-23. Of several runs Markdown shows the worst first; it stays below the size that job
    summaries may have, and says what it leaves out.
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
        from reportgen.cli.tables import terminal_width

        width = terminal_width()
        click.echo("\n\n\n".join("\n".join(_lines(outline, width)) for outline in outlines))
    return ExitCode.OK


def _lines(outline: "Outline", width: int) -> Iterator[str]:
    from reportgen.cli.tables import fold

    yield fold(f"{outline.word}: {outline.title}", width)
    yield fold(outline.verdict, width)
    yield fold(" · ".join(outline.about), width)
    if outline.synthetic:
        yield fold(outline.synthetic, width)
    for part in (*outline.parts, outline.sections):
        yield f"\n{fold(part.heading, width)}"
        yield from (fold(_said(line), width, "  ", "    ") for line in part.lines)
    if outline.documents:
        yield ""
        yield from map(str, outline.documents)


def _said(line: "Line") -> str:
    return ": ".join(part for part in (line.word, line.title, line.text) if part)

"""The command that computes a run again."""

from pathlib import Path

import click

from reportgen.cli.common import cli
from reportgen.errors import ExitCode

MOST_SHOWN = 20


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes.")
@click.option("--quiet", "-q", is_flag=True, help="Print differences only.")
def verify(run: Path, workers: int | None, quiet: bool) -> int:
    """Compute a RUN folder again and compare it byte by byte; nothing in it is changed.

    Exit code 1 when anything differs; then it is said what, and what has changed since.
    """
    from reportgen.analyses.base import installed_analyses
    from reportgen.build.progress import progress_display
    from reportgen.build.verify import verify_run
    from reportgen.wording import count
    from reportgen.workers.pool import default_workers

    analyses = installed_analyses().types
    with progress_display(quiet=quiet) as progress:
        found = verify_run(run, analyses, workers or default_workers(), progress)
    for difference in found.differences[:MOST_SHOWN]:
        click.echo(f"{difference.what} {difference.said}")
    if len(found.differences) > MOST_SHOWN:
        click.echo(f"… {len(found.differences) - MOST_SHOWN} more")
    for cause in found.causes:
        click.echo(f"Meanwhile: {cause}")
    if not found.differences and not quiet:
        click.echo(f"{run}: {count(found.files)} files of {found.sections} sections are the same.")
    return int(ExitCode.CHECK_FAILED if found.differences else ExitCode.OK)

"""The commands that tell what there is: sections, schema, sample, doctor."""

import json
from pathlib import Path

import click

from reportgen.cli.common import cli, with_examples
from reportgen.errors import ExitCode


@cli.command(epilog=with_examples("reportgen sections", "reportgen sections distribution"))
@click.argument("name", required=False)
def sections(name: str | None) -> int:
    """List the analyses, or document the keys of one by its NAME."""
    from reportgen.analyses.base import installed_analyses
    from reportgen.cli.reference import describe_analysis, first_line
    from reportgen.cli.tables import fold

    registry = installed_analyses()
    if name is not None:
        click.echo(describe_analysis(registry.get(name)))
        return 0
    width = max(map(len, registry.types), default=0)
    for key, analysis in sorted(registry.types.items()):
        click.echo(fold(first_line(analysis), f"{key:{width}}  ", " " * (width + 2)))
    for problem in registry.broken.values():
        click.echo(f"Warning: {problem}", err=True)
    return 0


@cli.command(
    epilog=with_examples("reportgen schema > reportgen.schema.json", "reportgen schema --summary")
)
@click.option("--summary", is_flag=True, help="The schema of summary.json instead.")
def schema(summary: bool) -> int:
    """Print the JSON Schema of the configuration, for editors."""
    from reportgen.cli.reference import installed_schema
    from reportgen.record import summary_schema

    if summary:
        click.echo(json.dumps(summary_schema(), indent=2, ensure_ascii=False))
    else:
        click.echo(installed_schema(), nl=False)
    return 0


@cli.command(
    epilog=with_examples(
        "reportgen sample data/cdfs", "reportgen sample data/small --rows 2000 --images 6"
    )
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=2016, show_default=True, help="Same seed, same bytes.")
@click.option("--rows", default=30_853, show_default=True, help="Rows of the catalogue.")
@click.option("--images", default=200, show_default=True, help="Radio cut-outs.")
def sample(folder: Path, seed: int, rows: int, images: int) -> int:
    """Write a synthetic survey into FOLDER, to try things on.

    It has the layout of the CDFS data, with a trained network.
    """
    from reportgen.data.sample import write_sample

    for path in write_sample(folder, seed=seed, rows=rows, images=images):
        click.echo(str(path))
    return 0


@cli.command()
def doctor() -> int:
    """Say what PDF, fonts and optional parts need, and how to get it."""
    from reportgen.cli.doctor import examine
    from reportgen.cli.tables import fold

    findings = examine()
    for finding in findings:
        mark = "ok     " if finding.fine else "missing" if finding.needed else "absent "
        click.echo(fold(f"{finding.what}: {finding.said}", f"{mark}  ", " " * 9))
        if finding.remedy:
            click.echo(f"         → {finding.remedy}")
    return int(ExitCode.OK if all(f.fine or not f.needed for f in findings) else ExitCode.CONFIG)

"""The command that says what a build would make anew."""

from pathlib import Path

import click

from reportgen.cli.combinations import read_reports, with_cells
from reportgen.cli.common import cli, with_config


@cli.command()
@with_config
@with_cells
@click.option(
    "--output", type=click.Path(path_type=Path), help="Folder of the runs, in place of the YAML's."
)
def plan(
    config: Path, overrides: tuple[str, ...], cells: tuple[str, ...], output: Path | None
) -> int:
    """Say which sections a build would make anew tonight, and why; nothing is made or written."""
    from reportgen.build.pipeline import chosen_sections
    from reportgen.build.plan import plan_report

    reports = read_reports(config, overrides, cells, output)
    for cell in reports.cells or (None,):
        report = reports.one(cell)
        before = "" if cell is None else f"{cell.slug} | "
        planned = plan_report(report, chosen_sections(report, ()))
        width = max(len(each.section) for each in planned)
        for each in planned:
            word = "kept" if each.is_cached else "made"
            click.echo(f"{before}{each.section:{width}}  {word}  {each.why}")
        cached = sum(each.is_cached for each in planned)
        documents = " and ".join(form.upper() for form in report.output.formats)
        click.echo(
            f"{before}{len(planned) - cached} of {len(planned)} sections would be made, "
            f"and {documents} as always."
        )
    return 0

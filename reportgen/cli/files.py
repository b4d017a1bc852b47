"""The commands that look at a file with a table: describe, init."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from reportgen.cli.common import FILE, SOURCE, cli
from reportgen.errors import ConfigError, ExitCode, SourceError

with_dataset = click.option(
    "--dataset", default="", help="Which table of the file, where it holds several."
)


@cli.command()
@click.argument("file", type=SOURCE)
@with_dataset
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def describe(file: Path, dataset: str, as_json: bool) -> int:
    """Say what a file with a table holds: its columns as a report would read them."""
    import numpy as np

    from reportgen.data.catalogue import column_keys
    from reportgen.data.file_digests import FileDigests
    from reportgen.data.opening import describe_tables
    from reportgen.wording import counted, printable_line

    found = describe_tables([(file, dataset)], FileDigests())[file, dataset]
    if isinstance(found, SourceError):
        raise found
    names, left_out = column_keys(found)
    keys = {name: key for key, name in names.items()}
    if as_json:
        columns = [{**asdict(each), "key": keys.get(each.name)} for each in found.columns]
        click.echo(json.dumps({**asdict(found), "columns": columns}, indent=2, ensure_ascii=False))
        return ExitCode.OK
    from rich.console import Console
    from rich.table import Table

    rows, columns_said = counted(found.rows, "rows"), counted(len(found.columns), "columns")
    click.echo(f"{file}: {found.format}, {rows} of {columns_said}")
    for note in found.notes:
        click.echo(f"Note: {note}")
    table = Table("column", "type", "unit", "description", box=None, pad_edge=False)
    for each in found.columns:
        kind = np.dtype(each.dtype).name if each.is_number else each.dtype.replace("str", "text")
        kind += f" {list(each.shape)}" if each.shape else ""
        key = keys.get(each.name, each.name)
        called = key if key == each.name else f"{key} ({each.name})"
        said = "; ".join(part for part in (each.label, left_out.get(each.name, "")) if part)
        table.add_row(*map(printable_line, (called, kind, each.unit, said)))
    Console(highlight=False, markup=False).print(table)
    return ExitCode.OK


@cli.command()
@click.argument("files", type=SOURCE, nargs=-1, required=True)
@with_dataset
@click.option("--output", type=FILE, help="File to write; printed when not given.")
@click.option(
    "--sections",
    default="overview,distribution,sky_density",
    show_default=True,
    metavar="ANALYSIS,…",
    help="Analyses to write sections for.",
)
def init(files: tuple[Path, ...], dataset: str, output: Path | None, sections: str) -> int:
    """Write a first configuration for files with tables, with comments on what was found."""
    from reportgen.build.first_config import SECTIONS, first_configuration
    from reportgen.config.suggest import unknown

    wanted = [name.strip() for name in sections.split(",") if name.strip()]
    for name in wanted:
        if name not in SECTIONS:
            raise ConfigError(f"--sections: {unknown('analysis', name, SECTIONS)}")
    folder = Path.cwd() if output is None else output.absolute().parent
    text = first_configuration([(file, dataset) for file in files], folder, wanted)
    if output is None:
        head = "# Made by reportgen init. Save it as a .yaml file and build it."
        click.echo(f"{head}\n{text}", nl=False)
        return ExitCode.OK
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(f"# Made by reportgen init. Build it: reportgen {output}\n{text}")
    except FileExistsError:
        raise ConfigError(f"--output {output}: there is such a file already") from None
    click.echo(f"{output}: build it with: reportgen {output}")
    return ExitCode.OK

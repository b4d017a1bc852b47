"""The commands that look at a file with a table: describe, init."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reportgen.cli.common import FILE, SOURCE, cli, with_examples
from reportgen.errors import ConfigError, ExitCode, SourceError

if TYPE_CHECKING:
    from reportgen.data.format import FileTable

SCHEMA = "reportgen.schema.json"
"""Beside a configuration; for editors."""

with_dataset = click.option(
    "--dataset", default="", help="Which table of the file, where it holds several."
)


@cli.command(
    epilog=with_examples(
        "reportgen describe my.fits",
        "reportgen describe survey.h5 --dataset /catalogue --json",
    )
)
@click.argument("file", type=SOURCE)
@with_dataset
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def describe(file: Path, dataset: str, as_json: bool) -> int:
    """Say what a FILE holds: columns as a report reads them, or images."""
    import numpy as np

    from reportgen.data.catalogue import column_keys
    from reportgen.data.file_digests import FileDigests
    from reportgen.data.format import TableError
    from reportgen.data.images import described_images
    from reportgen.data.joined import is_many
    from reportgen.data.opening import describe_tables
    from reportgen.wording import counted, printable_line

    found = describe_tables([(file, dataset)], FileDigests())[file, dataset]
    if isinstance(found, SourceError):
        may_be_images = isinstance(found, TableError) or is_many(file)
        if may_be_images and (images := described_images(file, dataset)):
            return _describe_images(file, images, found, as_json=as_json)
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


def _describe_images(
    file: Path, found: "Mapping[str, FileTable | SourceError]", error: SourceError, *, as_json: bool
) -> int:
    """Say what images a file holds; raise the error of its tables where it is not about these."""
    from reportgen.data.images import image_facts
    from reportgen.wording import counted, number, printable_line

    facts = {}
    for name, table in found.items():
        if isinstance(table, SourceError):
            raise table if file.is_dir() else error
        facts[name] = image_facts(table)
    if as_json:
        shown = [{"dataset": name, **asdict(each)} for name, each in facts.items()]
        click.echo(json.dumps({"images": shown}, indent=2, ensure_ascii=False))
        return ExitCode.OK
    from rich.console import Console
    from rich.table import Table

    click.echo(f"{file}: {counted(len(facts), 'datasets')} of images")
    lines = Table("dataset", "images", "unit", "pixel", "centre", box=None, pad_edge=False)
    for name, each in facts.items():
        n, height, width, channels = each.shape
        size = f"{n} of {width} × {height}" + (f" × {channels} channels" if channels > 1 else "")
        pixel = "" if each.pixel_scale is None else f"{number(each.pixel_scale)}″"
        lines.add_row(*map(printable_line, (name, size, each.unit, pixel, each.centre)))
    Console(highlight=False, markup=False).print(lines)
    for name, each in facts.items():
        if each.beam is not None:
            click.echo(f"Beam{f' of {name}' if name else ''}: {each.beam.title}")
    return ExitCode.OK


@cli.command(
    epilog=with_examples(
        "reportgen init my.fits --output my.yaml",
        "reportgen init --nightly radio.fits optical.parquet --output nightly.yaml",
        "reportgen init https://example.org/my.fits --sections overview",
    )
)
@click.argument("files", type=SOURCE, nargs=-1, required=True)
@with_dataset
@click.option("--output", type=FILE, help="File to write; printed when not given.")
@click.option(
    "--nightly",
    is_flag=True,
    help="For every night: with checks, suggested from the values of today, and trends.",
)
@click.option(
    "--sections",
    default="overview,distribution,sky_density,image_noise",
    show_default=True,
    metavar="ANALYSIS,…",
    help="Analyses to write sections for.",
)
def init(
    files: tuple[Path, ...], dataset: str, output: Path | None, nightly: bool, sections: str
) -> int:
    """Write a first configuration for tables or images.

    Comments say what was found. Its first line names the JSON Schema by which editors complete and
    check keys, which is written beside it unless there is one.
    """
    from reportgen.build.first_config import SECTIONS, first_configuration
    from reportgen.cli.reference import installed_schema
    from reportgen.config.suggest import unknown

    wanted = [name.strip() for name in sections.split(",") if name.strip()]
    for name in wanted:
        if name not in SECTIONS:
            raise ConfigError(f"--sections: {unknown('analysis', name, SECTIONS)}")
    folder = Path.cwd() if output is None else output.absolute().parent
    text = first_configuration([(f, dataset) for f in files], folder, wanted, nightly=nightly)
    if output is None:
        head = "# Made by reportgen init. Save it as a .yaml file and build it."
        click.echo(f"{head}\n{text}", nl=False)
        return ExitCode.OK
    try:
        with output.open("x", encoding="utf-8") as file:
            head = f"# yaml-language-server: $schema={SCHEMA}\n"
            head += f"# Made by reportgen init. Build it: reportgen {output}\n"
            file.write(f"{head}{text}")
    except FileExistsError:
        raise ConfigError(f"--output {output}: there is such a file already") from None
    with suppress(FileExistsError), (folder / SCHEMA).open("x", encoding="utf-8") as file:
        file.write(installed_schema())
    click.echo(f"{output}: build it with: reportgen {output}")
    return ExitCode.OK

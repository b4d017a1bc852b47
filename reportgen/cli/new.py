"""The commands new: begin a nightly report, or a package with an analysis of one's own."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from reportgen.cli.common import FOLDER, cli, with_examples
from reportgen.cli.files import init
from reportgen.errors import ConfigError, ExitCode

TEMPLATE = Path(__file__).parents[1] / "plugin_template"
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@cli.group()
def new() -> None:
    """Begin a report for every night, or an analysis of your own."""


@new.command(
    params=[each for each in init.params if each.name != "nightly"],
    epilog=with_examples("reportgen new report radio.fits --output radio.yaml"),
)
def report(**given: object) -> int:
    """Write a configuration for every night, as init --nightly does.

    It has checks, suggested from the values of today, and trends.
    """
    return int(click.get_current_context().invoke(init, nightly=True, **given))


@new.command(
    epilog=with_examples("reportgen new plugin depth", "cd depth", "make test PYTHON=python3.12")
)
@click.argument("name")
@click.option("--output", type=FOLDER, help="Folder of the package; NAME if not given.")
def plugin(name: str, output: Path | None) -> int:
    """Write a package with an analysis and its tests.

    It works as it is, and its entry point announces it. NAME is what the YAML calls the analysis,
    and the module: small letters, digits and _.
    """
    from reportgen.analyses.base import installed_analyses

    if not _NAME.fullmatch(name) or name in sys.stdlib_module_names:
        said = (
            "should be small letters, digits and _, such as limiting_depth, and no module of Python"
        )
        raise ConfigError(f"{name}: {said}")
    if name in installed_analyses().types or find_spec(name) is not None:
        raise ConfigError(f"{name}: is the name of an analysis or package that is installed")
    folder = Path(name) if output is None else output
    if folder.exists():
        raise ConfigError(f"{folder}: there is such a folder already", "take another with --output")
    words = {
        "@name@": name,
        "@class@": "".join(part.capitalize() for part in name.split("_")),
        "@dashed@": name.replace("_", "-"),
    }
    for source in sorted(path for path in TEMPLATE.rglob("*.in")):
        path, text = str(source.relative_to(TEMPLATE))[: -len(".in")], source.read_text("utf-8")
        for word, value in words.items():
            path, text = path.replace(word, value), text.replace(word, value)
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    click.echo(f"{folder}: run its tests with: make -C {folder} test")
    return ExitCode.OK

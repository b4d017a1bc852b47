"""The Jinja2 environment: the templates that come with reportgen, and a user's in front of them."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.errors import ConfigError
from reportgen.summary import Summary

if TYPE_CHECKING:
    from jinja2 import Environment


def templates_folder() -> Path:
    """Give the folder of the templates: in the wheel inside the package, in a clone beside it."""
    package = Path(str(files("reportgen")))
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


def template_environment(summary: Summary) -> "Environment":
    """Give the environment; a file of the user's templates folder replaces the one of its name."""
    from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

    folders = [templates_folder()]
    own = summary.configuration.templates
    if own:
        if not Path(own).is_dir():
            raise ConfigError(
                f"{summary.configuration.path}: output.templates: there is no folder {own}",
                "create it, or remove the key",
            )
        folders.insert(0, Path(own))
    return Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

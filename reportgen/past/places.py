"""Where histories and runs are: what was asked for, or the only one below a folder."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from reportgen.config.schema import OutputBlock
from reportgen.errors import ConfigError
from reportgen.history import FILE
from reportgen.numbers import listed
from reportgen.publish import LATEST, RUN_ID

VARIABLE = "REPORTGEN_HISTORY"
BUILD = "build"
"""Folder below which output folders are by default."""


def history_place(output: OutputBlock, environment: Mapping[str, str] = os.environ) -> str | Path:
    """Say where the history of a report is: an SQLAlchemy URL, or a file in its output folder.

    The YAML comes first, then REPORTGEN_HISTORY.
    """
    return output.history or environment.get(VARIABLE) or output.folder / FILE


def find_history(
    database: str | None,
    output: Path | None,
    *,
    here: Path,
    environment: Mapping[str, str] = os.environ,
) -> str | Path:
    """Say which history is meant: the database, that of an output folder, or the only one.

    here: the folder in which, or below whose ``build``, it is looked for when nothing is said.
    Raises ConfigError when there is none, or more than one.
    """
    if database is not None:
        return database
    if output is not None:
        return output / FILE
    if environment.get(VARIABLE):
        return environment[VARIABLE]
    found = [here / FILE] if (here / FILE).is_file() else sorted((here / BUILD).glob(f"*/{FILE}"))
    if not found:
        raise ConfigError(
            f"there is no history here: neither {FILE} nor {BUILD}/*/{FILE} in {here.absolute()}",
            f"give --database FILE-or-URL or --output FOLDER, or set {VARIABLE}; "
            "`reportgen history import RUN` makes one from runs",
        )
    if len(found) > 1:
        raise ConfigError(
            f"there are several histories here: {_names(found, here)}",
            "say which with --database FILE or --output FOLDER",
        )
    return found[0]


def history_beside(run: Path, environment: Mapping[str, str] = os.environ) -> str | Path | None:
    """Give REPORTGEN_HISTORY, or the history beside the folder of a run; None without either."""
    beside = run.resolve().parent / FILE
    return environment.get(VARIABLE) or (beside if beside.is_file() else None)


def find_output(output: Path | None, *, here: Path) -> Path:
    """Say which output folder is meant: the one given, this one, or the only one below ``build``.

    Raises ConfigError when it is no folder, and when there is none or more than one.
    """
    if output is not None:
        if not output.is_dir():
            raise ConfigError(f"--output {output}: there is no such folder")
        return output
    if holds_runs(here):
        return here
    build = here / BUILD
    folders = sorted(folder for folder in _inside(build) if holds_runs(folder))
    if not folders:
        raise ConfigError(
            f"there are no runs here: neither in {here.absolute()} nor in {BUILD}/* below it",
            "give --output FOLDER, or the path of a run folder",
        )
    if len(folders) > 1:
        raise ConfigError(
            f"there are several output folders here: {_names(folders, here)}",
            "say which with --output FOLDER, or give the path of a run folder",
        )
    return folders[0]


def holds_runs(folder: Path) -> bool:
    """Say whether a folder is an output folder: has ``latest``, or a folder named as a run."""
    return (folder / LATEST).is_symlink() or any(
        RUN_ID.fullmatch(path.name) for path in _inside(folder)
    )


def _inside(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return []


def _names(paths: Iterable[Path], here: Path) -> str:
    return listed([str(path.relative_to(here)) for path in paths], most=10)

"""Which run or history is meant: a path, an id, a date, ``latest``, or the only one there is."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from reportgen.config.schema import OutputBlock
from reportgen.errors import ConfigError
from reportgen.quality.history import FILE as HISTORY
from reportgen.quality.nights import night_before as last_night_before
from reportgen.quality.nights import night_of, run_date, run_names
from reportgen.record import FILE
from reportgen.run_folder import LATEST, RUN_ID
from reportgen.wording import listed

VARIABLE = "REPORTGEN_HISTORY"
BUILD = "build"
"""Folder below which output folders are by default."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOST_LISTED = 8
GIVE = f"give a run folder, the id of a run, {LATEST}, or a night such as 2026-11-23"


def history_place(output: OutputBlock, environment: Mapping[str, str] = os.environ) -> str | Path:
    """Return where the history of a report is: an SQLAlchemy URL, or a file in its output folder.

    The YAML comes first, then REPORTGEN_HISTORY.
    """
    return output.history or environment.get(VARIABLE) or output.folder / HISTORY


def find_history(
    database: str | None,
    output: Path | None,
    *,
    here: Path,
    environment: Mapping[str, str] = os.environ,
) -> str | Path:
    """Return which history is meant: the database, that of an output folder, or the only one.

    here: the folder in which, or below whose ``build``, it is looked for when nothing is said.
    Raises ConfigError when there is none, or more than one.
    """
    if database is not None:
        return database
    if output is not None:
        return output / HISTORY
    if environment.get(VARIABLE):
        return environment[VARIABLE]
    found = [here / HISTORY]
    if not found[0].is_file():
        found = sorted((here / BUILD).glob(f"*/{HISTORY}"))
    if not found:
        raise ConfigError(
            f"there is no history here: neither {HISTORY} nor {BUILD}/*/{HISTORY} in "
            f"{here.absolute()}",
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
    """Return REPORTGEN_HISTORY, or the history beside the folder of a run; None without either."""
    beside = run.resolve().parent / HISTORY
    return environment.get(VARIABLE) or (beside if beside.is_file() else None)


def find_output(output: Path | None, *, here: Path) -> Path:
    """Return the output folder that is meant: the one given, this one, or the only one below build.

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
    """Return whether a folder is an output folder: has ``latest``, or a folder named as a run."""
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


def find_run(text: str, output: Path | None, *, here: Path) -> Path:
    """Return the folder of a run.

    text: the path of a run folder; or, in an output folder, the id of a run, ``latest``, or the
    date of a night, for which its run stands. Raises ConfigError when there is no such run.
    """
    if output is None and (Path(text) / FILE).is_file():
        return Path(text)
    if text == LATEST:
        return _latest(find_output(output, here=here))
    if _DATE.fullmatch(text):
        return _of_night(_read_date(text), find_output(output, here=here))
    if RUN_ID.fullmatch(text):
        return _of_id(text, find_output(output, here=here))
    if not Path(text).is_dir():
        raise ConfigError(f"{text}: there is no such run", GIVE)
    if not (Path(text) / FILE).exists() and holds_runs(Path(text)):
        raise ConfigError(
            f"{text} holds runs, and is not one itself", f"give one of them, such as {text}/latest"
        )
    return Path(text)  # who reads it says what is wrong with it


def find_runs(text: str, output: Path | None, *, here: Path) -> list[Path]:
    """Return the folder of a run, or those of all runs in an output folder, oldest first.

    Raises ConfigError when it is neither.
    """
    folder = Path(text)
    if not (folder / FILE).exists() and holds_runs(folder):
        return [folder / name for name in _run_names(folder)]
    return [find_run(text, output, here=here)]


def night_before(run: Path) -> Path:
    """Return the run that stands for the night before that of a run, in the same output folder.

    Raises ConfigError when there is none that can be read.
    """
    path = run.resolve()
    if path.name not in _run_names(path.parent):
        raise ConfigError(
            f"{run} is not in an output folder, so it is not known which run was before it",
            "give both runs",
        )
    before = last_night_before(path.parent, run_date(path.name))
    if before is None:
        raise ConfigError(
            f"no night before that of {run} has a run that can be read, so there is nothing to "
            "compare it with",
            "give both runs",
        )
    return path.parent / before.run.id


def _latest(folder: Path) -> Path:
    latest = folder / LATEST
    if latest.is_dir():
        return folder / latest.resolve().name if latest.is_symlink() else latest
    raise ConfigError(f"{folder} has no {LATEST} run", _hint(_run_names(folder)))


def _of_id(run_id: str, folder: Path) -> Path:
    if (folder / run_id).is_dir():
        return folder / run_id
    raise ConfigError(f"{folder} has no run {run_id}", _hint(_run_names(folder)))


def _of_night(night: date, folder: Path) -> Path:
    found = night_of(folder, night)
    if found is not None:
        return folder / found.run.id
    days = {run_date(name) for name in _run_names(folder)}
    near = sorted(sorted(days, key=lambda day: abs((day - night).days))[:_MOST_LISTED])
    raise ConfigError(
        f"{folder} has no run of the night {night}",
        f"near it are {listed(list(map(str, near)), most=_MOST_LISTED)}"
        if near
        else "there is no run in it",
    )


def _read_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text} is no day of the calendar", GIVE) from None


def _run_names(folder: Path) -> list[str]:
    """Return the names of the run folders in an output folder, oldest first."""
    try:
        return run_names(folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"{folder}: cannot be read: {reason}", GIVE) from None


def _hint(names: Sequence[str]) -> str:
    if not names:
        return "there is no run in it"
    shown = list(names[-_MOST_LISTED:])
    more = len(names) - len(shown)
    said = f"there {'is' if len(names) == 1 else 'are'} {listed(shown, most=_MOST_LISTED)}"
    return f"{said}, and {more} earlier ones" if more else said

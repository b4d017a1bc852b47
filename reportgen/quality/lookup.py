"""Which run or history is meant: a path, an id, a date, ``latest``, or the only one there is."""

import os
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from reportgen.config.loader import Report
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


def history_place(report: Report) -> str | Path:
    """Return where the history of a report is: an SQLAlchemy URL, or a file in its output folder.

    The YAML comes first, then REPORTGEN_HISTORY. A draft has one of its own.
    """
    own = report.output.folder / HISTORY
    if report.most_rows is not None:
        return own
    return report.output.history or os.environ.get(VARIABLE) or own


def find_history(database: str | None, output: Path | None) -> str | Path:
    """Return which history is meant: the database, that of an output folder, or the only one.

    When nothing is said it is looked for in this folder, and below its ``build``.
    Raises ConfigError when there is none, or more than one.
    """
    if database is not None:
        return database
    if output is not None:
        return output / HISTORY
    if place := os.environ.get(VARIABLE):
        return place
    if Path(HISTORY).is_file():
        return Path(HISTORY)
    found = sorted(Path(BUILD).glob(f"*/{HISTORY}"))
    if not found:
        raise ConfigError(
            f"there is no history here: neither {HISTORY} nor {BUILD}/*/{HISTORY} in {Path.cwd()}",
            f"give --database FILE-or-URL or --output FOLDER, or set {VARIABLE}; "
            "`reportgen history import RUN` makes one from runs",
        )
    return _only(found, "histories", "say which with --database FILE or --output FOLDER")


def history_beside(run: Path) -> str | Path | None:
    """Return REPORTGEN_HISTORY, or the history beside the folder of a run; None without either."""
    beside = run.resolve().parent / HISTORY
    return os.environ.get(VARIABLE) or (beside if beside.is_file() else None)


def find_output(output: Path | None) -> Path:
    """Return the output folder that is meant: the one given, this one, or the only one below build.

    Raises ConfigError when it is no folder, and when there is none or more than one.
    """
    if output is not None:
        if not output.is_dir():
            raise ConfigError(f"--output {output}: there is no such folder")
        return output
    if _holds_runs(Path()):
        return Path()
    found = sorted(folder for folder in _folders_in(Path(BUILD)) if _holds_runs(folder))
    if not found:
        raise ConfigError(
            f"there are no runs here: neither in {Path.cwd()} nor in {BUILD}/* below it",
            "give --output FOLDER, or the path of a run folder",
        )
    hint = "say which with --output FOLDER, or give the path of a run folder"
    return _only(found, "output folders", hint)


def _only(found: list[Path], what: str, hint: str) -> Path:
    if len(found) > 1:
        names = listed([str(path) for path in found], most=10)
        raise ConfigError(f"there are several {what} here: {names}", hint)
    return found[0]


def _holds_runs(folder: Path) -> bool:
    """Return whether a folder is an output folder: has ``latest``, or a folder named as a run."""
    return (folder / LATEST).is_symlink() or any(
        RUN_ID.fullmatch(path.name) for path in _folders_in(folder)
    )


def _folders_in(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return []


def find_run(text: str, output: Path | None) -> Path:
    """Return the folder of a run.

    text: the path of a run folder; or, in an output folder, the id of a run, ``latest``, or the
    date of a night, for which its run stands. Raises ConfigError when there is no such run.
    """
    path = Path(text)
    if output is None and (path / FILE).is_file():
        return path
    if text == LATEST:
        return _latest(find_output(output))
    if _DATE.fullmatch(text):
        return _of_night(text, find_output(output))
    if RUN_ID.fullmatch(text):
        folder = find_output(output)
        if not (folder / text).is_dir():
            raise ConfigError(f"{folder} has no run {text}", _runs_in(folder))
        return folder / text
    if not path.is_dir():
        raise ConfigError(f"{text}: there is no such run", GIVE)
    if not (path / FILE).exists() and _holds_runs(path):
        said = f"{text} holds runs, and is not one itself"
        raise ConfigError(said, f"give one of them, such as {text}/latest")
    return path  # who reads it says what is wrong with it


def find_runs(text: str, output: Path | None) -> list[Path]:
    """Return the folder of a run, or those of all runs in an output folder, oldest first.

    Raises ConfigError when it is neither.
    """
    folder = Path(text)
    if not (folder / FILE).exists() and _holds_runs(folder):
        return [folder / name for name in _run_names(folder)]
    return [find_run(text, output)]


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
            f"give both runs; {_runs_in(path.parent)}",
        )
    return path.parent / before.run.id


def _latest(folder: Path) -> Path:
    latest = folder / LATEST
    if not latest.is_dir():
        raise ConfigError(f"{folder} has no {LATEST} run", _runs_in(folder))
    return folder / latest.resolve().name if latest.is_symlink() else latest


def _of_night(text: str, folder: Path) -> Path:
    try:
        night = date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text} is no day of the calendar", GIVE) from None
    found = night_of(folder, night)
    if found is None:
        days = {run_date(name) for name in _run_names(folder)}
        near = sorted(sorted(days, key=lambda day: abs((day - night).days))[:_MOST_LISTED])
        hint = f"near it are {_listed(near)}" if near else "there is no run in it"
        raise ConfigError(f"{folder} has no run of the night {night}", hint)
    return folder / found.run.id


def _run_names(folder: Path) -> list[str]:
    """Return the names of the run folders in an output folder, oldest first."""
    try:
        return run_names(folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"{folder}: cannot be read: {reason}", GIVE) from None


def _runs_in(folder: Path) -> str:
    """Return which runs an output folder has, as a hint."""
    names = _run_names(folder)
    if not names:
        return "there is no run in it"
    said = f"there {'is' if len(names) == 1 else 'are'} {_listed(names[-_MOST_LISTED:])}"
    more = len(names) - _MOST_LISTED
    return f"{said}, and {more} earlier ones" if more > 0 else said


def _listed(things: Iterable[object]) -> str:
    return listed([str(thing) for thing in things], most=_MOST_LISTED)

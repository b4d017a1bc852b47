"""Which run is meant by a path, an id, a date or ``latest``."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from reportgen.errors import ConfigError
from reportgen.nights import night_before as last_night_before
from reportgen.nights import night_of, run_date, run_names
from reportgen.numbers import listed
from reportgen.past.places import find_output, holds_runs
from reportgen.publish import LATEST, RUN_ID
from reportgen.summary import FILE

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOST_LISTED = 8
GIVE = f"give a run folder, the id of a run, {LATEST}, or a night such as 2026-11-23"


def find_run(text: str, output: Path | None, *, here: Path) -> Path:
    """Give the folder of a run.

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
    """Give the folder of a run, or those of all runs in an output folder, oldest first.

    Raises ConfigError when it is neither.
    """
    folder = Path(text)
    if not (folder / FILE).exists() and holds_runs(folder):
        return [folder / name for name in _names(folder)]
    return [find_run(text, output, here=here)]


def night_before(run: Path) -> Path:
    """Return the run that stands for the night before that of a run, in the same output folder.

    Raises ConfigError when there is none that can be read.
    """
    path = run.resolve()
    if path.name not in _names(path.parent):
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
    raise ConfigError(f"{folder} has no {LATEST} run", _hint(_names(folder)))


def _of_id(run_id: str, folder: Path) -> Path:
    if (folder / run_id).is_dir():
        return folder / run_id
    raise ConfigError(f"{folder} has no run {run_id}", _hint(_names(folder)))


def _of_night(night: date, folder: Path) -> Path:
    found = night_of(folder, night)
    if found is not None:
        return folder / found.run.id
    days = {run_date(name) for name in _names(folder)}
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


def _names(folder: Path) -> list[str]:
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

"""Runs that are added to a history later, from their records."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from reportgen.errors import ConfigError
from reportgen.history import HistoryError, open_history
from reportgen.history.store import History
from reportgen.summary import Record, Summary, read_summary


class AddedRun(Record):
    """What became of a run that should be added."""

    folder: str
    run: str = ""
    report: str = ""
    history: str = ""
    """The database as people know it."""
    outcome: Literal["new", "known", "not a run"]
    """known: it was there, and has the values of this record now."""
    message: str = ""
    """Why it is not a run."""


class Imported(Record):
    """What became of all runs that should be added."""

    runs: tuple[AddedRun, ...]


@dataclass(frozen=True)
class Added:
    """Runs that were looked at, in this order. trouble: why the others were not added."""

    runs: tuple[AddedRun, ...]
    left: int = 0
    trouble: HistoryError | None = None


def add_runs(folders: Iterable[Path], where: Callable[[Path], str | Path]) -> Added:
    """Add runs to histories. where: gives the place of the history of a run folder.

    Whatever is not a run is left out and says why. A history that refuses ends it all: the next
    run would wait for it as long.
    """
    folders = list(folders)
    done: list[AddedRun] = []
    opened: dict[str, History] = {}
    try:
        for folder in folders:
            done.append(_add(folder, str(where(folder)), opened))
    except HistoryError as error:
        return Added(tuple(done), len(folders) - len(done), error)
    finally:
        for history in opened.values():
            history.close()
    return Added(tuple(done))


def _add(folder: Path, place: str, opened: dict[str, History]) -> AddedRun:
    try:
        summary = read_summary(folder)
        _check_time(summary, folder)
    except ConfigError as error:
        return AddedRun(folder=str(folder), outcome="not a run", message=error.message)
    if place not in opened:
        opened[place] = open_history(place)
    history = opened[place]
    is_new = history.add(summary, folder)
    return AddedRun(
        folder=str(folder),
        run=summary.run.id,
        report=summary.report.id,
        history=history.place,
        outcome="new" if is_new else "known",
    )


def _check_time(summary: Summary, folder: Path) -> None:
    try:
        datetime.fromisoformat(summary.run.started)
    except ValueError:
        said = f"{folder}: the start of the run is {summary.run.started!r}, which is not a time"
        raise ConfigError(said) from None


def said_of(added: Added) -> Iterator[str]:
    """Say what became of the runs, history by history."""
    for place in dict.fromkeys(run.history for run in added.runs if run.history):
        ours = [run for run in added.runs if run.history == place]
        for run in ours:
            yield f"{run.outcome:<5}  {run.report}  {run.run}"
        new = sum(run.outcome == "new" for run in ours)
        known = len(ours) - new
        yield (
            f"{new} {'run is' if new == 1 else 'runs are'} new in {place}, "
            f"{known} {'was' if known == 1 else 'were'} there before."
        )

"""Runs that are added to a history later, from their records."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reportgen.errors import ConfigError
from reportgen.quality.history import HistoryError, open_history
from reportgen.record import Record, read_summary

if TYPE_CHECKING:
    from reportgen.quality.history.store import History


class ImportedRun(Record):
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

    runs: tuple[ImportedRun, ...]


@dataclass(frozen=True)
class Import:
    """Runs that were looked at, in this order. trouble: why the others were not added."""

    runs: tuple[ImportedRun, ...]
    left: int = 0
    trouble: HistoryError | None = None


def add_runs(folders: Iterable[Path], where: Callable[[Path], str | Path]) -> Import:
    """Add runs to histories. where: gives the place of the history of a run folder.

    Whatever is not a run is left out and says why. A history that refuses ends it all: the next
    run would wait for it as long.
    """
    folders = list(folders)
    done: list[ImportedRun] = []
    opened: dict[str, History] = {}
    with ExitStack() as stack:
        try:
            for folder in folders:
                place = str(where(folder))
                if place not in opened:
                    opened[place] = stack.enter_context(open_history(place))
                done.append(_add(folder, opened[place]))
        except HistoryError as error:
            return Import(tuple(done), len(folders) - len(done), error)
    return Import(tuple(done))


def _add(folder: Path, history: "History") -> ImportedRun:
    try:
        summary = read_summary(folder)
    except ConfigError as error:
        return ImportedRun(folder=str(folder), outcome="not a run", message=error.message)
    is_new = history.add(summary, folder)
    return ImportedRun(
        folder=str(folder),
        run=summary.run.id,
        report=summary.report.id,
        history=history.place,
        outcome="new" if is_new else "known",
    )

"""Runs that are added to a history later, from their records."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reportgen.errors import ConfigError
from reportgen.quality.history import open_history
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


def add_runs(folders: Iterable[Path], where: Callable[[Path], str | Path]) -> Iterator[ImportedRun]:
    """Add runs to histories, one after the other. where: the place of the history of a run folder.

    Whatever is not a run is left out and says why. Raises HistoryError when a history refuses: the
    next run would wait for it as long.
    """
    opened: dict[str, History] = {}
    with ExitStack() as stack:
        for folder in folders:
            place = str(where(folder))
            if place not in opened:
                opened[place] = stack.enter_context(open_history(place))
            try:
                summary = read_summary(folder)
            except ConfigError as error:
                yield ImportedRun(folder=str(folder), outcome="not a run", message=error.message)
                continue
            is_new = opened[place].add(summary, folder)
            yield ImportedRun(
                folder=str(folder),
                run=summary.run.id,
                report=summary.report.id,
                history=opened[place].place,
                outcome="new" if is_new else "known",
            )

"""Nights in a database: every run's metrics, verdicts, inputs, versions and durations."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.quality.history.store import History

FILE = "history.sqlite"
"""Name of the database in an output folder, unless another one is given."""

WAIT_SECONDS = 30.0  # a run is written in milliseconds: whoever holds a lock longer is stuck


def open_history(where: str | Path, *, wait_seconds: float = WAIT_SECONDS) -> "History":
    """Return the history in a SQLite file or at an SQLAlchemy URL; a context manager.

    Nothing is read or made before it is needed: the first run that is added makes the database,
    and there are no nights in one that is not there. wait_seconds: how long to wait for others
    who are writing.
    Raises HistoryError when the place is wrong or its driver is missing.
    """
    from reportgen.quality.history.store import History  # SQLAlchemy takes 0.2 s to import

    return History(where, wait_seconds)

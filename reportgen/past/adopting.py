"""Runs that were published but never came into the history."""

from contextlib import suppress
from itertools import takewhile
from pathlib import Path

from reportgen.errors import ConfigError
from reportgen.history.nightly import NightlyHistory
from reportgen.nights import list_runs
from reportgen.summary import read_summary


def adopt_runs(history: NightlyHistory, report: str, folder: Path) -> None:
    """Add the newest runs of an output folder that a history lacks, the oldest of them first.

    Their builds were killed once they were published, or the database is new. A run whose record
    cannot be read is passed over; the list of nights shows it.
    """
    if not folder.is_dir():
        return
    known = {each.run for each in history.runs(report)}
    newest_first = list_runs(folder, remember=False)[::-1]
    missing = list(takewhile(lambda entry: entry.id not in known, newest_first))
    for entry in missing[::-1]:
        with suppress(ConfigError):
            history.add(read_summary(folder / entry.id), folder / entry.id)

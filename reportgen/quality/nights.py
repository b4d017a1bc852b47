"""The runs of an output folder, and which of them stands for its night."""

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.errors import ConfigError
from reportgen.quality.history.records import (
    RunEntry,
    origin_text,
    record_stamp,
    run_entry,
    run_number,
)
from reportgen.record import read_summary
from reportgen.run_folder import RUN_ID

if TYPE_CHECKING:
    from reportgen.quality.history.store import History

DOCUMENTS = {"html": "report.html", "pdf": "report.pdf"}
"""File of each document in a run folder, by its form."""


@dataclass(frozen=True)
class Night:
    """A night. run: the one that stands for it. others: its other runs, newest first."""

    date: date
    run: RunEntry
    others: tuple[RunEntry, ...] = ()


def nights(runs: Iterable[RunEntry]) -> list[Night]:
    """Return the nights of some runs, oldest first.

    The newest run stands for its night; a partial one, one whose folder is gone, or one whose
    record cannot be read, does only where there is no other.
    """
    by_night = groupby(in_order(runs), lambda run: run.night)
    return [_night(day, list(group)) for day, group in by_night]


def in_order(runs: Iterable[RunEntry]) -> list[RunEntry]:
    """Return runs oldest first."""
    return sorted(runs, key=lambda run: (run.started, run.number))


def _night(day: date, runs: list[RunEntry]) -> Night:
    # max gives the first of equals, so the newest must come first.
    newest_first = runs[::-1]
    standing = max(newest_first, key=lambda r: (r.status is not None, not r.partial, r.is_here))
    return Night(day, standing, tuple(run for run in newest_first if run is not standing))


def list_runs(
    folder: Path,
    stored: Iterable[RunEntry] = (),
    metrics: Collection[str] = (),
    *,
    is_own: bool = True,
) -> list[RunEntry]:
    """Return the runs of an output folder, oldest first; those that cannot be read say why.

    stored: runs that the history has, so that only the records of others are read; those whose
    folder is gone are listed too. is_own: whether the history has this report of no other folder.
    metrics: which to give, as ``section.metric``.
    """
    known, found, origin = {}, {}, origin_text(folder)
    for run in stored:
        known[run.id, run.stamp] = run
        if _is_run(run.id) and (is_own or run.origin == origin):
            found[run.id] = replace(run, is_here=False, documents={})
    for name in run_names(folder):
        here = known.get((name, record_stamp(folder / name)))
        found[name] = here or _read_run(folder / name, metrics)
    return in_order(found.values())


def import_runs(history: "History", report: str, folder: Path) -> None:
    """Add the runs of an output folder that a history lacks, or has as they were before.

    A run whose record cannot be read is passed over; lists of runs show it.
    Raises HistoryError when the database refuses.
    """
    known = {(run.id, run.stamp) for run in history.runs(report, folder)}
    for name in run_names(folder):
        if (name, record_stamp(folder / name)) not in known:
            with suppress(ConfigError):
                summary = read_summary(folder / name)
                if summary.run.id == name:
                    history.add(summary, folder / name)


def night_before(folder: Path, night: date) -> Night | None:
    """Return the last night before one that has a run whose record can be read."""
    days = {day for name in run_names(folder) if (day := run_date(name)) < night}
    found = (night_of(folder, day) for day in sorted(days, reverse=True))
    return next((each for each in found if each and each.run.status is not None), None)


def night_of(folder: Path, day: date) -> Night | None:
    """Return a night of an output folder, by the records of its runs."""
    names = [name for name in run_names(folder) if run_date(name) == day]
    return next(iter(nights(_read_run(folder / name) for name in names)), None)


def run_names(folder: Path) -> list[str]:
    """Return the names of the run folders in an output folder, oldest first."""
    try:
        with os.scandir(folder) as inside:
            names = [item.name for item in inside if _is_run(item.name) and item.is_dir()]
    except FileNotFoundError:
        return []
    return sorted(names, key=_place)


def run_date(name: str) -> date:
    """Return the night of a run, by the name of its folder."""
    return _place(name)[0].date()


def _is_run(name: str) -> bool:
    try:
        return RUN_ID.fullmatch(name) is not None and bool(_place(name))
    except ValueError:
        return False


def _place(name: str) -> tuple[datetime, int]:
    """Return the start of a run and its number, by the name of its folder."""
    started = datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%SZ")
    return started.replace(tzinfo=UTC), run_number(name)


def _read_run(folder: Path, metrics: Collection[str] = ()) -> RunEntry:
    """Return a run by its record; one that cannot be read with the documents that are there."""
    try:
        started, number = _place(folder.name)  # a copied run has the name of another
        entry = run_entry(read_summary(folder), folder, metrics)
        return replace(entry, id=folder.name, started=started, number=number)
    except ConfigError as error:
        why = error.message.removeprefix(f"{folder}/").replace(": ", " ", 1).replace(": : ", ": ")
        there = {form: file for form, file in DOCUMENTS.items() if (folder / file).is_file()}
        return RunEntry(folder.name, *_place(folder.name), None, f"{why}.", documents=there)

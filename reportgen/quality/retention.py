"""Retention: which old runs of an output folder are deleted, and how."""

import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from reportgen.config.schema import KeepBlock
from reportgen.quality.history.records import RunEntry
from reportgen.quality.nights import DOCUMENTS, in_order, nights
from reportgen.record import FILE, read_regular
from reportgen.run_folder import DELETING, LATEST, LINK, RUN_ID, finish_deletions, publishing_errors

_FORMAT = "reportgen-run/"
_OWN = frozenset({FILE, LINK, *DOCUMENTS.values()})
# What file managers leave behind when somebody only looks.
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def to_delete(
    runs: Iterable[RunEntry], keep: KeepBlock, now: datetime, protected: Collection[str] = ()
) -> list[str]:
    """Return the ids of the runs that need not be kept, oldest first.

    All runs of the last nights stay, as running a night again replaces nothing, and the newest of
    each of the last months; nights and months without a run do not count.
    now: runs that started later, by a clock that was wrong, stay and do not count.
    protected: ids that stay whatever the rules say. So do the newest run and runs whose record
    cannot be read.
    """
    known = in_order(run for run in runs if run.is_here)
    counted = [run for run in known if run.started <= now and run.status is not None]
    of_night = [night.run for night in nights(counted)]
    of_month = {(run.started.year, run.started.month): run.id for run in of_night}
    last = {run.night for run in of_night[-keep.nights :]}
    staying = {*protected, *(run.id for run in known[-1:])}
    staying.update(run.id for run in counted if run.night in last)
    staying.update(list(of_month.values())[-keep.monthly :] if keep.monthly else ())
    return [run.id for run in counted if run.id not in staying]


def delete_runs(
    folder: Path,
    runs: Iterable[RunEntry],
    keep: KeepBlock,
    *,
    now: datetime,
    protected: Collection[str] = (),
) -> dict[str, str]:
    """Delete the runs of an output folder that need not be kept. runs: all that it has.

    To be called while no other build can run, in the block of ``new_run``. protected: ids of
    runs that stay, such as references; so does what ``latest`` points at.
    Returns by id why some old runs stay, see `not_ours`.
    Raises PublishError when the folder cannot be written; runs are then deleted whole or not.
    """
    latest = folder / LATEST
    protected = {*protected, latest.resolve().name}
    if latest.is_symlink():
        protected.add(latest.readlink().name)
    foreign: dict[str, str] = {}
    with publishing_errors(folder, "the report was published"):
        finish_deletions(folder)
        for run_id in to_delete(runs, keep, now, protected):
            if reason := not_ours(folder / run_id):
                foreign[run_id] = reason
                continue
            # A reader never meets half a run, and a deletion that is killed is finished later.
            hidden = folder / f"{DELETING}{run_id}"
            (folder / run_id).rename(hidden)
            shutil.rmtree(hidden, ignore_errors=True)
    return foreign


def not_ours(run: Path) -> str:
    """Return why a folder must not be deleted; empty when it is a run and nothing but a run.

    A run is a real folder, named as reportgen names runs, whose summary.json has our format and
    its name, and that holds no file but those that summary.json lists, its documents and itself.
    """
    if run.is_symlink() or not run.is_dir() or not RUN_ID.fullmatch(run.name):
        return "it is not a folder that reportgen made"
    try:
        record = json.loads(read_regular(run / FILE))
        named = (record["format"].startswith(_FORMAT), record["run"]["id"] == run.name)
        extra = sorted(set(_files(run)) - _OWN - set(_listed(record)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"its {FILE} is damaged"
    except OSError as error:
        return f"{error.filename} cannot be read: {error.strerror}"
    if not all(named):
        return f"its {FILE} is of another run"
    return f"it holds {extra[0]}, which reportgen did not write" if extra else ""


def _files(folder: Path) -> Iterator[str]:
    """Return all that is not a folder, and links even to folders, relative to a folder."""

    def refused(error: OSError) -> None:
        raise error

    for parent, folders, files in os.walk(folder, onerror=refused):
        inside = Path(parent)
        links = [name for name in folders if (inside / name).is_symlink()]
        for name in (*files, *links):
            if name not in _LITTER:
                yield (inside / name).relative_to(folder).as_posix()


def _listed(part: Any) -> Iterator[str]:
    """Return the files that a record names: under ``file`` and ``files``, wherever they stand.

    Read as plain JSON, so that runs of former versions are known as well.
    """
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "file" and isinstance(value, str):
                yield value
            elif key == "files" and isinstance(value, dict):
                yield from (file for file in value.values() if isinstance(file, str))
            else:
                yield from _listed(value)
    elif isinstance(part, list):
        for item in part:
            yield from _listed(item)

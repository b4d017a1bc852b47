"""The history as a build uses it: SQLite files are read and written without SQLAlchemy.

To import SQLAlchemy takes an eighth of the time of a build of which nothing has changed. So here is
what such a build asks, in SQLite's words, of a file of this version that this user may write.
Whatever is unusual, from another version to an error, is left to ``History``, which asks the same.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from reportgen.history.records import MetricTable, NightRun
from reportgen.history.rows import RUNS, VERSION, run_rows
from reportgen.history.tables import gather_table
from reportgen.summary import Summary

if TYPE_CHECKING:
    from reportgen.history.store import History

_RUN = "id, report, run, origin, night, started, status, seconds, partial"
_RUNS = f"SELECT {_RUN} FROM reportgen_runs WHERE report = :report"  # noqa: S608 - constants
_PICKED = f"""
SELECT {_RUN} FROM (
    SELECT {_RUN}, row_number() OVER (
        PARTITION BY night ORDER BY started DESC, length(run) DESC, run DESC, id DESC
    ) AS place
    FROM reportgen_runs WHERE report = :report AND NOT partial AND night <= :until
) WHERE place = 1 ORDER BY night DESC LIMIT :most
"""  # noqa: S608 - constants
_SECTIONS = f"""
SELECT run_id, section, s.status, rows_used
FROM reportgen_sections s JOIN ({_PICKED}) picked ON run_id = picked.id
"""  # noqa: S608 - constants
_METRICS = f"""
SELECT run_id, section, name, value, unit, verdict, label, digits
FROM reportgen_metrics JOIN ({_PICKED}) picked ON run_id = picked.id
"""  # noqa: S608 - constants


class _UnusualError(Exception):
    """It is not a SQLite file of this version that this user may write."""


class NightlyHistory:
    """The history of a build; a context manager. where: as for ``open_history``.

    Raises HistoryError as ``History`` does.
    """

    def __init__(self, where: str | Path) -> None:
        self._where = where
        self._path = Path(where).expanduser().absolute() if isinstance(where, Path) else None
        self._thorough: History | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thorough is not None:
            self._thorough.close()

    def runs(self, report: str) -> list[NightRun]:
        """Give all runs of a report, oldest first, partial ones too."""
        if self._is_absent():
            return []
        with suppress(_UnusualError), self._opened() as connection:
            order = " ORDER BY started, length(run), run, id"
            found = connection.execute(_RUNS + order, {"report": report})
            return [_night_run(row) for row in found.fetchall()]
        return self._history().runs(report)

    def table(self, report: str, *, until: date, most: int) -> MetricTable:
        """Give all metrics of the last nights until one."""
        if self._is_absent():
            return MetricTable((), {}, {})
        with suppress(_UnusualError), self._opened() as connection:
            wanted = {"report": report, "until": until.isoformat(), "most": most}
            connection.execute("BEGIN")  # so that all queries see one state
            newest_first = connection.execute(_PICKED, wanted).fetchall()
            sections = connection.execute(_SECTIONS, wanted).fetchall()
            metrics = connection.execute(_METRICS, wanted).fetchall()
            nights = {row["id"]: _night_run(row) for row in newest_first[::-1]}
            return gather_table(nights, map(tuple, sections), map(tuple, metrics))
        return self._history().table(report, until=until, most=most)

    def add(self, summary: Summary, folder: Path) -> bool:
        """Add a run in one transaction; say whether it is new. folder: the run folder."""
        rows = run_rows(summary, folder)
        if not self._is_absent():
            with suppress(_UnusualError), self._opened() as connection:
                with suppress(sqlite3.Error):  # refused while others have a new file open
                    connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("BEGIN IMMEDIATE")
                is_new = _put(connection, rows.run, rows.parts)
                connection.execute("COMMIT")
                return is_new
        return self._history().add(summary, folder)

    def _is_absent(self) -> bool:
        with suppress(OSError):
            return self._path is not None and not os.path.lexists(self._path)
        return False

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file; _UnusualError for whatever it says but that all is well.

        It waits for nobody: ``History`` does, if somebody else is writing.
        """
        path = self._path
        if path is None or not all(os.access(each, os.W_OK) for each in (path, path.parent)):
            raise _UnusualError
        try:
            place = f"file:{quote(str(path))}?mode=rw"
            opened = sqlite3.connect(place, timeout=0, isolation_level=None, uri=True)
            with closing(opened) as connection:  # what was not committed is undone
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA foreign_keys=ON")
                found = connection.execute("SELECT version FROM reportgen_schema").fetchall()
                if [tuple(row) for row in found] != [(VERSION,)]:
                    raise _UnusualError
                yield connection
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise _UnusualError from error

    def _history(self) -> "History":
        from reportgen.history import open_history

        if self._thorough is None:
            self._thorough = open_history(self._where)
        return self._thorough


def _put(
    connection: sqlite3.Connection,
    run: Mapping[str, Any],
    parts: Mapping[str, list[dict[str, Any]]],
) -> bool:
    """Write a run in place of what was known of it; say whether nothing was."""
    found = connection.execute(
        "SELECT id FROM reportgen_runs WHERE identity = :identity", run
    ).fetchone()
    if found is None:
        number = connection.execute(*_insertion(RUNS, run)).lastrowid
    else:
        (number,) = found
        changes = ", ".join(f"{name} = :{name}" for name in run)
        said = f"UPDATE reportgen_runs SET {changes} WHERE identity = :identity"  # noqa: S608 - names of ours
        connection.execute(said, _plain(run))
        for part in parts:
            connection.execute(f"DELETE FROM {part} WHERE run_id = ?", (number,))  # noqa: S608 - names of ours
    for part, rows in parts.items():
        for row in rows:
            connection.execute(*_insertion(part, {"run_id": number, **row}))
    return found is None


def _insertion(table: str, row: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    names = ", ".join(row)
    places = ", ".join(f":{name}" for name in row)
    return f"INSERT INTO {table} ({names}) VALUES ({places})", _plain(row)  # noqa: S608 - names of ours


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give values as SQLAlchemy writes them to SQLite."""
    return {name: _text(value) for name, value in row.items()}


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S.%f}"
    return value.isoformat() if isinstance(value, date) else value


def _night_run(row: sqlite3.Row) -> NightRun:
    return NightRun(
        report=row["report"],
        run=row["run"],
        origin=row["origin"],
        night=date.fromisoformat(row["night"]),
        started=datetime.fromisoformat(row["started"]).replace(tzinfo=UTC),
        status=row["status"],
        seconds=row["seconds"],
        partial=bool(row["partial"]),
    )

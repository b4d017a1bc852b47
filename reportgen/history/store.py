"""The history itself: runs go in, nights come out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from reportgen.history.database import (
    WRITES,
    copy_in_memory,
    database_url,
    is_absent,
    make_engine,
    reading_options,
)
from reportgen.history.errors import database_errors, is_read_only, shown_url
from reportgen.history.migrations import make_current, schema_version
from reportgen.history.nights import (
    Until,
    pick_nights,
    read_checks,
    read_metrics,
    read_nights,
    read_reports,
    read_runs,
    read_table,
)
from reportgen.history.records import (
    CheckPoint,
    Key,
    KnownMetric,
    MetricTable,
    NightRun,
    Point,
)
from reportgen.history.rows import VERSION, RunRows, run_rows
from reportgen.history.schema import METADATA, RUNS
from reportgen.summary import Summary

_ATTEMPTS = 4  # two that write to a server may both find that something is not there yet


class History:
    """Runs in a database, SQLite or another one; see `reportgen.history.open_history`.

    Of several complete runs of a night the newest counts. Whatever reads takes until, a night or
    the id of a run: nothing later is seen; most: how many nights, the last ones; and origin, an
    output folder: only its runs are seen. All raise HistoryError when the database refuses, and
    ConfigError for the id of a run that is not known.
    """

    def __init__(self, where: str | Path, wait_seconds: float) -> None:
        self._url = database_url(where)
        with database_errors(self._url):
            self._engine = make_engine(self._url, wait_seconds)
        self._is_current = False
        self._copy: Engine | None = None

    @property
    def place(self) -> str:
        """The database as people know it, without a password."""
        return shown_url(self._url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; it is opened again when it is needed."""
        if self._copy is not None:
            self._copy.dispose()
            self._copy, self._is_current = None, False
        self._engine.dispose()

    def add(self, summary: Summary, folder: Path) -> bool:
        """Add a run in one transaction; say whether it is new.

        folder: the run folder, also through a link such as ``latest``. A run that is there
        already, of the same id, report and output folder, gets the values of this record.
        """
        rows = run_rows(summary, folder)
        with database_errors(self._url):
            return self._write(lambda connection: _put(connection, rows))

    def reports(self) -> list[str]:
        """Give the ids of all reports that have runs, sorted."""
        with self._reading() as connection:
            return [] if connection is None else read_reports(connection)

    def runs(self, report: str, *, origin: Path | None = None) -> list[NightRun]:
        """Give all runs of a report, oldest first, partial ones too."""
        with self._reading() as connection:
            return [] if connection is None else read_runs(connection, report, origin)

    def nights(
        self,
        report: str,
        *,
        until: Until = None,
        most: int | None = None,
        origin: Path | None = None,
    ) -> list[NightRun]:
        """Give the run that counts for each night, oldest first."""
        with self._reading() as connection:
            if connection is None:
                return []
            return read_nights(connection, pick_nights(connection, report, until, most, origin))

    def series(
        self,
        report: str,
        section: str,
        metric: str,
        *,
        until: Until = None,
        most: int | None = 30,
        origin: Path | None = None,
    ) -> list[Point]:
        """Give a metric with a point for each night, oldest first; none when no night has it."""
        key = (section, metric)
        table = self.table(report, until=until, most=most, origin=origin, only=key)
        return table.points(key)

    def table(
        self,
        report: str,
        *,
        until: Until = None,
        most: int | None = None,
        origin: Path | None = None,
        only: Key | None = None,
    ) -> MetricTable:
        """Give all metrics, or only one, on each night."""
        with self._reading() as connection:
            if connection is None:
                return MetricTable((), {}, {})
            picked = pick_nights(connection, report, until, most, origin)
            return read_table(connection, picked, only)

    def metrics(self, report: str, *, origin: Path | None = None) -> list[KnownMetric]:
        """Give every metric that a report ever had on a night, sorted."""
        with self._reading() as connection:
            if connection is None:
                return []
            return read_metrics(connection, pick_nights(connection, report, None, None, origin))

    def checks(
        self,
        report: str,
        *,
        until: Until = None,
        most: int | None = None,
        origin: Path | None = None,
    ) -> list[CheckPoint]:
        """Give how each check ended on each night, oldest first; none before version 3."""
        with self._reading() as connection:
            if connection is None:
                return []
            return read_checks(connection, pick_nights(connection, report, until, most, origin))

    @contextmanager
    def _reading(self) -> Iterator[Connection | None]:
        """Give a connection that sees one state of the database; None when it has no history."""
        if is_absent(self._url):
            yield None
            return
        with database_errors(self._url):
            if not self._is_current:
                with self._engine.connect() as connection:
                    found = schema_version(connection, self.place)
                if found is None:
                    yield None
                    return
                if found < VERSION:
                    self._bring_up_to_date()
                self._is_current = True
            with (self._copy or self._engine).connect() as connection:
                connection.execution_options(**reading_options(self._url))
                yield connection

    def _bring_up_to_date(self) -> None:
        """Migrate the database; a SQLite file that may only be read is migrated as a copy."""
        try:
            self._write(lambda _: False)
        except OperationalError as error:
            if not is_read_only(error):
                raise
            self._copy = copy_in_memory(self._engine)
            with self._copy.begin() as connection:
                make_current(connection, self.place)

    def _write(self, change: Callable[[Connection], bool]) -> bool:
        """Change a database, first made or brought to this version, in one transaction."""
        attempt = 1
        while True:
            try:
                with self._engine.connect() as connection:
                    connection.execution_options(**{WRITES: True})
                    with connection.begin():
                        make_current(connection, self.place)
                        done = change(connection)
            except (IntegrityError, ProgrammingError):
                if attempt == _ATTEMPTS:
                    raise
                attempt += 1
            else:
                self._is_current = True
                return done


def _put(connection: Connection, rows: RunRows) -> bool:
    identity = RUNS.c.identity == rows.run["identity"]
    known = connection.execute(select(RUNS.c.id).where(identity)).scalar_one_or_none()
    parts = {METADATA.tables[name]: found for name, found in rows.parts.items()}
    if known is None:
        made = connection.execute(insert(RUNS), rows.run).inserted_primary_key
        number = None if made is None else made[0]
    else:
        number = known
        connection.execute(update(RUNS).where(identity), rows.run)
        for part in parts:
            connection.execute(delete(part).where(part.c.run_id == number))
    for part, found in parts.items():
        if found:
            connection.execute(insert(part), [{"run_id": number, **row} for row in found])
    return known is None

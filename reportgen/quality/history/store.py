"""The history itself: runs go in, nights come out."""

from collections.abc import Callable, Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Select, Subquery, and_, desc, false, func, or_, select, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from reportgen.quality.history.database import (
    WRITES,
    database_errors,
    database_url,
    is_absent,
    is_sqlite,
    make_engine,
    require_folder,
    shown_url,
)
from reportgen.quality.history.records import (
    CheckPoint,
    Key,
    KnownMetric,
    MetricTable,
    MetricValue,
    RunEntry,
    SectionNight,
    origin_text,
)
from reportgen.quality.history.rows import part_rows, put_run, run_row, stored_run
from reportgen.quality.history.schema import (
    CHECKS,
    METRICS,
    RUNS,
    SECTIONS,
    VERSION,
    make_current,
    schema_version,
)
from reportgen.record import Summary

_ATTEMPTS = 4  # two that write to a server may both find that something is not there yet
# Runs of one second have a number at the end of their id: -2, -10.
_VALUE = tuple(METRICS.c[name] for name in MetricValue._fields)
_AGE = (RUNS.c.started, func.length(RUNS.c.run), RUNS.c.run, RUNS.c.id)

T = TypeVar("T")


class History:
    """Runs in a database, SQLite or another one; see `reportgen.quality.history.open_history`.

    Of several complete runs of a night the newest counts. All raise HistoryError when the database
    refuses.
    """

    def __init__(self, where: str | Path, wait_seconds: float) -> None:
        self._url = database_url(where)
        with database_errors(self._url):
            self._engine = make_engine(self._url, wait_seconds)
        self._is_current = False

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
        self._engine.dispose()

    def add(self, summary: Summary, folder: Path) -> bool:
        """Add a run; return whether it is new.

        folder: the run folder, also through a link such as ``latest``. A run that is there
        already, of the same id, report and output folder, gets the values of this record.
        """
        rows = run_row(summary, folder), part_rows(summary)
        with database_errors(self._url):
            return self._write(lambda connection: put_run(connection, *rows))

    def require_writable(self, output: Path) -> None:
        """Raise HistoryError unless a run could be added, as far as can be said without one.

        output: a folder that will be made.
        """
        if is_absent(self._url):
            require_folder(self._url, output)
            return
        with database_errors(self._url):
            with self._engine.connect() as connection:
                found = schema_version(connection, self.place)
            if found == VERSION:  # of no other, as that would be brought to this one
                nothing = update(RUNS).where(false()).values(seconds=None)
                self._write(lambda connection: connection.execute(nothing))

    def reports(self) -> list[str]:
        """Return the ids of all reports that have runs, sorted."""
        (found,) = self._select(select(RUNS.c.report).distinct().order_by(RUNS.c.report))
        return [row.report for row in found]

    def runs(
        self, report: str, origin: Path | None = None, metrics: Collection[str] = ()
    ) -> list[RunEntry]:
        """Return all runs of a report, oldest first, partial ones too.

        origin: an output folder, whose runs are given besides, whatever their report. metrics:
        those to give with the runs, as ``section.metric``.
        """
        m = METRICS.c
        wanted = RUNS.c.report == report
        if origin is not None:
            wanted = or_(wanted, RUNS.c.origin == origin_text(origin))
        keys = (key.partition(".") for key in metrics)
        named = or_(false(), *(and_(m.section == key[0], m.name == key[2]) for key in keys))
        columns = (m.run_id, m.section, m.name, *_VALUE)
        runs, cells = self._select(
            select(RUNS).where(wanted).order_by(*_AGE),
            select(*columns).join(RUNS, m.run_id == RUNS.c.id).where(wanted, named),
        )
        values: dict[int, dict[str, MetricValue]] = {}
        for number, section, name, *value in cells:
            values.setdefault(number, {})[f"{section}.{name}"] = MetricValue(*value)
        return [stored_run(row, values.get(row.id, {})) for row in runs]

    def nights(self, report: str) -> list[RunEntry]:
        """Return the run that counts for each night, oldest first."""
        (found,) = self._select(_in_order(_nights(report)))
        return [stored_run(row) for row in found]

    def table(
        self,
        report: str,
        *,
        until: date | None = None,
        most: int | None = None,
        only: Key | None = None,
    ) -> MetricTable:
        """Return all metrics, or only one, on each night: three queries, however many there are.

        until: the last night to be seen. most: how many nights, the last ones.
        """
        picked = _nights(report, until, most)
        s, m = SECTIONS.c, METRICS.c
        of_sections = select(s.run_id, s.section, s.status, s.rows_used, s.seconds)
        of_metrics = select(m.run_id, m.section, m.name, *_VALUE)
        if only is not None:
            of_sections = of_sections.where(s.section == only[0])
            of_metrics = of_metrics.where(m.section == only[0], m.name == only[1])
        nights, sections, metrics = self._select(
            _in_order(picked),
            of_sections.join(picked, s.run_id == picked.c.id),
            of_metrics.join(picked, m.run_id == picked.c.id).order_by(m.section, m.name),
        )
        places = {row.id: place for place, row in enumerate(nights)}
        of_nights: dict[str, list[SectionNight | None]] = {}
        for number, section, *found in sections:
            row = of_nights.setdefault(section, [None] * len(places))
            row[places[number]] = SectionNight(*found)
        cells: dict[Key, list[MetricValue | None]] = {}
        for number, section, name, *value in metrics:
            of_metric = cells.setdefault((section, name), [None] * len(places))
            of_metric[places[number]] = MetricValue(*value)
        return MetricTable(tuple(map(stored_run, nights)), of_nights, cells)

    def metrics(self, report: str) -> list[KnownMetric]:
        """Return every metric that a report ever had on a night, sorted."""
        picked, columns = _nights(report), (METRICS.c.section, METRICS.c.name)
        (found,) = self._select(
            select(*columns, func.count(), func.max(picked.c.night))
            .join(picked, METRICS.c.run_id == picked.c.id)
            .group_by(*columns)
            .order_by(*columns)
        )
        return [KnownMetric(*row) for row in found]

    def checks(self, report: str) -> list[CheckPoint]:
        """Return how each check ended on each night, oldest first; none before version 3."""
        picked, c = _nights(report), CHECKS.c
        (found,) = self._select(
            select(picked.c.night, c.section, c.name, c.status, c.in_force, c.value)
            .join(picked, c.run_id == picked.c.id)
            .order_by(picked.c.night, c.section, c.name)
        )
        return [CheckPoint(*row) for row in found]

    def _select(self, *queries: Select[Any]) -> list[Sequence[Any]]:
        """Return the rows of each query, from one state of the database; none without a history."""
        nothing: list[Sequence[Any]] = [()] * len(queries)
        if is_absent(self._url):
            return nothing
        with database_errors(self._url):
            if not self._is_current:
                with self._engine.connect() as connection:
                    found = schema_version(connection, self.place)
                if found is None:
                    return nothing
                if found < VERSION:
                    self._write(lambda _: None)
                self._is_current = True
            with self._engine.connect() as connection:
                if not is_sqlite(self._url):  # which always shows one state
                    connection.execution_options(isolation_level="REPEATABLE READ")
                return [connection.execute(query).all() for query in queries]

    def _write(self, change: Callable[[Connection], T]) -> T:
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


def _nights(report: str, until: date | None = None, most: int | None = None) -> Subquery:
    """Return which run stands for each of the last nights: the newest complete one."""
    place = func.row_number().over(
        partition_by=RUNS.c.night, order_by=[desc(column) for column in _AGE]
    )
    complete = select(RUNS, place.label("place")).where(
        RUNS.c.report == report, RUNS.c.partial == false()
    )
    if until is not None:
        complete = complete.where(RUNS.c.night <= until)
    each = complete.subquery()
    newest = select(each).where(each.c.place == 1).order_by(desc(each.c.night))
    return newest.limit(most).subquery()


def _in_order(picked: Subquery) -> Select[Any]:
    return select(picked).order_by(picked.c.night)

"""The history itself: runs go in, nights come out."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from reportgen.quality.history import queries
from reportgen.quality.history.database import (
    WRITES,
    copy_in_memory,
    database_errors,
    database_url,
    is_absent,
    is_read_only,
    make_engine,
    reading_options,
    shown_url,
)
from reportgen.quality.history.records import (
    CheckPoint,
    Key,
    KnownMetric,
    MetricTable,
    NightRun,
    finite,
    metric_value,
    night_run,
)
from reportgen.quality.history.schema import (
    CHECKS,
    DATASETS,
    INPUTS,
    METRICS,
    RUNS,
    SECTIONS,
    STORED,
    VERSION,
    VERSIONS,
    make_current,
    schema_version,
)
from reportgen.record import Summary

_ATTEMPTS = 4  # two that write to a server may both find that something is not there yet

T = TypeVar("T")
_Rows = list[dict[str, Any]]


class History:
    """Runs in a database, SQLite or another one; see `reportgen.quality.history.open_history`.

    Of several complete runs of a night the newest counts. Whatever reads nights takes until, the
    last night to be seen, and most: how many nights, the last ones. All raise HistoryError when
    the database refuses.
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
        """Add a run; return whether it is new.

        folder: the run folder, also through a link such as ``latest``. A run that is there
        already, of the same id, report and output folder, gets the values of this record.
        """
        return self.add_all([(summary, folder)]) == [True]

    def add_all(self, runs: Iterable[tuple[Summary, Path]]) -> list[bool]:
        """Add runs in one transaction, as `add` does; return which of them are new."""
        rows = [(_run_row(*run), _part_rows(run[0])) for run in runs]
        with database_errors(self._url):
            return self._write(lambda connection: [_put(connection, *each) for each in rows])

    def reports(self) -> list[str]:
        """Return the ids of all reports that have runs, sorted."""
        with self._reading() as connection:
            return [] if connection is None else queries.read_reports(connection)

    def runs(
        self, report: str, origin: Path | None = None, metrics: Collection[str] = ()
    ) -> list[NightRun]:
        """Return all runs of a report, oldest first, partial ones too.

        origin: an output folder, whose runs are given besides, whatever their report. metrics:
        those to give with the runs, as ``section.metric``.
        """
        with self._reading() as connection:
            if connection is None:
                return []
            return queries.read_runs(connection, report, origin, metrics)

    def nights(
        self, report: str, *, until: date | None = None, most: int | None = None
    ) -> list[NightRun]:
        """Return the run that counts for each night, oldest first."""
        with self._reading() as connection:
            if connection is None:
                return []
            picked = queries.pick_nights(report, until, most)
            return list(queries.read_nights(connection, picked).values())

    def table(
        self,
        report: str,
        *,
        until: date | None = None,
        most: int | None = None,
        only: Key | None = None,
    ) -> MetricTable:
        """Return all metrics, or only one, on each night."""
        with self._reading() as connection:
            if connection is None:
                return MetricTable()
            picked = queries.pick_nights(report, until, most)
            return queries.read_table(connection, picked, only)

    def metrics(self, report: str) -> list[KnownMetric]:
        """Return every metric that a report ever had on a night, sorted."""
        with self._reading() as connection:
            if connection is None:
                return []
            return queries.read_metrics(connection, queries.pick_nights(report, None, None))

    def checks(self, report: str, *, most: int | None = None) -> list[CheckPoint]:
        """Return how each check ended on each night, oldest first; none before version 3."""
        with self._reading() as connection:
            if connection is None:
                return []
            return queries.read_checks(connection, queries.pick_nights(report, None, most))

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
            self._write(lambda _: None)
        except OperationalError as error:
            if not is_read_only(error):
                raise
            self._copy = copy_in_memory(self._engine)
            with self._copy.begin() as connection:
                make_current(connection, self.place)

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


def _put(connection: Connection, run: dict[str, Any], parts: Mapping[Table, _Rows]) -> bool:
    """Write a run in place of what was known of it; return whether nothing was."""
    identity = RUNS.c.identity == run["identity"]
    known = connection.execute(select(RUNS.c.id).where(identity)).scalar_one_or_none()
    if known is None:
        made = connection.execute(insert(RUNS), run).inserted_primary_key
        number = None if made is None else made[0]
    else:
        number = known
        connection.execute(update(RUNS).where(identity), run)
        for part in parts:
            connection.execute(delete(part).where(part.c.run_id == number))
    for part, rows in parts.items():
        if rows:
            connection.execute(insert(part), [{"run_id": number, **row} for row in rows])
    return known is None


def _run_row(summary: Summary, folder: Path) -> dict[str, Any]:
    run = night_run(summary, folder)
    identity = "\0".join((run.report, run.run, run.origin))
    return {
        **{name: getattr(run, name) for name in STORED},
        "identity": sha256(identity.encode()).hexdigest(),
        "started": run.started.replace(tzinfo=None),  # not every database keeps a time zone
        "configuration": summary.configuration.sha256,
        "git_commit": summary.environment.commit,
    }


def _part_rows(summary: Summary) -> dict[Table, _Rows]:
    """Return the rows that belong to a run, by table; checks of the whole run have no section."""
    of_sections = [(section.id, section.checks) for section in summary.sections]
    return {
        SECTIONS: [
            {
                "section": section.id,
                "status": section.status,
                "seconds": finite(section.seconds),
                "title": section.title,
                "rows_used": section.rows,
            }
            for section in summary.sections
        ],
        METRICS: [
            {
                "section": section.id,
                "name": name,
                "label": metric.label,
                "unit": metric.unit,
                "value": metric_value(metric, section.status),
                "verdict": metric.verdict,
                "digits": metric.digits,
            }
            for section in summary.sections
            for name, metric in section.metrics.items()
        ],
        CHECKS: [
            {
                "section": section,
                "name": check.id,
                "status": check.status,
                "waived": check.waived,
                "in_force": check.in_force,
                "message": check.message,
            }
            for section, checks in (*of_sections, ("", summary.checks))
            for check in checks
        ],
        INPUTS: [
            {"place": place, **record.model_dump(include={"path", "sha256", "bytes", "error"})}
            for place, record in enumerate(summary.inputs)
        ],
        DATASETS: [
            {"place": place, "number": number, "name": dataset.name, "rows": dataset.rows}
            for place, record in enumerate(summary.inputs)
            for number, dataset in enumerate(record.datasets)
        ],
        VERSIONS: [
            {"name": name, "version": version}
            for name, version in summary.environment.versions.items()
        ],
    }

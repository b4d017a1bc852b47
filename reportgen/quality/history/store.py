"""The history itself: runs go in, nights come out."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from reportgen.quality.history import queries
from reportgen.quality.history.database import (
    WRITES,
    database_errors,
    database_url,
    is_absent,
    is_sqlite,
    make_engine,
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
        return self.add_all([(summary, folder)]) == [True]

    def add_all(self, runs: Iterable[tuple[Summary, Path]]) -> list[bool]:
        """Add runs in one transaction, as `add` does; return which of them are new."""
        rows = [(_run_row(*run), _part_rows(run[0])) for run in runs]
        with database_errors(self._url):
            return self._write(lambda connection: [_put(connection, *each) for each in rows])

    def reports(self) -> list[str]:
        """Return the ids of all reports that have runs, sorted."""
        return self._read(queries.read_reports, [])

    def runs(
        self, report: str, origin: Path | None = None, metrics: Collection[str] = ()
    ) -> list[NightRun]:
        """Return all runs of a report, oldest first, partial ones too.

        origin: an output folder, whose runs are given besides, whatever their report. metrics:
        those to give with the runs, as ``section.metric``.
        """
        return self._read(lambda c: queries.read_runs(c, report, origin, metrics), [])

    def nights(
        self, report: str, *, until: date | None = None, most: int | None = None
    ) -> list[NightRun]:
        """Return the run that counts for each night, oldest first."""
        picked = queries.pick_nights(report, until, most)
        return self._read(lambda c: list(queries.read_nights(c, picked).values()), [])

    def table(
        self,
        report: str,
        *,
        until: date | None = None,
        most: int | None = None,
        only: Key | None = None,
    ) -> MetricTable:
        """Return all metrics, or only one, on each night."""
        picked = queries.pick_nights(report, until, most)
        return self._read(lambda c: queries.read_table(c, picked, only), MetricTable())

    def metrics(self, report: str) -> list[KnownMetric]:
        """Return every metric that a report ever had on a night, sorted."""
        picked = queries.pick_nights(report, None, None)
        return self._read(lambda c: queries.read_metrics(c, picked), [])

    def checks(self, report: str, *, most: int | None = None) -> list[CheckPoint]:
        """Return how each check ended on each night, oldest first; none before version 3."""
        picked = queries.pick_nights(report, None, most)
        return self._read(lambda c: queries.read_checks(c, picked), [])

    def _read(self, query: Callable[[Connection], T], nothing: T) -> T:
        """Return what a query finds in one state of the database; nothing if it has no history."""
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
                return query(connection)

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
                **section.model_dump(include={"status", "title"}),
                "section": section.id,
                "seconds": finite(section.seconds),
                "rows_used": section.rows,
            }
            for section in summary.sections
        ],
        METRICS: [
            {
                **metric.model_dump(include={"label", "unit", "verdict", "digits"}),
                "section": section.id,
                "name": name,
                "value": metric_value(metric, section.status),
            }
            for section in summary.sections
            for name, metric in section.metrics.items()
        ],
        CHECKS: [
            {
                **check.model_dump(include={"status", "waived", "in_force", "message"}),
                "section": section,
                "name": check.id,
            }
            for section, checks in (*of_sections, ("", summary.checks))
            for check in checks
        ],
        INPUTS: [
            {"place": place, **record.model_dump(include={"path", "sha256", "bytes", "error"})}
            for place, record in enumerate(summary.inputs)
        ],
        DATASETS: [
            {"place": place, "number": number, **dataset.model_dump(include={"name", "rows"})}
            for place, record in enumerate(summary.inputs)
            for number, dataset in enumerate(record.datasets)
        ],
        VERSIONS: [
            {"name": name, "version": version}
            for name, version in summary.environment.versions.items()
        ],
    }

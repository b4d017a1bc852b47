"""What the history asks the database: nights, their newest runs, metrics over them."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Subquery,
    and_,
    desc,
    false,
    func,
    or_,
    select,
)

from reportgen.errors import ConfigError
from reportgen.history.records import CheckPoint, Key, KnownMetric, MetricTable, NightRun
from reportgen.history.rows import origin_text
from reportgen.history.schema import CHECKS, METRICS, RUNS, SECTIONS
from reportgen.history.tables import gather_table
from reportgen.summary import Status

Until = date | str | None
"""A night, or the id of a run: nothing later counts. None for all."""

_RUN = tuple(
    RUNS.c[name]
    for name in (
        "id",
        "report",
        "run",
        "origin",
        "night",
        "started",
        "status",
        "seconds",
        "partial",
    )
)
# Runs of one second have a number at the end of their id: -2, -10.
_AGE: tuple[ColumnElement[Any], ...] = (
    RUNS.c.started,
    func.length(RUNS.c.run),
    RUNS.c.run,
    RUNS.c.id,
)


def read_reports(connection: Connection) -> list[str]:
    """Give the ids of all reports that have runs, sorted."""
    found = select(RUNS.c.report).distinct().order_by(RUNS.c.report)
    return list(connection.execute(found).scalars())


def read_runs(connection: Connection, report: str, origin: Path | None) -> list[NightRun]:
    """Give all runs of a report, oldest first."""
    wanted = select(*_RUN).where(*_of(report, origin)).order_by(*_AGE)
    return [_night_run(row) for row in connection.execute(wanted)]


def read_nights(connection: Connection, picked: Subquery) -> list[NightRun]:
    """Give the runs that were picked, oldest first."""
    wanted = select(*(picked.c[column.name] for column in _RUN)).order_by(picked.c.night)
    return [_night_run(row) for row in connection.execute(wanted)]


def read_table(connection: Connection, picked: Subquery, only: Key | None) -> MetricTable:
    """Give the metrics of the runs that were picked, or only one of them.

    Three queries, however many nights and metrics.
    """
    wanted = select(*(picked.c[column.name] for column in _RUN)).order_by(picked.c.night)
    nights = {row.id: _night_run(row) for row in connection.execute(wanted)}
    sections = select(
        SECTIONS.c.run_id, SECTIONS.c.section, SECTIONS.c.status, SECTIONS.c.rows_used
    ).join(picked, SECTIONS.c.run_id == picked.c.id)
    metrics = select(
        METRICS.c.run_id,
        METRICS.c.section,
        METRICS.c.name,
        METRICS.c.value,
        METRICS.c.unit,
        METRICS.c.verdict,
        METRICS.c.label,
        METRICS.c.digits,
    ).join(picked, METRICS.c.run_id == picked.c.id)
    if only is not None:
        sections = sections.where(SECTIONS.c.section == only[0])
        metrics = metrics.where(METRICS.c.section == only[0], METRICS.c.name == only[1])
    found = (connection.execute(query) for query in (sections, metrics))
    return gather_table(nights, *(map(tuple, rows) for rows in found))


def read_metrics(connection: Connection, picked: Subquery) -> list[KnownMetric]:
    """Give every metric that any of the runs that were picked has."""
    columns = (METRICS.c.section, METRICS.c.name)
    wanted = (
        select(*columns, func.count(), func.max(picked.c.night))
        .join(picked, METRICS.c.run_id == picked.c.id)
        .group_by(*columns)
        .order_by(*columns)
    )
    return [KnownMetric(*row) for row in connection.execute(wanted)]


def read_checks(connection: Connection, picked: Subquery) -> list[CheckPoint]:
    """Give how every check ended in the runs that were picked, oldest first."""
    columns = [CHECKS.c[name] for name in CheckPoint._fields[2:]]
    wanted = (
        select(picked.c.night, picked.c.run, *columns)
        .join(picked, CHECKS.c.run_id == picked.c.id)
        .order_by(picked.c.night, CHECKS.c.section, CHECKS.c.name)
    )
    return [CheckPoint(*row) for row in connection.execute(wanted)]


def pick_nights(
    connection: Connection, report: str, until: Until, most: int | None, origin: Path | None
) -> Subquery:
    """Say which run stands for each of the last nights: the newest complete one.

    Raises ConfigError for a run that is not known.
    """
    wanted = [*_of(report, origin), RUNS.c.partial == false()]
    if until is not None:
        wanted.append(_not_after(connection, report, until, origin))
    place = func.row_number().over(
        partition_by=RUNS.c.night, order_by=[desc(column) for column in _AGE]
    )
    ranked = select(*_RUN, place.label("place")).where(*wanted).subquery()
    newest = select(ranked).where(ranked.c.place == 1).order_by(desc(ranked.c.night))
    return newest.limit(most).subquery()


def _of(report: str, origin: Path | None) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [RUNS.c.report == report]
    if origin is not None:
        wanted.append(RUNS.c.origin == origin_text(origin))
    return wanted


def _not_after(
    connection: Connection, report: str, until: date | str, origin: Path | None
) -> ColumnElement[bool]:
    if isinstance(until, date):
        return RUNS.c.night <= until
    started = connection.execute(
        select(func.max(RUNS.c.started)).where(*_of(report, origin), RUNS.c.run == until)
    ).scalar_one()
    if started is None:
        started = _time_of(until, report)
    length = func.length(RUNS.c.run)
    return or_(
        RUNS.c.started < started,
        and_(
            RUNS.c.started == started,
            or_(length < len(until), and_(length == len(until), RUNS.c.run <= until)),
        ),
    )


def _time_of(run: str, report: str) -> datetime:
    """Give the start of a run that is not in the history (yet), which its id says."""
    try:
        return datetime.strptime(run[:16], "%Y%m%dT%H%M%SZ")
    except ValueError:
        raise ConfigError(
            f"the history has no run {run!r} of report {report!r}",
            "`reportgen history` lists the runs; a run folder adds itself with `history import`",
        ) from None


def _night_run(row: Row[Any]) -> NightRun:
    return NightRun(
        report=row.report,
        run=row.run,
        origin=row.origin,
        night=row.night,
        started=row.started.replace(tzinfo=UTC),
        status=cast("Status", row.status),
        seconds=row.seconds,
        partial=row.partial,
    )

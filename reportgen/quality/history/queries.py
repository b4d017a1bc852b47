"""What the history asks the database: runs, nights, metrics and checks over them."""

from collections.abc import Collection, Mapping
from datetime import UTC, date
from pathlib import Path
from typing import Any

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

from reportgen.quality.history.records import (
    Cell,
    CheckPoint,
    Key,
    KnownMetric,
    MetricName,
    MetricTable,
    MetricValue,
    NightRun,
    origin_text,
)
from reportgen.quality.history.schema import CHECKS, METRICS, RUNS, SECTIONS, STORED
from reportgen.record import Status

_RUN = (RUNS.c.id, *(RUNS.c[name] for name in STORED))
# Runs of one second have a number at the end of their id: -2, -10.
_AGE = (RUNS.c.started, func.length(RUNS.c.run), RUNS.c.run, RUNS.c.id)


def read_reports(connection: Connection) -> list[str]:
    """Return the ids of all reports that have runs, sorted."""
    found = select(RUNS.c.report).distinct().order_by(RUNS.c.report)
    return list(connection.execute(found).scalars())


def read_runs(
    connection: Connection, report: str, origin: Path | None, metrics: Collection[str]
) -> list[NightRun]:
    """Return all runs of a report and of an output folder, oldest first, with some metrics."""
    wanted = RUNS.c.report == report
    if origin is not None:
        wanted = or_(wanted, RUNS.c.origin == origin_text(origin))
    runs = connection.execute(select(*_RUN).where(wanted).order_by(*_AGE)).all()
    values = _read_values(connection, wanted, metrics) if metrics else {}
    return [_night_run(row, values.get(row.id, {})) for row in runs]


def _read_values(
    connection: Connection, wanted: ColumnElement[bool], metrics: Collection[str]
) -> dict[int, dict[str, MetricValue]]:
    """Return some metrics of the runs that are wanted, by the number of the run."""
    m = METRICS.c
    keys = (key.partition(".") for key in metrics)
    either = or_(*(and_(m.section == section, m.name == name) for section, _, name in keys))
    columns = (m.run_id, m.section, m.name, m.value, m.label, m.unit, m.digits)
    joined = select(*columns).join(RUNS, m.run_id == RUNS.c.id).where(wanted, either)
    found: dict[int, dict[str, MetricValue]] = {}
    for number, section, name, *value in connection.execute(joined):
        found.setdefault(number, {})[f"{section}.{name}"] = MetricValue(*value)
    return found


def pick_nights(report: str, until: date | None, most: int | None) -> Subquery:
    """Return which run stands for each of the last nights: the newest complete one."""
    place = func.row_number().over(
        partition_by=RUNS.c.night, order_by=[desc(column) for column in _AGE]
    )
    ranked = select(*_RUN, place.label("place")).where(
        RUNS.c.report == report, RUNS.c.partial == false()
    )
    if until is not None:
        ranked = ranked.where(RUNS.c.night <= until)
    each = ranked.subquery()
    newest = select(each).where(each.c.place == 1).order_by(desc(each.c.night))
    return newest.limit(most).subquery()


def read_nights(connection: Connection, picked: Subquery) -> dict[int, NightRun]:
    """Return the runs that were picked, oldest first, by their number."""
    wanted = select(*(picked.c[column.name] for column in _RUN)).order_by(picked.c.night)
    return {row.id: _night_run(row) for row in connection.execute(wanted)}


def read_table(connection: Connection, picked: Subquery, only: Key | None) -> MetricTable:
    """Return the metrics of the runs that were picked, or only one of them.

    Three queries, however many nights and metrics.
    """
    nights = read_nights(connection, picked)
    places = {number: place for place, number in enumerate(nights)}
    s, m = SECTIONS.c, METRICS.c
    sections = select(s.run_id, s.section, s.status, s.rows_used)
    metrics = select(m.run_id, m.section, m.name, m.value, m.unit, m.verdict, m.label, m.digits)
    if only is not None:
        sections = sections.where(s.section == only[0])
        metrics = metrics.where(m.section == only[0], m.name == only[1])
    statuses: dict[str, list[Status | None]] = {}
    rows: dict[str, list[int | None]] = {}
    for number, section, status, used in connection.execute(
        sections.join(picked, s.run_id == picked.c.id)
    ):
        statuses.setdefault(section, [None] * len(places))[places[number]] = status
        rows.setdefault(section, [None] * len(places))[places[number]] = used
    cells: dict[Key, list[Cell | None]] = {}
    names: dict[Key, MetricName] = {}
    for number, section, name, value, unit, verdict, label, digits in connection.execute(
        metrics.join(picked, m.run_id == picked.c.id).order_by(picked.c.night)
    ):
        key = section, name
        cells.setdefault(key, [None] * len(places))[places[number]] = (value, unit, verdict)
        names[key] = MetricName(label, unit, digits)  # that of the last night stays
    return MetricTable(tuple(nights.values()), statuses, cells, names, rows)


def read_metrics(connection: Connection, picked: Subquery) -> list[KnownMetric]:
    """Return every metric that any of the runs that were picked has."""
    columns = (METRICS.c.section, METRICS.c.name)
    wanted = (
        select(*columns, func.count(), func.max(picked.c.night))
        .join(picked, METRICS.c.run_id == picked.c.id)
        .group_by(*columns)
        .order_by(*columns)
    )
    return [KnownMetric(*row) for row in connection.execute(wanted)]


def read_checks(connection: Connection, picked: Subquery) -> list[CheckPoint]:
    """Return how every check ended in the runs that were picked, oldest first."""
    columns = [CHECKS.c[name] for name in CheckPoint._fields[2:]]
    wanted = (
        select(picked.c.night, picked.c.run, *columns)
        .join(picked, CHECKS.c.run_id == picked.c.id)
        .order_by(picked.c.night, CHECKS.c.section, CHECKS.c.name)
    )
    return [CheckPoint(*row) for row in connection.execute(wanted)]


def _night_run(row: Row[Any], metrics: Mapping[str, MetricValue] = {}) -> NightRun:
    known: dict[str, Any] = dict(zip(STORED, row[1:], strict=True))
    return NightRun(
        **{
            **known,
            "started": row.started.replace(tzinfo=UTC),
            "verdict": row.verdict or "",
            "synthetic": bool(row.synthetic),
            "documents": row.documents or {},
            "stamp": row.stamp or "",
            "metrics": metrics,
        }
    )

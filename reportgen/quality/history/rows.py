"""A run as rows of the tables, and back."""

from collections.abc import Mapping
from datetime import UTC
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, insert, select, update

from reportgen.quality.history.records import (
    MetricValue,
    RunEntry,
    finite,
    metric_value,
    run_entry,
    run_number,
)
from reportgen.quality.history.schema import (
    CHECKS,
    DATASETS,
    INPUTS,
    METRICS,
    RUNS,
    SECTIONS,
    VERSIONS,
)
from reportgen.record import Summary

Rows = list[dict[str, Any]]


def stored_run(row: Row[Any], metrics: Mapping[str, MetricValue] = {}) -> RunEntry:
    """Return a run from a row of RUNS; metrics: to give with it."""
    return RunEntry(
        row.run,
        row.started.replace(tzinfo=UTC),
        run_number(row.run),
        row.status,
        row.verdict or "",  # this, and what else may be null, was not stored before version 4
        seconds=row.seconds,
        partial=row.partial,
        synthetic=bool(row.synthetic),
        documents=row.documents or {},
        metrics=metrics,
        report=row.report,
        origin=row.origin,
        stamp=row.stamp or "",
    )


def put_run(connection: Connection, run: dict[str, Any], parts: Mapping[Table, Rows]) -> bool:
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


def run_row(summary: Summary, folder: Path) -> dict[str, Any]:
    """Return the row of a run. folder: of the run, also through a link to it."""
    run = run_entry(summary, folder)
    identity = "\0".join((run.report, run.id, run.origin))
    stored = "report", "origin", "night", "status", "seconds", "partial", "verdict", "synthetic"
    return {
        **{name: getattr(run, name) for name in (*stored, "documents", "stamp")},
        "run": run.id,
        "identity": sha256(identity.encode()).hexdigest(),
        "started": run.started.replace(tzinfo=None),  # not every database keeps a time zone
        "configuration": summary.configuration.sha256,
        "git_commit": summary.environment.commit,
    }


def part_rows(summary: Summary) -> dict[Table, Rows]:
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
                **check.model_dump(include={"status", "waived", "message"}),
                "in_force": check.in_force and check.judged,
                "section": section,
                "name": check.id,
                "value": finite(check.value),
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

"""A run's record as rows of the history's tables."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from reportgen.history.errors import HistoryError
from reportgen.summary import CheckRecord, Summary, printable

VERSION = 3
"""Of the tables. Whoever changes one raises it, and writes the step in migrations.py."""
RUNS = "reportgen_runs"
"""Name of the table of runs."""
SECTIONS, METRICS, CHECKS = "reportgen_sections", "reportgen_metrics", "reportgen_checks"
INPUTS, DATASETS, VERSIONS = "reportgen_inputs", "reportgen_datasets", "reportgen_versions"

Row = dict[str, Any]


@dataclass(frozen=True)
class RunRows:
    """A row for the table of runs, and the rows that belong to it, by the name of their table."""

    run: Row
    parts: dict[str, list[Row]]


def run_rows(summary: Summary, folder: Path) -> RunRows:
    """Give the rows of a run. folder: the run folder, also through a link such as ``latest``.

    Raises HistoryError when the record does not say when the run was.
    """
    run = summary.run
    origin = origin_text(folder.resolve().parent)
    started = _in_utc(run.started, folder)
    identity = "\0".join((summary.report.id, run.id, origin))
    row = {
        "identity": sha256(identity.encode()).hexdigest(),
        "report": summary.report.id,
        "run": run.id,
        "origin": origin,
        "night": started.date(),
        "started": started,
        "status": run.status,
        "seconds": _finite(run.seconds),
        "partial": bool(run.only),
        "configuration": summary.configuration.sha256,
        "git_commit": summary.environment.commit,
    }
    return RunRows(row, _parts(summary))


def origin_text(folder: Path) -> str:
    """Give an output folder as it is kept: absolute, without links, printable."""
    return printable(str(folder.resolve()))


def _parts(summary: Summary) -> dict[str, list[Row]]:
    return {
        SECTIONS: [
            {
                "section": section.id,
                "status": section.status,
                "seconds": _finite(section.seconds),
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
                # Whatever a section computed before it failed is no number of that night.
                "value": None if section.status == "error" else _finite(metric.value),
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
            for section, checks in _checks(summary)
            for check in checks
        ],
        INPUTS: [
            {
                "place": place,
                "path": record.path,
                "sha256": record.sha256,
                "bytes": record.bytes,
                "error": record.error,
            }
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


def _checks(summary: Summary) -> Iterator[tuple[str, tuple[CheckRecord, ...]]]:
    """Give the checks of each section; those of the whole run go by the empty name."""
    yield from ((section.id, section.checks) for section in summary.sections)
    yield "", summary.checks


def _in_utc(started: str, folder: Path) -> datetime:
    """Give the start in UTC, without a time zone: not every database keeps one."""
    try:
        time = datetime.fromisoformat(started)
    except ValueError:
        raise HistoryError(
            f"{folder}: the start of the run is {started!r}, which is not a time",
            "it belongs to no night, so it cannot be added to a history",
        ) from None
    return time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

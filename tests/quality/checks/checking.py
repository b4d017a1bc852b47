"""Sections, blocks and facts for tests of checks."""

from datetime import UTC, date, datetime, timedelta

from reportgen.config.checks import CheckBlock
from reportgen.config.columns import Column
from reportgen.quality.checks.evaluation import evaluate
from reportgen.quality.checks.facts import Facts
from reportgen.record import (
    ColumnRecord,
    ConfigurationRecord,
    CountedRecord,
    EnvironmentRecord,
    ErrorRecord,
    MetricRecord,
    ReportRecord,
    RunRecord,
    SectionRecord,
    Summary,
    TableRecord,
)

STARTED = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
NIGHT = STARTED.date()
FLUX_24 = Column("flux_24", "24 μm flux density", "uJy", 4)
TABLE = TableRecord(
    id="statistics",
    title="Statistics",
    rows=2,
    shown=True,
    columns=(
        ColumnRecord(name="band", numeric=False),
        ColumnRecord(name="median", unit="uJy", digits=1),
    ),
    files={"ecsv": "statistics.ecsv"},
)


def block(**keys):
    """Give a check as the YAML would have it."""
    context = {"columns": {"flux_24": FLUX_24}, "references": frozenset({"paper"})}
    return CheckBlock.model_validate(keys, context=context)


def section(value=248.0, unit="uJy", digits=0, label="median 24 μm flux density", **changes):
    """Give a computed section with one metric, flux, and one table."""
    record = SectionRecord(
        id="fluxes",
        analysis="distribution",
        title="Fluxes",
        status="ok",
        rows=2000,
        metrics={"flux": MetricRecord(label=label, value=value, unit=unit, digits=digits)},
        tables=(TABLE,),
        counted={"flux_24": CountedRecord(label=FLUX_24.title, rows=2000, valid=800)},
    )
    return record.model_copy(update=changes)


BROKEN = section(
    status="error", error=ErrorRecord(kind="error", message="no"), metrics={}, rows=None, tables=()
)


def checked(record, *blocks, **facts):
    """Give the checks of a section; facts: beside the start of the run."""
    return evaluate(record, blocks, Facts(**{"started": STARTED, **facts})).checks


def check(record, *, facts=None, **keys):
    """Give the one check that some keys ask for."""
    (found,) = checked(record, block(**keys), **(facts or {}))
    return found


def nights(*values, before=NIGHT):
    """Give values of the nights before a night, the last of them last."""
    first = before - timedelta(days=len(values))
    return [(first + timedelta(days=n), value) for n, value in enumerate(values)]


def past(*values, before=NIGHT):
    """Give facts with the values of the metric on the nights before."""
    return {"earlier": {("fluxes", "flux"): nights(*values, before=before)}}


def summary(*sections, run="20260901T020000Z"):
    """Give the record of a run."""
    return Summary(
        report=ReportRecord(id="cdfs", title="CDFS"),
        run=RunRecord(id=run, started=f"{STARTED:%Y-%m-%dT%H:%M:%SZ}", status="ok"),
        configuration=ConfigurationRecord(path="cdfs.yaml", text="", sha256=""),
        environment=EnvironmentRecord(versions={}),
        inputs=(),
        sections=sections,
    )


def day(text):
    return date.fromisoformat(text)

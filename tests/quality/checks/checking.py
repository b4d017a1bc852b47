"""Sections, blocks and facts for tests of checks."""

from datetime import UTC, datetime, timedelta

from made_records import metric, run

from reportgen.config.checks import CheckBlock
from reportgen.config.columns import Column
from reportgen.quality.checks.evaluation import evaluate
from reportgen.quality.checks.facts import Facts
from reportgen.record import ColumnRecord, CountedRecord, ErrorRecord, SectionRecord, TableRecord

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
        metrics={"flux": metric(value, unit, label, digits=digits)},
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


def plain(check):
    """Give the sentence of a check with plain spaces."""
    return check.message.replace("\u00a0", " ")


def nights(*values):
    """Give values of the nights before, the last of them last."""
    first = NIGHT - timedelta(days=len(values))
    return [(first + timedelta(days=n), value) for n, value in enumerate(values)]


def earlier(*values):
    """Give facts with the values of the metric on the nights before."""
    return {"earlier": {("fluxes", "flux"): nights(*values)}}


def summary(*sections):
    """Give the record of a run with SOURCE_DATE_EPOCH, which has no duration."""
    made = run(*sections, number="20260901T020000Z")
    return made.model_copy(update={"run": made.run.model_copy(update={"seconds": None})})

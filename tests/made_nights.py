"""Runs that tests make of a record alone: as many nights as they like, in no time."""

from datetime import UTC, datetime, timedelta

from reportgen.record import (
    ConfigurationRecord,
    DocumentRecord,
    EnvironmentRecord,
    ErrorRecord,
    MetricRecord,
    ReportRecord,
    RunRecord,
    SectionRecord,
    Summary,
    with_status,
    write_summary,
)

REPORT = ReportRecord(id="cdfs", title="Deep Field", field="CDFS")
FIRST = datetime(2026, 9, 1, 2, 0, 0, tzinfo=UTC)


def started(night, hour=2):
    """Give the start of a run so many nights after the first."""
    return FIRST.replace(hour=hour) + timedelta(days=night)


def record(run_id, begun, status="ok", *, value=1.0, unit="mag", only=(), synthetic=()):
    """Give a record with one section, ``fluxes``, that has one metric, ``median``."""
    broken = status == "error"
    section = SectionRecord(
        id="fluxes",
        analysis="distribution",
        title="Fluxes",
        status=status,
        metrics={
            "median": MetricRecord(
                label="Median flux", value=None if broken else value, unit=unit, digits=2
            )
        },
        error=ErrorRecord(kind="error", message="The column is missing.") if broken else None,
    )
    summary = Summary(
        report=REPORT,
        run=RunRecord(
            id=run_id,
            started=f"{begun:%FT%TZ}",
            seconds=41.2,
            status="ok",
            only=only,
            left_out=("sky",) if only else (),
            synthetic=synthetic,
        ),
        configuration=ConfigurationRecord(path="report.yaml", text="", sha256=""),
        environment=EnvironmentRecord(versions={"reportgen": "0.1.0"}),
        inputs=(),
        sections=(section,),
        documents={
            "html": DocumentRecord(file="report.html"),
            "pdf": DocumentRecord(file="report.pdf"),
        },
    )
    return with_status(summary)


def make_run(folder, begun, status="ok", *, name=None, **options):
    """Make a run folder with its record and its documents; give its path."""
    run = folder / (name or f"{begun:%Y%m%dT%H%M%SZ}")
    run.mkdir(parents=True)
    write_summary(run, record(run.name, begun, status, **options))
    page = f"<!DOCTYPE html><html lang='en'><title>{run.name}</title><h1>{run.name}</h1></html>"
    (run / "report.html").write_text(page)
    (run / "report.pdf").write_bytes(b"%PDF-1.7\n")
    return run

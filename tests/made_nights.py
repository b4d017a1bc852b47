"""Runs that tests make of a record alone: as many nights as they like, in no time."""

from datetime import UTC, datetime, timedelta

import made_records

from reportgen.record import DocumentRecord, ReportRecord, with_status, write_summary

REPORT = ReportRecord(id="cdfs", title="Deep Field", field="CDFS")
FIRST = datetime(2026, 9, 1, 2, 0, 0, tzinfo=UTC)


def started(night, hour=2):
    """Give the start of a run so many nights after the first."""
    return FIRST.replace(hour=hour) + timedelta(days=night)


def record(run_id, begun, status="ok", *, value=1.0, unit="mag", only=(), synthetic=()):
    """Give a record with one section, ``fluxes``, that has one metric, ``median``."""
    broken = status == "error"
    metric = made_records.metric(None if broken else value, unit, "Median flux", digits=2)
    section = made_records.section(
        "fluxes", status, "The column is missing." if broken else "", median=metric
    )
    summary = made_records.run(
        section.model_copy(update={"seconds": None}),
        number=run_id,
        started=f"{begun:%FT%TZ}",
        text="",
        versions={"reportgen": "0.1.0"},
        only=only,
        left_out=("sky",) if only else (),
    )
    run = summary.run.model_copy(update={"seconds": 41.2, "synthetic": synthetic})
    documents = {form: DocumentRecord(file=f"report.{form}") for form in ("html", "pdf")}
    changes = {"report": REPORT, "run": run, "documents": documents}
    return with_status(summary.model_copy(update=changes))


def make_run(folder, begun, status="ok", *, name=None, **options):
    """Make a run folder with its record and its documents; give its path."""
    run = folder / (name or f"{begun:%Y%m%dT%H%M%SZ}")
    run.mkdir(parents=True)
    write_summary(run, record(run.name, begun, status, **options))
    page = f"<!DOCTYPE html><html lang='en'><title>{run.name}</title><h1>{run.name}</h1></html>"
    (run / "report.html").write_text(page)
    (run / "report.pdf").write_bytes(b"%PDF-1.7\n")
    return run

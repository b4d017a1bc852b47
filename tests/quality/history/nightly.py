"""Records of runs, made by hand."""

from datetime import UTC, datetime, timedelta

from reportgen.record import (
    CheckRecord,
    ConfigurationRecord,
    DatasetRecord,
    EnvironmentRecord,
    InputRecord,
    MetricRecord,
    ReportRecord,
    RunRecord,
    SectionRecord,
    Summary,
    worst,
)

FIRST = datetime(2026, 11, 1, 2, 0, 0, tzinfo=UTC)


def metric(value, unit="uJy", verdict=None, digits=None):
    return MetricRecord(label="Median", value=value, unit=unit, verdict=verdict, digits=digits)


def section(name="flux", status="ok", *, rows=None, **metrics):
    return SectionRecord(
        id=name,
        analysis="distribution",
        title="Fluxes",
        status=status,
        seconds=0.5,
        rows=rows,
        metrics=metrics,
    )


def checked(record, *names, status="fail", **changes):
    """Give a section with checks of some ids; changes: of each."""
    said = {"label": "At most 1", "status": status, "message": "It is 2.", **changes}
    checks = tuple(CheckRecord(id=name, kind="max", **said) for name in names)
    return record.model_copy(update={"checks": checks})


def night(number=0, *sections, report="cdfs", only=(), run=None, started=None, hours=0):
    """Give the record of a run. number: nights after FIRST; sections: one with a median if none."""
    begun = FIRST + timedelta(days=number, hours=hours)
    sections = sections or (section(median=metric(200.0 + number)),)
    return Summary(
        report=ReportRecord(id=report, title="Nightly"),
        run=RunRecord(
            id=run or f"{begun:%Y%m%dT%H%M%SZ}",
            started=started or f"{begun:%Y-%m-%dT%H:%M:%SZ}",
            seconds=12.5,
            status=worst(s.status for s in sections),
            only=only,
        ),
        configuration=ConfigurationRecord(path="c.yaml", text="report: {}", sha256="c" * 64),
        environment=EnvironmentRecord(versions={"python": "3.11.7", "numpy": "2.1"}, commit="a1b2"),
        inputs=(
            InputRecord(
                path="/data/crowdastro.h5",
                bytes=3_000_000_000,
                sha256="d" * 64,
                datasets=(DatasetRecord(name="/a", rows=30), DatasetRecord(name="/b", rows=40)),
            ),
            InputRecord(path="/data/gone.h5", error="No such file"),
        ),
        sections=sections,
    )


def add(history, folder, *summaries):
    return [history.add(summary, folder / summary.run.id) for summary in summaries]

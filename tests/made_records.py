"""Records of runs that tests make by hand."""

from reportgen.record import (
    CheckRecord,
    ConfigurationRecord,
    DatasetRecord,
    EnvironmentRecord,
    ErrorRecord,
    InputRecord,
    MetricRecord,
    ReportRecord,
    RunRecord,
    SectionRecord,
    Summary,
    worst,
)

VERSIONS = {"python": "3.11.7", "numpy": "2.1.0"}


def metric(value, unit="uJy", label="median", **more):
    return MetricRecord(label=label, value=value, unit=unit, **more)


def section(name="flux", status="ok", message="", *, checks=(), rows=None, **metrics):
    """Give a section; message: why it is in error."""
    return SectionRecord(
        id=name,
        analysis="distribution",
        title=name.capitalize(),
        status=status,
        seconds=0.5,
        rows=rows,
        metrics=metrics,
        checks=checks,
        error=ErrorRecord(kind="error", message=message) if message else None,
    )


def check(name="limit", status="ok", **more):
    said = {"kind": "max", "label": "median at most 230", "message": "It is 248.", **more}
    return CheckRecord(id=name, status=status, **said)


def source(path="/data/crowdastro.h5", size=2_900_000, sha256="a" * 64, error="", **rows):
    return InputRecord(
        path=path,
        bytes=size,
        sha256=sha256,
        error=error,
        datasets=tuple(DatasetRecord(name=f"/{name}", rows=n) for name, n in rows.items()),
    )


def run(
    *sections,
    report="cdfs",
    number="20261123T020000Z",
    started="2026-11-23T02:00:00Z",
    inputs=(),
    text="report: {}\n",
    overrides=(),
    versions=VERSIONS,
    commit="",
    clean=None,
    only=(),
    left_out=(),
    checks=(),
):
    return Summary(
        report=ReportRecord(id=report, title="Nightly"),
        run=RunRecord(
            id=number,
            started=started,
            seconds=12.5,
            status=worst(s.status for s in sections),
            only=only,
            left_out=left_out,
        ),
        configuration=ConfigurationRecord(
            path="c.yaml", text=text, sha256="c" * 64, overrides=overrides
        ),
        environment=EnvironmentRecord(versions=versions, commit=commit, clean=clean),
        inputs=tuple(inputs),
        sections=sections,
        checks=checks,
    )


def flux(value, **more):
    """Give a run with one metric."""
    return run(section(median=metric(value, **more)))

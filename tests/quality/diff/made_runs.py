"""Records of runs to compare, made by hand."""

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


def metric(value, unit="uJy", label="median", digits=None, verdict=None):
    return MetricRecord(label=label, value=value, unit=unit, digits=digits, verdict=verdict)


def section(name="flux", status="ok", message="", checks=(), **metrics):
    return SectionRecord(
        id=name,
        analysis="distribution",
        title=name.capitalize(),
        status=status,
        metrics=metrics,
        checks=checks,
        error=ErrorRecord(kind="error", message=message) if message else None,
    )


def check(name="limit", status="ok", **more):
    return CheckRecord(
        id=name, kind="max", label="median at most 230", status=status, message="It is 248.", **more
    )


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
    inputs=(),
    text="report: {}\n",
    overrides=(),
    versions=VERSIONS,
    commit="",
    clean=None,
    only=(),
    left_out=(),
):
    return Summary(
        report=ReportRecord(id=report, title="Nightly"),
        run=RunRecord(
            id=number,
            started="2026-11-23T02:00:00Z",
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
    )


def flux(value, **more):
    """Give a run with one metric."""
    return run(section(median=metric(value, **more)))

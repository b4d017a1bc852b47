"""Run folders that tests mail: a record with checks and changes, real figures, a real PDF."""

from functools import cache
from io import BytesIO

from made_nights import make_run, started
from matplotlib.figure import Figure

from reportgen.record import (
    ChangeRecord,
    CheckRecord,
    FigureRecord,
    MetricRecord,
    PastRecord,
    SinceRecord,
    read_summary,
    with_status,
    write_summary,
)

MAIL = {
    "from": "CDFS reports <reports@example.org>",
    "to": ["team@example.org"],
    "smtp": {"host": "localhost", "port": 1, "security": "none", "attempts": 1, "wait": 0.01},
}


def mailed_run(folder, *, status="ok", mail=None, night=0, pdf=b"%PDF-1.7\n", **deliver):
    """Make a run folder that says how it is delivered; give its path.

    mail: keys of deliver.mail in place of those of MAIL; False for none. deliver: other blocks.
    """
    run = make_run(folder, started(night))
    block = dict(deliver)
    if mail is not False:
        block["mail"] = {**MAIL, **(mail or {})}
    record = checked(read_summary(run), status)
    configuration = record.configuration.model_copy(update={"deliver": block})
    write_summary(run, record.model_copy(update={"configuration": configuration}))
    draw(run, "fluxes", "histogram")
    (run / "report.pdf").write_bytes(pdf)
    return run


def change(run, /, **updates):
    """Change parts of a record by their names."""
    write_summary(run, with_status(read_summary(run).model_copy(update=updates)))


def change_section(run, /, **updates):
    """Change the one section of a run."""
    change(run, sections=(read_summary(run).sections[0].model_copy(update=updates),))


def change_report(run, /, **updates):
    """Change what a run says of its report."""
    change(run, report=read_summary(run).report.model_copy(update=updates))


def check(status, *, n=1, message="Median flux is 118 mag, above the limit of 110 mag."):
    """Give the record of a check on the median."""
    return CheckRecord(
        id=f"median-max-{n}",
        kind="max",
        label="at most 110 mag",
        metric="median",
        value=118,
        unit="mag",
        high=110,
        severity="warn" if status == "warn" else "fail",
        status=status,
        message=message,
    )


def budget(status="warn"):
    """Give the record of a check of the whole run: of the size of its PDF."""
    return CheckRecord(
        id="budget-pdf",
        kind="pdf",
        label="Size of report.pdf: at most 10 MB",
        value=12_300_000,
        high=10_000_000,
        unit="byte",
        severity="warn",
        status=status,
        message="report.pdf is 12.3 MB, more than its budget of 10 MB.",
    )


def checked(record, status):
    """Give a record whose one section has two checks, of which one ended so."""
    section = record.sections[0]
    median = MetricRecord(
        label="median 24 μm flux",
        value=118.0,
        unit="mag",
        digits=1,
        verdict=status,
        past=(PastRecord(night="2026-08-31", value=100.0),),
    )
    checks = (check(status), check("ok", n=2, message="Median flux is 118 mag."))
    section = section.model_copy(
        update={
            "status": status,
            "metrics": {"median": median},
            "checks": checks,
            "findings": ("Half of the galaxies are fainter than 118 mag.",),
            "figures": (figure("fluxes", "histogram"),),
        }
    )
    since = SinceRecord(
        run="20260831T020000Z",
        night="2026-08-31",
        changes=(
            ChangeRecord(
                text="Median flux moved from 100 to 118 mag.",
                section="fluxes",
                kind="metric moved",
            ),
        ),
    )
    record = record.model_copy(update={"sections": (section,), "since": (since,)})
    return with_status(record)


def figure(section, name, title="Histogram"):
    """Give the record of a figure."""
    base = f"sections/{section}/figures/{name}"
    return FigureRecord(
        id=name,
        title=title,
        alt="Histogram: most values lie between 1 and 2 mag.",
        caption="Objects per bin.",
        width="column",
        table="numbers",
        files={form: f"{base}.{form}" for form in ("svg", "pdf", "png")},
    )


def draw(run, section, name, *, image=False):
    """Save a figure as SVG and PNG in a run folder."""
    folder = run / "sections" / section / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for form in ("svg", "png"):
        (folder / f"{name}.{form}").write_bytes(drawn(form, image))


@cache
def drawn(form, image):
    """Give a figure in a form, of lines or of an image."""
    drawing = Figure(figsize=(84 / 25.4, 2))
    axes = drawing.add_subplot()
    if image:
        axes.imshow([[0, 1], [1, 0]])
    else:
        axes.plot([0, 1, 2], [1, 3, 2])
    content = BytesIO()
    drawing.savefig(content, format=form, dpi=220)
    return content.getvalue()

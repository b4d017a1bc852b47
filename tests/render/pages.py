"""Pages that tests open in a browser."""

import base64
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import h5py
from made_nights import REPORT, make_run, record, started
from mailed_runs import MAIL, change, check, mailed_run
from projects import HISTOGRAM, section, small_project

from reportgen.analyses.base import installed_analyses
from reportgen.build.pipeline import Options, build
from reportgen.build.progress import Progress
from reportgen.config.deliver import LinksBlock, MailBlock
from reportgen.config.loader import load_report
from reportgen.config.reports import Reports
from reportgen.config.schema import CatalogueSection
from reportgen.deliver.message import Mail
from reportgen.deliver.recipients import Run
from reportgen.quality.diff.compare import compare
from reportgen.quality.diff.sentences import sentences
from reportgen.quality.nights import list_runs
from reportgen.record import (
    CheckRecord,
    ErrorRecord,
    MetricRecord,
    SectionRecord,
    read_summary,
    with_status,
)
from reportgen.render.diff import render_diff
from reportgen.render.index import write_index
from reportgen.render.trends import Limits

NASTY = "<img src=x onerror=alert(1)> & <script>document.title = 'taken'</script> ]]> --> {{ 1 }}"
LONG = "A title that goes on and on about " + "things, " * 40
WORD = "Pneumonoultramicroscopicsilicovolcanoconiosis"
UNBROKEN = WORD * 6


METRIC = "fluxes.median"


def make_troubled_run(folder):
    """Make a run whose sections have errors, long words and markup in every text that there is."""
    project = small_project(folder)
    project.write(none=[-99.0] * 200)
    columns = {
        "flux": {"dataset": "flux", "label": NASTY},
        "size": {"dataset": "size", "label": WORD, "unit": "Jy / beam"},
        "none": {"dataset": "none", "missing": [-99]},
    }
    with h5py.File(project.folder / "stars.h5", "a") as file:
        file.attrs["synthetic"] = f"{NASTY} \x07 {UNBROKEN}"
    catalogues = {
        "stars": {"file": "stars.h5", "columns": columns},
        "lost": {"file": f"{UNBROKEN[:200]}.h5", "columns": {"flux": {"dataset": NASTY}}},
    }
    sections = {
        "long": {**HISTOGRAM, "title": LONG, "text": f"{LONG}\n\n{UNBROKEN}"},
        "unbroken": {**HISTOGRAM, "columns": ["size"], "title": UNBROKEN},
        "nasty": {**HISTOGRAM, "title": NASTY, "text": NASTY.replace("{{ 1 }}", "")},
        "relation": section("relation", column="flux", against=["size"], title=f"Again: {NASTY}"),
        "overview": section("overview", title=f"All {UNBROKEN}"),
        "none": {**HISTOGRAM, "columns": ["none"], "title": f"None: {NASTY}"},
        "unfilled": {**HISTOGRAM, "text": "{{ metrics.nothing }}"},
        "lost": {**HISTOGRAM, "catalogue": "lost", "title": f"Lost: {LONG}"},
    }
    report = {
        "id": "stars",
        "title": f"{NASTY} {UNBROKEN}",
        "field": NASTY,
        "description": f"{NASTY} {UNBROKEN}",
        "authors": [NASTY, UNBROKEN],
    }
    output = {"folder": "out", "formats": ["html", "pdf"]}
    project.configure(sections, report=report, catalogues=catalogues, output=output)
    loaded = load_report(project.config, installed_analyses().types)
    made = build(loaded, Options(command=("reportgen", NASTY)), Progress())
    assert made.exit_code == 5
    wrong = {section.id for section in made.summary.sections if section.status == "error"}
    assert wrong == {"none", "unfilled", "lost"}
    return made.folder


NIGHTS = 130
GONE, DAMAGED = NIGHTS - 9, NIGHTS - 3  # a night without a run; one that cannot be read


def make_nights_page(folder):
    """Write the index of 130 nights but one, some with several runs."""
    statuses = ("ok", "ok", "warn", "ok", "fail", "ok", "error")
    for night in range(NIGHTS):
        if night == GONE:
            continue
        synthetic = ("Made up.",) if night == NIGHTS - 2 else ()
        value = 20 + night / 50 + night % 3
        run = make_run(
            folder, started(night), statuses[night % 7], value=value, synthetic=synthetic
        )
        if night == DAMAGED:
            (run / "summary.json").write_text("{")
    make_run(folder, started(NIGHTS - 2, 4), "fail")
    make_run(folder, started(NIGHTS - 2, 5), only=("fluxes",))
    runs, trends = list_runs(folder, metrics=[METRIC]), [METRIC, "gone.metric"]
    return write_index(folder, runs, REPORT, trends=trends, limits={METRIC: Limits(upper=26)})


MATRIX = """\
matrix:
  field: [cdfs, elais-s1, xmm-lss]
  night: [2026-11-22, 2026-11-23]
  include: [{field: boötes, night: 2026-11-23}]
report: {id: fields, title: "SWIRE in ${{ matrix.field }}"}
catalogues:
  stars: {file: stars.h5, dataset: x, columns: {flux: {}}}
sections:
  one: {analysis: plain, catalogue: stars, title: One}
"""


def load_matrix(folder, text=MATRIX):
    config = folder / "fields & more.yaml"
    config.write_text(text, encoding="utf-8")
    return Reports(config, {"plain": CatalogueSection}).all()


def make_matrix(folder):
    """Make runs of a matrix: fine, old with a warning, failed, in error, damaged, never built."""
    matrix = load_matrix(folder)
    folders = [report.output.folder for report in matrix.reports]
    for i, status in enumerate(("ok", "warn", "fail", "error", "ok", "ok")):
        night, synthetic = started(20 - 3 * (i == 1)), ("Made.",) * (i == 2)
        run = make_run(folders[i], night, status, synthetic=synthetic)
        (folders[i] / "latest").symlink_to(run.name)
        (folders[i] / "index.html").write_text("<!DOCTYPE html><html lang='en'><title>N</title>")
        if i == 4:
            (run / "summary.json").write_text("{")
    return matrix


def compared_run(night, value, text, status="ok", **metrics):
    """Return the record of a run with a check and some more metrics, and a configuration."""
    summary = record(f"{started(night):%Y%m%dT%H%M%SZ}", started(night), value=value, unit="uJy")
    (only,) = summary.sections
    check = CheckRecord(
        id="median-max",
        kind="max",
        label="Median flux: at most 230 <µJy>",
        metric="median",
        status=status,
        message="Median flux is 248 & more.",
    )
    metrics = {**only.metrics, **{k: MetricRecord(**m) for k, m in metrics.items()}}
    updates = {"checks": (check,), "status": status, "metrics": metrics}
    sections = (only.model_copy(update=updates),)
    configuration = summary.configuration.model_copy(update={"text": text})
    return summary.model_copy(update={"sections": sections, "configuration": configuration})


def make_diff_page(folder):
    """Write the page on two runs of which the later has lost a section, and failed a check."""
    old = {"label": "An old number of fluxes", "value": 1e-7, "unit": "mag"}
    before = compared_run(0, 210.0, "a: 1\nlong: " + "x" * 400, size={**old}, lost=old)
    after = compared_run(1, 248.0, "a: 2\n", "fail", size={**old, "value": 0.3}, new=old)
    error = ErrorRecord(kind="error", message="The column <ra> is missing\nin a file.")
    keys = {"id": "sky", "analysis": "sky_density", "title": "Sky density", "status": "error"}
    broken = SectionRecord(**keys, error=error)
    after = with_status(after.model_copy(update={"sections": (*after.sections, broken)}))
    changes = compare(before, after, {("fluxes", "median"): 2.0})
    page = folder / "diff.html"
    noise = "Scatter <of> 30 nights."
    page.write_bytes(render_diff(before, after, changes, sentences(changes), noise))
    return page


def make_mail_page(folder):
    """Write the HTML of a mail on a bad night, its figures filled in as a mail program does."""
    run = mailed_run(folder, status="fail")
    summary = read_summary(run)
    only = summary.sections[0]
    checks = (*only.checks, check("warn", n=3, message="A_long_word" * 30))
    change(
        run,
        sections=(only.model_copy(update={"checks": checks, "title": "Flux" * 40}),),
        run=summary.run.model_copy(update={"synthetic": ("Made up for a test.",)}),
    )
    links = LinksBlock(report="https://x.org/{{ run.id }}/report.html", index="https://x.org/")
    sent = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
    mail = Mail(MailBlock.model_validate(MAIL), (Run(run, read_summary(run)),), sent, links)
    message = message_from_bytes(mail.message(), policy=default)
    page = message.get_body(("html",)).get_content()
    for part in message.walk():
        if part.get_content_type() == "image/png":
            address = f"data:image/png;base64,{base64.b64encode(part.get_content()).decode()}"
            page = page.replace(f"cid:{part['Content-ID'].strip('<>')}", address)
    file = folder / "mail.html"
    file.write_text(page, encoding="utf-8")
    return file

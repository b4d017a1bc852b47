"""Sections on a catalogue of more than exact_rows rows."""

import numpy as np
import pytest
from projects import section, small_project

ROWS = 300_000  # several tasks
EPOCH = "1790000000"
NAMES = ("flux", "size", "third")


@pytest.fixture
def project(tmp_path):
    project = small_project(tmp_path)
    random = np.random.default_rng(3)
    project.write(**{name: random.lognormal(size=ROWS) for name in NAMES})
    project.env["SOURCE_DATE_EPOCH"] = EPOCH
    return project


def configure(project, keys, **titles):
    sections = {
        name: section(
            "distribution", columns=[name], histograms=[{"bins": 5}], title=titles.get(name, name)
        )
        for name in NAMES
    }
    sections["pairs"] = section("correlation", columns=list(NAMES))
    catalogue = {"file": "stars.h5", "columns": project.columns, **keys}
    project.configure(sections, catalogues={"stars": catalogue})


def sections_of(project, run):
    """Give the files of the sections of a run, and their numbers."""
    of = run / "sections"
    files = {p.relative_to(of): p.read_bytes() for p in of.rglob("*") if p.is_file()}
    return files, {s["id"]: s["metrics"] for s in project.summary(run)["sections"]}


def build(project, *arguments):
    done = project.build(*arguments)
    assert done.returncode == 0, done.stderr
    return project.latest.resolve()


def test_sections_are_the_same_beside_cached_ones_and_with_any_number_of_workers(project):
    configure(project, {"exact_rows": 1000})
    build(project)
    configure(project, {"exact_rows": 1000}, size="Sizes")
    beside_cached = build(project)
    fresh = [build(project, "--no-cache", "--workers", "1")]
    threads = {"OPENBLAS_NUM_THREADS": "4"}  # read by a new process only
    done = project.run("report.yaml", "--no-cache", "--workers", "3", env=threads)
    assert done.returncode == 0, done.stderr
    fresh.append(project.latest.resolve())
    assert len({beside_cached, *fresh}) == 3
    for run in fresh:
        assert sections_of(project, run) == sections_of(project, beside_cached)


def test_a_section_says_what_is_approximate(project):
    configure(project, {"exact_rows": ROWS})
    exact = {s["id"]: s for s in project.summary(build(project))["sections"]}
    configure(project, {"exact_rows": ROWS - 1})
    rough = {s["id"]: s for s in project.summary(build(project))["sections"]}
    assert exact["flux"]["notes"] == []
    assert rough["flux"]["notes"] == [
        "Quantiles and curves are approximate (to 0.00013 of the value): the catalogue has more "
        "rows than its exact_rows."
    ]
    median = rough["flux"]["metrics"]["flux_median"]["value"]
    assert median == pytest.approx(exact["flux"]["metrics"]["flux_median"]["value"], rel=0.000123)

"""Sections on a catalogue that does not fit its memory: what is exact depends on all of them."""

import numpy as np
import pytest
from projects import section, small_project

ROWS = 60_000
EPOCH = "1790000000"


@pytest.fixture
def project(tmp_path):
    """A project of which not every column fits the memory of the catalogue."""
    project = small_project(tmp_path)
    random = np.random.default_rng(3)
    names = ("flux", "size", "third")
    project.write(**{name: random.lognormal(size=ROWS) for name in names})
    project.env["SOURCE_DATE_EPOCH"] = EPOCH
    return project


def configure(project, **titles):
    sections = {
        name: section(
            "distribution", columns=[name], histograms=[{"bins": 5}], title=titles.get(name, name)
        )
        for name in ("flux", "size", "third")
    }
    catalogue = {"file": "stars.h5", "columns": project.columns, "memory": "1 MB"}
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


def test_a_section_beside_kept_ones_is_what_it_is_in_a_fresh_build(project):
    configure(project)
    build(project)
    configure(project, size="Sizes")
    beside_kept = build(project)
    fresh = build(project, "--no-cache")
    assert beside_kept != fresh
    assert sections_of(project, beside_kept) == sections_of(project, fresh)


def test_a_section_alone_is_what_it_is_beside_the_others(project):
    configure(project)
    whole = build(project, "--no-cache")
    done = project.build("--only", "size", "--no-cache")
    assert done.returncode == 0, done.stderr
    (alone,) = {path for path in project.out.glob("2*") if path.resolve() != whole}
    files, numbers = sections_of(project, alone)
    all_files, all_numbers = sections_of(project, whole)
    assert numbers["size"] == all_numbers["size"]
    assert files
    assert all(all_files[name] == content for name, content in files.items())

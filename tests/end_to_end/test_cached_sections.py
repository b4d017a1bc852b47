"""Sections that are taken from earlier builds, and those that are made anew."""

import os
import shutil
import time
from dataclasses import replace

import h5py
import numpy as np
import pytest
from projects import HISTOGRAM, ROOT, files_of, section, small_project

SIZES = section("distribution", columns=["size"], histograms=[{"bins": 5}])
TREND = {"analysis": "trend", "title": "Nights", "metrics": ["fluxes.flux_median"]}
PLUGIN = """
import warnings
from reportgen import Analysis, CountRows, Section
from x_helper import SAID


class Counting(Analysis, name="counting"):
    def reductions(self):
        return {"rows": CountRows(self.where)}

    def present(self, rows):
        warnings.warn("they were counted")
        return Section([SAID])


class Fickle(Counting, name="fickle"):
    is_repeatable = False
"""


def build(project, *arguments, **options):
    done = project.build("--quiet", *arguments, **options)
    assert done.returncode == 0, done.stderr
    return kept(project)


def kept(project):
    """Say which sections are kept; the one on the nights is when the night is the same."""
    sections = project.summary()["sections"]
    return {record["id"]: record["kept"] for record in sections if record["id"] != "nights"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with one run. Do not change it: `project`."""
    project = small_project(tmp_path_factory.mktemp("cached"))
    project.plugin(PLUGIN, counting="Counting", fickle="Fickle")
    (project.folder / "site" / "x_helper.py").write_text("SAID = 'There are rows.'")
    sections = {"fluxes": HISTOGRAM, "sizes": SIZES, "nights": TREND}
    project.configure(sections | {name: section(name) for name in ("counting", "fickle")})
    assert build(project) == dict.fromkeys(kept(project), False)
    return project


@pytest.fixture
def project(made, tmp_path):
    """A copy of it that a test may change; the files are new ones, of the same content."""
    folder = shutil.copytree(made.folder, tmp_path / "copy", symlinks=True)
    env = {"PYTHONPATH": str(folder / "site")}
    return replace(made, folder=folder, env=env, columns=dict(made.columns))


ALL_KEPT = {"fluxes": True, "sizes": True, "counting": True, "fickle": False}


def entries(project):
    cache = project.out / ".cache"
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in cache.rglob("*") if p.is_file()}


def test_a_cached_build_and_a_fresh_one_give_the_same_bytes(tmp_path):
    project = small_project(tmp_path)
    project.configure({"fluxes": HISTOGRAM, "overview": section("overview"), "nights": TREND})
    project.env["SOURCE_DATE_EPOCH"] = "1760000000"
    runs, profiles = [], []
    for arguments in ((), (), ("--no-cache",)):
        build(project, "--profile", "profile.txt", *arguments)
        runs.append(files_of(project.latest))
        (project.out / ".cache").rename(tmp_path / "cache")
        shutil.rmtree(project.out)  # a second run of one time has another name
        project.out.mkdir()
        (tmp_path / "cache").rename(project.out / ".cache")
        profiles.append((tmp_path / "profile.txt").read_text(encoding="utf-8"))
    assert [name for name in runs[0] if runs[0][name] != runs[1].get(name)] == []
    assert [name for name in runs[0] if runs[0][name] != runs[2].get(name)] == []
    assert runs[0].keys() == runs[1].keys() == runs[2].keys()
    made = ["worker: section overview" in profile for profile in profiles]
    assert made == [True, False, True]
    for said in ("began", "waiting for sections", " s in all; "):
        assert all(said in profile for profile in profiles), said


def test_files_of_the_same_content_make_nothing_anew_and_notes_stay(project):
    os.utime(project.folder / "stars.h5", (1, 1))
    assert build(project) == ALL_KEPT
    assert build(project) == ALL_KEPT
    files = [path for path in project.latest.rglob("*") if path.is_file()]
    own = [path.name for path in files if path.stat().st_nlink == 1]
    assert sorted(own) == ["report.html", "summary.json"]  # a night costs what changed
    assert project.section("counting")["notes"] == ["Warning: they were counted"]
    assert "nothing has changed since it was computed" in project.page()


def test_a_changed_column_makes_anew_what_reads_it_though_size_and_time_are_the_same(project):
    path = project.folder / "stars.h5"
    before = path.stat()
    with h5py.File(path, "r+") as file:
        file["size"][...] = np.arange(200.0)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert build(project) == ALL_KEPT | {"sizes": False}
    assert project.section("sizes")["metrics"]["size_median"]["value"] == 99.5


def test_what_a_linked_file_holds_is_looked_at_each_time(project):
    with h5py.File(project.folder / "other.h5", "w") as file:
        file["size"] = np.ones(200)
    with h5py.File(project.folder / "stars.h5", "r+") as file:
        del file["size"]
        file["size"] = h5py.ExternalLink("other.h5", "size")
    assert not build(project)["sizes"]
    with h5py.File(project.folder / "other.h5", "r+") as file:
        file["size"][...] = 2.0
    assert build(project) == ALL_KEPT | {"sizes": False}
    assert project.section("sizes")["metrics"]["size_median"]["value"] == 2.0


def test_without_the_cache_nothing_is_read_from_it_or_written_to_it(project):
    before = entries(project)
    assert before
    assert build(project, "--no-cache") == dict.fromkeys(ALL_KEPT, False)
    assert entries(project) == before


def test_damaged_entries_are_computed_again(project):
    for number, path in enumerate(entries(project)):
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content if number % 2 else content[: len(content) // 2])
    assert build(project) == dict.fromkeys(ALL_KEPT, False)
    assert build(project) == ALL_KEPT


def test_other_missing_marks_make_what_reads_the_column_anew(project):
    with h5py.File(project.folder / "stars.h5") as file:
        largest = float(file["size"][:].max())
    done = build(project, "--set", f"catalogues.stars.columns.size.missing=[{largest!r}]")
    assert done == ALL_KEPT | {"sizes": False}


def test_a_module_that_a_plugin_imports_makes_its_sections_anew(project):
    (project.folder / "site" / "x_helper.py").write_text("SAID = 'Rows there are.'")
    assert project.plan()["counting"] == ("made", "the code of its analysis has changed")
    assert build(project) == ALL_KEPT | {"counting": False}
    assert project.section("counting")["findings"] == ["Rows there are."]


def test_any_change_in_the_package_makes_every_section_anew(project):
    site = project.folder / "site"
    for name in ("reportgen", "templates"):
        shutil.copytree(ROOT / name, site / name, ignore=shutil.ignore_patterns("__pycache__"))

    def planned():
        return project.run("plan", project.config).stdout

    assert "2 of 5 sections would be made" in planned()
    (site / "reportgen" / "fonts" / "new.md").touch()
    assert planned().count("made  the code of reportgen has changed") == 3
    done = project.run("report.yaml", "--quiet")
    assert done.returncode == 0, done.stderr
    assert kept(project) == dict.fromkeys(ALL_KEPT, False)


def test_of_files_that_stay_as_they_are_nothing_is_read(made, tmp_path):
    profile = tmp_path / "profile.txt"
    arguments = "--output", tmp_path / "out", "--only", "fluxes", "--profile", profile
    build(made, *arguments)
    # Nothing is remembered of a file that could be written again within the time of its stamp.
    while time.time() - (made.folder / "stars.h5").stat().st_ctime < 3:
        build(made, *arguments)
    build(made, *arguments)
    build(made, *arguments)
    assert "worker: " not in profile.read_text(encoding="utf-8")

"""Sources that are missing, damaged or odd: what is said, and which exit code tells of it.

What is said of each kind of damage is tested in tests/data, of odd values in tests/analyses.
"""

import h5py
import numpy as np
import pytest
from projects import DISTRIBUTION, section, small_project

# Each catalogue is wrong in its own way: its block, and what must be said of it.
WRONG = {
    "missing_file": ("nowhere.h5", {"flux": {}}, "nowhere.h5: there is no such file"),
    "folder": (".", {"flux": {}}, "is a folder that is no table"),
    "not_hdf5": ("notes.h5", {"flux": {}}, "notes.h5: is not an HDF5 file"),
    "truncated": ("truncated.h5", {"flux": {}}, "copy or download it again"),
    "no_dataset": ("stars.h5", {"fluxes": {}}, "unknown dataset '/fluxes'; did you mean '/flux'?"),
    "lengths": ("stars.h5", {"flux": {}, "few": {"file": "few.h5"}}, "few has 3 rows"),
}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """A report with a section on each wrong catalogue and one on a right one, as it was built."""
    project = small_project(tmp_path_factory.mktemp("wrong"))
    (project.folder / "notes.h5").write_text("These are my notes on the observations.\n")
    whole = (project.folder / "stars.h5").read_bytes()
    (project.folder / "truncated.h5").write_bytes(whole[: len(whole) // 2])
    with h5py.File(project.folder / "few.h5", "w") as file:
        file["few"] = [1.0, 2.0, 3.0]
    catalogues = {"stars": {"file": "stars.h5", "columns": project.columns}}
    sections = {"stars": DISTRIBUTION}
    for name, (file, columns, _) in WRONG.items():
        blocks = {key: {"dataset": key, **keys} for key, keys in columns.items()}
        catalogues[name] = {"file": file, "columns": blocks}
        keys = {"catalogue": name, "columns": list(columns)[:1]}
        sections[name] = {**DISTRIBUTION, **keys}
    project.configure(sections, catalogues=catalogues)
    project.done = project.build()
    return project


def test_a_section_on_a_readable_source_is_whole(wrong):
    assert wrong.done.returncode == 5, wrong.done.stderr
    assert wrong.section("stars")["status"] == "ok"


@pytest.mark.parametrize("name", WRONG)
def test_a_section_on_a_wrong_source_says_what_is_wrong_and_where_it_is_configured(wrong, name):
    error = wrong.section(name)["error"]
    assert error["kind"] == "source"
    assert WRONG[name][-1] in error["message"] + error["hint"]
    assert error["message"].startswith("report.yaml:")


def test_check_says_the_same(wrong):
    checked = wrong.call("check", "report.yaml")
    assert checked.returncode == 5
    for *_, said in WRONG.values():
        assert said in checked.stderr


def test_files_that_cannot_be_read_are_marked_among_the_inputs_and_on_the_first_page(wrong):
    errors = {record["path"]: record["error"] for record in wrong.summary()["inputs"]}
    assert {path: said.partition(":")[0] for path, said in errors.items() if said} == {
        "nowhere.h5": "there is no such file",
        ".": "is a folder that is no table",
        "notes.h5": "is not an HDF5 file",
        "truncated.h5": "is truncated",
    }
    page = wrong.page()
    assert "there is no such file" in page[: page.index('<section id="section-')]


def test_a_damaged_chunk_is_an_error_of_the_sections_that_read_it(project):
    with h5py.File(project.folder / "chunks.h5", "w") as file:
        values = np.random.default_rng(1).normal(size=20_000)
        stored = {"chunks": (1000,), "compression": "gzip", "fletcher32": True}
        damaged = file.create_dataset("damaged", data=values, **stored)
        file.create_dataset("sound", data=values, **stored)
        place = damaged.id.get_chunk_info(15)
    with (project.folder / "chunks.h5").open("r+b") as raw:
        raw.seek(place.byte_offset + place.size // 2)
        raw.write(b"\x00\xff" * 8)
    names = ("damaged", "sound")
    block = {"file": "chunks.h5", "columns": {name: {"dataset": name} for name in names}}
    project.configure(
        {name: section("distribution", columns=[name]) for name in names},
        catalogues={"stars": block},
    )
    done = project.build()
    assert done.returncode == 5, done.stderr
    assert project.section("sound")["status"] == "ok"
    error = project.section("damaged")["error"]
    assert error["kind"] == "source"
    assert "chunks.h5: damaged: rows" in error["message"]
    assert "cannot be read" in error["message"]

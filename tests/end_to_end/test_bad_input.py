"""Sources that are missing, damaged or odd: what is said, and which exit code tells of it."""

import h5py
import numpy as np
import pytest
from projects import DISTRIBUTION, section, small_project

ROWS = 300


def distribution(catalogue):
    return {**DISTRIBUTION, "catalogue": catalogue}


def column(**keys):
    return {"columns": {"flux": keys}}


# Each catalogue is wrong in its own way: its block, and what must be said of it.
WRONG = {
    "missing_file": (
        {"file": "nowhere.h5", **column(dataset="flux")},
        ["nowhere.h5: there is no such file", "stars.h5"],
    ),
    "folder": ({"file": ".", **column(dataset="flux")}, ["is a folder, not an HDF5 file"]),
    "not_hdf5": (
        {"file": "notes.h5", **column(dataset="flux")},
        ["notes.h5: is not an HDF5 file"],
    ),
    "empty_file": (
        {"file": "empty.h5", **column(dataset="flux")},
        ["empty.h5: is empty", "copy or download it again"],
    ),
    "truncated": (
        {"file": "truncated.h5", **column(dataset="flux")},
        ["truncated.h5: is truncated", "copy or download it again"],
    ),
    "no_dataset": (
        {"file": "stars.h5", **column(dataset="fluxes")},
        [
            "unknown dataset '/fluxes'; did you mean '/flux'?",
            "(known: /flux, /names, /size, /table",
        ],
    ),
    "no_column": (
        {"file": "stars.h5", **column(dataset="table", index=7)},
        ["/table has 3 columns, so there is no column index 7", "the last one is 2"],
    ),
    "strings": (
        {"file": "stars.h5", **column(dataset="names")},
        ["/names holds text, not numbers"],
    ),
    "two_dimensions": (
        {"file": "stars.h5", **column(dataset="table")},
        ["/table has shape (200, 3), which is not a column", "name a column with index"],
    ),
    "lengths": (
        {
            "file": "stars.h5",
            "columns": {"flux": {"dataset": "flux"}, "other": {"file": "few.h5", "dataset": "few"}},
        },
        ["its columns have different lengths", "flux has 200 rows", "few has 3 rows"],
    ),
}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """A report with a section on each wrong catalogue and one on a right one, as it was built."""
    project = small_project(tmp_path_factory.mktemp("wrong"))
    project.write(table=np.ones((200, 3)), names=np.array([b"a", b"b"] * 100))
    project.columns.pop("table")
    project.columns.pop("names")
    (project.folder / "notes.h5").write_text("These are my notes on the observations.\n")
    (project.folder / "empty.h5").touch()
    whole = (project.folder / "stars.h5").read_bytes()
    (project.folder / "truncated.h5").write_bytes(whole[: len(whole) // 2])
    with h5py.File(project.folder / "few.h5", "w") as file:
        file["few"] = [1.0, 2.0, 3.0]
    catalogues = {name: block for name, (block, _) in WRONG.items()}
    catalogues["stars"] = {"file": "stars.h5", "columns": project.columns}
    project.configure({name: distribution(name) for name in catalogues}, catalogues=catalogues)
    project.done = project.build()
    project.checked = project.run("check", "report.yaml")
    return project


def test_a_build_with_unreadable_sources_tells_by_its_exit_code(wrong):
    assert wrong.done.returncode == 5, wrong.done.stderr


def test_a_section_on_a_readable_source_is_whole(wrong):
    assert wrong.section("stars")["status"] == "ok"


@pytest.mark.parametrize("name", WRONG)
def test_a_section_on_a_wrong_source_says_what_is_wrong(wrong, name):
    error = wrong.section(name)["error"]
    assert error["kind"] == "source"
    for said in WRONG[name][1]:
        assert said in error["message"] + error["hint"]
    # The place in the configuration, for whoever mends it.
    assert error["message"].startswith("report.yaml:")


@pytest.mark.parametrize("name", WRONG)
def test_check_says_the_same(wrong, name):
    assert wrong.checked.returncode == 5
    for said in WRONG[name][1]:
        assert said in wrong.checked.stderr


def test_files_that_cannot_be_read_are_marked_among_the_inputs(wrong):
    errors = {record["path"]: record["error"] for record in wrong.summary()["inputs"]}
    assert {path: said.partition(":")[0] for path, said in errors.items() if said} == {
        "nowhere.h5": "there is no such file",
        ".": "is a folder, not an HDF5 file",
        "notes.h5": "is not an HDF5 file",
        "empty.h5": "is empty",
        "truncated.h5": "is truncated",
    }


def test_a_file_that_is_missing_is_on_the_first_page(wrong):
    page = wrong.page()
    assert "there is no such file" in page[: page.index('<section id="section-')]


ODD = {
    "empty": np.empty(0),
    "missing": np.full(ROWS, -99.0),
    "equal": np.full(ROWS, 7.0),
    "infinite": np.where(np.arange(ROWS) % 2, np.inf, np.arange(ROWS, dtype=float)),
}
ANALYSES = {
    "overview": {},
    "distribution": {
        "columns": ["x"],
        "curves": [{"log": True}],
        "cuts": [5],
    },
    "relation": {"column": "x", "against": ["y"], "log_x": True},
    "correlation": {"columns": ["x", "y"], "with_column": "x", "limit": 0.5},
    "sky_density": {"ra": "ra", "dec": "dec", "edges": 20},
    "population": {"column": "x", "subset": "flag", "bins": 4, "cut": 5},
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A report of every analysis on every odd column, as it was built."""
    project = small_project(tmp_path_factory.mktemp("odd"))
    catalogues, sections = {}, {}
    for name, values in ODD.items():
        rows = len(values)
        with h5py.File(project.folder / f"{name}.h5", "w") as file:
            file["x"] = values
            file["y"] = np.arange(rows, dtype=float)
            file["ra"] = np.clip(values, 0, 359)
            file["dec"] = np.clip(values, -89, 89)
            file["flag"] = np.arange(rows) % 2 == 0
        units = {"ra": {"unit": "deg"}, "dec": {"unit": "deg"}}
        catalogues[name] = {
            "file": f"{name}.h5",
            "missing": [-99],
            "columns": {
                key: {"dataset": key} | units.get(key, {})
                for key in ("x", "y", "ra", "dec", "flag")
            },
        }
        for analysis, keys in ANALYSES.items():
            made = section(analysis, catalogue=name, **keys)
            sections[f"{analysis}_{name}"] = {**made, "catalogue": name}
    project.configure(sections, catalogues=catalogues)
    project.done = project.build()
    return project


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("analysis", ANALYSES)
def test_an_analysis_of_odd_values_is_honest(odd, analysis, name):
    record = odd.section(f"{analysis}_{name}")
    if record["status"] == "ok":
        assert record["findings"]
        assert "nan" not in " ".join([*record["findings"], *record["notes"]]).split()
        assert not [note for note in record["notes"] if note.startswith("Warning")]
    else:
        # A sentence for people, not an exception that nobody thought of.
        assert record["error"]["kind"] == "error"
        assert record["error"]["details"] == "", record["error"]["message"]
        assert record["error"]["hint"]


def test_odd_values_are_no_source_error(odd):
    statuses = {s["status"] for s in odd.summary()["sections"]}
    assert odd.done.returncode == (3 if "error" in statuses else 0)


def test_a_damaged_chunk_is_an_error_of_the_sections_that_read_it(project):
    rows = 20_000
    with h5py.File(project.folder / "chunks.h5", "w") as file:
        values = np.random.default_rng(1).normal(size=rows)
        kept = {"chunks": (1000,), "compression": "gzip", "fletcher32": True}
        damaged = file.create_dataset("damaged", data=values, **kept)
        file.create_dataset("sound", data=values, **kept)
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

"""A fresh clone without data: each trouble is said once, with what to do about it."""

import shutil

import pytest
from projects import ROOT, call

from reportgen.data.missing import SAMPLE_FILES
from reportgen.data.sample.writing import write_sample

FIRST = "configs/cdfs.yaml:25:5: catalogues.swire.file: data/cdfs/crowdastro.h5: there is no such"
SWIRE = "overview, stellarity, fluxes, flux_stellarity, correlation, swire_sky, hosts"
CURE = (
    "  → CDFS_DATA is not set: set it to where your data are; "
    "for a synthetic survey: reportgen sample data/cdfs"
)


@pytest.fixture
def clone(tmp_path):
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    return tmp_path


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_a_build_says_once_which_files_are_missing_which_sections_lack_them_and_the_cure(
    clone, quiet
):
    form = ("--set", "output.formats=[html]")
    done = call("build", "configs/cdfs.yaml", *quiet, *form, cwd=clone)
    assert done.returncode == 5
    lines = done.stderr.splitlines()
    assert sum("there is no such file" in line for line in lines) == 4
    assert any(line.startswith(f"ERROR {SWIRE}: {FIRST}") for line in lines)
    assert any(line.startswith("ERROR cnn_maps, cnn_filters: ") for line in lines)
    assert [line for line in lines if "→" in line] == [CURE]
    page = next(clone.glob("build/cdfs/latest/report.html")).read_text()
    assert "reportgen sample data/cdfs" in page


@pytest.mark.parametrize("command", ["check", "plan"])
def test_other_commands_say_each_trouble_and_the_cure_once_too(clone, command):
    done = call(command, "configs/cdfs.yaml", cwd=clone)
    assert done.returncode == (5 if command == "check" else 0)
    lines = done.stderr.splitlines()
    assert sum(FIRST in line for line in lines) == 1
    assert [line for line in lines if "→" in line] == [CURE]


def test_where_the_variable_is_set_or_other_data_are_there_the_advice_is_another(clone):
    done = call("check", "configs/cdfs.yaml", cwd=clone, env={"CDFS_DATA": "../elsewhere"})
    assert "not set" not in done.stderr
    assert "  → check the path; for a synthetic survey: reportgen sample elsewhere" in done.stderr
    (clone / "elsewhere").mkdir()
    (clone / "elsewhere" / "swire.h5").touch()
    done = call("check", "configs/cdfs.yaml", cwd=clone, env={"CDFS_DATA": "../elsewhere"})
    assert "sample" not in done.stderr


def test_each_combination_of_a_matrix_has_its_own_cure(clone):
    done = call("check", "configs/fields.yaml", cwd=clone)
    assert done.returncode == 5
    for field in ("cdfs", "elais"):
        assert f"reportgen sample data/{field}" in done.stderr
    assert done.stderr.count("FIELDS_DATA is not set") == 2


def test_the_sample_writes_the_files_that_it_is_known_for(tmp_path):
    assert {path.name for path in write_sample(tmp_path, rows=100, images=1)} == SAMPLE_FILES

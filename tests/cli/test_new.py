"""new: a package to begin with, whose own tests are run with the wheel; and a nightly report."""

import tomllib

import pytest
from astropy.table import Table
from projects import ROOT, call


def test_a_package_is_written_with_the_analysis_of_the_readme(tmp_path):
    done = call("new", "plugin", "limiting_depth", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "limiting_depth"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    points = {"reportgen.analyses": {"limiting_depth": "limiting_depth:LimitingDepth"}}
    assert project["entry-points"] == points
    code = (folder / "limiting_depth.py").read_text()
    method = (ROOT / "README.md").read_text().partition("    def present")[2].partition("```")[0]
    lines = [line for line in code.splitlines() if '"""' not in line]  # which the README lacks
    assert method.strip() in "\n".join(lines)
    left = [path for path in folder.rglob("*") if path.is_file() and "@name" in path.read_text()]
    assert not left


def test_a_new_report_is_one_for_every_night(tmp_path, survey):
    file = survey / "radio.fits"
    written = [
        call(*words, file, cwd=tmp_path) for words in (["new", "report"], ["init", "--nightly"])
    ]
    assert "rows_at_least" in written[0].stdout
    assert written[0].stdout == written[1].stdout


def test_a_report_of_two_rows_can_be_built(tmp_path):
    Table({"flux": [1.0, 2.5]}).write(tmp_path / "two.fits")
    assert call("new", "report", "two.fits", "--output", "two.yaml", cwd=tmp_path).returncode == 0
    done = call("check", "two.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Depth", "should be small letters"),
        ("json", "no module of Python"),
        ("overview", "is the name of an analysis"),
        ("astropy", "or package that is installed"),
        ("there", "there is such a folder already"),
    ],
)
def test_a_name_that_would_harm_is_refused(tmp_path, name, said):
    (tmp_path / "there").mkdir()
    done = call("new", "plugin", name, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["there"]

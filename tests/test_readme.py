"""README.md is run: its commands, its configuration and its analysis do what it says."""

import json
import re
import shlex
import shutil

import pytest
from projects import ROOT, call

from reportgen.analyses.base import installed_analyses
from reportgen.errors import ExitCode

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def table_rows(heading):
    """First and second cell of the table below a head such as ``| code | meaning |``."""
    table = README.split(heading)[1].split("\n\n")[0]
    rows = (line.strip("| ").split(" | ") for line in table.splitlines()[2:])
    return {first.strip("` "): second for first, second, *_ in rows}


def run(command, folder, **variables):
    words = shlex.split(command)
    while words[0] in {"python", "-m", "reportgen"}:
        del words[0]
    return call(*words, cwd=folder, env=variables)


@pytest.fixture(scope="module")
def clone(survey, tmp_path_factory):
    """A folder laid out as the README assumes, with a small sample survey."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "configs").symlink_to(ROOT / "configs")
    (folder / "data").mkdir()
    (folder / "data" / "cdfs").symlink_to(survey)
    return folder


def test_five_lines_of_yaml_and_a_fits_file_are_a_report(clone, tmp_path):
    shutil.copy(clone / "data" / "cdfs" / "radio.fits", tmp_path / "atlas_swire_cdfs.fits")
    (tmp_path / "atlas.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    lines = [*blocks("sh")[0].splitlines()[1:], *blocks("sh")[1].splitlines()]
    for line in lines:
        command = line.partition("#")[0].strip()
        elsewhere = (
            "" if command.split()[1] in {"describe", "init"} else " --set output.formats=[html]"
        )
        done = run(command + elsewhere, tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "build/atlas/latest/report.html").is_file()
    assert (tmp_path / "build/atlas_swire_cdfs/latest/report.html").is_file()


def test_the_commands_without_make_build_a_report(clone, built):
    commands = [
        line.partition("#")[0].strip()
        for line in blocks("sh")[3].splitlines()
        if not line.startswith("pip") and " sample " not in line
    ]
    assert len(commands) == 2
    data = str(clone / "data" / "cdfs")
    output = clone / "commands"
    shutil.copytree(built.folder / ".cache", output / ".cache")  # it need not export networks
    for command in commands:
        elsewhere = f" --output {output} --set output.formats=[html]"
        elsewhere = "" if "check" in command else elsewhere
        done = run(command + elsewhere, clone, CDFS_DATA=data)
        assert done.returncode == 0, done.stderr
    assert (output / "latest" / "report.html").is_file()


def test_the_configuration_builds_the_sections_it_names(clone):
    folder = clone / "own"
    folder.mkdir()
    (folder / "my-field.yaml").write_text(blocks("yaml")[1], encoding="utf-8")
    done = run("reportgen own/my-field.yaml --set output.formats=[html]", clone)
    assert done.returncode == 0, done.stderr
    summary = json.loads((folder / "build/my-field/latest/summary.json").read_text())
    assert [section["id"] for section in summary["sections"]] == ["overview", "flux", "sky"]
    assert re.search(r"fainter than [\d.]+ μJy", summary["sections"][1]["text"])


def test_the_analysis_of_your_own_is_found_documented_and_built(clone, tmp_path):
    (tmp_path / "fullest.py").write_text(blocks("python")[0], encoding="utf-8")
    info = tmp_path / "fullest-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fullest\nVersion: 1.0\n")
    announced = blocks("toml")[0].replace('[project.entry-points."', "[").replace('"]', "]")
    (info / "entry_points.txt").write_text(announced.replace('"', ""))
    config = clone / "plugin.yaml"
    config.write_text(
        blocks("yaml")[1].partition("sections:")[0].replace("../data", "data")
        + "sections:\n  bright: {analysis: fullest, catalogue: objects, title: T, column: flux}\n"
    )
    path = {"PYTHONPATH": str(tmp_path)}
    said = run("reportgen sections fullest", clone, **path).stdout
    assert "The fullest of the equal bins" in said
    done = run("reportgen plugin.yaml --set output.formats=[html]", clone, **path)
    assert done.returncode == 0, done.stderr
    summary = json.loads((clone / "build/my-field/latest/summary.json").read_text())
    assert re.fullmatch(
        r"Of .+, the fullest bin, [\d,.]+ to [\d,.]+ µJy, holds [\d,]+ objects\.",
        summary["sections"][0]["findings"][0].replace("\N{NO-BREAK SPACE}", " "),
    )


def test_the_analysis_has_no_more_lines_than_it_says():
    code = blocks("python")[0].partition("class ")[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 20


def test_the_exit_codes_are_those_of_the_code():
    assert {int(code) for code in table_rows("| code | meaning |")} == set(ExitCode)


def test_every_analysis_is_listed():
    assert set(table_rows("| analysis | shows |")) == set(installed_analyses().types)


def test_the_first_configuration_of_the_readme_is_the_one_to_copy():
    small = (ROOT / "configs" / "small.yaml").read_text(encoding="utf-8")
    catalogue = re.search(r"    columns:\n(?:      .*\n)+", small)
    assert catalogue is not None
    assert catalogue[0] in README

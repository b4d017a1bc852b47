"""The commands, run as a user runs them."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from projects import (
    CONFIG,
    DISTRIBUTION,
    ROOT,
    SECONDS,
    call,
    clean_environment,
    section,
)

from reportgen.errors import ExitCode

PLUGIN = """
from reportgen import Analysis, Section


class Hello(Analysis, name="hello"):
    '''Says hello to somebody.

    And nothing else.
    '''

    somebody: str
    '''Who is greeted.'''
    times: int = 1
    '''How often.'''

    def reductions(self):
        return {}

    def present(self):
        print("hello from inside")
        return Section(findings=[f"Hello, {self.somebody}."] * self.times)
"""


def greeting(**keys):
    return section("hello", somebody="world", **keys)


# What is printed while a report is built


def test_in_a_log_each_step_is_a_line(project):
    done = project.build()
    assert done.returncode == 0, done.stderr
    first, fluxes, html = done.stderr.splitlines()
    assert first == "Building 2 parts"
    assert fluxes.startswith("ok    fluxes (")
    assert html.startswith("ok    html (")
    assert "\x1b" not in done.stderr
    verdict, page = done.stdout.splitlines()
    assert verdict == "The section was computed. Nothing is checked."
    assert page == str(project.latest.resolve() / "report.html")


def test_quiet_says_what_went_wrong(project):
    project.configure({"fluxes": {**DISTRIBUTION, "where": "flux < 0"}})
    done = project.build("-q")
    assert done.returncode == 3
    assert done.stdout == ""
    assert re.fullmatch(r"ERROR fluxes: .*flux.*\n", done.stderr)


def test_a_build_of_the_whole_survey_prints_nothing_but_its_steps(built):
    """Not a warning of any library, though a user may turn warnings into errors."""
    first, *lines = built.said.splitlines()
    assert first == "Building 12 parts"
    assert [line.split()[0] for line in lines] == ["ok"] * 12


def on_a_terminal(project, *arguments):
    """Run a build on a pseudo-terminal; gives the exit code and all that was written to it."""
    ours, theirs = pty.openpty()
    building = subprocess.Popen(
        [sys.executable, "-m", "reportgen", "report.yaml", *arguments],
        cwd=project.folder,
        env=clean_environment(**project.env, TERM="xterm-256color", COLUMNS="100"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            written += os.read(ours, 65536)
        except OSError:  # how Linux tells that the other side has been closed
            break
    os.close(ours)
    return building.wait(SECONDS), written.decode()


def test_on_a_terminal_a_bar_names_what_still_runs(project):
    project.configure({"fluxes": DISTRIBUTION, "none": {**DISTRIBUTION, "where": "flux < 0"}})
    code, written = on_a_terminal(project)
    assert code == 3
    assert "━" in written
    assert "fluxes, none, html" in written
    assert "3/3" in written
    assert "ERROR" in written
    assert "none: no row" in written
    assert "Traceback" not in written


# What is built


def test_only_builds_some_sections_and_says_so(project):
    flux = {"columns": {"flux": {"dataset": "flux"}}}
    sections = {name: {**DISTRIBUTION, "title": name} for name in ("one", "two", "three")}
    project.configure(
        {**sections, "lost": {**DISTRIBUTION, "catalogue": "lost"}},
        catalogues={"stars": {"file": "stars.h5", **flux}, "lost": {"file": "lost.h5", **flux}},
    )
    whole = project.build()
    assert whole.returncode == 5
    before = project.latest.readlink()
    done = project.build("--only", "two", "--only", "three")
    assert done.returncode == 0, "a source that is not needed is not asked for"
    assert "This is a partial report: 2 more sections were not asked for." in done.stdout
    assert project.latest.readlink() == before
    partial = Path(done.stdout.splitlines()[-1]).parent
    assert partial != project.latest.resolve()
    assert [s["id"] for s in project.summary(partial)["sections"]] == ["two", "three"]
    assert project.summary(partial)["run"]["only"] == ["two", "three"]
    assert project.summary(partial)["run"]["left_out"] == ["one", "lost"]
    assert "This is a partial report" in project.page(partial)


def test_set_changes_any_key_and_output_the_folder(project):
    done = project.build(
        *("--set", "report.title=Bright <stars>"),
        *("--set", "sections.fluxes.where=flux > 1"),
        *("--set", "sections.fluxes.histograms=[{bins: 7}]"),
        *("--output", "some where/else"),
    )
    assert done.returncode == 0, done.stderr
    assert not project.out.exists()
    run = project.folder / "some where" / "else" / "latest"
    summary = project.summary(run)
    assert summary["report"]["title"] == "Bright <stars>"
    assert summary["sections"][0]["where"] == "flux > 1"
    assert summary["configuration"]["overrides"][1] == "sections.fluxes.where=flux > 1"
    assert len(summary["configuration"]["overrides"]) == 3, "where a run is put is not in it"
    assert "sections.fluxes.where=flux &gt; 1" in project.page(run)
    figure = project.section("fluxes", run)["figures"][0]
    assert "7 " in figure["alt"]


# Wrong commands


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["docter"], "No such command 'docter'; did you mean 'doctor'?"),
        (["nowhere.yaml"], "nowhere.yaml"),
        (["report.yaml", "--wokers", "2"], "--workers"),
        (["report.yaml", "--workers", "0"], "0 is not in the range"),
        (["--workers", "0", "report.yaml"], "0 is not in the range"),
        (["build"], "Missing argument 'CONFIG'"),
        (["sections", "overwiev"], "unknown analysis 'overwiev'; did you mean 'overview'?"),
        (["render", "."], "summary.json: cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_command_line_is_said_without_a_traceback(project, arguments, said):
    done = project.call(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


# The other commands


def test_check_says_what_is_there(project):
    done = project.call("check", "report.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "catalogue stars: 200 rows, 2 of 2 columns, HDF5 file",
        "report.yaml: 1 section, all sources are there.",
    ]
    assert not project.out.exists()


def test_sections_lists_the_analyses_and_documents_the_keys_of_one(project):
    project.plugin(PLUGIN, hello="Hello")
    done = project.call("sections")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert re.search(r"^hello +Says hello to somebody\.$", done.stdout, re.MULTILINE)
    names = {line.split()[0] for line in lines if not line.startswith(" ")}
    assert {"overview", "distribution", "relation", "correlation", "sky_density"} <= names
    assert max(map(len, lines)) <= 80
    done = project.call("sections", "hello")
    assert done.returncode == 0
    assert "hello: Says hello to somebody." in done.stdout
    assert "  somebody (text; required)\n      Who is greeted." in done.stdout
    assert "  times (whole number; default 1)\n      How often." in done.stdout
    assert "timeout (number; default 600.0)" in done.stdout


def schema(project, *arguments):
    done = project.call("schema", *arguments)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def test_the_schema_knows_our_configurations_and_plugins_and_refuses_a_misspelt_key(project):
    project.plugin(PLUGIN, hello="Hello")
    validator = schema(project)
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        assert not list(validator.iter_errors(yaml.safe_load(path.read_text()))), path
    settings = yaml.safe_load(CONFIG.read_text())
    settings["sections"]["fluxes"]["histogram"] = []
    assert list(validator.iter_errors(settings))
    settings = yaml.safe_load(CONFIG.read_text())
    settings["report"]["titel"] = "x"
    assert list(validator.iter_errors(settings))
    settings = yaml.safe_load(project.config.read_text())
    settings["sections"] = {"hi": greeting()}
    assert not list(validator.iter_errors(settings))
    settings["sections"]["hi"]["times"] = "often"
    assert list(validator.iter_errors(settings))


def test_the_schema_of_the_record_accepts_a_record_and_refuses_another(project, summary):
    validator = schema(project, "--summary")
    assert not list(validator.iter_errors(summary))
    assert list(validator.iter_errors({**summary, "format": "reportgen-run/0"}))
    assert list(validator.iter_errors({k: v for k, v in summary.items() if k != "inputs"}))


HIDE_PANGO = """
pango=$(ldconfig -p | sed -n 's/.*libpango-1.0.so.0 .*=> //p' | head -n 1)
mount --bind /dev/null "$pango"
exec "$PY" -m reportgen {command}
"""


def without_pango(project, command):
    """Run a command where the library that PDFs need cannot be loaded."""
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-ec", HIDE_PANGO.format(command=command)],
        cwd=project.folder,
        env=clean_environment(PY=sys.executable),
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare failed" in done.stderr or "mount" in done.stderr.partition("\n")[0]:
        pytest.skip("this machine does not let users mount file systems for themselves")
    return done


def test_without_the_libraries_of_the_pdf_the_page_is_made_and_says_so(project):
    project.configure(
        {"fluxes": DISTRIBUTION}, output={"folder": "out", "formats": ["pdf", "html"]}
    )
    done = without_pango(project, "report.yaml")
    assert done.returncode == 3, done.stderr
    assert "The PDF could not be made." in done.stdout
    assert not (project.latest / "report.pdf").exists()
    page = project.page()
    assert "a PDF needs a library that is missing" in page
    assert "apt-get install --no-install-recommends libpango-1.0-0" in page
    assert project.summary()["documents"]["pdf"]["error"]["kind"] == "error"
    # Where the library is there, the PDF can be made later.
    again = project.call("render", "out/latest")
    assert again.returncode == 0, again.stderr
    assert (project.latest / "report.pdf").is_file()
    assert project.summary()["run"]["status"] == "ok"
    assert "could not be made" not in project.page()


# Odd surroundings


def shell(command, **options):
    """Run a line of bash, in which $reportgen is the command."""
    return subprocess.run(
        ["bash", "-c", command],
        env=clean_environment(reportgen=f"{sys.executable} -m reportgen"),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.mark.parametrize("command", ["schema", "--help"])
def test_a_reader_that_goes_away_is_no_failed_check_and_no_reason_to_complain(command):
    done = shell(f"$reportgen {command} | true; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stderr == ""


def test_a_build_needs_nobody_who_reads_its_log(project):
    for end in ("2>&1 | true; exit ${PIPESTATUS[0]}", "> /dev/full 2>&1", "<&- >&- 2>&-"):
        assert shell(f"$reportgen report.yaml {end}", cwd=project.folder).returncode == 0, end
        assert [section["status"] for section in project.summary()["sections"]] == ["ok"]
    assert len(list(project.out.glob("*Z*"))) == 3


@pytest.mark.parametrize("end", ["> /dev/full 2>&1", ">&- 2>&-"])
def test_what_is_wrong_has_its_exit_code_though_it_cannot_be_said(project, end):
    done = shell(f"$reportgen check missing.yaml {end}", cwd=project.folder)
    assert done.returncode == ExitCode.CONFIG


def test_what_cannot_be_said_at_the_end_has_the_exit_code_of_a_full_disk():
    done = shell("$reportgen schema > /dev/full")
    assert done.returncode == ExitCode.DELIVERY
    assert "No space left on device" in done.stderr
    assert "Exception ignored" not in done.stderr


def test_in_the_c_locale_everything_is_written_as_everywhere(project):
    project.columns["flux"]["label"] = "Flußdichte"
    project.configure({"fluxes": {**DISTRIBUTION, "title": "Größe × σ"}})
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = project.run("report.yaml", env=ascii_only)
    assert done.returncode == 0, done.stderr
    assert "Größe × σ" in project.page()
    tables = [path.read_text(encoding="utf-8") for path in project.latest.rglob("*.csv")]
    assert any("Flußdichte" in text for text in tables)
    told = project.run("sections", "distribution", env=ascii_only)
    assert told.returncode == 0, told.stderr


def test_names_of_folders_may_hold_anything(project):
    folder = project.folder / """Ünïcödé ☃, quo'te"s, per%cent#hash?&<b>"""
    folder.mkdir()
    (project.folder / "stars.h5").rename(folder / "stärs & 100%#.h5")
    project.folder = folder
    catalogue = {"file": "stärs & 100%#.h5", "columns": project.columns}
    blocks = {"output": {"folder": "out #1?"}, "catalogues": {"stars": catalogue}}
    project.configure({"fluxes": DISTRIBUTION}, **blocks)
    done = call(project.config, cwd="/")
    assert done.returncode == 0, done.stderr
    assert (folder / "out #1?" / "latest" / "report.pdf").is_file()
    assert "per%cent#hash?&amp;&lt;b&gt;" in project.page(folder / "out #1?" / "latest")


def test_a_name_that_is_not_text_does_not_break_the_record(project):
    """File names on Linux are bytes."""
    folder = project.folder.with_name(os.fsdecode(b"f\xfflder"))
    project.folder.rename(folder)
    project.folder = folder
    (folder / "stars.h5").unlink()
    done = call(project.config, cwd="/")
    assert done.returncode == 5, done.stderr
    assert "f\\udcfflder/stars.h5: there is no such file" in project.page()

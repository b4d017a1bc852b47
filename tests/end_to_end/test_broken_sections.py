"""Whatever a section does, the report is built, and its place says what happened."""

import shlex
import subprocess
from pathlib import Path

import pytest
from projects import DISTRIBUTION, clean_environment, section, small_project

PLUGIN = Path(__file__).with_name("trouble.py").read_text(encoding="utf-8")

FAILS = {
    "raises": "ValueError: seven is too many",
    "two_arguments": "TwoArgumentsError: a stumble at the door",
    "speechless": "SpeechlessError: (an exception that cannot say what is wrong)",
    "unpicklable": "UnpicklableError: not to be sent",
    "exits": "SystemExit: 3",
    "ends": "its process ended by itself with code 5",
    "interrupts": "KeyboardInterrupt",
    "is_killed": "its process was killed by SIGKILL (out of memory?)",
    "crashes": "its process was killed by SIGSEGV",
    "sleeps": "ran longer than its timeout of 1 s and was stopped",
    "hoards": "used more than its memory_limit of 250\u00a0MB (",
    "blames_publishing": "the disk is shy",
    "blames_configuration": "the YAML is shy",
    "returns_nothing": "the analysis deed gave a NoneType, not a Section",
    "two_of_one_id": "ValueError: two of one id among one, one",
    "slash_in_id": "not '../../escape'",
    "no_alt": "ValueError: figure 'one' needs a text for alt",
    "no_finding": "ValueError: a section needs at least one finding",
    "half_made": "ValueError",
}
SURVIVES = [
    "leaves_a_thread",
    "leaves_a_child",
    "warns",
    "shouts",
    "not_a_number",
    "rude",
    "rude_again",
    "unknown_unit",
]


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A report of many broken sections among whole ones, with how its build ended."""
    project = small_project(tmp_path_factory.mktemp("broken"))
    project.plugin(PLUGIN, deed="Deed", scanned="Scanned")
    limits = {"sleeps": {"timeout": 1}, "hoards": {"memory_limit": "250 MB"}}
    sections = {
        name: section("deed", deed=name, **limits.get(name, {})) for name in (*FAILS, *SURVIVES)
    }
    # The whole ones have their own catalogue: its one pass knows nothing of the short timeout.
    catalogues = {
        name: {"file": "stars.h5", "columns": {"flux": {"dataset": "flux"}}}
        for name in ("stars", "others")
    }
    whole = {**DISTRIBUTION, "catalogue": "others"}
    project.configure({"first": whole, **sections, "last": whole}, catalogues=catalogues)
    project.done = project.build("--verbose")
    return project


def test_the_build_says_that_sections_failed(broken):
    assert broken.done.returncode == 3, broken.done.stderr
    assert f"{len(FAILS)} of {len(FAILS) + len(SURVIVES) + 2} sections" in broken.done.stdout
    assert broken.summary()["run"]["status"] == "error"


@pytest.mark.parametrize("name", FAILS)
def test_a_broken_section_says_in_its_place_what_happened(broken, name):
    record = broken.section(name)
    assert record["status"] == "error"
    assert FAILS[name] in record["error"]["message"]
    assert record["figures"] == record["tables"] == []
    assert f'id="section-{name}"' in broken.page()


@pytest.mark.parametrize("name", [*SURVIVES, "first", "last"])
def test_a_section_beside_broken_ones_is_whole(broken, name):
    assert broken.section(name)["status"] == "ok"


def test_the_kind_of_failure_is_in_the_record(broken):
    kinds = {name: broken.section(name)["error"]["kind"] for name in FAILS}
    assert {name for name, kind in kinds.items() if kind == "timeout"} == {"sleeps"}
    assert {name for name, kind in kinds.items() if kind == "memory"} == {"hoards"}
    assert "raise memory_limit" in broken.section("hoards")["error"]["hint"]
    assert {n for n, kind in kinds.items() if kind == "died"} == {"ends", "is_killed", "crashes"}


def test_a_traceback_is_kept_for_whoever_mends_it(broken):
    details = broken.section("raises")["error"]["details"]
    assert "raise error" in details
    assert "ValueError: seven is too many" in details
    assert "ValueError: seven is too many" in broken.done.stderr


def test_a_crash_shows_where_it_was(broken):
    assert "string_at" in broken.section("crashes")["error"]["details"]


def test_what_a_failed_section_had_made_is_removed(broken):
    assert not (broken.latest / "sections" / "half_made").exists()
    assert not (broken.out / "escape.svg").exists()
    assert not list(broken.folder.rglob("*escape*"))


def test_a_warning_is_a_note_of_its_section_once(broken):
    assert broken.section("warns")["notes"] == ["Warning: the sky is falling"]


def test_what_a_section_prints_stays_out_of_the_output(broken):
    lines = broken.done.stdout.splitlines()
    assert len(lines) == 2
    assert lines[1].endswith("/report.html")
    assert "shouts | to the standard output" in broken.done.stderr
    assert "shouts | past Python to the standard error" in broken.done.stderr


def test_a_process_that_a_section_left_behind_is_ended(broken):
    (sentence,) = broken.section("leaves_a_child")["findings"]
    pid = int(sentence.removeprefix("Child ").removesuffix("."))
    status = Path(f"/proc/{pid}/status")
    # Whoever inherits it may take a while to take note.
    assert not status.exists() or "State:\tZ" in status.read_text()


def test_the_command_in_its_place_runs_the_section_alone(broken):
    name = "is_killed"
    command = broken.section(name)["error"]["command"]
    assert command in broken.page().replace("&#39;", "'")
    done = subprocess.run(
        shlex.split(command),
        cwd=broken.folder,
        env=clean_environment(**broken.env),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert f"ERROR {name}: {FAILS[name]}" in done.stderr
    assert "The section could not be computed" in done.stdout


def test_trouble_while_the_rows_are_read_harms_its_section_only(tmp_path):
    project = small_project(tmp_path)
    project.plugin(PLUGIN, scanned="Scanned")
    trouble = {
        "raising": section("scanned", deed="raises"),
        "finishing": section("scanned", deed="raises", when="finish"),
        "asking": section("scanned", deed="two_arguments", when="reductions"),
        "killed": section("scanned", deed="is_killed"),
        "exiting": section("scanned", deed="exits"),
        "hanging": section("scanned", deed="sleeps", timeout=1),
        "keeping": section("scanned", deed="misfit", when="finish"),
        "publishing": section("scanned", deed="blames_publishing"),
        "hoarding": section("scanned", deed="hoards", memory_limit="250 MB"),
    }
    others = {**DISTRIBUTION, "timeout": 60, "memory_limit": "2 GB"}
    project.configure({"fluxes": others, **trouble})
    done = project.build()
    assert done.returncode == 3, done.stderr
    records = {record["id"]: record for record in project.summary()["sections"]}
    assert {name for name, r in records.items() if r["status"] == "ok"} == {"fluxes"}
    said = {name: r["error"]["message"] for name, r in records.items() if r["error"]}
    hoarded = said.pop("hoarding")
    assert hoarded.startswith("used more than its memory_limit of 250\u00a0MB (")
    assert records["hoarding"]["error"]["kind"] == "memory"
    assert said == {
        "raising": "ValueError: seven is too many",
        "finishing": "ValueError: seven is too many",
        "asking": "TwoArgumentsError: a stumble at the door",
        "killed": "its process was killed by SIGKILL (out of memory?)",
        "exiting": "SystemExit: 3",
        "hanging": "ran longer than its timeout of 1 s and was stopped",
        "keeping": "TypeError: this value stays here",
        "publishing": "the disk is shy",
    }


def test_a_plugin_that_cannot_be_loaded_is_named_and_harms_no_other(project):
    project.plugin("import no_such_module_at_all", deed="Deed")
    done = project.call("check", "report.yaml")
    assert done.returncode == 0, done.stderr
    assert "Warning: the analysis 'deed' of x cannot be loaded" in done.stderr
    assert "no_such_module_at_all" in done.stderr
    doctor = project.call("doctor")
    assert doctor.returncode == 2
    assert "no_such_module_at_all" in doctor.stdout


def test_a_section_that_changes_its_world_does_not_change_that_of_the_next(broken):
    worlds = [broken.section(name)["findings"] for name in ("rude", "rude_again")]
    assert worlds[0] == worlds[1]
    assert "None" in worlds[0][0]

"""docs/schedule.md: what it names is there, its commands are right, and its tables are complete."""

import re
import subprocess
from pathlib import Path

import pytest
from projects import ROOT
from scheduled_jobs import DEPLOY, Machine, program, survey_folder

from reportgen import cli
from reportgen.errors import ExitCode

DOCS = ROOT / "docs/schedule.md"
TEXT = DOCS.read_text(encoding="utf-8")


def shell_blocks():
    """Return the commands of each block, without the indent of the list that it stands in."""
    found = re.finditer(r"^( *)```sh\n(.*?)^ *```$", TEXT, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{block[1]}", "", block[2], flags=re.MULTILINE) for block in found]


def test_every_file_to_copy_is_described():
    files = {path for path in DEPLOY.rglob("*") if path.is_file()}
    assert len(files) == 8
    for path in files:
        place = path.relative_to(ROOT).as_posix()
        folder = path.parent.relative_to(ROOT).as_posix()
        assert place in TEXT or f"{folder}/*{path.suffix}" in TEXT, place


def test_shellcheck_finds_nothing_in_the_commands():
    assert len(shell_blocks()) > 8
    for block in shell_blocks():
        done = subprocess.run(
            [program("shellcheck"), "--shell=sh", "-"],
            input=block,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_the_table_has_every_exit_code_in_order_and_what_each_scheduler_makes_of_it():
    table = TEXT.split("| code | what happened |")[1].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert [int(code) for code, *_ in rows] == sorted(ExitCode)
    assert {len(row) for row in rows} == {6}


def test_every_command_that_is_named_is_one():
    named = set(re.findall(r"`reportgen ([a-z]+)", TEXT))
    assert named >= {"build", "history", "summary"}
    assert named <= set(cli.cli.commands)


@pytest.mark.parametrize("path", sorted(p for p in DEPLOY.rglob("*") if p.is_file()))
def test_every_option_of_a_command_is_one(path):
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for name, rest in re.findall(r"\breportgen ([a-z]+)\b([^`|&<>\n]*)", text):
        command = cli.cli.commands.get(name)
        if command is not None:
            known = {option for each in command.params for option in each.opts}
            given = set(re.findall(r"(?<= )--[a-z-]+", rest))
            assert given <= known, rest


def test_what_cron_sees_can_be_tried_by_hand(tmp_path):
    machine = Machine(tmp_path / "machine")
    home = tmp_path / "observer"
    survey_folder(home / "survey")
    (home / "reportgen").mkdir()
    (home / "reportgen/bin").symlink_to(machine.bin)
    (command,) = [block for block in shell_blocks() if block.startswith("env -i")]
    done = machine.run(["sh", "-c", command], home, machine.environment(HOME=str(home)))
    assert done.returncode == 0, done.stderr
    made = Path(done.stdout.splitlines()[-1])
    assert made.name == "report.html"
    assert made.is_relative_to(home / "survey/build/nightly")
    summary = ["reportgen", "summary", "build/nightly/latest"]
    assert " ".join(summary) in TEXT
    told = machine.run(summary, home / "survey", machine.environment())
    assert told.stdout.startswith("OK: Stars\n")

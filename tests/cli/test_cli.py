import os
import re
import shlex
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner
from projects import clean_environment

from reportgen import cli
from reportgen.cli import EXIT_CODES
from reportgen.cli.common import GROUPS
from reportgen.errors import ExitCode


def invoke(*arguments):
    return CliRunner().invoke(cli.cli, arguments)


def test_help_names_every_command_and_exit_code():
    said = invoke("--help").output
    for command in cli.cli.commands:
        assert f"\n  {command} " in said
        help_of_command = invoke(command, "--help").output
        assert len(help_of_command.splitlines()[2].strip()) > 20
        assert max(map(len, help_of_command.splitlines())) <= 80, command
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(cli.cli.commands)
    assert max(map(len, said.splitlines())) <= 80
    assert "..." not in said.partition("Make reports")[2]
    for code in ExitCode:
        assert f"\n  {code:d}  " in EXIT_CODES
        assert f"  {code:d}  " in said


def test_the_examples_of_the_help_are_commands():
    epilogs = [cli.cli.epilog, *(command.epilog or "" for command in cli.cli.commands.values())]
    examples = [line for text in epilogs for line in re.findall(r"^  reportgen (.+)$", text, re.M)]
    assert len(examples) > 20
    for example in examples:
        words = shlex.split(example.partition(">")[0], comments=True)
        name, *arguments = words if words[0] in cli.cli.commands else ["build", *words]
        assert cli.cli.commands[name].make_context(name, arguments), example


def test_a_file_may_be_called_like_a_command_that_was_misspelt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docter").write_text("report: {}\n")
    done = invoke("docter")
    assert "No such command" not in done.output


def main(program, **env):
    """Run main() in a process of its own, after some changes to the program."""
    code = f"import os, sys\nfrom reportgen import cli\n{program}\ncli.main()"
    return subprocess.run(
        [sys.executable, "-c", code, "doctor"],
        env=clean_environment(**env),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_bug_is_told_from_a_failed_check():
    done = main("cli.cli.commands['doctor'].callback = lambda: 1 / 0")
    assert done.returncode == os.EX_SOFTWARE == 70
    assert "ZeroDivisionError" in done.stderr
    assert "This is a bug of reportgen, please report it." in done.stderr


def test_a_signal_that_is_ignored_stays_ignored():
    """nohup asks that a build outlives its terminal."""
    program = (
        "import signal\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "cli.cli.commands['doctor'].callback = lambda: os.kill(os.getpid(), signal.SIGHUP)"
    )
    assert main(program).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command_with_the_code_that_shells_give(number):
    program = (
        f"cli.cli.commands['doctor'].callback = lambda: (os.kill(os.getpid(), {number:d}), "
        "__import__('time').sleep(60))"
    )
    done = main(program)
    assert done.returncode == 128 + number
    assert done.stderr.strip() == "Interrupted."


def test_a_command_that_hangs_while_it_cleans_up_after_a_signal_ends_all_the_same():
    program = """
from threading import Lock
def hang():
    lock = Lock()
    lock.acquire()
    try:
        os.kill(os.getpid(), 15)
    finally:
        lock.acquire()
cli.LONGEST_CLEANING = 1
cli.cli.commands['doctor'].callback = hang
"""
    assert main(program).returncode == -signal.SIGALRM


def test_workers_import_the_main_module_without_the_command_line():
    program = (
        "import sys; from runpy import run_module;"
        "run_module('reportgen.__main__', run_name='__mp_main__');"
        "print('click' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False\n"

"""The command line stays light; `make lint` runs import-linter, which holds the layers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {
    "ai_edge_litert",
    "astropy",
    "fontTools",
    "h5py",
    "jinja2",
    "matplotlib",
    "numpy",
    "pebble",
    "pydantic",
    "rich",
    "scipy",
    "sqlalchemy",
    "tensorflow",
    "weasyprint",
    "yaml",
}
HELP_SECONDS = 0.3


def packages_after(code):
    """Return the top-level packages that a fresh interpreter has imported after some code."""
    program = f"import json, sys\n{code}\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return {name.partition(".")[0] for name in json.loads(ran.stdout.splitlines()[-1])}


HELP = """
from contextlib import suppress
from runpy import run_module
sys.argv = ["reportgen", {arguments}]
with suppress(SystemExit):
    run_module("reportgen", run_name="__main__")
"""


@pytest.mark.parametrize(
    "code",
    [
        "import reportgen.cli",
        HELP.format(arguments="'--help'"),
        HELP.format(arguments="'build', '--help'"),
        HELP.format(arguments="'--version'"),
    ],
    ids=["import", "--help", "build --help", "--version"],
)
def test_the_command_line_imports_nothing_heavy(code):
    packages = packages_after(code)
    assert "click" in packages
    assert not packages & HEAVY


def test_heavy_imports_would_be_seen():
    assert {"numpy", "h5py"} <= packages_after("import reportgen.data.hdf5, h5py") & HEAVY


def cpu_seconds(*command):
    """Return the CPU time of a command, of the child itself."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return used.ru_utime + used.ru_stime


def test_help_answers_within_its_cpu_time():
    # The best of several: the first may compile, and others may be using the machine.
    times = [cpu_seconds(sys.executable, "-m", "reportgen", "--help") for _ in range(7)]
    assert min(times) < HELP_SECONDS, times

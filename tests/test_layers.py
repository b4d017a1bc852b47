"""The layers of the package hold, and the command line stays light."""

import json
import os
import shutil
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


# `make lint` runs import-linter on the package as it is.
WRONG = {  # a line in a module, which breaks the contract that begins so
    "data/hdf5.py": ("import reportgen.analyses.base", "Imports point down only"),
    "quality/history/store.py": ("import reportgen.quality.nights", "Imports within quality"),
    "render/view.py": ("import reportgen.data.hdf5", "What is rendered"),
    "analyses/overview.py": ("import reportgen.data.catalogue", "An analysis never"),
    "reduce/counts.py": ("import matplotlib", "A reduction knows"),
}


def test_imports_against_the_layers_are_found(tmp_path):
    fonts = shutil.ignore_patterns("fonts", "__pycache__")
    shutil.copytree(ROOT / "reportgen", tmp_path / "reportgen", ignore=fonts)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    def linted():
        linter = Path(sys.executable).with_name("lint-imports")
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        command = [linter, "--no-logo", "--no-cache", "--config", tmp_path / "pyproject.toml"]
        options = {"capture_output": True, "text": True, "timeout": 300}
        done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, **options)
        assert done.returncode == 1
        return done.stdout

    new = tmp_path / "reportgen" / "newcomer.py"
    new.touch()
    assert "newcomer" in linted()
    new.unlink()
    for module, (line, _) in WRONG.items():
        with (tmp_path / "reportgen" / module).open("a") as file:
            file.write(f"\n{line}\n")
    said = linted()
    broken = [text for text in said.splitlines() if " BROKEN" in text]
    for _, contract in WRONG.values():
        assert any(text.startswith(contract) for text in broken), said


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

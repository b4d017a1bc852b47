"""Setting up: what `make` does on machines that lack something, and what the lock file pins."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reportgen.cli import doctor

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = ["3.11", "3.12", "3.13"]

# Imported, but brought along on purpose by the package that is named here.
COMES_WITH = {"markupsafe": "jinja2", "pydantic-core": "pydantic"}


BASICS = [
    *["dirname", "echo", "env", "ls", "make", "mkdir", "printf"],
    *["rm", "sed", "sh", "sort", "touch", "tr"],
]


class Machine:
    """A machine with nothing but the commands that a test gives it."""

    def __init__(self, folder):
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        self.log = folder / "log"
        for name in BASICS:
            (self.bin / name).symlink_to(shutil.which(name))

    def add(self, name, script="", *, code=0):
        """Add a command that notes how it was called."""
        path = self.bin / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.log}"\n{script}\nexit {code}\n')
        path.chmod(0o755)

    def run(self, *command, cwd=ROOT, **environment):
        return subprocess.run(
            command,
            cwd=cwd,
            env={"PATH": str(self.bin), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def called(self):
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path / "machine")


APT = "apt-get -qq -o DPkg::Lock::Timeout=120"
INSTALLED = f"{APT} install --yes --no-install-recommends libpango-1.0-0 poppler-utils"
PACKAGES = ROOT / ".ci/system-packages"


def install_packages(machine, **environment):
    packages = ["libpango-1.0-0", "poppler-utils"]
    return machine.run(PACKAGES, "the PDF", *packages, **environment)


def test_root_installs_system_packages(machine):
    machine.add("id", "echo 0")
    machine.add("apt-get")
    assert install_packages(machine).returncode == 0
    assert machine.called()[-2:] == [f"{APT} update", INSTALLED]


@pytest.mark.parametrize("why", ["no sudo", "sudo asks for a password", "NO_APT", "no network"])
def test_whoever_may_not_install_packages_is_told_the_line(machine, why):
    machine.add("id", "echo 0" if why == "no network" else "echo 1000")
    machine.add("apt-get", code=100 if why == "no network" else 0)
    if why != "no sudo":
        machine.add("sudo", code=1 if why == "sudo asks for a password" else 0)
    ran = install_packages(machine, **({"NO_APT": "1"} if why == "NO_APT" else {}))
    assert ran.returncode == 1
    line = "apt-get install --no-install-recommends libpango-1.0-0 poppler-utils"
    assert f"    {'' if why == 'no network' else 'sudo '}{line}\n" in ran.stderr
    assert "Left out until then: the PDF." in ran.stderr
    if why != "no network":
        assert not any(called.startswith("apt-get") for called in machine.called())


@pytest.mark.parametrize(
    ("manager", "line"),
    [
        ("dnf", "sudo dnf install pango poppler-utils"),
        ("brew", "brew install pango poppler"),
        ("none", "libpango-1.0-0 poppler-utils"),
    ],
)
def test_other_systems_are_told_their_own_names(machine, manager, line):
    machine.add(manager)
    ran = install_packages(machine)
    assert ran.returncode == 1
    assert f"    {line}" in ran.stderr
    assert not machine.called()


def python_of(version, *, with_venv=True):
    """Return a script that passes for a Python of some version."""
    major, minor, _ = version.split(".")
    old = 1 if (int(major), int(minor)) < (3, 11) else 0
    return f"""
case "$*" in
    *'sys.exit(sys.version_info <'*) exit {old} ;;
    *platform.python_version*) echo {version} ;;
    *ensurepip*) exit {0 if with_venv else 1} ;;
    *%d.%d*) echo {major}.{minor} ;;
    --version) echo Python {version} ;;
    '-m venv '*) mkdir -p "$3" ;;
esac"""


def make_venv(machine, tmp_path, *pythons):
    return machine.run(ROOT / ".ci/make-venv", str(tmp_path / "some venv"), *pythons)


def test_the_first_python_that_is_new_enough_is_taken(machine, tmp_path):
    machine.add("python3", python_of("3.9.2"))
    machine.add("python3.12", python_of("3.12.4"))
    ran = make_venv(machine, tmp_path, "python3", "python3.13", "python3.12")
    assert ran.returncode == 0, ran.stderr
    assert "with Python 3.12.4" in ran.stdout
    assert machine.called()[-1] == f"python3.12 -m venv {tmp_path / 'some venv'}"
    assert (tmp_path / "some venv/.made").exists()


def test_an_old_python_is_named_with_what_to_do(machine):
    machine.add("python3", python_of("3.9.2"))
    ran = machine.run("make", "install", "VENV=no-such-venv", "PYTHON=python3 python3.12")
    assert ran.returncode == 2
    assert "needs Python 3.11 or newer: python3 is 3.9.2; there is no python3.12." in ran.stderr
    assert "PYTHON=/path/to/python3.12 make" in ran.stderr


@pytest.mark.parametrize("gone", [True, False], ids=["python gone", "python too old"])
def test_an_environment_that_does_not_work_is_made_again(machine, tmp_path, gone):
    folder = tmp_path / "some venv"
    (folder / "bin").mkdir(parents=True)
    (folder / ".made").touch()
    (folder / "bin/python").symlink_to(machine.bin / "python-of-venv")
    if not gone:
        machine.add("python-of-venv", python_of("3.10.2"))
    machine.add("python3", python_of("3.12.4"))
    assert make_venv(machine, tmp_path, "python3").returncode == 0
    assert machine.called()[-1] == f"python3 -m venv {folder}"
    assert not (folder / "bin/python").is_symlink()
    assert (folder / ".made").exists()


class Clone:
    """A clone whose Python is a stub that notes its arguments, in a folder with a space."""

    def __init__(self, folder, machine):
        self.folder, self.machine = folder, machine
        for name in ["Makefile", "pyproject.toml", "requirements.lock"]:
            folder.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / ".ci", folder / ".ci")
        (folder / ".venv/bin").mkdir(parents=True)
        machine.add("id", "echo 1000")
        machine.add("apt-get")
        self.python_says()

    def python_says(self, *, pdf=True):
        self.machine.add("venv-python", f"[ \"$*\" != '-c import weasyprint' ] || exit {1 - pdf}")
        python = self.folder / ".venv/bin/python"
        if not python.is_symlink():
            python.symlink_to(self.machine.bin / "venv-python")

    def make(self, *arguments, **environment):
        self.machine.log.unlink(missing_ok=True)
        ran = self.machine.run("make", *arguments, cwd=self.folder, **environment)
        calls = [call.removeprefix("venv-python ") for call in self.machine.called()]
        return ran, calls


@pytest.fixture
def clone(tmp_path, machine):
    return Clone(tmp_path / "a clone", machine)


def starting(calls, start):
    return [call for call in calls if call.startswith(start)]


def test_make_report_installs_makes_the_sample_and_builds(clone):
    ran, calls = clone.make("report")
    assert ran.returncode == 0, ran.stderr
    installs = starting(calls, "-m pip --disable-pip-version-check install")
    assert len(installs) == 1
    assert installs[0].endswith("--constraint requirements.lock --editable .[all]")
    assert starting(calls, "-m reportgen") == [
        "-m reportgen sample data/cdfs",
        "-m reportgen configs/cdfs.yaml",
    ]
    assert ran.stdout.endswith("The report is build/cdfs/latest/report.html\n")


def test_without_the_libraries_of_the_pdf_the_page_alone_is_built(clone):
    clone.python_says(pdf=False)
    ran, calls = clone.make("report")
    assert ran.returncode == 0, ran.stderr
    assert doctor.APT_LINE in ran.stderr
    assert "Left out until then: the PDF of the report." in ran.stderr
    assert "Building without the PDF" in ran.stdout
    assert calls[-1] == "-m reportgen configs/cdfs.yaml --set output.formats=[html]"


def pins():
    """Return the requirements that the lock file pins, by name."""
    found = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if line and not line.lstrip().startswith("#"):
            pin = Requirement(line)
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def pinned_version(name, python):
    """Return the version that the lock file pins for a Python on Linux."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "os_name": "posix",
    }
    versions = [
        str(pin.specifier).removeprefix("==")
        for pin in pins().get(canonicalize_name(name), [])
        if pin.marker is None or pin.marker.evaluate(environment)
    ]
    assert len(versions) == 1, f"{name} for Python {python}: {versions}"
    return versions[0]


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_file_pins_every_dependency_to_a_version_that_is_allowed(python):
    optional = PROJECT["optional-dependencies"].values()
    for text in [*PROJECT["dependencies"], *(text for extra in optional for text in extra)]:
        wanted = Requirement(text)
        if wanted.name != PROJECT["name"]:
            assert wanted.specifier.contains(pinned_version(wanted.name, python)), text
    assert pinned_version("tensorflow", python)


def test_the_lock_file_pins_exactly_and_names_no_index():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert "--index" not in text
    for requirements in pins().values():
        for pin in requirements:
            assert re.fullmatch(r"==[^*,]+", str(pin.specifier)), pin


def imported_packages():
    """Return the packages outside the standard library that reportgen imports."""
    names = set()
    for path in (ROOT / "reportgen").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add((node.module or "").partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"reportgen"}


def test_every_import_is_a_dependency_and_every_dependency_is_imported():
    owners = packages_distributions()
    imported = {canonicalize_name(owners[n][0]) for n in imported_packages() if n in owners}
    declared = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    extras = PROJECT["optional-dependencies"]
    optional = {
        canonicalize_name(Requirement(text).name)
        for extra in ("cnn", "dask", "parquet", "remote")
        for text in extras[extra]
    }
    assert imported - declared - optional - set(COMES_WITH) == set()
    assert declared - imported == set()
    assert set(COMES_WITH.values()) <= declared

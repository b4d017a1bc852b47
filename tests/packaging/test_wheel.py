"""A wheel, installed in an empty environment outside the clone, builds a report."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
SECONDS = 1200  # of one step; downloads may be slow
NO_NETWORK = ("dns error", "error sending request", "failed to fetch", "connect", "timed out")

pytestmark = pytest.mark.packaging


def clean_environment():
    """Give the environment without whatever leads back to the clone."""
    ours = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CDFS_DATA", "SOURCE_DATE_EPOCH"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {"UV_SYSTEM_CERTS": "1", **kept}  # uv trusts whom the machine trusts, as pip does


def run(*command, cwd):
    return subprocess.run(
        command,
        cwd=cwd,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def from_index(*command, cwd):
    """Run a command that needs a package index; skip when none can be reached."""
    ran = run(*command, cwd=cwd)
    said = ran.stdout + ran.stderr
    if ran.returncode and any(sign in said.lower() for sign in NO_NETWORK):
        pytest.skip("no package index can be reached")
    assert ran.returncode == 0, said
    return ran


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Give the source distribution, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--installer", "uv", "--outdir", str(folder), str(ROOT)]
    from_index(*build, cwd=folder)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return SimpleNamespace(sdist=sdist, wheel=wheel)


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """Install the wheel alone in an empty environment."""
    place = tmp_path_factory.mktemp("an empty place")  # the space is on purpose
    uv = [sys.executable, "-m", "uv"]
    from_index(*uv, "venv", "--python", sys.executable, "venv", cwd=place)
    python = place / "venv/bin/python"
    options = ["--python", str(python), "--constraint", str(LOCK)]
    from_index(*uv, "pip", "install", *options, str(built.wheel), cwd=place)
    return SimpleNamespace(place=place, python=python, reportgen=place / "venv/bin/reportgen")


def files_below(folder):
    """Give the files of a folder of the clone, relative to it, without caches."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_package_its_fonts_and_the_templates(built):
    with zipfile.ZipFile(built.wheel) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    package = {f"reportgen/{name}" for name in files_below(ROOT / "reportgen")}
    templates = {f"reportgen/templates/{name}" for name in files_below(ROOT / "templates")}
    assert names == package | templates
    assert any(name.endswith(".ttf") for name in names)


def test_the_source_distribution_holds_what_a_developer_needs(built):
    with tarfile.open(built.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    folders = ["reportgen", "templates", "configs", "deploy", "tests"]
    clone = {f"{folder}/{name}" for folder in folders for name in files_below(ROOT / folder)}
    alone = {"Makefile", "requirements.lock", "README.md", "CHANGELOG.md", "LICENSE", ".ci/run"}
    alone |= {".dockerignore", ".github/workflows/nightly.yml", "docs/schedule.md"}
    assert clone | alone <= names


def test_only_the_core_is_installed(installed):
    uv = [sys.executable, "-m", "uv", "pip", "list", "--python", str(installed.python)]
    listed = run(*uv, "--format", "json", cwd=installed.place)
    names = {package["name"] for package in json.loads(listed.stdout)}
    assert {"reportgen", "weasyprint", "astropy"} <= names
    assert not names & {"tensorflow", "pytest", "mypy", "ruff", "uv", "playwright"}


def test_a_new_plugin_passes_its_own_tests_where_reportgen_is_installed(installed):
    uv = [sys.executable, "-m", "uv", "pip", "install", "--constraint", str(LOCK)]
    from_index(*uv, "--python", str(installed.python), "pip", "pytest", cwd=installed.place)
    made = run(installed.reportgen, "new", "plugin", "limiting_depth", cwd=installed.place)
    assert made.returncode == 0, made.stderr
    folder = installed.place / "limiting_depth"
    tested = from_index("make", "test", f"PYTHON={installed.python}", cwd=folder)
    assert "2 passed" in tested.stdout
    listed = run(installed.reportgen, "sections", cwd=installed.place).stdout
    assert "limiting_depth " in listed


def test_a_report_is_built_outside_the_clone(installed):
    if run(installed.python, "-c", "import weasyprint", cwd=installed.place).returncode:
        pytest.skip("the system libraries of the PDF are not installed")
    sample = ["sample", "data/cdfs", "--rows", "2000", "--images", "2"]
    made = run(installed.reportgen, *sample, cwd=installed.place)
    assert made.returncode == 0, made.stderr
    (installed.place / "configs").mkdir()
    config = installed.place / "configs/cdfs.yaml"
    config.write_text((ROOT / "configs/cdfs.yaml").read_text(encoding="utf-8"), encoding="utf-8")

    only = ["--only", "stellarity", "--only", "atlas_sky"]
    ran = run(installed.reportgen, config.relative_to(installed.place), *only, cwd=installed.place)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    (folder,) = (installed.place / "build/cdfs").glob("????????T??????Z")
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert "</html>" in (folder / "report.html").read_text(encoding="utf-8")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["run"]["status"] == "ok"
    assert {s["id"]: s["status"] for s in summary["sections"]} == {
        "stellarity": "ok",
        "atlas_sky": "ok",
    }

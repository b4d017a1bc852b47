"""The files for GitHub and GitLab: valid, safe and pinned, as far as linters can tell."""

import subprocess
import sys

import pytest
from projects import ROOT
from scheduled_jobs import DEPLOY, program, read_yaml

NIGHTLY = [ROOT / ".github/workflows/nightly.yml", DEPLOY / "github/nightly.yml"]
WORKFLOWS = [*NIGHTLY, *(ROOT / f".github/workflows/{name}.yml" for name in ("docs", "tests"))]
GITLAB = DEPLOY / "gitlab-ci.yml"


def run(*command, **options):
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, **options
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "files"),
    [("vendor.github-workflows", WORKFLOWS), ("vendor.gitlab-ci", [GITLAB])],
    ids=["GitHub", "GitLab"],
)
def test_the_files_fit_the_schemas_of_the_platforms(schema, files):
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    assert run(*check, *files) == (0, "ok -- validation done\n")


def test_actionlint_finds_nothing_in_expressions_or_steps():
    options = ["-shellcheck", program("shellcheck"), "-pyflakes", ""]
    assert run(program("actionlint"), *options, *WORKFLOWS) == (0, "")


def test_zizmor_finds_no_way_in():
    options = ["--offline", "--no-progress", "--quiet", "--color", "never"]
    code, said = run(program("zizmor"), *options, *WORKFLOWS)
    assert code == 0, said


@pytest.mark.parametrize("script", ["before_script", "script", "after_script"])
def test_shellcheck_finds_nothing_in_the_scripts_of_gitlab(script):
    lines = ["# shellcheck disable=SC2086 # OPTIONS are several words, or none", "{"]
    text = "\n".join([*lines, *read_yaml(GITLAB)["nightly"][script], "}"])
    assert run(program("shellcheck"), "--shell=sh", "-", input=text) == (0, "")


@pytest.mark.parametrize("path", NIGHTLY, ids=["own", "to copy"])
def test_what_is_saved_is_what_the_next_night_restores(path):
    """Paths must be the same to the letter: GitHub makes the version of a cache of them."""
    steps = {s.get("name"): s for s in read_yaml(path)["jobs"]["report"]["steps"]}
    restored = steps["Restore history, cache and unsent mail"]["with"]
    saved = steps["Save history, cache and unsent mail"]
    assert saved["with"] == {key: restored[key] for key in ("path", "key")}
    assert restored["key"].startswith(restored["restore-keys"])
    assert "github.run_id" in restored["key"].removeprefix(restored["restore-keys"])
    assert saved["if"] == "always()"


@pytest.mark.parametrize("path", NIGHTLY, ids=["own", "to copy"])
def test_only_the_build_gets_secrets(path):
    text = path.read_text(encoding="utf-8")
    workflow = read_yaml(path)
    (build,) = [s for s in workflow["jobs"]["report"]["steps"] if s.get("name") == "Build"]
    held = [value for value in build["env"].values() if "secrets." in value]
    assert text.count("secrets.") == len(held) == 4

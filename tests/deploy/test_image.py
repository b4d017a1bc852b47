"""The Dockerfile: what can be known of an image without building it."""

import fnmatch
import re
import shlex
import subprocess
import tomllib

from projects import ROOT
from scheduled_jobs import DEPLOY, program, read_yaml

from reportgen.cli.doctor import APT_LINE

DOCKERFILE = DEPLOY / "Dockerfile"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def instructions():
    """Return the instructions with their arguments, long lines joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def arguments(name):
    return [rest for instruction, rest in instructions() if instruction == name]


def copied():
    """Return what is copied from the clone."""
    found = [shlex.split(rest) for rest in arguments("COPY") if "--from" not in rest]
    return [source for *sources, _ in found for source in sources]


def test_hadolint_finds_nothing():
    done = subprocess.run(
        [program("hadolint"), "--no-color", DOCKERFILE], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_what_is_copied_is_there_and_is_sent_to_the_engine_and_nothing_else_is():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    sent = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert sent == set(copied())
    for name in copied():
        assert (ROOT / name).exists(), name


def test_what_is_copied_is_enough_to_build_the_wheel():
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    project = PROJECT["project"]
    for name in [*wheel, project["readme"], *project["license-files"], "pyproject.toml"]:
        assert any(
            fnmatch.fnmatch(name, source) or name.startswith(f"{source}/") for source in copied()
        )


def test_packages_are_installed_in_the_versions_of_the_lock_file():
    (install,) = [rest for rest in arguments("RUN") if "pip install" in rest]
    assert "--constraint requirements.lock" in install
    assert "requirements.lock" in copied()


def apt_packages(text):
    """Return what a line of a shell installs with apt-get."""
    found = re.search(r"apt-get .*?\binstall ([^|&;\n]+)", text.replace("\\\n", " "))
    assert found is not None, text
    return {word for word in found[1].split() if not word.startswith("-")}


def test_all_install_the_libraries_of_the_pdf_that_doctor_names():
    wanted = apt_packages(APT_LINE)
    assert len(wanted) == 3
    (image,) = [rest for rest in arguments("RUN") if "apt-get" in rest]
    assert apt_packages(image) == wanted
    gitlab = read_yaml(DEPLOY / "gitlab-ci.yml")["nightly"]["before_script"]
    assert apt_packages(next(line for line in gitlab if " install " in line)) == wanted
    for path in [ROOT / ".github/workflows/nightly.yml", DEPLOY / "github/nightly.yml"]:
        steps = read_yaml(path)["jobs"]["report"]["steps"]
        (install,) = [step["run"] for step in steps if step.get("name") == "Install"]
        assert apt_packages(install) == wanted

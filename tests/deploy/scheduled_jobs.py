"""Runs what schedulers run, here: the steps of a job in order, a line of a crontab, a unit.

What would change this machine (apt-get, pip) is replaced by commands that only note how they were
called; reportgen is the real one.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from projects import HISTOGRAM, ROOT, SECONDS, small_project

DEPLOY = ROOT / "deploy"
PROGRAMS = Path(sys.executable).parent
SYSTEM = "/usr/local/bin:/usr/bin:/bin"
ARTIFACT = "https://example.org/runs/7/artifacts/1"


def read_yaml(path):
    # GitHub's `on` is a truth value to YAML 1.1.
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 - texts only


def survey_folder(folder):
    """Make a folder as users have one: a configuration of a small catalogue, run every night."""
    configs = folder / "configs"
    configs.mkdir(parents=True)
    project = small_project(configs)
    set_limit(project, 1e9)
    return project


def set_limit(project, limit, **blocks):
    """Write configs/nightly.yaml with one check; a small limit makes it fail.

    blocks: further ones.
    """
    checks = [{"metric": "flux_median", "max": limit}]
    output = {"folder": "../build/nightly", "formats": ["html"]}
    project.configure({"fluxes": {**HISTOGRAM, "checks": checks}}, output=output, **blocks)
    project.config.replace(project.folder / "nightly.yaml")


@dataclass
class Machine:
    """The machine of a job: a bare PATH, reportgen, and what only notes how it was called."""

    folder: Path
    variables: dict = field(default_factory=dict)

    def __post_init__(self):
        self.calls = self.folder / "calls"
        self.bin = self.folder / "bin"
        self.bin.mkdir(parents=True)
        python = shlex.quote(sys.executable)
        self.add("reportgen", f'exec {python} -m reportgen "$@"')
        self.add("sudo", 'exec "$@"')
        note = f'echo "$(basename "$0") $*" >> {shlex.quote(str(self.calls))}'
        self.add("apt-get", note)
        self.add("python", note)

    def add(self, name, script):
        """Add a command, or replace one."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def environment(self, **variables):
        """Return the environment of a job; nothing of the one that the tests run in."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {"PATH": f"{self.bin}:{SYSTEM}", "HOME": str(home), **self.variables, **variables}

    def run(self, command, cwd, environment):
        return subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )


@dataclass
class Ended:
    """A job that has ended. codes: of each step that ran, by name. tonight: what is uploaded."""

    codes: dict
    said: str
    summary: str
    tonight: Path

    @property
    def is_green(self):
        return not any(self.codes.values())

    @property
    def runs(self):
        return sorted(path.parent for path in self.tonight.rglob("summary.json"))


def run_github_job(workflow, folder, machine, **variables):
    """Run the steps of a workflow's only job in a folder, but those that are actions.

    variables: of the repository and its secrets, by name.
    """
    (job,) = workflow["jobs"].values()
    temporary = machine.folder / "runner"
    shutil.rmtree(temporary, ignore_errors=True)  # GitHub empties it for each job
    temporary.mkdir()
    summary = temporary / "step-summary"
    summary.touch()
    known = {
        "runner.temp": str(temporary),
        "steps.upload.outputs.artifact-url": ARTIFACT,
        **{f"vars.{name}": value for name, value in variables.items()},
        **{f"secrets.{name}": value for name, value in variables.items()},
    }

    def filled(values):
        def value_of(found):
            expression = found[1].strip()
            if expression.startswith(("vars.", "secrets.")):
                return known.get(expression, "")  # as GitHub does with what is not set
            return known[expression]

        return {k: re.sub(r"\$\{\{(.*?)\}\}", value_of, str(v)) for k, v in values.items()}

    shell = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}
    shell = shell[workflow["defaults"]["run"]["shell"]]
    env = machine.environment(
        GITHUB_STEP_SUMMARY=str(summary), RUNNER_TEMP=str(temporary), **filled(workflow["env"])
    )
    codes, said = {}, ""
    for step in job["steps"]:
        condition = step.get("if", "success()")
        assert condition in {"success()", "always()"}, condition
        if "uses" in step or (condition == "success()" and any(codes.values())):
            continue
        script = temporary / "script.sh"
        script.write_text(step["run"])
        done = machine.run([*shell, script], folder, {**env, **filled(step.get("env", {}))})
        codes[step["name"]] = done.returncode
        said += done.stdout + done.stderr
    return Ended(codes, said, summary.read_text(encoding="utf-8"), temporary / "tonight")


def run_gitlab_job(configuration, folder, machine, **variables):
    """Run the scripts of the job `nightly` in a folder. variables: of the project."""
    job = configuration["nightly"]
    for name in ["tonight", ".started", ".tonight"]:  # a checkout leaves what git knows, no more
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    env = machine.environment(
        CI_PROJECT_DIR=str(folder),
        CI_JOB_URL=ARTIFACT,
        **{**configuration["variables"], **variables},
    )
    codes, said = {}, ""
    for name, lines in [
        ("script", [*job["before_script"], *job["script"]]),
        ("after_script", job["after_script"]),
    ]:
        script = "\n".join(["set -eo pipefail", *lines])
        done = machine.run(["bash", "-c", script], folder, env)
        codes[name] = done.returncode
        said += done.stdout + done.stderr
    summary = (folder / "tonight/summary.md").read_text(encoding="utf-8")
    return Ended(codes, said, summary, folder / "tonight")


@dataclass(frozen=True)
class Crontab:
    """What a crontab says. lines: (schedule, command) of each entry."""

    variables: dict
    lines: list


def read_crontab(text):
    """Read a crontab as cron does (crontab(5)); ValueError for what it would refuse."""
    variables, lines = {}, []
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#"):
            continue
        named = re.fullmatch(r"([A-Za-z_]\w*)\s*=\s*(.*)", line)
        if named:
            name, value = named.groups()
            if not value:
                raise ValueError(f"{name}: cron wants quotes around nothing")
            quoted = re.fullmatch(r"""(["'])(.*)\1""", value)
            variables[name] = quoted[2] if quoted else value
            continue
        *fields, command = line.split(maxsplit=5)
        if len(fields) != 5 or re.search(r"(?<!\\)%", command):
            raise ValueError(f"{line}: five fields and a command; % ends a command")
        lines.append((fields, command))
    return Crontab(variables, lines)


def cron_environment(machine, variables):
    """Return the environment that cron gives a command: next to nothing."""
    machine.environment()
    return {
        "HOME": str(machine.folder / "home"),
        "LOGNAME": "observer",
        "SHELL": "/bin/sh",
        "PATH": "/usr/bin:/bin",
        **variables,
    }


def read_unit(path):
    """Return the settings of a unit file: values by key, in order."""
    settings = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            settings.setdefault(key, []).append(value)
    return settings


def program(name):
    """Return the path of a program that comes with a package for developers."""
    path = PROGRAMS / name
    assert os.access(path, os.X_OK), f"{name} is not installed: make develop"
    return path

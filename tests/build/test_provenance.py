"""Which commit a configuration has, and which software."""

import subprocess

from projects import ROOT, clean_environment

from reportgen.build.provenance import environment


def git(folder, *arguments):
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments],
        cwd=folder,
        env=clean_environment(),
        check=True,
        capture_output=True,
    )


def test_the_commit_of_the_configuration_is_recorded(project):
    config = project.config
    assert environment(config, networks=False).commit == ""
    assert environment(config, networks=False).clean is None
    git(project.folder, "init")
    assert environment(config, networks=False).commit == ""
    (project.folder / "other").touch()
    git(project.folder, "add", "other")
    git(project.folder, "commit", "-m", "Begin")
    assert len(environment(config, networks=False).commit) == 40
    assert environment(config, networks=False).clean is False, (
        "git does not follow the configuration"
    )
    git(project.folder, "add", "report.yaml")
    git(project.folder, "commit", "-m", "Add the report")
    (project.folder / "out").mkdir()
    (project.folder / "out" / "report.html").touch()
    assert environment(config, networks=False).clean is True
    config.write_text(config.read_text() + "\n# changed\n")
    assert environment(config, networks=False).clean is False


def test_a_git_hook_may_build_a_report_of_another_repository(project, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(ROOT / ".git"))
    assert environment(project.config, networks=False).commit == ""


def test_what_runs_networks_is_named_where_there_are_some(project):
    without = environment(project.config, networks=False).versions
    assert not {"tensorflow", "tensorflow-cpu", "ai-edge-litert"} & without.keys()
    named = environment(project.config, networks=True).versions.keys() - without.keys()
    assert named <= {"tensorflow", "ai-edge-litert"}

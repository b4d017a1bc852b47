"""The jobs of GitHub and GitLab, run step by step: what a team sees of good and of bad nights."""

import shutil
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from mail_servers import smtp_server
from projects import ROOT
from scheduled_jobs import (
    ARTIFACT,
    DEPLOY,
    Machine,
    read_yaml,
    run_github_job,
    run_gitlab_job,
    set_limit,
    survey_folder,
)

JOBS = {
    "GitHub": (DEPLOY / "github/nightly.yml", run_github_job, "Build"),
    "GitLab": (DEPLOY / "gitlab-ci.yml", run_gitlab_job, "script"),
}
PASSWORD = "Tr0ub4dor-and-3-secret"  # noqa: S105
OPTIONS = {"GitHub": "REPORTGEN_OPTIONS", "GitLab": "OPTIONS"}
FIRST = 1_760_000_000  # 9 October 2025
OWN = ROOT / ".github/workflows/nightly.yml"


@pytest.fixture(scope="module", params=JOBS)
def nights(request, tmp_path_factory):
    """Three nights of one repository, whose output folder is restored: fine, bad, none at all.

    The first is mailed to a server that is gone, the second to one that wants a login.
    """
    folder = tmp_path_factory.mktemp("nights")
    path, run_job, build = JOBS[request.param]
    job = read_yaml(path)
    machine = Machine(folder / "machine")
    workspace = folder / "a repository"  # the space is on purpose
    project = survey_folder(workspace)
    secrets = {"REPORTGEN_SMTP_USER": "robot", "REPORTGEN_SMTP_PASSWORD": PASSWORD}
    variables = {OPTIONS[request.param]: "--mail", **secrets}
    ended = []
    with smtp_server(login=("robot", PASSWORD)) as server:
        for night, (limit, port) in enumerate([(1e9, 1), (1e-9, server.port), (None, 1)]):
            machine.variables["SOURCE_DATE_EPOCH"] = str(FIRST + night * 86400)
            if limit is None:
                (project.folder / "nightly.yaml").write_text("report: {id: [}\n")
            else:
                set_limit(project, limit, deliver=mailed_by(port))
            done = run_job(job, workspace, machine, **variables)
            kept = folder / f"tonight-{len(ended)}"
            done.tonight = shutil.move(done.tonight, kept)
            ended.append(done)
    return SimpleNamespace(
        folder=folder,
        mails=server.received,
        fine=ended[0],
        bad=ended[1],
        none=ended[2],
        build=build,
        output=workspace / "build/nightly",
        calls=machine.calls.read_text().splitlines(),
    )


def mailed_by(port):
    """Return the block deliver: for a server that wants a login."""
    smtp = {"host": "localhost", "port": port, "security": "none", "attempts": 1, "login": {}}
    return {"mail": {"from": "stars@example.org", "to": ["team@example.org"], "smtp": smtp}}


def failed(ended):
    return {name: code for name, code in ended.codes.items() if code}


def test_a_fine_night_is_uploaded_and_red_only_because_its_mail_did_not_go(nights):
    assert failed(nights.fine) == {nights.build: 4}
    assert "localhost:1: no connection" in nights.fine.said
    (run,) = nights.fine.runs
    assert (run / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert list(run.glob("sections/fluxes/figures/*.svg"))
    assert nights.fine.summary.startswith("## ✅ OK · Stars\n")
    assert f"[The whole report](<{ARTIFACT}" in nights.fine.summary


def test_a_failed_check_is_red_with_its_exit_code_and_all_the_same_uploaded(nights):
    assert failed(nights.bad) == {nights.build: 1}
    (run,) = nights.bad.runs
    assert (run / "report.html").exists()
    assert run.name != nights.fine.runs[0].name
    assert nights.bad.summary.startswith("## ❌ Failed · Stars\n")
    assert "above the limit of 1×10⁻⁹" in nights.bad.summary
    assert "### What changed since the last night, 9 October 2025\n" in nights.bad.summary


def test_without_a_report_the_one_of_the_night_before_is_not_shown_as_tonights(nights):
    assert failed(nights.none) == {nights.build: 2}
    assert nights.none.runs == []
    assert "Stars" not in nights.none.summary
    assert "No report was made" in nights.none.summary + nights.none.said


def test_mails_go_out_with_secrets_that_are_written_nowhere(nights):
    assert [mail.user for mail in nights.mails] == ["robot", "robot"]
    subjects = [mail.message["Subject"] for mail in nights.mails]
    assert subjects[0].startswith("[stars] FAIL 1 of 1 check · ")
    assert subjects[1] == "[stars] OK 1 check · 2025-10-09"  # which had been saved
    said = "".join(done.said + done.summary for done in (nights.fine, nights.bad, nights.none))
    files = [path for path in nights.folder.rglob("*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in files) + said.encode()
    assert b"Mailed to team@example.org." in written
    assert PASSWORD.encode() not in written


def test_the_history_is_in_the_folder_that_is_saved_and_what_is_installed_is_as_said(nights):
    with closing(sqlite3.connect(nights.output / "history.sqlite")) as history:
        assert history.execute("SELECT count(*) FROM reportgen_runs").fetchone() == (2,)
    pip = [call for call in nights.calls if "pip install" in call]
    assert set(pip) == {"python -m pip install --requirement requirements.txt"}


MATRIX = """
if [ "$1" = build ]; then
    for run in b/20260901T020000Z a/20260901T020000Z .cache/x; do
        mkdir -p "build/nightly/$run" && cp "$MADE/summary.json" "build/nightly/$run/"
    done
else
    exec {reportgen} "$@"
fi
"""


@pytest.mark.parametrize("platform", JOBS)
def test_all_reports_of_a_matrix_are_collected_and_told(platform, tmp_path):
    from made_nights import make_run, started

    path, run_job, _ = JOBS[platform]
    machine = Machine(tmp_path / "machine")
    made = make_run(tmp_path, started(0), name="made")
    reportgen = (machine.bin / "reportgen").rename(machine.bin / "real-reportgen")
    script = MATRIX.replace("$MADE", str(made)).replace("{reportgen}", str(reportgen))
    machine.add("reportgen", script)
    (tmp_path / "repository").mkdir()
    done = run_job(read_yaml(path), tmp_path / "repository", machine)
    assert done.is_green, done.said
    assert [run.relative_to(done.tonight).parts[-2:] for run in done.runs] == [
        ("a", "20260901T020000Z"),
        ("b", "20260901T020000Z"),
    ]
    assert done.summary.count("## ✅ OK · Deep Field") == 2


def test_the_workflow_of_this_repository_builds_the_sample_survey(tmp_path):
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone/configs").symlink_to(ROOT / "configs")
    machine = Machine(tmp_path / "machine")
    program = machine.bin / "reportgen"
    small = '[ "$1" != sample ] || set -- "$@" --rows 1500 --images 1'
    machine.add("reportgen", f"{small}\n{program.read_text()}")
    options = "--mail --set output.formats=[html] --workers 2"
    with smtp_server() as server:
        done = run_github_job(
            read_yaml(OWN),
            tmp_path / "clone",
            machine,
            REPORTGEN_OPTIONS=f"{options} --set deliver.mail.smtp.port={server.port}",
            MAIL_TO="Team <team@example.org>",
        )
    assert done.is_green, done.said
    assert server.only.sender == "reports@localhost"  # a variable that is not set is empty
    assert server.only.recipients == ["team@example.org"]
    assert done.summary.startswith("## ✅ OK · CDFS catalogue, night by night\n")
    assert "Synthetic data." in done.summary
    assert [path.name for path in done.runs[0].glob("report.*")] == ["report.html"]
    (pip,) = [call for call in machine.calls.read_text().splitlines() if "pip install" in call]
    assert pip == "python -m pip install --constraint requirements.lock ."


def test_what_users_copy_differs_only_in_where_reportgen_and_data_come_from():
    def comparable(path):
        workflow = read_yaml(path)
        steps = [
            step
            for step in workflow["jobs"]["report"].pop("steps")
            if step.get("name") not in {"Install", "Make the sample survey"}
        ]
        for step in steps:
            step.get("with", {}).pop("cache-dependency-path", None)
        return workflow, steps

    assert comparable(OWN) == comparable(DEPLOY / "github/nightly.yml")

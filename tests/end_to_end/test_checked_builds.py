"""Builds whose sections are checked: verdicts, exit codes, and what the history does to them."""

import json
import re

import numpy as np
import pytest
from projects import CONFIG, DISTRIBUTION, call, read_summary

from reportgen.errors import ExitCode

NIGHT = 86400
FIRST = 1_760_000_000


def checked(project, *checks, **blocks):
    project.configure({"fluxes": {**DISTRIBUTION, "checks": list(checks)}}, **blocks)


def build(project, night=0, *arguments, **options):
    env = {"SOURCE_DATE_EPOCH": str(FIRST + night * NIGHT), **options.pop("env", {})}
    return project.build(*arguments, env=env, **options)


def median(project):
    return project.section("fluxes")["metrics"]["flux_median"]["value"]


def test_a_check_that_fails_is_the_first_line_and_exit_code_1(project):
    checked(project, {"metric": "flux_median", "max": 0.1, "owner": "Ann", "reason": "Zero point"})
    done = build(project)
    assert done.returncode == ExitCode.CHECK_FAILED
    summary = project.summary()
    assert summary["run"]["status"] == "fail"
    (check,) = project.section("fluxes")["checks"]
    assert check["status"] == "fail"
    said = check["message"].removeprefix("Median")
    assert done.stdout.splitlines()[0] == f"1 check failed. Distribution: median{said}"
    assert "above the limit of 0.1" in check["message"]
    page = project.page()
    assert check["message"] in page
    assert "Zero point · Ann" in page
    assert summary["sections"][0]["metrics"]["flux_median"]["verdict"] == "fail"


def test_quiet_says_that_a_check_failed_so_that_cron_sends_it(project):
    checked(project, {"metric": "flux_median", "max": 0.1})
    done = build(project, 0, "--quiet")
    assert (done.returncode, done.stdout) == (ExitCode.CHECK_FAILED, "")
    said = project.section("fluxes")["checks"][0]["message"].removeprefix("Median")
    assert done.stderr.splitlines() == [
        f"FAIL stars: 1 check failed. Distribution: median{said}",
        f"  → {project.latest.resolve()}",
    ]


def test_a_waiver_holds_until_it_expires(project):
    waive = {"until": "2025-10-10", "reason": "The lamp is weak"}
    checked(project, {"metric": "flux_median", "max": 0.1, "waive": waive})
    assert build(project).returncode == ExitCode.OK  # 9 October 2025
    assert project.summary()["run"]["status"] == "ok"
    assert "Waived until 2025-10-10 (The lamp is weak)." in project.page()
    assert build(project, night=2).returncode == ExitCode.CHECK_FAILED
    assert "The waiver expired on 2025-10-10 (The lamp is weak)." in project.page()


def test_a_check_on_a_metric_that_is_not_there_is_a_mistake_but_the_report_is_built(project):
    checked(project, {"metric": "flux_medain", "max": 1}, {"metric": "flux_median", "max": 1e9})
    done = build(project)
    assert done.returncode == ExitCode.CONFIG
    said = "sections.fluxes.checks[0].metric: "
    assert f"report.yaml:{line_of(project, 'flux_medain')}:" in done.stderr
    assert said in done.stderr
    assert "did you mean 'flux_median'?" in done.stderr
    assert said in project.page()
    assert [c["status"] for c in project.section("fluxes")["checks"]] == ["error", "ok"]


def line_of(project, text):
    lines = project.config.read_text().splitlines()
    return next(n for n, line in enumerate(lines, start=1) if text in line)


def test_checks_of_a_section_in_error_are_never_ok(project):
    project.configure(
        {"fluxes": {**DISTRIBUTION, "where": "flux > 1e9", "checks": [{"rows_at_least": 1}]}}
    )
    done = build(project)
    assert done.returncode == ExitCode.SECTION
    (check,) = project.section("fluxes")["checks"]
    assert check["status"] == "error"
    assert "could not be computed" in check["message"]


def test_what_changed_since_the_last_night_and_since_a_reference_is_told(project):
    check = {"metric": "flux_median", "max": 2}
    checked(project, check)
    assert build(project).returncode == ExitCode.OK
    paper = project.latest.resolve().name
    project.write(flux=np.random.default_rng(7).lognormal(2, 1, 250), size=np.ones(250))
    checked(project, check, references={"paper": paper})
    assert build(project, night=1).returncode == ExitCode.CHECK_FAILED
    night, reference = project.summary()["since"]
    assert (night["name"], night["run"]) == ("", paper)
    assert (reference["name"], reference["run"]) == ("paper", paper)
    texts = [change["text"] for change in night["changes"]]
    assert texts[0].startswith("Distribution: “Median: at most 2” failed; it was ok before.")
    assert any("from 200 to 250 rows" in text for text in texts)
    page = project.page()
    assert "Since the last night, 9 October 2025" in page
    assert "Since the reference paper, 9 October 2025" in page


def test_a_reference_that_cannot_be_read_is_said(project):
    within = {"metric": "flux_median", "within": {"of": "paper", "relative": 0.1}}
    checked(project, within, references={"paper": "20200101T000000Z"})
    done = build(project)
    assert done.returncode == ExitCode.CHECK_FAILED
    (check,) = project.section("fluxes")["checks"]
    assert check["status"] == "error"
    assert "paper" in check["message"]
    (since,) = project.summary()["since"]
    assert "20200101T000000Z" in since["error"]
    assert "It cannot be compared" in project.page()


# The history


def spoil(path):
    path.write_bytes(b"This is not a database. " * 100)


def nights_listed(project):
    page = (project.out / "index.html").read_text(encoding="utf-8")
    return set(re.findall(r'id="night-([\d-]+)"', page))


def test_a_history_that_cannot_be_read_loses_no_report(project):
    drift = {"nights": 10, "most": 3, "floor": 0.01}
    checked(project, {"metric": "flux_median", "drift": drift, "severity": "warn"})
    assert build(project).returncode == ExitCode.OK
    spoil(project.out / "history.sqlite")
    done = build(project, night=1)
    assert done.returncode == ExitCode.DELIVERY
    assert done.stderr.count("history.sqlite is not a SQLite database") == 1, "read and written"
    assert "reportgen history import" in done.stderr
    assert "Traceback" not in done.stderr
    summary = project.summary()
    assert summary["run"]["id"].startswith("20251010")
    assert summary["history"]["error"]
    (check,) = project.section("fluxes")["checks"]
    assert check["status"] == "error"
    assert "history cannot be read" in check["message"]
    page = project.page()
    assert "History" in page
    assert nights_listed(project) == {"2025-10-09", "2025-10-10"}


def test_old_runs_go_and_the_reference_stays(project):
    checked(project, {"metric": "flux_median", "min": 0})
    runs = []
    for night in range(5):
        output = {"folder": "out", "formats": ["html"], "keep": {"nights": 2}}
        references = {"paper": runs[0]} if runs else {}
        checked(project, {"metric": "flux_median", "min": 0}, output=output, references=references)
        assert build(project, night).returncode == ExitCode.OK
        runs.append(project.latest.resolve().name)
    left = sorted(path.name for path in project.out.iterdir() if path.name.startswith("2025"))
    assert left == [runs[0], *runs[3:]]
    page = (project.out / "index.html").read_text(encoding="utf-8")
    assert len(nights_listed(project)) == 5
    assert page.count("no longer here") == 2


def test_the_example_for_every_night_is_fine_on_the_sample(survey, tmp_path):
    env = {"CDFS_DATA": str(survey)}
    config = CONFIG.with_name("nightly.yaml")
    for night in range(2):
        env["SOURCE_DATE_EPOCH"] = str(FIRST + night * NIGHT)
        done = call(config, "--output", tmp_path, "--set", "output.formats=[html]", env=env)
        assert done.returncode == 0, done.stdout + done.stderr
    summary = read_summary(tmp_path / "latest")
    checks = [check for section in summary["sections"] for check in section["checks"]]
    assert len(checks) >= 7
    assert {check["status"] for check in checks} == {"ok"}
    trends = next(s for s in summary["sections"] if s["id"] == "trends")
    assert len(trends["figures"]) == 3
    (since,) = summary["since"]
    assert since["changes"]
    assert (tmp_path / "index.html").exists()


@pytest.mark.parametrize("how", ["by an overview", "by a check"])
def test_a_new_limit_on_missing_values_is_replayed_over_the_nights_that_are_known(project, how):
    limit = {"missing_at_most": {"column": "flux", "percent": 90}}
    overview = {"analysis": "overview", "catalogue": "stars", "title": "All"}
    others = {"all": overview} if how == "by an overview" else {}
    for night, lost in enumerate((10, 30, 20)):
        flux = np.arange(1.0, 201.0)
        flux[: 2 * lost] = np.nan
        project.write(flux=flux)
        checks = [] if others else [limit]
        project.configure({**others, "fluxes": {**DISTRIBUTION, "checks": checks}})
        assert build(project, night).returncode == ExitCode.OK
    limit["missing_at_most"]["percent"] = 15
    project.configure({**others, "fluxes": {**DISTRIBUTION, "checks": [limit]}})
    done = project.call("backtest", project.config, "--json")
    (check,) = json.loads(done.stdout)["reports"][0]["checks"]
    assert (check["nights"], check["impossible"]) == (3, "")
    assert [fired["night"] for fired in check["fired"]] == ["2025-10-10", "2025-10-11"]
    assert "30.0\u00a0% of 200 rows" in check["fired"][0]["message"]

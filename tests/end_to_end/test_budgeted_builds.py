"""Builds with budgets: what is exceeded is said in every document, and decides the exit code."""

from pathlib import Path

from projects import DISTRIBUTION, section

from reportgen.errors import ExitCode
from reportgen.quality.history import open_history

PLUGIN = Path(__file__).with_name("trouble.py").read_text(encoding="utf-8")
FIXED = {"SOURCE_DATE_EPOCH": "1760000000"}
PDF_TOO = {"output": {"folder": "out", "formats": ["html", "pdf"]}}


def checks(project):
    """Give the checks of the whole run by what they are on."""
    return {check["kind"]: check for check in project.summary()["checks"]}


def text(page):
    return page.replace("\u00a0", " ").replace("&nbsp;", " ")


def test_what_is_exceeded_is_said_in_the_documents_and_in_the_exit_code(project):
    budgets = {
        "html": "20 kB",
        "seconds": 9999,
        "severity": "fail",
        "owner": "Ann",
        "reason": "Mail",
    }
    project.configure({"fluxes": DISTRIBUTION}, budgets=budgets)
    done = project.build()
    assert done.returncode == ExitCode.CHECK_FAILED
    found = checks(project)
    message = text(found["html"]["message"])
    assert message.startswith("report.html is ")
    assert message.endswith(" kB, more than its budget of 20 kB.")
    assert found["html"]["value"] > found["html"]["high"] == 20_000
    assert found["seconds"]["status"] == "ok"
    assert 0 < found["seconds"]["value"] < 9999
    assert text(done.stdout).splitlines()[0] == f"1 check failed and 1 is ok. {message}"
    assert "the documents are made again" in done.stderr
    page = text(project.page())
    assert page.count(message) >= 2
    assert '<a href="#budgets">Budgets</a>' in page
    assert 'id="budgets"' in page
    assert "Mail · Ann" in page
    assert "The build took no more than its budget of 9,999 s." in page


def test_a_budget_that_holds_is_in_the_documents_without_a_number(project):
    project.configure({"fluxes": DISTRIBUTION}, budgets={"html": "3 MB", "pdf": "9 MB"})
    done = project.build()
    assert done.returncode == ExitCode.OK
    assert "made again" not in done.stderr
    size = (project.latest / "report.html").stat().st_size
    assert checks(project)["html"]["value"] == size
    assert not checks(project)["pdf"]["in_force"]
    page = text(project.page())
    assert "report.html is no larger than its budget of 3 MB." in page
    assert "Not checked: this report has no PDF." in page
    assert "What needs attention" not in page


def test_the_memory_of_the_whole_build_is_measured_when_it_has_a_budget(project):
    project.configure({"fluxes": DISTRIBUTION})
    assert project.build().returncode == ExitCode.OK
    assert project.summary()["run"]["memory"] is None
    project.configure({"fluxes": DISTRIBUTION}, budgets={"memory": "1 MB"})
    assert project.build("--no-cache").returncode == ExitCode.OK
    summary = project.summary()
    assert summary["run"]["status"] == "warn"
    assert summary["run"]["memory"] == checks(project)["memory"]["value"]
    # The build itself and at least one worker, which has made the section.
    assert summary["run"]["memory"] > 50_000_000
    assert "of memory, more than its budget of 1 MB." in text(project.page())


def test_a_section_beyond_its_budget_says_so_in_its_place(project):
    slow = {**DISTRIBUTION, "budgets": {"seconds": 1e-6, "memory": "9 TB", "severity": "fail"}}
    project.configure({"fluxes": slow, "others": DISTRIBUTION})
    done = project.build()
    assert done.returncode == ExitCode.CHECK_FAILED
    record = project.section("fluxes")
    seconds, memory = record["checks"]
    assert (record["status"], seconds["status"], memory["status"]) == ("fail", "fail", "ok")
    assert memory["value"] == record["memory"] > 20_000_000
    assert project.section("others")["status"] == "ok"
    assert project.section("others")["memory"] > 20_000_000
    page = text(project.page())
    assert text(seconds["message"]) in page
    assert '<a href="#section-fluxes">Distribution</a>' in page


def test_with_a_fixed_time_no_clock_and_no_meter_gets_into_the_files(project):
    tight = {"seconds": 1e-6, "memory": "1 kB", "severity": "fail"}
    project.configure(
        {"fluxes": {**DISTRIBUTION, "budgets": tight}},
        budgets={**tight, "html": "20 kB"},
        **PDF_TOO,
    )
    runs = []
    for workers in (1, 2):
        done = project.build("--workers", workers, env=FIXED)
        assert done.returncode == ExitCode.CHECK_FAILED  # of the HTML, which is too large
        run = project.latest.resolve()
        (project.out / "history.sqlite").unlink()
        runs.append({path.name: path.read_bytes() for path in run.glob("report.*")})
        runs[-1]["checks"] = checks(project), project.section("fluxes")
        run.rename(project.folder / f"run-{workers}")
    assert runs[0] == runs[1]
    found, record = runs[0]["checks"]
    assert [check["in_force"] for check in found.values()] == [True, False, False]
    assert [check["in_force"] for check in record["checks"]] == [False, False]
    assert (record["seconds"], record["memory"]) == (None, None)
    assert b"Not checked: SOURCE_DATE_EPOCH asks for" in runs[0]["report.html"]


def test_documents_made_again_from_the_record_are_the_same(project):
    budgets = {"html": "20 kB", "pdf": "9 MB", "memory": "1 MB", "severity": "fail"}
    project.configure({"fluxes": DISTRIBUTION}, budgets=budgets)
    assert project.build().returncode == ExitCode.CHECK_FAILED
    before = project.page()
    assert project.call("render", "out/latest").returncode == ExitCode.OK
    assert project.page() == before
    verified = project.call("verify", "out/latest")
    assert verified.returncode == ExitCode.OK, verified.stdout + verified.stderr


def test_history_and_changes_know_the_budgets_of_the_report(project):
    night = 86400
    for number, size in enumerate(("3 MB", "20 kB", "20 kB", "3 MB")):
        project.configure({"fluxes": DISTRIBUTION}, budgets={"html": size, "severity": "fail"})
        env = {"SOURCE_DATE_EPOCH": str(1760000000 + number * night)}
        expected = ExitCode.OK if size == "3 MB" else ExitCode.CHECK_FAILED
        assert project.build(env=env).returncode == expected
        changes = [change for since in project.summary()["since"] for change in since["changes"]]
        said = [text(c["text"]) for c in changes if c["text"].startswith("Budgets")]
        label = f"Budgets: “Size of report.html: at most {size}”"
        if number == 0:
            assert said == []
        if number == 1:
            assert said[0].startswith(f"{label} failed; it was ok before. report.html is ")
            assert text(said[0]) in text(project.page())
        if number == 2:
            assert said[0].startswith(f"{label} still fails.")
        if number == 3:
            assert said == [f"{label} is ok again; it failed before."]
    with open_history(project.out / "history.sqlite") as history:
        points = history.checks("stars")
    assert [(point.section, point.name, point.status) for point in points] == [
        ("", "budget-html", status) for status in ("ok", "fail", "fail", "ok")
    ]


def test_a_backtest_lists_budgets_and_says_that_they_cannot_be_replayed(project):
    sections = {"fluxes": {**DISTRIBUTION, "budgets": {"seconds": 5}}}
    project.configure(sections, budgets={"html": "3 MB"})
    assert project.build().returncode == ExitCode.OK
    done = project.call("backtest", "report.yaml")
    assert done.returncode == ExitCode.OK, done.stderr
    said = text(done.stdout)
    assert "Distribution · Time: at most 5 s [warn]" in said
    assert "Budgets · Size of report.html: at most 3 MB [warn]" in said
    assert "2 checks: 2 cannot be replayed." in said


def test_a_section_beyond_its_memory_limit_is_in_error_and_the_others_are_whole(project):
    project.plugin(PLUGIN, deed="Deed")
    greedy = section("deed", deed="hoards", memory_limit="250 MB", timeout=300)
    project.configure({"greedy": greedy, "fluxes": {**DISTRIBUTION, "memory_limit": "2 GB"}})
    done = project.build()
    assert done.returncode == ExitCode.SECTION
    error = project.section("greedy")["error"]
    assert error["kind"] == "memory"
    assert text(error["message"]).startswith("used more than its memory_limit of 250 MB (")
    assert "raise memory_limit" in error["hint"]
    assert error["hint"].replace("'", "&#39;") in project.page()
    assert project.section("fluxes")["status"] == "ok"

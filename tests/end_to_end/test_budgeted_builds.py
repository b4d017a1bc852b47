"""Builds with budgets: what is exceeded is said in every document, and decides the exit code."""

import json

from projects import DISTRIBUTION

from reportgen.errors import ExitCode

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
    done = project.call("backtest", project.config, "--json")
    replayed = json.loads(done.stdout)["reports"][0]["checks"]
    assert {check["kind"]: check["nights"] for check in replayed} == {"html": 1, "seconds": 1}
    for check in replayed:  # as on the night itself
        then = found[check["kind"]]
        fired = [(then["status"], then["message"], then["status"])]
        said = [(each["status"], each["message"], each["recorded"]) for each in check["fired"]]
        assert said == (fired if then["status"] != "ok" else [])


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

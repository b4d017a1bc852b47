"""history, diff and backtest: real databases, run folders made by hand."""

import json
import random
import shutil
from pathlib import Path

import pytest
import yaml
from made_nights import make_run, started
from projects import call

from reportgen.record import CheckRecord, read_summary, with_status, write_summary

NIGHTS, GAP, BROKEN, LAST = 20, (6, 11, 12), 15, 290.0


def change(run, **updates):
    """Give the one section of a run other values, and the run its new record."""
    summary = read_summary(run)
    section = summary.sections[0].model_copy(update=updates)
    write_summary(run, with_status(summary.model_copy(update={"sections": (section,)})))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Twenty nights but three, one in error, the last far off; in a history. Do not change it."""
    folder = tmp_path_factory.mktemp("place")
    out = folder / "build" / "cdfs"
    scatter = random.Random(7)  # noqa: S311 - nights, not secrets
    for night in range(NIGHTS):
        if night in GAP:
            continue
        status = "error" if night == BROKEN else "ok"
        value = LAST if night == NIGHTS - 1 else 248 + scatter.gauss(0, 2)
        run = make_run(out, started(night), status, value=value, unit="uJy")
        change(run, rows=1000 + night)
    (out / "latest").symlink_to(run.name)
    done = call("history", "import", out, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def place(original, tmp_path):
    """A copy that a test may change; commands run in it."""
    return Path(shutil.copytree(original, tmp_path / "place", symlinks=True))


def run_id(night):
    return f"{started(night):%Y%m%dT%H%M%SZ}"


def date_of(night):
    return f"{started(night):%Y-%m-%d}"


def said(done, code, *parts):
    """Assert how a command ended and what it complained of."""
    assert done.returncode == code, done.stderr
    for part in parts:
        assert part in done.stderr


def widest(text):
    """Give the longest line but those that are a path, as long as pytest made it."""
    return max(len(line) for line in text.splitlines() if not line.startswith("/"))


# history METRIC


def test_a_metric_is_a_table_and_a_plot(original):
    done = call("history", "fluxes.median", cwd=original)
    assert (done.returncode, done.stderr) == (0, "")
    assert widest(done.stdout) <= 80
    lines = done.stdout.splitlines()
    assert lines[0] == "Median flux: fluxes.median of report cdfs"
    assert lines[1] == str(original / "build/cdfs/history.sqlite")
    assert lines[2] == "17 nights shown; 17 nights have this metric"
    nights = [line for line in lines if line.startswith("2026-")]
    assert nights[-1].split() == [date_of(19), "290.00", "µJy", "not", "judged", run_id(19)]
    (broken,) = [line for line in nights if line.startswith(date_of(BROKEN))]
    assert "no value  µJy  section in error" in broken
    gaps = [line.split(maxsplit=1) for line in nights if "no complete run" in line]
    assert gaps == [
        [date_of(6), "no complete run"],
        [date_of(11), f"no complete run   until {date_of(12)}"],
    ]
    plot = lines[lines.index("Median flux (µJy)") :]
    assert plot[1].startswith("290.00 │")
    assert "●" in plot[1]
    assert "×" in plot[10]
    assert plot[-1].split() == ["●", "value", "×", "no", "value"]
    assert "\x1b" not in done.stdout


def test_json_has_every_night_with_its_run_folder(original):
    done = call("history", "median", "--nights", "6", "--json", cwd=original)
    found = json.loads(done.stdout)
    assert (found["report"], found["section"], found["metric"]) == ("cdfs", "fluxes", "median")
    assert (found["unit"], found["digits"], found["known_nights"]) == ("uJy", 2, 17)
    nights = found["nights"]
    assert [night["night"] for night in nights] == [date_of(n) for n in range(14, 20)]
    assert [night["value"] is None for night in nights] == [False, True] + [False] * 4
    assert (nights[1]["status"], nights[-1]["status"]) == ("error", "ok")
    assert nights[-1]["value"] == LAST
    assert nights[-1]["folder"] == str(original / "build" / "cdfs" / run_id(19))


def test_a_plot_is_written_as_png_and_svg(place):
    done = call("history", "median", "--png", "a.png", "--svg", "b.svg", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-2:] == ["a.png", "b.svg"]
    assert (place / "a.png").read_bytes().startswith(b"\x89PNG")
    svg = (place / "b.svg").read_text()
    assert "<title>Median flux (µJy)</title>" in svg
    before = (place / "b.svg").read_bytes()
    done = call("history", "median", "--json", "--svg", "b.svg", cwd=place)
    assert json.loads(done.stdout)
    assert done.stderr == "b.svg\n"
    assert (place / "b.svg").read_bytes() == before
    assert not list(place.glob(".*.new"))


# history


def test_without_a_metric_reports_nights_and_metrics_are_listed(original):
    done = call("history", cwd=original)
    assert (done.returncode, done.stderr) == (0, "")
    assert widest(done.stdout) <= 80
    assert f"cdfs: 17 nights in 17 runs, {date_of(0)} to {date_of(19)}" in done.stdout
    assert f"  {date_of(19)}  ok         41.2  {run_id(19)}" in done.stdout
    assert f"  {date_of(BROKEN)}  error" in done.stdout
    assert "and 10 nights before; --nights N lists more" in done.stdout
    assert "fluxes.median      290.00  µJy" in done.stdout
    found = json.loads(call("history", "--json", "--nights", "3", cwd=original).stdout)
    (report,) = found["reports"]
    assert len(report["nights"]) == 3
    assert [metric["key"] for metric in report["metrics"]] == ["fluxes.median"]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["fluxes.medain"], ["unknown metric 'fluxes.medain'; did you mean 'fluxes.median'?"]),
        (["medain"], ["unknown metric 'medain'; did you mean 'median'?"]),
        (["median", "--report", "cdsf"], ["unknown report 'cdsf'; did you mean 'cdfs'?"]),
        (["--database", "none.sqlite"], ["none.sqlite has no runs", "history import"]),
        (["--output", "nowhere"], ["nowhere/history.sqlite has no runs"]),
        (["a", "b"], ["One METRIC at a time, not 2."]),
        (["--csv"], ["need a METRIC"]),
        (["median", "--csv", "--json"], ["--json or --csv, not both"]),
        (["median", "--nights", "0"], ["0 is not in the range"]),
        (["import"], ["Which RUN should be added?"]),
        (["import", "--csv", "latest"], ["import takes"]),
    ],
)
def test_what_is_not_there_is_said_with_a_hint(original, arguments, parts):
    said(call("history", *arguments, cwd=original), 2, *parts)


def test_which_database_is_asked_when_there_are_several(place):
    other = place / "build" / "other" / "history.sqlite"
    other.parent.mkdir()
    ours = place / "build/cdfs/history.sqlite"
    shutil.copy(ours, other)
    listed = "build/cdfs/history.sqlite and build/other/history.sqlite"
    said(call("history", cwd=place), 2, listed, "--database FILE or --output FOLDER")
    for arguments in (["--database", other], ["--output", other.parent]):
        done = call("history", *arguments, cwd=place)
        assert done.stdout.splitlines()[0] == str(other)
    env = {"REPORTGEN_HISTORY": f"sqlite:///{ours}"}
    assert call("history", cwd=place, env=env).stdout.splitlines()[0] == str(ours)
    assert call("history", cwd=ours.parent).stdout.splitlines()[0] == str(ours)
    said(call("history", cwd=place / "build"), 2, "there is no history here", "--database")


# history import


def test_import_says_what_was_new(original, place):
    output = place / "build" / "cdfs"
    (output / "history.sqlite").unlink()
    done = call("history", "import", "latest", date_of(0), run_id(1), cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        *(f"new    cdfs  {run_id(night)}" for night in (19, 0, 1)),
        f"3 runs are new in {output}/history.sqlite, 0 were there before.",
    ]
    done = call("history", "import", output, "--json", cwd=place)
    outcomes = [run["outcome"] for run in json.loads(done.stdout)["runs"]]
    assert [outcomes.count(each) for each in ("new", "known")] == [14, 3]
    assert call("history", "median", cwd=place).returncode == 0


def test_import_leaves_out_what_is_no_run_and_says_so(place):
    output = place / "build" / "cdfs"
    (output / "history.sqlite").unlink()
    (output / run_id(3) / "summary.json").write_text("{")
    (output / run_id(4) / "summary.json").unlink()
    done = call("history", "import", output, place, "nowhere", cwd=place)
    said(done, 2, f"{run_id(3)}/summary.json: is damaged", f"{run_id(4)}/summary.json: cannot")
    said(done, 2, "nowhere: there is no such run", f"{place}/summary.json: cannot be read")
    assert "15 runs are new" in done.stdout


# diff


def test_one_run_is_compared_with_the_night_before(original):
    done = call("diff", "latest", cwd=original)
    assert (done.returncode, done.stderr) == (1, "")
    assert widest(done.stdout) <= 80
    first, text = done.stdout.split("\n", 1)
    assert first == f"cdfs {run_id(18)} (ok) → cdfs {run_id(19)} (ok)"
    assert "Median flux rose from" in text
    assert "times the\n         usual scatter." in text or "times\n         the usual" in text
    assert f"from 16 nights up to {date_of(18)}" in text.replace("\n", " ")


def test_noise_of_the_history_tells_what_moved(original):
    done = call("diff", date_of(1), run_id(4), cwd=original)
    assert done.returncode == 1, "five nights before are needed"
    assert "too few to tell" in done.stdout.replace("\n", " ")
    assert "Median flux differs" in done.stdout
    done = call("diff", date_of(8), f"build/cdfs/{run_id(9)}", cwd=original)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 number differs by no more than 4 times the usual scatter." in done.stdout
    done = call("diff", date_of(1), date_of(2), "--tolerance", "0.2", cwd=original)
    assert done.returncode == 0
    assert "Nothing changed." in done.stdout


def test_a_history_that_cannot_be_read_is_a_warning(place):
    (place / "build/cdfs/history.sqlite").write_text("no database " * 500)
    done = call("diff", date_of(8), date_of(9), cwd=place)
    said(done, 1, "Warning: history", "is not a SQLite database")
    assert "the history cannot be read" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["lastest"], ["lastest: there is no such run", "give a run folder"]),
        ([date_of(6)], [f"has no run of the night {date_of(6)}", date_of(5), date_of(7)]),
        (["2026-02-30"], ["2026-02-30 is no day of the calendar"]),
        ([run_id(6), "latest"], [f"build/cdfs has no run {run_id(6)}", run_id(19)]),
        (["build/cdfs", "latest"], ["build/cdfs holds runs", "build/cdfs/latest"]),
        (["build", "latest"], ["build/summary.json: cannot be read"]),
        ([date_of(0)], ["no night before", "give both runs"]),
        (["latest", "--output", "nowhere"], ["--output nowhere: there is no such folder"]),
        (["latest", "--tolerance", "-1"], ["-1.0 is not in the range"]),
        ([], ["Missing argument 'RUN_A'"]),
    ],
)
def test_a_run_that_is_not_there_is_said_with_a_hint(original, arguments, parts):
    said(call("diff", *arguments, cwd=original), 2, *parts)


def test_a_run_that_cannot_be_read_is_exit_code_2(place):
    (place / "build/cdfs" / run_id(9) / "summary.json").write_text("{")
    done = call("diff", date_of(8), run_id(9), cwd=place)
    said(done, 2, f"{run_id(9)}/summary.json: is damaged")
    done = call("diff", date_of(10), cwd=place)
    assert done.returncode == 0, "the night before is the last that can be read"
    assert run_id(8) in done.stdout


def test_a_page_is_written(place):
    done = call("diff", "latest", "--html", "what changed.html", cwd=place)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-1] == "what changed.html"
    page = (place / "what changed.html").read_text(encoding="utf-8")
    assert "1 number moved beyond its usual scatter." in page
    assert "http" not in page.replace("http-equiv", "")


# backtest

CHECKS = [
    {"metric": "median", "max": 280, "severity": "warn"},
    {"metric": "median", "min": 100},
    {"metric": "median", "drift": {"nights": 10, "floor": 4}},
    {"rows_at_least": 1010},
    {"fresh": 24},
    {"metric": "medain", "max": 1},
    {"metric": "median", "min": 1000, "from": "2026-12-01"},
]


@pytest.fixture
def config(place):
    settings = {
        "report": {"id": "cdfs", "title": "Deep Field"},
        "output": {"folder": "build/cdfs"},
        "catalogues": {"stars": {"file": "stars.h5", "columns": {"flux": {"dataset": "flux"}}}},
        "sections": {
            "fluxes": {
                "analysis": "distribution",
                "catalogue": "stars",
                "title": "Fluxes",
                "columns": ["flux"],
                "checks": CHECKS,
            }
        },
    }
    path = place / "report.yaml"
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    return path


def replayed(config, *arguments):
    done = call("backtest", config, "--json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    (found,) = json.loads(done.stdout)["reports"]
    return found, {check["check"]: check for check in found["checks"]}


def test_backtest_says_on_which_nights_each_check_would_have_fired(config):
    found, checks = replayed(config)
    assert (found["nights"], found["first"], found["last"]) == (17, date_of(0), date_of(19))
    assert list(checks) == [
        "median-max-warn",
        "median-min",
        "median-drift",
        "rows_at_least",
        "fresh",
        "medain-max",
        "median-min-2",
    ]
    for name in ("median-max-warn", "median-drift"):
        assert [fired["night"] for fired in checks[name]["fired"]] == [date_of(19)]
    assert checks["median-min"]["fired"] == []
    assert checks["median-min"]["not_computed"] == [date_of(BROKEN)]
    early = [date_of(n) for n in range(10) if n not in GAP]
    assert [fired["night"] for fired in checks["rows_at_least"]["fired"]] == early
    assert checks["fresh"]["impossible"] == "The history does not say how old the files were."
    assert "did you mean 'median'?" in checks["medain-max"]["impossible"]
    assert checks["median-min-2"]["nights"] == 0


def test_backtest_reads_well(config):
    done = call("backtest", config)
    assert (done.returncode, done.stderr) == (0, "")
    assert widest(done.stdout) <= 80
    assert "Fluxes · Median flux: at most 280 µJy [warn]\n" in done.stdout
    broken = f"the section was in error on {date_of(BROKEN)}"
    assert f"  fired on 1 of 16 nights; {broken}\n" in done.stdout
    unjudged = f"could not be judged on 5 nights ({date_of(0)} to {date_of(4)})"
    assert f"fired on 1 of 11 nights; {broken}; {unjudged}" in " ".join(done.stdout.split())
    assert f"    {date_of(19)}  warn: Median flux is 290.00 µJy, above the limit" in done.stdout
    assert "cannot be replayed: The history does not say how old the files were." in done.stdout
    assert "was replayed on no night; not in force on 17 nights" in done.stdout
    assert done.stdout.endswith(
        "7 checks: 3 would have fired, 1 would not have fired, 1 had no night to be\n"
        "replayed on and 2 cannot be replayed.\n"
    )


def test_backtest_compares_with_what_the_checks_said_then(config, place):
    run = make_run(place / "build/cdfs", started(20), value=300.0, unit="uJy")
    check = CheckRecord(
        id="median-max-warn", kind="max", label="At most 310", status="ok", message="It is 300."
    )
    change(run, checks=(check,))
    assert call("history", "import", run, cwd=place).returncode == 0
    _, checks = replayed(config, "--nights", "2")
    assert [f["recorded"] for f in checks["median-max-warn"]["fired"]] == [None, "ok"]
    assert f"{date_of(20)}  warn, was ok then: Median" in call("backtest", config).stdout


def test_backtest_of_a_matrix_replays_each_report(config, place):
    settings = yaml.safe_load(config.read_text())
    settings["matrix"] = {"field": ["cdfs", "elais"]}
    settings["report"]["id"] = "${{ matrix.field }}"
    settings["output"]["folder"] = "build/${{ matrix.field }}"
    config.write_text(yaml.safe_dump(settings, sort_keys=False))
    done = call("backtest", config, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)["reports"]
    assert [(each["report"], each["nights"]) for each in found] == [("cdfs", 17), ("elais", 0)]
    done = call("backtest", config, "--cell", "field=elais")
    assert "The history has no night of elais" in done.stdout
    assert "cdfs" not in done.stdout.splitlines()[0]


def test_backtest_of_what_is_not_there(config, place):
    said(call("backtest", place / "no.yaml"), 2, "no.yaml")
    (place / "build/cdfs/history.sqlite").write_text("no database " * 500)
    said(call("backtest", config), 4, "is not a SQLite database")

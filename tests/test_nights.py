import os
import shutil
import subprocess
import sys
from datetime import date

import pytest
from made_nights import REPORT, make_run, started
from projects import SECONDS, clean_environment

from reportgen import nights as module
from reportgen.errors import PublishError
from reportgen.nights import CACHE, list_runs, neighbours, nights, write_index

MEDIAN = "fluxes.median"


@pytest.fixture
def runs(tmp_path):
    """A folder with three nights: ok, in error, with a warning."""
    return [
        make_run(tmp_path, started(night), status, value=float(night))
        for night, status in enumerate(["ok", "error", "warn"])
    ]


@pytest.fixture
def read(monkeypatch):
    """The names of the runs whose records are read from now on."""
    names = []
    plain = module._read_run

    def noted(folder, *arguments):
        names.append(folder.name)
        return plain(folder, *arguments)

    monkeypatch.setattr(module, "_read_run", noted)
    return names


def names(runs):
    return [run.name for run in runs]


def index(folder, **options):
    return write_index(folder, REPORT, **options).read_text(encoding="utf-8")


def test_runs_are_listed_oldest_first_with_what_their_records_say(tmp_path, runs):
    listed = list_runs(tmp_path, [MEDIAN])
    assert [run.id for run in listed] == names(runs)
    first, broken, warned = listed
    assert (first.night, first.started, first.number) == (date(2026, 9, 1), started(0), 1)
    assert [run.status for run in listed] == ["ok", "error", "warn"]
    assert first.verdict == "The section was computed."
    assert broken.verdict == "The section could not be computed."
    assert first.documents == {"html": "report.html", "pdf": "report.pdf"}
    assert (first.seconds, first.partial, first.synthetic) == (41.2, False, False)
    metric = warned.metrics[MEDIAN]
    assert (metric.value, metric.label, metric.unit, metric.digits) == (2, "Median flux", "mag", 2)
    assert broken.metrics[MEDIAN].value is None


def test_partial_and_synthetic_runs_say_so(tmp_path):
    make_run(tmp_path, started(0), only=("fluxes",), synthetic=("Made up.",))
    (run,) = list_runs(tmp_path)
    assert (run.partial, run.synthetic) == (True, True)
    assert "This is a partial report" in run.verdict


def test_what_is_remembered_is_what_was_read(tmp_path, runs, read):
    first = list_runs(tmp_path, [MEDIAN])
    assert sorted(read) == names(runs)
    assert list_runs(tmp_path, [MEDIAN]) == first
    assert len(read) == 3


def test_only_new_and_changed_runs_are_read_again(tmp_path, runs, read):
    list_runs(tmp_path)
    read.clear()
    new = make_run(tmp_path, started(3))
    shutil.rmtree(runs[1])
    make_run(tmp_path, started(1), "fail")
    listed = list_runs(tmp_path)
    assert sorted(read) == [runs[1].name, new.name]
    assert [run.status for run in listed] == ["ok", "fail", "warn", "ok"]


def test_a_metric_that_was_not_asked_for_before_is_read(tmp_path, runs, read):
    list_runs(tmp_path)
    assert list_runs(tmp_path, [MEDIAN])[0].metrics[MEDIAN].value == 0
    assert len(read) == 6


def test_listing_without_metrics_forgets_none(tmp_path, runs, read):
    list_runs(tmp_path, [MEDIAN])
    make_run(tmp_path, started(3), value=7.0)
    list_runs(tmp_path)
    assert list_runs(tmp_path, [MEDIAN])[-1].metrics[MEDIAN].value == 7
    assert len(read) == 4


@pytest.mark.parametrize("what", ["empty", "cut", "changed", "another version", "not text"])
def test_a_damaged_cache_is_made_anew(tmp_path, runs, read, what):
    good = list_runs(tmp_path)
    cache = tmp_path / CACHE
    whole = cache.read_bytes()
    content = {
        "empty": b"",
        "cut": whole[:-7],
        "changed": whole.replace(b'"ok"', b'"no"'),
        "another version": whole.replace(b"reportgen-nights/1", b"reportgen-nights/0"),
        "not text": b"\xff\xfe\n\x00",
    }[what]
    assert content != whole
    cache.write_bytes(content)
    read.clear()
    assert list_runs(tmp_path) == good
    assert sorted(read) == names(runs)
    assert cache.read_bytes() == whole


def test_without_a_cache_runs_are_listed_all_the_same(tmp_path, runs):
    (tmp_path / CACHE).mkdir()  # so that it can be neither read nor written
    assert [run.id for run in list_runs(tmp_path)] == names(runs)


READ_ONLY = """
mount --bind runs runs
mount -o remount,ro,bind runs
"$PY" -c '
from pathlib import Path
from made_nights import REPORT
from reportgen.errors import PublishError
from reportgen.nights import list_runs, write_index
print(len(list_runs(Path("runs"))))
try:
    write_index(Path("runs"), REPORT)
except PublishError as error:
    print(error.message)
'
"""


def test_a_read_only_folder_is_listed_but_has_no_page(tmp_path):
    make_run(tmp_path / "runs", started(0))
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-ec", READ_ONLY],
        cwd=tmp_path,
        env=clean_environment(PY=sys.executable, PYTHONPATH=os.path.dirname(__file__)),  # noqa: PTH120
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("this machine does not let users mount file systems for themselves")
    listed, said = done.stdout.splitlines()
    assert listed == "1"
    assert said == "runs/nights: cannot be written: Read-only file system"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is damaged: EOF while parsing"),
        ("{", "is damaged: EOF while parsing"),
        ("[]", "is not one of this version of reportgen"),
        ('{"format": "reportgen-run/2"}', "is not one of this version of reportgen: format"),
        ("\x00\x01", "is damaged"),
        ("[" * 100_000, "is damaged: recursion limit exceeded"),
        (None, "is missing: there is no summary.json"),
    ],
)
def test_a_run_whose_record_cannot_be_read_is_listed_and_says_why(tmp_path, runs, content, why):
    path = runs[1] / "summary.json"
    path.unlink() if content is None else path.write_text(content)
    for _ in range(2):  # read, and remembered
        run = list_runs(tmp_path)[1]
        assert (run.id, run.status) == (runs[1].name, None)
        assert run.verdict.startswith(f"The record of this run {why}")
        assert run.night == date(2026, 9, 2)
        assert run.documents == {"html": "report.html", "pdf": "report.pdf"}
    assert "Cannot be read" in index(tmp_path)


def test_a_record_that_is_a_folder_is_listed(tmp_path, runs):
    (runs[0] / "summary.json").unlink()
    (runs[0] / "summary.json").mkdir()
    assert "cannot be read: Is a directory" in list_runs(tmp_path)[0].verdict


def test_what_is_no_run_is_not_listed(tmp_path, runs):
    (tmp_path / "latest").symlink_to(runs[2].name)
    for name in ("notes", ".building-20260901T020000Z", ".deleting-20260901T020000Z"):
        shutil.copytree(runs[0], tmp_path / name)
    shutil.copytree(runs[0], tmp_path / "20261399T020000Z")  # no such day
    (tmp_path / "20260905T020000Z").write_text("a file")
    assert [run.id for run in list_runs(tmp_path)] == names(runs)


def test_a_link_to_a_run_elsewhere_is_listed(tmp_path, runs):
    archive = tmp_path / "archive"
    archive.mkdir()
    runs[0].rename(archive / runs[0].name)
    runs[0].symlink_to(archive / runs[0].name)
    assert [run.id for run in list_runs(tmp_path)] == names(runs)


def test_runs_of_one_second_are_in_the_order_of_their_numbers(tmp_path):
    first = make_run(tmp_path, started(0)).name
    for number in (10, 9, 2):
        make_run(tmp_path, started(0), name=f"{first}-{number}")
    assert [run.number for run in list_runs(tmp_path)] == [1, 2, 9, 10]


def test_the_newest_whole_run_stands_for_its_night(tmp_path):
    make_run(tmp_path, started(0, 1))
    whole = make_run(tmp_path, started(0, 2))
    partial = make_run(tmp_path, started(0, 3), only=("fluxes",))
    damaged = make_run(tmp_path, started(0, 4))
    (damaged / "summary.json").write_text("")
    (night,) = nights(list_runs(tmp_path))
    assert night.run.id == whole.name
    assert [run.id for run in night.others][:2] == [damaged.name, partial.name]
    assert len(night.others) == 3


def test_the_nights_before_and_after_are_those_with_a_run_that_can_be_read(tmp_path):
    made = {night: make_run(tmp_path, started(night)) for night in (0, 3, 4, 9)}
    (made[4] / "summary.json").write_text("")
    runs = list_runs(tmp_path)

    def around(night):
        found = neighbours(runs, started(night).date())
        return [other and other.run.id for other in (found.previous, found.next)]

    assert around(0) == [None, made[3].name]
    assert around(3) == [made[0].name, made[9].name]
    assert around(4) == [made[3].name, made[9].name]
    assert around(7) == [made[3].name, made[9].name]
    assert around(9) == [made[3].name, None]


def leads_to(folder, name):
    """Give where the page that leads on from a night leads; empty for nowhere."""
    text = (folder / "nights" / name).read_text(encoding="utf-8")
    _, found, rest = text.partition("0; url=../")
    return rest.partition("/")[0] if found else ""


def test_each_night_leads_to_its_neighbours(tmp_path, runs):
    write_index(tmp_path, REPORT)
    assert leads_to(tmp_path, "2026-09-01-previous.html") == ""
    assert leads_to(tmp_path, "2026-09-01-next.html") == runs[1].name
    assert leads_to(tmp_path, "2026-09-02-previous.html") == runs[0].name
    assert leads_to(tmp_path, "2026-09-03-next.html") == ""


def test_a_report_leads_on_to_the_night_that_comes_and_past_one_that_is_deleted(tmp_path, runs):
    write_index(tmp_path, REPORT)
    mine = tmp_path / "nights" / "mine.html"
    mine.write_text("mine")
    shutil.rmtree(runs[1])
    newer = make_run(tmp_path, started(5))
    again = make_run(tmp_path, started(2, 9))
    write_index(tmp_path, REPORT)
    assert leads_to(tmp_path, "2026-09-01-next.html") == again.name
    assert leads_to(tmp_path, "2026-09-03-next.html") == newer.name
    assert not list((tmp_path / "nights").glob("2026-09-02-*"))
    assert mine.read_text() == "mine"


def test_same_runs_same_bytes_with_the_cache_or_without(tmp_path, runs):
    first = index(tmp_path, trends=[MEDIAN])
    (tmp_path / "index.html").unlink()
    assert index(tmp_path, trends=[MEDIAN]) == first
    (tmp_path / CACHE).unlink()
    (tmp_path / "index.html").unlink()
    assert index(tmp_path, trends=[MEDIAN]) == first


def test_a_page_that_has_not_changed_is_not_written(tmp_path, runs):
    path = write_index(tmp_path, REPORT)
    os.utime(path, (0, 0))
    write_index(tmp_path, REPORT)
    assert path.stat().st_mtime == 0


def test_a_page_of_somebody_is_left_as_it_is(tmp_path, runs):
    (tmp_path / "index.html").write_text("<h1>Mine</h1>")
    with pytest.raises(PublishError, match=r"index\.html was not written by reportgen"):
        write_index(tmp_path, REPORT)
    assert (tmp_path / "index.html").read_text() == "<h1>Mine</h1>"


def test_a_page_of_own_templates_is_written_again(tmp_path, runs):
    own = tmp_path / "templates"
    own.mkdir()
    (own / "index.html.j2").write_text("<p>{{ view.newest.name }}</p>")
    assert "<p>3 September 2026</p>" in index(tmp_path, templates=str(own))
    make_run(tmp_path, started(3))
    assert "<p>4 September 2026</p>" in index(tmp_path, templates=str(own))


def test_nothing_but_the_page_its_cache_and_the_way_between_nights_is_written(tmp_path, runs):
    write_index(tmp_path, REPORT)
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {*names(runs), "index.html", CACHE, "nights"}
    assert len(list((tmp_path / "nights").iterdir())) == 6


def test_the_page_of_an_empty_folder_says_so(tmp_path):
    assert "No run has been published yet." in index(tmp_path)

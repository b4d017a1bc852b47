import os
import shutil
from datetime import date

import pytest
from made_nights import REPORT, make_run, started

from reportgen.errors import PublishError
from reportgen.quality.history import open_history
from reportgen.quality.nights import import_runs, list_runs, night_before, nights
from reportgen.render.index import write_index

MEDIAN = "fluxes.median"


@pytest.fixture
def runs(tmp_path):
    """A folder with three nights: ok, in error, with a warning."""
    return [
        make_run(tmp_path, started(night), status, value=float(night))
        for night, status in enumerate(["ok", "error", "warn"])
    ]


@pytest.fixture
def history(tmp_path):
    with open_history(tmp_path / "history.sqlite") as opened:
        yield opened


def names(runs):
    return [run.name for run in runs]


def from_history(history, folder, metrics=(MEDIAN,)):
    """Give the runs of a folder as a build does: once the history has them all."""
    import_runs(history, "cdfs", folder)
    return list_runs(folder, history.runs("cdfs", folder, metrics), metrics)


def index(folder, runs=None, **options):
    runs = list_runs(folder, metrics=[MEDIAN]) if runs is None else runs
    return write_index(folder, runs, REPORT, **options).read_text(encoding="utf-8")


def test_the_history_and_the_records_give_the_same_runs(tmp_path, runs, history):
    first, broken, warned = list_runs(tmp_path, (), [MEDIAN])
    assert [run.id for run in (first, broken, warned)] == names(runs)
    assert (first.night, first.started, first.number) == (date(2026, 9, 1), started(0), 1)
    assert first.verdict == "The section was computed. Nothing is checked."
    assert broken.verdict == "The section could not be computed."
    assert first.documents == {"html": "report.html", "pdf": "report.pdf"}
    assert (first.seconds, first.partial, first.synthetic) == (41.2, False, False)
    assert warned.metrics == {MEDIAN: (2.0, "Median flux", "mag", 2, None)}
    assert broken.metrics[MEDIAN].value is None
    make_run(tmp_path, started(2, 9), only=("fluxes",), synthetic=("Made up.",))
    for number in (10, 2):
        make_run(tmp_path, started(1), name=f"{runs[1].name}-{number}")
    (runs[0] / "summary.json").write_text("{")
    listed = from_history(history, tmp_path)
    assert listed == list_runs(tmp_path, (), [MEDIAN])
    assert [(run.status, run.number) for run in listed[:4]] == [
        (None, 1),
        ("error", 1),
        ("ok", 2),
        ("ok", 10),
    ]
    assert (listed[-1].partial, listed[-1].synthetic) == (True, True)
    assert "This is a partial report" in listed[-1].verdict


def test_only_runs_that_the_history_lacks_are_read(tmp_path, runs, history):
    from_history(history, tmp_path)
    new = make_run(tmp_path, started(3))
    shutil.rmtree(runs[1])
    make_run(tmp_path, started(1), "fail")
    first = runs[0] / "summary.json"
    before = first.stat()
    first.write_text("x" * before.st_size)  # which nobody notices who does not read it
    os.utime(first, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [run.status for run in from_history(history, tmp_path)] == ["ok", "fail", "warn", "ok"]
    assert [run.status for run in history.runs("cdfs")] == ["ok", "fail", "warn", "ok"]
    assert history.runs("cdfs")[-1].id == new.name


def test_a_run_whose_folder_is_gone_has_its_place(tmp_path, runs, history):
    from_history(history, tmp_path)
    shutil.rmtree(runs[0])
    gone, here, _ = from_history(history, tmp_path)
    assert (gone.id, gone.is_here, here.is_here) == (runs[0].name, False, True)
    assert (gone.verdict, gone.documents) == ("The section was computed. Nothing is checked.", {})
    assert gone.metrics[MEDIAN].value == 0
    page = index(tmp_path, [gone, here])
    assert page.count("no longer here") == 1
    assert f"{gone.id}/report.html" not in page


def test_in_a_history_of_several_folders_only_those_gone_from_this_one_are_listed(
    tmp_path, history
):
    ours, theirs, moved = (tmp_path / name for name in ("ours", "theirs", "moved"))
    for night, folder in enumerate([ours, ours, theirs]):
        make_run(folder, started(night))
    import_runs(history, "cdfs", theirs)
    from_history(history, ours)
    shutil.rmtree(ours / f"{started(0):%Y%m%dT%H%M%SZ}")
    stored = history.runs("cdfs", ours)
    listed = list_runs(ours, stored, is_own=False)
    assert [(run.night.day, run.is_here) for run in listed] == [(1, False), (2, True)]
    assert [run.is_here for run in list_runs(ours, stored)] == [False, True, False]
    theirs.rename(moved)
    assert [run.is_here for run in from_history(history, moved)][-1]
    assert len(history.runs("cdfs")) == 3


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "summary.json is damaged: Invalid JSON: EOF while parsing"),
        ('{"format": "reportgen-run/2"}', "summary.json is not a run of this version of reportgen"),
        ("[" * 100_000, "summary.json is damaged: Invalid JSON: recursion limit exceeded"),
        (None, "summary.json cannot be read: No such file or directory."),
    ],
)
def test_a_run_whose_record_cannot_be_read_is_listed_and_says_why(
    tmp_path, runs, history, content, why
):
    from_history(history, tmp_path)
    path = runs[1] / "summary.json"
    path.unlink() if content is None else path.write_text(content)
    listed = from_history(history, tmp_path)
    run = listed[1]
    assert (run.id, run.status, run.night) == (runs[1].name, None, date(2026, 9, 2))
    assert run.verdict.startswith(why)
    assert run.documents == {"html": "report.html", "pdf": "report.pdf"}
    assert "Cannot be read" in index(tmp_path, listed)


def test_what_is_no_run_is_not_listed_and_a_copy_is_no_run_of_the_history(tmp_path, runs, history):
    (tmp_path / "latest").symlink_to(runs[2].name)
    for name in ("notes", ".building-20260901T020000Z", "20261399T020000Z"):  # no such day
        shutil.copytree(runs[0], tmp_path / name)
    (tmp_path / "20260905T020000Z").write_text("a file")
    archive = tmp_path / "archive" / runs[0].name
    archive.parent.mkdir()
    runs[0].rename(archive)
    runs[0].symlink_to(archive)
    assert [run.id for run in list_runs(tmp_path)] == names(runs)
    assert list_runs(tmp_path / "missing") == []
    shutil.copytree(runs[1], tmp_path / "20260906T020000Z")
    assert from_history(history, tmp_path)[-1].id == "20260906T020000Z"
    assert len(history.runs("cdfs")) == 3


def test_the_newest_whole_run_stands_for_its_night(tmp_path, history):
    make_run(tmp_path, started(0, 1))
    whole = make_run(tmp_path, started(0, 2))
    gone = make_run(tmp_path, started(0, 3))
    partial = make_run(tmp_path, started(0, 4), only=("fluxes",))
    damaged = make_run(tmp_path, started(0, 5))
    import_runs(history, "cdfs", tmp_path)
    (damaged / "summary.json").write_text("")
    shutil.rmtree(gone)
    (night,) = nights(from_history(history, tmp_path))
    assert night.run.id == whole.name
    assert [run.id for run in night.others][:3] == names([damaged, partial, gone])


def test_the_night_before_is_the_last_with_a_run_that_can_be_read(tmp_path):
    made = {night: make_run(tmp_path, started(night)) for night in (0, 3, 4, 9)}
    (made[4] / "summary.json").write_text("")
    found = [night_before(tmp_path, started(night).date()) for night in (0, 3, 4, 7, 9)]
    assert [night and night.run.id for night in found] == [
        None,
        *names([made[0], made[3], made[3], made[3]]),
    ]


def leads_to(folder, name):
    """Give where the page that leads on from a night leads; empty for nowhere."""
    text = (folder / "nights" / name).read_text(encoding="utf-8")
    _, found, rest = text.partition("0; url=../")
    return rest.partition("/")[0] if found else ""


def test_a_report_leads_to_the_night_before_and_past_one_that_is_deleted(tmp_path, runs, history):
    index(tmp_path, from_history(history, tmp_path))
    assert leads_to(tmp_path, "2026-09-01-previous.html") == ""
    assert leads_to(tmp_path, "2026-09-02-previous.html") == runs[0].name
    assert leads_to(tmp_path, "2026-09-03-previous.html") == runs[1].name
    mine = tmp_path / "nights" / "mine.html"
    mine.write_text("mine")
    shutil.rmtree(runs[1])
    make_run(tmp_path, started(5))
    again = make_run(tmp_path, started(2, 9))
    index(tmp_path, from_history(history, tmp_path))
    assert leads_to(tmp_path, "2026-09-03-previous.html") == runs[0].name
    assert leads_to(tmp_path, "2026-09-06-previous.html") == again.name
    assert not list((tmp_path / "nights").glob("2026-09-02-*"))
    assert mine.read_text() == "mine"


def test_same_runs_same_bytes_and_nothing_is_written_twice(tmp_path, runs, history):
    first = index(tmp_path, from_history(history, tmp_path), trends=[MEDIAN])
    os.utime(tmp_path / "index.html", (0, 0))
    assert index(tmp_path, trends=[MEDIAN]) == first
    assert (tmp_path / "index.html").stat().st_mtime == 0
    history.close()
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {*names(runs), "history.sqlite", "index.html", "nights"}
    assert len(list((tmp_path / "nights").iterdir())) == 3


def test_a_page_of_somebody_is_left_as_it_is(tmp_path, runs):
    (tmp_path / "index.html").write_text("<h1>Mine</h1>")
    with pytest.raises(PublishError, match=r"index\.html was not written by reportgen"):
        index(tmp_path)
    assert (tmp_path / "index.html").read_text() == "<h1>Mine</h1>"


def test_nothing_is_removed_where_a_link_in_place_of_the_pages_of_nights_leads(tmp_path, runs):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "2026-09-01-mine.html").touch()
    (tmp_path / "nights").symlink_to(elsewhere)
    with pytest.raises(PublishError, match="nights is a link, so it is left as it is"):
        index(tmp_path)
    assert [path.name for path in elsewhere.iterdir()] == ["2026-09-01-mine.html"]


def test_a_page_of_own_templates_and_one_without_runs(tmp_path):
    assert "No run has been published yet." in index(tmp_path)
    own = tmp_path / "templates"
    own.mkdir()
    (own / "index.html.j2").write_text("<p>{{ view.newest.name }}</p>")
    make_run(tmp_path, started(1))
    assert "<p>2 September 2026</p>" in index(tmp_path, templates=str(own))

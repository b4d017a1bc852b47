import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_nights import make_run, started
from projects import SECONDS, clean_environment

from reportgen.errors import PublishError
from reportgen.quality.nights import RunEntry, list_runs
from reportgen.quality.retention import Deleted, Keep, delete_runs, not_ours, to_delete
from reportgen.run_folder import new_run

NOW = started(1000)


def entry(begun, status="ok", number=1, partial=False, is_here=True):
    name = f"{begun:%Y%m%dT%H%M%SZ}" + (f"-{number}" if number > 1 else "")
    return RunEntry(name, begun, number, status, "", partial=partial, is_here=is_here)


def of_nights(*nights):
    return [entry(started(night)) for night in nights]


def ids(runs):
    return [run.id for run in runs]


def kept(runs, keep, now=NOW, protected=()):
    gone = to_delete(runs, keep, now, protected)
    return [run.id for run in runs if run.id not in gone]


def test_the_last_nights_are_kept():
    runs = of_nights(0, 1, 2, 3, 4)
    assert to_delete(runs, Keep(nights=2), NOW) == ids(runs[:3])


def test_of_a_night_every_run_is_kept_for_running_again_replaces_nothing():
    runs = [entry(started(0)), entry(started(1, 1)), entry(started(1, 3)), entry(started(2))]
    assert kept(runs, Keep(nights=2)) == ids(runs[1:])


def test_of_a_month_a_partial_run_takes_the_place_of_no_whole_one():
    whole, partial = entry(started(0, 1)), entry(started(0, 3), partial=True)
    later = [entry(started(40)), entry(started(41))]
    assert kept([whole, partial, *later], Keep(nights=1, monthly=3))[0] == whole.id
    assert kept([partial, *later], Keep(nights=1, monthly=3))[0] == partial.id


def test_of_the_last_months_the_newest_run_is_kept():
    runs = of_nights(0, 20, 30, 50, 61, 62)  # September twice, October twice, November twice
    assert kept(runs, Keep(monthly=2)) == ids([runs[3], runs[5]])
    assert kept(runs, Keep(nights=2, monthly=3)) == ids([runs[1], runs[3], runs[4], runs[5]])


def test_without_a_rule_everything_is_kept():
    assert to_delete(of_nights(0, 1, 2), Keep(), NOW) == []


def test_runs_of_a_clock_that_was_wrong_push_no_other_out():
    runs = of_nights(0, 1, 2, 2000, 2001)
    assert kept(runs, Keep(nights=1)) == ids(runs[2:])


def test_runs_that_cannot_be_read_are_kept_and_push_no_other_out():
    damaged = entry(started(3), status=None)
    runs = [*of_nights(0, 1, 2), damaged, *of_nights(4)]
    assert kept(runs, Keep(nights=2)) == ids(runs[2:])


def test_runs_that_are_gone_already_neither_count_nor_go():
    gone = [entry(started(night), is_here=False) for night in (3, 5)]
    assert to_delete([*of_nights(0, 1, 2), *gone], Keep(nights=2), NOW) == ids(of_nights(0))


@pytest.mark.parametrize("most", [0, -1])
def test_a_rule_that_keeps_nothing_is_refused(most):
    with pytest.raises(ValueError, match="nights should be 1 or more"):
        Keep(nights=most)


RUNS = st.lists(
    st.builds(
        entry,
        st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)).map(
            lambda time: time.replace(microsecond=0)
        ),
        st.sampled_from(["ok", "warn", "fail", "error", None]),
        st.integers(1, 3),
        st.booleans(),
    ),
    max_size=40,
    unique_by=lambda run: run.id,
)
RULE = st.none() | st.integers(1, 12)
KEEPS = st.builds(Keep, RULE, RULE)
TIMES = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


def order(run):
    return run.started, run.number


@given(RUNS, KEEPS, TIMES, st.data())
def test_what_must_stay_stays(runs, keep, now, data):
    protected = data.draw(st.sets(st.sampled_from(ids(runs)))) if runs else set()
    gone = set(to_delete(runs, keep, now, protected))
    assert gone <= set(ids(runs))
    assert not gone & protected
    for run in runs:
        if run.status is None or run.started > now:
            assert run.id not in gone
    if runs:
        assert max(runs, key=order).id not in gone


@given(RUNS, KEEPS, TIMES)
def test_deleting_again_deletes_nothing(runs, keep, now):
    gone = to_delete(runs, keep, now)
    assert to_delete([run for run in runs if run.id not in gone], keep, now) == []


@given(RUNS, st.integers(1, 12), TIMES)
def test_each_of_the_last_nights_keeps_all_its_runs(runs, nights, now):
    gone = to_delete(runs, Keep(nights=nights), now)
    counted = [run for run in runs if run.status is not None and run.started <= now]
    for night in sorted({run.night for run in counted})[-nights:]:
        assert not {run.id for run in counted if run.night == night} & set(gone)


@pytest.fixture
def runs(tmp_path):
    """A folder with the runs of six nights; latest is the last."""
    made = [make_run(tmp_path, started(night)) for night in range(6)]
    (tmp_path / "latest").symlink_to(made[-1].name)
    return made


def there(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def names(runs):
    return [run.name for run in runs]


def delete(folder, protected=()):
    return delete_runs(folder, list_runs(folder), Keep(nights=2), now=NOW, protected=protected)


def test_old_runs_are_deleted_as_a_whole(tmp_path, runs):
    assert delete(tmp_path) == Deleted(tuple(names(runs[:4])))
    assert there(tmp_path) == [*names(runs[4:]), "latest"]
    assert list(tmp_path.glob(".*")) == []


def test_what_latest_points_at_is_kept(tmp_path, runs):
    (tmp_path / "latest").unlink()
    (tmp_path / "latest").symlink_to(runs[0].name)
    assert delete(tmp_path).runs == tuple(names(runs[1:4]))


def test_a_reference_is_kept(tmp_path, runs):
    assert delete(tmp_path, protected=[runs[1].name]).runs == (
        runs[0].name,
        *names(runs[2:4]),
    )


def test_a_run_that_is_being_built_is_kept(tmp_path, runs):
    with new_run(tmp_path, started(-5)) as run:
        delete(tmp_path)
        assert run.path.is_dir()
        run.publish()
    assert there(tmp_path)[0] == run.id


def spared(folder, run):
    """Give why a run was not deleted; it must still be there, whole."""
    before = sorted(path for path in run.rglob("*"))
    why = delete(folder).spared[run.name]
    assert sorted(path for path in run.rglob("*")) == before
    return why


def test_a_run_with_a_file_of_somebody_is_kept(tmp_path, runs):
    (runs[0] / "sections").mkdir()
    (runs[0] / "sections" / "notes.txt").write_text("mine")
    assert spared(tmp_path, runs[0]) == (
        "it holds sections/notes.txt, which reportgen did not write"
    )


@pytest.mark.parametrize("target", ["nowhere", "/"])
def test_a_run_with_a_link_of_somebody_is_kept(tmp_path, runs, target):
    (runs[0] / "data").symlink_to(target)
    assert "it holds data" in spared(tmp_path, runs[0])


def test_the_files_that_the_record_lists_protect_nothing(tmp_path, built):
    run = built.run.resolve()
    assert sum(path.is_file() for path in run.rglob("*")) > 50
    assert not_ours(run) == ""


def test_a_link_to_a_run_is_kept_and_so_is_the_run(tmp_path, runs):
    elsewhere = tmp_path.parent / f"{tmp_path.name}-archive" / runs[0].name
    elsewhere.parent.mkdir()
    runs[0].rename(elsewhere)
    runs[0].symlink_to(elsewhere)
    assert delete(tmp_path).spared[runs[0].name] == "it is not a folder that reportgen made"
    assert runs[0].is_symlink()
    assert (elsewhere / "summary.json").is_file()


def test_a_copy_of_a_run_is_kept(tmp_path, runs):
    runs[0].rename(tmp_path / "20200101T000000Z")
    assert spared(tmp_path, tmp_path / "20200101T000000Z") == "its summary.json is of another run"


def test_a_folder_of_another_program_is_kept(tmp_path, runs):
    foreign = tmp_path / "20200101T000000Z"
    foreign.mkdir()
    (foreign / "data.txt").write_text("mine")
    (tmp_path / "20200102T000000Z").mkdir()
    (tmp_path / "20200102T000000Z" / "summary.json").write_text('{"format": "other/1"}')
    (tmp_path / "20200103T000000Z").write_text("a file")
    (tmp_path / "notes").mkdir()
    before = there(tmp_path)
    assert delete(tmp_path).runs == tuple(names(runs[:4]))
    assert there(tmp_path) == [name for name in before if name not in names(runs[:4])]


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"format": 1}', "[" * 100_000, '{"format": "reportgen-run/1"}']
)
def test_a_run_whose_record_is_damaged_is_kept(runs, content):
    (runs[0] / "summary.json").write_text(content)
    assert not_ours(runs[0]) == "its summary.json is damaged"


def test_the_record_of_another_program_is_not_ours(runs):
    record = json.loads((runs[0] / "summary.json").read_text())
    (runs[0] / "summary.json").write_text(json.dumps({**record, "format": "other/1"}))
    assert not_ours(runs[0]) == "its summary.json is of another run"


KILLED = """
import os, shutil, signal, sys
from datetime import datetime
from pathlib import Path
from reportgen.quality import retention
from reportgen.quality.nights import list_runs

def killed(path, **_):
    next(path.rglob("*.pdf")).unlink()
    os.kill(os.getpid(), signal.SIGKILL)

shutil.rmtree = killed
now = datetime.fromisoformat(sys.argv[2])
folder = Path(sys.argv[1])
retention.delete_runs(folder, list_runs(folder), retention.Keep(nights=2), now=now)
"""


def test_a_deletion_that_was_killed_is_finished_by_the_next_build(tmp_path, runs):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), NOW.isoformat()],
        env=clean_environment(),
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    left = tmp_path / f".deleting-{runs[0].name}"
    assert left.is_dir()
    assert there(tmp_path) == [*names(runs[1:]), "latest"]
    with new_run(tmp_path, started(7), as_latest=False) as run:
        assert not left.exists()
        run.publish()


def test_a_folder_that_cannot_be_written_is_said(tmp_path, runs, monkeypatch):
    def refused(self, *_):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.rename", refused)
    with pytest.raises(PublishError, match=f"{runs[0].name}: cannot be written: Permission"):
        delete(tmp_path)
    assert there(tmp_path) == [*names(runs), "latest"]


def test_months_are_those_of_utc():
    late = datetime(2026, 9, 30, 23, 59, tzinfo=UTC)
    runs = [entry(late - timedelta(days=1)), entry(late), entry(late + timedelta(minutes=2))]
    assert kept(runs, Keep(monthly=2)) == ids(runs[1:])

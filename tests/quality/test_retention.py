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

from reportgen.config.schema import KeepBlock
from reportgen.errors import PublishError
from reportgen.quality.history.records import RunEntry
from reportgen.quality.nights import list_runs
from reportgen.quality.retention import delete_runs, not_ours, to_delete
from reportgen.run_folder import new_run

NOW = started(1000)


def entry(begun, status="ok", number=1, partial=False, is_here=True):
    name = f"{begun:%Y%m%dT%H%M%SZ}" + (f"-{number}" if number > 1 else "")
    return RunEntry(name, begun, number, status, "", partial=partial, is_here=is_here)


def of_nights(*nights):
    return [entry(started(night)) for night in nights]


def ids(runs):
    return [run.id for run in runs]


def staying(runs, nights, monthly=0):
    gone = to_delete(runs, KeepBlock(nights=nights, monthly=monthly), NOW)
    return [run for run in runs if run.id not in gone]


def test_of_the_last_months_the_newest_whole_run_stays():
    runs = of_nights(0, 20, 30, 50, 61, 62)  # September twice, October twice, November twice
    assert staying(runs, 2, monthly=3) == [runs[1], runs[3], runs[4], runs[5]]
    whole, partial = entry(started(0, 1)), entry(started(0, 3), partial=True)
    later = [entry(started(40)), entry(started(41))]
    assert staying([whole, partial, *later], 1, monthly=3)[0] == whole
    assert staying([partial, *later], 1, monthly=3)[0] == partial
    late = datetime(2026, 9, 30, 23, 59, tzinfo=UTC)  # months are those of UTC
    runs = [entry(late + timedelta(minutes=minutes)) for minutes in (-1440, 0, 2)]
    assert staying(runs, 1, monthly=2) == runs[1:]


def test_runs_that_are_of_tomorrow_unreadable_or_gone_push_no_other_out():
    runs = of_nights(0, 1, 2, 2000, 2001)
    assert staying(runs, 1) == runs[2:]
    runs = [*of_nights(0, 1, 2), entry(started(3), status=None), *of_nights(4)]
    assert staying(runs, 2) == runs[2:]
    runs = [*of_nights(0, 1, 2), *(entry(started(night), is_here=False) for night in (3, 5))]
    assert staying(runs, 2) == runs[1:]


TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
RUNS = st.lists(
    st.builds(
        entry,
        TIMES.map(lambda time: time.replace(microsecond=0)),
        st.sampled_from(["ok", "warn", "fail", "error", None]),
        st.integers(1, 3),
        st.booleans(),
    ),
    max_size=40,
    unique_by=lambda run: run.id,
)
KEEPS = st.builds(KeepBlock, nights=st.integers(1, 12), monthly=st.integers(0, 12))


@given(RUNS, KEEPS, TIMES, st.data())
def test_what_must_stay_stays_and_deleting_again_deletes_nothing(runs, keep, now, data):
    protected = data.draw(st.sets(st.sampled_from(ids(runs)))) if runs else set()
    gone = set(to_delete(runs, keep, now, protected))
    assert gone <= set(ids(runs)) - protected
    counted = [run for run in runs if run.status is not None and run.started <= now]
    assert gone <= set(ids(counted))
    if runs:
        assert max(runs, key=lambda run: (run.started, run.number)).id not in gone
    for night in sorted({run.night for run in counted})[-keep.nights :]:
        assert not {run.id for run in counted if run.night == night} & gone
    left = [run for run in runs if run.id not in gone]
    assert to_delete(left, keep, now, protected) == []


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
    keep = KeepBlock(nights=2)
    return delete_runs(folder, list_runs(folder), keep, now=NOW, protected=protected)


def test_old_runs_are_deleted_as_a_whole(tmp_path, runs):
    assert delete(tmp_path) == {}
    assert there(tmp_path) == [*names(runs[4:]), "latest"]
    assert list(tmp_path.glob(".*")) == []


def test_latest_a_reference_and_a_run_that_is_being_built_stay(tmp_path, runs):
    (tmp_path / "latest").unlink()
    (tmp_path / "latest").symlink_to(runs[0].name)
    with new_run(tmp_path, started(-5), as_latest=False) as run:
        delete(tmp_path, protected=[runs[1].name])
        assert run.path.is_dir()
        run.publish()
    assert there(tmp_path) == [run.id, *names(runs[:2]), *names(runs[4:]), "latest"]


def test_what_reportgen_did_not_write_stays_and_is_said(tmp_path, runs):
    (runs[0] / "sections").mkdir()
    (runs[0] / "sections" / "notes.txt").write_text("mine")
    (runs[1] / "data").symlink_to("/")
    elsewhere = tmp_path.parent / f"{tmp_path.name}-archive" / runs[2].name
    elsewhere.parent.mkdir()
    runs[2].rename(elsewhere)
    runs[2].symlink_to(elsewhere)
    copy = tmp_path / "20200101T000000Z"
    runs[3].rename(copy)
    foreign = tmp_path / "20200102T000000Z"
    foreign.mkdir()
    (foreign / "data.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert delete(tmp_path) == {
        copy.name: "its summary.json is of another run",
        runs[0].name: "it holds sections/notes.txt, which reportgen did not write",
        runs[1].name: "it holds data, which reportgen did not write",
        runs[2].name: "it is not a folder that reportgen made",
    }
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": 1}', "[" * 100_000, '{"format": "reportgen-run/1"}']
)
def test_a_run_whose_record_is_damaged_or_of_another_program_is_not_ours(runs, content):
    record = json.loads((runs[0] / "summary.json").read_text())
    (runs[0] / "summary.json").write_text(json.dumps({**record, "format": "other/1"}))
    assert not_ours(runs[0]) == "its summary.json is of another run"
    (runs[0] / "summary.json").write_text(content)
    assert not_ours(runs[0]) == "its summary.json is damaged"


KILLED = """
import os, shutil, signal, sys
from datetime import datetime
from pathlib import Path
from reportgen.config.schema import KeepBlock
from reportgen.quality import retention
from reportgen.quality.nights import list_runs

def killed(path, **_):
    next(path.rglob("*.pdf")).unlink()
    os.kill(os.getpid(), signal.SIGKILL)

shutil.rmtree = killed
now = datetime.fromisoformat(sys.argv[2])
folder = Path(sys.argv[1])
retention.delete_runs(folder, list_runs(folder), KeepBlock(nights=2), now=now)
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

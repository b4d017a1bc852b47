import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from reportgen.errors import ConfigError, PublishError
from reportgen.record import read_summary
from reportgen.run_folder import new_run, replace_file, started_now, write_or_link

STARTED = datetime(2026, 11, 23, 2, 0, 0, tzinfo=UTC)
NAME = "20261123T020000Z"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def publish(folder, started=STARTED, *, as_latest=True, text="made"):
    with new_run(folder, started, as_latest=as_latest) as run:
        (run.path / "report.html").write_text(text)
        return run.publish()


def test_a_run_is_hidden_until_it_is_published(tmp_path):
    with new_run(tmp_path, STARTED) as run:
        (run.path / "report.html").write_text("half")
        assert [name for name in names(tmp_path) if not name.startswith(".")] == []
        published = run.publish()
    assert published == tmp_path / NAME
    assert names(tmp_path) == [NAME, "latest"]
    assert names(published) == ["report.html"]
    assert (tmp_path / "latest").readlink().name == NAME


def test_a_run_that_is_not_published_is_removed(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_run(tmp_path, STARTED):
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_runs_of_one_second_take_numbers(tmp_path):
    for text in ("one", "two", "three"):
        publish(tmp_path, text=text)
    assert names(tmp_path) == [NAME, f"{NAME}-2", f"{NAME}-3", "latest"]
    assert (tmp_path / "latest" / "report.html").read_text() == "three"
    assert (tmp_path / NAME / "report.html").read_text() == "one"


def test_what_is_left_of_a_deleted_run_is_removed(tmp_path):
    (tmp_path / f".deleting-{NAME}" / "sections").mkdir(parents=True)
    mine = tmp_path / ".deleting-my-notes"
    mine.mkdir()
    (tmp_path / f".deleting-{NAME}-2").symlink_to(mine)
    publish(tmp_path)
    assert names(tmp_path) == sorted([NAME, "latest", ".deleting-my-notes", f".deleting-{NAME}-2"])


def test_a_partial_run_does_not_become_the_latest(tmp_path):
    publish(tmp_path)
    partial = publish(tmp_path, as_latest=False)
    assert (tmp_path / "latest").readlink().name == NAME
    assert partial.name == f"{NAME}-2"


def test_a_dangling_latest_is_replaced(tmp_path):
    (tmp_path / "latest").symlink_to("removed-by-somebody")
    publish(tmp_path)
    assert (tmp_path / "latest" / "report.html").read_text() == "made"


def test_a_latest_that_is_no_link_is_refused_before_anything_is_computed(tmp_path):
    (tmp_path / "latest").mkdir()
    with pytest.raises(PublishError, match="latest is not a link"), new_run(tmp_path, STARTED):
        pytest.fail("the build began")
    assert names(tmp_path) == ["latest"]


def test_source_date_epoch_fixes_the_time(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1760000000")
    assert started_now() == (datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC), True)


@pytest.mark.parametrize("value", ["yesterday", "1e99", "9" * 40])
def test_a_source_date_epoch_that_is_no_time_is_refused(monkeypatch, value):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    with pytest.raises(PublishError, match="not a number of seconds"):
        started_now()


def test_a_page_is_not_written_through_a_link_of_somebody_else(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".index.html.new").symlink_to(victim)
    replace_file(tmp_path / "index.html", b"page")
    assert (tmp_path / "index.html").read_text() == "page"
    assert not (tmp_path / "index.html").is_symlink()
    assert victim.read_text() == "mine"


def test_a_pipe_in_place_of_a_page_a_record_or_a_lock_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "index.html")
    replace_file(tmp_path / "index.html", b"page")
    assert (tmp_path / "index.html").read_text() == "page"
    os.mkfifo(tmp_path / "summary.json")
    with pytest.raises(ConfigError, match="it is not a regular file"):
        read_summary(tmp_path)
    os.mkfifo(tmp_path / ".build.lock")
    publish(tmp_path)
    assert names(tmp_path) == sorted([NAME, "index.html", "latest", "summary.json"])


@pytest.fixture
def nights(tmp_path):
    """The file of a published run, and one that is being built beside it."""
    with new_run(tmp_path, STARTED) as run:
        write_or_link(run.path, "a.csv", b"1,2")
        first = run.publish() / "a.csv"
    with new_run(tmp_path, STARTED) as run:
        yield first, run.path


def test_a_file_that_has_not_changed_is_a_link_to_the_last_one(nights):
    first, run = nights
    write_or_link(run, "a.csv", b"1,2")
    assert (run / "a.csv").samefile(first)
    assert first.stat().st_mode & 0o222 == 0  # who writes into it would change all nights
    first.unlink()
    assert (run / "a.csv").read_bytes() == b"1,2"


def test_a_file_that_changed_or_that_others_may_write_to_is_written(nights):
    first, run = nights
    write_or_link(run, "a.csv", b"1,3")
    assert first.read_bytes() == b"1,2"
    assert (run / "a.csv").read_bytes() == b"1,3"
    (run / "a.csv").unlink()
    first.chmod(0o644)
    write_or_link(run, "a.csv", b"1,2")
    assert not (run / "a.csv").samefile(first)


def test_a_disk_without_links_to_the_last_run_gets_a_copy(nights, tmp_path):
    first, run = nights
    with TemporaryDirectory(dir="/dev/shm") as elsewhere:  # another file system
        shutil.copytree(first.parent, Path(elsewhere, "run"))
        (tmp_path / "latest").unlink()
        (tmp_path / "latest").symlink_to(Path(elsewhere, "run"))
        write_or_link(run, "a.csv", b"1,2")
    assert (run / "a.csv").read_bytes() == b"1,2"


def test_a_link_out_of_the_last_run_is_not_followed(nights, tmp_path):
    first, run = nights
    shutil.copy(first, tmp_path / "mine.csv")
    first.unlink()
    first.symlink_to(tmp_path / "mine.csv")
    write_or_link(run, "a.csv", b"1,2")
    assert (tmp_path / "mine.csv").stat().st_nlink == 1

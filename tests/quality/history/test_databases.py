"""Databases that refuse: each is named, with what is wrong and what to do."""

import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from nightly import add, night
from projects import SECONDS, clean_environment
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from reportgen.errors import ExitCode
from reportgen.quality.history import open_history
from reportgen.quality.history.records import HistoryError
from reportgen.quality.history.database import database_errors, shown_url

VERSION_1 = Path(__file__).with_name("version_1.sql")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.sqlite"


def refusal(where, tmp_path, **options):
    """Give the error of adding a run."""
    with (
        pytest.raises(HistoryError) as refused,
        open_history(where, **options) as history,
    ):
        add(history, tmp_path, night(0))
    assert refused.value.exit_code == ExitCode.DELIVERY
    return refused.value


def test_a_locked_database_is_said_after_the_wait(path, tmp_path):
    with open_history(path, wait_seconds=0.05) as history:
        add(history, tmp_path, night(0))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            error = refusal(path, tmp_path, wait_seconds=0.05)
            assert error.message == f"history {path} is locked by another program that is writing"
            assert "`reportgen history import RUN`" in error.hint
            other.execute("ROLLBACK")
        assert add(history, tmp_path, night(1)) == [True]


@pytest.mark.parametrize("content", [b"report: {}\n" * 100, b"\x89HDF\r\n\x1a\n" * 600])
def test_a_file_that_is_no_database_is_said_and_left(path, tmp_path, content):
    path.write_bytes(content)
    error = refusal(path, tmp_path)
    assert error.message == f"history {path} is not a SQLite database, or is damaged"
    assert "move the file away" in error.hint
    assert path.read_bytes() == content
    with open_history(path) as history, pytest.raises(HistoryError, match="not a SQLite"):
        history.nights("cdfs")


def test_a_damaged_database_is_said(path, tmp_path):
    with open_history(path) as history:
        add(history, tmp_path, *(night(number) for number in range(40)))
    content = bytearray(path.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    path.write_bytes(content)
    error = refusal(path, tmp_path)
    assert error.message == f"history {path} is damaged"
    with open_history(path) as history, pytest.raises(HistoryError, match="is damaged"):
        history.table("cdfs")


def test_a_database_that_was_cut_off_is_said(path, tmp_path):
    with open_history(path) as history:
        add(history, tmp_path, *(night(number) for number in range(40)))
    os.truncate(path, path.stat().st_size // 3)
    with open_history(path) as history, pytest.raises(HistoryError, match="is damaged"):
        history.table("cdfs")


def test_an_empty_file_becomes_a_database(path, tmp_path):
    path.touch()
    with open_history(path) as history:
        assert history.nights("cdfs") == []
        add(history, tmp_path, night(0))
        assert len(history.nights("cdfs")) == 1


def test_a_folder_is_no_database(tmp_path):
    assert refusal(tmp_path, tmp_path).message == f"history {tmp_path} cannot be opened"


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    error = refusal(tmp_path / "missing" / "history.sqlite", tmp_path)
    assert error.message.endswith("missing/history.sqlite cannot be opened")
    assert "a folder that exists" in error.hint
    assert not (tmp_path / "missing").exists()


def test_tables_that_are_gone_are_said(path, tmp_path):
    with open_history(path) as history:
        add(history, tmp_path, night(0))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("DROP TABLE reportgen_metrics")
        error = refusal(path, tmp_path)
        assert "no such table: reportgen_metrics" in error.message
        assert str(path) in error.message
        assert len(history.runs("cdfs")) == 1


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("", "its path is empty"),
        ("sqlite:history.sqlite", "sqlite:… is not a URL of a database"),
        ("sqlite://", "in memory would be forgotten"),
        ("sqlite:///:memory:", "in memory would be forgotten"),
        ("oracel://host/nights", "is of a kind that is not known: oracel"),
        ("postgresql+nosuch://host/nights", "is of a kind that is not known: postgresql+nosuch"),
        ("postgresql://host:port/nights", "postgresql:… is not a URL of a database"),
        ("mysql+mysqldb://host/nights", "the driver of history mysql+mysqldb:… is not installed"),
        ("sqlite+aiosqlite:///nights", "the driver of history sqlite+aiosqlite:… is not installed"),
    ],
)
def test_a_wrong_place_is_said_at_once(where, said):
    with pytest.raises(HistoryError) as refused:
        open_history(where)
    assert said in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    "where",
    [
        "postgresql+nosuch://me:s3cret@host/nights",
        "postgresql://me:s3cret@host:port/nights",
        "mysql+mysqldb://me:s3cret@host/nights?ssl_key=s3cret",
        "mysql:/me:s3cret@host/nights",
    ],
)
def test_a_password_is_never_said(where):
    with pytest.raises(HistoryError) as refused:
        open_history(where)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_server_is_named_without_what_is_secret():
    url = make_url("postgresql://me:s3cret@host:5433/nights?sslpassword=s3cret")
    assert shown_url(url) == "postgresql://me:***@host:5433/nights"


def test_words_of_a_driver_are_said_without_the_password():
    url = make_url("postgresql://me:s3cret@host/nights")
    with pytest.raises(HistoryError) as refused, database_errors(url):
        raise OperationalError("SELECT 1", {}, Exception("no login for me with s3cret\nmore"))
    assert refused.value.message == (
        "history postgresql://me:***@host/nights cannot be used: no login for me with ***"
    )
    assert refused.value.__suppress_context__


def test_an_error_keeps_its_hint_between_processes():
    error = pickle.loads(pickle.dumps(HistoryError("what", "do")))  # noqa: S301 - our own bytes
    assert (type(error), str(error)) == (HistoryError, "what\n  → do")


READ = """
import os, sys
from pathlib import Path
from reportgen.quality.history import open_history, store
from reportgen.quality.history.records import HistoryError
from nightly import add, night
import sqlalchemy.dialects.sqlite
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
path = Path(sys.argv[1])
with open_history(path) as history:
    print(*(n.run for n in history.nights("cdfs")))
    try:
        add(history, path.parent, night(9))
    except HistoryError as error:
        print(error.message, error.hint, sep=": ")
    print(*(n.run for n in history.nights("cdfs")))
"""


@pytest.fixture
def open_folder():
    """A folder that every account of the machine can reach, which pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix="reportgen-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", ["closed", "being written", "of version 1"])
def test_a_reader_without_write_access_sees_the_nights(open_folder, kind):
    path = open_folder / "history.sqlite"
    with open_history(path) as history:
        if kind == "of version 1":
            with closing(sqlite3.connect(path)) as connection:
                connection.executescript(VERSION_1.read_text())
        else:
            add(history, open_folder, night(0))
        if kind != "being written":
            history.close()
            path.chmod(0o444)
            open_folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ, path],
            env=clean_environment(PYTHONPATH=str(VERSION_1.parent)),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    assert done.returncode == 0, done.stderr
    first, refused, last = done.stdout.splitlines()
    assert first == last == ("20261030T020000Z" if kind == "of version 1" else "20261101T020000Z")
    assert refused.startswith(f"history {path} is read-only here: give yourself write access")

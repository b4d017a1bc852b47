"""Databases that refuse: each is named, with what is wrong and what to do."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from projects import SECONDS, clean_environment
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError
from stored_runs import add, night

from reportgen.errors import ExitCode
from reportgen.quality.history import open_history
from reportgen.quality.history.database import database_errors, shown_url
from reportgen.quality.history.records import HistoryError


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


def filled(path, tmp_path):
    with open_history(path) as history:
        add(history, tmp_path, *(night(number) for number in range(20)))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda content: b"report: {}\n" * 100, "is not a SQLite database, or is damaged"),
        (lambda content: content[:100] + b"\xff" * len(content[100:]), "is damaged"),
        (lambda content: content[: len(content) // 3], "is damaged"),
    ],
    ids=["text", "overwritten", "cut off"],
)
def test_a_file_that_is_no_database_or_damaged_is_said_and_left(path, tmp_path, spoil, said):
    content = spoil(filled(path, tmp_path))
    path.write_bytes(content)
    with open_history(path) as history, pytest.raises(HistoryError) as refused:
        history.table("cdfs")
    assert refused.value.message == f"history {path} {said}"
    assert "move the file away" in refused.value.hint
    assert refusal(path, tmp_path).message == refused.value.message
    assert path.read_bytes() == content


def test_a_folder_is_no_database_and_one_that_is_not_there_is_not_made(tmp_path):
    assert refusal(tmp_path, tmp_path).message == f"history {tmp_path} cannot be opened"
    error = refusal(tmp_path / "missing" / "history.sqlite", tmp_path)
    assert error.message.endswith("missing/history.sqlite cannot be opened")
    assert "a folder that exists" in error.hint
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("", "its path is empty"),
        ("sqlite:history.sqlite", "sqlite:… is not a URL of a database"),
        ("sqlite:///:memory:", "in memory would be forgotten"),
        ("postgresql+nosuch://me:s3cret@host/x", "of a kind that is not known: postgresql+nosuch"),
        ("postgresql://me:s3cret@host:port/nights", "postgresql:… is not a URL of a database"),
        (
            "mysql+mysqldb://me:s3cret@host/nights?ssl_key=s3cret",
            "the driver of history mysql+mysqldb:… is not installed",
        ),
        ("mysql:/me:s3cret@host/nights", "is not a URL of a database"),
    ],
)
def test_a_wrong_place_is_said_at_once_without_its_password(where, said):
    with pytest.raises(HistoryError) as refused:
        open_history(where)
    assert said in refused.value.message
    assert refused.value.hint
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_server_is_named_without_what_is_secret_and_so_are_words_of_its_driver():
    url = make_url("postgresql://me:s3cret@host:5433/nights?sslpassword=s3cret")
    assert shown_url(url) == "postgresql://me:***@host:5433/nights"
    with pytest.raises(HistoryError) as refused, database_errors(url):
        raise OperationalError("SELECT 1", {}, Exception("no login for me with s3cret\nmore"))
    assert refused.value.message == (
        "history postgresql://me:***@host:5433/nights cannot be used: no login for me with ***"
    )
    assert refused.value.__suppress_context__


READ = """
import os, sys
from pathlib import Path
from reportgen.quality.history import open_history, store
from reportgen.quality.history.records import HistoryError
from stored_runs import add, night
import sqlalchemy.dialects.sqlite
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
path = Path(sys.argv[1])
with open_history(path) as history:
    print(*(n.id for n in history.nights("cdfs")))
    try:
        add(history, path.parent, night(9))
    except HistoryError as error:
        print(error.message, error.hint, sep=": ")
    print(*(n.id for n in history.nights("cdfs")))
"""


@pytest.fixture
def open_folder():
    """A folder that every account of the machine can reach, which pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix="reportgen-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", ["closed", "being written"])
def test_a_reader_without_write_access_sees_the_nights(open_folder, kind):
    path = open_folder / "history.sqlite"
    here = Path(__file__).parent
    with open_history(path) as history:
        add(history, open_folder, night(0))
        if kind == "closed":
            history.close()
            path.chmod(0o444)
            open_folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ, path],
            env=clean_environment(PYTHONPATH=f"{here}{os.pathsep}{here.parents[1]}"),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    assert done.returncode == 0, done.stderr
    first, refused, last = done.stdout.splitlines()
    assert first == last == "20261101T020000Z"
    assert refused.startswith(f"history {path} is read-only here: give yourself write access")

"""Real processes that write to one SQLite file at once, and that are killed while they write."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from nightly import add, night

from reportgen.history import open_history

PROGRAM = Path(__file__).with_name("processes.py")
VERSION_1 = Path(__file__).with_name("version_1.sql").read_text()
WRITERS = 8
POINTS = 40


def processes(*arguments):
    """Run the program; give what it says of each process."""
    done = subprocess.run(
        [sys.executable, PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.sqlite"


def make_old(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)


@pytest.mark.parametrize("old", [False, True], ids=["new", "of version 1"])
def test_eight_processes_write_to_one_database_at_once(path, old):
    if old:
        make_old(path)
    assert processes("together", path, 5) == [["0"]] * WRITERS
    with open_history(path) as history:
        runs = history.runs("cdfs")
    assert len(runs) == WRITERS * 5 + old
    assert len({run.origin for run in runs}) == WRITERS + old
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize("earlier", ["nothing", "runs", "a database of version 1"])
def test_a_process_killed_while_it_writes_leaves_a_sound_database(path, tmp_path, earlier):
    if earlier == "runs":
        with open_history(path) as history:
            add(history, tmp_path, *(night(number) for number in range(3)))
    elif earlier == "a database of version 1":
        make_old(path)
    before = {"nothing": 0, "runs": 3, "a database of version 1": 1}[earlier]
    *killed, last = processes("killed", path, POINTS)
    assert len(killed) == POINTS
    for ending, integrity, runs in killed:
        assert ending == "-9"
        assert integrity == "ok"
        assert int(runs) in {before, before + 1}
    assert [int(runs) for _, _, runs in killed].count(before) > POINTS // 2
    assert last == ["0", "ok", str(before + 1)]
    with open_history(path) as history:
        assert history.nights("cdfs")[-1].night.day == 21
        table = history.table("cdfs", most=1)
        assert len(table.cells) == 200
        assert all(values for values in table.values().values())

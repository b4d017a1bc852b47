"""Processes that write to one history: a program, which the tests run.

    python processes.py together DATABASE RUNS    eight processes, each adds so many runs
    python processes.py killed DATABASE POINTS    one process after another adds the same run and
                                                  is killed, each at a later point, at last none

Prints a line for each process: how it ended.
"""

import os
import signal
import sqlite3
import sys
import traceback
from contextlib import closing
from pathlib import Path

from nightly import add, metric, night, section
from sqlalchemy import Engine, event

from reportgen.history import open_history

WRITERS = 8
STEP = 5  # instructions of SQLite's virtual machine


def forked(work):
    """Start a process that does some work."""
    sys.stdout.flush()
    number = os.fork()
    if number:
        return number
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def ended(number):
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def add_together(database, runs):
    def work(writer):
        with open_history(database) as history:
            for number in range(runs):
                add(history, database.parent / f"output-{writer}", night(number))

    processes = [forked(lambda writer=writer: work(writer)) for writer in range(WRITERS)]
    for process in processes:
        print(ended(process))


class Countdown:
    """Kill the process at a point of its work with SQLite; without a point, count them."""

    def __init__(self, point=None):
        self.point = point
        self.count = 0
        event.listen(Engine, "connect", self.watch)

    def watch(self, connection, _):
        connection.set_progress_handler(self.step, STEP)

    def step(self):
        self.count += 1
        if self.count == self.point:
            os.kill(os.getpid(), signal.SIGKILL)


def large_night():
    metrics = {f"metric_{n}": metric(float(n)) for n in range(40)}
    return night(50, *(section(f"section-{n}", **metrics) for n in range(5)))


def add_one(database, point=None):
    countdown = Countdown(point)
    with open_history(database) as history:
        add(history, database.parent, large_night())
    return countdown.count


def count_points(database):
    """Give the points of adding a run to a copy of the database."""
    copy = database.with_name("counted.sqlite")
    if database.exists():
        with closing(sqlite3.connect(database)) as one, closing(sqlite3.connect(copy)) as other:
            one.backup(other)
    end, start = os.pipe()
    process = forked(lambda: os.write(start, str(add_one(copy)).encode()))
    assert ended(process) == 0
    return int(os.read(end, 100))


def add_killed(database, points):
    total = count_points(database)
    for n in range(points):
        point = 1 + n * total // points
        process = forked(lambda point=point: add_one(database, point))
        print(ended(process), integrity(database), runs(database))
    print(ended(forked(lambda: add_one(database))), integrity(database), runs(database))


def integrity(database):
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]


def runs(database):
    """Give the number of runs, read without what may repair the database; it is whole or old."""
    with closing(sqlite3.connect(database)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if not tables:
            return 0
        ((version,),) = connection.execute("SELECT version FROM reportgen_schema").fetchall()
        columns = [row[1] for row in connection.execute("PRAGMA table_info(reportgen_metrics)")]
        assert ("digits" in columns) == (version >= 2)
        assert ("reportgen_checks" in tables) == (version >= 3)
        return connection.execute("SELECT count(*) FROM reportgen_runs").fetchone()[0]


if __name__ == "__main__":
    what, where, number = sys.argv[1:]
    {"together": add_together, "killed": add_killed}[what](Path(where), int(number))

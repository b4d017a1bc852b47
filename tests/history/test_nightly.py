import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nightly import checked, metric, night, section

from reportgen.history import HistoryError, open_history
from reportgen.history.nightly import NightlyHistory

NIGHTS = st.builds(
    lambda number, hours, value, only, wanted: night(
        number,
        section(median=metric(value, digits=2), spread=metric(1.0, unit="Jy", verdict="warn")),
        checked(section("stars", wanted, rows=7), "max"),
        hours=hours,
        only=("flux",) if only else (),
    ),
    st.integers(0, 4),
    st.integers(0, 2),
    st.none() | st.floats(),
    st.booleans(),
    st.sampled_from(["ok", "error"]),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.sqlite"


def dump(path):
    with closing(sqlite3.connect(path)) as connection:
        return sorted(connection.iterdump())


def is_quick(history):
    return history._thorough is None


@given(summaries=st.lists(NIGHTS, min_size=1, max_size=8), most=st.integers(1, 4))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_build_reads_and_writes_what_others_do(tmp_path_factory, summaries, most):
    folder = tmp_path_factory.mktemp("nights")
    ours, others = folder / "ours.sqlite", folder / "others.sqlite"
    for place in (ours, others):
        with open_history(place) as history:
            history.add(night(9), folder / "first")
    with NightlyHistory(ours) as quick, open_history(others) as thorough:
        for summary in summaries:
            run = folder / summary.run.id
            assert quick.add(summary, run) == thorough.add(summary, run)
        until = date(2026, 11, 4)
        assert quick.runs("cdfs") == thorough.runs("cdfs")
        found = quick.table("cdfs", until=until, most=most)
        assert repr(found) == repr(thorough.table("cdfs", until=until, most=most))
        assert is_quick(quick)
    assert dump(ours) == dump(others)


def test_the_first_run_makes_the_database(path, tmp_path):
    with NightlyHistory(path) as history:
        assert history.runs("cdfs") == []
        assert history.table("cdfs", until=date(2027, 1, 1), most=9).nights == ()
        assert is_quick(history)
        assert not path.exists()
        assert history.add(night(), tmp_path / "run")
        assert len(history.runs("cdfs")) == 1


def test_a_history_of_another_kind_or_version_serves_as_well(path, tmp_path):
    with NightlyHistory(f"sqlite:///{path}") as history:
        assert history.add(night(), tmp_path / "run")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE reportgen_schema SET version = 99")
    with NightlyHistory(path) as history, pytest.raises(HistoryError, match="a newer reportgen"):
        history.runs("cdfs")


def test_a_file_that_is_no_database_is_told(path, tmp_path):
    path.write_text("nothing of SQLite's" * 99)
    with NightlyHistory(path) as history:
        with pytest.raises(HistoryError, match="is not a SQLite database, or is damaged"):
            history.table("cdfs", until=date(2027, 1, 1), most=9)
        with pytest.raises(HistoryError, match="is not a SQLite database, or is damaged"):
            history.add(night(), tmp_path / "run")


@pytest.mark.skipif(os.geteuid() == 0, reason="this user (root) may write every file")
def test_a_file_that_may_only_be_read_is_read(path, tmp_path):
    with open_history(path) as history:
        history.add(night(), tmp_path / "run")
    path.chmod(0o444)
    with NightlyHistory(path) as history:
        assert len(history.runs("cdfs")) == 1


def test_nothing_of_a_run_is_added_when_its_rows_are_refused(path, tmp_path):
    with open_history(path) as history:
        history.add(night(0), tmp_path / "first")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE reportgen_versions")
    before = dump(path)
    with NightlyHistory(path) as history, pytest.raises(HistoryError, match="no such table"):
        history.add(night(1), tmp_path / "second")
    assert dump(path) == before


def test_sqlalchemy_is_not_imported_for_a_file_of_this_version(path, tmp_path):
    with open_history(path) as history:
        history.add(night(), tmp_path / "run")
    program = f"""
import sys
from pathlib import Path
from reportgen.history.nightly import NightlyHistory
print(len(NightlyHistory(Path({str(path)!r})).runs("cdfs")), "sqlalchemy" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ran.stdout.split() == [b"1", b"False"]

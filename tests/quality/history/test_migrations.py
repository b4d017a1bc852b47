import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from made_records import check, metric, section
from stored_runs import add, night

from reportgen.quality.history import open_history
from reportgen.quality.history.records import HistoryError
from reportgen.quality.history.schema import VERSION

VERSION_1 = Path(__file__).with_name("version_1.sql").read_text()
VERSION_2 = """
ALTER TABLE reportgen_sections ADD COLUMN title TEXT;
ALTER TABLE reportgen_metrics ADD COLUMN digits INTEGER;
UPDATE reportgen_sections SET title = 'Fluxes';
UPDATE reportgen_metrics SET digits = 1;
UPDATE reportgen_schema SET version = 2;
"""  # what a database of version 2 has beside
VERSION_3 = """
ALTER TABLE reportgen_sections ADD COLUMN rows_used BIGINT;
CREATE TABLE reportgen_checks (
  run_id INTEGER NOT NULL, section VARCHAR(100) NOT NULL, name VARCHAR(100) NOT NULL,
  status VARCHAR(8) NOT NULL, waived BOOLEAN NOT NULL, in_force BOOLEAN NOT NULL,
  message TEXT NOT NULL, PRIMARY KEY (run_id, section, name),
  FOREIGN KEY(run_id) REFERENCES reportgen_runs (id) ON DELETE CASCADE
) WITHOUT ROWID;
UPDATE reportgen_schema SET version = 3;
"""


def change(path, script):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def rows(path, query):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def shape(path):
    """Give the columns, keys and indices of every table."""
    found = {}
    for (table,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'"):
        facts = ("table_info", "foreign_key_list", "index_list")
        found[table] = [rows(path, f"PRAGMA {fact}({table})") for fact in facts]
    return found


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "history.sqlite"
    change(path, VERSION_1)
    return path


def test_a_database_of_version_1_is_brought_to_this_version_by_a_reader_or_a_writer(old, tmp_path):
    with open_history(old) as history:
        (cell,) = history.table("cdfs").cells["flux", "median"]
        (run,) = history.runs("cdfs")
    assert (run.night, cell) == (date(2026, 10, 30), (198.5, "Median", "uJy", None, "warn"))
    assert (run.verdict, run.synthetic, run.documents, run.stamp) == ("", False, {}, "")
    assert rows(old, "SELECT version FROM reportgen_schema") == [(VERSION,)]
    old.unlink()
    change(old, VERSION_1)
    with open_history(old) as history:
        assert add(history, tmp_path, night(0, section(median=metric(2.0, digits=3)))) == [True]
        assert [n.night for n in history.nights("cdfs")] == [date(2026, 10, 30), date(2026, 11, 1)]
    digits = rows(old, "SELECT digits FROM reportgen_metrics ORDER BY run_id")
    titles = rows(old, "SELECT title FROM reportgen_sections ORDER BY run_id")
    assert (digits, titles) == ([(None,), (3,)], [(None,), ("Flux",)])


@pytest.mark.parametrize("script", ["", VERSION_2, VERSION_2 + VERSION_3])
def test_a_migrated_database_has_the_shape_of_a_new_one(old, tmp_path, script):
    change(old, script)
    for path in (old, tmp_path / "new.sqlite"):
        with open_history(path) as history:
            add(history, tmp_path, night(0, section(rows=2000, checks=[check("max")])))
            assert history.table("cdfs").sections["flux"][-1].rows == 2000
            assert [found.name for found in history.checks("cdfs")] == ["max"]
    assert shape(old) == shape(tmp_path / "new.sqlite")


def test_a_migration_that_fails_changes_nothing(old):
    change(old, "CREATE VIEW reportgen_checks AS SELECT 1")
    before = shape(old)
    with open_history(old) as history, pytest.raises(HistoryError, match="a column to a view"):
        history.nights("cdfs")
    assert shape(old) == before
    assert rows(old, "SELECT version FROM reportgen_schema") == [(1,)]


def test_a_database_of_a_newer_version_is_refused_even_if_it_was_upgraded_meanwhile(old, tmp_path):
    newer = "UPDATE reportgen_schema SET version = 99"
    with open_history(old) as history:
        add(history, tmp_path, night(0))
        change(old, newer)
        with pytest.raises(HistoryError, match="newer reportgen"):
            add(history, tmp_path, night(1))
    with open_history(old) as history, pytest.raises(HistoryError) as refused:
        history.nights("cdfs")
    assert str(old) in refused.value.message
    assert "was made by a newer reportgen: it has version 99" in refused.value.message
    assert "update reportgen" in refused.value.hint
    assert "history import" in refused.value.hint


@pytest.mark.parametrize(
    "script",
    [
        "DELETE FROM reportgen_schema",
        "INSERT INTO reportgen_schema VALUES (2)",
        "DROP TABLE reportgen_schema; CREATE TABLE reportgen_schema (version TEXT);"
        "INSERT INTO reportgen_schema VALUES ('two')",
    ],
)
def test_a_database_that_does_not_say_its_version_is_refused(old, script):
    change(old, script)
    with open_history(old) as history, pytest.raises(HistoryError, match="does not say which"):
        history.nights("cdfs")

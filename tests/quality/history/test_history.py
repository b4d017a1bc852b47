import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from made_records import VERSIONS, check, metric, section
from projects import SECONDS, clean_environment
from stored_runs import FIRST, INPUTS, add, night

from reportgen.quality.history import open_history
from reportgen.quality.history.records import HistoryError, run_entry


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.sqlite"


@pytest.fixture
def history(path):
    with open_history(path) as opened:
        yield opened


def rows(path, query):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def points(history, section="flux", name="median", **options):
    """Give the night, value, status of the section and verdict of a metric, night by night."""
    table = history.table("cdfs", only=(section, name), **options)
    nothing = [None] * len(table.nights)
    columns = table.sections.get(section, nothing), table.cells.get((section, name), nothing)
    return [
        (night.night.day, *(cell[:1] if cell else [None]), at and at.status, cell and cell.verdict)
        for night, at, cell in zip(table.nights, *columns, strict=True)
    ]


def test_inputs_versions_and_sections_are_stored(history, path, tmp_path):
    broken = section("masses", "error", rows=7)
    sections = (section(median=metric(1.5, digits=2)), broken)
    add(history, tmp_path, night(0, *sections, inputs=INPUTS, commit="a1b2"))
    (run,) = history.nights("cdfs")
    assert run == run_entry(night(0, *sections), tmp_path / run.id)
    assert (run.folder, run.started) == (tmp_path / "20261101T020000Z", FIRST)
    expected = {
        "place, path, sha256, bytes, error FROM reportgen_inputs": [
            (0, "/data/crowdastro.h5", "a" * 64, 2_900_000, ""),
            (1, "/data/gone.h5", None, None, "No such file"),
        ],
        "place, name, rows FROM reportgen_datasets": [(0, "/a", 30), (0, "/b", 40)],
        "name, version FROM reportgen_versions": sorted(VERSIONS.items()),
        "section, status, seconds, title, rows_used FROM reportgen_sections": [
            ("flux", "ok", 0.5, "Flux", None),
            ("masses", "error", 0.5, "Masses", 7),
        ],
        "label, unit, value, digits FROM reportgen_metrics": [("median", "uJy", 1.5, 2)],
        "configuration, git_commit FROM reportgen_runs": [("c" * 64, "a1b2")],
    }
    for query, found in expected.items():
        assert rows(path, f"SELECT {query}") == found


def test_adding_a_run_again_gives_it_its_new_values(history, path, tmp_path):
    checked = section(checks=[check("a"), check("b")], median=metric(1.0), mode=metric(2.0))
    assert add(history, tmp_path, night(0, checked), night(1)) == [True, True]
    dump = "SELECT * FROM reportgen_metrics ORDER BY run_id"
    before = rows(path, dump)
    assert add(history, tmp_path, night(1), night(0, checked)) == [False, False]
    assert rows(path, dump) == before
    add(history, tmp_path, night(0, section(checks=[check("b")], median=metric(3.0))))
    query = "SELECT name, value FROM reportgen_metrics ORDER BY run_id"
    assert rows(path, query) == [("median", 3.0), ("median", 201.0)]
    assert [check.name for check in history.checks("cdfs")] == ["b"]
    (tmp_path / night().run.id).mkdir()
    (tmp_path / "latest").symlink_to(night().run.id)
    assert not history.add(night(), tmp_path / "latest")


def test_the_newest_complete_run_of_a_utc_night_counts(history, tmp_path):
    runs = [night(0, section(median=metric(float(hour))), hours=hour) for hour in (0, 9, 4)]
    add(history, tmp_path, *runs, night(0, hours=12, only=("flux",)), night(1, only=("flux",)))
    assert [found.partial for found in history.runs("cdfs")] == [False, False, False, True, True]
    assert [found.id for found in history.nights("cdfs")] == ["20261101T110000Z"]
    assert points(history) == [(1, 9.0, "ok", None)]
    for suffix in ("-10", "", "-2", "-9"):
        add(history, tmp_path, night(2, name=f"20261103T020000Z{suffix}"))
    assert history.nights("cdfs")[-1].id == "20261103T020000Z-10"
    assert [found.id[16:] for found in history.runs("cdfs")[-4:]] == ["", "-2", "-9", "-10"]
    add(history, tmp_path, night(name="late", started="2026-11-05T01:30:00+02:00"))
    assert history.nights("cdfs")[-1].started == datetime(2026, 11, 4, 23, 30, tzinfo=UTC)


def test_a_night_without_the_metric_is_a_point_without_a_value(history, tmp_path):
    nights = [
        night(0),
        night(1, section("other", mode=metric(1.0))),
        night(2, section(status="error", median=metric(7.0))),
        night(3, section(status="error")),
        night(5, section(median=metric(None, verdict="fail"), status="fail")),
        night(6, section(median=metric(float("nan")))),
        night(8, section(median=metric(5.0, verdict="warn"), status="warn")),
    ]
    add(history, tmp_path, *nights)
    assert points(history) == [
        (1, 200.0, "ok", None),
        (2, None, None, None),
        (3, None, "error", None),
        (4, None, "error", None),
        (6, None, "fail", "fail"),
        (7, None, "ok", None),
        (9, 5.0, "warn", "warn"),
    ]
    assert history.table("cdfs").values(("flux", "mean"), "uJy") == []
    assert history.table("elais").nights == ()


@pytest.mark.parametrize(
    ("until", "most", "days"),
    [
        (None, None, [1, 2, 3, 4, 5]),
        (None, 2, [4, 5]),
        (date(2026, 11, 3), 2, [2, 3]),
        (date(2026, 10, 1), 2, []),
        (None, 0, []),
    ],
)
def test_only_the_last_nights_are_given(history, tmp_path, until, most, days):
    add(history, tmp_path, *(night(number) for number in (3, 0, 4, 1, 2)))
    assert [n.night.day for n in history.table("cdfs", until=until, most=most).nights] == days
    found = points(history, until=until, most=most)
    assert [each[:2] for each in found] == [(day, 199.0 + day) for day in days]


def test_two_output_folders_share_a_database(history, tmp_path):
    first, second = tmp_path / "first", tmp_path / "half \udc80 a name"
    add(history, first, night(0), night(1))
    add(history, second, night(0, section(median=metric(1.0))))
    add(history, second, night(0, report="elais"))
    assert history.reports() == ["cdfs", "elais"]
    places = [first.name, "half \\udc80 a name", first.name]
    assert [run.folder.parent.name for run in history.runs("cdfs")] == places
    assert len(history.runs("elais")) == 1
    assert len(history.runs("elais", first)) == 3


def test_a_table_holds_all_metrics_of_all_nights(history, tmp_path):
    for number, unit in enumerate(["uJy", "mJy", "mJy", "mJy"]):
        flux = section(median=metric(1.0 + number, unit), mean=metric(2.0 * number), rows=number)
        late = [section("late", count=metric(7.0, ""))] if number == 3 else []
        add(history, tmp_path, night(number, flux, *late))
    table = history.table("cdfs")
    assert [n.night.day for n in table.nights] == [1, 2, 3, 4]
    assert table.newest(("flux", "median")) == (4.0, "median", "mJy", None, None)
    assert [each.rows for each in table.sections["flux"]] == [0, 1, 2, 3]
    assert table.sections["late"] == [None] * 3 + [("ok", None, 0.5)]
    values = [value for _, value in table.values(("flux", "median"), "mJy")]
    assert values == [None, 2.0, 3.0, 4.0], "in another unit"
    assert table.cells["late", "count"] == [None] * 3 + [(7.0, "median", "", None, None)]
    assert [(m.key, m.nights, m.last) for m in history.metrics("cdfs")] == [
        ("flux.mean", 4, date(2026, 11, 4)),
        ("flux.median", 4, date(2026, 11, 4)),
        ("late.count", 1, date(2026, 11, 4)),
    ]


def test_reading_makes_no_database_and_sees_what_others_add(history, path, tmp_path):
    assert history.nights("cdfs") == history.runs("cdfs") == history.reports() == []
    assert history.table("cdfs").nights == ()
    assert history.metrics("cdfs") == history.checks("cdfs") == []
    assert not path.exists()
    with open_history(path) as other:
        for number in (1, 2):
            add(other, tmp_path, night(number))
            assert len(history.nights("cdfs")) == number
    history.close()
    assert len(history.nights("cdfs")) == 2


@pytest.mark.parametrize("script", ["", "CREATE TABLE runs (name TEXT)"])
def test_an_empty_file_or_a_database_of_something_else_gets_its_own_tables(
    history, path, tmp_path, script
):
    path.touch()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(script)
    assert history.nights("cdfs") == []
    add(history, tmp_path, night(0))
    assert len(history.nights("cdfs")) == 1


def test_readers_do_not_wait_for_a_writer(path, tmp_path):
    with open_history(path, wait_seconds=0.1) as history:
        add(history, tmp_path, night(0))
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("DELETE FROM reportgen_runs")
            assert len(history.nights("cdfs")) == 1
            writer.execute("ROLLBACK")
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize("name", ["a b#c?.sqlite", "Größe ☃.sqlite", "100%.sqlite"])
def test_a_database_may_have_any_name_and_a_url(tmp_path, name):
    for where in (tmp_path / name, str(tmp_path / name)):
        with open_history(where) as history:
            add(history, tmp_path, night(0))
            assert len(history.nights("cdfs")) == 1
            assert history.place == str(tmp_path / name)
    with open_history(f"sqlite:///{tmp_path}/plain.sqlite") as history:
        add(history, tmp_path, night(0))
        assert history.place == str(tmp_path / "plain.sqlite")
    assert (tmp_path / "plain.sqlite").exists()


def test_verdicts_of_checks_are_stored_night_by_night(history, tmp_path):
    waived = section(checks=[check("median-max", "warn", waived=True)])
    idle = section("sky", checks=[check("rows", in_force=False)])
    failed = section(checks=[check("median-max", "fail")])
    add(history, tmp_path, night(0, waived, idle), night(1, failed))
    add(history, tmp_path, night(2, only=("flux",)), night(3))
    assert [(str(check.night)[8:], *check[1:]) for check in history.checks("cdfs")] == [
        ("01", "flux", "median-max", "warn", True, None),
        ("01", "sky", "rows", "ok", False, None),
        ("02", "flux", "median-max", "fail", True, None),
    ]


def test_a_run_is_added_as_a_whole_or_not_at_all(history, path, tmp_path):
    add(history, tmp_path, night(0))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE reportgen_versions")
    with pytest.raises(HistoryError, match="no such table"):
        add(history, tmp_path, night(1))
    assert len(history.runs("cdfs")) == 1


WRITING = """
import sys
from pathlib import Path
from stored_runs import add, night
from reportgen.quality.history import open_history

with open_history(Path(sys.argv[1])) as history:
    for number in range(5):
        add(history, Path(sys.argv[2]), night(number))
"""


def test_several_processes_write_to_one_database_at_once(history, path, tmp_path):
    here = Path(__file__).parent
    environment = clean_environment(PYTHONPATH=f"{here}:{here.parents[1]}")
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITING, path, tmp_path / str(n)], env=environment)
        for n in range(3)
    ]
    assert [writer.wait(SECONDS) for writer in writers] == [0] * 3
    assert len(history.runs("cdfs")) == 15
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]

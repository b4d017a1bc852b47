import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from nightly import add, checked, metric, night, section
from projects import SECONDS, clean_environment

from reportgen.quality.history import open_history
from reportgen.quality.history.records import HistoryError, MetricValue, Point, night_run
from reportgen.record import write_summary


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
    return history.table("cdfs", only=(section, name), **options).points((section, name))


def values(history):
    return [point.value for point in points(history)]


def test_a_run_comes_back(history, tmp_path):
    add(history, tmp_path, night(22))
    (found,) = history.nights("cdfs")
    assert found.report == "cdfs"
    assert found.run == "20261123T020000Z"
    assert found.night == date(2026, 11, 23)
    assert found.started == datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert found.status == "ok"
    assert found.seconds == 12.5
    assert found.folder == tmp_path / "20261123T020000Z"
    assert not found.partial
    assert (found.verdict, found.synthetic) == ("The section was computed.", False)
    assert history.runs("cdfs") == [found]
    assert history.reports() == ["cdfs"]


def test_inputs_versions_and_sections_are_kept(history, path, tmp_path):
    broken = section("masses", "error")
    add(history, tmp_path, night(0, section(median=metric(1.5, digits=2)), broken))
    assert rows(path, "SELECT place, path, sha256, bytes, error FROM reportgen_inputs") == [
        (0, "/data/crowdastro.h5", "d" * 64, 3_000_000_000, ""),
        (1, "/data/gone.h5", None, None, "No such file"),
    ]
    assert rows(path, "SELECT place, name, rows FROM reportgen_datasets") == [
        (0, "/a", 30),
        (0, "/b", 40),
    ]
    assert dict(rows(path, "SELECT name, version FROM reportgen_versions")) == {
        "python": "3.11.7",
        "numpy": "2.1",
    }
    assert rows(path, "SELECT section, status, seconds, title FROM reportgen_sections") == [
        ("flux", "ok", 0.5, "Fluxes"),
        ("masses", "error", 0.5, "Fluxes"),
    ]
    assert rows(path, "SELECT label, unit, value, digits FROM reportgen_metrics") == [
        ("Median", "uJy", 1.5, 2)
    ]
    assert rows(path, "SELECT configuration, git_commit FROM reportgen_runs") == [
        ("c" * 64, "a1b2")
    ]


def test_adding_a_run_twice_changes_nothing(history, path, tmp_path):
    assert add(history, tmp_path, night(0), night(1), night(0)) == [True, True, False]
    dump = "SELECT * FROM reportgen_metrics ORDER BY run_id"
    before = rows(path, dump)
    assert add(history, tmp_path, night(1)) == [False]
    assert rows(path, dump) == before
    assert [found.run for found in history.runs("cdfs")] == [
        "20261101T020000Z",
        "20261102T020000Z",
    ]


def test_a_run_that_was_made_again_gets_its_new_values(history, path, tmp_path):
    add(history, tmp_path, night(0, section(median=metric(1.0), mode=metric(2.0))))
    add(history, tmp_path, night(0, section(median=metric(3.0))))
    assert rows(path, "SELECT name, value FROM reportgen_metrics") == [("median", 3.0)]


def test_what_lists_of_runs_show_comes_with_the_runs(history, tmp_path):
    run = tmp_path / night().run.id
    run.mkdir()
    write_summary(run, night())
    add(history, tmp_path, night(0, section(median=metric(2.0, digits=1))))
    add(history, tmp_path, night(1, section("other")))
    one, other = history.runs("cdfs", metrics=["flux.median", "gone.metric"])
    assert one.metrics == {"flux.median": MetricValue(2.0, "Median", "uJy", 1)}
    assert one.stamp.partition("-")[0] == str((run / "summary.json").stat().st_size)
    assert (other.metrics, other.stamp) == ({}, "")
    broken = section(status="error", median=metric(7.0))
    assert night_run(night(0, broken), run, ["flux.median"]).metrics["flux.median"].value is None


def test_a_run_found_through_a_link_is_the_same_run(history, tmp_path):
    (tmp_path / night().run.id).mkdir()
    (tmp_path / "latest").symlink_to(night().run.id)
    assert history.add(night(), tmp_path / night().run.id)
    assert not history.add(night(), tmp_path / "latest")


def test_the_newest_run_of_a_night_counts(history, tmp_path):
    runs = [night(0, section(median=metric(float(hour))), hours=hour) for hour in (0, 9, 4)]
    add(history, tmp_path, *runs)
    assert len(history.runs("cdfs")) == 3
    assert [found.run for found in history.nights("cdfs")] == ["20261101T110000Z"]
    assert values(history) == [9.0]


def test_of_runs_of_one_second_the_last_number_counts(history, tmp_path):
    for suffix in ("-10", "", "-2", "-9"):
        add(history, tmp_path, night(run=f"20261101T020000Z{suffix}"))
    assert [found.run for found in history.nights("cdfs")] == ["20261101T020000Z-10"]
    assert [found.run[16:] for found in history.runs("cdfs")] == ["", "-2", "-9", "-10"]


def test_a_partial_run_stands_for_no_night(history, tmp_path):
    add(history, tmp_path, night(0), night(0, hours=3, only=("flux",)), night(1, only=("flux",)))
    assert [found.run for found in history.nights("cdfs")] == ["20261101T020000Z"]
    assert [found.partial for found in history.runs("cdfs")] == [False, True, True]


def test_the_night_is_the_utc_date_of_the_start(history, tmp_path):
    add(history, tmp_path, night(run="late", started="2026-11-02T01:30:00+02:00"))
    (found,) = history.nights("cdfs")
    assert found.night == date(2026, 11, 1)
    assert found.started == datetime(2026, 11, 1, 23, 30, tzinfo=UTC)


def test_a_night_without_the_metric_is_a_point_without_a_value(history, tmp_path):
    nights = [
        night(0),
        night(1, section("other", mode=metric(1.0))),
        night(2, section(status="error", median=metric(7.0))),
        night(3, section(status="error")),
        night(5, section(median=metric(None, verdict="fail"), status="fail")),
        night(6, section(median=metric(float("nan")))),
        night(7, section(median=metric(float("inf")))),
        night(8, section(median=metric(5.0, verdict="warn"), status="warn")),
    ]
    add(history, tmp_path, *nights)
    found = points(history)
    assert [(p.night.day, p.value, p.status, p.verdict) for p in found] == [
        (1, 200.0, "ok", None),
        (2, None, None, None),
        (3, None, "error", None),
        (4, None, "error", None),
        (6, None, "fail", "fail"),
        (7, None, "ok", None),
        (8, None, "ok", None),
        (9, 5.0, "warn", "warn"),
    ]
    assert found[0] == Point(date(2026, 11, 1), nights[0].run.id, 200.0, "uJy", "ok", None)
    assert points(history, name="mean") == points(history, "fluxes") == []
    assert history.table("elais").nights == ()


@pytest.mark.parametrize(
    ("until", "most", "days"),
    [
        (None, None, [1, 2, 3, 4, 5]),
        (None, 2, [4, 5]),
        (date(2026, 11, 3), None, [1, 2, 3]),
        (date(2026, 11, 3), 2, [2, 3]),
        (date(2026, 10, 1), 2, []),
        (None, 0, []),
    ],
)
def test_only_the_last_nights_are_given(history, tmp_path, until, most, days):
    add(history, tmp_path, *(night(number) for number in (3, 0, 4, 1, 2)))
    assert [n.night.day for n in history.nights("cdfs", until=until, most=most)] == days
    found = points(history, until=until, most=most)
    assert [(p.night.day, p.value) for p in found] == [(day, 199.0 + day) for day in days]


def test_two_output_folders_share_a_database(history, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    add(history, first, night(0), night(1))
    add(history, second, night(0, section(median=metric(1.0))))
    add(history, second, night(0, report="elais"))
    assert history.reports() == ["cdfs", "elais"]
    assert [r.folder.parent for r in history.runs("cdfs")] == [first, second, first]
    assert len(history.runs("elais")) == 1
    assert len(history.runs("elais", first)) == 3


def test_a_table_holds_all_metrics_of_all_nights(history, tmp_path):
    for number in range(4):
        flux = section(median=metric(1.0 + number), mean=metric(2.0 * number))
        late = [section("late", count=metric(7.0, ""))] if number == 3 else []
        add(history, tmp_path, night(number, flux, *late))
    table = history.table("cdfs", most=3)
    assert [n.night.day for n in table.nights] == [2, 3, 4]
    assert table.values() == {
        ("flux", "median"): [2.0, 3.0, 4.0],
        ("flux", "mean"): [2.0, 4.0, 6.0],
        ("late", "count"): [7.0],
    }
    assert [(p.value, p.status) for p in table.points(("late", "count"))] == [
        (None, None),
        (None, None),
        (7.0, "ok"),
    ]
    for key in table.cells:
        assert table.points(key) == points(history, *key, most=3)


def test_values_in_a_former_unit_are_left_out(history, tmp_path):
    said = [(200.0, "uJy"), (0.2, "mJy"), (0.3, "mJy"), (None, "Jy")]
    for number, (value, unit) in enumerate(said):
        add(history, tmp_path, night(number, section(median=metric(value, unit))))
    assert history.table("cdfs").values() == {("flux", "median"): [0.2, 0.3]}
    assert [(p.value, p.unit) for p in points(history)] == said


def test_reading_makes_no_database(history, path):
    assert history.nights("cdfs") == []
    assert history.table("cdfs").nights == ()
    assert history.runs("cdfs") == history.reports() == []
    assert not path.exists()


def test_a_database_of_something_else_gets_its_own_tables(history, path, tmp_path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE runs (name TEXT)")
    assert history.nights("cdfs") == []
    add(history, tmp_path, night(0))
    assert len(history.nights("cdfs")) == 1
    assert rows(path, "SELECT count(*) FROM runs") == [(0,)]


def test_an_opened_history_sees_what_others_add(history, path, tmp_path):
    assert history.nights("cdfs") == []
    with open_history(path) as other:
        add(other, tmp_path, night(0))
        assert len(history.nights("cdfs")) == 1
        add(other, tmp_path, night(1))
    assert len(history.nights("cdfs")) == 2
    history.close()
    assert len(history.nights("cdfs")) == 2


def test_readers_are_not_kept_waiting_by_a_writer(path, tmp_path):
    with open_history(path, wait_seconds=0.1) as history:
        add(history, tmp_path, night(0))
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("DELETE FROM reportgen_runs")
            assert len(history.nights("cdfs")) == 1
            writer.execute("ROLLBACK")
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


def test_what_belongs_to_a_run_goes_with_it(history, path, tmp_path):
    add(history, tmp_path, night(0))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("DELETE FROM reportgen_runs")
    for table in ("sections", "metrics", "inputs", "datasets", "versions"):
        assert rows(path, f"SELECT count(*) FROM reportgen_{table}") == [(0,)]  # noqa: S608


@pytest.mark.parametrize("name", ["a b#c?.sqlite", "Größe ☃.sqlite", "100%.sqlite"])
def test_a_database_may_have_any_name(tmp_path, name):
    for where in (tmp_path / name, str(tmp_path / name)):
        with open_history(where) as history:
            add(history, tmp_path, night(0))
            assert len(history.nights("cdfs")) == 1
            assert history.place == str(tmp_path / name)
    assert (tmp_path / name).exists()


def test_a_folder_may_have_any_name(history, tmp_path):
    odd = tmp_path / "half \udc80 a name"
    add(history, odd, night(0))
    (found,) = history.runs("cdfs")
    assert found.origin.endswith("half \\udc80 a name")


def test_a_url_leads_to_the_same_database(path, tmp_path):
    with open_history(f"sqlite:///{path}") as history:
        assert history.nights("cdfs") == []
        add(history, tmp_path, night(0))
    with open_history(Path(path)) as history:
        assert len(history.nights("cdfs")) == 1
    assert history.place == str(path)


def test_verdicts_of_checks_are_kept_night_by_night(history, tmp_path):
    waived = checked(section(), "median-max", waived=True, status="warn")
    idle = checked(section("sky"), "rows", in_force=False, status="ok")
    add(history, tmp_path, night(0, waived, idle), night(1, checked(section(), "median-max")))
    add(history, tmp_path, night(2, only=("flux",)), night(3))
    assert [tuple(check)[2:] for check in history.checks("cdfs")] == [
        ("flux", "median-max", "warn", True, True, "It is 2."),
        ("sky", "rows", "ok", False, False, "It is 2."),
        ("flux", "median-max", "fail", False, True, "It is 2."),
    ]
    assert [str(check.night) for check in history.checks("cdfs", most=2)] == ["2026-11-02"]
    assert history.checks("other") == []


def test_a_run_that_was_made_again_has_no_checks_of_before(history, tmp_path):
    add(history, tmp_path, night(0, checked(section(), "a", "b")))
    add(history, tmp_path, night(0, checked(section(), "b")))
    assert [check.name for check in history.checks("cdfs")] == ["b"]


def test_every_metric_that_a_report_ever_had_is_known(history, tmp_path):
    assert history.metrics("cdfs") == []
    first = section(median=metric(1.0), mode=metric(None))
    add(history, tmp_path, night(0, first), night(1), night(2, only=("flux",)))
    add(history, tmp_path, night(3, report="other"))
    assert [(m.key, m.nights, m.last) for m in history.metrics("cdfs")] == [
        ("flux.median", 2, date(2026, 11, 2)),
        ("flux.mode", 1, date(2026, 11, 1)),
    ]


def test_a_metric_is_called_and_its_rows_are_as_on_each_night(history, tmp_path):
    renamed = metric(3.0, unit="mJy", digits=2).model_copy(update={"label": "Middle"})
    add(history, tmp_path, night(1, section(median=renamed, rows=20)))
    add(history, tmp_path, night(0, section(median=metric(1.0), rows=10), section("sky")))
    table = history.table("cdfs")
    assert table.names == {("flux", "median"): ("Middle", "mJy", 2)}
    assert table.rows == {"flux": [10, 20], "sky": [None, None]}
    assert [n.night.day for n in table.nights] == [1, 2]


def test_runs_are_added_together_or_not_at_all(history, path, tmp_path):
    runs = [(night(number), tmp_path / f"{number}") for number in (0, 1, 0)]
    assert history.add_all(runs) == [True, True, False]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE reportgen_versions")
    with pytest.raises(HistoryError, match="no such table"):
        history.add_all([(night(5), tmp_path / "5"), (night(6), tmp_path / "6")])
    assert len(history.runs("cdfs")) == 2


WRITING = """
import sys
from pathlib import Path
from nightly import add, night
from reportgen.quality.history import open_history

with open_history(Path(sys.argv[1])) as history:
    for number in range(5):
        add(history, Path(sys.argv[2]), night(number))
"""


def test_several_processes_write_to_one_database_at_once(history, path, tmp_path):
    environment = clean_environment(PYTHONPATH=str(Path(__file__).parent))
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITING, path, tmp_path / str(n)], env=environment)
        for n in range(4)
    ]
    assert [writer.wait(SECONDS) for writer in writers] == [0] * 4
    assert len(history.runs("cdfs")) == 20
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]

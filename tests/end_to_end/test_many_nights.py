"""Many nights of one report: what each says, what it knows of the others, what all of them leave.

Whatever a night should say is worked out here from the numbers that were written for it, with
numpy and without reportgen.
"""

import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from string import Template
from subprocess import CompletedProcess

import h5py
import numpy as np
import pytest
from astropy.table import Table
from projects import Project, read_summary

from reportgen.data.store import FOLDER

FIRST = datetime(2026, 10, 1, 2, tzinfo=UTC)
NIGHTS = 22
FULL, GROWN, POOR = 300, 340, 200  # rows
MISSING = -99.0

# What happens when.
GAPS = 4  # many values are missing
HAZE = 7  # the seeing is bad
NO_BUILD = 8
STEP = 9  # flux_24 is higher from then on
TRUNCATED = 11
NEW_UNIT = 13  # of the seeing, from then on
TWICE = 15  # the first run has too few rows, the second is as it should be
WAIVED = 16  # until then flux_24 may have too few values, from then on for two nights it may not
CHECKED = 18
GROWTH = 19
TOO_BRIGHT = 20  # from then on the slow drift of flux_36 is above its limit

BUILT = [night for night in range(1, NIGHTS + 1) if night != NO_BUILD]
LEVEL, DIM, LOST, FEWEST = 12.0, 10.0, 5.0, 250
LOOK_BACK, AT_LEAST, MOST, FLOORS = 7, 5, 5.0, {"flux_24": 0.2, "seeing": 0.02}


def date_of(night):
    return (FIRST + timedelta(days=night - 1)).date()


def unit_of_seeing(night):
    return "mas" if night >= NEW_UNIT else "arcsec"


def columns_of(night, rows):
    """Give what was observed in a night."""
    random = np.random.default_rng(night)
    flux_36 = 10.24 + 0.09 * night + random.normal(scale=0.2, size=rows)
    flux_24 = (56.0 if night >= STEP else 50.0) + random.normal(scale=2.0, size=rows)
    seeing = (1.3 if night == HAZE else 0.9) + random.normal(scale=0.05, size=rows)
    if night == GAPS:
        flux_36[: int(0.12 * rows)] = MISSING
    return {
        "flux_36": flux_36,
        "flux_24": flux_24,
        "seeing": seeing * (1000 if unit_of_seeing(night) == "mas" else 1),
    }


def valid(values):
    return values[values != MISSING]


CONFIGURATION = Template("""
report: {id: stars, title: Stars}
output: {folder: out, formats: [html]}
catalogues:
  stars:
    file: stars.h5
    missing: [$MISSING]
    columns:
      flux_36: {dataset: flux_36, unit: uJy, label: 3.6 µm flux density}
      flux_24: {dataset: flux_24, unit: uJy, label: 24 µm flux density}
      seeing: {dataset: seeing, unit: $unit, label: Seeing}
sections:
  fluxes:
    analysis: distribution
    catalogue: stars
    title: Fluxes
    columns: [flux_36, flux_24]
    histograms: []
    checks:
      - {metric: flux_36_median, min: $DIM, max: $LEVEL}
      - metric: flux_24_median
        drift: {nights: $LOOK_BACK, at_least: $AT_LEAST, most: $MOST, floor: 0.2}
      - rows_at_least: $FEWEST
      - missing_at_most: {column: flux_36, percent: $LOST}
      - metric: flux_24_n
        min: 400
        waive: {until: $waived, reason: the new camera}
        until: $until
  seeing:
    analysis: distribution
    catalogue: stars
    title: Weather
    columns: [seeing]
    histograms: []
    checks:
      - metric: seeing_median
        severity: warn
        drift: {nights: $LOOK_BACK, at_least: $AT_LEAST, most: $MOST, floor: 0.02}
""")
TRENDS = """
  trends:
    analysis: trend
    title: Trends
    metrics: [fluxes.flux_36_median, fluxes.flux_24_median, seeing.seeing_median]
"""
LOOKED_AT = [TRUNCATED - 1, TRUNCATED, TRUNCATED + 1, NEW_UNIT, NIGHTS]  # trends, slow to draw


def configure(project, night):
    """Write the configuration of a night: only the unit of the seeing and the trends change."""
    dates = {"waived": date_of(WAIVED), "until": date_of(CHECKED)}
    text = CONFIGURATION.substitute(globals(), unit=unit_of_seeing(night), **dates)
    text += TRENDS * (night in LOOKED_AT)
    project.config.write_text(text, encoding="utf-8")


def write_file(path, night, rows):
    with h5py.File(path, "w") as file:
        for name, values in columns_of(night, rows).items():
            file[name] = values
    if night == TRUNCATED:
        path.write_bytes(path.read_bytes()[:-1000])


@dataclass(frozen=True)
class Night:
    """A run of a night. rows: of its file."""

    number: int
    rows: int
    done: CompletedProcess
    folder: Path

    @cached_property
    def summary(self):
        return read_summary(self.folder)

    @property
    def sections(self):
        return {each["id"]: each for each in self.summary["sections"]}

    def metric(self, name):
        return self.sections["seeing" if name.startswith("seeing") else "fluxes"]["metrics"][name]


@dataclass(frozen=True)
class Simulation:
    """All that was built. runs: each in its turn. nights: the run that counts, by number."""

    project: Project
    runs: list[Night]

    @cached_property
    def nights(self):
        return {run.number: run for run in self.runs}

    def __getitem__(self, number):
        return self.nights[number]


@pytest.fixture(scope="module")
def simulation(tmp_path_factory):
    project, runs = Project(tmp_path_factory.mktemp("nights")), []
    for number in BUILT:
        full = GROWN if number >= GROWTH else FULL
        for place, rows in enumerate([POOR, full] if number == TWICE else [full]):
            write_file(project.folder / "stars.h5", number, rows)
            configure(project, number)
            started = FIRST + timedelta(days=number - 1, hours=3 * place)
            done = project.build(env={"SOURCE_DATE_EPOCH": str(int(started.timestamp()))})
            runs.append(Night(number, rows, done, project.out / f"{started:%Y%m%dT%H%M%SZ}"))
    return Simulation(project, runs)


# What should be: from the numbers alone.


def median(number, name):
    """Give the median of a column in the run that counts; None where there is none."""
    if number == TRUNCATED:
        return None
    rows = GROWN if number >= GROWTH else FULL
    return float(np.median(valid(columns_of(number, rows)[name])))


def earlier(number, name):
    """Give the medians of the earlier nights, those in the unit of this night."""
    return [
        None
        if name == "seeing" and unit_of_seeing(k) != unit_of_seeing(number)
        else median(k, name)
        for k in BUILT
        if k < number
    ]


def scatter(values):
    return 1.4826 * float(np.median(np.abs(np.array(values) - np.median(values))))


def drifts(number, name):
    last = [value for value in earlier(number, name)[-LOOK_BACK:] if value is not None]
    if len(last) < AT_LEAST:
        return False
    away = abs(median(number, name) - np.median(last))
    return bool(away > MOST * max(scatter(last), FLOORS[name]))


def endings(number, rows=None):
    """Give how each check should end; nothing of sections that cannot be computed."""
    if number == TRUNCATED:
        return {}
    rows = rows or (GROWN if number >= GROWTH else FULL)
    columns = columns_of(number, rows)
    lost = 100 * (1 - len(valid(columns["flux_36"])) / rows)
    few = len(valid(columns["flux_24"])) < 400
    waiver = "idle" if number > CHECKED else "waived" if number <= WAIVED else "fail"
    brightness = np.median(valid(columns["flux_36"]))
    return {
        "flux_36_median-min": "fail" if brightness < DIM else "ok",
        "flux_36_median-max": "fail" if brightness > LEVEL else "ok",
        "flux_24_median-drift": "fail" if drifts(number, "flux_24") else "ok",
        "rows_at_least": "fail" if rows < FEWEST else "ok",
        "flux_36-missing_at_most": "fail" if lost > LOST else "ok",
        "flux_24_n-min": waiver if few else "ok",
        "seeing_median-drift-warn": "warn" if drifts(number, "seeing") else "ok",
    }


def status(number, rows=None):
    if number == TRUNCATED:
        return "error"
    found = endings(number, rows).values()
    return "fail" if "fail" in found else "warn" if "warn" in found else "ok"


@pytest.mark.parametrize("number", BUILT)
def test_status_and_exit_code_of_a_night_follow_from_its_numbers(simulation, number):
    night = simulation[number]
    assert night.done.returncode == {"ok": 0, "warn": 0, "fail": 1, "error": 5}[status(number)]
    assert night.summary["run"]["status"] == status(number)
    found = {
        check["id"]: "idle"
        if not check["in_force"]
        else "waived"
        if check["waived"]
        else check["status"]
        for each in night.summary["sections"]
        for check in each["checks"]
    }
    wanted = endings(number) or dict.fromkeys(endings(1), "error") | {
        "flux_24_n-min": found["flux_24_n-min"]
    }
    assert found == wanted


def test_the_nights_are_what_this_file_says_that_happens():
    drifting = {STEP, STEP + 1, STEP + 3}
    failed = {GAPS, *drifting, WAIVED + 1, WAIVED + 2, *range(TOO_BRIGHT, NIGHTS + 1)}
    assert {number for number in BUILT if status(number) == "fail"} == failed
    assert [number for number in BUILT if status(number) == "warn"] == [HAZE]
    assert [number for number in BUILT if status(number) == "error"] == [TRUNCATED]
    assert {number for number in BUILT if drifts_of(number)} == {HAZE, *drifting}


def drifts_of(number):
    return number != TRUNCATED and (drifts(number, "flux_24") or drifts(number, "seeing"))


# The past.


def with_nan(values):
    return np.array([np.nan if value is None else value for value in values])


CHECKED_METRICS = {
    "flux_36_median": "flux_36",
    "flux_24_median": "flux_24",
    "seeing_median": "seeing",
}


@pytest.mark.parametrize("number", [n for n in BUILT if n != TRUNCATED])
def test_checked_metrics_hold_the_values_of_exactly_the_earlier_nights(simulation, number):
    for metric, column in CHECKED_METRICS.items():
        record = simulation[number].metric(metric)
        assert record["value"] == pytest.approx(median(number, column), rel=1e-12)
        past = record["past"]
        assert [each["night"] for each in past] == [str(date_of(k)) for k in BUILT if k < number]
        found, wanted = [each["value"] for each in past], earlier(number, column)
        assert [value is None for value in found] == [value is None for value in wanted]
        np.testing.assert_allclose(with_nan(found), with_nan(wanted), rtol=1e-12)
    assert simulation[number].summary["history"] == {"nights": BUILT.index(number), "error": ""}


@pytest.mark.parametrize("number", [each for each in LOOKED_AT if each != TRUNCATED])
def test_trends_hold_the_values_of_the_nights_and_mark_those_that_lie_apart(simulation, number):
    tables = {table["id"]: table for table in simulation[number].sections["trends"]["tables"]}
    for place, column in enumerate(CHECKED_METRICS.values(), start=1):
        file = simulation[number].folder / tables[f"trend_{place}"]["files"]["ecsv"]
        table = Table.read(file, format="ascii.ecsv")
        values = [*earlier(number, column), median(number, column)]
        wanted = with_nan(values)
        assert list(table["night"]) == [str(date_of(k)) for k in BUILT if k <= number]
        np.testing.assert_allclose(np.ma.filled(table["value"].astype(float), np.nan), wanted)
        known = wanted[np.isfinite(wanted)]
        outlying = np.abs(wanted - np.median(known)) > 5 * scatter(known)
        if len(known) < 5:
            outlying[:] = False
        assert list(table["outlying"]) == list(outlying.astype(int))


# All nights together.


def test_index_and_history_have_every_night_with_the_status_of_the_run_that_counts(simulation):
    out = simulation.project.out
    index = (out / "index.html").read_text(encoding="utf-8")
    rows = dict(re.findall(r'<tr id="night-([\d-]+)">(.*?)</tr>', index, flags=re.DOTALL))
    assert list(rows) == [str(date_of(number)) for number in BUILT[::-1]]
    for number in BUILT:
        row = rows[str(date_of(number))]
        assert re.findall(r'class="status status-(\w+)"', row)[0] == status(number)
        assert f'href="{simulation[number].folder.name}/report.html"' in row
    found = Counter(map(status, BUILT))
    said = f"{found['ok']} OK, 1 with a warning, {found['fail']} failed and 1 in"
    assert f"{len(BUILT)} nights: {said}" in index
    with closing(sqlite3.connect(out / "history.sqlite")) as connection:
        known = connection.execute("SELECT run, night, status FROM reportgen_runs ORDER BY id")
        assert known.fetchall() == [
            (run.folder.name, str(date_of(run.number)), run.summary["run"]["status"])
            for run in simulation.runs
        ]
    assert (out / "latest").resolve() == simulation[NIGHTS].folder.resolve()
    assert {path.name for path in out.iterdir() if path.name.startswith(".")} == {FOLDER}


def test_of_a_night_that_was_run_twice_the_newest_run_counts(simulation):
    first, second = (run for run in simulation.runs if run.number == TWICE)
    assert (first.done.returncode, second.done.returncode) == (1, 0)
    assert status(TWICE, POOR) == "fail"
    assert "fewer than 250" in first.done.stdout
    for run in (first, second):  # neither is compared with the other
        (since,) = run.summary["since"]
        assert since["run"] == simulation[TWICE - 1].folder.name
    past = simulation[TWICE + 1].metric("flux_36_median")["past"][-1]
    assert past["value"] == pytest.approx(median(TWICE, "flux_36"), rel=1e-12)


def test_a_truncated_file_is_said_first_and_in_every_section_on_it(simulation):
    night = simulation[TRUNCATED]
    assert night.done.stdout.startswith("2 of 3 sections could not be computed: ")
    failed = {name for name, each in night.sections.items() if each["status"] == "error"}
    assert failed == {"fluxes", "seeing"}
    assert all(record["error"] for record in night.summary["inputs"])
    assert night.sections["trends"]["findings"] == ["Tonight none of 3 metrics has a value."]

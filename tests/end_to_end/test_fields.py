"""A matrix, built as a user builds it: each report by itself, with an index above them."""

import os
import re
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from projects import (
    DISTRIBUTION,
    ROOT,
    SECONDS,
    Project,
    clean_environment,
    read_summary,
)

from reportgen.data.store import FOLDER

FIELDS = ROOT / "configs" / "fields.yaml"
ROWS = {"cdfs": 211, "elais": 347}
MEDIAN = {"cdfs": 12.5, "elais": 8642}

PLUGIN = """
import os, signal, time
from multiprocessing import parent_process
from pathlib import Path

from reportgen import Analysis, Section


class Meet(Analysis, name="meet"):
    '''Waits for other reports.'''

    me: str
    '''Which report this is.'''
    others: int
    '''How many it waits for.'''

    def reductions(self):
        return {}

    def present(self):
        Path("met").mkdir(exist_ok=True)
        Path("met", self.me).write_text(str(parent_process().pid))
        while len(met := list(Path("met").iterdir())) <= self.others:
            time.sleep(0.05)
        return Section(findings=[f"Here met {len(met)}."])


class Die(Analysis, name="die"):
    '''Kills the build.'''

    which: str
    '''Which report dies.'''

    def reductions(self):
        return {}

    def present(self):
        if self.which == "elais":
            os.kill(parent_process().pid, signal.SIGKILL)
            time.sleep(60)
        return Section(findings=["Alive."])
"""


@pytest.fixture
def fields(tmp_path):
    """A project with a catalogue for each of two fields; nothing in one is like in the other."""
    return make_fields(tmp_path)


def make_fields(folder):
    project = Project(folder, columns={"flux": {"dataset": "flux"}})
    for field, rows in ROWS.items():
        (folder / field).mkdir()
        with h5py.File(folder / field / "stars.h5", "w") as file:
            file["flux"] = np.linspace(0.8, 1.2, rows) * MEDIAN[field]
    configure(project)
    return project


def configure(project, sections=None, **blocks):
    catalogue = {"file": "${{ matrix.field }}/stars.h5", "columns": project.columns}
    project.configure(
        {"fluxes": {**DISTRIBUTION, "title": "Of ${{ matrix.field }}"}, **(sections or {})},
        **{
            "matrix": {"field": ["cdfs", "elais"]},
            "report": {"id": "stars", "title": "Stars of ${{ matrix.field }}"},
            "catalogues": {"stars": catalogue},
            **blocks,
        },
    )


def shown(project, field):
    """Return what is in a report: its record and its page, but for where its files are."""
    run = project.out / field / "latest"
    return read_summary(run), (run / "report.html").read_text(encoding="utf-8")


TOGETHER = len(os.sched_getaffinity(0)) > 1  # one core builds one report at a time
SAID = f"{'All 2 sections were' if TOGETHER else 'The section was'} computed. Nothing is checked."


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A build of two fields that went well; each waits for the other. Do not change it."""
    project = make_fields(tmp_path_factory.mktemp("fields"))
    project.plugin(PLUGIN, meet="Meet")
    meet = {"analysis": "meet", "catalogue": "stars", "title": "Meet", "timeout": 300}
    meet |= {"me": "${{ matrix.field }}", "others": 1}
    configure(project, {"meet": meet} if TOGETHER else {})
    done = project.build("--workers", "2")
    assert done.returncode == 0, done.stderr
    return project, done


def test_each_report_shows_its_own_data_and_only_that(built):
    project, _ = built
    numbers = {"cdfs": ("211", "12.5"), "elais": ("347", "8,642")}
    for field, other in (("cdfs", "elais"), ("elais", "cdfs")):
        summary, page = shown(project, field)
        section = summary["sections"][0]
        assert section["rows"] == ROWS[field]
        values = [metric["value"] for metric in section["metrics"].values()]
        assert any(value == pytest.approx(MEDIAN[field]) for value in values)
        assert not any(value == pytest.approx(MEDIAN[other]) for value in values)
        text = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", page, flags=re.DOTALL)
        assert all(number in text for number in numbers[field])
        assert not any(re.search(rf"(?<![\d.,]){n}(?![\d,])", text) for n in numbers[other])
        assert f"Stars of {field}" in text
        assert f"tars of {other}" not in text
        assert f"Of {other}" not in text
        assert [record["path"] for record in summary["inputs"]] == [f"{field}/stars.h5"]


def test_each_line_says_whose_it_is_and_a_table_comes_last(built):
    project, done = built
    lines = [*done.stderr.splitlines(), *done.stdout.partition("\n\n")[0].splitlines()]
    assert all(re.match(r"(cdfs|elais) \| \S", line) for line in lines)
    assert done.stdout.partition("\n\n")[2].splitlines() == [
        "Report  Result  Exit",
        f"cdfs    OK         0  {SAID}",
        f"elais   OK         0  {SAID}",
        str(project.out / "index.html"),
    ]


def test_each_report_has_its_id_and_its_history_and_the_index_leads_to_it(built):
    project, _ = built
    ids = {shown(project, field)[0]["report"]["id"] for field in ROWS}
    assert ids == {"stars-cdfs", "stars-elais"}
    assert all((project.out / field / "history.sqlite").is_file() for field in ROWS)
    page = (project.out / "index.html").read_text(encoding="utf-8")
    assert "Stars of cdfs and elais" in page
    links = set(re.findall(r'href="([^#"][^"]*)"', page))
    for field in ROWS:
        run = (project.out / field / "latest").resolve().name
        assert f"{field}/{run}/report.html" in links
        assert f"{field}/index.html" in links
    assert all((project.out / link).is_file() for link in links)


@pytest.mark.skipif(not TOGETHER, reason="one core builds one at a time")
def test_reports_are_built_at_the_same_time(built):
    assert "Here met 2." in shown(built[0], "elais")[1]


def test_an_interrupted_build_ends_all_and_leaves_nothing_half_built(fields):
    fields.plugin(PLUGIN, meet="Meet")
    meet = {"analysis": "meet", "catalogue": "stars", "title": "Meet", "others": 9}
    configure(fields, {"meet": {**meet, "me": "${{ matrix.field }}"}})
    building = subprocess.Popen(
        [sys.executable, "-m", "reportgen", "report.yaml", "--workers", "2"],
        cwd=fields.folder,
        env=clean_environment(**fields.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    least = min(2, len(os.sched_getaffinity(0)))
    begun = []
    while len(begun) < least and building.poll() is None:
        begun = [path for path in fields.folder.glob("met/*") if path.read_text()]
        time.sleep(0.05)
    building.send_signal(signal.SIGTERM)
    _, said = building.communicate(timeout=SECONDS)
    assert building.returncode == 128 + signal.SIGTERM
    removed = "| Interrupted; the run that was not finished has been removed.\n"
    assert said.count(removed) == len(begun)
    assert said.endswith("\nInterrupted.\n")
    assert "Traceback" not in said
    for path in begun:
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.read_text()), 0)
    paths = [p for p in fields.out.rglob("*") if FOLDER not in p.parts]
    left = [p.name for p in paths if not p.is_dir() or p.name.startswith(".")]
    assert [name for name in left if name not in {".build.lock", "history.sqlite"}] == []


def test_one_that_is_broken_or_killed_harms_no_other(fields):
    fields.plugin(PLUGIN, die="Die")
    die = {"analysis": "die", "catalogue": "stars", "title": "Die", "which": "${{ matrix.field }}"}
    configure(fields, {"die": die}, matrix={"field": ["cdfs", "elais", "lost"]})
    done = fields.build()
    assert done.returncode == 5
    table = done.stdout.partition("\n\n")[2].splitlines()
    assert table[1] == "cdfs    OK         0  All 2 sections were computed. Nothing is checked."
    assert table[2].startswith("elais   Died       3  The build was killed by SIGKILL")
    assert table[3].startswith("lost    Source     5  ")
    assert shown(fields, "cdfs")[0]["run"]["status"] == "ok"
    assert shown(fields, "lost")[0]["run"]["status"] == "error"
    assert not (fields.out / "elais" / "latest").exists()
    page = (fields.out / "index.html").read_text()
    assert "3 reports: 1 in error, 1 OK and 1 not built yet." in page


def test_a_wrong_configuration_of_one_builds_none(fields):
    configure(fields, matrix={"field": ["cdfs", "elais"], "include": [{"field": "cdfs", "t": 1}]})
    text = fields.config.read_text().replace(
        "title: Of ${{ matrix.field }}", "title: ${{ matrix.t }}x"
    )
    fields.config.write_text(text)
    done = fields.call("report.yaml")
    assert done.returncode == 2
    assert re.search(
        r"report\.yaml:\d+:\d+: sections\.fluxes\.title: unknown key of the matrix 't'"
        r" \(known: field\) \[field=elais\]\n",
        done.stderr,
    )
    assert not fields.out.exists()


def test_one_cell_is_built_alone_and_the_index_shows_the_others(fields):
    done = fields.build("--cell", "field=elais", "--set", "report.title=Set")
    assert done.returncode == 0, done.stderr
    assert "|" not in done.stdout
    assert shown(fields, "elais")[0]["report"]["title"] == "Set"
    assert not (fields.out / "cdfs").exists()
    page = (fields.out / "index.html").read_text()
    assert "Not built yet" in page
    done = fields.call("report.yaml", "--cell", "field=elias")
    assert done.returncode == 2
    assert "--cell field=elias: unknown field 'elias'; did you mean 'elais'?" in done.stderr

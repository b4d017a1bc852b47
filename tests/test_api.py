"""Runs in Python: their numbers, tables, figures and history, in a script and in a notebook."""

import subprocess
import sys

import nbformat
import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from nbclient import NotebookClient
from projects import ROOT, read_summary

import reportgen
from reportgen.errors import ConfigError, PublishError, SourceError

SNIPPETS = (ROOT / "docs/python.md").read_text(encoding="utf-8").split("```python\n")[1:]
CODE = [text.partition("```")[0] for text in SNIPPETS]


@pytest.fixture(scope="module")
def run(built):
    return reportgen.load(built.run)


def test_a_run_has_its_status_and_numbers_with_units(run, built):
    record = next(s for s in read_summary(built.run)["sections"] if s["id"] == "fluxes")
    median = run.metrics["fluxes.flux_36_median"]
    assert median.value == record["metrics"]["flux_36_median"]["value"]
    assert median.unit == u.uJy
    assert repr(run) == f"Run({str(run.folder)!r}, status={run.status!r})"
    assert run.status == "ok"
    assert run.sections["fluxes"].findings == tuple(record["findings"])
    assert run.folder == built.run.resolve()


def test_tables_have_units_and_figures_their_files(run):
    table = run.table("fluxes", "histogram_1")
    assert isinstance(table, QTable)
    assert table.columns[0].unit == u.uJy
    figure = run.figure("fluxes", "histogram_1")
    assert set(figure.files) == {"svg", "pdf", "png"}
    assert figure._repr_svg_().startswith("<?xml")
    assert figure.record.alt


def test_every_number_and_table_of_a_run_can_be_had(run):
    assert all(np.isscalar(value.value) for value in run.metrics.values())
    for section in run.sections.values():
        for table in section.tables:
            assert len(run.table(section.id, table.id)) == table.rows


def test_the_history_is_a_table_of_nights(run):
    nights = run.history("fluxes.flux_36_median")
    assert list(nights["run"]) == [run.id]
    assert nights["value"][0] == run.metrics["fluxes.flux_36_median"]


def test_a_page_for_notebooks_says_the_verdict_and_names_the_sections(run):
    page = run._repr_html_()
    assert "All 10 sections were computed" in page
    assert all(section.title in page for section in run.sections.values())


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda run: run.metrics["fluxes.flux_36_medain"], "did you mean 'fluxes.flux_36_median'"),
        (lambda run: run.table("flux", "cuts"), "unknown section 'flux'; did you mean 'fluxes'"),
        (lambda run: run.table("fluxes", "cut"), "unknown table 'cut'; did you mean 'cuts'"),
        (lambda run: run.figure("fluxes", "x"), "unknown figure 'x'"),
        (lambda run: run.history("fluxes.x"), "unknown metric 'fluxes.x'"),
        (lambda run: reportgen.load(run.folder / "x"), "there is no such run"),
    ],
)
def test_what_is_not_there_is_said_with_what_there_is(run, ask, said):
    with pytest.raises(ConfigError, match=said):
        ask(run)


def test_a_copied_run_without_a_file_or_history_says_so(copied_run):
    (copied_run / "sections/fluxes/tables/cuts.ecsv").unlink()
    run = reportgen.load(copied_run)
    with pytest.raises(SourceError, match=r"cuts\.ecsv: it is not there"):
        run.table("fluxes", "cuts")
    with pytest.raises(ConfigError, match="no history beside the run"):
        run.history("fluxes.flux_36_median")


def test_a_script_without_a_guard_builds_a_report(project):
    text = "import reportgen\nrun = reportgen.build('report.yaml')\nprint(run.status, run.folder)\n"
    (project.folder / "script.py").write_text(text)
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["ok", str(project.latest.resolve())]


def test_what_goes_wrong_in_a_build_is_an_error_of_its_kind(project):
    with pytest.raises(ConfigError, match=r"unknown section 'x'") as raised:
        reportgen.build(project.config, only=["x"])
    assert raised.value.exit_code == 2
    (project.folder / "file").touch()
    with pytest.raises(PublishError, match="Not a directory") as raised:
        reportgen.build(project.config, output=project.folder / "file")
    assert "output.folder" in raised.value.hint


def test_the_documentation_runs_in_a_notebook(built, tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "cdfs").symlink_to(built.folder)
    cells = [nbformat.v4.new_code_cell(text) for text in (CODE[0], "run")]
    cells.append(nbformat.v4.new_code_cell("run.figure('fluxes', 'histogram_1')"))
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    _, shown, figure = (cell.outputs[0]["data"] for cell in notebook.cells)
    assert "All 10 sections were computed" in shown["text/html"]
    assert figure["image/svg+xml"].startswith("<?xml")

"""`reportgen summary`: what it prints of runs, and how it ends."""

import pytest
from click.testing import CliRunner
from made_nights import make_run, started

from reportgen import cli
from reportgen.errors import ConfigError


def summary(*arguments, **variables):
    return CliRunner().invoke(cli.cli, ["summary", *map(str, arguments)], env=variables)


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "out"
    return [make_run(folder, started(0)), make_run(folder, started(1), "error")]


def test_a_person_reads_verdict_sections_and_where_the_documents_are(runs):
    done = summary(runs[0])
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "OK: Deep Field",
        "The section was computed. Nothing is checked.",
        "CDFS · 1 September 2026 · started 2026-09-01 02:00 UTC · 41 s",
        "",
        "Sections",
        "  OK: Fluxes",
        "",
        str(runs[0] / "report.html"),
        str(runs[0] / "report.pdf"),
    ]


def test_what_needs_attention_stands_before_the_sections_and_is_no_failure_of_the_command(runs):
    done = summary(runs[1])
    assert done.exit_code == 0
    said = done.output
    assert said.startswith("Error: Deep Field\nThe section could not be computed.\n")
    assert "\nWhat needs attention\n  Error: Fluxes: The column is missing.\n" in said
    assert said.index("What needs attention") < said.index("Sections")


def test_lines_are_as_wide_as_the_terminal(runs):
    said = summary(runs[1], COLUMNS="44").output
    assert max(len(line) for line in said.splitlines() if "report." not in line) <= 44


def test_of_several_runs_markdown_shows_the_worst_first(runs):
    page = summary("--markdown", *runs).output
    assert page.startswith("## ❗ Error · Deep Field\n")
    assert page.count("## ✅ OK · Deep Field\n") == 1


def test_the_documents_are_linked_where_they_are(runs):
    page = summary(runs[0], "--markdown", "--link", "https://example.org/7").output
    assert page.endswith("\n[The whole report](<https://example.org/7>)\n")
    assert summary(runs[0], "--link", "https://example.org").exit_code == 2
    refused = summary(runs[0], "--markdown", "--link", "report.html").exception
    assert isinstance(refused, ConfigError)


def test_what_is_no_run_is_said(tmp_path):
    done = summary(tmp_path / "nothing")
    assert isinstance(done.exception, ConfigError)
    assert "there is no such run" in done.exception.message

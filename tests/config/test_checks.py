from datetime import date
from pathlib import Path

import pytest

from reportgen.analyses.base import installed_analyses
from reportgen.config.checks import CheckBlock
from reportgen.config.loading import load_report
from reportgen.config.schema import CatalogueSection, NetworkSection
from reportgen.docstrings import field_docstrings
from reportgen.documentation import configuration_schema, describe_analysis
from reportgen.errors import ConfigError

ANALYSES = {"some": CatalogueSection, "network": NetworkSection}
HEAD = """\
report: {id: cdfs, title: CDFS}
references: {paper: 20260901T020000Z, old: ../runs/x}
catalogues:
  swire:
    file: swire.h5
    dataset: /cdfs
    columns: {flux_24: {index: 6}, flux_36: {index: 2}}
images: {cuts: {file: a.h5, dataset: b}}
models: {cnn: {architecture: a.json, weights: {one: a.h5}}}
sections:
  net: {analysis: network, title: Net, images: cuts, model: cnn, weights: [one]}
  flux:
    analysis: some
    catalogue: swire
    title: Flux
    checks:
"""
FULL = """\
      - metric: flux_24_median
        min: 100
        max: 230
        equals: 210
        tolerance: 50
        within: {of: paper, absolute: 5, relative: 0.05}
        drift: {nights: 21, most: 4, floor: 0.5, at_least: 7}
        severity: warn
        reason: The zero point of 2026-06.
        owner: Ann
        from: 2026-06-01
        until: "2026-12-31"
        waive: {until: 2026-07-01, reason: The lamp is weak., owner: Bob}
      - cell: {table: statistics, row: {band: 24 μm}, column: median}
        max: 230
      - cell: {table: statistics, row: 3, column: median}
        equals: 1e3
      - rows_at_least: 20000
        fresh: 26
        missing_at_most: {column: flux_24, percent: 40}
"""


@pytest.fixture
def load(tmp_path):
    def load(text, environment=None):
        path = tmp_path / "cdfs.yaml"
        path.write_text(HEAD + text)
        return load_report(path, ANALYSES, (), environment or {})

    return load


@pytest.fixture
def problems(load, tmp_path):
    def problems(text):
        with pytest.raises(ConfigError) as caught:
            load(text)
        return [
            line.replace(f"{tmp_path / 'cdfs.yaml'}:", "", 1)
            for line in caught.value.message.split("\n")
        ]

    return problems


def test_checks_are_read(load):
    first, cell, other, whole = load(FULL).sections["flux"].checks
    assert first.kinds == ("min", "max", "equals", "within", "drift")
    assert (first.min, first.max, first.equals, first.tolerance) == (100, 230, 210, 50)
    assert (first.within.of, first.within.absolute, first.within.relative) == ("paper", 5, 0.05)
    drift = first.drift
    assert (drift.nights, drift.most, drift.floor, drift.at_least) == (21, 4, 0.5, 7)
    assert (first.from_, first.until) == (date(2026, 6, 1), date(2026, 12, 31))
    assert (first.waive.until, first.waive.owner) == (date(2026, 7, 1), "Bob")
    assert (first.severity, first.reason, first.owner)[0::2] == ("warn", "Ann")
    assert cell.cell.row == {"band": "24 μm"}
    assert (other.cell.row, other.equals, other.severity) == (3, 1000, "fail")
    assert whole.kinds == ("rows_at_least", "fresh", "missing_at_most")
    assert whole.missing_at_most.column.name == "flux_24"


def test_a_drift_has_defaults(load):
    (check,) = load("      - {metric: x, drift: {}}\n").sections["flux"].checks
    drift = check.drift
    assert (drift.nights, drift.most, drift.floor, drift.at_least) == (14, 5, 0, 5)


def test_quoted_numbers_and_dates_come_from_the_environment(load):
    text = """\
      - {metric: x, max: "${MAX}", from: "${DAY}", drift: {nights: "${N}", floor: "${MAX}"}}
      - {cell: {table: t, row: "${N}", column: c}, min: "${MAX}"}
"""
    report = load(text, {"MAX": "1e-3", "DAY": "2026-01-02", "N": "9"})
    first, second = report.sections["flux"].checks
    assert (first.max, first.drift.nights, first.drift.floor) == (0.001, 9, 0.001)
    assert first.from_ == date(2026, 1, 2)
    assert second.cell.row == 9


def test_references_are_runs_or_folders_beside_the_file(load, tmp_path):
    report = load(FULL)
    assert report.references == {
        "paper": "20260901T020000Z",
        "old": tmp_path.parent / "runs" / "x",
    }
    assert isinstance(report.references["old"], Path)


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (
            "{metric: x, mx: 1}",
            "17:21: sections.flux.checks[0].mx: unknown key 'mx'; did you mean 'max'?",
        ),
        ("{metric: x}", "17:9: sections.flux.checks[0]: nothing is checked: give one or more of"),
        ("{metric: x, max:}", "17:9: sections.flux.checks[0]: nothing is checked"),
        (
            "{metric: x, min: 2, max: 1}",
            "17:21: sections.flux.checks[0].min: min (2) is larger than max (1)",
        ),
        (
            "{metric: x, min: 2, equals: 1}",
            "17:29: sections.flux.checks[0].equals: equals is outside min and max",
        ),
        (
            "{metric: x, max: 2, tolerance: 1}",
            "17:29: sections.flux.checks[0].tolerance: tolerance belongs to equals, which is not",
        ),
        (
            "{metric: x, max: 1, from: 2026-02-01, until: 2026-01-31}",
            "17:47: sections.flux.checks[0].until: until (2026-01-31) is before from (2026-02-01)",
        ),
        (
            "{metric: x, cell: {table: t, row: 0, column: c}, max: 1}",
            "17:21: sections.flux.checks[0].cell: give metric or cell, not both",
        ),
        ("{max: 1}", "17:10: sections.flux.checks[0].max: max needs a metric or a cell"),
        (
            "{metric: x, max: 1, fresh: 26}",
            "17:29: sections.flux.checks[0].fresh: fresh is about the whole section: put it in an",
        ),
        (
            "{cell: {table: t, row: 0, column: c}, drift: {}}",
            "17:47: sections.flux.checks[0].drift: drift needs a metric: the history keeps no",
        ),
        (
            "{metric: x, drift: {nights: 4}}",
            "17:29: sections.flux.checks[0].drift.nights: at_least (5) is more than nights (4)",
        ),
        (
            "{metric: x, drift: {nights: 4, at_least: 9}}",
            "17:40: sections.flux.checks[0].drift.at_least: at_least (9) is more than nights (4)",
        ),
        (
            "{metric: x, within: {of: papr, absolute: 1}}",
            "17:30: sections.flux.checks[0].within.of: unknown reference 'papr'; did you mean",
        ),
        (
            "{metric: x, within: {of: paper}}",
            "17:21: sections.flux.checks[0].within: give absolute or relative: how far from",
        ),
        (
            "{metric: x, within: {of: paper, relative: -1}}",
            "17:41: sections.flux.checks[0].within.relative: should be greater than or equal to 0",
        ),
        (
            "{missing_at_most: {column: flux_25, percent: 1}}",
            "17:28: sections.flux.checks[0].missing_at_most.column: unknown column 'flux_25'; did",
        ),
        (
            "{missing_at_most: {column: flux_24, percent: 101}}",
            "17:45: sections.flux.checks[0].missing_at_most.percent: should be less than or equal",
        ),
        (
            "{metric: x, max: high}",
            "17:21: sections.flux.checks[0].max: should be a number, not 'high'",
        ),
        (
            "{metric: x, max: .nan}",
            "17:21: sections.flux.checks[0].max: should be a number, not nan",
        ),
        (
            "{metric: x, max: 1, severity: error}",
            "17:29: sections.flux.checks[0].severity: should be 'warn' or 'fail', not 'error'",
        ),
        (
            "{metric: x, max: 1, until: tomorrow}",
            "17:29: sections.flux.checks[0].until: should be a date such as 2026-11-23, not 'tom",
        ),
        (
            "{metric: x, max: 1, from: 2026-02-30}",
            "17:29: sections.flux.checks[0].from: 2026-02-30 is no day of the calendar",
        ),
        (
            "{metric: x, max: 1, frm: 2026-02-20}",
            "17:29: sections.flux.checks[0].frm: unknown key 'frm'; did you mean 'from'?",
        ),
        (
            "{metric: x, max: 1, from_: 2026-02-20}",
            "17:29: sections.flux.checks[0].from_: unknown key 'from_'; did you mean 'from'?",
        ),
        (
            "{metric: x, max: 1, waive: {until: 2026-02-20}}",
            "17:29: sections.flux.checks[0].waive.reason: the key is missing",
        ),
        (
            "{cell: {table: t, row: -1, column: c}, max: 1}",
            "17:27: sections.flux.checks[0].cell.row: should be a number, counted from 0, or",
        ),
        (
            "{cell: {table: t, row: {a: []}, column: c}, max: 1}",
            "17:27: sections.flux.checks[0].cell.row: the value that chooses the row should be a",
        ),
        ("3", "17:9: sections.flux.checks[0]: should be keys and values, not 3"),
    ],
)
def test_what_is_wrong_in_a_check_is_named_with_its_place_and_key(problems, check, expected):
    found = problems(f"      - {check}\n")
    assert len(found) == 1, found
    assert found[0].startswith(expected), found


def test_missing_values_of_a_section_without_a_catalogue_are_refused(load, tmp_path):
    path = tmp_path / "cdfs.yaml"
    checks = "checks: [{fresh: 3}, {missing_at_most: {column: flux_24, percent: 1}}]"
    path.write_text(HEAD.replace("weights: [one]}\n", f"weights: [one], {checks}}}\n") + FULL)
    with pytest.raises(ConfigError) as caught:
        load_report(path, ANALYSES, (), {})
    assert caught.value.message.endswith(
        "sections.net.checks[1].missing_at_most: missing_at_most needs a section on a catalogue"
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("references: {a: [1]}", "references.a: should be the id of a run or the path of a run"),
        ("references: {a: ' '}", "references.a: the path is empty"),
        ("references: {a b: x}", "references.a b: should be letters, digits"),
        ("references: []", "references: should be keys and values, not a list"),
    ],
)
def test_what_is_wrong_with_references_is_named(tmp_path, line, expected):
    path = tmp_path / "cdfs.yaml"
    path.write_text(HEAD.replace("references: {paper: 20260901T020000Z, old: ../runs/x}", line))
    with pytest.raises(ConfigError) as caught:
        load_report(path, ANALYSES, (), {})
    assert expected in caught.value.message


def test_old_runs_and_the_database_are_said_in_the_output_block(load):
    output = load(FULL).output
    assert (output.keep, output.history) == (None, None)
    more = "output: {keep: {nights: 60, monthly: 24}, history: 'postgresql+psycopg://h/reports'}\n"
    output = load(FULL + more).output
    assert (output.keep.nights, output.keep.monthly) == (60, 24)
    assert output.history == "postgresql+psycopg://h/reports"
    assert load(FULL + "output: {keep: {nights: 60}}\n").output.keep.monthly == 0


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("{keep: {nights: 0}}", "output.keep.nights: should be greater than 0, not 0"),
        ("{keep: {monthly: 3}}", "output.keep.nights: the key is missing"),
        ("{keep: {nights: 1, month: 3}}", "unknown key 'month'; did you mean 'monthly'?"),
        ("{keep: 60}", "output.keep: should be keys and values, not 60"),
        ("{history: history.sqlite}", "output.history: should be a URL as SQLAlchemy reads it"),
    ],
)
def test_what_is_wrong_with_the_output_is_named(problems, output, expected):
    (found,) = problems(f"{FULL}output: {output}\n")
    assert expected in found


def test_the_password_of_a_database_is_not_repeated(problems):
    (found,) = problems(f"{FULL}output: {{history: 'user:secret@host'}}\n")
    assert "secret" not in found


def test_checks_are_documented_and_in_the_schema():
    types = installed_analyses().types
    said = describe_analysis(types["overview"])
    assert "  checks (list of keys and values; default [])" in said
    described = field_docstrings(CheckBlock)
    for name, field in CheckBlock.model_fields.items():
        assert described[name]
        assert f"      {field.alias or name} (" in said
    schema = configuration_schema(types)
    properties = schema["$defs"]["overview.CheckBlock"]["properties"]
    assert "from" in properties
    assert "from_" not in properties

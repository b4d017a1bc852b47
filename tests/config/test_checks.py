"""``checks:`` and ``budgets:`` of the YAML."""

from datetime import date

import pytest
from cases import cases
from documents import GOOD

HEAD = "references: {paper: 20260901T020000Z, old: ../runs/x}\n"  # line 1; checks are on line 22
REPORT = f"{HEAD}{GOOD}    checks:\n"
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
        max: "${MAX}"
      - cell: {table: statistics, row: "${ROW}", column: median}
        equals: 1e3
        drift: {}
      - rows_at_least: 20000
        fresh: 26
        missing_at_most: {column: flux_36, percent: 40}
"""


def test_checks_are_read(load, tmp_path):
    text = REPORT + FULL.replace("        drift: {}\n", "      - {metric: x, drift: {}}\n")
    report = load(text, environment={"MAX": "1e-3", "ROW": "3"})
    assert report.references == {
        "paper": "20260901T020000Z",
        "old": tmp_path.parent / "runs" / "x",
    }
    first, cell, other, drifting, whole = report.sections["flux"].checks
    assert first.kinds == ("min", "max", "equals", "within", "drift")
    assert (first.min, first.max, first.equals, first.tolerance) == (100, 230, 210, 50)
    assert (first.within.of, first.within.absolute, first.within.relative) == ("paper", 5, 0.05)
    assert first.drift.model_dump() == {"nights": 21, "most": 4, "floor": 0.5, "at_least": 7}
    assert (first.from_, first.until) == (date(2026, 6, 1), date(2026, 12, 31))
    assert (first.waive.until, first.waive.owner) == (date(2026, 7, 1), "Bob")
    assert (first.severity, first.owner) == ("warn", "Ann")
    assert (cell.cell.row, cell.max) == ({"band": "24 μm"}, 0.001)
    assert (other.cell.row, other.equals, other.severity) == (3, 1000, "fail")
    assert drifting.drift.model_dump() == {"nights": 14, "most": 5, "floor": 0, "at_least": 5}
    assert whole.kinds == ("rows_at_least", "fresh", "missing_at_most")
    assert whole.missing_at_most.column.name == "flux_36"


@pytest.mark.parametrize(
    ("check", "expected"),
    cases("""
{metric: x, mx: 1} | 21: [0].mx: unknown key 'mx'; did you mean 'max'?
{metric: x} | 9: [0]: nothing is checked: give one or more of
{metric: x, min: 2, max: 1} | 21: [0].min: min (2) is larger than max (1)
{metric: x, max: 2, tolerance: 1} | 29: [0].tolerance: tolerance belongs to equals, which is not
{metric: x, max: 1, from: 2026-02-01, until: 2026-01-31} | 47: [0].until: until (2026-01-31) is bef
{metric: x, cell: {table: t, row: 0, column: c}, max: 1} | 21: [0].cell: give metric or cell, not b
{max: 1} | 10: [0].max: max needs a metric or a cell
{metric: x, max: 1, fresh: 26} | 29: [0].fresh: fresh is about the whole section: put it in an
{metric: x, drift: {nights: 4}} | 29: [0].drift.nights: at_least (5) is more than nights (4)
{metric: x, within: {of: papr, absolute: 1}} | 30: [0].within.of: unknown reference 'papr'; did you
{metric: x, within: {of: paper}} | 21: [0].within: give absolute or relative: how far from
{missing_at_most: {column: flux_37, percent: 1}} | 28: [0].missing_at_most.column: unknown column
{metric: x, max: high} | 21: [0].max: should be a number, not 'high'
{metric: x, max: 1, until: tomorrow} | 29: [0].until: should be a date such as 2026-11-23, not 'tom
{metric: x, max: 1, from: 2026-02-30} | 29: [0].from: 2026-02-30 is no day of the calendar
{metric: x, max: 1, from_: 2026-02-20} | 29: [0].from_: unknown key 'from_'; did you mean 'from'?
{cell: {table: t, row: {n: .inf}, column: c}, max: 1} | 27: [0].cell.row: the value that chooses
{cell: {table: t, row: -1, column: c}, max: 1} | 27: [0].cell.row: should be a number, counted from
3 | 9: [0]: should be keys and values, not 3
"""),
)
def test_what_is_wrong_in_a_check_is_named_with_its_place_and_key(problems, check, expected):
    (found,) = problems(f"{REPORT}      - {check}\n")
    column, _, rest = expected.partition(": ")
    assert found.startswith(f"22:{column}: sections.flux.checks{rest}")


NETWORK = """\
report: {id: x, title: X}
images: {cuts: {file: a.h5, dataset: b}}
models: {cnn: {architecture: a.json, weights: {one: a.h5}}}
sections:
  net:
    analysis: network
    title: N
    images: cuts
    model: cnn
    weights: [one]
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    cases("""
s: cuts | s: cut | 8:5: sections.net.images: unknown image stack 'cut'; did you mean 'cuts'?
l: cnn | l: cn | 9:5: sections.net.model: unknown model 'cn'; did you mean 'cnn'?
[one] | [two] | 10:15: sections.net.weights[0]: unknown weights 'two' (known: one, random)
[one] | [one, one] | 10:20: sections.net.weights[1]: one stands here twice
{one | {random | 3:48: models.cnn.weights.random: 'random' stands for weights that are drawn
[one] | [one]¶    checks: [{missing_at_most: {column: a, percent: 1}}] | 11:15: sections.net.checks
"""),
)
def test_what_is_wrong_in_a_section_on_images_is_named(problems, old, new, expected):
    assert problems(NETWORK.replace(old, new))[0].startswith(expected)


@pytest.mark.parametrize(
    ("line", "expected"),
    cases("""
references: {a: [1]} | references.a: should be the id of a run or the path of a run
references: {a b: x} | references.a b: should be letters, digits
"""),
)
def test_what_is_wrong_with_references_is_named(problems, line, expected):
    (found,) = problems(f"{line}\n{GOOD}")
    assert expected in found


# Budgets


def test_budgets_are_in_seconds_and_bytes(load):
    text = (
        "budgets: {html: 3 MB, pdf: '${SIZE}', seconds: 60, memory: 1 GiB}\n"
        f"{GOOD}    budgets: {{seconds: 5, memory: 500 MB, severity: fail}}\n"
        "    memory_limit: 2 GB\n"
    )
    report = load(text, "budgets.html=4 MB", environment={"SIZE": "10 MB"})
    assert report.budgets.limits == {"html": 4e6, "pdf": 1e7, "seconds": 60, "memory": 2**30}
    assert report.budgets.severity == "warn"
    section = report.sections["flux"]
    assert section.budgets.limits == {"seconds": 5, "memory": 5e8}
    assert (section.budgets.severity, section.memory_limit) == ("fail", 2e9)
    assert (load().budgets, load().sections["flux"].budgets) == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    cases("""
budgets: {html: 3 XB} | 20:11: budgets.html: should be a size such as 256 MB, not '3 XB'
budgets: {pdf: 99999999999 PB} | 20:11: budgets.pdf: should be a size such as 256 MB, more than
budgets: {seconds: -1} | 20:11: budgets.seconds: should be greater than 0, not -1
budgets: {severity: fail} | 20:1: budgets: nothing is limited: give one or more of html, pdf,
# ¶    budgets: {html: 3 MB} | 21:15: sections.flux.budgets.html: html is a document of the whole
# ¶    budgets: {seconds: 600} | 21:15: sections.flux.budgets.seconds: seconds (600) is not
# ¶    memory_limit: 0 MB | 21:5: sections.flux.memory_limit: should be a size such as 256 MB
"""),
)
def test_what_is_wrong_in_a_budget_is_named_with_its_place_and_key(problems, text, expected):
    found = problems(f"{GOOD}{text}\n")
    assert any(each.startswith(expected) for each in found), found

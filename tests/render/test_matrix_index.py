"""The page above the reports of a matrix, as readers meet it."""

import re

import pytest
from made_nights import make_run, record, started
from pages import MATRIX, load_matrix

from reportgen.build.matrix_index import write_matrix_index
from reportgen.errors import ExitCode, PublishError
from reportgen.quality.checks.verdicts import verdict_sentence
from reportgen.record import PastRecord, read_summary
from reportgen.render.matrix import MatrixEntry, render_matrix

DESK = {"viewport": {"width": 1400, "height": 900}}


def test_each_combination_is_a_row_with_its_verdict_and_links(matrix_page, matrix, open_page):
    page = open_page(matrix_page, **DESK).page
    assert page.locator("h1").inner_text() == "SWIRE in cdfs, elais-s1, xmm-lss and boötes"
    verdicts = [
        verdict_sentence(read_summary(report.output.folder / "latest"))
        for report in (*matrix.reports[:4], matrix.reports[5])
    ]
    links = "HTML PDF All nights"
    rows = [row.inner_text() for row in page.locator("table.reports tbody tr").all()]
    found = [" ".join(row.split()) for row in rows]
    broken = found.pop(4)
    assert found == [
        f"cdfs · 2026-11-22 Deep Field OK {verdicts[0]} 21 Sep 2026 {links}",
        f"cdfs · 2026-11-23 Deep Field Warning {verdicts[1]} 3 nights behind the newest"
        f" 18 Sep 2026 {links}",
        f"elais-s1 · 2026-11-22 Deep Field Failed {verdicts[2]} synthetic data 21 Sep 2026 {links}",
        f"elais-s1 · 2026-11-23 Deep Field Error {verdicts[3]} 21 Sep 2026 {links}",
        f"xmm-lss · 2026-11-23 Deep Field OK {verdicts[4]} 21 Sep 2026 {links}",
        "boötes · 2026-11-23 Not built yet — —",
    ]
    assert broken.startswith("xmm-lss · 2026-11-22 Cannot be read summary.json: is damaged")
    counted = "7 reports: 1 that cannot be read, 1 in error, 1 failed, 1 with a warning, 2 OK and "
    assert page.locator("header .quiet").inner_text() == f"{counted}1 not built yet."
    assert "1 report does not hold observations" in page.locator("header .banner").inner_text()
    worst = page.locator("header .verdict").inner_text().strip()
    assert worst.startswith("Error elais-s1 · 2026-11-23: ")
    page.get_by_role("link", name="PDF, cdfs · 2026-11-22").wait_for()
    page.get_by_role("link", name="HTML, xmm-lss · 2026-11-23").click()
    assert page.url.endswith("fields/xmm-lss-2026-11-23/20260921T020000Z/report.html")


def test_a_row_has_the_numbers_that_are_checked_with_their_nights():
    summary = numbered()
    (row,) = [render_matrix([MatrixEntry({"field": "cdfs"}, "cdfs", summary)], "Fields").decode()]
    assert re.search(r'class="metrics">.*?230.*?role="img" aria-label="2 nights: ', row, re.DOTALL)


def numbered():
    """Return the record of a run with a number that is checked, and its last night."""
    summary = record("20260921T020000Z", started(0), "fail", value=230.0, unit="uJy")
    (only,) = summary.sections
    (name, metric), *_ = only.metrics.items()
    past = (PastRecord(night="2026-09-20", value=210.0),)
    metric = metric.model_copy(update={"verdict": "fail", "past": past})
    only = only.model_copy(update={"metrics": {name: metric}})
    return summary.model_copy(update={"sections": (only,)})


def test_a_status_is_a_word_and_a_sign_of_its_own(matrix_page, open_page):
    page = open_page(matrix_page, **DESK).page
    signs = dict(
        page.eval_on_selector_all(
            "tbody .status",
            "(all) => all.map((a) => [a.textContent.trim(), a.querySelector('svg').innerHTML])",
        )
    )
    assert signs.keys() == {"OK", "Warning", "Failed", "Error", "Cannot be read", "Not built yet"}
    assert len(set(signs.values())) == 5, "what cannot be read has the sign of an error"


def test_the_same_reports_give_the_same_bytes_and_leave_the_file_alone(tmp_path):
    matrix = load_matrix(tmp_path)
    path = write_matrix_index(matrix)
    before, stat = path.read_bytes(), path.stat()
    assert write_matrix_index(matrix) == path
    assert path.stat().st_mtime_ns == stat.st_mtime_ns
    path.unlink()
    assert write_matrix_index(matrix).read_bytes() == before
    assert not list(matrix.folder.glob(".index.html*"))


def page_of(matrix):
    return write_matrix_index(matrix).read_text(encoding="utf-8")


def test_that_nothing_is_built_or_all_is_well_is_said_in_a_word(tmp_path):
    matrix = load_matrix(tmp_path)
    assert "7 reports: 7 not built yet." in page_of(matrix)
    assert 'class="verdict"' not in page_of(matrix)
    for i, report in enumerate(matrix.reports):
        assert "Every report that was built is fine." in page_of(matrix) or not i
        run = make_run(report.output.folder, started(3))
        (report.output.folder / "latest").symlink_to(run.name)
    assert "All reports are fine." in page_of(matrix)
    assert "7 reports: 7 OK." in page_of(matrix)


@pytest.mark.parametrize(
    "content", ["mine", "<!-- The reports of other.yaml, written by reportgen. -->\n"]
)
def test_a_page_of_another_is_left_alone(tmp_path, content):
    matrix = load_matrix(tmp_path)
    matrix.folder.mkdir(parents=True)
    page = matrix.folder / "index.html"
    page.write_text(content)
    with pytest.raises(PublishError, match="is not the index of this matrix") as caught:
        write_matrix_index(matrix)
    assert caught.value.exit_code == ExitCode.DELIVERY
    assert page.read_text() == content


def test_what_reports_say_is_text_and_no_markup(tmp_path):
    text = page_of(load_matrix(tmp_path, MATRIX.replace("[cdfs,", "['<b>a</b>',")))
    assert "&lt;b&gt;a&lt;/b&gt;" in text
    assert "<b>" not in text

"""The page above the reports of a matrix, as readers meet it."""

import pytest
from made_nights import make_run, started

from reportgen.build.matrix_index import write_matrix_index
from reportgen.config.reports import Reports
from reportgen.config.schema import CatalogueSection
from reportgen.errors import ExitCode, PublishError
from reportgen.record import read_summary
from reportgen.render.view import verdict_sentence

PHONE = {"viewport": {"width": 360, "height": 740}}
DESK = {"viewport": {"width": 1400, "height": 900}}
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
CONFIG = """\
matrix:
  field: [cdfs, elais-s1, xmm-lss]
  night: [2026-11-22, 2026-11-23]
  include: [{field: boötes, night: 2026-11-23}]
report: {id: fields, title: "SWIRE in ${{ matrix.field }}"}
catalogues:
  stars: {file: stars.h5, dataset: x, columns: {flux: {}}}
sections:
  one: {analysis: plain, catalogue: stars, title: One}
"""


def load(folder):
    config = folder / "fields & more.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    return Reports(config, {"plain": CatalogueSection}).all()


def make_all(folder):
    """Make the runs of a matrix: fine, warned, failed, in error, damaged, old, never built."""
    matrix = load(folder)
    folders = {report.report.id: report.output.folder for report in matrix.reports}
    made = zip(folders.values(), ("ok", "warn", "fail", "error", "ok", "ok"), strict=False)
    for i, (own, status) in enumerate(made):
        run = make_run(own, started(20 - 3 * (i == 1)), status, synthetic=("Made.",) * (i == 2))
        (own / "latest").symlink_to(run.name)
        (own / "index.html").write_text("<!DOCTYPE html><html lang='en'><title>Nights</title>")
        if i == 4:
            (run / "summary.json").write_text("{")
    return matrix


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    """A matrix with an index. Do not change it."""
    matrix = make_all(tmp_path_factory.mktemp("matrix"))
    write_matrix_index(matrix)
    return matrix


@pytest.fixture
def open_index(matrix, browser):
    contexts = []

    def opened(**options):
        context = browser.new_context(offline=True, **options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        tab = context.new_page()
        tab.said, tab.requests = [], []
        tab.on("console", lambda message: tab.said.append(message.text))
        tab.on("request", lambda request: tab.requests.append(request.url))
        tab.goto((matrix.folder / "index.html").as_uri())
        return tab

    yield opened
    for context in contexts:
        context.close()


def rows(page):
    return [
        " ".join(row.inner_text().split()) for row in page.locator("table.reports tbody tr").all()
    ]


def test_each_combination_is_a_row_with_its_verdict_and_links(open_index, matrix):
    page = open_index(**DESK)
    assert page.locator("h1").inner_text() == "SWIRE in cdfs, elais-s1, xmm-lss and boötes"
    verdicts = [
        verdict_sentence(read_summary(report.output.folder / "latest"))
        for report in (*matrix.reports[:4], matrix.reports[5])
    ]
    links = "HTML PDF All nights"
    found = rows(page)
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
    assert (
        page.locator("header .verdict")
        .inner_text()
        .strip()
        .startswith("Error elais-s1 · 2026-11-23: ")
    )


def test_the_page_asks_for_nothing_but_itself_and_has_no_script(open_index):
    page = open_index()
    assert [url for url in page.requests if not url.startswith("data:")] == [page.url]
    assert page.said == []
    assert page.locator("script").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_axe_finds_nothing_that_keeps_a_reader_out(open_index, scheme, size):
    from axe_playwright_python.sync_playwright import Axe

    page = open_index(color_scheme=scheme, **size)
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in violations] == []


@pytest.mark.parametrize("width", [320, 360, 700, 1000, 1400])
def test_nothing_makes_the_page_wider_than_the_window(open_index, width):
    page = open_index(viewport={"width": width, "height": 800})
    whole, window = page.evaluate(WIDTHS)
    assert whole == window


def test_every_link_leads_to_a_file_below_the_page(open_index, matrix):
    page = open_index()
    links = page.eval_on_selector_all("a[href]", "(all) => all.map((a) => a.getAttribute('href'))")
    below = [link for link in links if link != "#content"]
    assert len(below) == 6 * 4 + 1  # six runs, and the worst of them in the head
    for link in below:
        assert (matrix.folder / link).is_file()
    page.get_by_role("link", name="PDF, cdfs · 2026-11-22").wait_for()
    page.get_by_role("link", name="HTML, xmm-lss · 2026-11-23").click()
    assert page.url.endswith("fields/xmm-lss-2026-11-23/20260921T020000Z/report.html")


def test_a_status_is_a_word_and_a_sign_of_its_own(open_index):
    page = open_index(**DESK)
    said = page.eval_on_selector_all(
        "tbody .status",
        "(all) => all.map((a) => [a.textContent.trim(), a.querySelector('svg').innerHTML])",
    )
    signs = dict(said)
    assert signs.keys() == {"OK", "Warning", "Failed", "Error", "Cannot be read", "Not built yet"}
    assert len(set(signs.values())) == 5, "what cannot be read has the sign of an error"


def test_the_same_reports_give_the_same_bytes_and_leave_the_file_alone(tmp_path):
    matrix = make_all(tmp_path)
    path = write_matrix_index(matrix)
    before, stat = path.read_bytes(), path.stat()
    assert write_matrix_index(matrix) == path
    assert path.stat().st_mtime_ns == stat.st_mtime_ns
    path.unlink()
    assert write_matrix_index(matrix).read_bytes() == before
    assert not list(matrix.folder.glob(".index.html*"))


def test_that_all_is_well_is_said_in_a_word(tmp_path):
    matrix = load(tmp_path)
    for i, report in enumerate(matrix.reports):
        assert "Every report that was built is fine." in _page(matrix) or not i
        run = make_run(report.output.folder, started(3))
        (report.output.folder / "latest").symlink_to(run.name)
    assert "All reports are fine." in _page(matrix)
    assert "7 reports: 7 OK." in _page(matrix)


def _page(matrix):
    return write_matrix_index(matrix).read_text(encoding="utf-8")


def test_nothing_built_is_said_so(tmp_path):
    text = write_matrix_index(load(tmp_path)).read_text(encoding="utf-8")
    assert "7 reports: 7 not built yet." in text
    assert 'class="verdict"' not in text


@pytest.mark.parametrize(
    "content", ["mine", "<!-- The reports of other.yaml, written by reportgen. -->\n"]
)
def test_a_page_of_another_is_left_alone(tmp_path, content):
    matrix = load(tmp_path)
    matrix.folder.mkdir(parents=True)
    page = matrix.folder / "index.html"
    page.write_text(content)
    with pytest.raises(PublishError, match="is not the index of this matrix") as caught:
        write_matrix_index(matrix)
    assert caught.value.exit_code == ExitCode.DELIVERY
    assert page.read_text() == content


def test_what_reports_say_is_text_and_no_markup(tmp_path):
    config = tmp_path / "x.yaml"
    config.write_text(CONFIG.replace("[cdfs,", "['<b>a</b>',"), encoding="utf-8")
    matrix = Reports(config, {"plain": CatalogueSection}).all()
    text = write_matrix_index(matrix).read_text(encoding="utf-8")
    assert "&lt;b&gt;a&lt;/b&gt;" in text
    assert "<b>" not in text

"""A report of much that went wrong, with words that are too long, is still one that people read."""

import pytest
from projects import DISTRIBUTION, section, small_project
from pypdf import PdfReader

from reportgen.analyses.base import installed_analyses
from reportgen.build.pipeline import Options, build
from reportgen.build.progress import Progress
from reportgen.config.loader import load_report

LONG = "A title that goes on and on about " + "things, " * 40
WORD = "Pneumonoultramicroscopicsilicovolcanoconiosis"
UNBROKEN = WORD * 6
NASTY = "<img src=x onerror=alert(1)> & <script>document.title = 'taken'</script> ]]> --> {{ 1 }}"


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    """A run whose sections have errors, long words and markup in every text that there is."""
    project = small_project(tmp_path_factory.mktemp("troubled"))
    project.write(none=[-99.0] * 200)
    columns = {
        "flux": {"dataset": "flux", "label": NASTY},
        "size": {"dataset": "size", "label": WORD, "unit": "Jy / beam"},
        "none": {"dataset": "none", "missing": [-99]},
    }
    import h5py

    with h5py.File(project.folder / "stars.h5", "a") as file:
        file.attrs["synthetic"] = f"{NASTY} \x07 {UNBROKEN}"
    catalogues = {
        "stars": {"file": "stars.h5", "columns": columns},
        "lost": {"file": f"{UNBROKEN[:200]}.h5", "columns": {"flux": {"dataset": NASTY}}},
    }
    sections = {
        "long": {**DISTRIBUTION, "title": LONG, "text": f"{LONG}\n\n{UNBROKEN}"},
        "unbroken": {**DISTRIBUTION, "columns": ["size"], "title": UNBROKEN},
        "nasty": {**DISTRIBUTION, "title": NASTY, "text": NASTY.replace("{{ 1 }}", "")},
        "relation": section("relation", column="flux", against=["size"], title=f"Again: {NASTY}"),
        "overview": section("overview", title=f"All {UNBROKEN}"),
        "none": {**DISTRIBUTION, "columns": ["none"], "title": f"None: {NASTY}"},
        "unfilled": {**DISTRIBUTION, "text": "{{ metrics.nothing }}"},
        "lost": {**DISTRIBUTION, "catalogue": "lost", "title": f"Lost: {LONG}"},
    }
    report = {
        "id": "stars",
        "title": f"{NASTY} {UNBROKEN}",
        "field": NASTY,
        "description": f"{NASTY} {UNBROKEN}",
        "authors": [NASTY, UNBROKEN],
    }
    output = {"folder": "out", "formats": ["html", "pdf"]}
    project.configure(sections, report=report, catalogues=catalogues, output=output)
    loaded = load_report(project.config, installed_analyses().types)
    built = build(loaded, Options(command=("reportgen", NASTY)), Progress())
    assert built.exit_code == 5
    statuses = {s.id: s.status for s in built.summary.sections}
    assert {name for name, status in statuses.items() if status == "error"} == {
        *("none", "unfilled", "lost")
    }
    return built.folder


@pytest.mark.parametrize("width", [320, 360, 768, 1400])
def test_long_words_do_not_make_the_page_wider_than_the_window(troubled, open_report, width):
    page = open_report(troubled, viewport={"width": width, "height": 800}).page
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_keeps_a_reader_out(troubled, open_report, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_report(troubled, color_scheme=scheme).page
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in violations] == []


def test_markup_is_shown_as_text_wherever_it_comes_from(troubled, open_report):
    seen = open_report(troubled)
    page = seen.page
    assert seen.complaints == []
    assert NASTY in page.locator("h1").inner_text()
    assert NASTY in page.locator("[role=note]").inner_text()
    assert "\\x07" in page.locator("[role=note]").inner_text()
    assert page.title() != "taken"
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert page.locator(".failure", has_text="reportgen").count() == 3


def test_what_needs_attention_stands_on_the_first_screen_and_leads_to_its_place(
    troubled, open_report
):
    page = open_report(troubled, viewport={"width": 1400, "height": 900}).page
    links = page.locator(".attention a")
    targets = [link.get_attribute("href") for link in links.all()]
    assert {"#section-none", "#section-unfilled", "#section-lost"} <= set(targets)
    assert all(page.locator(target).count() == 1 for target in targets)


def test_the_pdf_of_it_is_whole(troubled):
    reader = PdfReader(troubled / "report.pdf")
    text = "".join("".join(page.extract_text() for page in reader.pages).split())
    assert "".join(NASTY.split()) in text
    assert "there is no such file".replace(" ", "") in text
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]

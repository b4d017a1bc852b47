"""report.html as readers meet it: in a browser, on a phone, in the dark, without scripts."""

import pytest

from reportgen.analyses.plotting.lettering import text_width

PHONE = {"viewport": {"width": 360, "height": 740}}
DESK = {"viewport": {"width": 1400, "height": 900}}
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


def test_the_page_asks_for_nothing_but_itself_and_does_not_complain(built, open_report):
    seen = open_report(built.run, **DESK)
    others = [url for url in seen.requests if not url.startswith("data:")]
    assert others == [(built.run.resolve() / "report.html").as_uri()]
    assert seen.complaints == []


def test_the_page_is_below_three_megabytes(built):
    assert 100_000 < (built.run / "report.html").stat().st_size < 3_000_000


@pytest.mark.parametrize("width", [320, 360, 700, 1000, 1400])
def test_nothing_makes_the_page_wider_than_the_window(built, open_report, width):
    page = open_report(built.run, viewport={"width": width, "height": 800}).page
    whole, window = page.evaluate(WIDTHS)
    assert whole == window


def test_at_twice_the_size_nothing_is_cut_off(built, open_report):
    # A browser that zooms to 200 % lays the page out in half the width.
    page = open_report(
        built.run, viewport={"width": 640, "height": 400}, device_scale_factor=2
    ).page
    whole, window = page.evaluate(WIDTHS)
    assert whole == window


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_axe_finds_nothing_that_keeps_a_reader_out(built, open_report, scheme, size):
    from axe_playwright_python.sync_playwright import Axe

    page = open_report(built.run, color_scheme=scheme, **size).page
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in violations] == []


def test_every_figure_says_what_it_shows(built, open_report, summary):
    page = open_report(built.run).page
    said = page.eval_on_selector_all(
        "figure svg", "(all) => all.map((one) => [one.getAttribute('role'), one.ariaLabel])"
    )
    expected = [["img", f["alt"]] for s in summary["sections"] for f in s["figures"]]
    assert said == expected
    assert len(expected) > 10


def test_without_scripts_everything_is_there(built, open_report, summary):
    page = open_report(built.run, java_script_enabled=False, **DESK).page
    assert page.locator("main h2").all_inner_texts() == [
        *(section["title"] for section in summary["sections"]),
        "Inputs and provenance",
    ]
    assert page.locator("figure svg").count() == sum(len(s["figures"]) for s in summary["sections"])
    assert page.locator("nav a").first.is_visible()
    first = page.locator("table tbody tr").first
    assert first.is_visible()


def test_every_link_leads_somewhere(built, open_report):
    page = open_report(built.run).page
    links = page.eval_on_selector_all("a[href]", "(all) => all.map((a) => a.getAttribute('href'))")
    assert len(links) > 50
    lost = [
        link
        for link in links
        if not (
            page.locator(f'[id="{link[1:]}"]').count() == 1
            if link.startswith("#")
            else (built.run / link).is_file()
        )
    ]
    assert lost == []


def test_no_id_stands_twice(built, open_report):
    page = open_report(built.run).page
    ids = page.eval_on_selector_all("[id]", "(all) => all.map((one) => one.id)")
    assert len(ids) == len(set(ids))


def test_in_the_dark_ground_and_figures_turn(built, open_report):
    def colours(scheme):
        page = open_report(built.run, color_scheme=scheme).page
        return page.evaluate(
            """() => [
                getComputedStyle(document.body).backgroundColor,
                getComputedStyle(document.body).color,
                getComputedStyle([...document.querySelectorAll('figure svg path')].find(
                    (path) => path.style.stroke.startsWith('var(') )).stroke,
            ]"""
        )

    light, dark = colours("light"), colours("dark")
    assert all(day != night for day, night in zip(light, dark, strict=True))


def test_paper_is_light_even_from_a_dark_screen(built, open_report):
    page = open_report(built.run, color_scheme="dark").page
    page.emulate_media(media="print")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"


def cells(table, column):
    return table.evaluate(
        "(table, column) => [...table.tBodies[0].rows].map((row) => row.cells[column].innerText)",
        column,
    )


def test_a_table_is_sorted_by_its_numbers_and_back_with_the_keyboard(built, open_report):
    page = open_report(built.run, **DESK).page
    table = page.locator("#table-fluxes-quantiles")
    column = table.locator("th").all_inner_texts().index("n")
    head = table.locator("th").nth(column)
    numbers = sorted(int(text.replace(",", "")) for text in cells(table, column))
    assert len(set(numbers)) > 1
    for order, expected in (("ascending", numbers), ("descending", numbers[::-1])):
        head.get_by_role("button").focus()
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == order
        assert [int(text.replace(",", "")) for text in cells(table, column)] == expected


def test_the_contents_follow_the_reader(built, open_report):
    page = open_report(built.run, **DESK).page
    page.emulate_media(reduced_motion="reduce")
    for name in ("correlation", "overview"):
        page.evaluate("(id) => document.getElementById(id).scrollIntoView()", f"section-{name}")
        current = page.locator(f'nav a[aria-current][href="#section-{name}"]')
        current.wait_for(state="attached")


def test_the_first_thing_the_keyboard_reaches_skips_to_the_report(built, open_report):
    page = open_report(built.run, **DESK).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"


def test_synthetic_data_are_announced_before_anything_else(built, open_report):
    page = open_report(built.run).page
    assert page.locator("body").inner_text().split("\n\n")[1].startswith("Synthetic data.")


def test_markup_in_titles_and_labels_is_shown_as_text(project, open_report):
    nasty = "<img src=x onerror=alert(1)> & <b>bold</b>"
    project.columns["flux"]["label"] = nasty
    section = {
        "analysis": "distribution",
        "catalogue": "stars",
        "title": nasty,
        "text": nasty,
        "columns": ["flux"],
    }
    project.configure({"fluxes": section}, report={"id": "stars", "title": nasty})
    done = project.build()
    assert done.returncode == 0, done.stderr
    seen = open_report(project.latest)
    assert seen.page.locator("h1").inner_text() == nasty
    assert seen.page.locator("main h2").first.inner_text() == nasty
    assert seen.page.locator("img").count() == 0
    assert seen.page.locator("b").count() == 0
    assert seen.complaints == []


def test_words_in_figures_are_text_as_wide_as_matplotlib_drew_it(open_report, built):
    page = open_report(built.run).page
    found = page.evaluate("""() => [...document.querySelectorAll("figure svg text")].map(each => [
        each.textContent, parseFloat(getComputedStyle(each).fontSize), each.getComputedTextLength()
    ])""")
    assert len(found) > 100
    for text, size, width in found:
        assert width == pytest.approx(text_width(text, size), rel=0.005, abs=0.1), text

"""report.html as readers meet it; test_pages.py has what holds for every page."""

import pytest

from reportgen.analyses.plotting.lettering import text_width

DESK = {"viewport": {"width": 1400, "height": 900}}


def test_the_page_is_small(report_page):
    assert 100_000 < report_page.stat().st_size < 1_200_000


def test_every_figure_says_what_it_shows(report_page, open_page, summary):
    page = open_page(report_page).page
    said = page.eval_on_selector_all(
        "figure svg", "(all) => all.map((one) => [one.getAttribute('role'), one.ariaLabel])"
    )
    assert said == [["img", f["alt"]] for s in summary["sections"] for f in s["figures"]]


def test_without_scripts_everything_is_there(report_page, open_page, summary):
    page = open_page(report_page, java_script_enabled=False, **DESK).page
    assert page.locator("main h2").all_inner_texts() == [
        *(f"{n} {section['title']}" for n, section in enumerate(summary["sections"], 1)),
        "Inputs and provenance",
    ]
    assert page.locator("figure svg").count() == sum(len(s["figures"]) for s in summary["sections"])
    assert page.locator("nav a").first.is_visible()
    assert page.locator("table tbody tr").first.is_visible()


def test_in_the_dark_figures_turn_and_paper_is_light(report_page, open_page):
    def colours(page):
        return page.evaluate(
            """() => [
                getComputedStyle(document.body).backgroundColor,
                getComputedStyle([...document.querySelectorAll('figure svg path')].find(
                    (path) => getComputedStyle(path).stroke !== 'none')).stroke,
            ]"""
        )

    page = open_page(report_page).page
    light = colours(page)
    page.emulate_media(color_scheme="dark")
    assert all(day != night for day, night in zip(light, colours(page), strict=True))
    page.emulate_media(media="print")
    assert colours(page)[0] == "rgb(255, 255, 255)"


def cells(table, column):
    return table.evaluate(
        "(table, column) => [...table.tBodies[0].rows].map((row) => row.cells[column].innerText)",
        column,
    )


def test_a_table_is_sorted_by_its_numbers_and_back_with_the_keyboard(report_page, open_page):
    page = open_page(report_page, **DESK).page
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


def test_the_contents_follow_the_reader(report_page, open_page):
    page = open_page(report_page, **DESK).page
    page.emulate_media(reduced_motion="reduce")
    for name in ("correlation", "overview"):
        page.evaluate("(id) => document.getElementById(id).scrollIntoView()", f"section-{name}")
        current = page.locator(f'nav a[aria-current][href="#section-{name}"]')
        current.wait_for(state="attached")


def test_the_first_thing_the_keyboard_reaches_skips_to_the_report(report_page, open_page):
    page = open_page(report_page, **DESK).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"


def test_words_in_figures_are_text_as_wide_as_matplotlib_drew_it(report_page, open_page):
    page = open_page(report_page).page
    found = page.evaluate("""() => [...document.querySelectorAll("figure svg text")].map(each => [
        each.textContent, parseFloat(getComputedStyle(each).fontSize), each.getComputedTextLength()
    ])""")
    assert len(found) > 100
    for text, size, width in found:
        assert width == pytest.approx(text_width(text, size), rel=0.005, abs=0.1), text

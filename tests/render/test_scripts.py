"""What the scripts of report.html add; without them all is there, as test_html.py says."""

import re

import pytest

DESK = {"viewport": {"width": 1280, "height": 900}}
MOST_STOPS = 60


@pytest.fixture(scope="module")
def opened(report_page, open_once):
    return open_once(report_page, reduced_motion="reduce", **DESK).page


@pytest.fixture
def page(opened):
    """The report, opened once: a test leaves it as it was."""
    yield opened
    opened.emulate_media(media="screen")


def point_at(page, figure, across, up):
    """Move the pointer to a place of a figure, in parts of its drawing; return what it says."""
    drawing = page.locator(f"#figure-{figure} svg")
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    page.mouse.move(box["x"] + across * box["width"], box["y"] + up * box["height"])
    return page.locator(".tip").inner_text().splitlines()


def table_of(built, path):
    lines = (built.run / "sections" / path).read_text(encoding="utf-8").splitlines()
    return [line.split(",") for line in lines[1:]]


def test_a_bin_under_the_pointer_says_its_edges_and_its_count(page, built):
    edges, counted = point_at(page, "stellarity-histogram_1", 0.5, 0.5)
    low, high = map(float, re.findall(r"[\d.]+", edges))
    rows = table_of(built, "stellarity/tables/histogram_1.csv")
    (n,) = [int(row[2]) for row in rows if float(row[0]) == pytest.approx(low, abs=1e-3)]
    assert high > low
    assert counted.endswith(f": {n:,}")


def test_a_place_of_a_map_says_where_it_is(page):
    ra, dec = point_at(page, "swire_sky-density", 0.4, 0.4)
    assert re.fullmatch(r"Right ascension: 5[1-4]\.\d{4}°", ra)
    assert re.fullmatch(r"Declination: −2[78]\.\d{4}°", dec)


def test_a_cell_of_a_matrix_says_its_value(page):
    assert point_at(page, "correlation-matrix", 0.3, 0.2)[-1].startswith("Pearson's r")


def test_a_figure_is_enlarged_and_put_back(page):
    figure = page.locator("#figure-stellarity-histogram_1")
    small = figure.locator("svg").bounding_box()["width"]
    figure.get_by_role("button", name="Enlarge Fig. 2.1").click()
    assert page.locator("dialog svg").bounding_box()["width"] > 2 * small
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="hidden")
    assert figure.locator("svg").bounding_box()["width"] == pytest.approx(small)


def test_search_shows_sections_and_rows_that_hold_the_words(page):
    page.get_by_label("Search").fill("stellarity index")
    assert page.locator("#section-stellarity").is_visible()
    assert page.locator("#section-atlas_sky").is_hidden()
    assert page.locator('nav a[href="#section-atlas_sky"]').is_hidden()
    assert re.fullmatch(r"\d sections shown", page.locator("#found").inner_text())
    rows = page.locator("#table-overview-columns tbody tr:visible")
    assert rows.count() == 1
    page.get_by_label("Search").fill("")
    assert page.locator("#section-atlas_sky").is_visible()


def test_only_what_needs_attention_is_shown(troubled_page, open_page):
    page = open_page(troubled_page, **DESK).page
    fine = page.locator('main > section[data-status="ok"]')
    bad = page.locator('main > section[data-status="error"]')
    assert fine.count()
    page.get_by_label("Only what needs attention").check()
    assert not any(each.is_visible() for each in fine.all())
    assert all(each.is_visible() for each in bad.all())


def test_a_table_is_copied_without_the_columns_that_are_hidden(report_page, open_page):
    page = open_page(report_page, permissions=["clipboard-read", "clipboard-write"], **DESK).page
    table = page.locator(".table", has=page.locator("#table-fluxes-quantiles"))
    table.get_by_role("button", name="Columns").click()
    table.get_by_label("25 % [µJy]").uncheck()
    assert table.get_by_role("columnheader", name="25 %").count() == 0
    table.get_by_role("button", name="Copy").click()
    table.get_by_role("button", name="Copied").wait_for()
    head, first, *_ = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert head.split("\t")[:4] == ["column", "n", "5 % [µJy]", "50 % [µJy]"]
    assert first.split("\t")[0] == "3.6\u00a0μm flux density"
    assert float(first.split("\t")[3]) > 1


def test_the_colours_that_a_reader_chose_are_kept(page):
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_label("Colours").select_option("dark")
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
    assert page.get_by_label("Colours").input_value() == "dark"
    page.emulate_media(media="print")
    assert page.evaluate(ground) == light


def test_sections_and_figures_have_links_to_themselves(page, summary):
    sections = page.eval_on_selector_all("main h2 .hash", "(all) => all.map((one) => one.hash)")
    assert sections[0] == f"#section-{summary['sections'][0]['id']}"
    assert len(sections) == len(summary["sections"]) + 1
    assert page.locator("figure .hash").count() == page.locator("figure").count()


def test_the_checksums_of_the_files_are_seen_and_printed(page):
    sums = page.locator("#provenance code.hash")
    assert sums.count()
    for media in ("screen", "print"):
        page.emulate_media(media=media)
        styles = "(all) => all.map((one) => getComputedStyle(one).opacity)"
        assert set(sums.evaluate_all(styles)) == {"1"}
        assert sums.first.is_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_keyboard_reaches_the_last_section_in_few_stops(report_page, open_page, scripts):
    page = open_page(report_page, java_script_enabled=scripts, **DESK).page
    last = "Boolean(document.activeElement.closest('#provenance'))"
    stops = 0
    while stops <= MOST_STOPS and not page.evaluate(last):
        page.keyboard.press("Tab")
        stops += 1
    assert stops <= MOST_STOPS


def test_arrows_lead_from_one_button_of_a_section_to_the_next(page):
    section = page.locator("#section-stellarity")
    section.get_by_role("button", name="Enlarge Fig. 2.1").focus()
    page.keyboard.press("ArrowRight")
    focused = page.evaluate("document.activeElement.ariaLabel")
    assert focused == "Enlarge Fig. 2.2"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.ariaLabel") == "Enlarge Fig. 2.1"


def test_scripts_are_few_and_no_other_may_run(report_page):
    text = report_page.read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert sum(len(script.encode()) for script in scripts) <= 60_000
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert re.search(r"script-src( 'sha256-[^']+'){2};", policy)


def test_print_keeps_labels_with_values_and_leaves_the_tools_out(page):
    page.emulate_media(media="print")
    assert page.locator(".tools, .buttons, figcaption .extra").locator("visible=true").count() == 0
    metrics = page.locator(".metrics li").first
    assert metrics.evaluate("(one) => getComputedStyle(one).breakInside") == "avoid"
    assert page.locator("#table-overview-columns").is_visible()

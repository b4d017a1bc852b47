"""index.html as readers meet it, and what its charts and calendar are made of."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread

import pytest
from made_nights import REPORT, make_run, started

from reportgen.quality.history.records import MetricValue
from reportgen.quality.nights import RunEntry, list_runs, nights
from reportgen.render.index import calendar_months, calendar_years, render_index, write_index
from reportgen.render.trends import Limits, trend_view

MEDIAN = "fluxes.median"
PHONE = {"viewport": {"width": 360, "height": 740}}
DESK = {"viewport": {"width": 1400, "height": 900}}
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
STATUSES = ("ok", "ok", "warn", "ok", "fail", "ok", "error")
NIGHTS = 240
MISSING, DAMAGED = NIGHTS - 9, NIGHTS - 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """240 nights but one, some with several runs, one that cannot be read. Do not change it."""
    folder = tmp_path_factory.mktemp("nights")
    for night in range(NIGHTS):
        if night == MISSING:
            continue
        run = make_run(
            folder,
            started(night),
            STATUSES[night % len(STATUSES)],
            value=20 + night / 50 + night % 3,
            synthetic=("Made up.",) if night == NIGHTS - 2 else (),
        )
        if night == DAMAGED:
            (run / "summary.json").write_text("{")
    make_run(folder, started(NIGHTS - 2, 4), "fail")
    make_run(folder, started(NIGHTS - 2, 5), only=("fluxes",))
    runs, trends = list_runs(folder, metrics=[MEDIAN]), [MEDIAN, "gone.metric"]
    write_index(folder, runs, REPORT, trends=trends, limits={MEDIAN: Limits(upper=26)})
    return folder


@pytest.fixture
def open_index(folder, browser):
    """Give a function that opens a page of the folder; options are those of a browser context."""
    contexts = []

    def opened(page="index.html", at=None, **options):
        context = browser.new_context(offline=at is None, **options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        tab = context.new_page()
        tab.said, tab.requests = [], []
        tab.on("console", lambda message: tab.said.append(message.text))
        tab.on("request", lambda request: tab.requests.append(request.url))
        tab.goto(f"{at or folder.as_uri()}/{page}")
        return tab

    yield opened
    for context in contexts:
        context.close()


def open_all(page):
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")


def test_the_page_asks_for_nothing_but_itself_and_does_not_complain(open_index):
    page = open_index(**DESK)
    assert [url for url in page.requests if not url.startswith("data:")] == [page.url]
    assert page.said == []
    assert page.locator("script").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_axe_finds_nothing_that_keeps_a_reader_out(open_index, scheme, size):
    from axe_playwright_python.sync_playwright import Axe

    page = open_index(color_scheme=scheme, **size)
    open_all(page)
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in violations] == []


@pytest.mark.parametrize("width", [320, 360, 700, 1000, 1400])
def test_nothing_makes_the_page_wider_than_the_window(open_index, width):
    page = open_index(viewport={"width": width, "height": 800})
    open_all(page)
    whole, window = page.evaluate(WIDTHS)
    assert whole == window


def test_every_link_leads_somewhere_below_the_page(open_index, folder):
    page = open_index()
    links = page.eval_on_selector_all("a[href]", "(all) => all.map((a) => a.getAttribute('href'))")
    assert len(links) > 3 * NIGHTS
    assert [
        link
        for link in links
        if not (
            page.locator(f'[id="{link[1:]}"]').count() == 1
            if link.startswith("#")
            else (folder / link).is_file() and (folder / link).resolve().is_relative_to(folder)
        )
    ] == []


def test_a_reader_without_colours_is_told_each_status(open_index):
    page = open_index(**DESK)
    open_all(page)
    days = page.locator("a.day")
    assert days.count() == NIGHTS - 1
    said = page.eval_on_selector_all(
        "a.day",
        "(all) => all.map((a) => [a.ariaLabel.split(': ')[1], a.className.split(' ')[1],"
        " a.querySelector('use').getAttribute('href')])",
    )
    words = {"OK": "ok", "Warning": "warn", "Failed": "fail", "Error": "error"}
    words["Cannot be read"] = "error"
    assert {word for word, _, _ in said} == words.keys()
    assert all((shown, sign) == (f"day-{words[w]}", f"#sign-{words[w]}") for w, shown, sign in said)


def test_days_without_a_run_say_so(open_index):
    page = open_index()
    missed = started(MISSING)
    month = page.locator("table.month", has=page.get_by_text(f"{missed:%B %Y}"))
    day = month.locator("span.day", has_text=f"{missed.day} no run")
    assert day.count() == 1


def test_the_newest_night_is_first_and_several_runs_of_a_night_are_one_row(open_index):
    page = open_index(**DESK)
    rows = page.locator("table.nights tbody tr")
    assert rows.count() == NIGHTS - 1
    dates = page.eval_on_selector_all("table.nights time", "(all) => all.map((t) => t.dateTime)")
    assert dates == sorted(dates, reverse=True)
    row = page.locator(f"#night-{started(NIGHTS - 2).date()}")
    assert row.locator(".status").first.inner_text().strip() == "Failed"
    row.locator("summary").click()
    others = row.locator("li").all_inner_texts()
    assert [other[:9] for other in others] == ["05:00 UTC", "02:00 UTC"]
    assert "partial" in others[0]
    assert "synthetic data" in others[1]


def test_a_run_that_cannot_be_read_has_its_place(open_index):
    row = open_index().locator(f"#night-{started(DAMAGED).date()}")
    assert "Cannot be read" in row.inner_text()
    assert "summary.json is damaged: Invalid JSON: EOF while parsing" in row.inner_text()
    assert row.locator("a").all_inner_texts() == ["HTML", "PDF"]


def test_a_chart_says_in_words_what_it_shows(open_index):
    page = open_index()
    chart = page.locator(".trend svg")
    assert chart.get_attribute("role") == "img"
    title, text = (
        page.locator(f"[id='{i}']") for i in chart.get_attribute("aria-labelledby").split()
    )
    assert title.text_content() == "Median flux in mag"
    said = text.text_content()
    assert "nights from 28 Dec 2026 to 28 Apr 2027 have a value." in said
    assert "outside the limits, 26.00 mag." in said
    assert page.get_by_text("No night has a metric gone.metric.").count() == 1


def test_the_keyboard_reaches_every_fold(open_index):
    page = open_index(**DESK)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    fold = page.locator("details.fold > summary").first
    fold.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.fold").first.get_attribute("open") is not None


def test_a_night_leads_to_the_next_without_scripts(open_index, folder):
    page = open_index(f"nights/{started(4).date()}-next.html", java_script_enabled=False)
    page.wait_for_url(f"**/{started(5):%Y%m%dT%H%M%SZ}/report.html")
    assert page.said == []


def test_it_works_from_a_web_server_in_any_folder(open_index, folder):
    with ThreadingHTTPServer(("127.0.0.1", 0), QuietHandler.serving(folder.parent)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = open_index(at=f"http://127.0.0.1:{server.server_port}/{folder.name}")
        page.locator("table.nights a").first.click()
        assert page.locator("h1").inner_text() == f"{started(NIGHTS - 1):%Y%m%dT%H%M%SZ}"
        page.goto(
            f"http://127.0.0.1:{server.server_port}/{folder.name}/nights/"
            f"{started(NIGHTS - 1).date()}-previous.html"
        )
        page.wait_for_url(f"**/{started(NIGHTS - 2, 4):%Y%m%dT%H%M%SZ}/report.html")
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    @classmethod
    def serving(cls, folder):
        return partial(cls, directory=folder)

    def log_message(self, *_):
        pass


def entry(day, value=1.0, status="ok", unit="mag"):
    begun = datetime(2026, 9, 1, 2, tzinfo=UTC) + timedelta(days=day)
    metrics = {MEDIAN: MetricValue(value, "Median flux", unit, 1)}
    name = f"{begun:%Y%m%dT%H%M%SZ}"
    return RunEntry(name, begun, 1, status, "Said.", metrics=metrics)


def trend(runs, limits=None):
    return trend_view(MEDIAN, nights(runs), limits)


def points(view):
    return [len(line.split()) for line in view.lines]


def test_a_line_ends_where_a_night_has_no_value_or_no_run():
    values = {0: 1.0, 1: 2.0, 2: None, 3: 1.0, 4: 3.0, 5: 2.0, 7: 2.0, 8: 1.0}
    view = trend([entry(day, value) for day, value in values.items()])
    assert points(view) == [2, 3, 2]
    assert len(view.gaps) == 1


def test_nights_that_are_a_week_apart_are_joined():
    assert points(trend([entry(7 * week) for week in range(5)])) == [5]


def test_a_night_between_gaps_is_a_dot():
    view = trend([entry(0), entry(1, None), entry(2), entry(3, None), entry(4), entry(5)])
    assert points(view) == [2]
    assert len(view.dots) == 3  # two alone, and the last


def test_higher_values_are_drawn_higher_and_least_and_most_are_labelled():
    view = trend([entry(0, 1.0), entry(1, 3.0), entry(2, 2.0)])
    heights = [float(point.partition(",")[2]) for point in view.lines[0].split()]
    assert heights[0] > heights[2] > heights[1]
    assert [rule.label for rule in view.rules] == ["3.0", "1.0"]
    assert (view.value, view.unit, view.first, view.last) == (
        "2.0",
        "mag",
        "1 Sep 2026",
        "3 Sep 2026",
    )


def test_values_outside_the_limits_are_marked_and_counted():
    view = trend([entry(0, 1.0), entry(1, 5.0), entry(2, 2.0)], Limits(lower=1.5, upper=4))
    assert [dot.outside for dot in view.dots] == [True, True, False]
    assert [r.label for r in view.rules if r.kind == "limit"] == ["limit 4", "limit 1.5"]
    assert "2 nights outside the limits, 1.5 mag and 4.0 mag." in view.description


def test_a_limit_that_is_far_away_does_not_flatten_the_line():
    view = trend([entry(0, 1.0), entry(1, 2.0)], Limits(upper=1000))
    assert [rule.kind for rule in view.rules] == ["value", "value"]
    assert view.notes == ("Limit 1,000, outside the chart.",)


def test_labels_do_not_cover_each_other():
    view = trend([entry(0, 1.0), entry(1, 1.01)], Limits(lower=0.999, upper=1.011))
    heights = sorted(float(rule.label_y) for rule in view.rules)
    assert len(heights) == 4
    assert all(b - a >= 12 for a, b in pairwise(heights))


def test_values_in_another_unit_are_not_joined_with_the_newest():
    view = trend([entry(0, 1.0, unit="uJy"), entry(1, 30.0), entry(2, 31.0)])
    assert points(view) == [2]
    assert [rule.label for rule in view.rules] == ["31.0", "30.0"]
    assert view.notes == ("1 night is left out that had another unit than mag.",)


@pytest.mark.parametrize("values", [[2.0], [2.0, 2.0], [0.0, 0.0], [None], [None, None], [1e300]])
def test_few_or_equal_values_are_drawn(values):
    view = trend([entry(day, value) for day, value in enumerate(values)])
    assert "nan" not in f"{view}"
    page = render_index([entry(d, v) for d, v in enumerate(values)], REPORT, trends=[MEDIAN])
    assert b"<figure" in page


def test_months_without_a_night_are_left_out_and_years_are_newest_first():
    months = calendar_months(nights([entry(0), entry(1), entry(-300), entry(40)]))
    assert [month.name for month in months] == ["November 2025", "September 2026", "October 2026"]
    assert [len(month.nights) for month in months] == [1, 2, 1]
    assert [year.year for year in calendar_years(months)] == [2026, 2025]
    day = months[1].weeks[0][1]  # 1 September 2026 is a Tuesday
    assert (day.number, day.night.date) == (1, date(2026, 9, 1))


def test_text_of_a_record_cannot_change_the_page():
    run = RunEntry("20260901T020000Z", started(0), 1, "ok", "<script>alert(1)</script>")
    bad = REPORT.model_copy(update={"title": "<b>&", "field": '"><i>'})
    page = render_index([run], bad).decode()
    assert "<script>" not in page
    assert "<b>&" not in page
    assert "<i>" not in page

"""The page of all nights as readers meet it, and what its charts are made of."""

from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread

import pytest
from made_nights import REPORT, started
from pages import DAMAGED, GONE, METRIC, NIGHTS

from reportgen.quality.history.records import MetricValue, RunEntry
from reportgen.quality.nights import nights
from reportgen.render.index import calendar_months, render_index
from reportgen.render.trends import Limits, trend_view

DESK = {"viewport": {"width": 1400, "height": 900}}


def test_a_reader_without_colours_is_told_each_status(nights_page, open_page):
    page = open_page(nights_page, **DESK).page
    found = page.eval_on_selector_all(
        "a.day",
        "(all) => all.map((a) => [a.ariaLabel.split(': ')[1], a.className.split(' ')[1],"
        " a.querySelector('use').getAttribute('href')])",
    )
    assert len(found) == NIGHTS - 1
    missed = started(GONE)
    month = page.locator("table.month", has=page.get_by_text(f"{missed:%B %Y}"))
    assert month.locator("span.day", has_text=f"{missed.day} no run").count() == 1
    words = {"OK": "ok", "Warning": "warn", "Failed": "fail", "Error": "error"}
    words["Cannot be read"] = "error"
    assert {word for word, _, _ in found} == words.keys()
    assert all((c, sign) == (f"day-{words[w]}", f"#sign-{words[w]}") for w, c, sign in found)


def test_the_newest_night_is_first_and_several_runs_of_a_night_are_one_row(nights_page, open_page):
    page = open_page(nights_page, **DESK).page
    assert page.locator("table.nights tbody tr").count() == NIGHTS - 1
    dates = page.eval_on_selector_all("table.nights time", "(all) => all.map((t) => t.dateTime)")
    assert dates == sorted(dates, reverse=True)
    row = page.locator(f"#night-{started(NIGHTS - 2).date()}")
    assert row.locator(".status").first.inner_text().strip() == "Failed"
    row.locator("summary").click()
    others = row.locator("li").all_inner_texts()
    assert [other[:9] for other in others] == ["05:00 UTC", "02:00 UTC"]
    assert "partial" in others[0]
    assert "synthetic data" in others[1]


def test_a_run_that_cannot_be_read_has_its_place(nights_page, open_page):
    row = open_page(nights_page).page.locator(f"#night-{started(DAMAGED).date()}")
    assert "Cannot be read" in row.inner_text()
    assert "summary.json is damaged: Invalid JSON: EOF while parsing" in row.inner_text()
    assert row.locator("a").all_inner_texts() == ["HTML", "PDF"]


def test_a_chart_says_in_words_what_it_shows(nights_page, open_page):
    page = open_page(nights_page).page
    chart = page.locator(".trend svg")
    title, text = (
        page.locator(f"[id='{i}']") for i in chart.get_attribute("aria-labelledby").split()
    )
    assert title.text_content() == "Median flux in mag"
    said = text.text_content()
    assert "of 120 nights from 9 Sep 2026 to 8 Jan 2027 have a value." in said
    assert "outside the limits, 26.00 mag." in said
    assert page.get_by_text("No night has a metric gone.metric.").count() == 1


def test_the_keyboard_reaches_every_fold(nights_page, open_page):
    page = open_page(nights_page, **DESK).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("details.fold > summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.fold").first.get_attribute("open") is not None


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_a_night_leads_to_the_one_before_also_without_scripts_and_from_a_web_server(
    nights_page, open_page
):
    folder = nights_page.parent
    file = folder / f"nights/{started(6).date()}-previous.html"
    seen = open_page(file, java_script_enabled=False)
    seen.page.wait_for_url(f"**/{started(5):%Y%m%dT%H%M%SZ}/report.html")
    handler = partial(QuietHandler, directory=folder.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{folder.name}"
        page = open_page(f"{address}/nights/{started(NIGHTS - 1).date()}-previous.html").page
        page.wait_for_url(f"**/{started(NIGHTS - 2, 4):%Y%m%dT%H%M%SZ}/report.html")
        server.shutdown()


def entry(day, value=1.0, unit="mag"):
    begun = datetime(2026, 9, 1, 2, tzinfo=UTC) + timedelta(days=day)
    metrics = {METRIC: MetricValue(value, "Median flux", unit, 1)}
    return RunEntry(f"{begun:%Y%m%dT%H%M%SZ}", begun, 1, "ok", "Said.", metrics=metrics)


def trend(runs, limits=None):
    return trend_view(METRIC, nights(runs), limits)


def points(view):
    return [len(line.split()) for line in view.lines]


def test_a_line_ends_where_a_night_has_no_value_or_no_run():
    values = {0: 1.0, 1: 2.0, 2: None, 3: 1.0, 4: 3.0, 5: 2.0, 7: 2.0, 8: 1.0}
    view = trend([entry(day, value) for day, value in values.items()])
    assert points(view) == [2, 3, 2]
    assert len(view.gaps) == 1
    assert points(trend([entry(7 * week) for week in range(5)])) == [5], "one run a week"
    alone = trend([entry(0), entry(1, None), entry(2), entry(3, None), entry(4), entry(5)])
    assert (points(alone), len(alone.dots)) == ([2], 3)  # two alone, and the last


def test_higher_values_are_drawn_higher_and_least_and_most_are_labelled():
    view = trend([entry(0, 1.0), entry(1, 3.0), entry(2, 2.0)])
    heights = [float(point.partition(",")[2]) for point in view.lines[0].split()]
    assert heights[0] > heights[2] > heights[1]
    assert [rule.label for rule in view.rules] == ["3.0", "1.0"]
    assert (view.value, view.unit) == ("2.0", "mag")
    assert (view.first, view.last) == ("1 Sep 2026", "3 Sep 2026")


def test_values_outside_the_limits_are_marked_and_counted():
    view = trend([entry(0, 1.0), entry(1, 5.0), entry(2, 2.0)], Limits(lower=1.5, upper=4))
    assert [dot.outside for dot in view.dots] == [True, True, False]
    assert [r.label for r in view.rules if r.kind == "limit"] == ["limit 4", "limit 1.5"]
    assert "2 nights outside the limits, 1.5 mag and 4.0 mag." in view.description
    far = trend([entry(0, 1.0), entry(1, 2.0)], Limits(upper=1000))
    assert [rule.kind for rule in far.rules] == ["value", "value"], "else the line would be flat"
    assert far.notes == ("Limit 1,000, outside the chart.",)


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
    page = render_index([entry(d, v) for d, v in enumerate(values)], REPORT, trends=[METRIC])
    assert b"<figure" in page
    assert b"nan" not in page[page.index(b"<figure") :]


def test_months_without_a_night_are_left_out():
    months = calendar_months(nights([entry(0), entry(1), entry(-300), entry(40)]))
    assert [month.name for month in months] == ["November 2025", "September 2026", "October 2026"]
    assert [len(month.nights) for month in months] == [1, 2, 1]
    number, night = months[1].weeks[0][1]  # 1 September 2026 is a Tuesday
    assert (number, night.date.isoformat()) == (1, "2026-09-01")


def test_text_of_a_record_cannot_change_the_page():
    run = RunEntry("20260901T020000Z", started(0), 1, "ok", "<script>alert(1)</script>")
    bad = REPORT.model_copy(update={"title": "<b>&", "field": '"><i>'})
    page = render_index([run], bad).decode()
    assert not [markup for markup in ("<script>alert", "<b>&", "<i>") if markup in page]

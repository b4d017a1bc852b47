"""The page of `reportgen diff` as readers meet it."""

import pytest
from made_nights import record, started

from reportgen.quality.diff.compare import compare
from reportgen.quality.diff.sentences import sentences
from reportgen.record import (
    CheckRecord,
    ErrorRecord,
    MetricRecord,
    SectionRecord,
    with_status,
)
from reportgen.render.diff import render_diff

PHONE = {"viewport": {"width": 360, "height": 740}}
DESK = {"viewport": {"width": 1400, "height": 900}}
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


def run(night, value, text, status="ok", **metrics):
    summary = record(f"{started(night):%Y%m%dT%H%M%SZ}", started(night), value=value, unit="uJy")
    (section,) = summary.sections
    check = CheckRecord(
        id="median-max",
        kind="max",
        label="Median flux: at most 230 <µJy>",
        metric="median",
        status=status,
        message="Median flux is 248 & more.",
    )
    section = section.model_copy(
        update={
            "checks": (check,),
            "status": status,
            "metrics": {**section.metrics, **{k: MetricRecord(**m) for k, m in metrics.items()}},
        }
    )
    configuration = summary.configuration.model_copy(update={"text": text})
    changed = {"sections": (section,), "configuration": configuration}
    return summary.model_copy(update=changed)


BROKEN = SectionRecord(
    id="sky",
    analysis="sky_density",
    title="Sky density",
    status="error",
    error=ErrorRecord(kind="error", message="The column <ra> is missing\nin a file."),
)


@pytest.fixture(scope="module")
def page():
    old = {"label": "An old number of fluxes", "value": 1e-7, "unit": "mag"}
    before = run(0, 210.0, "a: 1\nlong: " + "x" * 400, size={**old}, lost=old)
    after = run(1, 248.0, "a: 2\n", "fail", size={**old, "value": 0.3}, new=old)
    after = with_status(after.model_copy(update={"sections": (*after.sections, BROKEN)}))
    changes = compare(before, after, {("fluxes", "median"): 2.0})
    return render_diff(before, after, changes, sentences(changes), "Scatter <of> 30 nights.")


@pytest.fixture
def open_page(page, tmp_path, browser):
    (tmp_path / "diff.html").write_bytes(page)
    contexts = []

    def opened(**options):
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.said, tab.requests = [], []
        tab.on("console", lambda message: tab.said.append(message.text))
        tab.on("request", lambda request: tab.requests.append(request.url))
        tab.goto((tmp_path / "diff.html").as_uri())
        return tab

    yield opened
    for context in contexts:
        context.close()


def test_it_says_what_changed_worst_first(open_page):
    tab = open_page(**DESK)
    said = tab.locator(".changes li").all_inner_texts()
    assert "Sky density: the section could not be computed" in said[0]
    assert "“Median flux: at most 230 <µJy>” failed; it was ok before." in said[1]
    assert tab.locator(".verdict").inner_text() == (
        "1 section was lost, 1 verdict became worse, 1 number moved beyond its usual scatter, "
        "2 numbers differ or are missing."
    )
    assert tab.locator("tbody tr").count() == 4
    text = tab.locator(".numbers").inner_text()
    for part in ("210.00 µJy", "248.00 µJy", "+18 %", "19 times", "moved", "gone", "new"):
        assert part in text.replace("\u00a0", " ")
    assert "Scatter <of> 30 nights." in tab.locator("main").inner_text()
    assert "+a: 2" in tab.locator("pre").inner_text()


def test_it_asks_for_nothing_but_itself(open_page):
    tab = open_page(**DESK)
    assert [url for url in tab.requests if not url.startswith("data:")] == [tab.url]
    assert tab.said == []
    assert tab.locator("script").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_axe_finds_nothing_that_keeps_a_reader_out(open_page, scheme, size):
    from axe_playwright_python.sync_playwright import Axe

    tab = open_page(color_scheme=scheme, **size)
    violations = Axe().run(tab).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in violations] == []


@pytest.mark.parametrize("width", [320, 700, 1400])
def test_nothing_makes_the_page_wider_than_the_window(open_page, width):
    whole, window = open_page(viewport={"width": width, "height": 800}).evaluate(WIDTHS)
    assert whole == window


def test_two_runs_that_are_the_same():
    one = run(0, 1.0, "")
    changes = compare(one, run(1, 1.0, ""))
    page = render_diff(one, one, changes, sentences(changes), "").decode()
    assert "Nothing changed." in page
    assert "All numbers are the same." in page


def test_templates_that_are_gone_are_those_of_reportgen(tmp_path):
    one = run(0, 1.0, "")
    configuration = one.configuration.model_copy(update={"templates": str(tmp_path / "gone")})
    changes = compare(one, one)
    gone = one.model_copy(update={"configuration": configuration})
    assert b"Nothing changed." in render_diff(one, gone, changes, (), "")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "diff.html.j2").write_text("Ours: {{ view.headline }}")
    configuration = one.configuration.model_copy(update={"templates": str(tmp_path / "own")})
    own = one.model_copy(update={"configuration": configuration})
    assert render_diff(one, own, changes, (), "") == b"Ours: Nothing changed."

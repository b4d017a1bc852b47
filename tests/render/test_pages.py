"""What holds for every page: whoever reads it, on whatever screen, and without a network."""

import re

import pytest
from axe_playwright_python.base import AXE_SCRIPT

PAGES = [
    *("report_page", "troubled_page", "nights_page", "matrix_page", "diff_page", "mail_page"),
]
DESK = {"viewport": {"width": 1400, "height": 900}}


@pytest.fixture(scope="module", params=PAGES)
def place(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def seen(place, open_once):
    """Each page, opened once, with all that is folded open."""
    found = open_once(place, device_scale_factor=2, **DESK)
    open_details(found.page)
    return found


def open_details(page):
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


SCREENS = {"desk": (1280, 900), "enlarged twice": (640, 450), "phone": (360, 740)}


def violations(page, place, screens=tuple(SCREENS)):
    """Return what axe finds on screens by day and by night."""
    # A mail is shown inside of a page that has these.
    rules = {
        name: {"enabled": place.name != "mail.html"} for name in ("region", "landmark-one-main")
    }
    # By night nothing else is new.
    schemes = {"light": {"rules": rules}, "dark": {"runOnly": ["color-contrast"]}}
    found = []
    page.evaluate(AXE_SCRIPT)
    for screen in screens:
        width, height = SCREENS[screen]
        page.set_viewport_size({"width": width, "height": height})
        for scheme, options in schemes.items():
            page.emulate_media(color_scheme=scheme)
            how = {**options, "resultTypes": ["violations"], "selectors": False}
            broken = page.evaluate("async (how) => (await axe.run(how)).violations", how)
            html = [one["nodes"][0]["html"][:200] for one in broken]
            found += [(screen, scheme, one["id"], *html) for one in broken]
    page.emulate_media(color_scheme="light")
    return found


def test_axe_finds_nothing_that_keeps_a_reader_out(place, seen):
    assert violations(seen.page, place) == []


@pytest.mark.parametrize("name", ["report_page", "diff_page"])
def test_axe_finds_nothing_without_scripts(name, open_page, request):
    place = request.getfixturevalue(name)
    page = open_page("about:blank").page  # axe itself is a script
    text = place.read_text(encoding="utf-8")
    page.set_content(re.sub("<script>.*?</script>", "", text, flags=re.DOTALL))
    open_details(page)
    assert violations(page, place, ["phone"]) == []


def test_nothing_makes_the_page_wider_than_the_window(seen):
    for width in (320, 360, 640, 700, 1000, 1400):
        seen.page.set_viewport_size({"width": width, "height": 800})
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_asks_for_nothing_but_itself_and_does_not_complain(place, seen):
    assert [url for url in seen.requests if not url.startswith("data:")] == [seen.page.url]
    assert seen.complaints == []
    scripts = {"report.html": 2, "diff.html": 2, "mail.html": 0}
    assert seen.page.locator("script").count() == scripts.get(place.name, 1)


# The only places that a page leads to on the web.
ELSEWHERE = "https://doi.org/", "https://aladin.cds.unistra.fr/", "https://proceedings.mlr.press/"


def test_every_link_leads_somewhere(place, seen):
    page = seen.page
    links = page.eval_on_selector_all("a[href]", "(all) => all.map((a) => a.getAttribute('href'))")
    ids = set(page.eval_on_selector_all("[id]", "(all) => all.map((one) => one.id)"))
    folder = place.parent.resolve()
    assert links
    for link in links:
        if link.startswith("#"):
            assert link[1:] in ids
        elif place.name == "mail.html":
            assert link.startswith("https://x.org/")
        elif not link.startswith(("../", *ELSEWHERE)):  # to other nights, and what to cite
            assert (folder / link).is_file(), link


def lightness(colour):
    """Return the mean of the channels of ``rgb(…)``, 0 to 255."""
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_the_page_is_dark_when_the_phone_is(seen, scheme, is_dark):
    seen.page.set_viewport_size({"width": 360, "height": 740})
    seen.page.emulate_media(color_scheme=scheme)
    ground, ink = seen.page.evaluate(
        """() => [getComputedStyle(document.body).backgroundColor,
            getComputedStyle(document.querySelector('h1')).color]"""
    )
    assert (lightness(ground) < 60) is is_dark
    assert (lightness(ink) > 180) is is_dark

"""A browser that is offline, and the pages that it opens; each is made once."""

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field

import pages
import pytest

from reportgen.build.matrix_index import write_matrix_index

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=program, args=options)
        yield chromium
        chromium.close()


@dataclass
class Opened:
    """A page in the browser, with what it asked for and what it complained of."""

    page: object
    requests: list = field(default_factory=list)
    complaints: list = field(default_factory=list)


@contextmanager
def pages_of(browser):
    """Give a function that opens a file or an address; options are of a browser context."""
    contexts = []

    def opened(place, **options):
        address = place if isinstance(place, str) else place.resolve().as_uri()
        context = browser.new_context(offline=address.startswith("file:"), **options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        seen = Opened(page)
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda message: seen.complaints.append(message.text))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.goto(address)
        return seen

    try:
        yield opened
    finally:
        for context in contexts:
            context.close()


@pytest.fixture
def open_page(browser):
    with pages_of(browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def open_once(browser):
    """Open pages for all tests of a file; each sets the window and the media that it needs."""
    with pages_of(browser) as opened:
        yield opened


@pytest.fixture(scope="session")
def report_page(built):
    return built.run / "report.html"


@pytest.fixture(scope="session")
def troubled(tmp_path_factory):
    return pages.make_troubled_run(tmp_path_factory.mktemp("troubled"))


@pytest.fixture(scope="session")
def troubled_page(troubled):
    return troubled / "report.html"


@pytest.fixture(scope="session")
def nights_page(tmp_path_factory):
    return pages.make_nights_page(tmp_path_factory.mktemp("nights"))


@pytest.fixture(scope="session")
def matrix(tmp_path_factory):
    return pages.make_matrix(tmp_path_factory.mktemp("matrix"))


@pytest.fixture(scope="session")
def matrix_page(matrix):
    return write_matrix_index(matrix)


@pytest.fixture(scope="session")
def diff_page(tmp_path_factory):
    return pages.make_diff_page(tmp_path_factory.mktemp("diff"))


@pytest.fixture(scope="session")
def mail_page(tmp_path_factory):
    return pages.make_mail_page(tmp_path_factory.mktemp("mail"))

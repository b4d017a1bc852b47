"""The HTML of a mail in a browser, as a phone shows it."""

import base64
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest
from axe_playwright_python.sync_playwright import Axe
from mailed_runs import MAIL, change, check, mailed_run

from reportgen.config.deliver import LinksBlock, MailBlock
from reportgen.deliver.message import Mail
from reportgen.deliver.recipients import Run
from reportgen.record import read_summary

NOW = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


@pytest.fixture
def page_of_mail(tmp_path):
    """The HTML of a mail on a bad night, its figures filled in as a mail program does."""
    run = mailed_run(tmp_path, status="fail")
    record = read_summary(run)
    section = record.sections[0]
    checks = (*section.checks, check("warn", n=3, message="A_long_word" * 30))
    change(
        run,
        sections=(section.model_copy(update={"checks": checks, "title": "Flux" * 40}),),
        run=record.run.model_copy(update={"synthetic": ("Made up for a test.",)}),
    )
    links = LinksBlock(report="https://x.org/{{ run.id }}/report.html", index="https://x.org/")
    found = (Run(run, read_summary(run)),)
    mail = Mail(MailBlock.model_validate(MAIL), found, NOW, links)
    message = message_from_bytes(mail.message(), policy=default)
    page = message.get_body(("html",)).get_content()
    for part in message.walk():
        if part.get_content_type() == "image/png":
            address = f"data:image/png;base64,{base64.b64encode(part.get_content()).decode()}"
            page = page.replace(f"cid:{part['Content-ID'].strip('<>')}", address)
    file = tmp_path / "mail.html"
    file.write_text(page, encoding="utf-8")
    return file


@pytest.fixture
def shown(browser, page_of_mail):
    """Give a function that opens the mail; options are those of a browser context."""
    contexts = []

    def opened(**options):
        context = browser.new_context(offline=True, java_script_enabled=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(page_of_mail.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()


def lightness(colour):
    """Give the mean of the channels of ``rgb(…)``, 0 to 255."""
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 800])
def test_nothing_is_wider_than_the_screen(shown, scheme, width):
    page = shown(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    (image,) = page.query_selector_all("img")
    assert image.evaluate("image => image.naturalWidth") > 300
    assert image.bounding_box()["width"] <= min(width, 600)


def test_nothing_is_fetched(shown):
    page = shown()
    assert [url for url in page.asked if not url.startswith(("file:", "data:image/png"))] == []


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_the_page_is_dark_when_the_phone_is(shown, scheme, is_dark):
    page = shown(viewport={"width": 360, "height": 800}, color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = page.evaluate("getComputedStyle(document.querySelector('.inner')).color")
    assert (lightness(ground) < 60) is is_dark
    assert (lightness(ink) > 180) is is_dark
    turned = page.evaluate("getComputedStyle(document.querySelector('.drawing')).filter")
    assert ("invert" in turned) is is_dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_mail_can_be_read_by_everybody(shown, scheme):
    page = shown(viewport={"width": 360, "height": 800}, color_scheme=scheme)
    rules = {"region": {"enabled": False}, "landmark-one-main": {"enabled": False}}
    found = Axe().run(page, options={"rules": rules})
    assert found.response["violations"] == [], found.generate_report()

"""A report of much that went wrong, with markup in all its words, is still one that people read."""

from pages import NASTY
from pypdf import PdfReader


def test_markup_is_shown_as_text_wherever_it_comes_from(troubled_page, open_page):
    seen = open_page(troubled_page)
    page = seen.page
    assert NASTY in page.locator("h1").inner_text()
    assert NASTY in page.locator("[role=note]").inner_text()
    assert "\\x07" in page.locator("[role=note]").inner_text()
    assert page.locator("main h2", has_text=NASTY).first.is_visible()
    assert page.title() != "taken"
    assert page.locator("img").count() == 0
    assert page.locator(".failure", has_text="reportgen").count() == 3


def test_what_needs_attention_stands_on_the_first_screen_and_leads_to_its_place(
    troubled_page, open_page
):
    page = open_page(troubled_page).page
    targets = {link.get_attribute("href") for link in page.locator(".attention a").all()}
    assert {"#section-none", "#section-unfilled", "#section-lost"} <= targets


def test_the_pdf_of_it_is_whole(troubled):
    reader = PdfReader(troubled / "report.pdf")
    text = "".join("".join(page.extract_text() for page in reader.pages).split())
    assert "".join(NASTY.split()) in text
    assert "there is no such file".replace(" ", "") in text
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]

import hashlib
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mailed_runs import (
    MAIL,
    budget,
    change,
    change_report,
    change_section,
    check,
    draw,
    figure,
    mailed_run,
)

from reportgen.config.deliver import LinksBlock, MailBlock
from reportgen.deliver.mail_view import MOST_HTML, Absent
from reportgen.deliver.message import Mail
from reportgen.deliver.recipients import read_runs
from reportgen.deliver.transport import RefusedError
from reportgen.errors import SectionError
from reportgen.record import DocumentRecord, ErrorRecord, read_summary

NOW = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
LINKS = LinksBlock(report="https://x.org/{{ run.id }}/report.html", index="https://x.org/")
LARGE = b"%PDF-" + b"x" * 5000


def never(folder, summary):
    raise AssertionError("nothing is to be made smaller")


def broken(folder, summary):
    raise SectionError("Pango is missing")


def made(*folders, links=LINKS, absent=(), name="", number=1, shrink=never, **keys):
    block = MailBlock.model_validate({**MAIL, **keys})
    runs = read_runs(folders)
    return Mail(block, runs, NOW, links, absent, name, number=number, shrink=shrink)


def parse(mail, limit=None):
    return message_from_bytes(mail.message(limit), policy=default)


def message(*folders, **options):
    return parse(made(*folders, **options))


def files(message):
    """Return the names of the files in a mail, and of figures."""
    return [part.get_filename() for part in message.walk() if part.get_filename()]


def html(message):
    return message.get_body(("html",)).get_content()


def text(message):
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")


class Elements(HTMLParser):
    """All start tags of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def of(self, tag):
        return [attrs for name, attrs in self.found if name == tag]


@pytest.fixture
def run(tmp_path):
    return mailed_run(tmp_path, status="fail")


def test_text_html_figures_and_pdf_are_nested_as_mail_programs_expect(run):
    mixed = message(run)
    assert mixed.get_content_type() == "multipart/mixed"
    alternative, pdf = mixed.iter_parts()
    plain, related = alternative.iter_parts()
    page, picture = related.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    assert related.get_content_type() == "multipart/related"
    assert related.get_param("type") == "text/html"
    assert [part.get_content_type() for part in (plain, page)] == ["text/plain", "text/html"]
    assert picture.get_content_disposition() == "inline"
    assert picture["Content-ID"] == f"<{Elements(html(mixed)).of('img')[0]['src'][4:]}>"
    png = run / "sections" / "fluxes" / "figures" / "histogram.png"
    assert picture.get_content() == png.read_bytes()
    assert pdf.get_content_disposition() == "attachment"
    assert (pdf.get_content_type(), pdf.get_filename()) == (
        "application/pdf",
        "cdfs-2026-09-01.pdf",
    )
    assert pdf.get_content() == (run / "report.pdf").read_bytes()
    assert made(run).message() == made(run).message()


def test_headers_tell_programs_what_the_mail_is(run):
    sender = {"from": "Jürgen Müller <reports@example.org>"}
    mail = made(run, reply_to="Jo <jo@example.org>", cc=["Boss <boss@example.org>"], **sender)
    found = parse(mail)
    expected = {
        "From": "Jürgen Müller <reports@example.org>",
        "To": "team@example.org",
        "Cc": "Boss <boss@example.org>",
        "Reply-To": "Jo <jo@example.org>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": "Deep Field <cdfs.example.org>",
    }
    assert {name: found[name] for name in expected} == expected
    assert found["Date"].datetime == NOW
    message_id = r"<20260901T020000Z\.[0-9a-f]{16}@reportgen\.example\.org>"
    assert re.fullmatch(message_id, found["Message-ID"])
    assert mail.sender == "reports@example.org"
    assert mail.recipients == ("team@example.org", "boss@example.org")


@settings(max_examples=15)
@given(title=st.text(min_size=1).filter(str.strip))
@example("COSMOS – 24 μm: fluxes, Süd")
@example('(The) "deep" field <x>; c')
@example("…")
@example("\x1f\x1f\x1b")
def test_no_title_can_bring_in_a_header(tmp_path_factory, title):
    run = mailed_run(tmp_path_factory.mktemp("run"))
    change_report(run, title=f"{title}\r\nBcc: victim@example.org\r\n\r\n<script>{title}")
    raw = made(run, subject="{{ report.title }}").message()
    found = message_from_bytes(raw, policy=default)
    assert found["Bcc"] is None
    assert found.keys().count("Subject") == 1
    assert not [defect for part in found.walk() for defect in part.defects]
    assert b"\r\nBcc" not in raw.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert not Elements(html(found)).of("script")
    line = re.search(rb"\r\nList-Id:(.*?)\r\n(?! )", raw, re.DOTALL)[1].decode("ascii")
    assert line.endswith("<cdfs.example.org>")
    assert '"' not in line
    assert line.count("<") == line.count(">") == 1


def test_the_text_has_all_that_the_html_has(run):
    change(run, checks=(budget(),))
    found = message(run)
    said = text(found)
    for line in (
        "✗ FAIL",
        "Median flux is 118 mag, above the limit of 110 mag.",
        "Full report: https://x.org/20260901T020000Z/report.html",
        "SINCE THE LAST NIGHT, 31 AUGUST 2026",
        "· Median flux moved from 100 to 118 mag.",
        "✗ FAIL  median 24 μm flux: 118.0 mag (before: 100.0)",
        "Fluxes. Histogram. Histogram: most values lie between 1 and 2 mag.",
        "    Half of the galaxies are fainter than 118 mag.",
    ):
        assert line in said
    assert f"Budgets: {budget().message}" in " ".join(said.split())
    assert budget().message in html(found)
    assert max(len(line) for line in said.splitlines() if " " in line.strip()) <= 80
    page = Elements(html(message(run, links=None)))
    assert not [tag for tag, _ in page.found if tag in {"a", "script", "svg", "link", "iframe"}]


def many_checks(run):
    long = "A very long sentence on what is wrong with it. " * 40
    checks = tuple(check("fail", n=n, message=f"{n}: {long}") for n in range(300))
    change_section(run, checks=checks, title="T" * 500)
    return {}


def many_figures(run):
    (first,) = read_summary(run).sections
    sections = []
    for n in range(120):
        draw(run, f"s{n}", "histogram")
        figures = (figure(f"s{n}", "histogram", title="A histogram of much. " * 9),)
        sections.append(first.model_copy(update={"id": f"s{n}", "figures": figures}))
    change(run, sections=tuple(sections))
    return {"figures": 120}


@pytest.mark.parametrize("swell", [many_checks, many_figures])
def test_the_html_stays_small_and_says_what_it_leaves_out(run, swell):
    found = message(run, **swell(run))
    page = html(found)
    assert len(page.encode()) < MOST_HTML
    assert re.search(r"\d+ more <a [^>]*>in the report</a>", page)
    shown = [attrs["src"].removeprefix("cid:") for attrs in Elements(page).of("img")]
    carried = [part["Content-ID"].strip("<>") for part in found.walk() if part["Content-ID"]]
    assert shown == carried  # and none that programs would list as a file
    assert 0 < len(shown) < 120
    said = text(found)
    assert swell is not many_checks or all(f"{n}: A very" in said for n in range(300))


def test_links_and_subjects_that_cannot_be_made_do_not_stop_the_mail(run):
    mail = made(run, links=LinksBlock(report="{{ sections[9].id }}"), subject="{{ sections[9] }}")
    found = parse(mail)
    said = "deliver.links.report: the template '{{ sections[9].id }}' cannot be"
    assert said in text(found)
    assert found["Subject"].startswith("[cdfs] FAIL")
    subject, link = sorted(mail.problems, reverse=True)
    assert subject.startswith("deliver.mail.subject: ")
    assert link.startswith(said)


def test_templates_of_the_user_that_fail_do_not_stop_the_mail(run, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    configuration = read_summary(run).configuration
    change(run, configuration=configuration.model_copy(update={"templates": str(own)}))
    for content, said in ((b"{{ reports[0].nothing }}", "mail.txt.j2:1"), (b"\xff", str(own))):
        (own / "mail.txt.j2").write_bytes(content)
        mail = made(run)
        assert "✗ FAIL" in text(parse(mail))
        (problem,) = mail.problems
        assert said in problem
    (own / "mail.txt.j2").write_text("Our own words on {{ reports[0].night }}")
    assert text(message(run)).strip() == "Our own words on 2026-09-01"


def test_a_pdf_over_the_limit_is_made_smaller(tmp_path):
    run = mailed_run(tmp_path, pdf=LARGE)
    found = message(run, most_attached=1000, shrink=lambda folder, summary: b"%PDF-small")
    (pdf,) = found.iter_attachments()
    assert pdf.get_content() == b"%PDF-small"
    assert "with smaller images" in text(found)


@pytest.mark.parametrize(
    ("shrink", "links"), [(broken, None), (lambda folder, summary: LARGE[:2000], LINKS)]
)
def test_a_pdf_that_stays_too_large_is_linked_with_its_checksum(tmp_path, shrink, links):
    run = mailed_run(tmp_path, pdf=LARGE)
    found = message(run, links=links, most_attached=1000, shrink=shrink)
    assert not [name for name in files(found) if name.endswith(".pdf")]
    place = "https://x.org/20260901T020000Z/report.pdf" if links else f"{run}/report.pdf"
    for said in (text(found), html(found)):
        assert hashlib.sha256(LARGE).hexdigest() in said
        assert place in said


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            DocumentRecord(file="gone.pdf"),
            "The PDF could not be read: it is not there, or no file.",
        ),
        (DocumentRecord(file="summary.json"), "The PDF could not be read: it is none."),
        (
            DocumentRecord(error=ErrorRecord(kind="error", message="Pango is missing.")),
            "The PDF could not be made: Pango is missing.",
        ),
        (None, ""),
    ],
)
def test_a_pdf_that_is_not_there_is_said_unless_none_was_wanted(run, document, said):
    change(run, documents={"pdf": document} if document else {})
    found = message(run)
    assert said in text(found)
    assert ("PDF" in text(found)) is bool(said)
    assert files(found) == ["fluxes-histogram.png"]


def test_a_server_that_takes_little_gets_less(tmp_path):
    run = mailed_run(tmp_path, pdf=b"%PDF-" + b"x" * 90_000)
    mail = made(run, shrink=lambda folder, summary: b"%PDF-" + b"y" * 30_000)
    pdf, png = "cdfs-2026-09-01.pdf", "fluxes-histogram.png"
    sizes = []
    for limit, carried in (
        (None, [png, pdf]),
        (100_000, [png, pdf]),
        (50_000, [png]),
        (25_000, []),
    ):
        content = mail.message(limit)
        sizes.append(len(content))
        assert limit is None or len(content) <= limit
        assert files(message_from_bytes(content, policy=default)) == carried
    assert sizes == sorted(set(sizes), reverse=True)
    with pytest.raises(RefusedError, match="the smallest mail of this report has"):
        mail.message(1000)


def test_figures_are_of_what_needs_attention_and_not_of_what_is_fine(run):
    (fluxes,) = read_summary(run).sections
    good = fluxes.model_copy(update={"status": "ok", "checks": ()})
    others = []
    for name in ("sky", "sizes", "colours", "hosts"):
        draw(run, name, "plot", image=name == "sky")
        updates = {"id": name, "figures": (figure(name, "plot"),)}
        others.append(good.model_copy(update=updates))
    warned = others[2].model_copy(update={"status": "warn", "checks": (check("warn"),)})
    change(run, sections=(*others[:2], warned, others[3], fluxes), documents={})
    found = message(run)
    assert files(found) == ["fluxes-histogram.png", "colours-plot.png"]
    assert "3 more in the report." in text(found)
    assert "3 more " in html(found)
    few = message(run, figures=1)
    assert (files(few), "4 more in the report." in text(few)) == (["fluxes-histogram.png"], True)
    named = message(run, figures=["fluxes", "sky", "colours"])
    images = Elements(html(named)).of("img")
    assert [attrs["class"] for attrs in images] == ["picture drawing", "picture", "picture drawing"]
    assert images[0]["alt"] == "Histogram: most values lie between 1 and 2 mag."
    chosen = message(run, figures=["hosts.plot", "sizes", "nothing"])
    assert files(chosen) == ["hosts-plot.png", "sizes-plot.png"]
    assert "The figure nothing is not in this report" in text(chosen)
    assert files(message(run, figures=0)) == []
    change(run, sections=tuple(others), since=())
    said = "The report has 4 figures, none of anything that needs attention or moved."
    assert (files(quiet := message(run)), said in html(quiet)) == ([], True)
    assert said in " ".join(text(quiet).split())


def test_a_digest_tells_of_all_reports_the_worst_first(tmp_path):
    good = mailed_run(tmp_path / "a", pdf=b"%PDF-" + b"a" * 600)
    bad = mailed_run(tmp_path / "b", status="fail", pdf=b"%PDF-" + b"b" * 600)
    for run, name in ((good, "elais"), (bad, "cdfs")):
        change_report(run, id=name, title=f"Field {name}")
    found = message(
        good,
        bad,
        name="Felder Süd\n",
        absent=(Absent("xmm", "The catalogue is missing."),),
        most_attached=1000,
        shrink=lambda folder, summary: b"%PDF-" + b"c" * 700,
        to={"ok": ["ok@example.org"], "fail": ["fail@example.org"], "error": ["e@example.org"]},
    )
    assert found["Subject"] == (
        "[Felder-S-d] ERROR 1 of 3 reports not made · cdfs: FAIL 1 of 2 checks · 2026-09-01"
    )
    assert found["To"] == "ok@example.org, fail@example.org, e@example.org"
    assert found["List-Id"] == "Felder Süd <Felder-S-d.example.org>"
    assert found["References"] == "<Felder-S-d.nights@reportgen.Felder-S-d.example.org>"
    for said in (text(found), html(found)):
        assert said.index("xmm") < said.index("Field cdfs") < said.index("Field elais")
    assert files(found)[2:] == ["cdfs-2026-09-01.pdf"]
    assert "too large to attach" in text(found)
    assert len({attrs["src"] for attrs in Elements(html(found)).of("img")}) == 2


def test_a_digest_of_many_reports_stays_small_shows_the_worst_and_says_what_it_leaves_out(tmp_path):
    runs = [mailed_run(tmp_path / str(n)) for n in range(45)]
    runs.append(mailed_run(tmp_path / "last", status="fail"))
    change_report(runs[-1], id="bad", title="Bad field")
    absent = tuple(Absent(f"field-{n}", "The catalogue is missing. " * 20) for n in range(100))
    found = message(*runs, name="fields", absent=absent)
    page = html(found)
    assert len(page.encode()) < MOST_HTML
    assert "more reports could not be made" in page
    assert "more reports are in the text of this mail" in page
    assert "Bad field" in page
    said = text(found)
    assert all(f"No report: field-{n}\n" in said for n in range(100))
    assert said.count("✓ OK\n") == 45


def test_a_notice_says_that_there_is_no_report():
    absent = (Absent("cdfs", "The disk is full. → free some space"),)
    to = {"ok": ["a@x.org"], "error": ["b@x.org"]}
    found = message(absent=absent, name="cdfs", to=to)
    assert found["Subject"] == "[cdfs] ERROR no report · 2026-11-23"
    assert found["To"] == "b@x.org"
    assert "■ No report: cdfs\nThe disk is full. → free some space" in text(found)
    assert "The disk is full." in html(found)

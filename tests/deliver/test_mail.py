import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from told_runs import MAIL, budget, change, change_section, check, draw, figure, told_run

from reportgen.config.deliver import LinksBlock, MailBlock
from reportgen.deliver.composing import Composer
from reportgen.deliver.contents import Absent
from reportgen.deliver.errors import RefusedError
from reportgen.deliver.letter import MOST_HTML
from reportgen.deliver.ordering import Stamp, Wish, order_mail, order_notice
from reportgen.deliver.runs import Run
from reportgen.errors import SectionError
from reportgen.summary import DocumentRecord, ErrorRecord, read_summary

NOW = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
LINKS = LinksBlock(report="https://x.org/{{ run.id }}/report.html", index="https://x.org/")


def block(**keys):
    return MailBlock.model_validate({**MAIL, **keys})


def never(folder, summary):
    raise AssertionError("nothing is to be made smaller")


def composer(*runs, links=LINKS, wish=None, number=1, shrink=never, **keys):
    found = tuple(Run(run, read_summary(run)) for run in runs)
    order = order_mail(found, links, block(**keys), wish or Wish(), Stamp(NOW, number))
    return Composer(order, shrink)


def mail(*runs, limit=None, **options):
    return message_from_bytes(composer(*runs, **options).message(limit), policy=default)


def parts(message):
    return [
        (part.get_content_type(), part.get_filename())
        for part in message.walk()
        if not part.is_multipart()
    ]


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
    return told_run(tmp_path, status="fail")


def test_the_parts_are_nested_as_mail_programs_expect(run):
    message = mail(run)
    assert message.get_content_type() == "multipart/mixed"
    related, pdf = message.iter_parts()
    assert related.get_content_type() == "multipart/related"
    assert related.get_param("type") == "multipart/alternative"
    alternative, picture = related.iter_parts()
    assert [part.get_content_type() for part in alternative.iter_parts()] == [
        "text/plain",
        "text/html",
    ]
    assert picture.get_content_disposition() == "inline"
    assert pdf.get_content_disposition() == "attachment"
    assert (pdf.get_content_type(), pdf.get_filename()) == (
        "application/pdf",
        "cdfs-2026-09-01.pdf",
    )
    assert pdf.get_content() == (run / "report.pdf").read_bytes()


def test_a_budget_of_the_report_that_is_exceeded_is_in_the_mail(tmp_path):
    run = told_run(tmp_path)
    change(run, checks=(budget(),))
    message = mail(run)
    assert "WARN 1 of 3 checks · Size of report.pdf: at most 10 MB" in message["Subject"]
    said = budget().message
    assert said in html(message)
    (plain,) = [part for part in message.walk() if part.get_content_type() == "text/plain"]
    assert f"Budgets: {said}" in " ".join(plain.get_content().split())


def test_pictures_are_found_by_their_content_id(run):
    message = mail(run)
    (picture,) = [part for part in message.walk() if part.get_content_type() == "image/png"]
    (image,) = Elements(html(message)).of("img")
    assert image["src"] == f"cid:{picture['Content-ID'].strip('<>')}"
    assert image["alt"] == "Histogram: most values lie between 1 and 2 mag."
    png = run / "sections" / "fluxes" / "figures" / "histogram.png"
    assert picture.get_content() == png.read_bytes()


def test_headers_tell_programs_what_the_mail_is(run):
    message = mail(run, reply_to="Jo <jo@example.org>", cc=["Boss <boss@example.org>"])
    assert message["From"] == "CDFS reports <reports@example.org>"
    assert message["To"] == "team@example.org"
    assert message["Cc"] == "Boss <boss@example.org>"
    assert message["Reply-To"] == "Jo <jo@example.org>"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["List-Id"] == "Deep Field <cdfs.example.org>"
    assert re.fullmatch(
        r"<20260901T020000Z\.[0-9a-f]{16}@reportgen\.example\.org>", message["Message-ID"]
    )


def test_mails_of_a_report_are_one_thread_and_each_has_an_id(tmp_path):
    messages = [mail(told_run(tmp_path, night=night)) for night in range(2)]
    again = mail(tmp_path / "20260902T020000Z", number=2)
    ids = {message["Message-ID"] for message in (*messages, again)}
    assert len(ids) == 3
    (thread,) = {message["References"] for message in (*messages, again)}
    assert thread == messages[0]["In-Reply-To"]
    assert thread not in ids


def test_the_same_run_gives_the_same_bytes(run):
    assert composer(run).message(None) == composer(run).message(None)


def test_names_and_subjects_beyond_ascii_arrive(tmp_path):
    run = told_run(tmp_path)
    change(run, report=read_summary(run).report.model_copy(update={"title": "Überblick 深宇宙"}))
    message = mail(
        run,
        **{"from": "Jürgen Müller <j@example.org>"},
        to=["Zoë <zoe@bücher.example>"],
        subject="{{ report.title }} · 24 μm",
    )
    assert message["From"].addresses[0].display_name == "Jürgen Müller"
    assert message["To"].addresses[0] == Address("Zoë", "zoe", "xn--bcher-kva.example")
    assert message["Subject"] == "Überblick 深宇宙 · 24 μm"
    assert message["List-Id"].startswith("Überblick 深宇宙 <cdfs.")


@settings(max_examples=40)
@given(title=st.text(min_size=1).filter(str.strip))
def test_no_title_can_bring_in_a_header(tmp_path_factory, title):
    run = told_run(tmp_path_factory.mktemp("run"))
    evil = f"{title}\r\nBcc: victim@example.org\r\n\r\n<script>{title}"
    record = read_summary(run)
    change(run, report=record.report.model_copy(update={"title": evil}))
    raw = composer(run, subject="{{ report.title }}").message(None)
    message = message_from_bytes(raw, policy=default)
    assert message["Bcc"] is None
    assert [name for name, _ in message.items()].count("Subject") == 1
    assert not [defect for part in message.walk() for defect in part.defects]
    head = raw.partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc" not in head
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert not Elements(html(message)).of("script")


def test_the_html_needs_nothing_from_anywhere(run):
    page = html(mail(run))
    elements = Elements(page)
    assert not [tag for tag, _ in elements.found if tag in {"script", "svg", "link", "iframe"}]
    assert "data:" not in page
    assert "@import" not in page
    assert "url(" not in page
    sources = [attrs["src"] for _, attrs in elements.found if "src" in attrs]
    assert all(source.startswith("cid:") for source in sources)
    assert [attrs["href"] for attrs in elements.of("a")]
    assert all(attrs["href"].startswith("https://x.org/") for attrs in elements.of("a"))
    assert not [attrs for _, attrs in elements.found if any(key.startswith("on") for key in attrs)]


def test_styles_stand_at_the_elements_and_the_dark_ones_in_the_head(run):
    page = html(mail(run))
    assert re.search(r'class="mark fail" style="[^"]*color: #a3211b', page)
    assert page.count("<style") == 1
    assert "prefers-color-scheme: dark" in page


def test_the_html_stays_small_however_much_is_wrong(tmp_path):
    run = told_run(tmp_path, status="fail")
    long = "A very long sentence on what is wrong with it. " * 40
    checks = tuple(check("fail", n=n, message=f"{n}: {long}") for n in range(500))
    change_section(run, checks=checks, title="T" * 500)
    message = mail(run)
    page = html(message)
    assert len(page.encode()) < MOST_HTML
    assert re.search(r"\d+ more <a [^>]*>in the report</a>", page)
    said = text(message)
    assert all(f"{n}: A very" in said for n in range(500))


def test_the_html_stays_small_however_many_figures_are_wanted(tmp_path):
    run = told_run(tmp_path)
    (first,) = read_summary(run).sections
    sections = []
    for n in range(120):
        draw(run, f"s{n}", "histogram")
        figures = (figure(f"s{n}", "histogram", title="A histogram of much. " * 9),)
        sections.append(first.model_copy(update={"id": f"s{n}", "figures": figures}))
    change(run, sections=tuple(sections))
    message = mail(run, figures=120)
    page = html(message)
    assert len(page.encode()) < MOST_HTML
    shown = [attrs["src"].removeprefix("cid:") for attrs in Elements(page).of("img")]
    carried = [part["Content-ID"].strip("<>") for part in message.walk() if part["Content-ID"]]
    assert shown == carried  # and none that programs would list as a file
    assert 0 < len(shown) < 120
    assert f"{120 - len(shown)} more <a" in page


def test_of_what_changed_the_html_has_what_matters_and_the_text_has_all(tmp_path):
    run = told_run(tmp_path)
    (since,) = read_summary(run).since
    changes = tuple(since.changes[0].model_copy(update={"text": f"Change {n}."}) for n in range(15))
    change(run, since=(since.model_copy(update={"changes": changes}),))
    message = mail(run)
    page = re.sub(r"<[^>]+>", "", html(message))
    assert [int(n) for n in re.findall(r"Change (\d+)", page)] == list(range(6))
    assert "9 more in the report." in page
    assert [int(n) for n in re.findall(r"Change (\d+)", text(message))] == list(range(15))


def test_a_number_says_of_what_it_is(tmp_path):
    run = told_run(tmp_path)
    (section,) = read_summary(run).sections
    metrics = {"median": section.metrics["median"].model_copy(update={"label": "median"})}
    change_section(run, metrics=metrics, title="Stellarity")
    message = mail(run)
    assert "Stellarity: median" in html(message)
    assert "✓ OK  Stellarity: median: 118.0 mag (before: 100.0)" in text(message)


def test_the_text_has_all_that_the_html_has(run):
    said = text(mail(run))
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
    assert max(len(line) for line in said.splitlines() if " " in line.strip()) <= 80
    assert "\n\n\n" not in said


def test_an_ampersand_stays_one_in_the_text_and_is_escaped_in_the_html(tmp_path):
    run = told_run(tmp_path, status="fail")
    change_section(run, title="<b>Bold & fast</b>")
    message = mail(run)
    assert "<b>Bold & fast</b>" in text(message)
    assert "&lt;b&gt;Bold &amp; fast&lt;/b&gt;" in html(message)


def test_without_links_there_is_no_link(run):
    message = mail(run, links=None)
    assert not Elements(html(message)).of("a")
    assert "http" not in text(message)


def test_a_link_that_cannot_be_made_is_said_in_the_mail(run):
    made = composer(run, links=LinksBlock(report="{{ run.nothing }}"))
    said = text(message_from_bytes(made.message(None), policy=default))
    assert "deliver.links.report: the template '{{ run.nothing }}' cannot be" in said
    assert len(made.problems) == 1


def test_a_subject_that_cannot_be_made_does_not_stop_the_mail(run):
    made = composer(run, subject="{{ report.nothing }}")
    message = message_from_bytes(made.message(None), policy=default)
    assert message["Subject"].startswith("[cdfs] FAIL")
    (problem,) = made.problems.values()
    assert problem.message.startswith("deliver.mail.subject: ")


def test_templates_of_the_user_that_fail_do_not_stop_the_mail(run, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "mail.txt.j2").write_text("{{ reports[0].nothing }}")
    configuration = read_summary(run).configuration
    change(run, configuration=configuration.model_copy(update={"templates": str(own)}))
    made = composer(run)
    assert "✗ FAIL" in text(message_from_bytes(made.message(None), policy=default))
    (problem,) = made.problems.values()
    assert "mail.txt.j2:1" in problem.message
    (own / "mail.txt.j2").write_text("Our own words on {{ reports[0].night }}")
    assert text(mail(run)).strip() == "Our own words on 2026-09-01"


def test_a_pdf_over_the_limit_is_made_smaller(tmp_path):
    run = told_run(tmp_path, pdf=b"%PDF-" + b"x" * 5000)
    message = mail(run, most_attached=1000, shrink=lambda folder, summary: b"%PDF-small")
    (pdf,) = [part for part in message.iter_attachments() if part.get_filename()]
    assert pdf.get_content() == b"%PDF-small"
    assert "with smaller images" in text(message)


def test_a_pdf_that_cannot_be_small_enough_is_linked_with_its_checksum(tmp_path):
    import hashlib

    whole = b"%PDF-" + b"x" * 5000
    run = told_run(tmp_path, pdf=whole)
    message = mail(run, most_attached=1000, shrink=lambda folder, summary: whole[:2000])
    assert "application/pdf" not in {kind for kind, _ in parts(message)}
    for said in (text(message), html(message)):
        assert hashlib.sha256(whole).hexdigest() in said
        assert "https://x.org/20260901T020000Z/report.pdf" in said


def test_a_pdf_that_cannot_be_made_smaller_is_linked(tmp_path):
    def broken(folder, summary):
        raise SectionError("Pango is missing")

    run = told_run(tmp_path, pdf=b"%PDF-" + b"x" * 5000)
    said = text(mail(run, links=None, most_attached=1000, shrink=broken))
    assert f"is too large to attach:\n{run}/report.pdf" in said


def test_a_pdf_that_is_not_there_is_said(run):
    (run / "report.pdf").unlink()
    assert "The PDF could not be read: it is not there, or no file." in text(mail(run))
    error = ErrorRecord(kind="error", message="Pango is missing.")
    change(run, documents={"pdf": DocumentRecord(error=error)})
    assert "The PDF could not be made: Pango is missing." in text(mail(run))


def test_a_report_without_pdf_says_nothing_of_one(run):
    change(run, documents={"html": DocumentRecord(file="report.html")})
    assert "PDF" not in text(mail(run))
    assert "application/pdf" not in dict(parts(mail(run)))


def test_a_server_that_takes_little_gets_less(tmp_path):
    run = told_run(tmp_path, pdf=b"%PDF-" + b"x" * 90_000)
    made = composer(run, shrink=lambda folder, summary: b"%PDF-" + b"y" * 30_000)
    sizes = {}
    for limit in (None, 100_000, 50_000, 25_000):
        content = made.message(limit)
        sizes[limit] = len(content)
        assert limit is None or len(content) <= limit
        kinds = dict(parts(message_from_bytes(content, policy=default)))
        assert ("application/pdf" in kinds) == (limit in {None, 100_000})
        assert ("image/png" in kinds) == (limit != 25_000)
    assert len(set(sizes.values())) == 4
    with pytest.raises(RefusedError, match="the smallest mail of this report has"):
        made.message(1000)


def test_figures_of_what_needs_attention_come_first(tmp_path):
    run = told_run(tmp_path, status="fail")
    record = read_summary(run)
    others = []
    for name in ("sky", "sizes", "colours", "hosts"):
        draw(run, name, "plot", image=name == "sky")
        others.append(
            record.sections[0].model_copy(
                update={
                    "id": name,
                    "status": "ok",
                    "checks": (),
                    "figures": (figure(name, "plot"),),
                }
            )
        )
    change(run, sections=(*others, record.sections[0]))
    message = mail(run)
    assert [name for kind, name in parts(message) if kind == "image/png"] == [
        "fluxes-histogram.png",
        "sky-plot.png",
        "sizes-plot.png",
    ]
    classes = [attrs["class"] for attrs in Elements(html(message)).of("img")]
    assert classes == ["picture drawing", "picture", "picture drawing"]
    chosen = mail(run, figures=["hosts.plot", "sizes", "nothing"])
    assert [name for kind, name in parts(chosen) if kind == "image/png"] == [
        "hosts-plot.png",
        "sizes-plot.png",
    ]
    assert "The figure nothing is not in this report" in text(chosen)
    assert "image/png" not in dict(parts(mail(run, figures=0)))


@pytest.mark.parametrize("damage", ["missing", "no png", "empty"])
def test_a_damaged_figure_does_not_stop_the_mail(run, damage):
    png = run / "sections" / "fluxes" / "figures" / "histogram.png"
    png.unlink()
    if damage != "missing":
        png.write_bytes(b"GIF89a" * 10 if damage == "no png" else b"")
    assert "image/png" not in dict(parts(mail(run)))


def test_a_digest_tells_of_all_reports_the_worst_first(tmp_path):
    good = told_run(tmp_path / "a", pdf=b"%PDF-" + b"a" * 600)
    bad = told_run(tmp_path / "b", status="fail", pdf=b"%PDF-" + b"b" * 600)
    for run, name in ((good, "elais"), (bad, "cdfs")):
        record = read_summary(run).report.model_copy(update={"id": name, "title": f"Field {name}"})
        change(run, report=record)
    message = mail(
        good,
        bad,
        wish=Wish(name="fields", absent=(Absent("xmm", "The catalogue is missing."),)),
        most_attached=1000,
        shrink=lambda folder, summary: b"%PDF-" + b"c" * 700,
        to={"ok": ["ok@example.org"], "fail": ["fail@example.org"], "error": ["e@example.org"]},
    )
    assert message["Subject"] == (
        "[fields] ERROR 1 of 3 reports not made · cdfs: FAIL 1 of 2 checks · 2026-09-01"
    )
    assert message["To"] == "ok@example.org, fail@example.org, e@example.org"
    assert message["List-Id"] == "fields <fields.example.org>"
    said = text(message)
    assert said.index("No report: xmm") < said.index("Field cdfs") < said.index("Field elais")
    page = html(message)
    assert page.index("xmm") < page.index("Field cdfs") < page.index("Field elais")
    names = [name for kind, name in parts(message) if kind == "application/pdf"]
    assert names == ["cdfs-2026-09-01.pdf"]
    assert "too large to attach" in said
    ids = [attrs["src"] for attrs in Elements(html(message)).of("img")]
    assert len(set(ids)) == 2


def test_two_runs_of_a_night_have_pdfs_of_two_names(tmp_path):
    first, second = told_run(tmp_path / "a"), told_run(tmp_path / "b")
    record = read_summary(second).run
    change(second, run=record.model_copy(update={"id": "20260901T050000Z"}))
    message = mail(first, second)
    pdfs = [name for kind, name in parts(message) if kind == "application/pdf"]
    assert pdfs == ["cdfs-2026-09-01.pdf", "cdfs-20260901T050000Z.pdf"]
    assert all(f"The PDF is attached: {name}, " in text(message) for name in pdfs)


def test_the_report_that_failed_is_among_those_that_a_long_digest_shows(tmp_path):
    runs = [told_run(tmp_path / str(n), status="ok") for n in range(45)]
    runs.append(told_run(tmp_path / "last", status="fail"))
    record = read_summary(runs[-1]).report
    change(runs[-1], report=record.model_copy(update={"id": "bad", "title": "Bad field"}))
    page = html(mail(*runs))
    assert "more reports are in the text of this mail" in page
    assert "Bad field" in page


def test_a_notice_says_that_there_is_no_report():
    said = [Absent("cdfs", "The disk is full. → free some space")]
    order = order_notice(
        block(to={"ok": ["a@x.org"], "error": ["b@x.org"]}), "cdfs", "T", said, NOW
    )
    message = message_from_bytes(Composer(order, never).message(None), policy=default)
    assert message["Subject"] == "[cdfs] ERROR no report · 2026-11-23"
    assert message["To"] == "b@x.org"
    assert "■ No report: cdfs\nThe disk is full. → free some space" in text(message)
    assert "The disk is full." in html(message)


@pytest.mark.parametrize(
    ("status", "to"),
    [("ok", ["a@x.org"]), ("warn", ["a@x.org"]), ("fail", ["b@x.org"]), ("error", ["b@x.org"])],
)
def test_a_verdict_that_names_nobody_has_the_recipients_of_the_next_better_one(status, to):
    assert list(block(to={"ok": ["a@x.org"], "fail": ["b@x.org"]}).recipients(status)) == to


def test_those_who_are_told_of_failures_only_are_not_told_of_good_nights():
    only = block(to={"fail": ["b@x.org"]})
    assert only.recipients("warn") == ()
    assert only.recipients("error") == ("b@x.org",)


@pytest.mark.parametrize("many", [20, 60])
def test_a_digest_of_many_reports_stays_small_and_says_what_it_leaves_out(tmp_path, many):
    runs = [told_run(tmp_path / str(n), status="fail") for n in range(many)]
    absent = tuple(Absent(f"field-{n}", "The catalogue is missing. " * 20) for n in range(100))
    message = mail(*runs, wish=Wish(name="fields", absent=absent))
    page = html(message)
    assert len(page.encode()) < MOST_HTML
    assert "more reports could not be made" in page
    assert "more reports are in the text of this mail" in page
    said = text(message)
    assert all(f"No report: field-{n}\n" in said for n in range(100))
    assert said.count("✗ FAIL\n") == many


def test_long_words_of_figures_do_not_make_the_page_large(tmp_path):
    run = told_run(tmp_path)
    updates = {"alt": "a" * 50_000, "caption": "b" * 50_000}
    long = figure("fluxes", "histogram").model_copy(update=updates)
    change_section(run, figures=(long,))
    assert len(html(mail(run)).encode()) < MOST_HTML


@pytest.mark.parametrize(
    "title", ["Nord, Süd", "COSMOS – 24 μm: fluxes", 'The "deep" field <x>', "(a) b; c", "…"]
)
def test_the_list_id_is_one_whatever_the_title(tmp_path, title):
    run = told_run(tmp_path)
    change(run, report=read_summary(run).report.model_copy(update={"title": title}))
    raw = composer(run).message(None)
    line = re.search(rb"\r\nList-Id: (.*?)\r\n(?! )", raw, re.DOTALL)[1].decode("ascii")
    assert line.endswith("<cdfs.example.org>")
    assert '"' not in line
    assert line.count("<") == line.count(">") == 1


def test_the_name_of_a_digest_makes_right_headers(tmp_path):
    runs = [told_run(tmp_path / name) for name in "ab"]
    message = mail(*runs, wish=Wish(name="Felder Süd (neu)\nx"))
    name = "Felder-S-d-neu-x"
    assert message["References"] == f"<{name}.nights@reportgen.{name}.example.org>"
    assert message["List-Id"].endswith("<Felder-S-d-neu-x.example.org>")

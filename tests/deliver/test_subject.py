import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_nights import record, started
from mailed_runs import budget, check, checked

from reportgen.config.deliver import LinksBlock
from reportgen.deliver.subject import (
    LONGEST_HIGHLIGHT,
    LONGEST_SUBJECT,
    digest_subject,
    fill_template,
    highlight,
    links_of,
    subject_of,
    verdict_words,
)
from reportgen.deliver.transport import DeliveryError, one_line
from reportgen.record import DocumentRecord, ErrorRecord, InputRecord, PastRecord, with_status

RUN = "20260901T020000Z"
BOXES = {"pdf": DocumentRecord(file="report.pdf", notices=("The PDF has empty boxes in “銀”.",))}
NO_PDF = {"pdf": DocumentRecord(error=ErrorRecord(kind="error", message="Pango is missing."))}


def summary(status="ok", **updates):
    return with_status(checked(record(RUN, started(0)), status).model_copy(update=updates))


def with_section(status="fail", **updates):
    base = summary(status)
    return summary(status, sections=(base.sections[0].model_copy(update=updates),))


def with_metric(**updates):
    metric = summary("fail").sections[0].metrics["median"].model_copy(update=updates)
    return with_section(metrics={"median": metric})


def with_report(**updates):
    return summary(report=summary().report.model_copy(update=updates))


def with_check(**updates):
    return with_section(checks=(check("fail").model_copy(update=updates),))


def of_two_sections():
    first = summary("fail").sections[0]
    return summary(sections=(first, first.model_copy(update={"id": "twin", "title": "Twin"})))


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (summary("ok"), "OK 2 checks"),
        (summary("warn"), "WARN 1 of 2 checks"),
        (summary("fail"), "FAIL 1 of 2 checks"),
        (record(RUN, started(0)), "OK 1 section"),
        (record(RUN, started(0), "error"), "ERROR 1 of 1 section"),
        (summary(checks=(budget(),)), "WARN 1 of 3 checks"),
        (summary(checks=(budget("error"),)), "WARN 1 of 3 checks"),
        (summary(documents=NO_PDF), "ERROR no PDF"),
        (summary(documents=BOXES), "WARN characters missing in the PDF"),
        (summary("fail", documents=BOXES), "FAIL 1 of 2 checks"),
        (summary(inputs=(InputRecord(path="a.h5", error="gone"),)), "ERROR 1 source unreadable"),
    ],
)
def test_the_verdict_counts_what_there_is(run, words):
    assert verdict_words(run) == words


@pytest.mark.parametrize(
    ("run", "subject"),
    [
        (summary(), "OK 2 checks"),
        (summary("fail"), "FAIL 1 of 2 checks · median 24 μm flux +18 mag"),
        (
            summary(checks=(budget(),)),
            "WARN 1 of 3 checks · Size of report.pdf: at most 10 MB",
        ),
        (
            record(RUN, started(0), synthetic=("made up",), only=("fluxes",)),
            "OK 1 section · synthetic data · partial",
        ),
    ],
)
def test_the_subject_says_verdict_change_and_night(run, subject):
    assert subject_of(run) == f"[cdfs] {subject} · 2026-09-01"


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (summary(), ""),
        (record(RUN, started(0), "error"), "Fluxes"),
        (with_check(target=200.0), "median 24 μm flux −82\u00a0mag"),
        (with_metric(value=None), "median 24 μm flux missing"),
        (with_metric(label="median"), "Fluxes: median +18\u00a0mag"),
        (of_two_sections(), "Fluxes: median 24 μm flux +18\u00a0mag"),
        (with_check(metric="", label="at least 10 rows"), "Fluxes: at least 10 rows"),
    ],
)
def test_what_matters_most_is_said_in_a_few_words(run, said):
    assert highlight(run) == said


@pytest.mark.parametrize("before", [None, 0.0, -100.0, 118.0, 1e-9])
def test_a_change_that_per_cent_do_not_tell_gives_the_value(before):
    past = (PastRecord(night="2026-08-31", value=before),)
    assert highlight(with_metric(past=past)) == "median 24 μm flux 118.0\u00a0mag"


def test_a_long_label_is_cut_and_its_number_is_not():
    said = highlight(with_metric(label="median flux " * 20))
    assert len(said) <= LONGEST_HIGHLIGHT
    assert said.endswith("… +18\u00a0mag")


def test_a_template_has_the_names_that_are_documented():
    template = (
        "{{ report.field }} {{ run.id }} {{ night }} {{ status }} {{ verdict }} {{ sentence }} "
        "{{ highlight }} {{ checks.fail }} {{ sections | length }}"
    )
    said = fill_template(template, summary("fail"))
    assert said.startswith(f"CDFS {RUN} 2026-09-01 fail FAIL 1 of 2 checks 1 check failed")
    assert said.endswith("median 24 μm flux +18 mag 1 1")


@pytest.mark.parametrize(
    "template",
    [
        "{{ report.nothing }}",
        "{{ 1 / 0 }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{% for x in range(999999999) %}{% endfor %}",
        "{{ report.parse_file('/etc/hostname') }}",
    ],
)
def test_a_template_that_cannot_be_filled_is_an_error_and_does_no_harm(template):
    with pytest.raises(DeliveryError, match="cannot be filled"):
        fill_template(template, summary())


@given(st.text(min_size=1))
def test_a_subject_is_one_line_of_bounded_length(title):
    assert all(sign.isprintable() for sign in one_line(title))
    said = subject_of(with_report(title=title), "{{ report.title * 50 }}")
    assert len(said) <= LONGEST_SUBJECT
    assert len(f"Subject: {said}".splitlines()) == 1


@pytest.mark.parametrize(
    ("nights", "absent", "said"),
    [
        (
            [summary(), summary("fail"), summary()],
            0,
            "FAIL 1 of 3 reports · cdfs: FAIL 1 of 2 checks · 2026-09-01",
        ),
        ([summary()], 2, "ERROR 2 of 3 reports not made · 2026-09-01"),
        (
            [summary(), record(RUN, started(1))],
            0,
            "OK 2 reports · 2026-09-01 to 2026-09-02",
        ),
    ],
)
def test_a_digest_says_how_many_and_which_is_worst(nights, absent, said):
    assert digest_subject(nights, "fields", absent) == f"[fields] {said}"


def test_links_are_filled_and_the_pdf_lies_beside_the_report():
    block = LinksBlock(report="https://x.org/{{ run.id }}/report.html", index="https://x.org/")
    links = links_of(block, summary())
    assert links.known == {
        "report": f"https://x.org/{RUN}/report.html",
        "pdf": f"https://x.org/{RUN}/report.pdf",
        "index": "https://x.org/",
    }
    assert not links.problems
    assert links_of(None, summary()).known == {}


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "x.org", "https://a b"]
)
def test_a_link_that_is_no_web_address_is_left_out_and_said(address):
    # Only when it is filled is it known.
    links = links_of(LinksBlock(report="{{ report.field }}"), with_report(field=address))
    assert links.report == ""
    assert [error.message for error in links.problems] == [
        f"deliver.links.report: {address!r} is no web address"
    ]

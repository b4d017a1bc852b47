import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_nights import record, started
from told_runs import budget, check, checked

from reportgen.config.deliver import LinksBlock
from reportgen.deliver.errors import DeliveryError
from reportgen.deliver.wording import (
    LONGEST_HIGHLIGHT,
    LONGEST_SUBJECT,
    Links,
    digest_subject,
    fill_template,
    highlight,
    one_line,
    subject_of,
    verdict_words,
)
from reportgen.summary import (
    DocumentRecord,
    ErrorRecord,
    InputRecord,
    PastRecord,
    with_status,
)

RUN = "20260901T020000Z"


def summary(status="ok", **updates):
    plain = checked(record(RUN, started(0)), status)
    return with_status(plain.model_copy(update=updates))


def with_section(base, **updates):
    section = base.sections[0].model_copy(update=updates)
    return with_status(base.model_copy(update={"sections": (section,)}))


def with_metric(base, **updates):
    metrics = {
        name: metric.model_copy(update=updates) for name, metric in base.sections[0].metrics.items()
    }
    return with_section(base, metrics=metrics)


@pytest.mark.parametrize(
    ("status", "words"),
    [("ok", "OK 2 checks"), ("warn", "WARN 1 of 2 checks"), ("fail", "FAIL 1 of 2 checks")],
)
def test_the_verdict_counts_checks(status, words):
    assert verdict_words(summary(status)) == words


def test_without_checks_sections_are_counted():
    assert verdict_words(record(RUN, started(0))) == "OK 1 section"


def test_a_section_in_error_is_counted_before_checks():
    assert verdict_words(record(RUN, started(0), "error")) == "ERROR 1 of 1 section"


def test_a_budget_of_the_report_is_counted_and_named_in_the_subject():
    over = summary(checks=(budget(),))
    assert verdict_words(over) == "WARN 1 of 3 checks"
    assert highlight(over) == "Size of report.pdf: at most 10 MB"
    assert subject_of(over, None).startswith(
        "[cdfs] WARN 1 of 3 checks · Size of report.pdf: at most 10 MB · "
    )


def test_a_budget_of_the_report_that_could_not_be_checked_is_counted():
    assert verdict_words(summary(checks=(budget("error"),))) == "WARN 1 of 3 checks"


def test_a_document_that_is_not_there_is_an_error():
    error = ErrorRecord(kind="error", message="Pango is missing.")
    lacking = summary(documents={"pdf": DocumentRecord(error=error)})
    assert verdict_words(lacking) == "ERROR no PDF"


def test_a_source_that_cannot_be_read_is_an_error():
    lacking = summary(inputs=(InputRecord(path="a.h5", error="it is not there"),))
    assert verdict_words(lacking) == "ERROR 1 source unreadable"


def test_the_subject_says_verdict_change_and_night():
    said = subject_of(summary("fail"), None)
    assert said == "[cdfs] FAIL 1 of 2 checks · median 24 μm flux +18 % · 2026-09-01"


def test_the_subject_of_a_good_night_is_short():
    assert subject_of(summary(), None) == "[cdfs] OK 2 checks · 2026-09-01"


def test_the_subject_says_what_is_synthetic_or_partial():
    odd = record(RUN, started(0), synthetic=("made up",), only=("fluxes",))
    assert subject_of(odd, None) == "[cdfs] OK 1 section · synthetic data · partial · 2026-09-01"


def test_the_change_is_from_what_the_check_compares_with():
    checks = (check("fail").model_copy(update={"target": 200.0}),)
    assert highlight(with_section(summary("fail"), checks=checks)) == "median 24 μm flux −41\u00a0%"


@pytest.mark.parametrize("before", [None, 0.0, -100.0, 118.0, 1e-9])
def test_a_change_that_per_cent_do_not_tell_gives_the_value(before):
    past = (PastRecord(night="2026-08-31", value=before),)
    assert highlight(with_metric(summary("fail"), past=past)) == "median 24 μm flux 118.0\u00a0mag"


def test_a_number_that_is_missing_is_said():
    assert highlight(with_metric(summary("fail"), value=None)) == "median 24 μm flux missing"


def test_a_number_whose_label_does_not_say_of_what_it_is_names_its_section():
    assert highlight(with_metric(summary("fail"), label="median")) == "Fluxes: median +18\u00a0%"
    base = summary("fail")
    twin = base.sections[0].model_copy(update={"id": "twin", "title": "Twin"})
    both = with_status(base.model_copy(update={"sections": (base.sections[0], twin)}))
    assert highlight(both) == "Fluxes: median 24 μm flux +18\u00a0%"


def test_a_long_label_is_cut_and_its_number_is_not():
    said = highlight(with_metric(summary("fail"), label="median flux " * 20))
    assert len(said) <= LONGEST_HIGHLIGHT
    assert said.endswith("… +18\u00a0%")


def test_a_check_without_a_number_names_its_section():
    checks = (check("fail").model_copy(update={"metric": "", "label": "at least 10 rows"}),)
    assert highlight(with_section(summary("fail"), checks=checks)) == "Fluxes: at least 10 rows"


def test_a_template_has_the_names_that_are_documented():
    template = (
        "{{ report.field }} {{ run.id }} {{ night }} {{ status }} {{ verdict }} {{ sentence }} "
        "{{ highlight }} {{ checks.fail }} {{ sections | length }}"
    )
    said = fill_template(template, summary("fail"))
    assert said.startswith(f"CDFS {RUN} 2026-09-01 fail FAIL 1 of 2 checks 1 check failed")
    assert said.endswith("median 24 μm flux +18 % 1 1")


@pytest.mark.parametrize(
    "template",
    [
        "{{ report.nothing }}",
        "{{ 1 / 0 }}",
        "{{ run.id.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ night + 1 }}",
        "{% for x in range(999999999) %}{% endfor %}",
        "{{ report.parse_file('/etc/hostname') }}",
        "{{ '%(x)s' | format(y=1) }}",
        "{{ '{0}'.format() }}",
        "{{ 5 | dictsort }}",
    ],
)
def test_a_template_that_cannot_be_filled_is_an_error_and_does_no_harm(template):
    with pytest.raises(DeliveryError, match="cannot be filled"):
        fill_template(template, summary())


@given(st.text())
def test_a_title_can_end_no_header(title):
    line = one_line(title)
    assert all(sign.isprintable() for sign in line)
    assert len(f"Subject: {line}".splitlines()) == 1


@given(st.text(min_size=1))
def test_a_subject_is_one_line_of_bounded_length(title):
    base = summary("fail")
    odd = base.model_copy(update={"report": base.report.model_copy(update={"title": title})})
    said = subject_of(odd, "{{ report.title * 50 }}")
    assert len(said) <= LONGEST_SUBJECT
    assert all(sign.isprintable() for sign in said)


def test_a_digest_says_how_many_and_which_is_worst():
    failed = summary("fail")
    said = digest_subject([summary(), failed, summary()], "fields")
    assert said == "[fields] FAIL 1 of 3 reports · cdfs: FAIL 1 of 2 checks · 2026-09-01"


def test_a_digest_says_first_what_was_not_made():
    assert digest_subject([summary()], "fields", 2) == (
        "[fields] ERROR 2 of 3 reports not made · 2026-09-01"
    )


def test_a_digest_of_good_nights_says_so():
    later = summary(run=summary().run.model_copy(update={"started": "2026-09-02T01:00:00Z"}))
    assert digest_subject([summary(), later], "fields") == (
        "[fields] OK 2 reports · 2026-09-01 to 2026-09-02"
    )


def test_links_are_filled_and_the_pdf_lies_beside_the_report():
    block = LinksBlock(report="https://x.org/{{ run.id }}/report.html", index="https://x.org/")
    links = Links(block, summary())
    assert (links.report, links.pdf, links.index) == (
        f"https://x.org/{RUN}/report.html",
        f"https://x.org/{RUN}/report.pdf",
        "https://x.org/",
    )
    assert not links.problems


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "x.org", "https://a b"]
)
def test_a_link_that_is_no_web_address_is_left_out_and_said(address):
    # Only when it is filled is it known.
    block = LinksBlock(report="{{ report.field }}")
    base = summary()
    odd = base.model_copy(update={"report": base.report.model_copy(update={"field": address})})
    links = Links(block, odd)
    assert links.report == ""
    assert [error.message for error in links.problems] == [
        f"deliver.links.report: {address!r} is no web address"
    ]


def test_what_chats_take_for_markup_is_quoted_in_links():
    block = LinksBlock(report="https://x.org/{{ report.field }}")
    base = summary()
    odd = base.model_copy(update={"report": base.report.model_copy(update={"field": "a|b>c)d"})})
    assert Links(block, odd).report == "https://x.org/a%7Cb%3Ec%29d"


def test_an_emoji_of_several_stays_one():
    assert one_line("x \U0001f468\u200d\U0001f680\u202e y") == "x \U0001f468\u200d\U0001f680 y"

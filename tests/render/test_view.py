import json

import pytest
from mailed_runs import budget

from reportgen.quality.checks.verdicts import verdict_sentence
from reportgen.record import (
    ChangeRecord,
    CheckRecord,
    DocumentRecord,
    ErrorRecord,
    HistoryRecord,
    PastRecord,
    SinceRecord,
    Summary,
    with_status,
    worst,
)
from reportgen.render.citations import SOFTWARE
from reportgen.render.svg import inline_svg, page_styles
from reportgen.render.tables import aligned
from reportgen.render.view import report_view

BROKEN = ErrorRecord(kind="error", message="It broke.\nIn two places.")


@pytest.fixture
def record(summary):
    return Summary.model_validate_json(json.dumps(summary))


def failing(record, *positions):
    error = {"status": "error", "error": BROKEN}
    sections = tuple(
        section.model_copy(update=error) if n in positions else section
        for n, section in enumerate(record.sections)
    )
    return with_status(record.model_copy(update={"sections": sections}))


def check(status, message="Median is 3, above the limit of 2 (by 1).", **keys):
    keys = {"id": f"median-{len(keys)}-{status}", "kind": "max", "label": "at most 2", **keys}
    severity = "warn" if status == "warn" else "fail"
    return CheckRecord(status=status, message=message, severity=severity, **keys)


def checked(record, *checks, place=0):
    """Return the record with checks of one section."""
    status = worst(each.verdict for each in checks)
    sections = list(record.sections)
    sections[place] = sections[place].model_copy(update={"checks": checks, "status": status})
    return with_status(record.model_copy(update={"sections": tuple(sections)}))


@pytest.mark.parametrize(
    ("unchanged", "said"),
    [
        (10, "All 10 sections are unchanged."),
        (9, "1 of 10 sections was computed, the others are unchanged."),
        (1, "9 of 10 sections were computed, the other is unchanged."),
    ],
)
def test_the_verdict_says_what_is_unchanged(record, unchanged, said):
    sections = tuple(
        section.model_copy(update={"kept": place < unchanged})
        for place, section in enumerate(record.sections)
    )
    night = record.model_copy(update={"sections": sections})
    assert verdict_sentence(night) == f"{said} Nothing is checked."


def test_the_verdict_says_what_is_broken_and_how_checks_ended(record):
    assert verdict_sentence(record) == "All 10 sections were computed. Nothing is checked."
    assert verdict_sentence(failing(record, 0, 1)) == (
        "2 of 10 sections could not be computed: "
        "“What the catalogue holds” and “Stellarity of SWIRE objects”."
    )
    assert verdict_sentence(failing(record, *range(10))).endswith("and 7 more.")
    one = checked(record, check("fail"), check("ok", metric="a"), check("ok", metric="b"))
    assert verdict_sentence(one) == (
        "1 check failed and 2 are ok. Median is 3, above the limit of 2 (by 1)."
    )
    median = check("fail", "Median is 3, above the limit of 2 (by 1).", metric="stellarity_median")
    assert verdict_sentence(checked(record, median, place=1)).endswith(
        "failed. Stellarity of SWIRE objects: median is 3, above the limit of 2 (by 1)."
    )
    fine = checked(record, check("ok"))
    assert verdict_sentence(fine) == "All 10 sections were computed. 1 check is ok."
    warned = checked(record, check("warn", "Mean is odd."), check("fail", "Median is wrong."))
    assert verdict_sentence(warned).endswith("Median is wrong.")
    documents = {"pdf": DocumentRecord(error=BROKEN), "html": DocumentRecord(file="report.html")}
    broken = record.model_copy(update={"documents": documents})
    assert verdict_sentence(broken) == "The PDF could not be made."
    run = record.run.model_copy(update={"only": ("a",), "left_out": ("b", "c")})
    partial = record.model_copy(update={"run": run})
    expected = "partial report: 2 more sections were not asked for."
    assert verdict_sentence(partial).endswith(expected)


def test_checks_that_do_not_hold_need_attention_and_waived_ones_stand_below(built, record):
    waived = check("fail", "Mean is 5. Waived until 2027-01-01 (lamp).", waived=True)
    view = report_view(built.run, checked(record, check("warn", "Odd."), waived), 5)
    (line,) = view.attention
    assert (line.status, line.text, line.target) == ("warn", "Odd.", "section-overview")
    (quiet,) = view.waived
    assert quiet.text == waived.message
    kinds = [(each.kind, each.word) for each in view.sections[0].checks]
    assert kinds == [("warn", "Warning"), ("warn", "Waived")]


def test_checks_of_the_whole_run_need_attention_and_have_a_place_of_their_own(built, record):
    over = budget()
    view = report_view(built.run, with_status(record.model_copy(update={"checks": (over,)})), 5)
    (line,) = view.attention
    assert (line.status, line.title, line.text) == ("warn", "Budgets", over.message)
    assert line.target == "budgets"
    assert [each.record for each in view.checks] == [over]
    assert view.verdict == f"1 check has a warning. {over.message}"
    assert view.status_word == "Warning"


def test_checks_that_cannot_be_judged_or_are_not_in_force_are_shown_as_such(built, record):
    idle = check("ok", in_force=False, since="2027-01-01", owner="Ann", reason="Zero point")
    view = report_view(built.run, checked(record, check("ok", judged=False), idle), 5)
    shown = [(each.kind, each.word, each.quiet) for each in view.sections[0].checks]
    quiet = "Zero point · Ann · from 2027-01-01"
    assert shown == [(None, "Not judged yet", ""), (None, "Not in force", quiet)]
    assert "1 check cannot be judged yet" in view.verdict


def test_what_changed_is_told_for_each_run_that_was_compared(built, record):
    changes = tuple(ChangeRecord(text=f"Number {k} moved.") for k in range(9))
    since = (
        SinceRecord(run="20251008T020000Z", night="2025-10-08", changes=changes),
        SinceRecord(name="paper", error="summary.json: cannot be read"),
    )
    view = report_view(built.run, record.model_copy(update={"since": since}), 5)
    night, paper = view.since
    assert night.title == "Since the last night, 8 October 2025"
    assert night.target == "../index.html#night-2025-10-08"
    assert [change.text for change in (*night.first, *night.rest)] == [c.text for c in changes]
    assert paper.title == "Since the reference paper"
    assert paper.error
    assert not paper.target


def test_mistakes_and_an_unread_history_need_attention(built, record):
    history = HistoryRecord(error="history.sqlite: is locked")
    mistakes = ("cdfs.yaml:9:3: sections.a.checks[0].metric: unknown metric 'x'",)
    broken = record.model_copy(update={"history": history, "mistakes": mistakes})
    lines = [(line.title, line.text) for line in report_view(built.run, broken, 5).attention]
    assert lines == [("Configuration", mistakes[0]), ("History", history.error)]


def test_a_checked_metric_has_its_last_nights_beside_it(built, record):
    past = tuple(
        PastRecord(night=f"2025-10-0{k}", value=value)
        for k, value in enumerate((1.0, None, 2.0, 3.0), start=1)
    )
    section = record.sections[1]
    name, metric = next((n, m) for n, m in section.metrics.items() if m.shown)
    metric = metric.model_copy(update={"verdict": "fail", "past": past, "value": 4.0})
    metrics = {**section.metrics, name: metric}
    sections = (record.sections[0], section.model_copy(update={"metrics": metrics}))
    view = report_view(built.run, record.model_copy(update={"sections": sections}), 5)
    shown = next(m for m in view.sections[1].metrics if m.spark)
    assert (shown.verdict, shown.word) == ("fail", "Failed")
    assert [len(line.split()) for line in shown.spark.lines] == [3]
    assert shown.spark.text.startswith("4 nights: 1")


def test_what_needs_attention_says_the_same_thing_once(built, record):
    view = report_view(built.run, failing(record, 0, 1, 2), 5)
    (line,) = view.attention
    assert line.text == "It broke. …"
    assert line.title.startswith("What the catalogue holds, Stellarity of SWIRE objects and ")
    assert line.target == "section-overview"
    assert line.status == "error"


def test_a_file_that_cannot_be_read_needs_attention_first(built, record):
    inputs = (record.inputs[0].model_copy(update={"error": "is truncated"}), *record.inputs[1:])
    broken = failing(record, 3).model_copy(update={"inputs": inputs})
    titles = [line.title for line in report_view(built.run, broken, 5).attention]
    assert titles[0] == "crowdastro.h5"
    assert len(titles) == 2


def test_a_file_that_cannot_be_read_is_said_once_with_the_sections_it_hits(built, record):
    lost = record.inputs[0].model_copy(update={"error": "there is no such file"})
    place = f"c.yaml:3:1: catalogues.swire.file: {lost.path}: there is no such file"
    messages = {0: place, 1: f"{place}\n  → check the path", 2: f"{place}\nc.yaml:9:1: no column"}
    sections = list(record.sections)
    for n, message in messages.items():
        error = BROKEN.model_copy(update={"message": message})
        sections[n] = sections[n].model_copy(update={"status": "error", "error": error})
    hit = {"inputs": (lost, *record.inputs[1:]), "sections": tuple(sections)}
    first, other = report_view(built.run, record.model_copy(update=hit), 5).attention
    assert first.text.startswith("there is no such file (What the catalogue holds, Stellarity")
    assert other.title.startswith("Flux densities")


def test_a_reason_that_sections_share_is_given_by_the_first(built, record):
    views = report_view(built.run, failing(record, 1, 4), 5).sections
    assert [view.like and view.like.id for view in views] == 4 * [None] + ["stellarity"] + 5 * [
        None
    ]


def test_times_are_left_out_when_they_are_not_known(built, record):
    view = report_view(built.run, record, 5)
    shown = (view.night, view.started, view.duration)
    assert shown == ("9 October 2025", "2025-10-09 08:53 UTC", "")
    assert not any(fact.endswith(" s") for section in view.sections for fact in section.facts)
    timed = record.model_copy(update={"run": record.run.model_copy(update={"seconds": 12.3})})
    assert report_view(built.run, timed, 5).duration == "12 s"


@pytest.mark.parametrize(
    ("texts", "padded"),
    [
        (["1.5", "22.25", "3"], ["1.5_", "22.25", "3\u2008__"]),
        (["1", "200"], ["1", "200"]),
        (["—", "1.5", "2"], ["—", "1.5", "2\u2008_"]),
    ],
)
def test_points_stand_below_each_other(texts, padded):
    assert aligned(texts) == [text.replace("_", "\u2007") for text in padded]


SVG = """<?xml version="1.0"?>
<!DOCTYPE svg>
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="10pt" height="5pt" viewBox="0 0 10 5">
 <title>Secret</title>
 <defs><path id="g1" d="M 0 0"/><clipPath id="c"/></defs>
 <!-- </svg><script>alert(1)</script> -->
 <g clip-path="url(#c)" style="fill: #1c2026; stroke: #FEFEFE"><use xlink:href="#g1"/></g>
</svg>"""


def test_a_figure_in_the_page_has_its_own_ids_its_words_and_colours_that_turn():
    styles = {}
    inside = inline_svg(SVG, "part-one", 'It says "a < b" & more.', styles)
    assert inside.startswith('<svg role="img" aria-label=')
    assert 'aria-label="It says &#34;a &lt; b&#34; &amp; more."' in inside
    for expected in ('id="part-one-g1"', 'href="#part-one-g1"', "url(#part-one-c)"):
        assert expected in inside
    assert 'class="f0"' in inside
    assert (
        "svg .f0 { fill: var(--fig-1c2026); stroke: var(--fig-fefefe) }"
        in page_styles(styles)["classes"]
    )
    assert 'viewBox="0 0 10 5" width="13" height="7"' in inside
    for unseen in ("Secret", "script", "<?xml", "DOCTYPE"):
        assert unseen not in inside


def numbered(record):
    """Return the record with a number of its second section that two checks find wrong."""
    section = record.sections[1]
    name, metric = next(iter(section.metrics.items()))
    past = (PastRecord(night="2026-09-20", value=24.6),)
    updates = {"label": "3.6 µm median", "value": 60.1, "unit": "uJy", "digits": 1, "past": past}
    metric = metric.model_copy(update=updates)
    keys = {"metric": name, "owner": "Photometry team"}
    above = check("fail", brief="above 60 µJy", **keys)
    drift = check("fail", kind="drift", brief="116 × the usual scatter above 24.6 µJy", **keys)
    checked = {
        "metrics": {**section.metrics, name: metric},
        "checks": (above, drift),
        "status": "fail",
    }
    sections = [*record.sections]
    sections[1] = section.model_copy(update=checked)
    changes = (
        ChangeRecord(text="A.", kind="verdict worse", section=section.id, name=above.id),
        ChangeRecord(text="B.", kind="metric moved", section=section.id, name=name),
        ChangeRecord(text="C.", kind="metric moved", section=section.id, name="other"),
    )
    since = (SinceRecord(run="20260920T020000Z", night="2026-09-20", changes=changes),)
    return with_status(record.model_copy(update={"sections": tuple(sections), "since": since}))


def test_all_that_is_said_of_a_number_stands_in_one_line_with_its_nights(record, tmp_path):
    view = report_view(tmp_path, numbered(record))
    (line,) = view.attention
    assert line.title.replace("\u00a0", " ") == ("3.6 µm median 60.1 µJy (24.6 last night, +144 %)")
    assert line.text == ("above 60 µJy, 116 × the usual scatter above 24.6 µJy · Photometry team")
    assert line.spark.text == "2 nights: 24.6 µJy to 60.1 µJy"


def test_what_changed_does_not_say_again_what_needs_attention(record, tmp_path):
    (since,) = report_view(tmp_path, numbered(record)).since
    assert [change.text for change in since.first] == ["C."]


def test_the_night_before_is_linked_where_there_is_one_and_the_night_after_never(record, tmp_path):
    assert list(report_view(tmp_path, record).links) == ["All nights"]
    known = record.model_copy(update={"history": HistoryRecord(nights=1)})
    assert list(report_view(tmp_path, known).links) == ["Previous night", "All nights"]


def test_how_it_was_computed_is_said_once_with_its_sections_and_what_to_cite(record, tmp_path):
    one, two, *rest = record.sections
    said = ("Medians are medians: A. Nybody 1900, https://doi.org/10.1/x", "Sums are sums.")
    sections = (
        one.model_copy(update={"methods": said}),
        two.model_copy(update={"methods": said[:1]}),
        *rest,
    )
    view = report_view(tmp_path, record.model_copy(update={"sections": sections}))
    assert view.methods[:2] == ((said[0], "sections 1 and 2"), (said[1], "section 1"))
    assert any("Hyndman" in text for text, _ in view.methods), "of a section of the built report"
    versions = record.environment.versions
    assert [each.partition(" ")[0] for each in view.software] == [
        name for name in versions if name in SOFTWARE
    ]


def test_texts_of_an_author_have_their_language_and_ours_are_english(copied_run):
    from reportgen.record import read_summary
    from reportgen.render.html import render_html

    record = read_summary(copied_run)
    report = record.report.model_copy(update={"language": "de", "title": "Sterne & Staub"})
    page = render_html(copied_run, record.model_copy(update={"report": report})).decode()
    assert '<html lang="en">' in page
    assert '<h1><span lang="de">Sterne &amp; Staub</span></h1>' in page
    assert page.count('<span lang="de">') > 2 * len(record.sections)
    assert 'lang="de"' not in render_html(copied_run, record).decode()

import json

import pytest

from reportgen.render.svg import inline_svg
from reportgen.render.tables import aligned
from reportgen.render.view import report_view, verdict_sentence
from reportgen.summary import DocumentRecord, ErrorRecord, Summary, with_status

BROKEN = ErrorRecord(kind="error", message="It broke.\nIn two places.")


@pytest.fixture
def record(summary):
    return Summary.model_validate_json(json.dumps(summary))


def failing(record, *positions, message=BROKEN.message):
    error = BROKEN.model_copy(update={"message": message})
    sections = tuple(
        section.model_copy(update={"status": "error", "error": error})
        if n in positions
        else section
        for n, section in enumerate(record.sections)
    )
    return with_status(record.model_copy(update={"sections": sections}))


def changed(record, **run):
    return record.model_copy(update={"run": record.run.model_copy(update=run)})


def test_the_verdict_of_a_whole_report(record):
    assert verdict_sentence(record) == "All 8 sections were computed."


def test_the_verdict_names_what_is_broken(record):
    assert verdict_sentence(failing(record, 0, 1)) == (
        "2 of 8 sections could not be computed: "
        "“What the catalogue holds” and “Stellarity of SWIRE objects”."
    )
    assert verdict_sentence(failing(record, *range(8))).endswith("and 5 more.")


def test_the_verdict_of_checks(record):
    def with_section(status):
        first = record.sections[0].model_copy(update={"status": status})
        return record.model_copy(update={"sections": (first, *record.sections[1:])})

    assert verdict_sentence(with_section("fail")) == "1 of 8 sections failed a check."
    assert verdict_sentence(with_section("warn")) == "1 of 8 sections have a warning."


def test_the_verdict_names_documents_that_are_not_there(record):
    documents = {"pdf": DocumentRecord(error=BROKEN), "html": DocumentRecord(file="report.html")}
    assert verdict_sentence(record.model_copy(update={"documents": documents})) == (
        "The PDF could not be made."
    )


def test_the_verdict_says_that_a_report_is_partial(record):
    one = changed(record, only=("a",), left_out=("b",))
    two = changed(record, only=("a",), left_out=("b", "c"))
    assert verdict_sentence(one).endswith("partial report: 1 more section was not asked for.")
    assert verdict_sentence(two).endswith("partial report: 2 more sections were not asked for.")


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


def test_times_are_left_out_when_they_are_not_known(built, record):
    view = report_view(built.run, record, 5)
    assert (view.night, view.started, view.duration) == (
        "9 October 2025",
        "2025-10-09 08:53 UTC",
        "",
    )
    assert not any(fact.endswith(" s") for section in view.sections for fact in section.facts)
    assert report_view(built.run, changed(record, seconds=12.3), 5).duration == "12 s"


def test_paragraphs_of_prose_are_parted(built, record):
    first = record.sections[0].model_copy(update={"text": "One.\n\nTwo\nlines.\n\n\n"})
    view = report_view(built.run, record.model_copy(update={"sections": (first,)}), 5)
    assert view.sections[0].paragraphs == ("One.", "Two\nlines.")


@pytest.mark.parametrize(
    ("texts", "widths"),
    [
        (["1.5", "22.25", "3"], [(1, 1), (2, 2), (1, 0)]),
        (["1", "200"], [(1, 0), (3, 0)]),
        (["—", "1.5"], [None, (1, 1)]),
    ],
)
def test_points_stand_below_each_other(texts, widths):
    padded = aligned(texts)
    # Behind the point each number takes the same room: digits or spaces as wide as digits.
    behind = {
        len(text.replace("\u2008", ".").partition(".")[2])
        for text, width in zip(padded, widths, strict=True)
        if width is not None
    }
    assert len(behind) == 1
    assert [text.rstrip("\u2007\u2008") for text in padded] == texts


SVG = """<?xml version="1.0"?>
<!DOCTYPE svg>
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="10pt" height="5pt" viewBox="0 0 10 5">
 <title>Secret</title>
 <defs><path id="g1" d="M 0 0"/><clipPath id="c"/></defs>
 <!-- </svg><script>alert(1)</script> -->
 <g clip-path="url(#c)" style="fill: #1c2026; stroke: #FEFEFE"><use xlink:href="#g1"/></g>
</svg>"""


def test_a_figure_in_the_page_has_its_own_ids_its_words_and_colours_that_turn():
    inside = inline_svg(SVG, "part-one", 'It says "a < b" & more.')
    assert inside.startswith('<svg role="img" aria-label=')
    assert 'It says "a &lt; b" &amp; more.' in inside
    for expected in ('id="part-one-g1"', 'href="#part-one-g1"', "url(#part-one-c)"):
        assert expected in inside
    assert "fill: var(--fig-1c2026); stroke: var(--fig-fefefe)" in inside
    assert 'viewBox="0 0 10 5" width="13" height="7"' in inside
    for unseen in ("Secret", "script", "<?xml", "DOCTYPE"):
        assert unseen not in inside

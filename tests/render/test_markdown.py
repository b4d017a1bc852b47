"""Job summaries: what a reader sees, and that no text of a run becomes markup."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_nights import record, started
from mailed_runs import budget, check
from markdown_it import MarkdownIt

from reportgen.errors import ConfigError
from reportgen.record import (
    ChangeRecord,
    ColumnRecord,
    ErrorRecord,
    SinceRecord,
    TableRecord,
    with_status,
)
from reportgen.render.markdown import MOST_BYTES, MOST_CHARACTERS, escaped, render_markdown
from reportgen.render.outline import run_outline

GFM = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
# What of a page holds no text of a run, and may stand there.
SHAPES = {
    *("heading", "paragraph", "bullet_list", "list_item", "blockquote", "strong"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
NASTY = [
    "a | b || c",
    "<script>alert(1)</script> <!-- --> <img src=x onerror=y>",
    "`code` ``more`` ```fence",
    "@someone and @some-org/team, a@example.org",
    "[a](https://example.org) ![b](c.png) <https://example.org> [d]: e www.example.org",
    "line\none\r\n\r\n# two\n\n- three\n| four |",
    "*bold* _it_ __b__ ~~gone~~ \\*x\\* \\",
    "&lt;b&gt; &amp; &#64; R&D",
    "closes #12, owner/repo#3, GH-4, !5, ~bug, %6, &7, $8",
    ":tada: :100: :+1: at 02:30:00",
    "$x^2$ and $$y$$ ",
    "1. first",
    "- dash",
    "# hash",
    "=====",
    "> quoted",
    "    indented",
    "−99.5\u00a0µJy",
]


def texts_and_kinds(markdown):
    """Return the texts that a reader sees, block by block, and the kinds of markup around them."""
    texts, kinds = [], set()
    for token in GFM.parse(markdown):
        if token.type == "inline":
            kinds |= {
                child.type.removesuffix("_open").removesuffix("_close") for child in token.children
            } - {"text"}
            texts.append("".join(child.content for child in token.children).replace("\u200b", ""))
        else:
            kinds.add(re.sub("_(open|close)$", "", token.type))
    return texts, kinds


def seen(text):
    """Return a text as a page shows it: in one line."""
    return re.sub(r"[^\S\u00a0\u2009\u202f]+", " ", text).replace("\u200b", "").strip()


anything = st.text(
    st.one_of(
        st.sampled_from("\\`*_{}[]()<>#+-.!|~:=^$&@%/\"'; \n\tw0123x"),
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]),
    ),
    max_size=40,
).map(lambda text: f"x{text}x" if not seen(text) else text)


def with_examples(test):
    for text in NASTY:
        test = example(text)(test)
    return test


@with_examples
@given(anything)
def test_wherever_a_text_stands_it_is_shown_as_it_is(text):
    table = f"| a | b | c |\n|---|---|---|\n| {escaped(text)} | 1 {escaped(text)} | z |"
    item = f"- {escaped(text)}\n- x **{escaped(text)}**: y\n\nbefore\n\n{escaped(text)}\n\nafter"
    cells, kinds = texts_and_kinds(table)
    assert cells[3:] == [seen(text), f"1 {seen(text)}", "z"]
    assert kinds <= SHAPES - {"strong", "bullet_list"}
    texts, kinds = texts_and_kinds(item)
    assert texts == [seen(text), f"x {seen(text)}: y", "before", seen(text), "after"]
    assert "strong" in kinds
    assert kinds <= SHAPES - {"heading"}


@with_examples
@given(anything)
def test_nothing_is_left_that_a_website_makes_a_link_a_mention_or_an_emoji_of(text):
    shown = "".join(
        child.content for token in GFM.parse(f"x {escaped(text)}") for child in token.children or ()
    )
    assert not re.search(r"@\w|://|\bwww\.|[#!&$%]\d|~\w|\bGH-\d", shown, re.IGNORECASE)
    assert not re.search(r":(100|[a-z_+-][\w+-]*):", shown, re.IGNORECASE)
    raw = escaped(text)
    assert not re.search(r"[<>|$]", raw)
    assert "\n" not in raw


@pytest.mark.parametrize(
    "text", ["Median of 3.6 μm is 2.1 (at most 2)", "a.b-c/d_e"[:5], "12:30:45", "IRAC 1: fine"]
)
def test_plain_words_are_left_alone(text):
    assert escaped(text) == text


BASE = record("20260901T020000Z", started(0))
FLUXES = BASE.sections[0]
FAILED = FLUXES.model_copy(
    update={
        "status": "fail",
        "checks": (check("fail", message="Median is 3, above the limit of 2."),),
        "findings": ("Half are fainter than 3.",),
    }
)


def night(*, sections=(), since=(), **changes):
    """Return the record of a night with a section that failed a check, and others."""
    updates = {"sections": (FAILED, *sections), "since": since, **changes}
    return with_status(BASE.model_copy(update=updates))


def broken(title="Sky", message="The column is missing.\nIn two places."):
    error = ErrorRecord(kind="error", message=message)
    updates = {"id": "sky", "title": title, "status": "error", "findings": (), "error": error}
    return FLUXES.model_copy(update=updates)


def markdown_of(summary, folder, **options):
    return render_markdown([run_outline(folder, summary)], **options)


def test_a_reader_sees_verdict_trouble_changes_and_every_section(tmp_path):
    changes = (ChangeRecord(text="Median flux rose from 1 to 3 mag.", status="fail"),)
    since = (
        SinceRecord(run="20260831T020000Z", night="2026-08-31", changes=changes),
        SinceRecord(name="paper", error="It is gone."),
    )
    page = markdown_of(night(sections=(broken(),), since=since), tmp_path)
    texts, _ = texts_and_kinds(page)
    assert texts == [
        "❗ Error · Deep Field",
        "1 of 2 sections could not be computed: “Sky”. 1 check failed.",
        "CDFS · 1 September 2026 · started 2026-09-01 02:00 UTC · 41 s",
        "What needs attention",
        "❗ Error Sky: The column is missing. …",
        "❌ Failed Fluxes: Median is 3, above the limit of 2.",
        "What changed since the last night, 31 August 2026",
        "❌ Failed Median flux rose from 1 to 3 mag.",
        "What changed since the reference paper",
        "It cannot be compared: It is gone.",
        "Sections",
        *("Status", "Section", "Finding"),
        *("❌ Failed", "Fluxes", "Half are fainter than 3."),
        *("❗ Error", "Sky", "The column is missing. In two places."),
    ]


def test_every_status_has_a_word_and_a_budget_and_synthetic_data_are_named(tmp_path):
    sections = [FLUXES.model_copy(update={"id": s, "status": s}) for s in ("ok", "warn", "fail")]
    run = BASE.run.model_copy(update={"synthetic": ("Made by a generator.",)})
    summary = night(sections=(*sections, broken()), checks=(budget(),), run=run)
    page = markdown_of(summary, tmp_path)
    cells = re.findall(r"^\| (\S+) (\w+) \|", page, re.MULTILINE)
    assert {("✅", "OK"), ("⚠️", "Warning"), ("❌", "Failed"), ("❗", "Error")} <= set(cells)
    assert f"- ⚠️ Warning **Budgets**: {budget().message}" in page
    assert "> Synthetic data. Made by a generator." in page


@pytest.mark.parametrize("text", NASTY)
def test_no_text_of_a_run_becomes_markup(tmp_path, text):
    report = record("r", started(0)).report.model_copy(update={"title": text, "field": text})
    since = (SinceRecord(name=text, night="2026-08-31", changes=(ChangeRecord(text=text),)),)
    page = markdown_of(
        night(sections=(broken(text, text),), since=since, report=report, mistakes=(text,)),
        tmp_path,
    )
    texts, kinds = texts_and_kinds(page)
    assert kinds <= SHAPES
    assert texts[0] == f"❗ Error · {seen(text)}"
    assert texts[-2:] == [seen(text), seen(text)]
    assert f"❗ Error Configuration: {seen(text)}" in texts
    assert seen(text) in texts[texts.index("Sections") - 1]


def many(n):
    changes = tuple(ChangeRecord(text=f"Number {i} moved." * 20) for i in range(n))
    sections = tuple(
        broken(f"Section {i}", f"Lost {i}.").model_copy(update={"id": f"s{i}"}) for i in range(n)
    )
    return night(sections=sections, since=(SinceRecord(night="2026-08-31", changes=changes),))


def test_long_lists_and_texts_are_cut_and_say_so(tmp_path):
    page = markdown_of(many(80), tmp_path)
    assert "30 more are left out here." in page
    assert page.count("<details><summary>44 more</summary>\n\n- Number 6 ") == 1
    assert page.count("</details>") == 1
    longest = max(len(each) for each in texts_and_kinds(page)[0])
    assert longest <= MOST_CHARACTERS + 1
    assert "❌ Failed" not in page.partition("### Sections")[2]  # the worst sections are kept


def test_whatever_a_night_holds_the_summary_fits_into_a_step(tmp_path):
    """Also when every character needs four bytes to be shown as it is."""
    mentions = "@a" * MOST_CHARACTERS
    summary = many(200)
    sections = tuple(s.model_copy(update={"title": mentions}) for s in summary.sections)
    since = tuple(
        SinceRecord(name=mentions, changes=(ChangeRecord(text=mentions),) * 50) for _ in range(12)
    )
    outline = run_outline(
        tmp_path, summary.model_copy(update={"sections": sections, "since": since})
    )
    page = render_markdown([outline] * 5, "https://example.org/run")
    assert 1000 < len(page.encode()) <= MOST_BYTES < 2**20
    assert page.endswith("[The whole report](<https://example.org/run>)\n")
    assert re.search(r"^\d+ more are left out here\.$", page, re.MULTILINE)


def test_reports_that_do_not_fit_are_counted_and_the_worst_stays(tmp_path):
    fine = run_outline(tmp_path, record("a", started(0)))
    bad = run_outline(tmp_path, record("b", started(0), "error"))
    page = render_markdown([*[fine] * 40, bad, fine], most_bytes=2000)
    assert len(page.encode()) <= 2000
    assert page.startswith("## ❗ Error · Deep Field\n")
    left = int(re.search(r"^(\d+) more reports are left out here\.$", page, re.MULTILINE)[1])
    assert page.count("\n## ") + 1 + left == 42


@pytest.mark.parametrize(
    "link",
    ["https://example.org/a b?x=1&copy=2#f", "https://e.org/)(<>\n\n# x", "https://e.org/\\"],
)
def test_a_link_leads_where_it_says(tmp_path, link):
    tokens = GFM.parse(markdown_of(record("r", started(0)), tmp_path, link=link))
    (target,) = [
        child.attrs["href"]
        for token in tokens
        for child in token.children or ()
        if child.type == "link_open"
    ]
    from urllib.parse import unquote

    assert unquote(target) == link


@pytest.mark.parametrize("link", ["javascript:alert(1)", "report.html", "//example.org"])
def test_a_link_that_is_no_address_of_the_web_is_refused(tmp_path, link):
    with pytest.raises(ConfigError, match="is not an address of the web"):
        markdown_of(record("r", started(0)), tmp_path, link=link)


def test_an_outline_needs_the_record_alone(tmp_path):
    """Not the files of tables, which a copy of summary.json is without."""
    column = ColumnRecord(name="flux")
    files = {"csv": "sections/fluxes/tables/all.csv", "ecsv": "sections/fluxes/tables/all.ecsv"}
    table = TableRecord(id="all", title="All", rows=3, shown=True, columns=(column,), files=files)
    whole = record("r", started(0))
    section = whole.sections[0].model_copy(update={"tables": (table,), "findings": ("Found.",)})
    outline = run_outline(tmp_path, whole.model_copy(update={"sections": (section,)}))
    assert [line.text for line in outline.sections.lines] == ["Found."]

import pytest
from projects import HISTOGRAM, read_summary

from reportgen.render.glyphs import about_figures, missing_characters, notices_of_page


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Flux 3.6 μm ≥ 10⁻¹⁵ W m⁻², M☉ M⊕ M♃ 15′ 30″ – naïve Ωж", ""),
        ("e\u0301t\u00ade \u200b\u2067x\u2069\ufe0f\u3000", ""),  # joined, or not seen
        ("銀河 銀", "銀河"),
        ("مر", "مر"),
        ("אב", "אב"),
        ("नम", "नम"),
        ("a 🚀\ufe0f", "🚀"),
        ("x\u0302", "\u0302"),  # no letter with this accent
    ],
)
def test_what_no_font_has_is_found_and_what_needs_no_glyph_is_not(text, missing):
    assert "".join(missing_characters(text)) == missing


def test_each_word_of_a_page_is_named_once_with_its_sections(tmp_path):
    (tmp_path / "f.svg").write_text(
        "<svg><title>题</title><text x='1'>3 &lt; 銀<tspan>河</tspan></text></svg>"
    )
    page = (
        "<head><title>題</title><style>題 {}</style></head><nav>題</nav><p>A é 日, 日</p>"
        "<section id='section-a'><h2>B</h2><p>日</p><img src='f.svg'></section>"
    )
    assert notices_of_page(page, tmp_path, {"section-a": "The B"}) == (
        "The PDF has empty boxes in “日” (the first page and “The B”): its fonts lack U+65E5.",
        "The PDF has empty boxes in “銀河” (“The B”): its fonts lack U+9280 and U+6CB3.",
    )


def test_a_page_in_a_script_that_fonts_lack_gets_few_sentences(tmp_path):
    words = "".join(f"<p>{chr(0x4E00 + k)}</p>" for k in range(500))
    *_, last = said = notices_of_page(words, tmp_path, {})
    assert len(said) == 7
    assert last.startswith("It has empty boxes in 494 more words: its fonts lack U+4E06,")
    assert last.endswith("and 474 more.")


def test_warnings_on_single_glyphs_become_one_sentence():
    glyph = "Glyph {} (\\N{{X}}) missing from font(s) Reportgen Sans."
    said = about_figures(
        [
            glyph.format(0x9280),
            "other",
            glyph.format(10).replace("X", "\n"),
            glyph.format(0x6CB3),
            glyph.format(0x9280),
        ]
    )
    assert said == [
        "other",
        "Figures as PNG and PDF have empty boxes, for the fonts lack U+9280 and U+6CB3.",
    ]


def test_a_label_that_fonts_lack_is_a_warning_in_the_log_the_pdf_and_the_page(project):
    project.columns["flux"]["label"] = "銀河 flux"
    section = {**HISTOGRAM, "title": "Fluxes"}
    project.configure({"fluxes": section}, output={"folder": "out", "formats": ["html", "pdf"]})
    done = project.build()
    said = "The PDF has empty boxes in “銀河” (“Fluxes” and “Configuration as used”): its fonts"
    assert done.returncode == 0, done.stderr
    assert f"Warning: {said}" in done.stderr
    summary = read_summary(project.latest)
    assert summary["run"]["status"] == "warn"
    (notice,) = summary["documents"]["pdf"]["notices"]
    assert notice.startswith(said)
    assert said in (project.latest / "report.html").read_text()
    assert [note for note in summary["sections"][0]["notes"] if "Glyph" in note] == []
    assert any(
        "Figures as PNG and PDF have empty boxes" in n for n in summary["sections"][0]["notes"]
    )

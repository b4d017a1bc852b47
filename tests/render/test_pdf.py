"""report.pdf as readers, screen readers and printers meet it."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from io import BytesIO

import numpy as np
import pytest
from page import ValidationProfile, validate_pdf_bytes
from PIL import Image
from projects import CONFIG, call
from pypdf import PdfReader

from reportgen.errors import SectionError
from reportgen.record import ErrorRecord, Summary, read_summary
from reportgen.render.pdf import print_page, render_pdf
from reportgen.style import FONT_FILES, SANS, SIGNS

MADE = datetime(2026, 1, 1, tzinfo=UTC)
RADIO = {
    "CATALOGUE": "components.fits",
    "REFERENCE": "radio.fits",
    "MOSAIC": "mosaic.fits",
    "RMS": "rms.fits",
}
HEAD = '<html lang="en"><head><meta charset="utf-8"><title>T</title></head>'


@pytest.fixture(scope="module")
def reader(built):
    return PdfReader(built.run / "report.pdf")


@pytest.fixture(scope="module")
def pages(built):
    return text_of(built.run / "report.pdf")


def text_of(path):
    """Return the text of each page, as poppler lays it out."""
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler-utils is not installed")
    done = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
    )
    return done.stdout.rstrip("\f").split("\f")


def structure(node):
    """Return every element of a structure tree."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, dict):
        if "/S" in node:
            yield node
        children = node.get("/K", [])
        children = children if isinstance(children, list) else [children]
        for child in children:
            yield from structure(child)


def violations(content):
    """Return what a validator has to say against a file that claims to be PDF/UA-1."""
    report = validate_pdf_bytes(content, profile=ValidationProfile.PDF_UA_1)
    return [f"{found.rule_id}: {found.message}" for found in report.failures]


def bookmarks(outline):
    """Return the titles of all bookmarks, in order."""
    for item in outline:
        yield from bookmarks(item) if isinstance(item, list) else [item.title]


def page_of(pages, text):
    """Return the number of the first page that a heading stands on."""
    heading = re.compile(rf"^ *\d* *{text}$", re.M)
    return next(n for n, page in enumerate(pages, 1) if heading.search(page))


def test_the_file_says_what_it_is_called_in_which_language_and_that_it_is_tagged(reader, summary):
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata.title.startswith(summary["report"]["title"])
    assert re.search(rb'pdfuaid:part(="1"|>1<)', reader.xmp_metadata.stream.get_data())


def test_a_validator_finds_nothing_against_pdf_ua(built, troubled):
    assert violations((built.run / "report.pdf").read_bytes()) == []
    assert violations((troubled / "report.pdf").read_bytes()) == []


def test_every_figure_is_tagged_with_its_alt_text(reader, summary):
    tree = reader.trailer["/Root"]["/StructTreeRoot"]
    said = [str(node.get("/Alt")) for node in structure(tree) if node["/S"] == "/Figure"]
    assert said == [f["alt"] for section in summary["sections"] for f in section["figures"]]


def test_cells_of_tables_refer_to_their_heads(reader):
    nodes = list(structure(reader.trailer["/Root"]["/StructTreeRoot"]))
    heads = [str(node["/ID"]) for node in nodes if node["/S"] == "/TH"]
    assert heads
    assert len(heads) == len(set(heads))
    cells = [node for node in nodes if node["/S"] == "/TD"]
    assert {str(head) for cell in cells for head in cell["/A"]["/Headers"]} == set(heads)


def test_words_in_figures_can_be_searched(pages):
    text = " ".join(" ".join(pages).split())
    for label in ("Flux density [", "Right ascension", "Objects in order of value"):
        assert label in text


def test_the_same_run_gives_the_same_pdf(built):
    run = built.run.resolve()
    assert render_pdf(run, read_summary(run)) == (run / "report.pdf").read_bytes()


def test_every_sign_has_a_glyph(tmp_path):
    signs = "M☉ M⊕ M♃ mₑ mₚ 10⁻⁵ ′ ″ µ − × ≤ ≥ α Ω Å ж"
    page = f"{HEAD}<body><h1>{signs}</h1><p><strong>{signs}</strong> <em>{signs}</em></p></body>"
    reader = PdfReader(BytesIO(print_page(page, tmp_path, MADE)))
    glyphs = re.findall(r"<([0-9a-f]+)>", reader.pages[0].get_contents().get_data().decode())
    assert glyphs
    assert not [g for g in glyphs for k in range(0, len(g), 4) if g[k : k + 4] == "0000"]
    assert reader.pages[0].extract_text().count("M☉") == 3


def test_a_space_between_a_sign_and_a_letter_of_another_script_is_no_box(tmp_path):
    page = f"{HEAD}<style>p {{ font-family: {SANS}, {SIGNS} }}</style><p>S ∝ ν</p>"
    content = PdfReader(BytesIO(print_page(page, tmp_path, MADE))).pages[0].get_contents()
    _, space, _, after_the_sign, _ = re.findall(r"<([0-9a-f]+)>", content.get_data().decode())
    assert after_the_sign == space


def test_headings_are_bookmarks_in_order(reader, summary):
    titles = list(bookmarks(reader.outline))
    sections = [section["title"] for section in summary["sections"]]
    assert [title for title in titles if title in sections] == sections


def test_the_contents_give_the_page_each_section_is_on(pages, summary):
    for section in summary["sections"]:
        title = re.escape(section["title"])
        line = re.search(rf"(?:^|  ) *\d+ +{title} +(\d+)(?:$|  )", pages[0], re.M)
        assert line is not None, section["title"]
        assert int(line[1]) == page_of(pages, title)


def test_links_of_the_contents_go_to_the_sections_in_order(reader, summary):
    links = [str(note.get_object()["/Dest"]) for note in reader.pages[0]["/Annots"]]
    sections = [f"section-{section['id']}" for section in summary["sections"]]
    assert links == [*sections, "provenance", "configuration"]
    assert set(links) <= reader.named_destinations.keys()


def test_sections_share_pages_and_begin_where_the_contents_say(built, tmp_path):
    run, n = built.run.resolve(), 70
    record = read_summary(run)
    error = ErrorRecord(kind="error", message="It went wrong", details="", hint="", command="")
    emptied = {"figures": (), "tables": (), "metrics": {}, "findings": ()}
    broken = record.sections[0].model_copy(update={"status": "error", "error": error} | emptied)
    sections = [
        broken.model_copy(update={"id": f"broken_{k}", "title": f"Broken {k}"}) for k in range(n)
    ]
    (tmp_path / "a.pdf").write_bytes(
        render_pdf(run, record.model_copy(update={"sections": tuple(sections)}))
    )
    pages = text_of(tmp_path / "a.pdf")
    assert len(pages) < n / 2
    contents = " ".join(pages[:3])
    for k in range(n):
        page = int(re.search(rf"Broken {k} \(Error\) +(\d+)", contents)[1])
        assert re.search(rf"^ *\d+ +Broken {k} +Error", pages[page - 1], re.M)


def filled(path, folder):
    """Return which part of each page, from its top, has ink on it."""
    subprocess.run(["pdftoppm", "-r", "20", "-gray", path, folder / "page"], check=True)
    parts = []
    for page in sorted(folder.glob("page-*.pgm")):
        with Image.open(page) as opened:
            grey = np.asarray(opened)
        text = grey[round(20 / 297 * len(grey)) : round(279 / 297 * len(grey))]  # within margins
        inked = np.flatnonzero((text < 235).any(axis=1))
        parts.append((inked[-1] + 1) / len(text) if len(inked) else 0.0)
    return parts


def test_at_most_one_page_in_ten_is_less_than_half_full(built, survey, tmp_path):
    if shutil.which("pdftoppm") is None:
        pytest.skip("poppler-utils is not installed")
    done = call(
        CONFIG.with_name("radio.yaml"),
        *("--output", tmp_path / "radio", "--set", "output.formats=[pdf]"),
        env={f"RADIO_{name}": str(survey / file) for name, file in RADIO.items()}
        | {"HOSTS_CATALOGUE": str(survey / "radio.fits")}
        | {"INFRARED_CATALOGUE": str(survey / "swire.fits")},
    )
    assert (tmp_path / "radio/latest/report.pdf").exists(), done.stderr
    for run in (built.run, tmp_path / "radio/latest"):
        folder = tmp_path / f"pages of {run.parent.name}"
        folder.mkdir()
        parts = filled(run / "report.pdf", folder)
        assert len(parts) > 10
        assert sum(part < 0.5 for part in parts) <= len(parts) / 10


def test_a_section_begins_on_a_page_of_which_a_third_is_left(pages, summary):
    titles = [section["title"] for section in summary["sections"]]
    begun = [page_of(pages, re.escape(title)) for title in titles]
    assert len(set(begun)) < len(begun)


def test_a_pdf_for_a_mail_is_smaller_and_says_the_same(built, tmp_path):
    run = built.run.resolve()
    small = render_pdf(run, read_summary(run), small=True)
    assert len(small) < (run / "report.pdf").stat().st_size
    reader = PdfReader(BytesIO(small))
    alts = [n["/Alt"] for n in structure(reader.trailer["/Root"]["/StructTreeRoot"]) if "/Alt" in n]
    assert len(alts) == sum(len(s.figures) for s in read_summary(run).sections)
    assert violations(small) == []


def test_each_page_says_where_it_is(pages, summary):
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
    for page in pages[1:]:
        assert summary["report"]["title"] in page.splitlines()[0]


def test_the_title_page_gives_the_verdict_and_says_that_data_are_synthetic(pages):
    assert "Synthetic data." in pages[0]
    assert "All 10 sections were computed." in pages[0]


def test_every_font_is_embedded_and_ours(built):
    if shutil.which("pdffonts") is None:
        pytest.skip("poppler-utils is not installed")
    done = subprocess.run(
        ["pdffonts", built.run / "report.pdf"], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in done.stdout.splitlines()[2:]]
    assert rows
    ours = {family.replace(" ", "") for family, _, _ in FONT_FILES}
    for name, *_, embedded, _subset, _unicode, _number, _generation in rows:
        assert embedded == "yes", name
        assert any(family in name.replace("-", "") for family in ours), name


def test_the_sheet_is_a4_unless_letter_is_asked_for(reader, project):
    box = reader.pages[0].mediabox
    assert (round(float(box.width)), round(float(box.height))) == (595, 842)
    done = project.build("--set", "output.formats=[pdf]", "--set", "output.paper=letter")
    assert done.returncode == 0, done.stderr
    box = PdfReader(project.latest / "report.pdf").pages[0].mediabox
    assert (round(float(box.width)), round(float(box.height))) == (612, 792)


def test_a_long_table_is_cut_with_a_word_and_attached_whole(project):
    columns = [f"c{k}" for k in range(60)]
    project.write(**{name: [k + 0.25, k + 1.5] for k, name in enumerate(columns)})
    project.columns = {name: {"dataset": name} for name in columns}
    section = {
        "analysis": "overview",
        "catalogue": "stars",
        "title": "All",
        "columns": columns,
    }
    project.configure({"all": section}, output={"folder": "out", "formats": ["pdf"]})
    done = project.build()
    assert done.returncode == 0, done.stderr
    reader = PdfReader(project.latest / "report.pdf")
    text = " ".join("".join(page.extract_text() for page in reader.pages).split())
    assert "The first 40 of 60 rows" in text
    ((name, content),) = reader.attachments.items()
    assert name.endswith(".csv")
    assert content[0] == (project.latest / "sections/all/tables/columns.csv").read_bytes()


# WeasyPrint leaves the file of its colour profile to be closed by Python.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_pdf_for_archives_carries_the_record_and_the_tables(built):
    run = built.run.resolve()
    record = read_summary(run)
    archived = {"pdf_standard": "a-3a"}
    configuration = record.configuration.model_copy(update=archived)
    some = record.sections[:2]
    record = record.model_copy(update={"configuration": configuration, "sections": some})
    content = render_pdf(run, record)
    report = validate_pdf_bytes(content, profile=ValidationProfile.PDF_A_3A)
    # Data that end in a carriage return are counted one too short: it is taken for part of the end
    # of the line before `endstream`.
    mistaken = {"PDFA3A-STREAM-LENGTH-001"}
    assert {found.rule_id for found in report.failures} <= mistaken
    attached = PdfReader(BytesIO(content)).attachments
    tables = {f"{s.id}-{t.id}.ecsv" for s in record.sections for t in s.tables}
    assert set(attached) == {"summary.json", *tables}
    assert Summary.model_validate_json(attached["summary.json"][0]) == record
    assert render_pdf(run, record) == content


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "http://127.0.0.1:9/x.png", "../outside.svg", "link.svg"],
    ids=["another file", "network", "above the run", "a link out of the run"],
)
def test_nothing_is_fetched_from_outside_the_run_folder(tmp_path, address):
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "outside.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (run / "link.svg").symlink_to(tmp_path / "outside.svg")
    page = f'{HEAD}<body><h1>T</h1><img src="{address}" alt="A"></body></html>'
    with pytest.raises(SectionError, match="run folder"):
        print_page(page, run, MADE)


@pytest.mark.parametrize(
    "page",
    [
        f'{HEAD}<body><h1>T</h1><img src="data:image/svg+xml,%3Csvg%20xmlns=%22http://www.w3.org/'
        '2000/svg%22%20width=%2210%22%20height=%2210%22/%3E"></body></html>',
        HEAD.replace(' lang="en"', "") + "<body><h1>T</h1></body></html>",
    ],
    ids=["alt text", "language"],
)
def test_what_a_screen_reader_needs_is_not_left_out_quietly(tmp_path, page):
    with pytest.raises(SectionError, match="cannot be printed as it should"):
        print_page(page, tmp_path, MADE)

"""report.pdf as readers, screen readers and printers meet it."""

import re
import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from reportgen.errors import SectionError
from reportgen.render.pdf_printing import printer
from reportgen.style import FONT_FILES

MADE = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = '<html lang="en"><head><meta charset="utf-8"><title>T</title></head>'


@pytest.fixture(scope="module")
def reader(built):
    return PdfReader(built.run / "report.pdf")


@pytest.fixture(scope="module")
def pages(built):
    """The text of each page, as poppler lays it out."""
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler-utils is not installed")
    done = subprocess.run(
        ["pdftotext", "-layout", built.run / "report.pdf", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.rstrip("\f").split("\f")


def structure(node):
    """Give every element of a structure tree."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, dict):
        if "/S" in node:
            yield node
        children = node.get("/K", [])
        children = children if isinstance(children, list) else [children]
        for child in children:
            yield from structure(child)


def print_page(page, run):
    with printer(run, MADE) as printing:
        return printing.print(page).content


def bookmarks(outline):
    """Give the titles of all bookmarks, in order."""
    for item in outline:
        yield from bookmarks(item) if isinstance(item, list) else [item.title]


def page_of(pages, text):
    """Give the number of the first page, after the cover, that a heading stands on."""
    found = [
        n for n, page in enumerate(pages, 1) if n > 1 and re.search(rf"^ *{text}$", page, re.M)
    ]
    return found[0]


def test_the_file_says_what_it_is_called_in_which_language_and_that_it_is_tagged(reader, summary):
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata.title.startswith(summary["report"]["title"])
    assert re.search(rb'pdfuaid:part(="1"|>1<)', reader.xmp_metadata.stream.get_data())


def test_every_figure_is_tagged_with_its_alt_text(reader, summary):
    tree = reader.trailer["/Root"]["/StructTreeRoot"]
    said = [str(node["/Alt"]) for node in structure(tree) if node.get("/Alt")]
    for section in summary["sections"]:
        for figure in section["figures"]:
            assert figure["alt"] in said


def test_headings_are_bookmarks_in_order(reader, summary):
    titles = list(bookmarks(reader.outline))
    sections = [section["title"] for section in summary["sections"]]
    assert [title for title in titles if title in sections] == sections


def test_the_contents_give_the_page_each_section_is_on(pages, summary):
    for section in summary["sections"]:
        title = re.escape(section["title"])
        line = re.search(rf"^ *{title} +(\d+)$", pages[0], re.M)
        assert line is not None, section["title"]
        assert int(line[1]) == page_of(pages, title)


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
    project.write(**{name: [float(k), k + 1.0] for k, name in enumerate(columns)})
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
        print_page(page, run)


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
        print_page(page, tmp_path)

"""report.pdf is printed in parts, which are kept, shared between processes, and joined."""

import os
import shutil
import signal
import subprocess
from io import BytesIO

import pikepdf
import pytest

from reportgen.errors import SectionError
from reportgen.render import pdf_cover, pdf_parts
from reportgen.render.pdf import MOST_ROWS, render_pdf
from reportgen.render.pdf_parts import parts_after_the_cover
from reportgen.render.pdf_printing import Printer
from reportgen.render.view import report_view
from reportgen.store import Store
from reportgen.summary import ErrorRecord, Summary, read_summary


@pytest.fixture(scope="module")
def run(built):
    return built.run.resolve()


@pytest.fixture(scope="module")
def record(run) -> Summary:
    return read_summary(run)


@pytest.fixture(scope="module")
def kept(run, record, tmp_path_factory):
    """A store in which all parts of the run are, and the PDF that was made of them."""
    store = Store(tmp_path_factory.mktemp("parts"))
    return store, render_pdf(run, record, store)


@pytest.fixture(scope="module")
def pdf(kept):
    with pikepdf.open(BytesIO(kept[1])) as opened:
        yield opened


def entries(store):
    return {path: path.stat().st_mtime_ns for path in store.folder.glob("[0-9a-f][0-9a-f]/*")}


def elements(pdf):
    """Give the elements of the structure tree from top to bottom, each with the one above it."""
    waiting = [(pdf.Root.StructTreeRoot.K[0], pdf.Root.StructTreeRoot)]
    while waiting:
        element, above = waiting.pop()
        yield element, above
        kids = [kid for kid in element.get("/K", []) if isinstance(kid, pikepdf.Dictionary)]
        waiting += [(kid, element) for kid in reversed(kids) if "/S" in kid]


def with_changes(record, **changes):
    """Give the record with another text of its first section."""
    first, *others = record.sections
    changed = first.model_copy(update=changes)
    return record.model_copy(update={"sections": (changed, *others)})


def broken(record, n):
    """Give a record of which all sections but n failed."""
    error = ErrorRecord(kind="error", message="It went wrong", details="", hint="", command="")
    failed = record.sections[0].model_copy(
        update={
            "status": "error",
            "error": error,
            "figures": (),
            "tables": (),
            "metrics": {},
            "findings": (),
        }
    )
    more = tuple(
        failed.model_copy(update={"id": f"broken_{k}", "title": f"Broken {k}"}) for k in range(n)
    )
    return record.model_copy(update={"sections": (record.sections[1], *more)})


def test_a_part_that_has_not_changed_is_not_printed_again(run, record, kept):
    store, before = kept
    there = entries(store)
    others = ("provenance", "configuration", "margins", "how many pages each has")
    assert len(there) == len(record.sections) + len(others)
    assert render_pdf(run, record, store) == before
    assert entries(store).keys() == there.keys()


def test_another_date_is_told_without_printing_the_sections_again(run, record, kept):
    store, _ = kept
    there = entries(store)
    later = record.run.model_copy(update={"started": "2031-02-03T04:05:06+00:00"})
    made = render_pdf(run, record.model_copy(update={"run": later}), store)
    assert len(entries(store).keys() - there.keys()) == 1, "the provenance alone"
    with pikepdf.open(BytesIO(made)) as pdf:
        assert "3 February 2031" in str(pdf.docinfo.Title)


def test_what_has_changed_is_printed_again_and_nothing_else(run, record, kept):
    store, before = kept
    there = entries(store)
    changed = with_changes(record, text="Another text")
    assert render_pdf(run, changed, store) != before
    assert len(entries(store).keys() - there.keys()) == 1


def test_another_figure_is_another_part(run, record, kept, tmp_path):
    store, _ = kept
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    there = entries(store)
    figures = [figure for section in record.sections for figure in section.figures]
    (copy / figures[0].files["pdf"]).write_bytes((run / figures[1].files["pdf"]).read_bytes())
    render_pdf(copy, record, store)
    assert len(entries(store).keys() - there.keys()) == 1


def test_a_damaged_part_is_printed_again(run, record, kept, tmp_path):
    store, before = kept
    copied = Store(tmp_path / "parts")
    shutil.copytree(store.folder, copied.folder)
    copied.folder.chmod(0o700)
    victim = next(iter(entries(copied)))
    victim.write_bytes(victim.read_bytes()[:-1])
    assert render_pdf(run, record, copied) == before


def test_several_processes_print_the_same(run, record, kept, tmp_path):
    store, before = kept
    shared = Store(tmp_path / "parts")
    assert render_pdf(run, record, shared, processes=3) == before
    made = {path.name for path in entries(shared)}
    assert len(made) == len(record.sections) + 4
    assert made <= {path.name for path in entries(store)}


@pytest.fixture
def printed_here(monkeypatch):
    """Give the kinds of what this process has printed, and no copy of it."""
    kinds, here = [], os.getpid()
    show = Printer.print

    def watched(self, page, *arguments, **named):
        if os.getpid() == here:
            kinds.append("cover" if '<meta name="author"' in page else "part")
        return show(self, page, *arguments, **named)

    monkeypatch.setattr(Printer, "print", watched)
    return kinds


def cover_key(run, record):
    return pdf_cover._key(parts_after_the_cover(report_view(run, record, MOST_ROWS)))


def test_the_cover_is_printed_beside_the_parts_when_their_pages_are_those_of_before(
    run, record, kept, printed_here
):
    store, _ = kept
    changed = with_changes(record, text="A text that nobody has read")
    alone = render_pdf(run, changed)
    assert "cover" in printed_here
    printed_here.clear()
    assert render_pdf(run, changed, store, processes=2) == alone
    assert printed_here == ["part"]


@pytest.mark.parametrize("told", [b"[]", b"nothing of ours", b"7", b"[[1, {}]]"])
def test_a_cover_with_wrong_pages_is_not_taken(run, record, kept, tmp_path, told):
    store, before = Store(tmp_path), kept[1]
    store.put(cover_key(run, record), told)
    assert render_pdf(run, record, store, processes=2) == before
    assert render_pdf(run, record, store, processes=2) == before


def print_or_die(record, run, store, fate):
    """Print in two processes, of which the second meets its fate while it prints."""
    here = os.getpid()
    printed = pdf_parts.PartPrinter._print

    def with_fate(self, part):
        if os.getpid() != here:
            fate()
        return printed(self, part)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pdf_parts.PartPrinter, "_print", with_fate)
        return render_pdf(run, record, store, processes=2)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def raise_error():
    raise RuntimeError("it went wrong")


@pytest.mark.parametrize("fate", [die, raise_error])
def test_a_process_that_fails_while_it_prints_holds_up_nothing(run, record, kept, tmp_path, fate):
    _, before = kept
    assert print_or_die(record, run, Store(tmp_path / "parts"), fate) == before


def test_parts_that_the_disk_refuses_are_printed_all_the_same(run, record, kept, tmp_path):
    _, before = kept
    (tmp_path / "file").write_text("no folder")
    assert render_pdf(run, record, Store(tmp_path / "file" / "parts")) == before


def test_what_cannot_be_printed_is_said(run, record, tmp_path):
    first = record.sections[0]
    silent = tuple(figure.model_copy(update={"alt": ""}) for figure in first.figures)
    with pytest.raises(SectionError, match="has no required alt description"):
        render_pdf(run, with_changes(record, figures=silent), Store(tmp_path))


def test_each_piece_of_content_belongs_to_the_element_that_has_it(pdf):
    """What a screen reader follows from the tags to the pages, and back."""
    owners = list(pdf.Root.StructTreeRoot.ParentTree.Nums)
    numbers, owners = list(map(int, owners[::2])), owners[1::2]
    assert numbers == list(range(len(owners)))
    said = {}
    for element, above in elements(pdf):
        assert above == element.P
        for kid in element.get("/K", []):
            if isinstance(kid, int):
                said[element.Pg.objgen, kid] = element.objgen
    for page in pdf.pages:
        on_page = owners[int(page.StructParents)]
        marks = [
            int(operands[1]["/MCID"])
            for operands, operator in pikepdf.parse_content_stream(page)
            if str(operator) == "BDC" and "/MCID" in operands[1]
        ]
        assert sorted(marks) == list(range(len(on_page)))
        for mark in marks:
            assert said[page.objgen, mark] == on_page[mark].objgen
        for note in page.get("/Annots", []):
            owner = owners[int(note.StructParent)]
            assert any(kid.get("/Obj") == note for kid in owner.K if not isinstance(kid, int))


def test_the_heads_of_tables_have_names_of_their_own(pdf):
    heads = [str(each.ID) for each, _ in elements(pdf) if each.S == "/TH"]
    assert heads
    assert len(heads) == len(set(heads))
    referred = {
        str(head) for each, _ in elements(pdf) if each.S == "/TD" for head in each.A.Headers
    }
    assert referred == set(heads)


def test_links_of_the_contents_go_to_the_section_they_name(pdf, record):
    places = list(pdf.Root.Names.Dests.Names)
    found = {str(name): place[0] for name, place in zip(places[::2], places[1::2], strict=True)}
    links = [str(note.Dest) for note in pdf.pages[0].Annots]
    assert links == [*(f"section-{s.id}" for s in record.sections), "provenance", "configuration"]
    pages = [page.objgen for page in pdf.pages]
    at = [pages.index(found[link].objgen) for link in links]
    assert at == sorted(at)
    assert at[0] == 1
    assert list(map(str, places[::2])) == sorted(map(str, places[::2])), "a name tree is sorted"
    said = [str(note.Contents) for note in pdf.pages[0].Annots]
    titles = [section.title for section in record.sections]
    assert said == [*titles, "Inputs and provenance", "Configuration as used"]
    assert not any("/A" in note for note in pdf.pages[0].Annots)


def test_margins_are_passed_over_by_a_screen_reader(pdf):
    for number, page in enumerate(pdf.pages):
        first, *_ = pikepdf.parse_content_stream(page)
        assert str(first.operator) == "BDC"
        assert str(first.operands[0]) == "/Artifact"
        assert f"/Margins{number}" in page.Resources.XObject
    with pdf.open_outline() as outline:
        (title,) = outline.root
        assert [item.title for item in title.children][-1] == "Configuration as used"


def text_of(content, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler-utils is not installed")
    (tmp_path / "a.pdf").write_bytes(content)
    done = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "a.pdf", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.rstrip("\f").split("\f")


def test_sections_of_words_alone_share_pages_and_are_found_where_the_contents_say(
    run, record, tmp_path
):
    n = 70  # so that the contents are longer than a page
    pages = text_of(render_pdf(run, broken(record, n)), tmp_path)
    assert len(pages) < n / 2
    contents = "\n".join(pages[:3])
    for k in range(n):
        line = next(
            line for line in contents.splitlines() if line.strip().startswith(f"Broken {k} ")
        )
        page = int(line.split()[-1])
        assert any(text.split()[:2] == ["Broken", str(k)] for text in pages[page - 1].splitlines())
    assert "Page 2 of" in pages[1]
    assert record.report.title in pages[1].splitlines()[0]
    beginning = [line for line in pages[4].splitlines() if line.strip().startswith("Broken")]
    assert pages[4].splitlines()[0].split()[-3:] == beginning[0].split()[:3]


def test_sections_with_figures_are_parts_of_their_own(run, record):
    view = report_view(run, broken(record, 3), MOST_ROWS)
    parts = parts_after_the_cover(view)
    assert [part.id for part in parts] == [
        f"section-{record.sections[1].id}",
        "provenance",
        "configuration",
    ]
    assert [*parts[0].headings.values()][1:] == [f"Broken {k} Error" for k in range(3)]

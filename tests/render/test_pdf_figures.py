from io import BytesIO

import numpy as np
import pikepdf
import pypdfium2
import pytest

from reportgen.errors import SectionError
from reportgen.render.pdf import render_pdf
from reportgen.render.pdf_figures import Figures
from reportgen.summary import read_summary


@pytest.fixture(scope="module")
def printed(built):
    """The PDF of the run, made from its folder."""
    run = built.run.resolve()
    return render_pdf(run, read_summary(run))


def streams(pdf):
    return [each for each in pdf.objects if isinstance(each, pikepdf.Stream)]


def test_the_figures_of_the_run_are_in_the_pdf_as_they_are(built, printed, summary):
    figures = [figure for section in summary["sections"] for figure in section["figures"]]
    with pikepdf.open(BytesIO(printed)) as pdf:
        inside = {s.read_bytes() for s in streams(pdf) if s.get("/Subtype") == "/Form"}
        assert not any("/ReportgenFigure" in each for each in streams(pdf))
    for figure in figures:
        with pikepdf.open(built.run / figure["files"]["pdf"]) as drawn:
            content = b"".join(part.read_bytes() for part in [drawn.pages[0].Contents])
        assert content in inside, figure["id"]


def test_a_figure_is_where_the_page_has_room_for_it(printed):
    """A figure that went astray would leave white where its page has a figure."""
    document = pypdfium2.PdfDocument(printed)
    text = [page.get_textpage().get_text_range() for page in document]
    number = next(n for n, said in enumerate(text) if "Surface density" in said)
    picture = np.asarray(document[number].render(scale=1).to_pil().convert("RGB")).astype(int)
    coloured = (picture.max(axis=2) - picture.min(axis=2)) > 60
    rows, columns = np.nonzero(coloured)
    assert coloured.mean() > 0.1, "no map on the page of the map"
    assert columns.min() > 0
    assert columns.max() < picture.shape[1] - 1
    assert rows.max() < picture.shape[0] - 1
    document.close()


def test_the_same_run_gives_the_same_pdf(built, printed):
    run = built.run.resolve()
    assert render_pdf(run, read_summary(run)) == printed


def test_figures_keep_their_alternative_text(printed, summary):
    wanted = {figure["alt"] for section in summary["sections"] for figure in section["figures"]}
    with pikepdf.open(BytesIO(printed)) as pdf:
        said = {
            str(each.Alt)
            for each in pdf.objects
            if isinstance(each, pikepdf.Dictionary) and "/Alt" in each
        }
    assert wanted <= said


def test_a_figure_that_is_no_pdf_is_named(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4 and nothing more")
    with pytest.raises(SectionError, match=r"a\.pdf: cannot be read as a PDF"):
        Figures(tmp_path, [{"svg": "a.svg", "pdf": "a.pdf"}])


def test_a_figure_without_a_pdf_is_left_to_weasyprint(tmp_path):
    assert Figures(tmp_path, [{"svg": "a.svg"}]).stand_ins == {}

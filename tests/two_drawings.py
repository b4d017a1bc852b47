"""What matplotlib itself makes of a figure in two drawings, to hold one drawing for both to."""

from io import BytesIO

import numpy as np
import pikepdf
from PIL import Image

from reportgen.render.drawings import (
    forms_by_matplotlib,
    png_of,
    quick_fonts,
    settled_layout,
    small_images,
)
from reportgen.render.twofold import draw_twofold
from reportgen.style import house_style

APART = 0.1  # points: PDF rounds the widths of letters to 1/64 point, which SVG does not
TITLE = "A figure <b>"
TOLD = {"svg": {"Date": None, "Title": TITLE}, "pdf": {"CreationDate": None, "Title": TITLE}}


def check_drawn_twofold(drawing):
    """Check that one drawing gives the files of two.

    SVG: the same bytes. PDF: the same operators, and numbers that are nearly the same, since text
    is measured once for both.
    """
    with house_style(), quick_fonts(), small_images(), settled_layout(drawing):
        dpi = drawing.dpi
        made = draw_twofold(drawing, 300, **TOLD)
        assert drawing.dpi == dpi
        asked = forms_by_matplotlib(drawing, TOLD)
    assert made["svg"] == asked["svg"]
    check_pdf(made["pdf"], asked["pdf"])


def check_pdf(made, asked):
    with pikepdf.open(BytesIO(made)) as one, pikepdf.open(BytesIO(asked)) as two:
        assert one.docinfo["/Title"] == TITLE
        assert len(one.objects) == len(two.objects)
        first, second = (pikepdf.parse_content_stream(pdf.pages[0]) for pdf in (one, two))
        assert [str(said.operator) for said in first] == [str(said.operator) for said in second]
        for here, there in zip(first, second, strict=True):
            for a, b in zip(flat(here.operands), flat(there.operands), strict=True):
                assert a == b or abs(float(a) - float(b)) < APART, (here, there)
    painted = [np.asarray(Image.open(BytesIO(png_of(pdf, 110, "t")))) for pdf in (made, asked)]
    assert np.abs(painted[0].astype(int) - painted[1].astype(int)).mean() < 0.5


def flat(operands):
    for each in operands:
        if isinstance(each, pikepdf.Array):
            yield from flat(each)
        else:
            yield each

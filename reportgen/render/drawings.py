"""What makes saving one drawing in several forms quick, with the same result."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LAYOUT_DPI = 72  # that of SVG and PDF, which have no pixels of their own


@contextmanager
def settled_layout(drawing: "Figure") -> Iterator[None]:
    """Place everything once for what is saved inside; else matplotlib does it for every form."""
    import matplotlib as mpl

    engine = drawing.get_layout_engine()
    if engine is not None and drawing.axes:
        dpi = drawing.dpi
        drawing.dpi = _LAYOUT_DPI
        engine.execute(drawing)
        drawing.dpi = dpi
    with mpl.rc_context({"figure.constrained_layout.use": False, "figure.autolayout": False}):
        drawing.set_layout_engine(None)  # which would mean the one that is switched off here
        yield


def png_of(pdf: bytes, dpi: int, title: str) -> bytes:
    """Give the picture of the one page of a PDF, on white, as PNG.

    PDFium paints it in a quarter of the time in which matplotlib draws everything once more. Runs
    of like pixels are all that is looked for to make it short: that halves the time of a PNG, and
    adds an eighth to its length.
    """
    import pypdfium2
    from PIL.Image import RLE
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_text("Title", title)
    buffer = BytesIO()
    with pypdfium2.PdfDocument(pdf) as document:
        painted = document[0].render(scale=dpi / _LAYOUT_DPI).to_pil()
        painted.convert("RGB").save(buffer, "PNG", dpi=(dpi, dpi), pnginfo=told, compress_type=RLE)
    return buffer.getvalue()


@contextmanager
def quick_fonts() -> Iterator[None]:
    """Let HarfBuzz cut the fonts of PDF files down to their glyphs.

    Matplotlib asks fontTools, which takes nine tenths of the time of a PDF for it, and has no
    option to ask another. Versions that ask otherwise are left alone.
    """
    from matplotlib.backends import _backend_pdf_ps as writers

    if not hasattr(writers, "SubsetResults"):
        yield
        return
    before = writers.get_glyphs_subset
    writers.get_glyphs_subset = _subset
    try:
        yield
    finally:
        writers.get_glyphs_subset = before


def _subset(fontfile: Any, glyphs: Any) -> Any:
    """Stand in for matplotlib's function of this purpose: a font with some glyphs of another."""
    import uharfbuzz
    from fontTools.ttLib import TTFont
    from matplotlib.backends._backend_pdf_ps import SubsetResults

    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(fontfile)), fontfile.face_index)
    chosen = uharfbuzz.SubsetInput()
    chosen.sets(uharfbuzz.SubsetInputSets.GLYPH_INDEX).set({int(glyph) for glyph in glyphs})
    # Of OpenType, to choose and place glyphs: matplotlib has done both when it writes a PDF.
    shaping = {int.from_bytes(tag.encode(), "big") for tag in ("GSUB", "GPOS", "GDEF", "BASE")}
    chosen.sets(uharfbuzz.SubsetInputSets.DROP_TABLE_TAG).update(shaping)
    plan = uharfbuzz.SubsetPlan(face, chosen)
    font = TTFont(BytesIO(plan.execute().blob.data), recalcTimestamp=False, lazy=True)
    return SubsetResults(font, dict(plan.old_to_new_glyph_mapping))._as_cm()

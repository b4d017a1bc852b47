"""What makes saving one drawing in several forms quick, with the same result."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from io import BytesIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from reportgen.render.letters import POINTS
from reportgen.render.png import png
from reportgen.render.twofold import Measuring, draw_twofold, is_known

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_COLOURS = 256  # that a palette has room for
SMALL = 20_000  # pixels; below, a palette may be longer than the image


def vector_forms(drawing: "Figure", title: str) -> dict[str, bytes]:
    """Give a figure as SVG and as PDF, which say no time; in the house style."""
    import matplotlib as mpl

    told = {
        "svg": {"Date": None, "Title": title},
        "pdf": {"CreationDate": None, "Title": title},
    }
    with quick_fonts(), small_images(), settled_layout(drawing):
        if is_known():
            with suppress(Exception):  # of a figure that cannot be drawn, matplotlib says it better
                return draw_twofold(drawing, mpl.rcParams["savefig.dpi"], **told)
        return forms_by_matplotlib(drawing, told)


def forms_by_matplotlib(drawing: "Figure", told: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """Give a figure in several forms, each drawn anew. told: metadata of each."""
    made = {}
    for form, metadata in told.items():
        buffer = BytesIO()
        drawing.savefig(buffer, format=form, metadata=metadata)
        made[form] = buffer.getvalue()
    return made


@contextmanager
def settled_layout(drawing: "Figure") -> Iterator[None]:
    """Place everything once for what is saved inside; else matplotlib does it for every form."""
    import matplotlib as mpl

    engine = drawing.get_layout_engine()
    if engine is not None and drawing.axes:
        dpi = drawing.dpi
        drawing.dpi = POINTS
        with _measured_as_drawn(drawing) if is_known() else nullcontext():
            engine.execute(drawing)
        drawing.dpi = dpi
    with mpl.rc_context({"figure.constrained_layout.use": False, "figure.autolayout": False}):
        drawing.set_layout_engine(None)  # which would mean the one that is switched off here
        yield


@contextmanager
def _measured_as_drawn(drawing: "Figure") -> Iterator[None]:
    """Let text be measured as it is drawn, and once for both; else it is in whole pixels."""
    width, height = drawing.get_size_inches()
    canvas: Any = drawing.canvas
    canvas.get_renderer = lambda: Measuring((width * POINTS, height * POINTS))
    try:
        yield
    finally:
        del canvas.get_renderer


@contextmanager
def small_images() -> Iterator[None]:
    """Let images of few colours in SVG have a palette, as they have in PDF.

    That halves their size, and they are packed in a tenth of the time.
    """
    from matplotlib.backends import backend_svg

    module: Any = backend_svg
    before = getattr(module, "Image", None)
    if before is None:  # a version that writes images otherwise
        yield
        return
    module.Image = SimpleNamespace(fromarray=_with_palette)
    try:
        yield
    finally:
        module.Image = before


def _with_palette(pixels: NDArray[np.uint8]) -> Any:
    """Give an image of RGBA, with the same colours in a palette where these are few."""
    from PIL import Image

    image = Image.fromarray(pixels)
    found = image.getcolors(MOST_COLOURS) if image.mode == "RGBA" else None
    if not found or len(pixels) * len(pixels[0]) < SMALL:
        return image
    colours = np.sort(np.array([colour for _, colour in found], np.uint8).view(np.uint32).ravel())
    packed = np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
    small = Image.fromarray(np.searchsorted(colours, packed).astype(np.uint8)).convert("P")
    small.putpalette(colours.view(np.uint8).tobytes(), "RGBA")
    return small


def png_of(pdf: bytes, dpi: int, title: str) -> bytes:
    """Give the picture of the one page of a PDF, on white, as PNG.

    PDFium paints it in a quarter of the time in which matplotlib draws everything once more.
    """
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        painted = document[0].render(scale=dpi / POINTS, rev_byteorder=True)
        return png(painted.to_numpy(), dpi, title)


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
    from matplotlib.backends._backend_pdf_ps import SubsetResults

    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(fontfile)), fontfile.face_index)
    chosen = uharfbuzz.SubsetInput()
    chosen.sets(uharfbuzz.SubsetInputSets.GLYPH_INDEX).set({int(glyph) for glyph in glyphs})
    # Of OpenType, to choose and place glyphs: matplotlib has done both when it writes a PDF.
    shaping = {int.from_bytes(tag.encode(), "big") for tag in ("GSUB", "GPOS", "GDEF", "BASE")}
    chosen.sets(uharfbuzz.SubsetInputSets.DROP_TABLE_TAG).update(shaping)
    plan = uharfbuzz.SubsetPlan(face, chosen)
    font: Any = _FontProgram(plan.execute().blob.data)
    return SubsetResults(font, dict(plan.old_to_new_glyph_mapping))._as_cm()


@dataclass(frozen=True)
class _FontProgram:
    """A font as matplotlib asks fontTools for it: only to save it."""

    content: bytes

    def save(self, file: BytesIO, **_: Any) -> None:
        file.write(self.content)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

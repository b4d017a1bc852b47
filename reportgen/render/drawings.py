"""What makes saving one drawing in several forms quick, with the same result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Of OpenType, to choose and place glyphs: matplotlib has done both when it writes a PDF.
_SHAPING = ("GSUB", "GPOS", "GDEF", "BASE", "JSTF")
_LAYOUT_DPI = 72  # that of SVG and PDF, which have no pixels of their own


def settle_layout(drawing: "Figure") -> None:
    """Place everything once and for all; else matplotlib does it anew for every form."""
    import matplotlib as mpl

    dpi = drawing.dpi
    drawing.dpi = _LAYOUT_DPI
    drawing.draw_without_rendering()
    drawing.dpi = dpi
    with mpl.rc_context({"figure.constrained_layout.use": False, "figure.autolayout": False}):
        drawing.set_layout_engine(None)


@contextmanager
def plain_fonts() -> Iterator[None]:
    """Let fonts in PDF files go without tables that nobody reads there.

    To cut those down to a figure's glyphs took four fifths of the time of its PDF, and matplotlib
    has no option for it.
    """
    from fontTools import subset

    load: Callable[..., Any] = subset.load_font

    def load_plain(*given: Any, **options: Any) -> Any:
        font = load(*given, **options)
        for table in _SHAPING:
            if table in font:
                del font[table]
        return font

    subset.load_font = load_plain
    try:
        yield
    finally:
        subset.load_font = load

"""One drawing that is written as SVG and as PDF in one go, with the same places in both.

Matplotlib goes through everything that is drawn once for each form: it places ticks, measures and
sets out text, makes paths. Most of that is the same for both forms and takes longer than to write
them.
"""

from functools import lru_cache
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.render.letters import POINTS, Font, letters_of_paths, letters_placed_once, opened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What matplotlib's artists may ask of a renderer. Where there is more, it is no longer known here.
ASKED = frozenset(
    {
        "close_group",
        "draw_gouraud_triangles",
        "draw_image",
        "draw_markers",
        "draw_path",
        "draw_path_collection",
        "draw_quad_mesh",
        "draw_tex",
        "draw_text",
        "flipy",
        "get_canvas_width_height",
        "get_image_magnification",
        "get_texmanager",
        "get_text_width_height_descent",
        "new_gc",
        "open_group",
        "option_image_nocomposite",
        "option_scale_image",
        "points_to_pixels",
        "start_filter",
        "start_rasterizing",
        "stop_filter",
        "stop_rasterizing",
    }
)
_VERTICAL = (  # the tables of a font that say how high its lines are, as matplotlib looks for them
    ("OS/2", "sTypoLineGap", "sTypoAscender", "sTypoDescender"),
    ("hhea", "lineGap", "ascent", "descent"),
)


def is_known() -> bool:
    """Say whether matplotlib's renderers are those that are known here."""
    from matplotlib.backend_bases import RendererBase

    return {name for name in dir(RendererBase) if not name.startswith("_")} == ASKED


def draw_twofold(
    drawing: "Figure", dpi: float, svg: dict[str, Any], pdf: dict[str, Any]
) -> dict[str, bytes]:
    """Draw a figure whose layout is settled; give it as SVG and as PDF.

    dpi: resolution of what is rasterized. svg, pdf: metadata, as matplotlib takes them.
    """
    from matplotlib.backends import backend_mixed, backend_pdf, backend_svg

    # Their classes have no types.
    mixed, for_pdf, for_svg = map(_untyped, (backend_mixed, backend_pdf, backend_svg))
    width, height = drawing.get_size_inches()
    size = width * POINTS, height * POINTS
    text, pages = StringIO(), BytesIO()
    file = for_pdf.PdfFile(pages, metadata=pdf)
    before = drawing.dpi
    try:
        drawing.dpi = POINTS
        file.newPage(width, height)
        svg_renderer = for_svg.RendererSVG(*size, text, image_dpi=dpi, metadata=svg)
        svg_renderer._text2path = letters_of_paths()
        pdf_renderer = for_pdf.RendererPdf(file, dpi, height, width)
        both = Twofold(size, svg_renderer, pdf_renderer)
        renderer = mixed.MixedModeRenderer(drawing, width, height, dpi, both)
        with letters_placed_once(pdf_renderer):
            drawing.draw(renderer)
        renderer.finalize()
        file.finalize()
    finally:
        drawing.dpi = before
        file.close()
    return {"svg": text.getvalue().encode(), "pdf": pages.getvalue()}


def _untyped(module: Any) -> Any:
    return module


class Measuring:
    """What artists ask to find their places; draws nothing. The y axis points up, as in PDF."""

    def __init__(self, size: tuple[float, float]) -> None:
        self._size = size
        self._raster_depth = 0
        self._rasterizing = False
        self._text2path = letters_of_paths()

    def flipy(self) -> bool:
        """Say whether y points down."""
        return False

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Give the size of the figure in points."""
        return self._size

    def points_to_pixels(self, points: Any) -> Any:
        """Give points in units of the figure, which are points."""
        return points

    def get_text_width_height_descent(
        self, text: str, font: Any, ismath: Any
    ) -> tuple[float, float, float]:
        """Measure text, without rounding to pixels."""
        return _measured(text, Font(font), ismath)

    def _get_font_height_metrics(self, font: Any) -> tuple[float | None, ...]:
        return _vertical(Font(font))

    def option_image_nocomposite(self) -> bool:
        """Say whether images are left apart."""
        import matplotlib as mpl

        return not mpl.rcParams["image.composite_image"]

    def option_scale_image(self) -> bool:
        """Say whether images may have a resolution of their own."""
        return True

    def get_image_magnification(self) -> float:
        """Give the pixels of images to a point."""
        return 1.0

    def get_texmanager(self) -> Any:
        """Give what sets text in TeX."""
        from matplotlib.texmanager import TexManager

        return TexManager()

    def new_gc(self) -> Any:
        """Give a graphics context."""
        from matplotlib.backend_bases import GraphicsContextBase

        return GraphicsContextBase()

    def _nothing(self, *_: Any, **__: Any) -> None:
        pass

    draw_path = draw_markers = draw_path_collection = draw_quad_mesh = _nothing
    draw_gouraud_triangles = draw_image = draw_text = draw_tex = _nothing
    open_group = close_group = start_rasterizing = stop_rasterizing = _nothing
    start_filter = stop_filter = _nothing


def _both(name: str) -> Any:
    """Give a method that has both renderers do what it is called."""

    def method(self: "Twofold", *arguments: Any, **named: Any) -> None:
        for renderer in self.renderers:
            getattr(renderer, name)(*arguments, **named)

    return method


class Twofold(Measuring):
    """Hands what is drawn to matplotlib's renderers of SVG and of PDF.

    SVG comes first: PDF changes the graphics context, which is one that both understand.
    """

    def __init__(self, size: tuple[float, float], svg: Any, pdf: Any) -> None:
        super().__init__(size)
        self._svg, self._pdf = self.renderers = svg, pdf

    def get_image_magnification(self) -> float:
        """Give the pixels of images to a point."""
        return float(self._svg.get_image_magnification())

    def new_gc(self) -> Any:
        """Give a graphics context; that of PDF is one of SVG, and more."""
        return self._pdf.new_gc()

    def draw_text(self, gc: Any, x: float, y: float, *arguments: Any, **named: Any) -> None:
        """Draw text; x, y: its foot."""
        self._svg.draw_text(gc, x, self._size[1] - y, *arguments, **named)
        if named.get("ismath") and named.get("mtext") is not None:
            here, there = (_foot(named["mtext"], each) for each in (self, self._pdf))
            x, y = x + there[0] - here[0], y + there[1] - here[1]
        self._pdf.draw_text(gc, x, y, *arguments, **named)

    def draw_tex(self, gc: Any, x: float, y: float, *arguments: Any, **named: Any) -> None:
        """Draw text that TeX has set; x, y: its foot."""
        self._svg.draw_tex(gc, x, self._size[1] - y, *arguments, **named)
        self._pdf.draw_tex(gc, x, y, *arguments, **named)

    draw_path, draw_markers = _both("draw_path"), _both("draw_markers")
    draw_path_collection, draw_quad_mesh = _both("draw_path_collection"), _both("draw_quad_mesh")
    draw_gouraud_triangles, draw_image = _both("draw_gouraud_triangles"), _both("draw_image")
    open_group, close_group, finalize = _both("open_group"), _both("close_group"), _both("finalize")


def _foot(text: Any, renderer: Any) -> Any:
    """Give where a renderer puts a line of text, beside the place that it belongs to.

    A formula is up to a point wider in PDF, where its signs are put in steps of 1/64 point.
    """
    _, lines, _ = text._get_layout(renderer)
    return np.ravel(lines[0][2:])


@lru_cache(maxsize=4096)
def _measured(text: str, font: Font, ismath: Any) -> tuple[float, float, float]:
    width, height, descent = letters_of_paths().get_text_width_height_descent(
        text, font.properties, ismath
    )
    return width, height, descent


@lru_cache(maxsize=256)
def _vertical(font: Font) -> tuple[float | None, ...]:
    """Give ascent, descent and line gap in points; None where a font does not tell."""
    file = opened(font)
    size = font.properties.get_size_in_points()
    for name, *keys in _VERTICAL:
        table = file.get_sfnt_table(name)
        if table is not None:
            scale = 1 / file.get_sfnt_table("head")["unitsPerEm"] * size
            gap, ascent, descent = (table[key] * scale for key in keys)
            return ascent, -descent, gap
    return None, None, None

"""Figures in the PDF of a report: taken from their own PDF files as they are.

WeasyPrint would draw the SVG of each figure again, which was more than half of the time of a PDF.
It lays out stand-ins here, of the size of the figures, and pikepdf (qpdf) puts the figures in
their places.
"""

from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.errors import SectionError

if TYPE_CHECKING:
    from pikepdf import Pdf

SMALL_DPI = 110
SMALL_QUALITY = 55  # of JPEG
_MARK = "/ReportgenFigure"  # in a stand-in: which figure belongs there


class StandIn:
    """What WeasyPrint takes for an image: nothing but its place, and a size in points."""

    def __init__(self, number: int, width: float, height: float) -> None:
        self.id = f"figure{number}"  # WeasyPrint names the object of the page after it
        self._number = number
        self._width = width
        self._height = height

    def get_intrinsic_size(self, _resolution: float, _font_size: float) -> tuple[float, ...]:
        """Give width and height in CSS pixels, 96 to the inch, and their ratio."""
        return self._width * 96 / 72, self._height * 96 / 72, self._width / self._height

    def draw(self, stream: Any, width: float, height: float, _style: object) -> None:
        """Put the stand-in on a page, width and height in the page's units, y downwards."""
        name = stream.add_image(self, True, 1)
        stream.transform(width / self._width, 0, 0, -height / self._height, 0, height)
        stream.draw_x_object(name)

    def get_x_object(self, _interpolate: bool, _dpi_ratio: float) -> Any:
        """Give the object that the figure will take the place of."""
        import pydyf

        box = pydyf.Array([0, 0, self._width, self._height])
        extra = {"Type": "/XObject", "Subtype": "/Form", "BBox": box, _MARK[1:]: self._number}
        return pydyf.Stream([], extra)


class Picture(StandIn):
    """A figure as a JPEG."""

    def __init__(self, number: int, width: float, height: float, png: Path) -> None:
        """Read its PNG; width, height: of the figure in points."""
        from PIL import Image

        super().__init__(number, width, height)
        self._size = round(width / 72 * SMALL_DPI) or 1, round(height / 72 * SMALL_DPI) or 1
        with Image.open(png) as opened:
            picture = opened.convert("RGB").resize(self._size, Image.Resampling.LANCZOS)
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=SMALL_QUALITY, optimize=True)
        self.content = buffer.getvalue()

    def draw(self, stream: Any, width: float, height: float, _style: object) -> None:
        """Put the picture on a page."""
        name = stream.add_image(self, True, 1)
        stream.transform(width, 0, 0, -height, 0, height)
        stream.draw_x_object(name)

    def get_x_object(self, _interpolate: bool, _dpi_ratio: float) -> Any:
        """Give the picture as an object of the PDF."""
        import pydyf

        width, height = self._size
        extra = {
            "Type": "/XObject",
            "Subtype": "/Image",
            "Width": width,
            "Height": height,
            "ColorSpace": "/DeviceRGB",
            "BitsPerComponent": 8,
            "Filter": "/DCTDecode",
        }
        return pydyf.Stream([self.content], extra)


class Figures:
    """The figures of a run, by the address that the page has for each."""

    def __init__(
        self, run: Path, files: Iterable[Mapping[str, str]], *, small: bool = False
    ) -> None:
        """Open the PDF of each figure; files: its path in the run, by form.

        small: take pictures of those of which they are smaller, for a mail.
        """
        import pikepdf

        self._open: list[pikepdf.Pdf] = []
        self.stand_ins: dict[str, StandIn] = {}
        for forms in files:
            if "svg" not in forms or "pdf" not in forms:
                continue
            path = run / forms["pdf"]
            try:
                opened = pikepdf.open(path)
                left, bottom, right, top = map(float, opened.pages[0].mediabox)
            except (pikepdf.PdfError, OSError, IndexError, ValueError) as error:
                raise SectionError(
                    f"{path}: cannot be read as a PDF: {error}", "build the report again"
                ) from None
            stand_in = StandIn(len(self._open), right - left, top - bottom)
            if small:
                size = right - left, top - bottom
                picture = Picture(len(self._open), *size, run / forms["png"])
                if len(picture.content) < path.stat().st_size:
                    stand_in = picture
            self._open.append(opened)
            self.stand_ins[(run / forms["svg"]).as_uri()] = stand_in

    def put_into(self, pdf: "Pdf") -> None:
        """Put the figures in place of their stand-ins in an open PDF."""
        import pikepdf

        for place in list(pdf.objects):
            if isinstance(place, pikepdf.Stream) and _MARK in place:
                self._fill(pdf, place, int(place[_MARK]))

    def _fill(self, pdf: "Pdf", place: Any, number: int) -> None:
        form = pdf.copy_foreign(self._open[number].pages[0].as_form_xobject())
        place.write(form.read_bytes())
        for key in ("/BBox", "/Matrix", "/Group", "/Resources"):
            if key in form:
                place[key] = form[key]
        del place[_MARK]

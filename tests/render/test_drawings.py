import re
from base64 import b64decode
from io import BytesIO

import numpy as np
import pikepdf
import pytest
from matplotlib.figure import Figure as Drawing
from PIL import Image
from pypdf import PdfReader

from reportgen.render.drawings import png_of, quick_fonts, settled_layout, small_images
from reportgen.style import house_style


@pytest.fixture
def drawing():
    with house_style():
        drawing = Drawing(figsize=(3.3, 2.0))
        axes = drawing.add_subplot()
        axes.plot([1, 1e4], [1, 2], color="#aa0000")
        axes.set(xscale="log", xlabel="Flux density [µJy]", ylabel="αβ ≤ 10² objects")
    return drawing


def saved(drawing, form, **options):
    buffer = BytesIO()
    drawing.savefig(buffer, format=form, **options)
    return buffer.getvalue()


def text_of(pdf):
    return PdfReader(BytesIO(pdf)).pages[0].extract_text()


def fonts_of(pdf):
    """Give the embedded font programs of a page, by the name of the font without its tag."""
    with pikepdf.open(BytesIO(pdf)) as opened:
        fonts = opened.pages[0].Resources.Font.values()
        inner = [font.DescendantFonts[0] for font in fonts]
        return {
            str(each.BaseFont).partition("+")[2]: each.FontDescriptor.FontFile2.read_bytes()
            for each in inner
        }


def test_a_settled_layout_is_that_of_matplotlib_and_is_not_made_again(drawing):
    with house_style(), settled_layout(drawing):
        settled = drawing.axes[0].get_position().bounds
        assert drawing.get_layout_engine() is None
        other = Drawing(figsize=(3.3, 2.0), dpi=72, layout="constrained")
        axes = other.add_subplot()
        axes.plot([1, 1e4], [1, 2])
        axes.set(xscale="log", xlabel="Flux density [µJy]", ylabel="αβ ≤ 10² objects")
        other.draw_without_rendering()
        assert axes.get_position().bounds == pytest.approx(settled, abs=1e-3)
        drawing.axes[0].set_ylabel("two\nlines\nthat would take more room")
        for form in ("svg", "pdf", "svg"):
            saved(drawing, form)
        assert drawing.axes[0].get_position().bounds == settled


def test_quick_fonts_say_and_look_the_same_as_those_of_matplotlib(drawing):
    with house_style(), settled_layout(drawing):
        slow = saved(drawing, "pdf", metadata={"CreationDate": None})
        with quick_fonts():
            quick = saved(drawing, "pdf", metadata={"CreationDate": None})
    assert quick != slow
    assert text_of(quick) == text_of(slow)
    assert "Flux density" in text_of(quick)
    pictures = [np.asarray(Image.open(BytesIO(png_of(pdf, 220, "t")))) for pdf in (quick, slow)]
    assert np.abs(pictures[0].astype(int) - pictures[1].astype(int)).max() <= 8
    assert pictures[0].min() < 80  # something is drawn


def test_quick_fonts_hold_only_the_glyphs_of_the_figure(drawing):
    with house_style(), quick_fonts():
        fonts = fonts_of(saved(drawing, "pdf"))
    assert "SourceSans3-Regular" in fonts
    assert all(len(program) < 40_000 for program in fonts.values()), {
        name: len(program) for name, program in fonts.items()
    }


def test_matplotlib_has_its_own_way_with_fonts_back_afterwards():
    from matplotlib.backends import _backend_pdf_ps as writers

    def fail():
        with quick_fonts():
            assert writers.get_glyphs_subset is not before
            raise KeyError

    before = writers.get_glyphs_subset
    with pytest.raises(KeyError):
        fail()
    assert writers.get_glyphs_subset is before


def test_a_png_has_the_size_the_title_and_a_white_ground(drawing):
    with house_style(), settled_layout(drawing):
        pdf = saved(drawing, "pdf")
    picture = Image.open(BytesIO(png_of(pdf, 220, "A line <b>")))
    assert picture.mode == "RGB"
    assert picture.size == pytest.approx((3.3 * 220, 2.0 * 220), abs=1)
    assert picture.info["Title"] == "A line <b>"
    assert picture.info["dpi"] == pytest.approx((220, 220), abs=0.1)
    assert picture.getpixel((0, 0)) == (255, 255, 255)
    reds = np.asarray(picture).astype(int)
    assert ((reds[..., 0] > 150) & (reds[..., 1] < 60)).any(), "the line is not there"


def test_a_png_is_not_much_longer_than_pillow_makes_it(drawing):
    with house_style(), settled_layout(drawing):
        content = png_of(saved(drawing, "pdf"), 220, "A line")
    buffer = BytesIO()
    Image.open(BytesIO(content)).save(buffer, "PNG")
    assert len(content) < 1.4 * len(buffer.getvalue())


def test_a_figure_that_is_placed_by_hand_is_left_as_it_is_without_a_warning():
    with house_style():
        drawing = Drawing(figsize=(2, 2))
        drawing.set_layout_engine("none")
        axes = drawing.add_axes((0.1, 0.2, 0.7, 0.6))
        with settled_layout(drawing):
            for form in ("svg", "pdf"):
                saved(drawing, form)
    assert axes.get_position().bounds == pytest.approx((0.1, 0.2, 0.7, 0.6))


def images_of(drawing):
    """Give the images in an SVG, as they are packed."""
    packed = re.findall(rb"data:image/png;base64,\s*([^\"]+)", saved(drawing, "svg"))
    return [Image.open(BytesIO(b64decode(each))) for each in packed]


def of_colours(n, alpha):
    """Give a figure of an image with so many colours and one of noise."""
    with house_style():
        drawing = Drawing(figsize=(3, 3))
        pixels = np.full((200, 200, 4), alpha, np.uint8)
        pixels[..., 0] = np.arange(40_000).reshape(200, 200) % n
        drawing.figimage(pixels)
    return drawing


@pytest.mark.parametrize(("colours", "alpha"), [(1, 255), (200, 255), (256, 90), (256, 0)])
def test_an_image_of_few_colours_has_a_palette_and_the_same_pixels(colours, alpha):
    with house_style():
        (large,) = images_of(of_colours(colours, alpha))
        with small_images():
            (small,) = images_of(of_colours(colours, alpha))
    assert (large.mode, small.mode) == ("RGBA", "P")
    np.testing.assert_array_equal(np.asarray(small.convert("RGBA")), np.asarray(large))


def test_an_image_of_many_colours_stays_as_it_is():
    drawing = of_colours(256, 255)
    noise = np.random.default_rng(1).integers(0, 255, (200, 200, 4), dtype=np.uint8)
    drawing.images[0].set_data(noise)
    with house_style(), small_images():
        (image,) = images_of(drawing)
    assert image.mode == "RGBA"


def test_matplotlib_has_its_own_way_with_images_back_afterwards():
    from matplotlib.backends import backend_svg

    before = backend_svg.Image
    with small_images():
        assert backend_svg.Image is not before
    assert backend_svg.Image is before

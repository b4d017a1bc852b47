from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from reportgen.render.png import png

RANDOM = np.random.default_rng(2)


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_pixels_read_back_as_they_were(pixels):
    made = Image.open(BytesIO(png(pixels, 220, "t")))
    assert (made.mode, made.format) == ("RGB", "PNG")
    np.testing.assert_array_equal(np.asarray(made), pixels)


def test_a_part_of_an_array_is_written_as_it_is():
    pixels = RANDOM.integers(0, 255, (20, 30, 4), dtype=np.uint8)[:, ::2, :3]
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(png(pixels, 220, "t")))), pixels)


@pytest.mark.parametrize("title", ["A line <b>", "µ é", "α − ≤ 10² 文"])
def test_it_says_the_title_and_the_resolution(title):
    made = Image.open(BytesIO(png(np.zeros((2, 2, 3), np.uint8), 220, title)))
    assert made.info["Title"] == title
    assert made.info["dpi"] == pytest.approx((220, 220), abs=0.1)


def test_a_picture_of_lines_is_small():
    pixels = np.full((400, 700, 3), 255, np.uint8)
    pixels[100:300, 50:600:20] = 0
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    assert len(png(pixels, 220, "t")) < 2 * len(buffer.getvalue())

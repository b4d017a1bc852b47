from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from reportgen.render.png import png

pictures = arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)))


def opened(content):
    picture = Image.open(BytesIO(content))
    picture.load()
    return picture


@given(pictures)
def test_every_pixel_is_as_it_was(pixels):
    picture = opened(png(pixels, 220, "t"))
    assert picture.mode == "RGB"
    assert np.array_equal(np.asarray(picture), pixels)


def test_a_picture_that_is_a_view_of_a_larger_one_is_written_as_it_is_seen():
    pixels = np.random.default_rng(5).integers(0, 256, (30, 40, 3), np.uint8)[::2, 3:20]
    assert np.array_equal(np.asarray(opened(png(pixels, 220, "t"))), pixels)


@pytest.mark.parametrize("title", ["Flux", "Flux density in µJy, 3″", "α ≤ β", "a <b> & c", ""])
def test_it_tells_its_title_and_resolution(title):
    picture = opened(png(np.zeros((2, 3, 3), np.uint8), 220, title))
    assert picture.info["Title"] == title
    assert picture.info["dpi"] == pytest.approx((220, 220), abs=0.02)
    assert picture.size == (3, 2)

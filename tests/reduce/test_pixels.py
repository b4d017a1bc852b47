import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from reportgen.reduce.maps import Batch, scan_maps
from reportgen.reduce.pixels import LONGEST, DescribePixels

IMAGES = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.floats(-1e6, 1e6, width=32) | st.sampled_from([np.nan, np.inf, 1.0]),
)


def statistics(image, **keys):
    wanted = DescribePixels(None, 0, **keys)
    image = np.asarray(image, np.float32)
    image = image[..., np.newaxis] if image.ndim == 2 else image
    return scan_maps([wanted], iter([Batch(image[np.newaxis], 0)]), None)[wanted]


@given(IMAGES)
def test_quantiles_and_counts_are_those_of_the_finite_pixels(image):
    found, valid = statistics(image, level=1.0), image[np.isfinite(image)].astype(float)
    assert (found.valid, found.all, found.shape) == (len(valid), image.size, image.shape)
    if len(valid):
        np.testing.assert_allclose(found.curve, np.quantile(valid, found.shares), atol=1e-9)
        assert found.quantile(0.5) == pytest.approx(np.median(valid), abs=1e-9)
        assert found.below == (valid < 1).sum()
        assert valid.min() <= found.mode <= valid.max()
    np.testing.assert_array_equal(np.isfinite(found.picture), np.isfinite(image))


@pytest.mark.parametrize("shape", [(LONGEST * 3, 7), (LONGEST * 2 + 1, 450), (5, LONGEST)])
def test_the_picture_has_the_means_of_squares(shape):
    image = np.random.default_rng(1).normal(size=shape).astype("f4")
    image[:3, :3] = np.nan
    found = statistics(image)
    side = found.side
    assert max(found.picture.shape) <= LONGEST
    assert found.picture.shape == tuple(-(-length // side) for length in shape)
    for row, column in ((0, 0), (1, 1), (-1, -1)):
        top, left = row % found.picture.shape[0] * side, column % found.picture.shape[1] * side
        square = image[top : top + side, left : left + side].astype(float)
        wanted = np.nanmean(square) if np.isfinite(square).any() else np.nan
        assert found.picture[row, column] == pytest.approx(wanted, nan_ok=True)


def test_the_mode_is_the_commonest_value_and_a_channel_one_of_several():
    random = np.random.default_rng(1)
    image = np.stack([random.exponential(5, (200, 200)), random.normal(7, 0.5, (200, 200))], -1)
    assert statistics(image, channel=0).mode < 1
    assert statistics(image, channel=1).mode == pytest.approx(7, abs=0.2)
    assert statistics(np.full((4, 5), 3.0)).mode == 3

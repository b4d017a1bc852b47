import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reportgen.reduce.maps import Batch, DescribeFilters, MapsOf, scan_maps
from reportgen.reduce.responses import OccludeImage, PoolMaps, Squares, WholeImages, principal

OF = MapsOf("trained")


def network(_, images):
    """Give each image, its square, and where it is above 0, as three maps."""
    stack = images[..., 0]
    return np.stack([stack, stack**2, np.maximum(stack, 0)], axis=1)


def in_batches(stack, size):
    return (Batch(stack[k : k + size, ..., np.newaxis], k) for k in range(0, len(stack), size))


@given(st.integers(1, 9), st.integers(0, 6), st.integers(1, 12), st.sets(st.integers(0, 9)))
def test_maps_are_pooled_image_by_image_without_the_blank_ones_however_they_are_split(
    size, first, count, blank
):
    stack = np.random.default_rng(1).normal(size=(10, 4, 5)).astype(np.float32)
    stack[sorted(blank), 1, 1] = np.nan
    whole, pooled = WholeImages(None, first, count), PoolMaps(OF, first, count)
    found = scan_maps([whole, pooled], in_batches(stack, size), network)
    places = [k for k in range(first, min(10, first + count)) if k not in blank]
    assert found[whole].tolist() == places
    if not places:
        assert found[pooled].size == 0
        return
    maps = network(None, stack[places][..., None]).astype(float)
    mean, highest = found[pooled]
    assert mean == pytest.approx(maps.mean(axis=(2, 3)), rel=1e-5, abs=1e-6)
    assert (highest == maps.max(axis=(2, 3))).all()


def test_states_of_responses_are_merged_in_their_order():
    stack = np.random.default_rng(1).normal(size=(6, 4, 5)).astype(np.float32)
    stack[3] = np.inf
    for reduction, maps in (
        (WholeImages(None, 7, 6), stack[:, None]),
        (PoolMaps(OF, 0, 6), network(None, stack[..., None])),
    ):
        one, two = (reduction.update(reduction.start(), part) for part in (maps[:2], maps[2:]))
        once = reduction.update(reduction.start(), maps)
        joined = reduction.finish(reduction.merge(one, two))
        assert np.array_equal(joined, reduction.finish(once))
    assert joined.shape == (2, 6, 3)


@pytest.mark.parametrize("shape", [(24, 36), (3, 2), (1, 1), (50, 7)])
def test_hiding_a_square_changes_the_maps_by_what_is_in_it(shape):
    stack = np.random.default_rng(2).normal(5, 1, (3, *shape)).astype(np.float32)
    hide = OccludeImage(OF, 1, steps=5)
    found = scan_maps([hide], in_batches(stack, 2), lambda _, x: np.moveaxis(x, -1, 1))[hide]
    image = stack[1].astype(float)
    squares = Squares.of(shape, 5)
    assert squares.rows[-1] + squares.side == shape[0]
    assert squares.columns[-1] + squares.side == shape[1]
    for i, row in enumerate(squares.rows):
        for j, column in enumerate(squares.columns):
            inside = image[row : row + squares.side, column : column + squares.side]
            change = np.sqrt(((inside - np.median(stack[1])) ** 2).sum() / (image**2).sum())
            assert found[i, j] == pytest.approx(change, rel=1e-5, abs=1e-7)


def test_a_blank_image_and_silent_maps_have_no_change():
    stack = np.ones((2, 8, 8), np.float32)
    stack[1, 0, 0] = np.nan
    blank, silent = OccludeImage(OF, 1), OccludeImage(OF, 0)
    found = scan_maps([blank, silent], in_batches(stack, 2), lambda _, x: 0 * network(_, x))
    assert found[blank] is None
    assert np.isnan(found[silent]).all()
    assert found[silent].shape == (11, 11)


@given(arrays(float, (7, 4), elements=st.integers(-50, 50).map(float)))
def test_principal_components_are_those_of_the_singular_values(values):
    centred = values - values.mean(axis=0)
    singular = np.linalg.svd(centred, compute_uv=False) ** 2
    along, shares = principal(values, 2)
    if not singular.sum() > 1e-9:
        return
    assert shares == pytest.approx(singular[:2] / singular.sum(), abs=1e-9)
    assert (along**2).sum(axis=0) == pytest.approx(singular[:2], abs=1e-6 * singular[0])


def test_the_covariance_of_activations_is_that_of_numpy():
    stack = np.random.default_rng(3).normal(size=(9, 6, 6)).astype(np.float32)
    described = DescribeFilters(OF, 0, 9)
    found = scan_maps([described], in_batches(stack, 4), network)[described]
    rows = np.moveaxis(network(None, stack[..., None]), 1, -1).reshape(-1, 3).astype(float)
    assert found.covariance == pytest.approx(np.cov(rows.T, bias=True), rel=1e-5)

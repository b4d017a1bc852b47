from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reportgen.reduce.maps import (
    Batch,
    CountImages,
    DescribeFilters,
    FirstMaps,
    ImageCount,
    MapReduction,
    MapsOf,
    scan_maps,
)
from reportgen.reduce.scan import Failure

OF = MapsOf("trained")
NUMBERS = st.one_of(st.just(0.0), st.floats(-1e6, 1e6, width=32))
MAPS = st.tuples(*(st.integers(1, n) for n in (9, 4, 3, 3))).flatmap(
    lambda shape: arrays(np.float32, shape, elements=NUMBERS)
)


def described(*parts):
    reduction = DescribeFilters(OF, count=99)
    states = [reduction.update(reduction.start(), part) for part in parts]
    total = states[0]
    for state in states[1:]:
        total = reduction.merge(total, state)
    return reduction.finish(total)


@given(MAPS, st.data())
def test_statistics_are_those_of_numpy_over_all_images_however_they_are_split(maps, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(maps)), max_size=3)))
    found = described(*np.split(maps, cuts))
    exact = maps.astype(np.float64)
    size = max(1e-30, float(np.abs(exact).max()))
    close = {"rtol": 1e-9, "atol": 1e-9 * size}
    np.testing.assert_allclose(found.mean, exact.mean(axis=0), **close)
    np.testing.assert_allclose(found.std, exact.std(axis=0), **close)
    np.testing.assert_allclose(found.level, exact.mean(axis=(0, 2, 3)), **close)
    np.testing.assert_allclose(found.spread, exact.mean(axis=(2, 3)).std(axis=0), **close)
    assert found.n == len(maps)
    assert np.array_equal(found.zeros, (exact == 0).mean(axis=(0, 2, 3)))
    assert np.array_equal(found.awake, (exact != 0).any(axis=(2, 3)).sum(axis=0))


@given(st.integers(0, 2**32 - 1), st.integers(1, 7))
def test_the_correlation_of_filters_is_that_of_numpy(seed, cut):
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(8, 5, 3, 4)).astype(np.float32)
    maps[:, 3] = 2 * maps[:, 1] + 7
    found = described(maps[:cut], maps[cut:])
    rows = np.moveaxis(maps, 1, -1).reshape(-1, 5).astype(np.float64)
    np.testing.assert_allclose(found.correlation, np.corrcoef(rows.T), atol=1e-7)
    assert found.correlation[1, 3] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 3e7])
def test_a_filter_that_never_changes_has_no_correlation(value):
    maps = np.random.default_rng(1).normal(size=(6, 3, 4, 4)).astype(np.float32)
    maps[:, 1] = value
    correlation = described(maps[:1], maps[1:4], maps[4:]).correlation
    assert np.isnan(correlation[1]).all()
    assert np.isnan(correlation[:, 1]).all()
    assert np.isfinite(correlation[np.ix_([0, 2], [0, 2])]).all()


def test_no_images_have_no_statistics():
    assert described(np.empty((0, 3, 4, 4), np.float32)) is None


# The pass over the images


def images(n, side=4):
    return np.arange(n * side * side, dtype=np.float32).reshape(n, side, side)


def in_batches(stack, size):
    return (Batch(stack[k : k + size, ..., np.newaxis], k) for k in range(0, len(stack), size))


@dataclass
class Network:
    """Gives each image and its double as two maps, and remembers what it was shown."""

    shown: list

    def maps(self, of, images):
        stack = images[..., 0]
        self.shown.append((of, stack[:, 0, 0].tolist()))
        if of.weights == "broken":
            raise ValueError("no such weights")
        return np.stack([stack, 2 * stack], axis=1)


@pytest.mark.parametrize("size", [1, 3, 8, 100])
def test_a_reduction_sees_its_images_only(size):
    stack = images(10)
    statistics, chosen = DescribeFilters(OF, 2, 5), FirstMaps(OF, 7)
    raw, beyond = FirstMaps(None, 4), CountImages(None, 6, 100)
    found = scan_maps([statistics, chosen, raw, beyond], in_batches(stack, size), Network([]).maps)
    np.testing.assert_allclose(found[statistics].mean[1], 2 * stack[2:7].mean(axis=0))
    assert np.array_equal(found[chosen], np.stack([stack[7], 2 * stack[7]]))
    assert np.array_equal(found[raw], stack[4][None])
    assert found[beyond] == ImageCount(4, 0)


def test_images_with_blank_pixels_are_counted_and_left_out():
    stack = images(5)
    stack[1, 0, 0], stack[3, 2, 2] = np.nan, np.inf
    statistics, count, blank = (
        DescribeFilters(OF, count=5),
        CountImages(None, 0, 5),
        FirstMaps(OF, 1),
    )
    found = scan_maps([statistics, count, blank], in_batches(stack, 2), Network([]).maps)
    assert found[count] == ImageCount(5, 2)
    assert found[statistics].n == 3
    np.testing.assert_allclose(found[statistics].mean[0], stack[[0, 2, 4]].mean(axis=0))
    assert found[blank] is None


def test_weights_that_cannot_be_used_fail_only_what_needs_them():
    broken, fine = FirstMaps(MapsOf("broken")), FirstMaps(OF)
    network = Network([])
    found = scan_maps([broken, fine], in_batches(images(6), 2), network.maps)
    assert isinstance(found[broken], Failure)
    assert str(found[broken].error) == "no such weights"
    assert found[fine].shape == (2, 4, 4)
    assert [of.weights for of, _ in network.shown].count("broken") == 1


@dataclass(frozen=True)
class Stumbling(MapReduction):
    at: str = "update"

    def start(self):
        return self._step("start")

    def update(self, state, maps):
        return self._step("update")

    def merge(self, first, second):
        return self._step("merge")

    def finish(self, state):
        return self._step("finish")

    def _step(self, name):
        if name == self.at:
            raise RuntimeError(name)
        return name


@pytest.mark.parametrize("at", ["start", "update", "finish"])
def test_a_reduction_that_raises_harms_no_other(at):
    stumbling, fine = Stumbling(OF, at=at), FirstMaps(OF)
    found = scan_maps([stumbling, fine], in_batches(images(3), 1), Network([]).maps)
    assert str(found[stumbling].error) == at
    assert found[fine].shape == (2, 4, 4)

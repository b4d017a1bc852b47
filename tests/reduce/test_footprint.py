import numpy as np
import pytest
from hypothesis import given, settings
from splitting import bits, split, splits, table, whole

from reportgen.reduce import footprint
from reportgen.reduce.footprint import Footprint, cells_of

COVERED = Footprint("ra", "dec")


def field(rows, ra=0.0, dec=0.0, side=2.0, seed=4):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-side / 2, side / 2, (2, rows))
    return table(ra=(ra + x / np.cos(np.radians(dec))) % 360, dec=dec + y)


@pytest.mark.parametrize(("ra", "dec"), [(0, 0), (45, 30), (180, -89), (271, 35)])
def test_positions_among_the_rows_are_covered_and_others_are_not(ra, dec):
    covered = whole(COVERED, field(4000, ra, dec))
    inside = field(3000, ra, dec, side=1.9, seed=5)
    assert covered.holds(inside["ra"], inside["dec"]).mean() > 0.99
    beyond = field(3000, ra + 2.5 / np.cos(np.radians(dec)), dec, side=2.0, seed=6)
    if abs(dec) < 80:
        assert not covered.holds(beyond["ra"], beyond["dec"]).any()
    assert 0.03 < covered.side < 0.2


def test_cells_are_about_equal_in_area():
    rng = np.random.default_rng(2)
    at = rng.normal(size=(600_000, 3))
    at /= np.linalg.norm(at, axis=1, keepdims=True)
    cells = footprint.coarser(cells_of(at), footprint.FINEST - 3)
    counts = np.unique(cells, return_counts=True)[1]
    assert len(counts) == 6 * 64
    assert counts.max() / counts.min() < 1.7


def test_a_few_rows_say_nothing_of_what_is_covered():
    covered = whole(COVERED, field(footprint.FEWEST - 1))
    assert covered.holds(np.array([100.0]), np.array([0.0])).all()


@settings(max_examples=40)
@given(splits)
def test_it_does_not_depend_on_how_rows_are_split(parts):
    columns = field(120, ra=45, dec=35, side=20)
    most, footprint.MOST_CELLS = footprint.MOST_CELLS, 30
    try:
        assert bits(split(COVERED, columns, *parts)) == bits(whole(COVERED, columns))
    finally:
        footprint.MOST_CELLS = most

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from splitting import INF, NAN, anything

from reportgen.reduce.binning import LARGEST_TABLE, Binning, ordered_bits

LARGEST = 1.7976931348623157e308
EDGES = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=40)


@given(st.lists(anything, max_size=60), EDGES)
@example([-0.0, 0.0, NAN, -NAN, INF, -INF], [0.0, 1.0])
@example([-5e-324, 0.0, 5e-324, 1.0], [-5e-324, 0.0, 5e-324])
@example([LARGEST, -LARGEST, INF], [-LARGEST, 0.0, LARGEST])
@example([1.0, 2.0], [1.0, 1.0, 1.0, 1.0, 1.0, 2.0])
@example([-5.0, 5.0], [1.0, 1.0])
@example([-5.0, 5.0], [-1.0, -1.0])
def test_edges_up_to_a_value_are_those_of_a_binary_search(values, edges):
    edges = np.sort(np.array(edges)) + 0.0
    with np.errstate(over="ignore"):
        beside = [*np.nextafter(edges, INF), *np.nextafter(edges, -INF)]
    values = np.array([*values, *edges, *beside])
    binning = Binning(edges)
    found = binning.edges_up_to(values)
    missing = np.isnan(values)
    expected = np.searchsorted(edges, values, side="right")
    assert found[~missing].tolist() == expected[~missing].tolist()
    assert (binning.bins(values, found)[missing] == -1).all()


@pytest.mark.parametrize(
    "edges",
    [
        np.linspace(0, 1, 41),
        np.linspace(-3, 500, 401),
        np.geomspace(1e-3, 1e6, 201),
        np.linspace(52.9, 53.1, 4001),
        np.sort(np.random.default_rng(1).lognormal(3, 1.5, 511)),
    ],
)
def test_edges_that_are_usual_have_a_table_of_limited_size(edges):
    binning = Binning(edges)
    assert binning._table is not None
    assert len(binning._table) <= LARGEST_TABLE
    values = np.random.default_rng(2).uniform(edges[0] - 1, edges[-1] + 1, 10_000)
    expected = np.searchsorted(edges, values, side="right")
    assert binning.edges_up_to(values).tolist() == expected.tolist()


def test_more_edges_than_two_bytes_count_are_told_apart():
    edges = np.arange(40_001.0)
    assert Binning(edges).edges_up_to(np.array([39_999.5, 40_000.0])).tolist() == [40_000, 40_001]


def test_the_last_bin_includes_its_upper_edge_and_nothing_beyond():
    binning = Binning(np.array([0.0, 1.0, 2.0]))
    values = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 2.5, NAN])
    assert binning.bins(values, binning.edges_up_to(values)).tolist() == [-1, 0, 0, 1, 1, -1, -1]


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=30))
def test_the_order_of_the_bits_is_that_of_the_values(values):
    values = np.array(values)
    bits = ordered_bits(values)
    assert ((values[:, None] < values) == (bits[:, None] < bits)).all()

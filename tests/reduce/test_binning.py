import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from splitting import INF, NAN, anything

from reportgen.reduce.binning import Binning, ordered_bits

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


def test_more_edges_than_two_bytes_count_are_told_apart():
    edges = np.arange(40_001.0)
    assert Binning(edges).edges_up_to(np.array([39_999.5, 40_000.0])).tolist() == [40_000, 40_001]


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=30))
def test_the_order_of_the_bits_is_that_of_the_values(values):
    values = np.array(values)
    bits = ordered_bits(values)
    assert ((values[:, None] < values) == (bits[:, None] < bits)).all()

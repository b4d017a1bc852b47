import pytest

from reportgen.reduce.base import Source
from reportgen.reduce.counts import Count
from reportgen.reduce.plan import columns_to_keep, keys_of_each
from reportgen.reduce.quantiles import Order, Quantiles
from reportgen.reduce.ranks import Spearman
from reportgen.reduce.sketch import BYTES_PER_KEY, FEWEST_KEYS, MAX_KEYS

ROWS = 1000
A_COLUMN = 8 * ROWS
ORDERS = [Quantiles("a", (0.5,)), Quantiles("b", (0.5,)), Quantiles("b", (0.1,)), Order("c")]
WORKING = Order.working


def kept(reductions, columns):
    """Decide with memory for so many columns."""
    read = {reduction: reduction.columns for reduction in reductions}
    return columns_to_keep(read, Source(ROWS, columns * A_COLUMN))


def test_everything_is_kept_if_it_fits_with_what_one_reduction_needs_beside():
    found = kept([*ORDERS, Count("d")], 4 + WORKING)
    assert (found.columns, found.everything, found.left) == (frozenset("abcd"), True, 0)


def test_columns_that_are_exact_without_being_kept_are_given_up_first():
    found = kept([*ORDERS, Count("d")], 3 + WORKING)
    assert (found.columns, found.everything) == (frozenset("abc"), False)
    assert all(found.holds_for(each) for each in ORDERS)
    assert not found.holds_for(Count("d"))


def test_beyond_that_the_columns_of_most_reductions_get_half_of_the_memory():
    for columns, expected in ((2 + WORKING, ""), (2 * (1 + WORKING), "abc")):
        assert kept(ORDERS, columns).columns == frozenset(expected)
    many = [*ORDERS, *(Order(name) for name in "defghijk")]
    found = kept(many, 2 * (1 + WORKING))
    assert found.columns == {"b"}
    assert found.left == (1 + WORKING) * A_COLUMN


def test_one_that_needs_much_does_not_take_the_others_their_memory():
    large = Spearman(tuple("abcdefghijklmnop"))
    assert kept([*ORDERS, large], 2 * (3 + WORKING)).columns == frozenset("abc")


@pytest.mark.parametrize("turned", [1, -1])
def test_what_is_kept_does_not_depend_on_the_order_of_the_sections(turned):
    many = [Order(name) for name in "abcdefghijkl"][::turned]
    assert kept(many, 2 * (2 + WORKING)).columns == frozenset("ab")


def test_sketches_share_the_memory_that_is_left():
    four = [Order(name) for name in "abcd"]
    assert keys_of_each(four, 4 * 100_000 * BYTES_PER_KEY) == 100_000
    assert keys_of_each(four, 2**40) == MAX_KEYS
    assert keys_of_each(four, 0) == FEWEST_KEYS
    assert keys_of_each([], 10) == FEWEST_KEYS

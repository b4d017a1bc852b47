from hypothesis import given
from hypothesis import strategies as st
from splitting import bits, split, splits, tables

from reportgen.reduce.rows import ReadRows


@given(tables(names="a"), splits, st.integers(0, 60), st.integers(0, 60))
def test_rows_are_those_of_the_column_however_they_are_split(columns, parts, start, more):
    found = split(ReadRows("a", start, start + more), columns, *parts)
    assert bits(found) == bits(columns["a"][start : start + more])

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.data.dataset import as_numbers


def test_marks_become_missing_and_infinities_stay():
    found = as_numbers(np.array([-99.0, 0, 1, np.nan, np.inf, -np.inf]), (-99.0, 0.0))
    assert np.isnan(found).tolist() == [True, True, False, True, False, False]
    assert found[4:].tolist() == [np.inf, -np.inf]
    assert np.isnan(as_numbers(np.array([True, False]), (0.0,))).tolist() == [False, True]


@pytest.mark.parametrize("dtype", ["f2", "<f4", ">f4", "f8", "longdouble"])
def test_a_mark_is_compared_in_the_type_on_disk(dtype):
    raw = np.array([-99.9, -99.8, 99.9], dtype=dtype)
    assert np.isnan(as_numbers(raw, (-99.9,))).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("dtype", "values", "marks", "matches"),
    [
        ("f4", [np.inf, -np.inf, 0, 1], (1e300, -1e300, 1e-300), []),  # none that it can hold
        ("u1", [0, 255, 1], (-1.0, 256.0, 0.5, 1e300), []),
        ("i8", [2**53, 2**53 + 1, -(2**63)], (2.0**53,), [0]),  # several integers are one float64
        ("i8", [2**53, 2**53 + 1, -(2**63)], (-(2.0**63),), [2]),
        ("u8", [2**64 - 1, 5], (float(2**64 - 1),), [0]),  # rounded in the YAML, too
        ("i8", [2**53, 2**53 + 1, 2**53 + 2], (2**53 + 1,), [1]),
    ],
)
def test_a_mark_is_the_number_that_the_type_on_disk_holds(dtype, values, marks, matches):
    found = as_numbers(np.array(values, dtype=dtype), marks)
    assert np.flatnonzero(np.isnan(found)).tolist() == matches


@given(
    st.lists(st.floats(width=32), max_size=20),
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=3),
)
def test_marks_of_any_value_are_found_in_float32(values, marks):
    raw = np.array([*values, *marks], dtype="f4")
    found = as_numbers(raw, tuple(float(mark) for mark in marks))
    expected = [np.isnan(value) or value in marks for value in raw.tolist()]
    assert np.isnan(found).tolist() == expected
    assert (found[~np.isnan(found)] == raw[~np.isnan(found)]).all()

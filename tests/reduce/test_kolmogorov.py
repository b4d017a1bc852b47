import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from reportgen.reduce.kolmogorov import kolmogorov


@given(st.floats(0, 30))
def test_it_is_that_of_scipy(gap):
    assert kolmogorov(gap) == pytest.approx(special.kolmogorov(gap), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("gap", [0.0, 0.0399, 0.04, 0.2, 1.1799, 1.18, 5.0, 19.0])
def test_it_is_that_of_scipy_where_it_changes_how_it_is_summed(gap):
    assert kolmogorov(gap) == pytest.approx(special.kolmogorov(gap), rel=1e-13)


@given(st.floats(0, 10), st.floats(0, 10))
def test_a_larger_gap_is_less_probable(one, other):
    low, high = sorted((one, other))
    assert 1 >= kolmogorov(low) >= kolmogorov(high) >= 0


def test_half_of_all_gaps_are_below_the_median_of_the_tables():
    assert kolmogorov(0.82757355518991) == pytest.approx(0.5, abs=1e-12)
    assert kolmogorov(np.float64(1.3580986393225505)) == pytest.approx(0.05, abs=1e-12)

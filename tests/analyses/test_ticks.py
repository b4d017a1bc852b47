import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reportgen.analyses.plotting.axes import new_figure
from reportgen.analyses.plotting.ticks import linear_ticks, log_ticks, set_linear, tick_labels

positive = st.floats(1e-300, 1e300)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0, 30853, ["0", "10,000", "20,000", "30,000"]),
        (-1, 1, ["−1.0", "−0.5", "0.0", "0.5", "1.0"]),
        (1e-5, 9e-5, ["2×10⁻⁵", "4×10⁻⁵", "6×10⁻⁵", "8×10⁻⁵"]),
        (0, 3e12, ["0", "1×10¹²", "2×10¹²", "3×10¹²"]),
        (2460000.1, 2460000.3, ["2,460,000.1", "2,460,000.2", "2,460,000.3"]),
        (1e10, 1e10 + 2, ["10,000,000,000", "10,000,000,001", "10,000,000,002"]),
    ],
)
def test_numbers_along_a_linear_axis(low, high, expected):
    assert tick_labels(linear_ticks(low, high, 3 if low > 1e6 else 5)) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1, 2e5, ["10⁰", "10¹", "10²", "10³", "10⁴", "10⁵"]),
        (0.7, 150, ["1", "10", "100"]),
        (0.02, 3, ["0.1", "1"]),
        (34, 90, ["40", "60", "80"]),
        (3, 30, ["5", "10", "20"]),
        (11, 13, ["11.0", "11.5", "12.0", "12.5", "13.0"]),
        (2e-9, 3e-5, ["10⁻⁸", "10⁻⁷", "10⁻⁶", "10⁻⁵"]),
        (1e-250, 1e250, ["10⁻²⁰⁰", "10⁻¹⁰⁰", "10⁰", "10¹⁰⁰", "10²⁰⁰"]),
    ],
)
def test_numbers_along_a_logarithmic_axis(low, high, expected):
    assert tick_labels(log_ticks(low, high)[0], log=True) == expected


@given(positive, positive)
def test_a_logarithmic_axis_has_some_numbers_and_not_too_many(first, second):
    low, high = sorted((first, second))
    high = max(high, 1.01 * low)
    major, minor = log_ticks(low, high)
    assert 1 <= len(major) <= 9
    assert len(minor) <= 72
    for ticks in (major, minor):
        assert (ticks >= low * (1 - 1e-9)).all()
        assert (ticks <= high * (1 + 1e-9)).all()
    written = tick_labels(major, log=True)
    assert len(set(written)) == len(written)


@given(st.floats(-1e300, 1e300), st.floats(1e-6, 1e300))
@example(999999999998500.0, 1500.0)
def test_a_linear_axis_has_numbers_that_differ_and_lie_within_it(low, width):
    high = low + width
    if not low + width * 1e-3 > low:
        return
    ticks = linear_ticks(low, high)
    assert 2 <= len(ticks) <= 8
    written = tick_labels(ticks)
    assert len(set(written)) == len(written)
    assert (ticks >= low - 1e-6 * width).all()
    assert (ticks <= high + 1e-6 * width).all()


def test_numbers_that_are_wide_leave_room_for_fewer_on_a_horizontal_axis():
    _, axes = new_figure(50)
    set_linear(axes.xaxis, 0, 1)
    set_linear(axes.yaxis, 2460000, 2460000.2)
    many = len(axes.get_yticks())
    set_linear(axes.xaxis, 2460000, 2460000.2)
    assert len(axes.get_xticks()) < many

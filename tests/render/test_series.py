"""A metric over the nights, in characters."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.render.series import Series, SeriesPoint
from reportgen.render.series_text import ASCII, HEIGHT, UNICODE, plot_lines, signs_for

FIRST = date(2026, 9, 1)


def series(*values, days=None, troubled=(), unit="µJy", digits=1, label="Median"):
    days = days or range(len(values))
    points = (
        SeriesPoint(FIRST + timedelta(days=day), value, place not in troubled)
        for place, (day, value) in enumerate(zip(days, values, strict=True))
    )
    return Series(label, unit, digits, tuple(points))


def body(lines):
    """Return the plot itself: what stands right of the axis."""
    return [line.partition("│")[2] for line in lines[1 : HEIGHT + 1]]


def test_the_highest_value_is_at_the_top_and_the_lowest_at_the_bottom():
    lines = plot_lines(series(1.0, 2.0, 3.0), 40)
    assert lines[0] == "Median (µJy)"
    assert lines[1].startswith("3.0 │")
    assert lines[HEIGHT].startswith("1.0 │")
    plot = body(lines)
    assert plot[0].endswith("●")
    assert plot[-1].startswith("●")
    assert lines[HEIGHT + 2].split() == ["2026-09-01", "2026-09-03"]
    assert lines[-1].split() == ["●", "value"]


def test_a_night_without_a_value_is_marked_on_the_floor():
    lines = plot_lines(series(1.0, None, 3.0), 41)
    floor = lines[HEIGHT + 1].partition("└")[2]
    assert floor.count("×") == 1
    assert abs(floor.index("×") - len(floor) // 2) <= 1
    assert "× no value" in lines[-1]
    assert {sign for line in body(lines) for sign in line} == {"●", " "}, "no line joins them"


def test_a_check_that_does_not_hold_is_marked_even_where_nights_are_many():
    lines = plot_lines(series(*[1.0, 2.0] * 60, troubled={60}), 60)
    assert sum(line.count("◆") for line in body(lines)) == 1
    assert "●" not in "".join(lines)
    assert "◆ a check does not hold" in lines[-1]


def test_all_the_same_is_a_line_in_the_middle():
    lines = plot_lines(series(5.0, 5.0, 5.0), 40)
    assert lines[1 + HEIGHT // 2].startswith("5.0 │●")
    assert not body(lines)[0].strip()


floats = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.none() | floats, min_size=1, max_size=80),
    st.integers(40, 150),
    st.sampled_from([UNICODE, ASCII]),
)
def test_no_line_is_wider_than_the_terminal(values, width, signs):
    found = series(*values, digits=None, troubled={3})
    lines = plot_lines(found, width, signs)
    assert all(len(line) <= width for line in lines)
    assert bool(lines) == any(value is not None for value in values)
    if signs is ASCII:
        assert all(ord(sign) < 0x2800 for line in lines for sign in line)


@pytest.mark.parametrize(
    ("encoding", "signs"),
    [("utf-8", UNICODE), ("ascii", ASCII), ("latin-1", ASCII), (None, ASCII), ("nonsense", ASCII)],
)
def test_the_signs_are_those_that_the_terminal_can_write(encoding, signs):
    assert signs_for(encoding) is signs

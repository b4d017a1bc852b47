import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.render.spark import HEIGHT, WIDTH, spark

VALUES = st.lists(st.none() | st.floats(-1e12, 1e12), max_size=40)


def points(drawn):
    return [tuple(map(float, p.split(","))) for line in drawn.lines for p in line.split()]


def test_the_line_rises_with_the_values_and_ends_tonight():
    drawn = spark([1.0, 2.0, 3.0], None, "µJy")
    (line,) = drawn.lines
    heights = [y for _, y in points(drawn)]
    assert heights == sorted(heights, reverse=True)
    assert f"{drawn.x},{drawn.y}" == line.split()[-1]
    assert drawn.text == "3 nights: 1 µJy to 3 µJy"


def test_a_night_without_a_value_parts_the_line():
    drawn = spark([1.0, 2.0, None, 3.0, 1.0], 1, "")
    assert [len(line.split()) for line in drawn.lines] == [2, 2]
    assert drawn.text == "4 nights: 1.0 to 3.0"


def test_tonight_without_a_value_has_no_dot():
    drawn = spark([1.0, 2.0, None], None, "")
    assert (drawn.x, drawn.y) == ("", "")


@pytest.mark.parametrize("values", [[], [1.0], [None, None], [None, 5.0]])
def test_fewer_than_two_values_are_no_line(values):
    assert spark(values, None, "") is None


@given(VALUES)
def test_everything_stays_within_the_picture(values):
    drawn = spark(values, None, "")
    if drawn is not None:
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points(drawn))

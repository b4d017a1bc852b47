import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.render.spark import HEIGHT, WIDTH, spark


def test_the_line_rises_with_the_values_and_a_night_without_one_parts_it():
    drawn = spark([1.0, 2.0, None, 3.0, 5.0], None, "µJy")
    assert [len(line.split()) for line in drawn.lines] == [2, 2]
    heights = [float(point.partition(",")[2]) for line in drawn.lines for point in line.split()]
    assert heights == sorted(heights, reverse=True)
    assert f"{drawn.x},{drawn.y}" == drawn.lines[-1].split()[-1]
    assert drawn.text == "4 nights: 1 µJy to 5 µJy"
    tonight = spark([1.0, 2.0, None], None, "")
    assert (tonight.x, tonight.y) == ("", "")


@pytest.mark.parametrize("values", [[], [1.0], [None, 5.0]])
def test_fewer_than_two_values_are_no_line(values):
    assert spark(values, None, "") is None


@given(st.lists(st.floats(-1e12, 1e12), min_size=2, max_size=40))
def test_everything_stays_within_the_picture(values):
    for point in " ".join(spark(values, None, "").lines).split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT

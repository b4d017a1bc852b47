from io import BytesIO

import numpy as np
import pytest
from matplotlib.ticker import NullFormatter, NullLocator
from PIL import Image

from reportgen.analyses.drawing import new_figure
from reportgen.analyses.marks import mark_between, marked_between
from reportgen.style import house_style

PLACES = np.array([2.0, 3, 4, 20, 30, 500])


def pixels(name, side, mark):
    """Give a picture of a logarithmic axis on a side, marked in one way."""
    with house_style():
        figure, axes = new_figure(50)
        axis = getattr(axes, f"{name}axis")
        axis.set_ticks_position(side)
        getattr(axes, f"set_{name}scale")("log")
        getattr(axes, f"set_{name}lim")(1, 1000)
        axis.set_minor_formatter(NullFormatter())
        mark(axis)
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=200)
    return np.asarray(Image.open(buffer))


def ticks_of_matplotlib(axis):
    axis.set_ticks(PLACES.tolist(), minor=True)


def ours(axis):
    axis.set_minor_locator(NullLocator())
    mark_between(axis, PLACES)


def none(axis):
    axis.set_minor_locator(NullLocator())


@pytest.mark.parametrize(
    ("name", "side"), [("x", "bottom"), ("x", "top"), ("y", "left"), ("y", "right")]
)
def test_marks_look_as_minor_ticks_of_matplotlib(name, side):
    found, asked, bare = (
        pixels(name, side, mark).astype(int) for mark in (ours, ticks_of_matplotlib, none)
    )
    assert np.abs(found - asked).max() <= 2
    assert (np.abs(found - bare) > 60).any()


def test_marks_are_no_lines_of_what_is_plotted():
    with house_style():
        _, axes = new_figure(50)
        mark_between(axes.xaxis, PLACES)
    assert list(axes.lines) == []
    assert marked_between(axes.xaxis) == PLACES.tolist()
    assert marked_between(axes.yaxis) == []
    assert axes.get_xlim() == (0, 1), "marks do not move the ends of an axis"
